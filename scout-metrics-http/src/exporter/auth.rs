//! Who may read: the bearer tokens, and the files that they come from.

use std::{ops::BitOr, path::PathBuf};

use axum::http::{HeaderMap, header::AUTHORIZATION};
use subtle::{Choice, ConstantTimeEq};

use scout_metrics_core::{Error, ErrorKind, Organization, Result};

use crate::token::{Token, TokenFile};

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
        let file = TokenFile::new(path);
        file.token_blocking()?;
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
            Self::File(file) => match file.token_blocking() {
                Ok(token) => token.as_bytes().ct_eq(presented),
                Err(_) => Choice::from(0),
            },
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
