//! Families in their two forms: with a series for each number, and with composite values.

mod classic;
mod composite;

pub(crate) use self::{
    classic::{CountWithoutSum, Unfolded, unfold},
    composite::{Folded, fold},
};
use crate::{CompositeValue, GroupError, HistogramValue, MetricFamily, MetricType, Sample, Suffix};

/// Two forms of one family.
impl MetricFamily {
    /// Returns the family in the form of OpenMetrics 2.0: without suffixes, and with one sample where others have several.
    ///
    /// * The series of a histogram, a gauge histogram or a summary become one sample with a [`CompositeValue`], whose
    ///   exemplars are those of the buckets and then those of a native histogram.
    /// * Times of creation become [start timestamps](Sample::start_timestamp).
    /// * A counter `x` with samples `x_total` becomes the family `x_total`, and info `x` with `x_info` the family `x_info`.
    /// * A family of unknown type is one histogram, summary or number per metric; where its suffixes do not say which, it
    ///   stays as it is.
    ///
    /// A family that is in this form stays as it is, and so does [`to_classic`](Self::to_classic) of the result, apart from
    /// the following. It does not keep: how a bound or quantile is written (`1` and `1.0`), the order of the series of one
    /// point and of its exemplars, whether a histogram without a sum has a sample `_count` next to its bucket `+Inf`, and
    /// digits of a time of creation after the nanosecond. Rules about the numbers are not checked; buckets may fall.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{Format, ParseOptions, parse_families};
    ///
    /// let text = "# TYPE wait summary\nwait{quantile=\"0.5\"} 2\nwait_count 17\nwait_sum 42.5\nwait_created 1.5\n# EOF\n";
    /// let families = parse_families(text.as_bytes(), &ParseOptions::new(Format::OpenMetrics))?;
    /// let wait = families.as_slice()[0].to_composite()?;
    /// let [sample] = wait.samples() else { unreachable!("the samples are one") };
    /// let summary = sample.composite().and_then(|value| value.summary());
    /// assert_eq!(summary.and_then(|summary| summary.count()), Some(17.0));
    /// assert_eq!(sample.start_timestamp().map(|start| start.to_seconds()), Some(1.5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If series are missing or too many: a histogram has neither a count nor a bucket `+Inf`, or a time of creation is that
    /// of no value; if the label of a bucket or quantile is not a number; if a native histogram has another count than the
    /// buckets next to it; if a time of creation is not a point in time; or if the samples of a counter have two names.
    pub fn to_composite(&self) -> Result<Self, GroupError> {
        composite::fold(self).map(|folded| folded.family)
    }

    /// Returns the family in the form of Prometheus text and OpenMetrics 1.0: with a series for each number.
    ///
    /// * A composite value becomes samples of buckets or quantiles, count and sum, also in a family of unknown type.
    /// * A start timestamp becomes a sample `_created`.
    /// * A counter `x_total` with a start timestamp becomes the family `x`, because its samples are `x_total` and `x_created`,
    ///   and info `x_info` the family `x`.
    /// * A histogram of native buckets alone stays one sample with a composite value, because no series can hold it. Where
    ///   there are classic buckets as well, it stays next to their series.
    ///
    /// An exemplar goes to the lowest bucket that holds its value, and if a later one is there, to the next free one. It does
    /// not keep: exemplars that no bucket is free for, unless a native histogram has them; exemplars of summaries; a label `le` of a
    /// sample with classic buckets or `quantile` of a summary; and what a float of seconds cannot hold of a start timestamp.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{
    ///     CompositeValue, Format, HistogramValue, LabelSet, MetricFamily, MetricType, Sample, Suffix, encode_families,
    /// };
    ///
    /// let value = HistogramValue::new(10.0).with_sum(4.2).with_buckets([(0.5, 8.0), (f64::INFINITY, 10.0)]);
    /// let sample = Sample::new(Suffix::None, LabelSet::new(), 10.0).with_composite(CompositeValue::Histogram(value));
    /// let wait = MetricFamily::new("wait", MetricType::Histogram).with_sample(sample);
    /// let lines = [
    ///     "# TYPE wait histogram",
    ///     "wait_bucket{le=\"0.5\"} 8",
    ///     "wait_bucket{le=\"+Inf\"} 10",
    ///     "wait_count 10",
    ///     "wait_sum 4.2\n",
    /// ];
    /// let exposition = encode_families(&[wait.to_classic()], Format::Prometheus)?;
    /// assert_eq!(exposition.body(), &lines.join("\n"));
    /// # Ok::<(), scout_metrics_openmetrics::EncodeError>(())
    /// ```
    #[must_use]
    pub fn to_classic(&self) -> Self {
        unfold(self, CountWithoutSum::Written).family
    }

    /// Returns whether [`to_classic`](Self::to_classic) changes nothing, because each sample is one number.
    pub(crate) fn is_classic(&self) -> bool {
        self.samples().iter().all(|sample| {
            let is_whole_info = self.kind() == MetricType::Info && sample.suffix() == Suffix::None;
            sample.composite().is_none() && sample.start_timestamp().is_none() && !is_whole_info
        })
    }
}

/// Returns the suffixes of count and sum.
fn suffixes(kind: MetricType) -> (Suffix, Suffix) {
    match kind {
        MetricType::GaugeHistogram => (Suffix::GCount, Suffix::GSum),
        _ => (Suffix::Count, Suffix::Sum),
    }
}

/// Returns the type of a composite value in a family of a type: that of the family decides which kind of histogram it is.
fn kind_of(family: MetricType, value: &CompositeValue) -> MetricType {
    match (family, value) {
        (MetricType::GaugeHistogram | MetricType::Histogram, _) if value.summary().is_none() => {
            family
        }
        (_, CompositeValue::GaugeHistogram(_)) => MetricType::GaugeHistogram,
        (_, CompositeValue::Histogram(_)) => MetricType::Histogram,
        (_, CompositeValue::Summary(_)) => MetricType::Summary,
    }
}

/// Returns whether a histogram has native buckets alone.
fn is_native_alone(value: &HistogramValue) -> bool {
    value.native().is_some() && value.buckets().len() == 0
}

/// Returns a family with the metadata of another one.
fn with_samples(family: &MetricFamily, name: String, samples: Vec<Sample>) -> MetricFamily {
    let mut made = MetricFamily::new(name, family.kind())
        .with_help(family.help())
        .with_unit(family.unit());
    made.extend(samples);
    made
}
