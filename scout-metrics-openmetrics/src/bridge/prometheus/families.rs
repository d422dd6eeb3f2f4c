//! Collects any families.

use std::{collections::HashMap, fmt};

use prometheus::{
    core::{Collector, Desc},
    proto::{self, LabelPair, MetricType as Kind},
};

use super::{family as proto_family, gauge, label};
use crate::{
    Format, Histogram, LabelSet, MetricFamily, MetricType, Sample, Suffix, Summary,
    bridge::{
        families::{CurrentFamilies, are_plain, event_count, has_plain_labels, samples_by_name},
        series::in_series,
    },
    find::NameOf,
};

/// Collects the families that a function returns.
///
/// ```
/// use prometheus::{Registry, TextEncoder};
/// use scout_metrics_openmetrics::{
///     LabelSet, MetricFamily, MetricType, Sample, Suffix, bridge::prometheus::FamilyCollector,
/// };
///
/// let registry = Registry::new();
/// registry.register(Box::new(FamilyCollector::new(|| {
///     let hits = MetricFamily::new("hits", MetricType::Counter).with_help("Hits.");
///     vec![hits.with_sample(Sample::new(Suffix::Total, LabelSet::from([("code", "200")]), 7.0))]
/// })))?;
///
/// let exposition = TextEncoder::new().encode_to_string(&registry.gather())?;
/// assert_eq!(exposition, "# HELP hits_total Hits.\n# TYPE hits_total counter\nhits_total{code=\"200\"} 7\n");
/// # Ok::<(), prometheus::Error>(())
/// ```
///
/// The registry refuses the collector if another one has a family that the function returns when the collector is created.
/// It does not notice a family that the function returns only later.
///
/// The library has counters, gauges, histograms and summaries. What becomes of the rest:
///
/// - samples of other types, and histograms and summaries without a number of events, become gauges with the names of the
///   samples;
/// - a sum that is not known is NaN;
/// - units, timestamps, exemplars, times of creation and native histograms are left out, and so are families and samples with names that are
///   not plain;
/// - a family without a help text has the text `-`, because the library requires one.
pub struct FamilyCollector {
    families: Box<CurrentFamilies>,
    descriptions: Vec<Desc>,
}

impl FamilyCollector {
    /// Creates a collector that calls a function at each collection, and once to know the names.
    pub fn new(families: impl Fn() -> Vec<MetricFamily> + Send + Sync + 'static) -> Self {
        let describe = |family: &MetricFamily| {
            let family = &*in_series(family);
            let name = family.name_in(Format::Prometheus).into_owned();
            Desc::new(name, help(family).to_owned(), Vec::new(), HashMap::new()).ok()
        };
        Self {
            descriptions: families().iter().filter_map(describe).collect(),
            families: Box::new(families),
        }
    }
}

impl fmt::Debug for FamilyCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FamilyCollector")
            .field("descriptions", &self.descriptions)
            .finish_non_exhaustive()
    }
}

impl Collector for FamilyCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let families = (self.families)();
        let families = families.iter().filter(|f| NameOf::Metric.is(f.name()));
        families
            .flat_map(|family| collect(&in_series(family)))
            .collect()
    }
}

fn collect(family: &MetricFamily) -> Vec<proto::MetricFamily> {
    let typed = match family.kind() {
        MetricType::Counter => Some((Kind::COUNTER, counters(family))),
        MetricType::Histogram => histograms(family).map(|metrics| (Kind::HISTOGRAM, metrics)),
        MetricType::Summary => summaries(family).map(|metrics| (Kind::SUMMARY, metrics)),
        _ => None,
    };
    match typed {
        Some((kind, metrics)) => {
            let name = family.name_in(Format::Prometheus);
            vec![proto_family(&name, help(family), kind, metrics)]
        }
        None => gauges(family),
    }
}

/// Returns the samples of each name as a family of gauges.
fn gauges(family: &MetricFamily) -> Vec<proto::MetricFamily> {
    let of_name = |(name, samples): (String, Vec<&Sample>)| {
        let metric = |sample: &Sample| gauge(labels(sample.labels()), sample.value());
        let metrics = samples.into_iter().map(metric).collect();
        proto_family(&name, help(family), Kind::GAUGE, metrics)
    };
    samples_by_name(family).into_iter().map(of_name).collect()
}

fn counters(family: &MetricFamily) -> Vec<proto::Metric> {
    let samples = family.samples().iter().filter(has_plain_labels);
    let values = samples.filter(|sample| sample.suffix() != Suffix::Created);
    let metric = |sample: &Sample| {
        let mut counter = proto::Counter::default();
        counter.set_value(sample.value());
        let mut metric = proto::Metric::from_label(labels(sample.labels()));
        metric.set_counter(counter);
        metric
    };
    values.map(metric).collect()
}

fn histograms(family: &MetricFamily) -> Option<Vec<proto::Metric>> {
    let histograms = family.histograms().ok()?;
    let plain = histograms.iter().filter(|one| are_plain(one.labels()));
    plain.map(histogram).collect()
}

fn histogram(histogram: &Histogram) -> Option<proto::Metric> {
    // The library writes the infinite bucket itself, and one that it is given as `le="inf"`.
    let finite = histogram.buckets().iter();
    let finite = finite.filter(|bucket| bucket.bound().is_finite());
    let buckets = finite.map(|bucket| {
        let mut proto = proto::Bucket::default();
        proto.set_upper_bound(bucket.bound());
        proto.set_cumulative_count(event_count(bucket.count())?);
        Some(proto)
    });
    let mut proto = proto::Histogram::default();
    proto.set_bucket(buckets.collect::<Option<_>>()?);
    proto.set_sample_count(event_count(histogram.count())?);
    proto.set_sample_sum(histogram.sum().unwrap_or(f64::NAN));
    let mut metric = proto::Metric::from_label(labels(histogram.labels()));
    metric.set_histogram(proto);
    Some(metric)
}

fn summaries(family: &MetricFamily) -> Option<Vec<proto::Metric>> {
    let summaries = family.summaries().ok()?;
    let plain = summaries.iter().filter(|one| are_plain(one.labels()));
    plain.map(summary).collect()
}

fn summary(summary: &Summary) -> Option<proto::Metric> {
    let quantiles = summary.quantiles().iter().map(|quantile| {
        let mut proto = proto::Quantile::default();
        proto.set_quantile(quantile.rank());
        proto.set_value(quantile.value());
        proto
    });
    let mut proto = proto::Summary::default();
    proto.set_quantile(quantiles.collect());
    proto.set_sample_count(event_count(summary.count()?)?);
    proto.set_sample_sum(summary.sum().unwrap_or(f64::NAN));
    let mut metric = proto::Metric::from_label(labels(summary.labels()));
    metric.set_summary(proto);
    Some(metric)
}

fn labels(labels: &LabelSet) -> Vec<LabelPair> {
    let pair = |(name, value)| label(name, value);
    labels.iter().map(pair).collect()
}

fn help(family: &MetricFamily) -> &str {
    match family.help() {
        "" => "-",
        help => help,
    }
}
