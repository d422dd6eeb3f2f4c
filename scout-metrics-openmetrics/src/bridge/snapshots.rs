//! The snapshots that the bridges read.

use std::{borrow::Cow, fmt};

use scout_metrics_core::{MetricsSource, Organization, Poller, PollerSet, Snapshot};

use crate::{Format, find::NameOf, scout::part::Part};

/// The label of the organization.
const ORGANIZATION: &str = "org";

/// Something that has current snapshots, for bridges to read at each collection.
///
/// A [`Poller`], a [`PollerSet`], or a closure that returns snapshots:
///
/// ```
/// # #[cfg(feature = "prometheus")] {
/// use scout_metrics_core::{Organization, Snapshot, Stream};
/// use scout_metrics_openmetrics::bridge::prometheus::SnapshotCollector;
///
/// let production = Stream::new("production").with_vulnerabilities("5C".parse()?);
/// let snapshot = Snapshot::new(Organization::new("acme")?, [production])?;
/// let registry = prometheus::Registry::new();
/// registry.register(Box::new(SnapshotCollector::new(move || vec![snapshot.clone()])))?;
///
/// let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather())?;
/// let line = r#"scout_stream_vulnerabilities{org="acme",streamName="production",severity="CRITICAL"} 5"#;
/// assert!(text.lines().any(|found| found == line));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait CurrentSnapshots: Send + Sync + 'static {
    /// Returns the current snapshot of each organization that has one, without waiting. No organization has two.
    fn current_snapshots(&self) -> Vec<Snapshot>;

    /// Returns the organization if all snapshots are of the same, or `None`, the default, if there may be several. Their
    /// metrics always have a label `org`.
    fn organization(&self) -> Option<&Organization> {
        None
    }
}

impl CurrentSnapshots for Poller {
    fn current_snapshots(&self) -> Vec<Snapshot> {
        self.current().into_iter().collect()
    }

    fn organization(&self) -> Option<&Organization> {
        Some(MetricsSource::organization(self))
    }
}

impl CurrentSnapshots for PollerSet {
    fn current_snapshots(&self) -> Vec<Snapshot> {
        self.snapshots().collect()
    }
}

impl<F: Fn() -> Vec<Snapshot> + Send + Sync + 'static> CurrentSnapshots for F {
    fn current_snapshots(&self) -> Vec<Snapshot> {
        self()
    }
}

/// Current snapshots, and whether their metrics have a label for the organization.
pub(super) struct LabelledSnapshots {
    snapshots: Box<dyn CurrentSnapshots>,
    has_label: bool,
}

impl LabelledSnapshots {
    pub(super) fn new(snapshots: impl CurrentSnapshots) -> Self {
        Self {
            has_label: snapshots.organization().is_none(),
            snapshots: Box::new(snapshots),
        }
    }

    pub(super) fn with_organization_label(mut self) -> Self {
        self.has_label = true;
        self
    }

    /// Returns the name of the label for the organization, and its value if that is known before there are any metrics.
    pub(super) fn label(&self) -> Option<(&'static str, Option<&str>)> {
        let organization = self.snapshots.organization().map(Organization::as_str);
        self.has_label.then_some((ORGANIZATION, organization))
    }

    pub(super) fn current(&self) -> Vec<Snapshot> {
        self.snapshots.current_snapshots()
    }

    /// Reads snapshots with their label.
    pub(super) fn read<R>(
        &self,
        snapshots: &[Snapshot],
        read: impl for<'p> FnOnce(&'p [Part<'p>]) -> R,
    ) -> R {
        let label = |snapshot| [(ORGANIZATION, Snapshot::organization(snapshot).as_str())];
        let labels: Vec<_> = snapshots.iter().map(label).collect();
        let parts = snapshots.iter().zip(&labels).map(|(snapshot, label)| {
            let label = if self.has_label { &label[..] } else { &[] };
            let part = Part::new(snapshot, label, Format::Prometheus);
            part.expect("the only constant label has a plain name")
        });
        read(&parts.collect::<Vec<_>>())
    }
}

impl fmt::Debug for LabelledSnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabelledSnapshots")
            .field("label", &self.label())
            .finish_non_exhaustive()
    }
}

/// Returns the names of unplaced samples that are not of a known family and cannot be those of the program's own metrics.
#[cfg(any(
    feature = "metrics",
    feature = "prometheus",
    feature = "prometheus-client"
))]
pub(super) fn other_names<'a>(unplaced: &crate::scout::unplaced::Unplaced<'a>) -> Vec<&'a str> {
    let is_of_scout = |name: &&str| {
        let suffix = name.strip_prefix("scout_");
        suffix.is_some_and(|suffix| !suffix.starts_with("exporter_")) && NameOf::Metric.is(name)
    };
    unplaced.names().filter(is_of_scout).collect()
}

/// Returns whether all names of labels are plain.
pub(super) fn are_plain(labels: &[(Cow<'_, str>, &str)]) -> bool {
    labels.iter().all(|(name, _)| NameOf::Label.is(name))
}

/// Returns a value as a whole number, if it is one and so small that all whole numbers have a value of their own.
#[cfg(any(
    feature = "opentelemetry",
    feature = "prometheus",
    feature = "prometheus-client"
))]
pub(super) fn whole(value: f64) -> Option<i64> {
    let is_whole = value.fract() == 0.0 && value.abs() <= Snapshot::MAX_COUNT as f64;
    is_whole.then_some(value as i64)
}
