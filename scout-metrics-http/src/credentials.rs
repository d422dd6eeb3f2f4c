//! Where the token comes from, and how it is read again.

use std::{
    env,
    ffi::OsString,
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use secrecy::zeroize::Zeroizing;
use tokio::{task::spawn_blocking, time::Instant};

use crate::{
    error::HttpError,
    token::{MAX_FILE_BYTES, Origin, Token, TokenFault},
};

/// How long the last good token is used while its file cannot be read: longer than any rotation takes in which the
/// file is missing or half written, and short enough that a removed file is noticed.
pub(crate) const KEEP_LAST_GOOD: Duration = Duration::from_secs(600);

const TOKEN_FILE_VARIABLE: &str = "DOCKER_SCOUT_TOKEN_FILE";

/// The variables that hold a token. The docker scout CLI reads the second one.
const TOKEN_VARIABLES: [&str; 2] = ["DOCKER_SCOUT_TOKEN", "DOCKER_SCOUT_HUB_PASSWORD"];

/// Where the token comes from.
#[derive(Debug)]
pub(crate) enum Credentials {
    File(TokenFile),
    Value { token: Token, origin: Origin },
}

impl Credentials {
    /// Takes a token given in code.
    pub(crate) fn from_value(value: &str) -> Result<Self, HttpError> {
        Self::parse(value, Origin::Code)
    }

    /// Takes the path of a file, which is read at each call of [`token`](Self::token) and not before.
    pub(crate) fn from_file(path: PathBuf) -> Self {
        Self::File(TokenFile {
            path,
            state: Mutex::default(),
        })
    }

    /// Takes the first of the variables that is set and not empty.
    pub(crate) fn from_env() -> Result<Self, HttpError> {
        Self::from_variables(|name| env::var_os(name))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, HttpError> {
        let variable = |name: &'static str| variable(name).filter(|value| !value.is_empty());
        if let Some(path) = variable(TOKEN_FILE_VARIABLE) {
            return Ok(Self::from_file(path.into()));
        }
        for name in TOKEN_VARIABLES {
            if let Some(value) = variable(name) {
                let value = value.into_string().map_err(|_| HttpError::BadToken {
                    origin: Origin::Variable(name),
                    fault: TokenFault::NotAscii,
                })?;
                return Self::parse(&value, Origin::Variable(name));
            }
        }
        Err(HttpError::NoVariable)
    }

    fn parse(value: &str, origin: Origin) -> Result<Self, HttpError> {
        match Token::parse(value.as_bytes()) {
            Ok(token) => Ok(Self::Value { token, origin }),
            Err(fault) => Err(HttpError::BadToken { origin, fault }),
        }
    }

    /// Returns the token as it is now.
    pub(crate) async fn token(&self) -> Result<Token, HttpError> {
        match self {
            Self::File(file) => file.token().await,
            Self::Value { token, .. } => Ok(token.clone()),
        }
    }

    /// Returns where the token comes from, for messages.
    pub(crate) fn origin(&self) -> Origin {
        match self {
            Self::File(file) => Origin::File(file.path.clone()),
            Self::Value { origin, .. } => origin.clone(),
        }
    }
}

/// A file with a token, read again for each fetch because operators rotate it in place.
pub(crate) struct TokenFile {
    path: PathBuf,
    state: Mutex<FileState>,
}

#[derive(Default)]
struct FileState {
    last_good: Option<Token>,
    failing_since: Option<Instant>,
    warned: bool,
}

impl TokenFile {
    async fn token(&self) -> Result<Token, HttpError> {
        let path = self.path.clone();
        let content = match spawn_blocking(move || read_file(&path)).await {
            Ok(content) => content,
            Err(aborted) => Err(file_error(&self.path, io::Error::other(aborted))),
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match content {
            Ok(content) => Ok(state.accept(content, &self.path)),
            Err(error) => state.keep_last_good(error),
        }
    }
}

impl FileState {
    fn accept(&mut self, content: Content, path: &Path) -> Token {
        if content.is_world_readable && !self.warned {
            self.warned = true;
            tracing::warn!(
                path = %path.display(),
                "every user of this machine can read the token file; restrict its mode to 0600 or 0640"
            );
        }
        self.failing_since = None;
        self.last_good = Some(content.token.clone());
        content.token
    }

    fn keep_last_good(&mut self, error: HttpError) -> Result<Token, HttpError> {
        let failing_since = *self.failing_since.get_or_insert_with(Instant::now);
        if failing_since.elapsed() > KEEP_LAST_GOOD {
            self.last_good = None;
        }
        match &self.last_good {
            Some(token) => {
                tracing::warn!(%error, "using the token that the file held before");
                Ok(token.clone())
            }
            None => Err(error),
        }
    }
}

impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenFile").field(&self.path).finish()
    }
}

/// What a token file holds.
pub(crate) struct Content {
    pub(crate) token: Token,
    is_world_readable: bool,
}

pub(crate) fn read_file(path: &Path) -> Result<Content, HttpError> {
    let fail = |error| file_error(path, error);
    // Opening a named pipe waits for its writer, so the kind is looked at before.
    let metadata = fs::metadata(path).map_err(fail)?;
    if !metadata.is_file() {
        return Err(HttpError::TokenFileKind {
            path: path.to_owned(),
            is_directory: metadata.is_dir(),
        });
    }
    let mut text = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(fail)?;
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(fail)?;
    let token = if text.len() as u64 > MAX_FILE_BYTES {
        Err(TokenFault::Long)
    } else {
        Token::parse(&text)
    };
    let token = token.map_err(|fault| HttpError::BadToken {
        origin: Origin::File(path.to_owned()),
        fault,
    })?;
    Ok(Content {
        token,
        is_world_readable: is_world_readable(&metadata),
    })
}

fn file_error(path: &Path, source: io::Error) -> HttpError {
    let hint = match source.kind() {
        io::ErrorKind::NotFound => ": create it, or correct the path",
        io::ErrorKind::PermissionDenied => ": check its owner and mode, and those of its directory",
        _ => "",
    };
    HttpError::TokenFile {
        path: path.to_owned(),
        hint,
        source,
    }
}

#[cfg(unix)]
fn is_world_readable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;

    metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn is_world_readable(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const SECRET: &str = "dckr_pat_0123456789";

    fn from_variables(variables: &[(&str, &str)]) -> Result<Credentials, HttpError> {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        Credentials::from_variables(|name| variables.get(name).map(OsString::from))
    }

    #[test]
    fn the_first_variable_that_is_set_wins() {
        let origin = |variables: &[(&str, &str)]| {
            from_variables(variables)
                .map(|credentials| credentials.origin().to_string())
                .map_err(|error| error.to_string())
        };
        let file = ("DOCKER_SCOUT_TOKEN_FILE", "/run/secrets/pat");
        let token = ("DOCKER_SCOUT_TOKEN", SECRET);
        let password = ("DOCKER_SCOUT_HUB_PASSWORD", SECRET);
        let in_file = "in the file `/run/secrets/pat`";
        let in_token = "in the environment variable `DOCKER_SCOUT_TOKEN`";
        let in_password = "in the environment variable `DOCKER_SCOUT_HUB_PASSWORD`";

        assert_eq!(origin(&[password, token, file]).as_deref(), Ok(in_file));
        assert_eq!(origin(&[password, token]).as_deref(), Ok(in_token));
        assert_eq!(origin(&[password]).as_deref(), Ok(in_password));
        assert_eq!(
            origin(&[("DOCKER_SCOUT_TOKEN", ""), password]).as_deref(),
            Ok(in_password)
        );
        assert_eq!(
            origin(&[]).unwrap_err(),
            "no token in the environment: set `DOCKER_SCOUT_TOKEN_FILE`, `DOCKER_SCOUT_TOKEN` or \
             `DOCKER_SCOUT_HUB_PASSWORD`"
        );
        assert_eq!(
            origin(&[("DOCKER_SCOUT_TOKEN", "a b")]).unwrap_err(),
            "the token in the environment variable `DOCKER_SCOUT_TOKEN` holds a blank: give the access token alone, \
             without `Bearer` and without a name"
        );
    }

    #[test]
    fn a_file_that_may_not_be_read_says_what_to_check() {
        let refused = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(
            file_error(Path::new("/run/secrets/pat"), refused).to_string(),
            "cannot read the token file `/run/secrets/pat`: check its owner and mode, and those of its directory"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_good_token_outlives_its_file_for_ten_minutes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        fs::write(&path, SECRET).unwrap();
        let credentials = Credentials::from_file(path.clone());
        assert!(credentials.token().await.is_ok());

        // An hour passes between two fetches; the bound counts from the first read that fails.
        tokio::time::advance(Duration::from_secs(3600)).await;
        fs::remove_file(&path).unwrap();
        assert!(credentials.token().await.is_ok());
        tokio::time::advance(KEEP_LAST_GOOD).await;
        assert!(credentials.token().await.is_ok());
        tokio::time::advance(Duration::from_secs(1)).await;
        let error = credentials.token().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "cannot read the token file `{}`: create it, or correct the path",
                path.display()
            )
        );

        fs::write(&path, "another").unwrap();
        assert_eq!(credentials.token().await.unwrap().as_bytes(), b"another");
    }
}
