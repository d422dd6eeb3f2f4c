//! Messages to families.

use super::{
    metric::{ExemplarRef, HistogramRef, MetricRef, MetricValue, SummaryRef},
    parser::{FamilyRef, Parser},
};
use crate::{
    CompositeValue, Exemplar, Families, HistogramValue, LabelSet, MetricFamily, MetricType,
    NativeHistogramError, ParseError, ParseOptions, Rule, Sample, Suffix, SummaryValue, Timestamp,
    family::{MessageChecker, PairWriter},
};

/// Reads all families.
pub(crate) fn read_families(
    exposition: &[u8],
    options: &ParseOptions,
) -> Result<Families, ParseError> {
    let mut parser = Parser::with_limits(exposition, options.limits());
    let mut checker = MessageChecker::new(options.mode());
    let mut labels = PairWriter::default();
    let mut families = Vec::new();
    while let Some(mut family) = parser.next_family()? {
        families.push(read_family(&mut family, &mut labels, &mut checker)?);
    }
    labels.finish();
    Ok(checker.finish(families))
}

fn read_family(
    message: &mut FamilyRef<'_, '_>,
    labels: &mut PairWriter,
    checker: &mut MessageChecker,
) -> Result<MetricFamily, ParseError> {
    checker.start_family(message.name(), message.at())?;
    let mut family = MetricFamily::new(message.name(), message.kind())
        .with_help(message.help())
        .with_unit(message.unit());
    while let Some(metric) = message.next_metric()? {
        let (set, key) = labels.write(metric.labels());
        let sample = read_sample(metric, family.kind(), set)?;
        checker.check(&family, &sample, (metric.labels(), key), metric.at())?;
        family.push(sample);
    }
    Ok(family)
}

fn read_sample(
    metric: MetricRef<'_, '_>,
    kind: MetricType,
    labels: LabelSet,
) -> Result<Sample, ParseError> {
    let sample = |value| {
        let sample = Sample::new(Suffix::None, labels, value);
        match metric.timestamp() {
            Some(timestamp) => sample.with_timestamp(timestamp),
            None => sample,
        }
    };
    Ok(match metric.value() {
        MetricValue::Gauge(number) | MetricValue::Untyped(number) => sample(number),
        MetricValue::Counter(counter) => {
            let exemplar = counter.exemplar().map(exemplar);
            started(sample(counter.value()), counter.created()).with_exemplars(exemplar)
        }
        MetricValue::Histogram(histogram) => {
            let value = histogram_value(histogram);
            let value =
                value.map_err(|fault| metric.error(Rule::NativeHistogram, fault.to_string()))?;
            let value = match kind {
                MetricType::GaugeHistogram => CompositeValue::GaugeHistogram(value),
                _ => CompositeValue::Histogram(value),
            };
            let in_buckets = histogram.buckets().filter_map(|bucket| bucket.exemplar);
            let exemplars = in_buckets.chain(histogram.exemplars()).map(exemplar);
            let sample = sample(histogram.count()).with_composite(value);
            started(sample, histogram.created()).with_exemplars(exemplars)
        }
        MetricValue::Summary(summary) => {
            let value = CompositeValue::Summary(summary_value(summary));
            started(sample(0.0).with_composite(value), summary.created())
        }
    })
}

fn started(sample: Sample, start: Option<Timestamp>) -> Sample {
    match start {
        Some(start) => sample.with_start_timestamp(start),
        None => sample,
    }
}

fn summary_value(summary: SummaryRef<'_, '_>) -> SummaryValue {
    let quantiles = summary.quantiles();
    let mut value =
        SummaryValue::new().with_quantiles(quantiles.map(|part| (part.quantile, part.value)));
    if let Some(count) = summary.count() {
        value = value.with_count(count as f64);
    }
    match summary.sum() {
        Some(sum) => value.with_sum(sum),
        None => value,
    }
}

fn histogram_value(
    histogram: HistogramRef<'_, '_>,
) -> Result<HistogramValue, NativeHistogramError> {
    let buckets = histogram.buckets();
    let buckets = buckets.map(|bucket| (bucket.upper_bound, bucket.cumulative_count));
    let mut value = HistogramValue::new(histogram.count()).with_buckets(buckets);
    if let Some(sum) = histogram.sum() {
        value = value.with_sum(sum);
    }
    match histogram.native() {
        Some(native) => Ok(value.with_native(native.to_histogram()?)),
        None => Ok(value),
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
