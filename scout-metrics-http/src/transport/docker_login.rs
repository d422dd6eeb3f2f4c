//! The credentials that `docker login` keeps, in Docker's configuration file or with a credential helper.

use std::{
    env,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use secrecy::zeroize::Zeroizing;
use tokio::{
    sync::{Mutex, oneshot},
    time::Instant,
};

use super::{error::HttpError, token_origin::TokenOrigin};
use crate::token::Token;

/// The name of Docker Hub in Docker's configuration file.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

const CONFIG_FILE: &str = "config.json";

/// The maximum size of a configuration file in bytes. One with a login for each of a thousand registries has a tenth.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// How long the fetches of several organizations share what was read, so that a helper does not run for each of them.
const SHARED: Duration = Duration::from_secs(10);

/// The words with which the [helpers of Docker] say that there is no login.
///
/// [helpers of Docker]: https://github.com/docker/docker-credential-helpers/blob/master/credentials/error.go
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The login for Docker Hub, which is read when it is used.
#[derive(Debug)]
pub(crate) struct DockerLogin {
    /// The directory of the configuration file, if one is known.
    directory: Option<PathBuf>,
    /// Locked while the login is read: a helper that hangs must not block one thread after another.
    last: Arc<Mutex<Option<(Token, Instant)>>>,
}

impl DockerLogin {
    /// Uses `DOCKER_CONFIG`, or else `.docker` in the home directory, as Docker does.
    pub(crate) fn from_env() -> Self {
        let configured = env::var_os("DOCKER_CONFIG").filter(|directory| !directory.is_empty());
        let in_home = || env::home_dir().filter(|home| !home.as_os_str().is_empty());
        Self::in_directory(
            configured
                .map(PathBuf::from)
                .or_else(|| Some(in_home()?.join(".docker"))),
        )
    }

    fn in_directory(directory: Option<PathBuf>) -> Self {
        Self {
            directory,
            last: Arc::default(),
        }
    }

    /// Returns the token, which may have been read some seconds ago.
    pub(crate) async fn token(&self) -> Result<Token, HttpError> {
        let mut last = Arc::clone(&self.last).lock_owned().await;
        if let Some((token, read_at)) = &*last
            && read_at.elapsed() < SHARED
        {
            return Ok(token.clone());
        }
        let directory = self.directory.clone().ok_or(DockerLoginFault::NoHome)?;
        // Taken before the login is read, because it may change during the read.
        let read_at = Instant::now();
        let (sender, receiver) = oneshot::channel();
        // A thread of its own, because a runtime waits for its threads when it ends, and a helper may hang.
        thread::spawn(move || {
            let token = read(&directory.join(CONFIG_FILE));
            *last = token.as_ref().ok().map(|token| (token.clone(), read_at));
            drop(last);
            // The receiver is gone if the fetch has timed out.
            let _ = sender.send(token);
        });
        let aborted = |_| DockerLoginFault::Aborted;
        receiver.await.map_err(aborted)?
    }
}

fn read(path: &Path) -> Result<Token, HttpError> {
    let config = read_config(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => DockerLoginFault::Missing(path.to_owned()),
        _ => DockerLoginFault::Read(path.to_owned(), error),
    })?;
    let credential = get_credential_from_reader(config.as_slice(), DOCKER_HUB)
        .map_err(|error| DockerLoginFault::new(error, path))?;
    let (DockerCredential::IdentityToken(secret) | DockerCredential::UsernamePassword(_, secret)) =
        credential;
    let secret = Zeroizing::new(secret);
    Token::parse(secret.as_bytes()).map_err(|fault| HttpError::BadToken {
        origin: TokenOrigin::DockerLogin,
        fault,
    })
}

fn read_config(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    // Opening a named pipe waits for its writer, so the type of the file is checked first.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut config = Zeroizing::new(Vec::new());
    File::open(path)?
        .take(MAX_FILE_BYTES)
        .read_to_end(&mut config)?;
    Ok(config)
}

/// Why there is no token. No variant keeps the output of a helper, which may contain one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DockerLoginFault {
    #[error("reading it was aborted")]
    Aborted,
    #[error("`{}` is not a configuration file of Docker", .0.display())]
    Content(PathBuf),
    #[error("the credentials for Docker Hub in `{}` are damaged: run `docker login` again", .0.display())]
    Damaged(PathBuf),
    #[error(
        "the credential helper in `{}` cannot be run: check `credsStore` and `credHelpers` there, and `PATH`",
        .0.display()
    )]
    Helper(PathBuf),
    #[error("the credential helper `{0}` failed")]
    HelperFailed(String),
    #[error("no such file `{}`: run `docker login`, or give an access token", .0.display())]
    Missing(PathBuf),
    #[error("neither `DOCKER_CONFIG` nor a home directory is set: give an access token")]
    NoHome,
    #[error(
        "there is no login for Docker Hub in `{}`: run `docker login`, or give an access token",
        .0.display()
    )]
    NoLogin(PathBuf),
    #[error("cannot read `{}`", .0.display())]
    Read(PathBuf, #[source] io::Error),
}

impl DockerLoginFault {
    fn new(error: CredentialRetrievalError, path: &Path) -> Self {
        let path = path.to_owned();
        match error {
            CredentialRetrievalError::HelperFailure { stdout, .. }
                if stdout.contains(NOT_FOUND) =>
            {
                Self::NoLogin(path)
            }
            CredentialRetrievalError::HelperFailure { helper, .. } => Self::HelperFailed(helper),
            CredentialRetrievalError::HelperCommunicationError
            | CredentialRetrievalError::MalformedHelperResponse => Self::Helper(path),
            CredentialRetrievalError::NoCredentialConfigured
            | CredentialRetrievalError::ConfigNotFound => Self::NoLogin(path),
            CredentialRetrievalError::ConfigReadError => Self::Content(path),
            CredentialRetrievalError::CredentialDecodingError
            | CredentialRetrievalError::CredentialMismatchError => Self::Damaged(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use scout_metrics_core::Error;

    use super::*;

    const SECRET: &str = "dckr_pat_0123456789";

    /// Base64 of `jane:dckr_pat_0123456789`.
    const AUTH: &str = "amFuZTpkY2tyX3BhdF8wMTIzNDU2Nzg5";

    async fn token(config: &str) -> Result<Token, String> {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(CONFIG_FILE), config).unwrap();
        let login = DockerLogin::in_directory(Some(directory.path().to_owned()));
        let shown = |error| {
            assert!(!format!("{error:?}").contains(SECRET));
            let text = Error::from(error).chain().to_string();
            text.replace(&directory.path().display().to_string(), "DIRECTORY")
        };
        login.token().await.map_err(shown)
    }

    #[tokio::test]
    async fn the_login_for_docker_hub_is_found_in_every_form_of_the_file() {
        for config in [
            format!(r#"{{"auths":{{"https://index.docker.io/v1/":{{"auth":"{AUTH}"}}}}}}"#),
            format!(
                r#"{{"auths":{{"https://index.docker.io/v1/":{{"username":"jane","password":"{SECRET}"}}}}}}"#
            ),
            format!(
                r#"{{"auths":{{"https://index.docker.io/v1/":{{"identitytoken":"{SECRET}"}}}}}}"#
            ),
        ] {
            let token = token(&config).await;
            assert_eq!(token.unwrap().as_bytes(), SECRET.as_bytes(), "{config}");
        }
    }

    #[tokio::test]
    async fn a_file_without_a_usable_login_says_what_to_do() {
        let path = format!("DIRECTORY/{CONFIG_FILE}");
        let cannot = "cannot use the credentials of `docker login`";
        for (config, fault) in [
            (
                "{}",
                format!(
                    "{cannot}: there is no login for Docker Hub in `{path}`: run `docker login`, or give an access token"
                ),
            ),
            (
                r#"{"auths":{"https://index.docker.io/v1/":{"auth":"?"}}}"#,
                format!(
                    "{cannot}: the credentials for Docker Hub in `{path}` are damaged: run `docker login` again"
                ),
            ),
            (
                "credsStore: desktop",
                format!("{cannot}: `{path}` is not a configuration file of Docker"),
            ),
            (
                r#"{"credsStore":"no-such-helper-0123456789"}"#,
                format!(
                    "{cannot}: the credential helper in `{path}` cannot be run: check `credsStore` and `credHelpers` \
                     there, and `PATH`"
                ),
            ),
            (
                r#"{"auths":{"https://index.docker.io/v1/":{"username":"jane","password":"my password"}}}"#,
                "the token from `docker login` contains a space: give the access token alone, without `Bearer` and \
                 without a name"
                    .to_owned(),
            ),
        ] {
            assert_eq!(token(config).await, Err(fault), "{config}");
        }
    }

    #[tokio::test]
    async fn a_missing_file_and_a_missing_home_are_named() {
        let fault = async |directory: Option<PathBuf>| {
            let error = DockerLogin::in_directory(directory).token().await;
            Error::from(error.unwrap_err()).chain().to_string()
        };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        assert_eq!(
            fault(Some(directory.path().to_owned())).await,
            format!(
                "cannot use the credentials of `docker login`: no such file `{}`: run `docker login`, or give an access \
                 token",
                path.display()
            )
        );
        assert_eq!(
            fault(None).await,
            "cannot use the credentials of `docker login`: neither `DOCKER_CONFIG` nor a home directory is set: give an \
             access token"
        );
        fs::create_dir(&path).unwrap();
        assert_eq!(
            fault(Some(directory.path().to_owned())).await,
            format!(
                "cannot use the credentials of `docker login`: cannot read `{}`: not a regular file",
                path.display()
            )
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_is_shared_for_some_seconds() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(CONFIG_FILE);
        let write = |password: &str| {
            let config = format!(
                r#"{{"auths":{{"https://index.docker.io/v1/":{{"username":"jane","password":"{password}"}}}}}}"#
            );
            fs::write(&path, config).unwrap();
        };
        let login = DockerLogin::in_directory(Some(directory.path().to_owned()));
        write("first");
        assert_eq!(login.token().await.unwrap().as_bytes(), b"first");
        write("second");
        tokio::time::advance(SHARED - Duration::from_secs(1)).await;
        assert_eq!(login.token().await.unwrap().as_bytes(), b"first");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(login.token().await.unwrap().as_bytes(), b"second");
    }
}
