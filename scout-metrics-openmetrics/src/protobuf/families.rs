//! Messages to families.

use std::borrow::Cow;

use super::{
    metric::{CounterRef, ExemplarRef, HistogramRef, MetricRef, MetricValue, SummaryRef},
    parser::{FamilyRef, Parser},
};
use crate::{
    CompositeValue, Exemplar, Families, Format, LabelSet, MetricFamily, MetricType, ParseError,
    ParseOptions, Rule, Sample, Suffix, Timestamp, number::write_canonical,
};

/// Reads all families.
pub(crate) fn read_families(
    exposition: &[u8],
    options: &ParseOptions,
) -> Result<Families, ParseError> {
    let mut parser = Parser::with_limits(exposition, options.limits());
    let mut families = Vec::new();
    while let Some(mut family) = parser.next_family()? {
        families.push(read_family(&mut family)?);
    }
    Ok(families.into_iter().collect())
}

fn read_family(message: &mut FamilyRef<'_, '_>) -> Result<MetricFamily, ParseError> {
    let mut family = MetricFamily::new(message.name(), message.kind())
        .with_help(message.help())
        .with_unit(message.unit());
    while let Some(metric) = message.next_metric()? {
        let mut writer = Writer {
            labels: metric.labels().iter().copied().collect(),
            timestamp: metric.timestamp(),
            family: &mut family,
        };
        writer.write(metric)?;
    }
    let name = read_name(&family);
    if name == family.name() {
        return Ok(family);
    }
    let name = name.into_owned();
    let total = |sample: Sample| match sample.suffix() {
        Suffix::None => sample.with_suffix(Suffix::Total),
        _ => sample,
    };
    Ok(family.map_samples(total).with_name(name))
}

/// Returns the name that a family is read with: that of the message, except that a counter `x_total` with times of creation is
/// the family `x`, as in OpenMetrics, because their samples are `x_total` and `x_created`.
pub(crate) fn read_name(family: &MetricFamily) -> Cow<'_, str> {
    let mut samples = family.samples().iter();
    let has_created = samples.any(|sample| sample.suffix() == Suffix::Created);
    let format = match family.kind() {
        MetricType::Counter if has_created => Format::OpenMetrics,
        _ => Format::Protobuf,
    };
    family.name_in(format)
}

/// Writes the samples of a metric.
struct Writer<'f> {
    labels: LabelSet,
    timestamp: Option<Timestamp>,
    family: &'f mut MetricFamily,
}

impl Writer<'_> {
    fn write(&mut self, metric: MetricRef<'_, '_>) -> Result<(), ParseError> {
        match metric.value() {
            MetricValue::Counter(counter) => self.write_counter(counter),
            MetricValue::Gauge(number) | MetricValue::Untyped(number) => {
                self.push(Suffix::None, number)
            }
            MetricValue::Histogram(histogram) => self.write_histogram(histogram, metric)?,
            MetricValue::Summary(summary) => self.write_summary(summary),
        }
        Ok(())
    }

    fn write_counter(&mut self, counter: CounterRef<'_, '_>) {
        let sample = Sample::new(Suffix::None, self.labels.clone(), counter.value());
        self.push_sample(sample.with_exemplars(counter.exemplar().map(exemplar)));
        self.push_created(counter.created());
    }

    fn write_summary(&mut self, summary: SummaryRef<'_, '_>) {
        for quantile in summary.quantiles() {
            self.push_numbered(
                Suffix::None,
                "quantile",
                quantile.quantile,
                quantile.value,
                None,
            );
        }
        if let Some(count) = summary.count() {
            self.push(Suffix::Count, count as f64);
        }
        if let Some(sum) = summary.sum() {
            self.push(Suffix::Sum, sum);
        }
        self.push_created(summary.created());
    }

    fn write_histogram(
        &mut self,
        histogram: HistogramRef<'_, '_>,
        metric: MetricRef<'_, '_>,
    ) -> Result<(), ParseError> {
        let native = histogram.native();
        let is_native_alone = native.is_some() && histogram.buckets().next().is_none();
        if !is_native_alone {
            self.write_classic(histogram);
        }
        if self.family.kind() == MetricType::Histogram {
            self.push_created(histogram.created());
        }
        if let Some(native) = native {
            let native = native.to_histogram();
            let native =
                native.map_err(|fault| metric.error(Rule::NativeHistogram, fault.to_string()))?;
            let sample = Sample::new(Suffix::None, self.labels.clone(), native.count());
            let exemplars = histogram.exemplars().map(exemplar);
            self.push_sample(
                sample
                    .with_composite(match self.family.kind() {
                        MetricType::GaugeHistogram => CompositeValue::GaugeHistogram(native.into()),
                        _ => CompositeValue::Histogram(native.into()),
                    })
                    .with_exemplars(exemplars),
            );
        }
        Ok(())
    }

    fn write_classic(&mut self, histogram: HistogramRef<'_, '_>) {
        let mut is_infinite = false;
        for bucket in histogram.buckets() {
            is_infinite = bucket.upper_bound == f64::INFINITY;
            let exemplar = bucket.exemplar.map(exemplar);
            self.push_numbered(
                Suffix::Bucket,
                "le",
                bucket.upper_bound,
                bucket.cumulative_count,
                exemplar,
            );
        }
        if !is_infinite {
            self.push_numbered(Suffix::Bucket, "le", f64::INFINITY, histogram.count(), None);
        }
        let (count, sum) = match self.family.kind() {
            MetricType::GaugeHistogram => (Suffix::GCount, Suffix::GSum),
            _ => (Suffix::Count, Suffix::Sum),
        };
        self.push(count, histogram.count());
        if let Some(value) = histogram.sum() {
            self.push(sum, value);
        }
    }

    fn push_numbered(
        &mut self,
        suffix: Suffix,
        label: &str,
        number: f64,
        value: f64,
        exemplar: Option<Exemplar>,
    ) {
        let mut text = String::new();
        write_canonical(&mut text, number);
        let labels = self.labels.clone().with(label, text);
        self.push_sample(Sample::new(suffix, labels, value).with_exemplars(exemplar));
    }

    fn push_created(&mut self, created: Option<Timestamp>) {
        if let Some(created) = created {
            self.push(Suffix::Created, created.to_seconds());
        }
    }

    fn push(&mut self, suffix: Suffix, value: f64) {
        self.push_sample(Sample::new(suffix, self.labels.clone(), value));
    }

    fn push_sample(&mut self, sample: Sample) {
        self.family.push(match self.timestamp {
            Some(timestamp) => sample.with_timestamp(timestamp),
            None => sample,
        });
    }
}

fn exemplar(exemplar: ExemplarRef<'_, '_>) -> Exemplar {
    let labels = exemplar.labels().iter().copied().collect();
    let owned = Exemplar::new(labels, exemplar.value());
    match exemplar.timestamp() {
        Some(timestamp) => owned.with_timestamp(timestamp),
        None => owned,
    }
}
