//! The token: where it comes from, what it may look like, and how it stays out of sight.

use std::{
    borrow::Cow,
    env,
    ffi::OsString,
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use reqwest::header::HeaderValue;
use secrecy::{
    ExposeSecret, SecretString,
    zeroize::{Zeroize, Zeroizing},
};
use tokio::{task::spawn_blocking, time::Instant};

use crate::error::HttpError;

/// The most bytes a token file may have. Tokens have less than a hundred; JSON web tokens a few thousand.
const MAX_FILE_BYTES: u64 = 64 * 1024;

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

/// The place of a token, in words that continue "the token ...".
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Code,
    File(PathBuf),
    Variable(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("given to `with_token`"),
            Self::File(path) => write!(f, "in the file `{}`", path.display()),
            Self::Variable(name) => write!(f, "in the environment variable `{name}`"),
        }
    }
}

/// A token that can stand in a header: not empty, visible ASCII characters only.
#[derive(Clone)]
pub(crate) struct Token(SecretString);

impl Token {
    /// Checks a token, without the blanks and line ends around it and without a byte order mark.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, TokenFault> {
        if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
            return Err(TokenFault::Utf16);
        }
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(TokenFault::Empty);
        }
        if text.iter().any(|b| matches!(b, b'\r' | b'\n')) {
            return Err(TokenFault::SeveralLines);
        }
        if text.iter().any(u8::is_ascii_control) {
            return Err(TokenFault::Control);
        }
        if text.contains(&b' ') {
            return Err(TokenFault::Blank);
        }
        match std::str::from_utf8(text) {
            Ok(text) if text.is_ascii() => Ok(Self(text.into())),
            _ => Err(TokenFault::NotAscii),
        }
    }

    /// Returns the value of the `Authorization` header.
    pub(crate) fn to_header(&self) -> HeaderValue {
        let mut text = format!("Bearer {}", self.0.expose_secret());
        let mut header = HeaderValue::from_str(&text)
            .expect("a checked token has only characters that a header may have");
        text.zeroize();
        header.set_sensitive(true);
        header
    }

    /// Returns a text without this token in it.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let secret = self.0.expose_secret();
        if text.contains(secret) {
            text.replace(secret, "<redacted>").into()
        } else {
            text.into()
        }
    }

    /// Returns the beginning of a longer text without this token, and without the beginning of the token at its end.
    pub(crate) fn redact_beginning(&self, text: &str) -> String {
        /// Fewer characters tell nothing: every token of Docker's begins with `dckr_pat_`.
        const HARMLESS: usize = 9;
        let secret = self.0.expose_secret();
        let text = self.redact(text);
        let cut = (HARMLESS..secret.len())
            .rev()
            .find(|&length| text.ends_with(&secret[..length]));
        match cut {
            Some(length) => format!("{}<redacted>", &text[..text.len() - length]),
            None => text.into_owned(),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// What is wrong with a token, in words that continue "the token in ...".
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum TokenFault {
    #[error("holds a blank: give the access token alone, without `Bearer` and without a name")]
    Blank,
    #[error("holds a control character: write the access token again, as plain text")]
    Control,
    #[error("is empty: write an access token there")]
    Empty,
    #[error(
        "is longer than {MAX_FILE_BYTES} bytes: write the access token there, and nothing else"
    )]
    Long,
    #[error("is not plain ASCII: copy the access token again")]
    NotAscii,
    #[error("has several lines: write the access token there, on one line, and nothing else")]
    SeveralLines,
    #[error("is written as UTF-16: save it as UTF-8 or ASCII")]
    Utf16,
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

    fn parse(text: &[u8]) -> Result<String, TokenFault> {
        Token::parse(text).map(|token| token.0.expose_secret().to_owned())
    }

    #[test]
    fn takes_what_people_leave_around_a_token() {
        for text in [
            "dckr_pat_0123456789",
            "dckr_pat_0123456789\n",
            "dckr_pat_0123456789\r\n",
            " \tdckr_pat_0123456789 \n\n",
            "\u{feff}dckr_pat_0123456789\r\n",
        ] {
            assert_eq!(parse(text.as_bytes()).as_deref(), Ok(SECRET), "{text:?}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_a_token() {
        let cases: [(&[u8], TokenFault); 13] = [
            (b"", TokenFault::Empty),
            (b"\n\r\n ", TokenFault::Empty),
            (b"\xef\xbb\xbf\n", TokenFault::Empty),
            (b"one\ntwo", TokenFault::SeveralLines),
            (b"one\r\nX-Evil: 1", TokenFault::SeveralLines),
            (b"one\rtwo", TokenFault::SeveralLines),
            (b"one\0two", TokenFault::Control),
            (b"one\x7f", TokenFault::Control),
            (b"Bearer one", TokenFault::Blank),
            ("geheimniß".as_bytes(), TokenFault::NotAscii),
            ("\u{200b}one".as_bytes(), TokenFault::NotAscii),
            (b"one\xff", TokenFault::NotAscii),
            (b"\xff\xfeo\0n\0e\0", TokenFault::Utf16),
        ];
        for (text, fault) in cases {
            assert_eq!(parse(text), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn the_token_is_redacted_even_if_the_text_was_cut_in_it() {
        let token = Token::parse(SECRET.as_bytes()).unwrap();
        let redact = |text: &str| token.redact_beginning(text);
        assert_eq!(redact("a dckr_pat_0123456789 b"), "a <redacted> b");
        for length in 9..=SECRET.len() {
            assert_eq!(redact(&format!("é{}", &SECRET[..length])), "é<redacted>");
        }
        assert_eq!(redact("é dckr_pat"), "é dckr_pat");
        assert_eq!(redact(""), "");
    }

    #[test]
    fn the_header_is_marked_sensitive() {
        let header = Token::parse(SECRET.as_bytes()).unwrap().to_header();
        assert_eq!(header.as_bytes(), b"Bearer dckr_pat_0123456789");
        assert_eq!(format!("{header:?}"), "Sensitive");
    }

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
