//! Data that a source did not understand, or that contradicts itself.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The kind of an [`Anomaly`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AnomalyKind {
    /// More images comply than were evaluated. Both counts are kept unchanged.
    CompliantExceedsEvaluated,
    /// The exposition or report deviates from its format in a way that the reader accepts.
    Deviation,
    /// A policy of one stream has two display names. The first is kept; samples with the other are unplaced.
    DisplayNameConflict,
    /// A series occurs twice. The first value is kept.
    DuplicateSample,
    /// The exposition has no sample.
    Empty,
    /// A label is missing or empty. The sample is unplaced, unless only the display name is missing.
    MissingLabel,
    /// A kind that this version does not know, such as one read from a snapshot that a later version wrote.
    ///
    /// [`Anomaly::kind_name`] returns its name.
    Other,
    /// A sample has a timestamp or an exemplar, which the models do not hold. The value is kept.
    UnexpectedDetail,
    /// The type of one of Scout's families is not gauge. The values are kept.
    UnexpectedType,
    /// The family is not one of Scout's. Its samples are unplaced.
    UnknownFamily,
    /// A sample has a label that Scout's families do not have. It is unplaced, because without that label it could be
    /// confused with other samples.
    UnknownLabel,
    /// The severity is not one of [`Severity::ALL`](crate::Severity::ALL). Its count is kept in
    /// [`VulnerabilityCounts::unrecognized`](crate::VulnerabilityCounts::unrecognized).
    UnknownSeverity,
    /// A policy has a count of compliant images but none of evaluated images, or the reverse. The sample is unplaced.
    UnpairedSample,
}

impl AnomalyKind {
    /// All kinds, by name.
    pub const ALL: &'static [Self] = &[
        Self::CompliantExceedsEvaluated,
        Self::Deviation,
        Self::DisplayNameConflict,
        Self::DuplicateSample,
        Self::Empty,
        Self::MissingLabel,
        Self::Other,
        Self::UnexpectedDetail,
        Self::UnexpectedType,
        Self::UnknownFamily,
        Self::UnknownLabel,
        Self::UnknownSeverity,
        Self::UnpairedSample,
    ];

    /// Returns the kind in lower case with underscores, for JSON, logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CompliantExceedsEvaluated => "compliant_exceeds_evaluated",
            Self::Deviation => "deviation",
            Self::DisplayNameConflict => "display_name_conflict",
            Self::DuplicateSample => "duplicate_sample",
            Self::Empty => "empty",
            Self::MissingLabel => "missing_label",
            Self::Other => "other",
            Self::UnexpectedDetail => "unexpected_detail",
            Self::UnexpectedType => "unexpected_type",
            Self::UnknownFamily => "unknown_family",
            Self::UnknownLabel => "unknown_label",
            Self::UnknownSeverity => "unknown_severity",
            Self::UnpairedSample => "unpaired_sample",
        }
    }

    /// Returns the kind of a name, [`Other`](Self::Other) if the name is unknown.
    fn from_name(name: &str) -> Self {
        let mut kinds = Self::ALL.iter().copied();
        kinds
            .find(|kind| kind.as_str() == name)
            .unwrap_or(Self::Other)
    }
}

impl fmt::Display for AnomalyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for AnomalyKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Reads an unknown name as [`AnomalyKind::Other`].
impl<'de> Deserialize<'de> for AnomalyKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::from_name(&name))
    }
}

/// Something in the data of a source that it did not understand, or that contradicts itself.
///
/// With anomalies a source stays useful when Scout changes: it serves the rest of the data, and drops nothing
/// silently. A sample that the models cannot hold is *unplaced*: only the anomaly holds it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(from = "Wire", into = "Wire")]
pub struct Anomaly {
    kind: AnomalyKind,
    /// The name of a kind that this version does not know.
    unknown_kind: Option<Box<str>>,
    rule: Option<Box<str>>,
    message: String,
    line: Option<u64>,
    sample: Option<RawSample>,
    is_unplaced: bool,
}

impl Anomaly {
    /// Creates an anomaly with a message in lower case and without a final period.
    pub fn new(kind: AnomalyKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            unknown_kind: None,
            rule: None,
            message: message.into(),
            line: None,
            sample: None,
            is_unplaced: false,
        }
    }

    /// Sets the rule of the format that is broken, by a name in lower case with underscores.
    #[must_use]
    pub fn with_rule(mut self, rule: impl Into<Box<str>>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// Sets the line of the exposition, counted from 1.
    #[must_use]
    pub fn with_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// Sets the sample that has the anomaly, for information: a stream holds it too.
    ///
    /// Replaces a sample set before.
    #[must_use]
    pub fn with_sample(mut self, sample: RawSample) -> Self {
        self.sample = Some(sample);
        self.is_unplaced = false;
        self
    }

    /// Sets the sample that has the anomaly, and that no stream holds.
    ///
    /// Replaces a sample set before.
    #[must_use]
    pub fn with_unplaced(mut self, sample: RawSample) -> Self {
        self.sample = Some(sample);
        self.is_unplaced = true;
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> AnomalyKind {
        self.kind
    }

    /// Returns the name of the kind: [`AnomalyKind::as_str`], or the original name of a kind that is unknown.
    pub fn kind_name(&self) -> &str {
        self.unknown_kind
            .as_deref()
            .unwrap_or_else(|| self.kind.as_str())
    }

    /// Returns the name of the rule of the format that is broken, if the kind is [`AnomalyKind::Deviation`] and the source
    /// says so.
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// Returns the message, without the line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the line of the exposition, counted from 1.
    pub fn line(&self) -> Option<u64> {
        self.line
    }

    /// Returns the sample as it was received.
    pub fn sample(&self) -> Option<&RawSample> {
        self.sample.as_ref()
    }

    /// Returns whether only this anomaly holds the sample: it was set by [`with_unplaced`](Self::with_unplaced).
    pub fn is_unplaced(&self) -> bool {
        self.is_unplaced
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{} (line {line})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// The JSON form.
#[derive(Deserialize, Serialize)]
struct Wire {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule: Option<Box<str>>,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sample: Option<RawSample>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unplaced: bool,
}

impl From<Anomaly> for Wire {
    fn from(anomaly: Anomaly) -> Self {
        Self {
            kind: anomaly.kind_name().to_owned(),
            rule: anomaly.rule,
            message: anomaly.message,
            line: anomaly.line,
            sample: anomaly.sample,
            unplaced: anomaly.is_unplaced,
        }
    }
}

impl From<Wire> for Anomaly {
    fn from(wire: Wire) -> Self {
        let kind = AnomalyKind::from_name(&wire.kind);
        let is_unknown = kind.as_str() != wire.kind;
        Self {
            kind,
            unknown_kind: is_unknown.then(|| wire.kind.into()),
            rule: wire.rule,
            message: wire.message,
            line: wire.line,
            is_unplaced: wire.unplaced && wire.sample.is_some(),
            sample: wire.sample,
        }
    }
}

/// A sample as it was received: the name of the metric, the labels in their order, and the value.
///
/// Unlike floats, NaN equals NaN here, and 0 does not equal -0.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RawSample {
    name: String,
    labels: Vec<(String, String)>,
    #[serde(with = "float_text")]
    value: f64,
}

impl RawSample {
    /// Creates a sample.
    pub fn new(name: impl Into<String>, labels: Vec<(String, String)>, value: f64) -> Self {
        Self {
            name: name.into(),
            labels,
            value,
        }
    }

    /// Returns the name of the metric.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the names and values of the labels, in their order.
    pub fn labels(&self) -> &[(String, String)] {
        &self.labels
    }

    /// Returns the value.
    pub fn value(&self) -> f64 {
        self.value
    }
}

impl PartialEq for RawSample {
    fn eq(&self, other: &Self) -> bool {
        let (value, other_value) = (self.value, other.value);
        let is_same_value =
            value.to_bits() == other_value.to_bits() || value.is_nan() && other_value.is_nan();
        is_same_value && self.name == other.name && self.labels == other.labels
    }
}

impl Eq for RawSample {}

/// A float as text, because JSON has no NaN and no infinities.
mod float_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}
