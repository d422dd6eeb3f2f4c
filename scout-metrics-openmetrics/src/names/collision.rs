//! Two names that become the same.

use std::fmt;

use super::EscapingScheme;
use crate::{error::shown, find::NameOf};

/// Two names of one exposition, or of one sample's labels, that become the same by escaping or unescaping.
///
/// Their samples could not be distinguished any more, so this is always an error. The scheme
/// [`Values`](EscapingScheme::Values) hardly ever causes it, and [`AllowUtf8`](EscapingScheme::AllowUtf8) never does.
///
/// ```
/// use scout_metrics_openmetrics::{ContentType, EncodeErrorKind, MetricFamily, MetricType, encode_families};
///
/// let [dot, underscore] = ["a.b", "a_b"].map(|name| MetricFamily::new(name, MetricType::Gauge));
/// let error = encode_families(&[dot, underscore], ContentType::TEXT_0_0_4).unwrap_err();
/// assert_eq!(error.kind(), EncodeErrorKind::NameCollision);
/// assert_eq!(
///     error.to_string(),
///     "the metric names `a.b` and `a_b` both become `a_b` with the escaping scheme `underscores`",
/// );
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NameCollision {
    of: NameOf,
    names: [String; 2],
    becomes: String,
    scheme: EscapingScheme,
}

impl NameCollision {
    pub(crate) fn new(of: NameOf, names: [&str; 2], becomes: &str, scheme: EscapingScheme) -> Self {
        Self {
            of,
            names: names.map(str::to_owned),
            becomes: becomes.to_owned(),
            scheme,
        }
    }

    /// Returns the two names, in the order in which they were found.
    pub fn names(&self) -> [&str; 2] {
        self.names.each_ref().map(String::as_str)
    }

    /// Returns the name that both become.
    pub fn becomes(&self) -> &str {
        &self.becomes
    }

    /// Returns the scheme.
    pub fn scheme(&self) -> EscapingScheme {
        self.scheme
    }
}

impl fmt::Display for NameCollision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = match self.of {
            NameOf::Label => "label",
            NameOf::Metric => "metric",
        };
        let [first, second] = self.names().map(shown);
        let (becomes, scheme) = (shown(&self.becomes), self.scheme);
        write!(
            f,
            "the {of} names `{first}` and `{second}` both become `{becomes}` with the escaping scheme `{scheme}`"
        )
    }
}

impl std::error::Error for NameCollision {}
