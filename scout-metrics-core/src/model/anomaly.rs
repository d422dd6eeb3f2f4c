//! What a source noticed about the data and did not understand, or did not believe.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is odd about the data.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyKind {
    /// More images comply than were evaluated. Both counts are kept as they are.
    CompliantExceedsEvaluated,
    /// The exposition deviates from its format in a way that is forgiven.
    Deviation,
    /// One policy of a stream came with two display names. The first is kept.
    DisplayNameConflict,
    /// The same series came twice. The first value is kept.
    DuplicateSample,
    /// The exposition has no sample of Scout's at all.
    Empty,
    /// A label is missing or empty. The sample stands in no stream unless only the display name is missing.
    MissingLabel,
    /// A timestamp or exemplar, which the models have no place for, came with a sample. The value is kept.
    UnexpectedDetail,
    /// The type of one of Scout's families is not gauge. The values are kept.
    UnexpectedType,
    /// The family is none of Scout's. Its samples stand in no stream.
    UnknownFamily,
    /// A label that Scout's families do not have. The sample is kept in its stream without it.
    UnknownLabel,
    /// The severity is none of the five. The sample stands in no stream.
    UnknownSeverity,
    /// Compliant images came without evaluated ones, or the other way round. The sample stands in no stream.
    UnpairedSample,
}

/// One oddity that a source found in what it received.
///
/// Anomalies keep a source useful when Scout changes: the rest of the data is served, and nothing that came is dropped
/// in silence. A sample that stands in no stream is kept in [`sample`](Self::sample).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Anomaly {
    kind: AnomalyKind,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sample: Option<RawSample>,
}

impl Anomaly {
    /// Creates an anomaly with a message in lower case and without a final period.
    pub fn new(kind: AnomalyKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            line: None,
            sample: None,
        }
    }

    /// Returns the anomaly with the line of the exposition, counted from 1.
    #[must_use]
    pub fn with_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// Returns the anomaly with the sample that stands in no stream, or does without one of its parts.
    #[must_use]
    pub fn with_sample(mut self, sample: RawSample) -> Self {
        self.sample = Some(sample);
        self
    }

    /// Returns what is odd.
    pub fn kind(&self) -> AnomalyKind {
        self.kind
    }

    /// Returns the message, without the line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the line of the exposition, counted from 1.
    pub fn line(&self) -> Option<u64> {
        self.line
    }

    /// Returns the sample as it came.
    pub fn sample(&self) -> Option<&RawSample> {
        self.sample.as_ref()
    }

    /// Returns whether the sample stands in no stream, so that only the anomaly holds it.
    pub fn is_unplaced(&self) -> bool {
        matches!(
            self.kind,
            AnomalyKind::MissingLabel
                | AnomalyKind::UnknownFamily
                | AnomalyKind::UnknownSeverity
                | AnomalyKind::UnpairedSample
        ) && self.sample.is_some()
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

/// A sample as it came: the metric's name, the labels in their order, and the value.
///
/// Two samples are equal if they read the same; so NaN equals NaN here, and 0 does not equal -0.
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

    /// Returns the metric's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns names and values of the labels, in their order.
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
