//! A histogram: its buckets, its count and its sum.

use super::{
    error::GroupError,
    numbered::LabelNumber,
    points::{PointWriter, check_count, check_labels},
    start::Start,
};
use crate::{
    CompositeValue, Exemplar, HistogramValue, LabelSet, MetricType, NativeHistogram, Sample,
    Suffix, Timestamp,
};

/// The name of the label with the bound of a bucket.
pub(super) const BOUND: &str = "le";

/// A histogram with its labels, at one time: everything that an exposition says about it in samples that end in `_bucket`,
/// `_count`, `_sum` and `_created`.
///
/// It is checked when it is made. Its buckets are sorted by rising bounds, which are numbers; they are cumulative, so each
/// holds all events of the buckets before it; the last one is `+Inf` and holds as many as there are. That also holds for
/// the histograms of [`MetricFamily::histograms`](crate::MetricFamily::histograms), whatever was read. Rules of one format
/// alone, such as that OpenMetrics counts whole events, are left to [`encode_families`](crate::encode_families). A histogram
/// may have a [native histogram](NativeHistogram) of the same events next to its buckets, or in place of them.
///
/// ```
/// use scout_metrics_openmetrics::{Format, Histogram, MetricFamily, encode_families};
///
/// let wait = Histogram::builder()
///     .with_labels([("job", "api")])
///     .with_buckets([(0.5, 8.0), (1.0, 9.0), (f64::INFINITY, 10.0)])
///     .with_sum(4.2)
///     .build()?;
/// assert_eq!(wait.count(), 10.0);
///
/// let family = MetricFamily::histogram("wait_seconds", [wait])?.with_unit("seconds");
/// let exposition = encode_families(&[family], Format::OpenMetrics)?;
/// let lines = [
///     "# TYPE wait_seconds histogram",
///     "# UNIT wait_seconds seconds",
///     r#"wait_seconds_bucket{job="api",le="0.5"} 8"#,
///     r#"wait_seconds_bucket{job="api",le="1.0"} 9"#,
///     r#"wait_seconds_bucket{job="api",le="+Inf"} 10"#,
///     r#"wait_seconds_count{job="api"} 10"#,
///     r#"wait_seconds_sum{job="api"} 4.2"#,
///     "# EOF\n",
/// ];
/// assert_eq!(exposition.body(), &lines.join("\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Two histograms are equal if their samples are.
#[derive(Clone, Debug)]
pub struct Histogram {
    labels: LabelSet,
    timestamp: Option<Timestamp>,
    buckets: Vec<Bucket>,
    has_count: bool,
    sum: Option<f64>,
    start: Option<Start>,
    native: Option<NativeHistogram>,
    /// Those of no particular bucket.
    exemplars: Vec<Exemplar>,
}

impl Histogram {
    /// Returns a builder of a histogram without labels and buckets.
    pub fn builder() -> HistogramBuilder {
        HistogramBuilder::default()
    }

    /// Returns the labels, without the `le` of the buckets.
    pub fn labels(&self) -> &LabelSet {
        &self.labels
    }

    /// Returns the timestamp, if there is one.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }

    /// Returns the buckets by rising bounds. The last one is `+Inf`. There are none if there is only a native histogram.
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// Returns the number of events.
    pub fn count(&self) -> f64 {
        let native = self.native.as_ref().map(NativeHistogram::count);
        let classic = self.buckets.last().map(Bucket::count);
        classic.or(native).unwrap_or_default()
    }

    /// Returns the sum of all events, if it is known.
    pub fn sum(&self) -> Option<f64> {
        let native = self.native.as_ref().map(NativeHistogram::sum);
        self.sum.or(native)
    }

    /// Returns the native histogram, if there is one.
    pub fn native(&self) -> Option<&NativeHistogram> {
        self.native.as_ref()
    }

    /// Returns the exemplars of no particular bucket: those of a native histogram, and those that a later one kept from
    /// being that of a bucket. The exemplars of buckets are [`Bucket::exemplar`].
    pub fn other_exemplars(&self) -> &[Exemplar] {
        &self.exemplars
    }

    /// Returns when counting began, in seconds since the Unix epoch, if it is known.
    pub fn created(&self) -> Option<f64> {
        self.start.map(Start::seconds)
    }

    /// Returns when counting began, to the nanosecond, if it is known and a point in time.
    pub fn start_timestamp(&self) -> Option<Timestamp> {
        self.start.and_then(Start::timestamp)
    }

    /// Appends the samples of a family of a type. There is one with a composite value if series cannot hold all exemplars.
    pub(super) fn push_samples(&self, samples: &mut Vec<Sample>, kind: MetricType) {
        let (count, sum) = match kind {
            MetricType::GaugeHistogram => (Suffix::GCount, Suffix::GSum),
            _ => (Suffix::Count, Suffix::Sum),
        };
        let mut writer = PointWriter {
            samples,
            labels: &self.labels,
            timestamp: self.timestamp,
        };
        if self.native.is_none() && !self.exemplars.is_empty() {
            writer.push(self.composite_sample(kind));
            return;
        }
        for bucket in &self.buckets {
            let sample = Sample::new(Suffix::Bucket, LabelSet::new(), bucket.count);
            let sample = match &bucket.exemplar {
                Some(exemplar) => sample.with_exemplar(exemplar.clone()),
                None => sample,
            };
            writer.push_numbered(sample, BOUND, bucket.bound.text());
        }
        // Without series, the sample of the native histogram is the only place for it.
        let start = self
            .start_timestamp()
            .filter(|_| self.native.is_some() && self.buckets.is_empty());
        let created = self.created().filter(|_| start.is_none());
        writer.push_others([
            (count, self.has_count.then_some(self.count())),
            (sum, self.sum),
            (Suffix::Created, created),
        ]);
        if let Some(native) = &self.native {
            let value = HistogramValue::from(native.clone());
            let sample = Sample::new(Suffix::None, self.labels.clone(), native.count());
            let sample = sample.with_composite(composite(kind, value));
            let sample = sample.with_exemplars(self.exemplars.iter().cloned());
            writer.push(match start {
                Some(start) => sample.with_start_timestamp(start),
                None => sample,
            });
        }
    }

    fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        self.push_samples(&mut samples, MetricType::Histogram);
        samples
    }

    /// Returns the histogram without native buckets as one sample.
    fn composite_sample(&self, kind: MetricType) -> Sample {
        let buckets = self.buckets.iter();
        let value = HistogramValue::new(self.count())
            .with_buckets(buckets.clone().map(|bucket| (bucket.bound(), bucket.count)));
        let value = match self.sum {
            Some(sum) => value.with_sum(sum),
            None => value,
        };
        let exemplars = buckets
            .filter_map(Bucket::exemplar)
            .chain(&self.exemplars)
            .cloned();
        let sample = Sample::new(Suffix::None, self.labels.clone(), self.count())
            .with_composite(composite(kind, value))
            .with_exemplars(exemplars);
        match self.start_timestamp() {
            Some(start) => sample.with_start_timestamp(start),
            None => sample,
        }
    }
}

/// Returns a histogram as the value of a sample of a family of a type.
pub(super) fn composite(kind: MetricType, value: HistogramValue) -> CompositeValue {
    match kind {
        MetricType::GaugeHistogram => CompositeValue::GaugeHistogram(value),
        _ => CompositeValue::Histogram(value),
    }
}

impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        self.samples() == other.samples() && self.start_timestamp() == other.start_timestamp()
    }
}

impl Eq for Histogram {}

/// A bucket of a [`Histogram`].
///
/// A pair of a bound and a count converts into a bucket without an exemplar.
#[derive(Clone, Debug)]
pub struct Bucket {
    bound: LabelNumber,
    count: f64,
    exemplar: Option<Exemplar>,
}

impl Bucket {
    /// Creates a bucket that holds so many events with values up to the bound. The bound is written as OpenMetrics recommends:
    /// `1.0`, `1e+06`, `+Inf`.
    pub fn new(bound: f64, count: f64) -> Self {
        Self::with_bound(LabelNumber::new(bound), count)
    }

    pub(super) fn with_bound(bound: LabelNumber, count: f64) -> Self {
        Self {
            bound,
            count,
            exemplar: None,
        }
    }

    /// Returns the bucket with an exemplar, which is one of its events.
    #[must_use]
    pub fn with_exemplar(mut self, exemplar: Exemplar) -> Self {
        self.exemplar = Some(exemplar);
        self
    }

    /// Returns the largest value that an event in the bucket can have.
    pub fn bound(&self) -> f64 {
        self.bound.number()
    }

    /// Returns the bound as it is written in the label `le`.
    pub fn bound_text(&self) -> &str {
        self.bound.text()
    }

    /// Returns the number of events up to the bound, with those in the buckets before.
    pub fn count(&self) -> f64 {
        self.count
    }

    /// Returns the exemplar, if there is one.
    pub fn exemplar(&self) -> Option<&Exemplar> {
        self.exemplar.as_ref()
    }
}

/// Creates a bucket from a bound and a count.
impl From<(f64, f64)> for Bucket {
    fn from((bound, count): (f64, f64)) -> Self {
        Self::new(bound, count)
    }
}

/// Builds a [`Histogram`].
#[derive(Clone, Debug, Default)]
#[must_use = "`build` makes the histogram"]
pub struct HistogramBuilder {
    labels: LabelSet,
    timestamp: Option<Timestamp>,
    buckets: Vec<Bucket>,
    count: Option<f64>,
    sum: Option<f64>,
    start: Option<Start>,
    native: Option<NativeHistogram>,
    exemplars: Vec<Exemplar>,
}

impl HistogramBuilder {
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

    /// Adds buckets, by rising bounds. Their counts are cumulative: each holds the events of the buckets before it.
    pub fn with_buckets<B: Into<Bucket>>(mut self, buckets: impl IntoIterator<Item = B>) -> Self {
        self.buckets.extend(buckets.into_iter().map(Into::into));
        self
    }

    /// Sets the number of events. Default: what the bucket `+Inf` holds, if there is a sum. Where that bucket is missing, it
    /// is added.
    pub fn with_count(mut self, count: f64) -> Self {
        self.count = Some(count);
        self
    }

    /// Sets the sum of all events. Default: not known. In OpenMetrics a histogram with negative bounds has none.
    pub fn with_sum(mut self, sum: f64) -> Self {
        self.sum = Some(sum);
        self
    }

    /// Sets when counting began, in seconds since the Unix epoch. Default: not known. Only OpenMetrics can say it, and not
    /// for a gauge histogram.
    pub fn with_created(mut self, seconds: f64) -> Self {
        self.start = Some(Start::Seconds(seconds));
        self
    }

    /// Sets when counting began, to the nanosecond. Default: not known.
    pub fn with_start_timestamp(mut self, start: Timestamp) -> Self {
        self.start = Some(Start::Timestamp(start));
        self
    }

    /// Sets a native histogram of the same events. Without buckets, it also has their count and sum. Default: none.
    pub fn with_native(mut self, native: NativeHistogram) -> Self {
        self.native = Some(native);
        self
    }

    /// Sets the exemplars of no particular bucket. Default: none. Only OpenMetrics 2.0 has them next to classic buckets alone.
    pub fn with_other_exemplars(mut self, exemplars: impl IntoIterator<Item = Exemplar>) -> Self {
        self.exemplars = exemplars.into_iter().collect();
        self
    }

    /// Builds the histogram.
    ///
    /// # Errors
    ///
    /// If a label occurs twice, has no name, or is `le` or `__name__`; if a bound is not a number or not greater than the
    /// one before; if a count is negative, not a number or smaller than that of the bucket before; if there is neither a
    /// count nor a bucket `+Inf` nor a native histogram, or if count and bucket differ.
    pub fn build(mut self) -> Result<Histogram, GroupError> {
        let has_infinite = self
            .buckets
            .last()
            .is_some_and(|last| last.bound() == f64::INFINITY);
        match (self.count, self.buckets.last()) {
            (Some(count), _) if !has_infinite => {
                self.buckets.push(Bucket::new(f64::INFINITY, count));
            }
            // The formats have a count where there is a sum.
            (None, Some(last)) if self.sum.is_some() => self.count = Some(last.count),
            _ => {}
        }
        self.build_as_given()
    }

    /// Builds the histogram without adding a bucket.
    pub(super) fn build_as_given(self) -> Result<Histogram, GroupError> {
        let labels = self.labels.clone();
        let checked = check_labels(&labels, BOUND).and_then(|()| self.check());
        checked.map_err(|fault| GroupError::new("histogram", &labels, fault))?;
        Ok(Histogram {
            labels: self.labels,
            timestamp: self.timestamp,
            buckets: self.buckets,
            has_count: self.count.is_some(),
            sum: self.sum,
            start: self.start,
            native: self.native,
            exemplars: self.exemplars,
        })
    }

    fn check(&self) -> Result<(), String> {
        if self.is_native_alone() {
            return Ok(());
        }
        for bucket in &self.buckets {
            if bucket.bound().is_nan() {
                return Err("has a bucket whose bound is not a number".to_owned());
            }
            check_count(
                bucket.count,
                &format!("a bucket `{}` that holds", bucket.bound_text()),
            )?;
        }
        for (before, bucket) in self.buckets.iter().zip(self.buckets.iter().skip(1)) {
            check_order(before, bucket)?;
        }
        let Some(last) = self
            .buckets
            .last()
            .filter(|last| last.bound() == f64::INFINITY)
        else {
            return Err("has no bucket `+Inf`".to_owned());
        };
        match self.count {
            Some(count) if count != last.count => Err(format!(
                "has a count of {count}, but its bucket `+Inf` holds {}",
                last.count
            )),
            _ => Ok(()),
        }
    }
}

impl HistogramBuilder {
    /// Returns whether count and sum are those of a native histogram.
    fn is_native_alone(&self) -> bool {
        self.native.is_some()
            && self.buckets.is_empty()
            && self.count.is_none()
            && self.sum.is_none()
    }
}

fn check_order(before: &Bucket, bucket: &Bucket) -> Result<(), String> {
    let (bound, bound_before) = (bucket.bound_text(), before.bound_text());
    if bucket.bound() <= before.bound() {
        return Err(format!(
            "has the bucket `{bound}` after `{bound_before}`, but bounds rise"
        ));
    }
    if bucket.count < before.count {
        return Err(format!(
            "has a bucket `{bound}` that holds {}, fewer than the {} of `{bound_before}` before it, but buckets are cumulative",
            bucket.count, before.count
        ));
    }
    Ok(())
}
