//! Collects any families.

use std::{collections::HashMap, fmt};

use prometheus_client::{
    collector::Collector,
    encoding::{
        DescriptorEncoder, EncodeLabel, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet,
    },
    metrics::{MetricType as Kind, exemplar::Exemplar},
};

use crate::{
    Format, Histogram, LabelSet, MetricFamily, MetricType, Sample, Suffix,
    bridge::{
        families::{CurrentFamilies, are_plain, event_count, has_plain_labels, samples_by_name},
        series::in_series,
        snapshots::whole,
    },
    find::NameOf,
};

/// Collects the families that a function returns.
///
/// ```
/// use prometheus_client::{encoding::text, registry::Registry};
/// use scout_metrics_openmetrics::{
///     LabelSet, MetricFamily, MetricType, Sample, Suffix, bridge::prometheus_client::FamilyCollector,
/// };
///
/// let mut registry = Registry::default();
/// registry.register_collector(Box::new(FamilyCollector::new(|| {
///     let hits = MetricFamily::new("hits", MetricType::Counter).with_help("Hits.");
///     vec![hits.with_sample(Sample::new(Suffix::Total, LabelSet::from([("code", "200")]), 7.0))]
/// })));
///
/// let mut exposition = String::new();
/// text::encode(&mut exposition, &registry)?;
/// assert_eq!(exposition, "# HELP hits Hits.\n# TYPE hits counter\nhits_total{code=\"200\"} 7\n# EOF\n");
/// # Ok::<(), std::fmt::Error>(())
/// ```
///
/// The library has counters, gauges, histograms, infos and untyped metrics. What becomes of the rest:
///
/// - samples of other types, and histograms that are not ones of events, become untyped metrics with the names of the
///   samples;
/// - units, timestamps, exemplars, times of creation and native histograms are left out, and so are families and samples with names that are
///   not plain;
/// - line feeds in a help text become blanks, because the library does not escape them.
pub struct FamilyCollector(Box<CurrentFamilies>);

impl FamilyCollector {
    /// Creates a collector that calls a function at each collection.
    pub fn new(families: impl Fn() -> Vec<MetricFamily> + Send + Sync + 'static) -> Self {
        Self(Box::new(families))
    }
}

impl fmt::Debug for FamilyCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FamilyCollector")
    }
}

impl Collector for FamilyCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let families = self.0();
        let mut families = families.iter().filter(|f| NameOf::Metric.is(f.name()));
        families.try_for_each(|family| encode_family(&mut encoder, &in_series(family)))
    }
}

fn encode_family(encoder: &mut DescriptorEncoder<'_>, family: &MetricFamily) -> fmt::Result {
    let kind = match family.kind() {
        MetricType::Counter => Kind::Counter,
        MetricType::Gauge => Kind::Gauge,
        MetricType::Info => Kind::Info,
        MetricType::Histogram => match family.histograms() {
            Ok(histograms) => return encode_histograms(encoder, family, &histograms),
            Err(_) => return encode_untyped(encoder, family),
        },
        _ => return encode_untyped(encoder, family),
    };
    let name = family.name_in(Format::OpenMetrics);
    let mut metric = encoder.encode_descriptor(&name, &help(family), None, kind)?;
    for sample in family.samples().iter().filter(has_plain_labels) {
        encode_sample(&mut metric, family.kind(), sample)?;
    }
    Ok(())
}

fn encode_sample(metric: &mut MetricEncoder<'_>, kind: MetricType, sample: &Sample) -> fmt::Result {
    let labels = Labels(sample.labels());
    if kind == MetricType::Info {
        return metric.encode_info(&labels);
    }
    let mut metric = metric.encode_family(&labels)?;
    match (kind, sample.suffix()) {
        (MetricType::Counter, Suffix::Created) => Ok(()),
        (MetricType::Counter, _) => encode_counter(&mut metric, sample.value()),
        _ => encode_value(&mut metric, sample.value()),
    }
}

/// Writes the samples of a family as families of their own.
fn encode_untyped(encoder: &mut DescriptorEncoder<'_>, family: &MetricFamily) -> fmt::Result {
    for (name, samples) in samples_by_name(family) {
        let mut metric = encoder.encode_descriptor(&name, &help(family), None, Kind::Unknown)?;
        for sample in samples {
            let labels = Labels(sample.labels());
            encode_value(&mut metric.encode_family(&labels)?, sample.value())?;
        }
    }
    Ok(())
}

fn encode_histograms(
    encoder: &mut DescriptorEncoder<'_>,
    family: &MetricFamily,
    histograms: &[Histogram],
) -> fmt::Result {
    let Some(buckets) = histograms.iter().map(buckets).collect::<Option<Vec<_>>>() else {
        return encode_untyped(encoder, family);
    };
    let mut metric =
        encoder.encode_descriptor(family.name(), &help(family), None, Kind::Histogram)?;
    for (histogram, buckets) in histograms.iter().zip(buckets) {
        if are_plain(histogram.labels()) {
            let count = buckets.iter().map(|(_, count)| count).sum();
            let sum = histogram.sum().unwrap_or(f64::NAN);
            let labels = Labels(histogram.labels());
            let exemplars = None::<&HashMap<usize, Exemplar<NoLabelSet, f64>>>;
            let mut metric = metric.encode_family(&labels)?;
            metric.encode_histogram(sum, count, &buckets, exemplars)?;
        }
    }
    Ok(())
}

/// Returns the bounds of buckets and the number of events in each of them alone.
fn buckets(histogram: &Histogram) -> Option<Vec<(f64, u64)>> {
    let mut before = 0;
    let buckets = histogram.buckets().iter().map(|bucket| {
        let count = event_count(bucket.count())?;
        let alone = count.checked_sub(before)?;
        before = count;
        Some((bucket.bound(), alone))
    });
    buckets.collect()
}

fn encode_counter(metric: &mut MetricEncoder<'_>, value: f64) -> fmt::Result {
    let exemplar = None::<&Exemplar<NoLabelSet, f64>>;
    match event_count(value) {
        Some(count) => metric.encode_counter(&count, exemplar),
        None => metric.encode_counter(&value, exemplar),
    }
}

/// Writes a value, without a fraction if it is a whole number.
pub(super) fn encode_value(metric: &mut MetricEncoder<'_>, value: f64) -> fmt::Result {
    match whole(value) {
        Some(number) => metric.encode_gauge(&number),
        None => metric.encode_gauge(&value),
    }
}

fn help(family: &MetricFamily) -> String {
    family.help().replace('\n', " ")
}

struct Labels<'l>(&'l LabelSet);

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        let mut labels = self.0.iter();
        labels.try_for_each(|label| label.encode(encoder.encode_label()))
    }
}
