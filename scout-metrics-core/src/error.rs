//! The error of the workspace, which implementations of a source can create, and callers can match by kind.

use std::{error::Error as StdError, fmt, iter, sync::Arc, time::Duration};

use serde::{Serialize, Serializer};

use crate::{Organization, text::OneLine};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an [`Error`], for programs to match on.
///
/// The documentation of each kind states whether an error of that kind is retried. [`Error::with_retryable`] overrides
/// it for one error.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorKind {
    /// The data has anomalies, and the caller configured them to be errors. Not retried.
    Anomaly,
    /// An option, credential or URL of the caller is invalid. Not retried.
    Config,
    /// The exposition is malformed or incomplete. Not retried.
    Decode,
    /// The credentials are valid but do not allow access to this organization (HTTP 403). Not retried.
    Forbidden,
    /// A value violates a rule of the models, such as an organization named `../x`. Not retried.
    Invalid,
    /// The response exceeds a limit. Not retried.
    Limit,
    /// The organization or the file does not exist (HTTP 404). Not retried.
    NotFound,
    /// The response is not an exposition: HTML, JSON or a wrong content type. Not retried.
    NotMetrics,
    /// Any other error. Not retried.
    Other,
    /// The server limits the rate of requests (HTTP 429). Retried.
    RateLimited,
    /// The server redirects to a location that must not receive the credentials. Not retried.
    Redirect,
    /// The server responded with an HTTP status that no other kind covers. Not retried.
    Status,
    /// The response did not arrive in time. Retried.
    Timeout,
    /// The connection could not be established or was interrupted: DNS, TCP, TLS, a truncated body. Retried.
    Transport,
    /// The credentials are missing, wrong or revoked (HTTP 401). Not retried.
    Unauthorized,
    /// The server or the source cannot respond at the moment (HTTP 5xx, shutting down). Retried.
    Unavailable,
}

impl ErrorKind {
    /// Returns the kind in lower case with underscores, for JSON, logs and metric labels.
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

/// The reason why a scrape, a conversion or a configuration failed.
///
/// `Display` prints this error without its causes; [`chain`](Self::chain) prints all of them, and
/// [`source`](StdError::source) returns the first. A clone shares everything, so that any number of callers can receive
/// the same error.
///
/// Serializes as `kind`, `message`, `organization`, `status`, `retryable`, `retry_after_seconds` and `causes`, an array
/// of texts. Unknown fields and the body are left out.
///
/// ```
/// use scout_metrics_core::{Error, ErrorKind, Organization};
///
/// let cause = std::io::Error::other("connection reset");
/// let error = Error::new(ErrorKind::Transport, "cannot read the response")
///     .with_organization(&Organization::new("acme")?)
///     .with_source(cause);
/// assert_eq!(error.to_string(), "organization `acme`: cannot read the response");
/// assert_eq!(
///     error.chain().to_string(),
///     "organization `acme`: cannot read the response: connection reset"
/// );
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
    /// The maximum number of characters of a response body that an error keeps.
    pub const MAX_BODY_CHARS: usize = 1024;

    /// Creates an error with a message in lower case and without a final period.
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

    /// Sets the organization whose data was requested.
    #[must_use]
    pub fn with_organization(self, organization: &Organization) -> Self {
        self.with(|inner| inner.organization = Some(organization.clone()))
    }

    /// Sets the HTTP status of the response.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        self.with(|inner| inner.status = Some(status))
    }

    /// Sets the beginning of the response body, cut to [`Error::MAX_BODY_CHARS`] characters.
    ///
    /// The caller must ensure that it does not contain a secret.
    #[must_use]
    pub fn with_body(self, body: &str) -> Self {
        let excerpt = body.chars().take(Self::MAX_BODY_CHARS).collect();
        self.with(|inner| inner.body = Some(excerpt))
    }

    /// Sets how long the server requests to wait before the next request.
    #[must_use]
    pub fn with_retry_after(self, delay: Duration) -> Self {
        self.with(|inner| inner.retry_after = Some(delay))
    }

    /// Overrides whether the error is retried, which otherwise depends on the kind.
    #[must_use]
    pub fn with_retryable(self, retryable: bool) -> Self {
        self.with(|inner| inner.retryable = retryable)
    }

    /// Sets the cause, which [`source`](StdError::source) returns.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.with(|inner| inner.source = Some(Arc::from(source.into())))
    }

    /// Returns the kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the message, without the organization and the causes.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns whether access was denied: the kind is [`Unauthorized`](ErrorKind::Unauthorized) or
    /// [`Forbidden`](ErrorKind::Forbidden).
    ///
    /// Access was revoked on purpose, or a credential must be renewed. Data from elsewhere would bypass the former and
    /// hide the latter, so by default no decorator replaces such an error with other data.
    pub fn is_denied(&self) -> bool {
        matches!(self.kind(), ErrorKind::Forbidden | ErrorKind::Unauthorized)
    }

    /// Returns whether the same call may succeed later without manual intervention.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Returns the organization whose data was requested, if it is known.
    pub fn organization(&self) -> Option<&Organization> {
        self.0.organization.as_ref()
    }

    /// Returns the HTTP status, if there was a response.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Returns the beginning of the response body, if there was one.
    pub fn body(&self) -> Option<&str> {
        self.0.body.as_deref()
    }

    /// Returns how long the server asks to wait before the next request, if it does.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns a value whose `Display` prints this error and all its causes on one line, separated by `: `.
    ///
    /// Control characters are escaped.
    pub fn chain(&self) -> impl fmt::Display + '_ {
        OneLine(Chain(self))
    }

    fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        iter::successors(self.source(), |&cause| cause.source())
    }
}

struct Chain<'a>(&'a Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        self.0.causes().try_for_each(|cause| write!(f, ": {cause}"))
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

impl Serialize for ErrorKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            kind: ErrorKind,
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            organization: Option<&'a Organization>,
            #[serde(skip_serializing_if = "Option::is_none")]
            status: Option<u16>,
            retryable: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            retry_after_seconds: Option<f64>,
            causes: Vec<String>,
        }

        Wire {
            kind: self.kind(),
            message: self.message(),
            organization: self.organization(),
            status: self.status(),
            retryable: self.is_retryable(),
            retry_after_seconds: self.retry_after().as_ref().map(Duration::as_secs_f64),
            causes: self.causes().map(ToString::to_string).collect(),
        }
        .serialize(serializer)
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
    fn display_does_not_print_the_cause() {
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

    #[test]
    fn the_chain_is_one_line_without_control_characters() {
        let cause = Error::new(ErrorKind::Other, "bad\r\nbyte \u{1b}[31m").with_source("refused");
        let error = Error::new(ErrorKind::Transport, "cannot connect").with_source(cause);
        assert_eq!(
            error.chain().to_string(),
            r"cannot connect: bad\r\nbyte \u{1b}[31m: refused"
        );
        let alone = Error::new(ErrorKind::Transport, "cannot connect");
        assert_eq!(alone.chain().to_string(), "cannot connect");
    }

    #[test]
    fn the_json_form_is_stable() {
        let cause = Error::new(ErrorKind::Other, "middle").with_source("last");
        let error = Error::new(ErrorKind::RateLimited, "too many requests")
            .with_organization(&Organization::new("acme").unwrap())
            .with_status(429)
            .with_body("not in the JSON form")
            .with_retry_after(Duration::from_millis(1500))
            .with_source(cause);
        assert_eq!(
            serde_json::to_string(&error).unwrap(),
            r#"{"kind":"rate_limited","message":"too many requests","organization":"acme","status":429,"retryable":true,"retry_after_seconds":1.5,"causes":["middle","last"]}"#
        );
        let least = Error::new(ErrorKind::NotMetrics, "x");
        assert_eq!(
            serde_json::to_string(&least).unwrap(),
            r#"{"kind":"not_metrics","message":"x","retryable":false,"causes":[]}"#
        );
    }
}
