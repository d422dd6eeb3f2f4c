//! A summary: its quantiles, its count and its sum.

use std::collections::HashSet;

use super::{
    error::GroupError,
    numbered::LabelNumber,
    points::{PointWriter, check_count, check_labels},
    start::Start,
};
use crate::{CompositeValue, Exemplar, LabelSet, Sample, Suffix, SummaryValue, Timestamp};

/// The name of the label with the rank of a quantile.
pub(super) const RANK: &str = "quantile";

/// A summary with its labels, at one time: its quantiles, and what an exposition says about it in samples that end in
/// `_count`, `_sum` and `_created`.
///
/// It is checked when it is made: the ranks of its quantiles are numbers from 0 to 1, each once, and its count is not
/// negative. Rules of one format alone are left to [`encode_families`](crate::encode_families).
///
/// ```
/// use scout_metrics_openmetrics::{ParseOptions, Summary, parse_families};
///
/// let text = b"# TYPE wait summary\nwait{quantile=\"0.99\"} 0.7\nwait_sum 42.5\nwait_count 100\n";
/// let families = parse_families(text, &ParseOptions::default())?;
/// let summaries = families.as_slice()[0].summaries()?;
/// let expected = Summary::builder()
///     .with_quantiles([(0.99, 0.7)])
///     .with_sum(42.5)
///     .with_count(100.0)
///     .build()?;
/// assert_eq!(summaries, [expected]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Two summaries are equal if their samples are.
#[derive(Clone, Debug)]
pub struct Summary {
    labels: LabelSet,
    timestamp: Option<Timestamp>,
    quantiles: Vec<Quantile>,
    count: Option<f64>,
    sum: Option<f64>,
    start: Option<Start>,
    exemplars: Vec<Exemplar>,
}

impl Summary {
    /// Returns a builder of a summary without labels and quantiles.
    pub fn builder() -> SummaryBuilder {
        SummaryBuilder::default()
    }

    /// Returns the labels, without the `quantile` of the quantiles.
    pub fn labels(&self) -> &LabelSet {
        &self.labels
    }

    /// Returns the timestamp, if there is one.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }

    /// Returns the quantiles in their order.
    pub fn quantiles(&self) -> &[Quantile] {
        &self.quantiles
    }

    /// Returns the number of events, if it is known.
    pub fn count(&self) -> Option<f64> {
        self.count
    }

    /// Returns the sum of all events, if it is known.
    pub fn sum(&self) -> Option<f64> {
        self.sum
    }

    /// Returns when counting began, in seconds since the Unix epoch, if it is known.
    pub fn created(&self) -> Option<f64> {
        self.start.map(Start::seconds)
    }

    /// Returns when counting began, to the nanosecond, if it is known and a point in time.
    pub fn start_timestamp(&self) -> Option<Timestamp> {
        self.start.and_then(Start::timestamp)
    }

    /// Returns the exemplars, which only OpenMetrics 2.0 has.
    pub fn exemplars(&self) -> &[Exemplar] {
        &self.exemplars
    }

    /// Appends the samples. There is one with a composite value if series cannot hold all of it.
    pub(super) fn push_samples(&self, samples: &mut Vec<Sample>) {
        let mut writer = PointWriter {
            samples,
            labels: &self.labels,
            timestamp: self.timestamp,
        };
        if !self.exemplars.is_empty() {
            writer.push(self.composite_sample());
            return;
        }
        for quantile in &self.quantiles {
            let sample = Sample::new(Suffix::None, LabelSet::new(), quantile.value);
            writer.push_numbered(sample, RANK, quantile.rank.text());
        }
        writer.push_others([
            (Suffix::Count, self.count),
            (Suffix::Sum, self.sum),
            (Suffix::Created, self.created()),
        ]);
    }

    fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        self.push_samples(&mut samples);
        samples
    }

    fn composite_sample(&self) -> Sample {
        let quantiles = self.quantiles.iter();
        let mut value = SummaryValue::new()
            .with_quantiles(quantiles.map(|quantile| (quantile.rank(), quantile.value)));
        if let Some(count) = self.count {
            value = value.with_count(count);
        }
        if let Some(sum) = self.sum {
            value = value.with_sum(sum);
        }
        let sample = Sample::new(Suffix::None, self.labels.clone(), 0.0)
            .with_composite(CompositeValue::Summary(value))
            .with_exemplars(self.exemplars.iter().cloned());
        match self.start_timestamp() {
            Some(start) => sample.with_start_timestamp(start),
            None => sample,
        }
    }
}

impl PartialEq for Summary {
    fn eq(&self, other: &Self) -> bool {
        self.samples() == other.samples() && self.start_timestamp() == other.start_timestamp()
    }
}

impl Eq for Summary {}

/// A quantile of a [`Summary`].
///
/// A pair of a rank and a value converts into a quantile.
#[derive(Clone, Debug)]
pub struct Quantile {
    rank: LabelNumber,
    value: f64,
}

impl Quantile {
    /// Creates a quantile: the share of events, from 0 to 1, that have at most the value. The rank is written as OpenMetrics
    /// recommends: `0.5`, `1.0`.
    pub fn new(rank: f64, value: f64) -> Self {
        Self::with_rank(LabelNumber::new(rank), value)
    }

    pub(super) fn with_rank(rank: LabelNumber, value: f64) -> Self {
        Self { rank, value }
    }

    /// Returns the share of events that have at most the value, from 0 to 1.
    pub fn rank(&self) -> f64 {
        self.rank.number()
    }

    /// Returns the rank as it is written in the label `quantile`.
    pub fn rank_text(&self) -> &str {
        self.rank.text()
    }

    /// Returns the value. It is NaN where there were no events.
    pub fn value(&self) -> f64 {
        self.value
    }
}

/// Creates a quantile from a rank and a value.
impl From<(f64, f64)> for Quantile {
    fn from((rank, value): (f64, f64)) -> Self {
        Self::new(rank, value)
    }
}

/// Builds a [`Summary`].
#[derive(Clone, Debug, Default)]
#[must_use = "`build` makes the summary"]
pub struct SummaryBuilder {
    labels: LabelSet,
    timestamp: Option<Timestamp>,
    quantiles: Vec<Quantile>,
    count: Option<f64>,
    sum: Option<f64>,
    start: Option<Start>,
    exemplars: Vec<Exemplar>,
}

impl SummaryBuilder {
    /// Sets the labels. Default: none.
    pub fn with_labels(mut self, labels: impl Into<LabelSet>) -> Self {
        self.labels = labels.into();
        self
    }

    /// Sets the timestamp. Default: none.
    pub fn with_timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Adds quantiles.
    pub fn with_quantiles<Q: Into<Quantile>>(
        mut self,
        quantiles: impl IntoIterator<Item = Q>,
    ) -> Self {
        self.quantiles.extend(quantiles.into_iter().map(Into::into));
        self
    }

    /// Sets the number of events. Default: not known.
    pub fn with_count(mut self, count: f64) -> Self {
        self.count = Some(count);
        self
    }

    /// Sets the sum of all events. Default: not known.
    pub fn with_sum(mut self, sum: f64) -> Self {
        self.sum = Some(sum);
        self
    }

    /// Sets when counting began, in seconds since the Unix epoch. Default: not known. Only OpenMetrics can say it.
    pub fn with_created(mut self, seconds: f64) -> Self {
        self.start = Some(Start::Seconds(seconds));
        self
    }

    /// Sets when counting began, to the nanosecond. Default: not known.
    pub fn with_start_timestamp(mut self, start: Timestamp) -> Self {
        self.start = Some(Start::Timestamp(start));
        self
    }

    /// Sets the exemplars. Default: none. Only OpenMetrics 2.0 has them.
    pub fn with_exemplars(mut self, exemplars: impl IntoIterator<Item = Exemplar>) -> Self {
        self.exemplars = exemplars.into_iter().collect();
        self
    }

    /// Builds the summary.
    ///
    /// # Errors
    ///
    /// If a label occurs twice, has no name, or is `quantile` or `__name__`; if a rank is not from 0 to 1 or occurs twice; if
    /// the count is negative or not a number; if there is nothing but labels and a timestamp.
    pub fn build(self) -> Result<Summary, GroupError> {
        let checked = check_labels(&self.labels, RANK).and_then(|()| self.check());
        checked.map_err(|fault| GroupError::new("summary", &self.labels, fault))?;
        Ok(Summary {
            labels: self.labels,
            timestamp: self.timestamp,
            quantiles: self.quantiles,
            count: self.count,
            sum: self.sum,
            start: self.start,
            exemplars: self.exemplars,
        })
    }

    fn check(&self) -> Result<(), String> {
        let mut ranks = HashSet::new();
        for quantile in &self.quantiles {
            let (rank, text) = (quantile.rank(), quantile.rank_text());
            if !(0.0..=1.0).contains(&rank) {
                return Err(format!("has a quantile `{text}`, which is not from 0 to 1"));
            }
            // The sum turns -0 into 0.
            if !ranks.insert((rank + 0.0).to_bits()) {
                return Err(format!("has the quantile `{text}` twice"));
            }
        }
        if let Some(count) = self.count {
            check_count(count, "a count of")?;
        }
        let has_number = self.count.is_some() || self.sum.is_some() || self.start.is_some();
        if self.quantiles.is_empty() && !has_number {
            return Err("has no quantile, count, sum or time of creation".to_owned());
        }
        Ok(())
    }
}
