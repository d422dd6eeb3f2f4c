//! The limits by name.

use std::fmt;

/// One of the [`Limits`](crate::Limits).
///
/// ```
/// use scout_metrics_openmetrics::{Limit, Limits, ParseOptions, parse_families};
///
/// let limits = Limits::default().with_samples(1);
/// let options = ParseOptions::default().with_limits(limits);
/// let error = parse_families(b"a 1\nb 1\n", &options).unwrap_err();
/// assert_eq!(error.limit(), Some(Limit::Samples));
/// assert_eq!(
///     error.message(),
///     "there are more samples than the limit of 1, which `Limits::with_samples` sets"
/// );
/// let raised = limits.with_limit(Limit::Samples, 2);
/// assert!(parse_families(b"a 1\nb 1\n", &options.with_limits(raised)).is_ok());
/// # Ok::<(), scout_metrics_openmetrics::ParseError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Limit {
    /// The number of families.
    Families,
    /// The number of labels of a sample or an exemplar.
    Labels,
    /// The length of a line in bytes.
    LineLength,
    /// The length of the name of a metric or a label in bytes.
    NameLength,
    /// The number of samples.
    Samples,
    /// The length of a label's value in bytes.
    ValueLength,
}

impl Limit {
    /// All limits.
    pub const ALL: &'static [Self] = &[
        Self::Families,
        Self::Labels,
        Self::LineLength,
        Self::NameLength,
        Self::Samples,
        Self::ValueLength,
    ];

    /// Returns a stable name in lower case with underscores, which is that of the getter in
    /// [`Limits`](crate::Limits).
    pub const fn id(self) -> &'static str {
        match self {
            Self::Families => "families",
            Self::Labels => "labels",
            Self::LineLength => "line_length",
            Self::NameLength => "name_length",
            Self::Samples => "samples",
            Self::ValueLength => "value_length",
        }
    }

    /// Says that it is exceeded.
    pub(crate) fn exceeded(self, limit: usize) -> String {
        let what = match self {
            Self::Families => format!("there are more families than the limit of {limit}"),
            Self::Labels => format!("there are more labels than the limit of {limit}"),
            Self::LineLength => format!("the line is longer than the limit of {limit} bytes"),
            Self::NameLength => format!("the name is longer than the limit of {limit} bytes"),
            Self::Samples => format!("there are more samples than the limit of {limit}"),
            Self::ValueLength => {
                format!("the label value is longer than the limit of {limit} bytes")
            }
        };
        format!("{what}, which `Limits::with_{self}` sets")
    }
}

/// Writes the stable name.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}
