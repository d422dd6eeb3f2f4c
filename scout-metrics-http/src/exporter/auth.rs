//! Who may read: the bearer tokens, and the files that they come from.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use axum::http::{HeaderMap, header::AUTHORIZATION};
use subtle::{Choice, ConstantTimeEq};
use tokio::time::Instant;

use scout_metrics_core::{Error, ErrorKind, Result};

use crate::credentials::{KEEP_LAST_GOOD, Token, read_file};

/// How long after a change a file's time may not tell it from the next change: FAT counts in steps of two seconds.
const TIME_STEP: Duration = Duration::from_secs(2);

/// The tokens that admit a request. Without any, every request is admitted.
#[derive(Debug, Default)]
pub(super) struct Guard {
    tokens: Vec<Token>,
    files: Vec<TokenFile>,
}

impl Guard {
    pub(super) fn with_token(mut self, token: &str) -> Result<Self> {
        let token = Token::parse(token.as_bytes()).map_err(|fault| {
            Error::new(
                ErrorKind::Config,
                format!("the token given to `with_bearer_token` {fault}"),
            )
        })?;
        self.tokens.push(token);
        Ok(self)
    }

    pub(super) fn with_file(mut self, path: PathBuf) -> Result<Self> {
        self.files.push(TokenFile::open(path)?);
        Ok(self)
    }

    /// Returns whether a request with these headers may be answered.
    pub(super) fn admits(&self, headers: &HeaderMap) -> bool {
        if self.tokens.is_empty() && self.files.is_empty() {
            return true;
        }
        let Some(presented) = bearer(headers) else {
            return false;
        };
        // All are compared, so that the time it takes does not tell which one was right.
        let tokens = self
            .tokens
            .iter()
            .map(|token| token.as_bytes().ct_eq(presented));
        let files = self.files.iter().map(|file| file.ct_eq(presented));
        tokens
            .chain(files)
            .fold(Choice::from(0), |found, equal| found | equal)
            .into()
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

/// What tells one content of a file from the next without reading it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
}

impl Stamp {
    /// Returns nothing for a file that changed just now: the next change could have the same time and length.
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let modified = metadata.modified().ok()?;
        let age = SystemTime::now().duration_since(modified).ok()?;
        (age > TIME_STEP).then_some(Self {
            modified,
            length: metadata.len(),
        })
    }
}
