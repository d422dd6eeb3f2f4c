//! From families to histograms and summaries, and back.

use std::collections::HashSet;

use super::{
    error::GroupError,
    exemplars::place,
    histogram::{BOUND, Bucket, Histogram, HistogramBuilder},
    numbered::LabelNumber,
    points::{Point, points},
    summary::{Quantile, RANK, Summary, SummaryBuilder},
};
use crate::{
    CompositeValue, HistogramValue, LabelSet, MetricFamily, MetricType, NativeHistogram, Sample,
    Suffix, SummaryValue, Timestamp, error::shown,
};

/// Histograms and summaries.
impl MetricFamily {
    /// Creates a family of histograms, without help and unit.
    ///
    /// [`Histogram`] has an example.
    ///
    /// # Errors
    ///
    /// If two histograms have the same labels and timestamp.
    pub fn histogram(
        name: impl Into<String>,
        histograms: impl IntoIterator<Item = Histogram>,
    ) -> Result<Self, GroupError> {
        let family = Self::new(name, MetricType::Histogram);
        family.with_histograms(histograms)
    }

    /// Creates a family of gauge histograms, without help and unit. Only OpenMetrics has them.
    ///
    /// # Errors
    ///
    /// If two histograms have the same labels and timestamp, or if one has a time of creation.
    pub fn gauge_histogram(
        name: impl Into<String>,
        histograms: impl IntoIterator<Item = Histogram>,
    ) -> Result<Self, GroupError> {
        let family = Self::new(name, MetricType::GaugeHistogram);
        family.with_histograms(histograms)
    }

    /// Creates a family of summaries, without help and unit.
    ///
    /// [`Summary`] has an example.
    ///
    /// # Errors
    ///
    /// If two summaries have the same labels and timestamp.
    pub fn summary(
        name: impl Into<String>,
        summaries: impl IntoIterator<Item = Summary>,
    ) -> Result<Self, GroupError> {
        let mut family = Self::new(name, MetricType::Summary);
        let mut samples = Vec::new();
        let mut known = Known::default();
        for summary in summaries {
            let added = known.add(summary.labels(), summary.timestamp());
            added.map_err(|fault| refusal(&family, summary.labels(), fault))?;
            summary.push_samples(&mut samples);
        }
        family.extend(samples);
        Ok(family)
    }

    /// Returns the samples as histograms, in the order of their first samples. The family is one of histograms or gauge
    /// histograms.
    ///
    /// Nothing is left out: [`histogram`](Self::histogram) makes the same samples of them, and only their order, and that of
    /// their labels, can differ.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{ParseOptions, parse_families};
    ///
    /// let text = b"# TYPE wait histogram\nwait_bucket{le=\"0.5\"} 8\nwait_bucket{le=\"+Inf\"} 10\nwait_count 10\n";
    /// let families = parse_families(text, &ParseOptions::default())?;
    /// for histogram in families.as_slice()[0].histograms()? {
    ///     assert_eq!(histogram.count(), 10.0);
    ///     assert_eq!(histogram.buckets()[0].bound(), 0.5);
    ///     assert_eq!(histogram.buckets()[0].count(), 8.0);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the family has another type, if samples are missing, such as the bucket `+Inf`, or too many, or if they are not what
    /// a [`Histogram`] can be. Also if a native histogram has the label `le`, which a [`Histogram`] has for its buckets.
    pub fn histograms(&self) -> Result<Vec<Histogram>, GroupError> {
        let (count, sum) = match self.kind() {
            MetricType::GaugeHistogram => (Suffix::GCount, Suffix::GSum),
            MetricType::Histogram => (Suffix::Count, Suffix::Sum),
            _ => {
                return Err(refusal(
                    self,
                    &LabelSet::new(),
                    "is not a histogram".to_owned(),
                ));
            }
        };
        let points = points(self, self.kind().as_str(), BOUND, Suffix::Bucket)?;
        points
            .into_iter()
            .map(|mut point| {
                let labels = point.labels.clone();
                let read = read_histogram(&mut point, count, sum);
                read.map_err(|fault| refusal(self, &labels, fault))?
                    .build_as_given()
                    .map_err(|error| error.with_family(self))
            })
            .collect()
    }

    /// Returns the samples as summaries, in the order of their first samples.
    ///
    /// Nothing is left out: [`summary`](Self::summary) makes the same samples of them, and only their order, and that of
    /// their labels, can differ.
    ///
    /// # Errors
    ///
    /// If the family has another type, if samples are too many, or if they are not what a [`Summary`] can be.
    pub fn summaries(&self) -> Result<Vec<Summary>, GroupError> {
        if self.kind() != MetricType::Summary {
            return Err(refusal(
                self,
                &LabelSet::new(),
                "is not a summary".to_owned(),
            ));
        }
        let points = points(self, self.kind().as_str(), RANK, Suffix::None)?;
        points
            .into_iter()
            .map(|mut point| {
                let labels = point.labels.clone();
                let read = read_summary(&mut point);
                read.map_err(|fault| refusal(self, &labels, fault))?
                    .build()
                    .map_err(|error| error.with_family(self))
            })
            .collect()
    }

    fn with_histograms(
        mut self,
        histograms: impl IntoIterator<Item = Histogram>,
    ) -> Result<Self, GroupError> {
        let mut samples = Vec::new();
        let mut known = Known::default();
        for histogram in histograms {
            let mut added = known.add(histogram.labels(), histogram.timestamp());
            if self.kind() == MetricType::GaugeHistogram && histogram.created().is_some() {
                added = Err("has a time of creation, which gauge histograms have not".to_owned());
            }
            added.map_err(|fault| refusal(&self, histogram.labels(), fault))?;
            histogram.push_samples(&mut samples, self.kind());
        }
        self.extend(samples);
        Ok(self)
    }
}

pub(super) fn refusal(family: &MetricFamily, labels: &LabelSet, fault: String) -> GroupError {
    GroupError::new(family.kind().as_str(), labels, fault).with_family(family)
}

/// The labels and timestamps of the histograms or summaries so far.
#[derive(Default)]
struct Known(HashSet<(LabelSet, Option<Timestamp>)>);

impl Known {
    fn add(&mut self, labels: &LabelSet, timestamp: Option<Timestamp>) -> Result<(), String> {
        match self.0.insert((labels.sorted(), timestamp)) {
            true => Ok(()),
            false => Err("occurs twice".to_owned()),
        }
    }
}

fn read_histogram(
    point: &mut Point<'_>,
    count: Suffix,
    sum: Suffix,
) -> Result<HistogramBuilder, String> {
    let native = native_alone(point)?;
    if let (
        Some((sample, CompositeValue::Histogram(value) | CompositeValue::GaugeHistogram(value))),
        None,
    ) = (point.composite(), native)
    {
        return read_composite_histogram(point, sample, value);
    }
    let mut builder = Histogram::builder().with_labels(point.labels.clone());
    let buckets: Result<Vec<_>, _> = point.numbered.iter().map(read_bucket).collect();
    builder = builder.with_buckets(buckets?);
    if let Some(timestamp) = point.timestamp {
        builder = builder.with_timestamp(timestamp);
    }
    if let Some(value) = point.take(count) {
        builder = builder.with_count(value);
    }
    if let Some(value) = point.take(sum) {
        builder = builder.with_sum(value);
    }
    // A gauge histogram has no time of creation.
    if count == Suffix::Count
        && let Some(created) = point.take(Suffix::Created)
    {
        builder = builder.with_created(created);
    }
    if let Some((sample, native)) = native {
        builder = builder.with_native(native.clone());
        builder = builder.with_other_exemplars(sample.exemplars().iter().cloned());
        if let Some(start) = sample.start_timestamp() {
            builder = builder.with_start_timestamp(start);
        }
    }
    point.check_used()?;
    Ok(builder)
}

/// Returns the native histogram that a sample has as its whole value.
fn native_alone<'f>(
    point: &Point<'f>,
) -> Result<Option<(&'f Sample, &'f NativeHistogram)>, String> {
    let Some((sample, value)) = point.composite() else {
        return Ok(None);
    };
    let Some(value) = value.histogram() else {
        return Err("has a summary as its value".to_owned());
    };
    let native = value.native().filter(|_| value.buckets().len() == 0);
    Ok(native.map(|native| (sample, native)))
}

/// Reads a histogram that is the value of one sample.
fn read_composite_histogram(
    point: &Point<'_>,
    sample: &Sample,
    value: &HistogramValue,
) -> Result<HistogramBuilder, String> {
    point.check_alone()?;
    let bounds: Vec<f64> = value.buckets().map(|(bound, _)| bound).collect();
    let placed = place(&bounds, sample.exemplars(), value.native().is_some());
    let buckets = value.buckets().zip(placed.of_buckets);
    let buckets = buckets.map(|(bucket, exemplar)| match exemplar {
        Some(exemplar) => Bucket::from(bucket).with_exemplar(exemplar.clone()),
        None => Bucket::from(bucket),
    });
    // The count is also that of the last bucket, which protobuf may leave out.
    let infinite = Bucket::new(f64::INFINITY, value.count());
    let infinite = Some(infinite).filter(|_| bounds.last() != Some(&f64::INFINITY));
    let mut builder = Histogram::builder()
        .with_labels(point.labels.clone())
        .with_buckets(buckets.chain(infinite))
        .with_count(value.count())
        .with_other_exemplars(placed.others.into_iter().cloned());
    if let Some(timestamp) = point.timestamp {
        builder = builder.with_timestamp(timestamp);
    }
    if let Some(sum) = value.sum() {
        builder = builder.with_sum(sum);
    }
    if let Some(start) = sample.start_timestamp() {
        builder = builder.with_start_timestamp(start);
    }
    if let Some(native) = value.native() {
        builder = builder.with_native(native.clone());
    }
    Ok(builder)
}

fn read_bucket((text, sample): &(&str, &Sample)) -> Result<Bucket, String> {
    let bucket = Bucket::with_bound(read_number(text, BOUND)?, sample.value());
    match sample.exemplars() {
        [] => Ok(bucket),
        [exemplar] => Ok(bucket.with_exemplar(exemplar.clone())),
        _ => Err(format!("has a bucket `{text}` with several exemplars")),
    }
}

fn read_summary(point: &mut Point<'_>) -> Result<SummaryBuilder, String> {
    if let Some((sample, value)) = point.composite() {
        return match value.summary() {
            Some(value) => read_composite_summary(point, sample, value),
            None => Err("has a histogram as its value".to_owned()),
        };
    }
    let mut builder = Summary::builder().with_labels(point.labels.clone());
    let quantiles: Result<Vec<_>, _> = point.numbered.iter().map(read_quantile).collect();
    builder = builder.with_quantiles(quantiles?);
    if let Some(timestamp) = point.timestamp {
        builder = builder.with_timestamp(timestamp);
    }
    if let Some(count) = point.take(Suffix::Count) {
        builder = builder.with_count(count);
    }
    if let Some(sum) = point.take(Suffix::Sum) {
        builder = builder.with_sum(sum);
    }
    if let Some(created) = point.take(Suffix::Created) {
        builder = builder.with_created(created);
    }
    point.check_used()?;
    Ok(builder)
}

/// Reads a summary that is the value of one sample.
fn read_composite_summary(
    point: &Point<'_>,
    sample: &Sample,
    value: &SummaryValue,
) -> Result<SummaryBuilder, String> {
    point.check_alone()?;
    let mut builder = Summary::builder()
        .with_labels(point.labels.clone())
        .with_quantiles(value.quantiles())
        .with_exemplars(sample.exemplars().iter().cloned());
    if let Some(timestamp) = point.timestamp {
        builder = builder.with_timestamp(timestamp);
    }
    if let Some(count) = value.count() {
        builder = builder.with_count(count);
    }
    if let Some(sum) = value.sum() {
        builder = builder.with_sum(sum);
    }
    if let Some(start) = sample.start_timestamp() {
        builder = builder.with_start_timestamp(start);
    }
    Ok(builder)
}

fn read_quantile((text, sample): &(&str, &Sample)) -> Result<Quantile, String> {
    match sample.exemplar() {
        None => Ok(Quantile::with_rank(
            read_number(text, RANK)?,
            sample.value(),
        )),
        Some(_) => Err("has a quantile with an exemplar".to_owned()),
    }
}

pub(super) fn read_number(text: &str, label: &str) -> Result<LabelNumber, String> {
    let number = LabelNumber::parse(text);
    number.ok_or_else(|| {
        format!(
            "has the label `{label}` with {:?}, which is not a number",
            shown(text)
        )
    })
}
