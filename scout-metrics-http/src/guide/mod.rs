//! A guide by task: what to use for what, with an example for each task.
//!
//! | task | start at | program in `examples/` |
//! |---|---|---|
#![cfg_attr(
    feature = "client",
    doc = "| fetch the metrics of an organization | [`ScoutClient`](crate::ScoutClient) | `quickstart` |"
)]
//! | read them from a file or a directory | [`FileSource`](crate::openmetrics::scout::FileSource) | `scout --file`, `push --file` |
//! | keep them current in a service | [`Poller`](crate::Poller), [`PollerSet`](crate::PollerSet) | `top`, `watch` |
//! | survive an outage | [`MetricsSourceExt`](crate::MetricsSourceExt): `cached`, `recorded`, `or_else` | `exporter` |
//! | decide | [`gate`](crate::gate) | `scout check` |
//! | compare two times | [`HistoryExt`](crate::HistoryExt) | `scout diff`, `scout since` |
#![cfg_attr(
    feature = "exporter",
    doc = "| serve Prometheus | [`exporter`](crate::exporter) | `exporter` |\n| hang it on a wall | [`exporter`](crate::exporter#pages), [`Exporter::with_history`](crate::exporter::Exporter::with_history) | `exporter --demo` |"
)]
#![cfg_attr(
    feature = "remote-write",
    doc = "| [push to a database](push) | [`RemoteWrite`](crate::remote_write::RemoteWrite) | `push` |"
)]
#![cfg_attr(
    feature = "exporter",
    doc = "| serve thousands of organizations | [service discovery](crate::exporter#discovery) with shares for several Prometheus servers | `exporter`, `prometheus/sharded.yml` |"
)]
#![cfg_attr(
    feature = "local",
    doc = "| [do without a subscription](local_scans) | [`LocalScans`](crate::LocalScans) | `local_scans`, `scout --scans` |"
)]
#![cfg_attr(
    feature = "prometheus-api",
    doc = "| [ask a server that has scraped for months](prometheus_api) | [`PrometheusHistory`](crate::PrometheusHistory) | `scout --prometheus` |"
)]
#![cfg_attr(
    feature = "html",
    doc = "| write a report for people | [`html::Report`](crate::html::Report) | `report`, `scout report --format html` |"
)]
#![cfg_attr(
    feature = "chart",
    doc = "| draw a chart in a page of your own | [`chart`](crate::chart) | `report --chart` |"
)]
#![cfg_attr(
    any(
        feature = "metrics",
        feature = "opentelemetry",
        feature = "prometheus",
        feature = "prometheus-client"
    ),
    doc = "| [have them among the metrics of a service](registries) | [`openmetrics::bridge`](crate::openmetrics::bridge) | `embed` |"
)]
//! | add a place that metrics come from | [`MetricsSource`](crate::MetricsSource) | `custom_source` |

#[cfg(feature = "local")]
pub mod local_scans;
#[cfg(feature = "prometheus-api")]
pub mod prometheus_api;
#[cfg(feature = "remote-write")]
pub mod push;
#[cfg(any(
    feature = "metrics",
    feature = "opentelemetry",
    feature = "prometheus",
    feature = "prometheus-client"
))]
pub mod registries;
