//! A token and the file that holds one. Both client and exporter use them.

use std::{
    error::Error as StdError,
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use scout_metrics_core::{Error, ErrorKind};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use tokio::{sync::Semaphore, task::spawn_blocking, time::Instant};

/// How long a token stays good after it was last read from its file, while the file cannot be read. Longer than a
/// rotation during which the file is missing or half written, short enough that a removed file is noticed.
pub(crate) const KEEP_LAST_GOOD: Duration = Duration::from_secs(600);

/// The maximum size of a token file in bytes. A token has less than a hundred, a JSON web token a few thousand.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// A token that a header can hold: not empty, visible ASCII characters only.
#[derive(Clone)]
pub(crate) struct Token(SecretString);

impl Token {
    /// Checks a token. White space, line ends and a byte order mark around it are removed.
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
            return Err(TokenFault::Space);
        }
        match std::str::from_utf8(text) {
            Ok(text) if text.is_ascii() => Ok(Self(text.into())),
            _ => Err(TokenFault::NotAscii),
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

/// Why a token is invalid, as the predicate of a sentence about the token or its file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum TokenFault {
    #[error("contains a control character: write the access token again, as plain text")]
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
    #[error("contains a space: give the access token alone, without `Bearer` and without a name")]
    Space,
    #[error("is encoded as UTF-16: save it as UTF-8 or ASCII")]
    Utf16,
}

/// Why a token file cannot be used. The path and the reason are in the source, because the first message of an error
/// may be shown to people who should not learn the paths of this machine.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the token file")]
pub(crate) struct TokenFileError(#[from] pub(crate) TokenFileFault);

#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenFileFault {
    #[error("`{}` {fault}", path.display())]
    Content { path: PathBuf, fault: TokenFault },
    #[error("the path is an access token: give the path of a file that contains the token")]
    IsToken,
    #[error("no such file `{}`: create it, or correct the path", path.display())]
    Missing { path: PathBuf },
    #[error(
        "`{}` is {}, not a regular file",
        path.display(), if *is_directory { "a directory" } else { "a pipe or device" }
    )]
    NotRegular { path: PathBuf, is_directory: bool },
    #[error("cannot read `{}`{hint}", path.display())]
    Read {
        path: PathBuf,
        hint: &'static str,
        source: io::Error,
    },
}

impl From<TokenFileError> for Error {
    fn from(error: TokenFileError) -> Self {
        Self::new(ErrorKind::Config, error.to_string()).with_source(error.0)
    }
}

/// A file that holds a token. It is read for each use, because operators rotate tokens in place.
///
/// If the file cannot be read, the token that was last read stays good until [`KEEP_LAST_GOOD`] has passed since then.
pub(crate) struct TokenFile {
    path: PathBuf,
    /// One permit: a file system that hangs must not block one thread after another.
    reading: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_good: Option<(Token, Instant)>,
    is_failing: bool,
    has_warned_of_mode: bool,
}

impl TokenFile {
    /// Creates a token file that has not been read yet. It need not exist.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            reading: Arc::new(Semaphore::new(1)),
            state: Mutex::default(),
        }
    }

    /// Reads the token, away from the async threads.
    pub(crate) async fn token(&self) -> Result<Token, TokenFileError> {
        let content = self.content().await;
        self.settle(content)
    }

    /// Returns the token that was last read, without reading the file, if it is still good.
    #[cfg(feature = "exporter")]
    pub(crate) fn last_good(&self) -> Option<Token> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last_good()
    }

    /// Reads the token on this thread.
    #[cfg(feature = "exporter")]
    pub(crate) fn token_blocking(&self) -> Result<Token, TokenFileError> {
        self.settle(read(&self.path))
    }

    async fn content(&self) -> Result<Content, TokenFileError> {
        let permit = Arc::clone(&self.reading).acquire_owned().await;
        let path = self.path.clone();
        let read = move || {
            let _permit = permit;
            read(&path)
        };
        match spawn_blocking(read).await {
            Ok(content) => content,
            Err(aborted) => Err(read_error(&self.path, io::Error::other(aborted))),
        }
    }

    fn settle(&self, content: Result<Content, TokenFileError>) -> Result<Token, TokenFileError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match content {
            Ok(content) => Ok(state.accept(content, &self.path)),
            Err(error) => state.fall_back(error),
        }
    }
}

impl State {
    fn accept(&mut self, content: Content, path: &Path) -> Token {
        if content.is_too_open && !self.has_warned_of_mode {
            self.has_warned_of_mode = true;
            tracing::warn!(
                path = %path.display(),
                "every user of this machine can read the token file; restrict its mode to 0600 or 0640"
            );
        }
        self.is_failing = false;
        let is_newest = |(_, read_at): &(Token, Instant)| *read_at <= content.read_at;
        if self.last_good.as_ref().is_none_or(is_newest) {
            self.last_good = Some((content.token.clone(), content.read_at));
        }
        content.token
    }

    fn fall_back(&mut self, error: TokenFileError) -> Result<Token, TokenFileError> {
        let Some(token) = self.last_good() else {
            return Err(error);
        };
        if !self.is_failing {
            self.is_failing = true;
            let error: &(dyn StdError + 'static) = &error;
            tracing::warn!(error, "using the token that was last read from the file");
        }
        Ok(token)
    }

    fn last_good(&mut self) -> Option<Token> {
        self.last_good
            .take_if(|(_, read_at)| read_at.elapsed() > KEEP_LAST_GOOD);
        let (token, _) = self.last_good.as_ref()?;
        Some(token.clone())
    }
}

impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenFile").field(&self.path).finish()
    }
}

/// The content of a token file.
struct Content {
    token: Token,
    read_at: Instant,
    /// Whether every user of this machine can read the file, although this process could prevent it.
    is_too_open: bool,
}

fn read(path: &Path) -> Result<Content, TokenFileError> {
    // Taken before the file is read, because the token may be removed during the read.
    let read_at = Instant::now();
    let fail = |error| read_error(path, error);
    // Opening a named pipe waits for its writer, so the type of the file is checked first.
    let metadata = fs::metadata(path).map_err(fail)?;
    if !metadata.is_file() {
        let fault = TokenFileFault::NotRegular {
            path: path.to_owned(),
            is_directory: metadata.is_dir(),
        };
        return Err(fault.into());
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
    let token = token.map_err(|fault| TokenFileFault::Content {
        path: path.to_owned(),
        fault,
    })?;
    Ok(Content {
        token,
        read_at,
        is_too_open: is_too_open(path, &metadata),
    })
}

fn read_error(path: &Path, source: io::Error) -> TokenFileError {
    let path = path.to_owned();
    let hint = match source.kind() {
        // A mistake that must not bring the token into a log.
        io::ErrorKind::NotFound if is_token(&path) => return TokenFileFault::IsToken.into(),
        io::ErrorKind::NotFound => return TokenFileFault::Missing { path }.into(),
        io::ErrorKind::PermissionDenied => ": check its owner and mode, and those of its directory",
        _ => "",
    };
    TokenFileFault::Read { path, hint, source }.into()
}

/// Returns whether somebody wrote a token in place of a path. All tokens of Docker begin like this. There may be a directory
/// before it, if the path was made absolute.
fn is_token(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b"dckr_")
}

/// Returns whether every user of this machine can read the file, and this process could change its mode. It cannot for a
/// file of another user or on a read-only file system. Both are true of the secrets of a container.
#[cfg(unix)]
fn is_too_open(path: &Path, metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use rustix::{
        fs::{StatVfsMountFlags, statvfs},
        process::geteuid,
    };

    let is_world_readable = metadata.permissions().mode() & 0o004 != 0;
    let user = geteuid();
    let may_change = user.is_root() || user.as_raw() == metadata.uid();
    let is_read_only =
        || statvfs(path).is_ok_and(|of| of.f_flag.contains(StatVfsMountFlags::RDONLY));
    is_world_readable && may_change && !is_read_only()
}

#[cfg(not(unix))]
fn is_too_open(_: &Path, _: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const SECRET: &str = "dckr_pat_0123456789";

    fn parse(text: &[u8]) -> Result<String, TokenFault> {
        Token::parse(text).map(|token| token.0.expose_secret().to_owned())
    }

    fn chain(error: TokenFileError) -> String {
        let error = Error::from(error);
        format!("{error}: {}", error.source().unwrap())
    }

    #[test]
    fn accepts_what_people_leave_around_a_token() {
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
            (b"Bearer one", TokenFault::Space),
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
    fn a_file_that_may_not_be_read_says_what_to_check() {
        let refused = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(
            chain(read_error(Path::new("/run/secrets/pat"), refused)),
            "cannot use the token file: cannot read `/run/secrets/pat`: check its owner and mode, and those of its \
             directory"
        );
    }

    #[test]
    fn a_token_in_place_of_a_path_is_not_shown() {
        for path in [SECRET.to_owned(), format!("/etc/scout/{SECRET}")] {
            let missing = io::Error::from(io::ErrorKind::NotFound);
            assert_eq!(
                chain(read_error(Path::new(&path), missing)),
                "cannot use the token file: the path is an access token: give the path of a file that contains the token"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_hangs_blocks_one_thread_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        fs::write(&path, SECRET).unwrap();
        let file = TokenFile::new(path);
        // Simulates a read that does not end.
        let permit = Arc::clone(&file.reading).acquire_owned().await.unwrap();
        let minute = Duration::from_secs(60);
        assert!(timeout(minute, file.token()).await.is_err());
        drop(permit);
        assert!(timeout(minute, file.token()).await.unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_outlives_its_file_for_ten_minutes_after_it_was_last_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        fs::write(&path, SECRET).unwrap();
        let file = TokenFile::new(path.clone());
        assert!(file.token().await.is_ok());

        fs::remove_file(&path).unwrap();
        tokio::time::advance(KEEP_LAST_GOOD).await;
        assert!(file.token().await.is_ok());
        tokio::time::advance(Duration::from_millis(1)).await;
        let missing = format!(
            "cannot use the token file: no such file `{}`: create it, or correct the path",
            path.display()
        );
        assert_eq!(chain(file.token().await.unwrap_err()), missing);

        fs::write(&path, "another").unwrap();
        assert_eq!(file.token().await.unwrap().as_bytes(), b"another");

        // The file is removed between two uses that are an hour apart.
        fs::remove_file(&path).unwrap();
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(chain(file.token().await.unwrap_err()), missing);
    }
}
