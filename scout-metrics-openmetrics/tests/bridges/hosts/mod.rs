//! The libraries, each with one bridge.

#[cfg(feature = "metrics")]
pub(crate) mod facade;
#[cfg(feature = "opentelemetry")]
pub(crate) mod opentelemetry;
#[cfg(feature = "prometheus")]
pub(crate) mod prometheus;
#[cfg(feature = "prometheus-client")]
pub(crate) mod prometheus_client;

use scout_metrics_openmetrics::bridge::CurrentSnapshots;

use crate::series::{Series, Values};

/// A library that collects metrics through a bridge.
pub(crate) trait Host {
    fn new(snapshots: impl CurrentSnapshots, has_label: bool) -> Self;

    /// Collects.
    fn values(&mut self) -> Values;

    /// Returns whether the library can hold a series that the encoder writes.
    fn can_hold(series: &Series, _value: &str) -> bool {
        is_carried(series)
    }
}

/// Returns whether the bridges carry a series.
pub(crate) fn is_carried((name, labels): &Series) -> bool {
    let is_of_scout = name.starts_with("scout_") && !name.starts_with("scout_exporter_");
    let is_plain = |(name, _): &(String, String)| !name.contains(' ');
    is_of_scout && labels.iter().all(is_plain)
}
