//! The errors of the client, and their conversion into the error of `scout-metrics-core`.

#[cfg(feature = "rustls")]
use std::path::PathBuf;
use std::{fmt, io, time::Duration};

use reqwest::StatusCode;
use scout_metrics_core::{Error, ErrorKind};

#[cfg(feature = "docker-login")]
use super::docker_login::DockerLoginFault;
use super::token_origin::TokenOrigin;
use crate::token::{TokenFault, TokenFileFault};

/// Why a fetch failed, or a client could not be built. A place is a server and the proxy in front of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("the token {origin} {fault}")]
    BadToken {
        origin: TokenOrigin,
        fault: TokenFault,
    },
    #[error(
        "the answer from `{0}` has no samples, and may be truncated: it ends where the connection was closed"
    )]
    Blank(String),
    #[error("the connection to `{server}` broke after {received} bytes of the body")]
    BodyCut {
        server: String,
        received: u64,
        source: reqwest::Error,
    },
    #[cfg(feature = "rustls")]
    #[error("cannot use the certificates of `{}`: {fault}", path.display())]
    CaFile { path: PathBuf, fault: String },
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
    #[error("cannot connect to {place}{hint}")]
    Connect {
        place: String,
        hint: String,
        is_transient: bool,
        source: reqwest::Error,
    },
    #[error("timed out connecting to {place}")]
    ConnectTimeout {
        place: String,
        source: reqwest::Error,
    },
    #[cfg(feature = "docker-login")]
    #[error("cannot use the credentials of `docker login`")]
    DockerLogin(#[from] DockerLoginFault),
    #[error("the answer is encoded as `{0}`, which was not requested")]
    Encoding(String),
    #[error("cannot get an answer from {place}")]
    Exchange {
        place: String,
        source: reqwest::Error,
    },
    #[cfg(feature = "docker-login")]
    #[error(
        "no token for `{0}`: the credentials of `docker login` are sent to `https://api.scout.docker.com` only, so give \
         an access token"
    )]
    ForeignLogin(String),
    #[error("the answer's gzip encoding is damaged or truncated")]
    Gzip(#[source] io::Error),
    #[error("the answer is larger than the limit of {0} bytes")]
    Limit(u64),
    #[error("the answer {0}")]
    NotMetrics(String, Excerpt),
    #[error(
        "no token: call `with_token_file`, `with_token` or `with_token_from_env` on the builder"
    )]
    NoToken,
    #[error(
        "no token in the environment: set `DOCKER_SCOUT_TOKEN_FILE`, `DOCKER_SCOUT_TOKEN` or \
         `DOCKER_SCOUT_HUB_PASSWORD`"
    )]
    NoVariable,
    #[error("{0}")]
    Option(String),
    #[error("a redirect led to {0}, which is not the server that was asked")]
    OtherOrigin(String),
    #[error("{message}")]
    ProxyAuthentication {
        message: String,
        source: Option<reqwest::Error>,
    },
    /// The error of the reader of the body.
    #[error("{}", .0.message())]
    Reader(Error, Excerpt),
    #[error(
        "the server redirects to {target} (HTTP {}); redirects are not followed, so that no other server gets the \
         token", status.as_u16()
    )]
    Redirect { status: StatusCode, target: String },
    #[error("{message}")]
    Status {
        status: StatusCode,
        message: String,
        /// Details that only the logs of this machine should show, such as a path.
        detail: Option<String>,
        retry_after: Option<Duration>,
        body: Excerpt,
    },
    #[error("timed out after {timeout:?} {stage}")]
    Timeout { timeout: Duration, stage: String },
    #[error("cannot use the token file{}", variable.map_or(String::new(), |name| format!(" of `{name}`")))]
    TokenFile {
        variable: Option<&'static str>,
        fault: TokenFileFault,
    },
}

/// The start of an answer's body, without the token.
#[derive(Default)]
pub(crate) struct Excerpt(pub(crate) String);

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl HttpError {
    fn kind(&self) -> ErrorKind {
        match self {
            #[cfg(feature = "rustls")]
            Self::CaFile { .. } => ErrorKind::Config,
            #[cfg(feature = "docker-login")]
            Self::DockerLogin(_) | Self::ForeignLogin(_) => ErrorKind::Config,
            Self::BadToken { .. }
            | Self::Client(_)
            | Self::NoToken
            | Self::NoVariable
            | Self::Option(_)
            | Self::TokenFile { .. } => ErrorKind::Config,
            Self::BodyCut { source, .. } | Self::Exchange { source, .. } if source.is_timeout() => {
                ErrorKind::Timeout
            }
            Self::Blank(_)
            | Self::BodyCut { .. }
            | Self::Connect { .. }
            | Self::Exchange { .. } => ErrorKind::Transport,
            Self::ConnectTimeout { .. } | Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Encoding(_) | Self::Gzip(_) => ErrorKind::Decode,
            Self::Limit(_) => ErrorKind::Limit,
            Self::NotMetrics(..) => ErrorKind::NotMetrics,
            Self::OtherOrigin(_) | Self::Redirect { .. } => ErrorKind::Redirect,
            Self::ProxyAuthentication { .. } => ErrorKind::Status,
            Self::Reader(error, _) => error.kind(),
            Self::Status { status, .. } => status_kind(*status),
        }
    }
}

fn status_kind(status: StatusCode) -> ErrorKind {
    match status {
        StatusCode::UNAUTHORIZED => ErrorKind::Unauthorized,
        StatusCode::FORBIDDEN => ErrorKind::Forbidden,
        StatusCode::NOT_FOUND => ErrorKind::NotFound,
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        status if status.is_server_error() => ErrorKind::Unavailable,
        _ => ErrorKind::Status,
    }
}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        let new = Self::new(error.kind(), error.to_string());
        match error {
            HttpError::Blank(_) => new.with_status(StatusCode::OK.as_u16()),
            HttpError::BodyCut { source, .. }
            | HttpError::Client(source)
            | HttpError::ConnectTimeout { source, .. }
            | HttpError::Exchange { source, .. } => new.with_source(source),
            HttpError::Connect {
                is_transient,
                source,
                ..
            } => new.with_retryable(is_transient).with_source(source),
            #[cfg(feature = "docker-login")]
            HttpError::DockerLogin(fault) => new.with_source(fault),
            HttpError::Gzip(source) => new.with_source(source),
            HttpError::NotMetrics(_, body) => {
                new.with_status(StatusCode::OK.as_u16()).with_body(&body.0)
            }
            HttpError::ProxyAuthentication { source, .. } => {
                let error = new.with_status(StatusCode::PROXY_AUTHENTICATION_REQUIRED.as_u16());
                match source {
                    Some(source) => error.with_source(source),
                    None => error,
                }
            }
            HttpError::Reader(error, body) => error
                .with_status(StatusCode::OK.as_u16())
                .with_body(&body.0),
            HttpError::Redirect { status, .. } => new.with_status(status.as_u16()),
            HttpError::Status {
                status,
                detail,
                retry_after,
                body,
                ..
            } => {
                let mut error = new
                    .with_retryable(is_transient(status))
                    .with_status(status.as_u16())
                    .with_body(&body.0);
                if let Some(delay) = retry_after {
                    error = error.with_retry_after(delay);
                }
                if let Some(detail) = detail {
                    error = error.with_source(detail);
                }
                error
            }
            HttpError::TokenFile { fault, .. } => new.with_source(fault),
            _ => new,
        }
    }
}

/// Returns whether the same request may soon get another answer.
fn is_transient(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}
