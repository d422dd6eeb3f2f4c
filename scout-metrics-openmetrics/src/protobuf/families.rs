//! Messages to families.

use super::{
    metric::{ExemplarRef, HistogramRef, MetricRef, MetricValue, SummaryRef},
    parser::{FamilyRef, Parser},
};
use crate::{
    CompositeValue, Exemplar, Families, HistogramValue, LabelSet, MetricFamily, MetricType,
    NativeHistogramError, ParseError, ParseOptions, Rule, Sample, Suffix, SummaryValue,
    family::{MessageChecker, PairWriter},
};

/// Reads all families.
pub(crate) fn read_families(
    exposition: &[u8],
    options: &ParseOptions,
) -> Result<Families, ParseError> {
    let mut parser = Parser::with_limits(exposition, options.limits());
    let mut checker = MessageChecker::new(options.mode());
    let mut sets = LabelSets::default();
    let mut families = Vec::new();
    while let Some(mut family) = parser.next_family()? {
        families.push(read_family(&mut family, &mut sets, &mut checker)?);
    }
    sets.samples.finish();
    sets.exemplars.finish();
    Ok(checker.finish(families))
}

/// Writers of the label sets of samples and of exemplars. The latter have other names, and a writer compares names with those of
/// the set before.
#[derive(Default)]
struct LabelSets {
    samples: PairWriter,
    exemplars: PairWriter,
}

fn read_family(
    message: &mut FamilyRef<'_, '_>,
    sets: &mut LabelSets,
    checker: &mut MessageChecker,
) -> Result<MetricFamily, ParseError> {
    checker.start_family(message.name(), message.at())?;
    let mut family = MetricFamily::new(message.name(), message.kind())
        .with_help(message.help())
        .with_unit(message.unit());
    while let Some(metric) = message.next_metric()? {
        let (labels, key) = sets.samples.write(metric.labels());
        let sample = read_sample(metric, labels, &mut sets.exemplars)?;
        checker.check(&family, &sample, (metric, key))?;
        family.push(sample);
    }
    Ok(family)
}

fn read_sample(
    metric: MetricRef<'_, '_>,
    labels: LabelSet,
    exemplar_labels: &mut PairWriter,
) -> Result<Sample, ParseError> {
    // A composite value brings its count as the number.
    let sample = |value| {
        let sample = Sample::new(Suffix::None, labels, value);
        match metric.timestamp() {
            Some(timestamp) => sample.with_timestamp(timestamp),
            None => sample,
        }
    };
    let exemplars = metric.exemplars();
    let exemplars = exemplars.map(|exemplar| read_exemplar(exemplar, exemplar_labels));
    Ok(match metric.value() {
        MetricValue::Gauge(number) | MetricValue::Untyped(number) => sample(number),
        MetricValue::Counter(counter) => {
            sample(counter.value()).with_extra(exemplars.collect(), counter.created(), None)
        }
        MetricValue::Histogram(histogram) => {
            let value = histogram_value(histogram);
            let value =
                value.map_err(|fault| metric.error(Rule::NativeHistogram, fault.to_string()))?;
            let value = match metric.kind() {
                MetricType::GaugeHistogram => CompositeValue::GaugeHistogram(value),
                _ => CompositeValue::Histogram(value),
            };
            sample(0.0).with_extra(exemplars.collect(), histogram.created(), Some(value))
        }
        MetricValue::Summary(summary) => {
            let value = CompositeValue::Summary(summary_value(summary));
            sample(0.0).with_extra(Vec::new(), summary.created(), Some(value))
        }
    })
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

fn read_exemplar(exemplar: ExemplarRef<'_, '_>, labels: &mut PairWriter) -> Exemplar {
    let (labels, _) = labels.write(exemplar.labels());
    let owned = Exemplar::new(labels, exemplar.value());
    match exemplar.timestamp() {
        Some(timestamp) => owned.with_timestamp(timestamp),
        None => owned,
    }
}
