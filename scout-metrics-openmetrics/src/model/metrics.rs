//! The metrics of a family: its samples, grouped by their labels.

use super::{LabelSet, MetricFamily, MetricType, Sample, Suffix};
use crate::Timestamp;

/// One metric of a family: the samples that follow each other and have the same labels, except the label that
/// distinguishes the samples of a point. [`MetricFamily::metrics`] returns it.
#[derive(Clone, Copy, Debug)]
pub struct Metric<'f> {
    samples: &'f [Sample],
    point_label: &'f str,
}

impl<'f> Metric<'f> {
    /// Returns the samples in their order, of which there is at least one.
    pub fn samples(self) -> &'f [Sample] {
        self.samples
    }

    /// Returns the names and values of the labels that distinguish the metric: without `le`, `quantile` and the label of a
    /// state.
    pub fn labels(self) -> impl Iterator<Item = (&'f str, &'f str)> + Clone + use<'f> {
        own_labels(self.samples[0].labels(), self.point_label)
    }

    /// Returns when counting began, in seconds since the Unix epoch: the value of the sample `_created` of OpenMetrics 1.0, or
    /// the first [start timestamp](Sample::start_timestamp).
    pub fn created(self) -> Option<f64> {
        self.samples
            .iter()
            .find_map(|sample| match sample.suffix() {
                Suffix::Created => Some(sample.value()),
                _ => sample.start_timestamp().map(Timestamp::to_seconds),
            })
    }
}

/// An iterator over the metrics of a family. [`MetricFamily::metrics`] returns it.
#[derive(Clone, Debug)]
pub struct Metrics<'f> {
    rest: &'f [Sample],
    point_label: &'f str,
}

impl MetricFamily {
    /// Returns the metrics in their order, each with its buckets or quantiles, its sum, its count and its time of creation.
    ///
    /// Borrows from the family and works for all types; [`histograms`](Self::histograms) and [`summaries`](Self::summaries)
    /// return those types as values of their own.
    ///
    /// Looks at each sample once. A metric whose samples are split by those of another one, which OpenMetrics does not
    /// allow, is returned in several parts.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{Format, ParseOptions, parse_families};
    ///
    /// let text = "# TYPE hits counter\nhits_total 17\nhits_created 1520430000.123\n# EOF\n";
    /// let families = parse_families(text.as_bytes(), &ParseOptions::new(Format::OpenMetrics))?;
    /// let hits = families.get("hits").expect("the exposition has the family");
    /// let created: Vec<_> = hits.metrics().map(|metric| metric.created()).collect();
    /// assert_eq!(created, [Some(1520430000.123)]);
    /// # Ok::<(), scout_metrics_openmetrics::ParseError>(())
    /// ```
    pub fn metrics(&self) -> Metrics<'_> {
        Metrics {
            rest: self.samples(),
            point_label: match self.kind() {
                MetricType::GaugeHistogram | MetricType::Histogram => "le",
                MetricType::StateSet => self.name(),
                MetricType::Summary => "quantile",
                _ => "",
            },
        }
    }
}

impl<'f> Iterator for Metrics<'f> {
    type Item = Metric<'f>;

    fn next(&mut self) -> Option<Metric<'f>> {
        let first = self.rest.first()?.labels();
        let is_other = |sample: &Sample| !is_same(first, sample.labels(), self.point_label);
        let count = self.rest.iter().position(is_other);
        let (samples, rest) = self.rest.split_at(count.unwrap_or(self.rest.len()));
        self.rest = rest;
        Some(Metric {
            samples,
            point_label: self.point_label,
        })
    }
}

fn own_labels<'l>(
    labels: &'l LabelSet,
    point_label: &'l str,
) -> impl Iterator<Item = (&'l str, &'l str)> + Clone + use<'l> {
    labels.iter().filter(move |(name, _)| *name != point_label)
}

/// Returns whether labels are the same, in any order.
fn is_same(one: &LabelSet, other: &LabelSet, point_label: &str) -> bool {
    let [one, other] = [one, other].map(|labels| own_labels(labels, point_label));
    if one.clone().eq(other.clone()) {
        return true;
    }
    let [mut one, mut other] = [one, other].map(Vec::from_iter);
    one.sort_unstable();
    other.sort_unstable();
    one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(suffix: Suffix, labels: &[(&str, &str)]) -> Sample {
        Sample::new(suffix, labels.iter().copied().collect(), 1.0)
    }

    #[test]
    fn samples_with_the_same_labels_in_any_order_are_of_one_metric() {
        let family = MetricFamily::new("a", MetricType::Histogram)
            .with_sample(sample(
                Suffix::Bucket,
                &[("x", "1"), ("y", "2"), ("le", "1")],
            ))
            .with_sample(sample(
                Suffix::Bucket,
                &[("le", "+Inf"), ("y", "2"), ("x", "1")],
            ))
            .with_sample(sample(Suffix::Count, &[("x", "1"), ("y", "2")]))
            .with_sample(sample(Suffix::Count, &[("x", "2"), ("y", "1")]))
            .with_sample(sample(Suffix::Created, &[("x", "2"), ("y", "1")]));
        let metrics: Vec<_> = family
            .metrics()
            .map(|metric| (metric.samples().len(), metric.created()))
            .collect();
        assert_eq!(metrics, [(3, None), (2, Some(1.0))]);
        let labels = family.metrics().next().unwrap().labels();
        assert!(labels.eq([("x", "1"), ("y", "2")]));
    }

    #[test]
    fn a_family_without_samples_has_no_metrics() {
        let family = MetricFamily::new("a", MetricType::Counter);
        assert!(family.metrics().next().is_none());
    }
}
