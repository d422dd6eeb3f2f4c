//! Who may read: the bearer tokens, and the files that they come from.

use std::{
    fmt,
    ops::BitOr,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use axum::http::{HeaderMap, header::AUTHORIZATION};
use subtle::{Choice, ConstantTimeEq};
use tokio::time::Instant;

use scout_metrics_core::{Error, ErrorKind, Organization, Result};

use super::stamp::Stamp;
use crate::{
    credentials::{KEEP_LAST_GOOD, read_file},
    token::Token,
};

/// The tokens that admit a request. Without any, every request is admitted.
#[derive(Debug, Default)]
pub(super) struct Guard(Vec<Bearer>);

/// Who has the token may read: the organization, or everything where none is named.
#[derive(Debug)]
struct Bearer {
    organization: Option<Organization>,
    secret: Secret,
}

#[derive(Debug)]
enum Secret {
    File(TokenFile),
    Value(Token),
}

impl Guard {
    pub(super) fn with_token(
        self,
        organization: Option<Organization>,
        token: &str,
    ) -> Result<Self> {
        let token = Token::parse(token.as_bytes()).map_err(|fault| match &organization {
            Some(organization) => {
                let message = format!("the token given to `with_organization_token` {fault}");
                Error::new(ErrorKind::Config, message).with_organization(organization)
            }
            None => {
                let message = format!("the token given to `with_bearer_token` {fault}");
                Error::new(ErrorKind::Config, message)
            }
        })?;
        Ok(self.with(organization, Secret::Value(token)))
    }

    pub(super) fn with_file(
        self,
        organization: Option<Organization>,
        path: PathBuf,
    ) -> Result<Self> {
        let file = TokenFile::open(path)?;
        Ok(self.with(organization, Secret::File(file)))
    }

    fn with(mut self, organization: Option<Organization>, secret: Secret) -> Self {
        self.0.push(Bearer {
            organization,
            secret,
        });
        self
    }

    /// Returns whether a request with these headers may be answered with what is in an organization, or with what
    /// belongs to none.
    pub(super) fn admits(&self, headers: &HeaderMap, organization: Option<&Organization>) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let Some(presented) = bearer(headers) else {
            return false;
        };
        // All are compared, so that the time it takes does not tell which one was right.
        let admitting = self.0.iter().map(|bearer| {
            let is_enough =
                bearer.organization.is_none() || bearer.organization.as_ref() == organization;
            bearer.secret.ct_eq(presented) & Choice::from(u8::from(is_enough))
        });
        admitting.fold(Choice::from(0), BitOr::bitor).into()
    }
}

impl Secret {
    fn ct_eq(&self, presented: &[u8]) -> Choice {
        match self {
            Self::File(file) => file.ct_eq(presented),
            Self::Value(token) => token.as_bytes().ct_eq(presented),
        }
    }
}

/// Returns the credentials of the one `Authorization` header, if its scheme is Bearer.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.as_bytes();
    if values.next().is_some() {
        return None;
    }
    let (scheme, credentials) = value.split_at_checked("Bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"Bearer ")
        .then(|| credentials.trim_ascii())
}

/// A file that holds a token, read again when it changes.
struct TokenFile {
    path: PathBuf,
    latest: Mutex<Latest>,
}

impl TokenFile {
    fn open(path: PathBuf) -> Result<Self> {
        let stamp = Stamp::of(&path);
        let latest = Latest {
            token: Some(read_file(&path)?.token),
            stamp,
            failing_since: None,
        };
        Ok(Self {
            path,
            latest: Mutex::new(latest),
        })
    }

    fn ct_eq(&self, presented: &[u8]) -> Choice {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.refresh(&self.path);
        let equal = latest
            .token
            .as_ref()
            .map(|token| token.as_bytes().ct_eq(presented));
        equal.unwrap_or(Choice::from(0))
    }
}

impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenFile").field(&self.path).finish()
    }
}

/// The last token that a file held, and what tells that there is no later one.
struct Latest {
    token: Option<Token>,
    stamp: Option<Stamp>,
    failing_since: Option<Instant>,
}

impl Latest {
    /// Reads the file again if it changed. One look at its metadata is cheap enough to be taken for each request.
    fn refresh(&mut self, path: &Path) {
        // Taken before the file is read: a change in between is seen the next time.
        let stamp = Stamp::of(path);
        if stamp.is_some() && stamp == self.stamp {
            return;
        }
        match read_file(path) {
            Ok(content) => {
                *self = Self {
                    token: Some(content.token),
                    stamp,
                    failing_since: None,
                };
            }
            Err(error) => self.keep_last_good(&error.into()),
        }
    }

    fn keep_last_good(&mut self, error: &Error) {
        let failing_since = *self.failing_since.get_or_insert_with(|| {
            tracing::warn!(%error, "the bearer token that the file held before stays good for a while");
            Instant::now()
        });
        if failing_since.elapsed() > KEEP_LAST_GOOD {
            self.token = None;
        }
    }
}
