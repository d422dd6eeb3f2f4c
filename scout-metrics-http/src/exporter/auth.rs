//! Who may read: the bearer tokens, and the files that they come from.

use std::{
    fmt,
    fs::{self, File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use axum::http::{HeaderMap, header::AUTHORIZATION};
use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};

use scout_metrics_core::{Error, ErrorKind, Result};

/// The largest token file that is read. A token has some dozens of characters.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// How long after a change a file's time may not tell it from the next change: FAT counts in steps of two seconds.
const TIME_STEP: Duration = Duration::from_secs(2);

/// The tokens that admit a request. Without any, every request is admitted.
#[derive(Debug, Default)]
pub(super) struct Guard {
    tokens: Vec<Token>,
    files: Vec<TokenFile>,
}

impl Guard {
    pub(super) fn with_token(mut self, token: Token) -> Result<Self> {
        token
            .check()
            .map_err(|fault| Error::new(ErrorKind::Config, format!("the bearer token {fault}")))?;
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
        let tokens = self.tokens.iter().map(|token| token.ct_eq(presented));
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

/// A bearer token, not yet checked.
pub(super) struct Token(SecretString);

impl Token {
    pub(super) fn new(token: impl Into<String>) -> Self {
        Self(token.into().trim().into())
    }

    /// Checks that a header can carry the token; the fault continues a sentence that names where the token is from.
    fn check(&self) -> Result<(), &'static str> {
        let token = self.0.expose_secret();
        if token.is_empty() {
            return Err("is empty");
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has a character that is not visible ASCII");
        }
        Ok(())
    }

    fn ct_eq(&self, presented: &[u8]) -> Choice {
        self.0.expose_secret().as_bytes().ct_eq(presented)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(<redacted>)")
    }
}

/// A file that holds a token, read again when it changes.
struct TokenFile {
    path: PathBuf,
    latest: Mutex<Latest>,
}

/// The last token that a file held, and what told that it was the last.
struct Latest {
    token: Token,
    stamp: Option<Stamp>,
    is_failing: bool,
}

impl TokenFile {
    fn open(path: PathBuf) -> Result<Self> {
        let (token, stamp) = read(&path)?;
        let latest = Latest {
            token,
            stamp,
            is_failing: false,
        };
        Ok(Self {
            path,
            latest: Mutex::new(latest),
        })
    }

    fn ct_eq(&self, presented: &[u8]) -> Choice {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.refresh(&self.path);
        latest.token.ct_eq(presented)
    }
}

impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenFile").field(&self.path).finish()
    }
}

impl Latest {
    /// Reads the file again if it changed. One look at its metadata is cheap enough to be taken for each request.
    fn refresh(&mut self, path: &Path) {
        let stamp = fs::metadata(path)
            .ok()
            .and_then(|metadata| Stamp::new(&metadata));
        if stamp.is_some() && stamp == self.stamp {
            return;
        }
        match read(path) {
            Ok((token, stamp)) => {
                *self = Self {
                    token,
                    stamp,
                    is_failing: false,
                };
            }
            Err(error) if !self.is_failing => {
                tracing::warn!(%error, "the last bearer token stays good");
                self.is_failing = true;
            }
            Err(_) => {}
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
    fn new(metadata: &Metadata) -> Option<Self> {
        let modified = metadata.modified().ok()?;
        let age = SystemTime::now().duration_since(modified).ok()?;
        (age > TIME_STEP).then_some(Self {
            modified,
            length: metadata.len(),
        })
    }
}

fn read(path: &Path) -> Result<(Token, Option<Stamp>)> {
    let fault = |message: String| Error::new(ErrorKind::Config, message);
    let unreadable = |cause: io::Error| {
        fault(format!(
            "cannot read the bearer token file `{}`",
            path.display()
        ))
        .with_source(cause)
    };
    // Looked at before it is opened: opening a pipe waits for its writer.
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(fault(format!(
            "the bearer token file `{}` is not a regular file",
            path.display()
        )));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(fault(format!(
            "the bearer token file `{}` has {} bytes, at most {MAX_FILE_BYTES} are read",
            path.display(),
            metadata.len()
        )));
    }
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text))
        .map_err(unreadable)?;
    let token = Token::new(text.trim_start_matches('\u{feff}'));
    token.check().map_err(|problem| {
        fault(format!(
            "the bearer token in `{}` {problem}",
            path.display()
        ))
    })?;
    Ok((token, Stamp::new(&metadata)))
}
