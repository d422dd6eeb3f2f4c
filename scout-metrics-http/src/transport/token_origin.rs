//! The origin of a token.

use std::{fmt, path::PathBuf};

/// The origin of a token, as the attribute in "the token ... was refused".
///
/// The path of a file is not part of it, because the message may be shown to people who should not learn the paths of
/// this machine; see [`detail`](Self::detail).
#[derive(Clone, Debug)]
pub(crate) enum TokenOrigin {
    Code,
    #[cfg(feature = "docker-login")]
    DockerLogin,
    File(PathBuf),
    Variable(&'static str),
}

impl TokenOrigin {
    /// Returns what the message leaves out, for the source of the error.
    pub(crate) fn detail(&self) -> Option<String> {
        match self {
            Self::File(path) => Some(format!("the token file is `{}`", path.display())),
            #[cfg(feature = "docker-login")]
            Self::DockerLogin => None,
            Self::Code | Self::Variable(_) => None,
        }
    }
}

impl fmt::Display for TokenOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("given to `with_token`"),
            #[cfg(feature = "docker-login")]
            Self::DockerLogin => f.write_str("from `docker login`"),
            Self::File(_) => f.write_str("from the token file"),
            Self::Variable(name) => write!(f, "in the environment variable `{name}`"),
        }
    }
}
