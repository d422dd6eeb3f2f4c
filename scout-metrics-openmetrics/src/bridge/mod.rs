//! Metrics in the hands of other libraries, each behind a feature of that library's name.
//!
//! | module | feature | what it does |
//! |---|---|---|
#![cfg_attr(
    feature = "metrics",
    doc = "| [`metrics`] | `metrics` | publishes current snapshots to the recorder of the facade |"
)]
#![cfg_attr(
    feature = "opentelemetry",
    doc = "| [`opentelemetry`] | `opentelemetry` | observes current snapshots as gauges of a meter, for OTLP |"
)]
#![cfg_attr(
    feature = "prometheus",
    doc = "| [`prometheus`] | `prometheus` | collects current snapshots, or any families, in a registry |"
)]
#![cfg_attr(
    feature = "prometheus-client",
    doc = "| [`prometheus_client`] | `prometheus-client` | collects current snapshots, or any families, in a registry |"
)]
#![cfg_attr(
    feature = "prometheus-parse",
    doc = "| [`prometheus_parse`] | `prometheus-parse` | converts families to a `Scrape` and back |"
)]
#![cfg_attr(
    any(
        feature = "metrics",
        feature = "opentelemetry",
        feature = "prometheus",
        feature = "prometheus-client"
    ),
    doc = "
# Current snapshots

The bridges for Docker Scout's metrics read a `Poller`, a `PollerSet`, or anything else that is [`CurrentSnapshots`], at
each collection. None of them waits for a scrape: a collection sees the last good snapshot. All of them:

- have the names and the labels of [`scout`](crate::scout), unrecognized severities and `scout_stream_empty` included, and
  whole numbers as whole numbers;
- add a label `org` if asked, and always to the metrics of several organizations, whose series would be the same otherwise.
  A label `org` of Docker Scout's own becomes `exported_org`;
- report nothing if there is no snapshot yet, or if the last one is [too old](scout_metrics_core::PollerBuilder::with_max_stale):
  absent is not zero. An error of the last refresh alone does not hide the snapshot, as long as the poller serves it;
- include the [unplaced](scout_metrics_core::Anomaly::is_unplaced) samples of a snapshot that the library can hold: with
  plain names of labels, and with a name that begins with `scout_` but not with `scout_exporter_`. Other names could be those
  of the program's own metrics. `metrics` and `opentelemetry` have further limits, which their modules state.
"
)]

#[cfg(any(feature = "prometheus", feature = "prometheus-client"))]
mod families;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(feature = "prometheus-client")]
pub mod prometheus_client;
#[cfg(feature = "prometheus-parse")]
pub mod prometheus_parse;
#[cfg(any(
    feature = "prometheus",
    feature = "prometheus-client",
    feature = "prometheus-parse"
))]
mod series;
#[cfg(any(
    feature = "metrics",
    feature = "opentelemetry",
    feature = "prometheus",
    feature = "prometheus-client"
))]
mod snapshots;

#[cfg(any(
    feature = "metrics",
    feature = "opentelemetry",
    feature = "prometheus",
    feature = "prometheus-client"
))]
pub use self::snapshots::CurrentSnapshots;
