//! The sources of the client's token.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::PathBuf,
    time::Duration,
};

use tokio::time::sleep;

#[cfg(feature = "docker-login")]
use super::docker_login::DockerLogin;
use super::{error::HttpError, token_origin::TokenOrigin};
use crate::token::{Token, TokenFault, TokenFile, TokenFileError, TokenFileFault};

const TOKEN_FILE_VARIABLE: &str = "DOCKER_SCOUT_TOKEN_FILE";

/// The variables that hold a token. The docker scout CLI reads the second one.
const TOKEN_VARIABLES: [&str; 2] = ["DOCKER_SCOUT_TOKEN", "DOCKER_SCOUT_HUB_PASSWORD"];

/// The pauses between attempts to read a file, half a second together: a rotation in place takes a few milliseconds.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(300),
];

/// The source of the token.
#[derive(Debug)]
pub(crate) enum Credentials {
    #[cfg(feature = "docker-login")]
    DockerLogin(DockerLogin),
    File {
        file: TokenFile,
        path: PathBuf,
        /// The variable that has the path.
        variable: Option<&'static str>,
    },
    Value {
        token: Token,
        origin: TokenOrigin,
    },
}

impl Credentials {
    /// Checks a token given in code.
    pub(crate) fn from_value(value: &str) -> Result<Self, HttpError> {
        Self::parse(value, TokenOrigin::Code)
    }

    /// Uses the token in a file, which is read at each call of [`token`](Self::token) and not before.
    pub(crate) fn from_file(path: PathBuf) -> Self {
        Self::file(path, None)
    }

    fn file(path: PathBuf, variable: Option<&'static str>) -> Self {
        Self::File {
            file: TokenFile::new(path.clone()),
            path,
            variable,
        }
    }

    /// Uses the first of the environment variables that is set and not blank.
    pub(crate) fn from_env() -> Result<Self, HttpError> {
        Self::from_variables(|name| env::var_os(name))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, HttpError> {
        let variable = |name: &'static str| variable(name).filter(|value| !is_blank(value));
        if let Some(path) = variable(TOKEN_FILE_VARIABLE) {
            return Ok(Self::file(path.into(), Some(TOKEN_FILE_VARIABLE)));
        }
        for name in TOKEN_VARIABLES {
            if let Some(value) = variable(name) {
                let value = value.into_string().map_err(|_| HttpError::BadToken {
                    origin: TokenOrigin::Variable(name),
                    fault: TokenFault::NotAscii,
                })?;
                return Self::parse(&value, TokenOrigin::Variable(name));
            }
        }
        Err(HttpError::NoVariable)
    }

    fn parse(value: &str, origin: TokenOrigin) -> Result<Self, HttpError> {
        match Token::parse(value.as_bytes()) {
            Ok(token) => Ok(Self::Value { token, origin }),
            Err(fault) => Err(HttpError::BadToken { origin, fault }),
        }
    }

    /// Returns the current token.
    pub(crate) async fn token(&self) -> Result<Token, HttpError> {
        match self {
            #[cfg(feature = "docker-login")]
            Self::DockerLogin(login) => login.token().await,
            Self::File { file, variable, .. } => {
                let token = read_with_retries(file).await;
                token.map_err(|TokenFileError(fault)| HttpError::TokenFile {
                    variable: *variable,
                    fault,
                })
            }
            Self::Value { token, .. } => Ok(token.clone()),
        }
    }

    /// Returns where the token comes from, for messages.
    pub(crate) fn origin(&self) -> TokenOrigin {
        match self {
            #[cfg(feature = "docker-login")]
            Self::DockerLogin(_) => TokenOrigin::DockerLogin,
            Self::File { path, .. } => TokenOrigin::File(path.clone()),
            Self::Value { origin, .. } => origin.clone(),
        }
    }
}

/// Returns whether a variable counts as not set. Docker Compose turns `VARIABLE: ${VARIABLE:-}` into an empty one.
fn is_blank(value: &OsStr) -> bool {
    value.as_encoded_bytes().trim_ascii().is_empty()
}

/// Reads the token. If the file cannot be read and no recent token is known, tries again for half a second.
async fn read_with_retries(file: &TokenFile) -> Result<Token, TokenFileError> {
    for pause in PAUSES {
        match file.token().await {
            Err(TokenFileError(fault)) if !matches!(fault, TokenFileFault::NotRegular { .. }) => {
                sleep(pause).await;
            }
            result => return result,
        }
    }
    file.token().await
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
        let in_file = "from the token file";
        let in_token = "in the environment variable `DOCKER_SCOUT_TOKEN`";
        let in_password = "in the environment variable `DOCKER_SCOUT_HUB_PASSWORD`";

        assert_eq!(origin(&[password, token, file]).as_deref(), Ok(in_file));
        assert_eq!(origin(&[password, token]).as_deref(), Ok(in_token));
        assert_eq!(origin(&[password]).as_deref(), Ok(in_password));
        for blank in ["", " ", "\t\n"] {
            let variables = [
                ("DOCKER_SCOUT_TOKEN_FILE", blank),
                ("DOCKER_SCOUT_TOKEN", blank),
                password,
            ];
            assert_eq!(origin(&variables).as_deref(), Ok(in_password));
        }
        assert_eq!(
            origin(&[]).unwrap_err(),
            "no token in the environment: set `DOCKER_SCOUT_TOKEN_FILE`, `DOCKER_SCOUT_TOKEN` or \
             `DOCKER_SCOUT_HUB_PASSWORD`"
        );
        assert_eq!(
            origin(&[("DOCKER_SCOUT_TOKEN", "a b")]).unwrap_err(),
            "the token in the environment variable `DOCKER_SCOUT_TOKEN` contains a space: give the access token alone, \
             without `Bearer` and without a name"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_rotation_that_takes_a_moment_does_not_fail_a_fetch() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let credentials = Credentials::from_file(path.clone());
        let write = async {
            sleep(Duration::from_millis(100)).await;
            std::fs::write(&path, SECRET).unwrap();
        };
        let (token, ()) = tokio::join!(credentials.token(), write);
        assert_eq!(token.unwrap().as_bytes(), SECRET.as_bytes());
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_names_the_variable_of_the_file() {
        let credentials = from_variables(&[("DOCKER_SCOUT_TOKEN_FILE", "/no/such/file")]);
        let error = credentials.unwrap().token().await.unwrap_err();
        assert_eq!(
            scout_metrics_core::Error::from(error).chain().to_string(),
            "cannot use the token file of `DOCKER_SCOUT_TOKEN_FILE`: no such file `/no/such/file`: create it, or correct \
             the path"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_file_is_given_up_within_a_second() {
        let directory = tempfile::tempdir().unwrap();
        let credentials = Credentials::from_file(directory.path().join("token"));
        let start = tokio::time::Instant::now();
        assert!(credentials.token().await.is_err());
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}
