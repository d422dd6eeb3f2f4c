//! How to read: the mode, the grammar extensions and the limits.

use crate::{Format, Limit, format::TextFormat};

/// How exactly an exposition has to keep to its format.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Mode {
    /// Accepts what Prometheus or the Python reference parser accepts, keeps all data, and reports each broken rule
    /// as a [`Deviation`](crate::Deviation). The default.
    #[default]
    Lenient,
    /// Refuses an exposition that breaks a rule of its format. The error names the [`Rule`](crate::Rule). Only bad exemplars
    /// of OpenMetrics 2.0 are left out and reported as a [`Deviation`](crate::Deviation), as its specification says.
    Strict,
}

/// How to read an exposition. The default reads Prometheus text leniently, with quoted names and default limits.
///
/// ```
/// use scout_metrics_openmetrics::{Format, Mode, ParseOptions};
///
/// let options = ParseOptions::new(Format::OpenMetrics).with_mode(Mode::Strict);
/// assert_eq!(options.mode(), Mode::Strict);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ParseOptions {
    format: Format,
    mode: Mode,
    quoted_names: bool,
    limits: Limits,
}

impl ParseOptions {
    /// Creates options for a format, or for that of a [`ContentType`](crate::ContentType), with defaults for everything
    /// else.
    pub fn new(format: impl Into<Format>) -> Self {
        Self {
            format: format.into(),
            mode: Mode::default(),
            quoted_names: true,
            limits: Limits::default(),
        }
    }

    /// Sets the format. Default: [`Format::Prometheus`].
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Sets the mode. Default: [`Mode::Lenient`].
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets whether names may be quoted, as in `{"a.b"} 1`. Default: `true`.
    ///
    /// Prometheus 3 [writes names so] that are not of the classic form. OpenMetrics 1.0 does not know them, so a check
    /// against the letter of its specification turns them off.
    ///
    /// [writes names so]: https://prometheus.io/docs/instrumenting/escaping_schemes/
    #[must_use]
    pub fn with_quoted_names(mut self, quoted_names: bool) -> Self {
        self.quoted_names = quoted_names;
        self
    }

    /// Sets the limits. Default: [`Limits::default`].
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns the format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns the format of a reader of text. Protobuf is refused before it matters.
    pub(crate) fn text_format(&self) -> TextFormat {
        self.format.text().unwrap_or(TextFormat::Prometheus)
    }

    /// Returns the mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns whether names may be quoted.
    pub fn quoted_names(&self) -> bool {
        self.quoted_names
    }

    /// Returns the limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self::new(Format::default())
    }
}

/// How much of everything one exposition may hold. Exceeding a limit is an error that names it.
///
/// The formats prescribe no limits, and Prometheus turns its own off by default; these are chosen so that nothing
/// sensible comes near them and hostile input stays cheap.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Limits {
    pub(crate) line_length: usize,
    pub(crate) labels: usize,
    pub(crate) name_length: usize,
    pub(crate) value_length: usize,
    pub(crate) samples: usize,
    pub(crate) families: usize,
}

impl Limits {
    /// Returns limits that nothing exceeds except lines of more than 4 GiB.
    ///
    /// For input that is trusted or bounded in another way.
    pub const fn unlimited() -> Self {
        Self {
            line_length: u32::MAX as usize,
            labels: usize::MAX,
            name_length: usize::MAX,
            value_length: usize::MAX,
            samples: usize::MAX,
            families: usize::MAX,
        }
    }

    /// Sets the maximum length of a line in bytes, its end not counted. Default: 1 MiB. At most 4 GiB.
    #[must_use]
    pub fn with_line_length(mut self, bytes: usize) -> Self {
        self.line_length = bytes.min(u32::MAX as usize);
        self
    }

    /// Sets the maximum number of labels of a sample or an exemplar. Default: 64.
    #[must_use]
    pub fn with_labels(mut self, count: usize) -> Self {
        self.labels = count;
        self
    }

    /// Sets the maximum length of the name of a metric or a label in bytes, as written. Default: 1 KiB.
    #[must_use]
    pub fn with_name_length(mut self, bytes: usize) -> Self {
        self.name_length = bytes;
        self
    }

    /// Sets the maximum length of a label's value in bytes, as written. Default: 256 KiB.
    #[must_use]
    pub fn with_value_length(mut self, bytes: usize) -> Self {
        self.value_length = bytes;
        self
    }

    /// Sets the maximum number of samples. Default: 1,000,000.
    #[must_use]
    pub fn with_samples(mut self, count: usize) -> Self {
        self.samples = count;
        self
    }

    /// Sets the maximum number of families, which only a reader that builds families counts. Default: 250,000.
    #[must_use]
    pub fn with_families(mut self, count: usize) -> Self {
        self.families = count;
        self
    }
}

/// The limits by name.
impl Limits {
    /// Sets a limit.
    #[must_use]
    pub fn with_limit(self, limit: Limit, value: usize) -> Self {
        match limit {
            Limit::Families => self.with_families(value),
            Limit::Labels => self.with_labels(value),
            Limit::LineLength => self.with_line_length(value),
            Limit::NameLength => self.with_name_length(value),
            Limit::Samples => self.with_samples(value),
            Limit::ValueLength => self.with_value_length(value),
        }
    }
}

/// The values of the limits.
impl Limits {
    /// Returns the maximum length of a line in bytes, its end not counted.
    pub const fn line_length(&self) -> usize {
        self.line_length
    }

    /// Returns the maximum number of labels of a sample or an exemplar.
    pub const fn labels(&self) -> usize {
        self.labels
    }

    /// Returns the maximum length of the name of a metric or a label in bytes, as written.
    pub const fn name_length(&self) -> usize {
        self.name_length
    }

    /// Returns the maximum length of a label's value in bytes, as written.
    pub const fn value_length(&self) -> usize {
        self.value_length
    }

    /// Returns the maximum number of samples.
    pub const fn samples(&self) -> usize {
        self.samples
    }

    /// Returns the maximum number of families.
    pub const fn families(&self) -> usize {
        self.families
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_length: 1 << 20,
            labels: 64,
            name_length: 1 << 10,
            value_length: 256 << 10,
            samples: 1_000_000,
            families: 250_000,
        }
    }
}
