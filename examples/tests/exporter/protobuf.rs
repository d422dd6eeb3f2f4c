//! Prometheus with native histograms, for which it asks for the protobuf format.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use crate::peers::stored_samples;
use crate::prometheus::Prometheus;
use crate::support::{Sample, Upstream, eventually, generations, get, snapshot, start_exporter};

const CONFIGURATION: &str = "\
scrape_configs:
  - job_name: scout
    scrape_interval: 1s
    static_configs:
      - targets: ['ADDRESS']
";

/// Everything that Prometheus stored of the exporter.
#[derive(Debug, PartialEq)]
struct Stored {
    samples: BTreeSet<Sample>,
    series: BTreeSet<Vec<(String, String)>>,
}

#[test]
fn prometheus_stores_the_same_with_and_without_native_histograms() {
    for program in generations("prometheus") {
        let upstream = Upstream::start(snapshot());
        let (_exporter, address) = start_exporter(upstream.exporter().args(["--org", "acme"]));
        eventually("the first fetch", || {
            (get(&address, "/-/ready", None).0 == 200).then_some(())
        });
        let (without, _) = stored(&program, &address, "extra-scrape-metrics");
        let features = "extra-scrape-metrics,native-histograms";
        let (with, bytes) = stored(&program, &address, features);
        assert!(without.series.len() > without.samples.len() + 10);
        assert_eq!(with, without);
        // It was another format.
        let text = get(&address, "/metrics", None).1.len() as f64;
        assert!((bytes / text - 1.0).abs() > 0.05, "{bytes} of {text} bytes");
    }
}

/// Scrapes the exporter more than once. Also returns the number of bytes of a scrape.
fn stored(program: &Path, address: &str, features: &str) -> (Stored, f64) {
    let directory = tempfile::tempdir().unwrap();
    let configuration = CONFIGURATION.replace("ADDRESS", address);
    std::fs::write(directory.path().join("prometheus.yml"), configuration).unwrap();
    let features = format!("--enable-feature={features}");
    let prometheus = Prometheus::start(program, directory.path(), &[&features]);
    prometheus.found("count_over_time(up[1m]) > 2");
    let samples = stored_samples(&prometheus.address);
    let series = prometheus
        .found("{job=\"scout\"}")
        .iter()
        .map(labels)
        .collect();
    let bytes = prometheus.value("scrape_body_size_bytes").unwrap();
    (Stored { samples, series }, bytes)
}

/// Returns the name and the labels of a series, with bounds as numbers: a text may say `1` where protobuf has 1.0.
fn labels(series: &Value) -> Vec<(String, String)> {
    let labels = series["metric"].as_object().unwrap().iter();
    let labels = labels.map(|(name, value)| {
        let value = value.as_str().unwrap();
        let bound = value.parse::<f64>().ok().filter(|_| name == "le");
        let value = bound.map_or(value.to_owned(), |bound| format!("{bound:?}"));
        (name.clone(), value)
    });
    labels.collect()
}
