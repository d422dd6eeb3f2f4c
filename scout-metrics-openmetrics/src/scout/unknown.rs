//! Samples of families that are not Docker Scout's. A histogram or a summary becomes the series that older formats have for
//! it; native buckets, which no series can hold, are reported.

use scout_metrics_core::{AnomalyKind, Result};

use super::builder::SnapshotBuilder;
use crate::{CompositeRef, MetricType, SampleRef, Suffix, error::shown, number::write_canonical};

impl SnapshotBuilder {
    pub(super) fn push_unknown(&mut self, sample: SampleRef<'_, '_>, line: u64) -> Result<()> {
        let kind = AnomalyKind::UnknownFamily;
        let name = sample.name().decode();
        let mut message = format!("unknown metric family `{}`", shown(&name));
        let Some(composite) = sample.composite() else {
            return self.anomalies.push_unplaced(kind, message, sample, line);
        };
        if composite.native().is_some() {
            message.push_str(", whose native buckets are left out");
        }
        let labels: Vec<_> = sample
            .labels()
            .map(|(name, value)| (name.decode(), value.decode()))
            .collect();
        for series in series(composite) {
            let name = format!("{name}{}", series.suffix);
            let mut text = String::new();
            let mut labels: Vec<_> = labels
                .iter()
                .map(|(name, value)| (name.as_ref(), value.as_ref()))
                .collect();
            if let Some((label, number)) = series.label {
                write_canonical(&mut text, number);
                labels.push((label, &text));
            }
            let series = (name.as_str(), labels.as_slice(), series.value);
            self.anomalies
                .push_unplaced_series(kind, message.clone(), series, line)?;
        }
        Ok(())
    }
}

/// A series of a histogram or a summary.
struct Series {
    suffix: Suffix,
    /// The label that distinguishes buckets or quantiles.
    label: Option<(&'static str, f64)>,
    value: f64,
}

/// Returns what a composite value says as series.
fn series(composite: CompositeRef<'_>) -> impl Iterator<Item = Series> {
    let (count, sum) = match composite.kind() {
        MetricType::GaugeHistogram => (Suffix::GCount, Suffix::GSum),
        _ => (Suffix::Count, Suffix::Sum),
    };
    let numbered = |suffix, label| {
        move |(number, value): &(f64, f64)| Series {
            suffix,
            label: Some((label, *number)),
            value: *value,
        }
    };
    let buckets = composite.buckets().iter();
    let quantiles = composite.quantiles().iter();
    let others = [(count, composite.count()), (sum, composite.sum())];
    let others = others.into_iter().map(|(suffix, value)| Series {
        suffix,
        label: None,
        value,
    });
    buckets
        .map(numbered(Suffix::Bucket, "le"))
        .chain(quantiles.map(numbered(Suffix::None, "quantile")))
        .chain(others)
}
