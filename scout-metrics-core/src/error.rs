//! The one error of the workspace: constructible by anyone who implements a source, matchable by kind.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use crate::Organization;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What happened, for a program to match on.
///
/// Whether waiting can help is a separate question: see [`Error::is_retryable`]. Each kind says its default answer.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorKind {
    /// The data had anomalies and the caller asked for them to be errors. Not retried.
    Anomaly,
    /// An option, credential or URL given by the caller cannot be used. Not retried.
    Config,
    /// The body is an exposition that breaks its format, or ends too early. Not retried.
    Decode,
    /// The credentials are good but may not read this organization (HTTP 403). Not retried.
    Forbidden,
    /// A value breaks a rule of the models, such as an organization named `../x`. Not retried.
    Invalid,
    /// The answer is larger than a limit allows. Not retried.
    Limit,
    /// The organization, or the file, does not exist (HTTP 404). Not retried.
    NotFound,
    /// The answer came, and is no exposition: HTML, JSON, a wrong content type. Not retried.
    NotMetrics,
    /// None of the others. Not retried.
    Other,
    /// The server asks for fewer requests (HTTP 429). Retried.
    RateLimited,
    /// The server redirects to where the credentials must not go. Not retried.
    Redirect,
    /// The server answered with a status that no other kind names. Not retried.
    Status,
    /// The answer did not come in time. Retried.
    Timeout,
    /// The connection could not be made, or broke: DNS, TCP, TLS, a body cut short. Retried.
    Transport,
    /// The credentials are missing, wrong or revoked (HTTP 401). Not retried.
    Unauthorized,
    /// The server says that it cannot answer now (HTTP 5xx), or the source is shutting down. Retried.
    Unavailable,
}

impl ErrorKind {
    /// Returns the kind as a lower-case word with underscores, for logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anomaly => "anomaly",
            Self::Config => "config",
            Self::Decode => "decode",
            Self::Forbidden => "forbidden",
            Self::Invalid => "invalid",
            Self::Limit => "limit",
            Self::NotFound => "not_found",
            Self::NotMetrics => "not_metrics",
            Self::Other => "other",
            Self::RateLimited => "rate_limited",
            Self::Redirect => "redirect",
            Self::Status => "status",
            Self::Timeout => "timeout",
            Self::Transport => "transport",
            Self::Unauthorized => "unauthorized",
            Self::Unavailable => "unavailable",
        }
    }

    const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::RateLimited | Self::Timeout | Self::Transport | Self::Unavailable
        )
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a scrape, a conversion or a configuration failed.
///
/// `Display` prints this level only; [`source`](StdError::source) returns the next. A clone shares everything, so one
/// failure can be given to any number of waiting callers.
///
/// ```
/// use scout_metrics_core::{Error, ErrorKind, Organization};
///
/// let cause = std::io::Error::other("connection reset");
/// let error = Error::new(ErrorKind::Transport, "cannot read the answer")
///     .with_organization(&Organization::new("acme")?)
///     .with_source(cause);
/// assert_eq!(error.to_string(), "organization `acme`: cannot read the answer");
/// assert!(error.is_retryable());
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    retryable: bool,
    organization: Option<Organization>,
    status: Option<u16>,
    body: Option<String>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// The most characters of an answer's body that an error keeps.
    pub const MAX_BODY_CHARS: usize = 1024;

    /// Creates an error of a kind, with a message in lower case and without a final period.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            retryable: kind.is_retryable(),
            organization: None,
            status: None,
            body: None,
            retry_after: None,
            source: None,
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Adds the organization whose data was asked for.
    #[must_use]
    pub fn with_organization(self, organization: &Organization) -> Self {
        self.with(|inner| inner.organization = Some(organization.clone()))
    }

    /// Adds the HTTP status of the answer.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        self.with(|inner| inner.status = Some(status))
    }

    /// Adds the beginning of the answer's body, cut to [`Error::MAX_BODY_CHARS`] characters.
    ///
    /// The caller has to take care that no secret is in it.
    #[must_use]
    pub fn with_body(self, body: &str) -> Self {
        let excerpt = body.chars().take(Self::MAX_BODY_CHARS).collect();
        self.with(|inner| inner.body = Some(excerpt))
    }

    /// Adds how long the server asks to wait before the next request.
    #[must_use]
    pub fn with_retry_after(self, delay: Duration) -> Self {
        self.with(|inner| inner.retry_after = Some(delay))
    }

    /// Overrides whether waiting can help, which the kind answers otherwise.
    #[must_use]
    pub fn with_retryable(self, retryable: bool) -> Self {
        self.with(|inner| inner.retryable = retryable)
    }

    /// Adds the cause, which [`source`](StdError::source) returns.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.with(|inner| inner.source = Some(Arc::from(source.into())))
    }

    /// Returns what happened.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns this level's message, without the organization.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns whether access was denied: the kind is [`Unauthorized`](ErrorKind::Unauthorized) or
    /// [`Forbidden`](ErrorKind::Forbidden).
    ///
    /// Somebody has decided that the data shall not be read, or has to renew a credential. Data from elsewhere would
    /// work around the one and hide the other, so by default no decorator lets it stand in for such an error.
    pub fn is_denied(&self) -> bool {
        matches!(self.kind(), ErrorKind::Forbidden | ErrorKind::Unauthorized)
    }

    /// Returns whether the same call may succeed later without anything being changed by hand.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Returns the organization whose data was asked for, if it is known.
    pub fn organization(&self) -> Option<&Organization> {
        self.0.organization.as_ref()
    }

    /// Returns the HTTP status, if an answer came.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Returns the beginning of the answer's body, if there was one.
    pub fn body(&self) -> Option<&str> {
        self.0.body.as_deref()
    }

    /// Returns how long the server asks to wait, if it does.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(organization) = self.organization() {
            write!(f, "organization `{organization}`: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            message,
            retryable,
            organization,
            status,
            body,
            retry_after,
            source,
        } = &*self.0;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("message", message)
            .field("retryable", retryable)
            .field("organization", organization)
            .field("status", status)
            .field("body", body)
            .field("retry_after", retry_after)
            .field("source", source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|source| &**source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_word() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn display_leaves_the_cause_to_source() {
        let error = Error::new(ErrorKind::Transport, "cannot connect").with_source("refused");
        assert_eq!(error.to_string(), "cannot connect");
        assert_eq!(error.source().unwrap().to_string(), "refused");
    }

    #[test]
    fn body_is_cut_at_a_character() {
        let error = Error::new(ErrorKind::Status, "x").with_body(&"é".repeat(5000));
        assert_eq!(error.body().unwrap().chars().count(), Error::MAX_BODY_CHARS);
    }

    #[test]
    fn the_kind_decides_about_retries_until_it_is_overridden() {
        let error = Error::new(ErrorKind::Timeout, "x");
        assert!(error.is_retryable());
        assert!(!error.with_retryable(false).is_retryable());
    }
}
