//! Docker Scout cannot be reached for longer than Prometheus remembers a sample. All times are those of a real outage
//! divided by a hundred or more.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use scout_metrics_core::{Error, ErrorKind};

use crate::{
    prometheus::Prometheus,
    support::{Upstream, eventually, generations, snapshot, start_exporter},
};

/// How long Prometheus remembers a sample here; five minutes by default.
const LOOKBACK: Duration = Duration::from_secs(2);

#[test]
fn queries_have_no_gap_during_an_outage_and_age_and_up_report_it() {
    for prometheus in generations("prometheus") {
        live_through_an_outage(&prometheus);
    }
}

fn live_through_an_outage(program: &Path) {
    let upstream = Upstream::start(snapshot());
    let mut command = upstream.exporter();
    command.args(["--org", "acme", "--interval", "1s", "--timeout", "1s"]);
    let (_exporter, address) = start_exporter(&mut command);
    let configuration = format!(
        "\
scrape_configs:
  - job_name: scout
    scrape_interval: 250ms
    scrape_timeout: 250ms
    static_configs:
      - targets: ['{address}']
"
    );
    upstream.write("prometheus.yml", &configuration);
    let lookback = format!("--query.lookback-delta={}s", LOOKBACK.as_secs());
    let prometheus = Prometheus::start(program, upstream.directory.path(), &[&lookback]);
    eventually("all is well", || {
        (prometheus.value("scout_exporter_up") == Some(1.0)).then_some(())
    });

    upstream
        .source
        .set(Err(Error::new(ErrorKind::Unavailable, "down")));
    eventually("the exporter reports that fetches fail", || {
        (prometheus.value("scout_exporter_up") == Some(0.0)).then_some(())
    });
    let age = || prometheus.value("scout_exporter_snapshot_age_seconds");
    let (begin, before) = (SystemTime::now(), age().unwrap());
    let grown = eventually(
        "the outage is longer than what Prometheus remembers",
        || {
            let grown = age()? - before;
            (grown > 3.0 * LOOKBACK.as_secs_f64()).then_some(grown)
        },
    );
    let outage = begin.elapsed().unwrap();
    // A scrape and its sample may be a second old on a busy machine.
    assert!(
        (grown - outage.as_secs_f64()).abs() < 1.5,
        "{grown} in {outage:?}"
    );
    for step in 0..outage.as_millis() as u32 / 100 {
        let (after, critical) = (
            step * Duration::from_millis(100),
            "scout_stream_vulnerabilities{severity=\"CRITICAL\", streamName=\"staging\"}",
        );
        let value = |query| prometheus.value_at(query, begin + after);
        assert_eq!(value(critical), Some(5.0), "after {after:?}");
        assert_eq!(value("up"), Some(1.0), "after {after:?}");
    }
    let failed = prometheus.value("scout_exporter_fetch_errors_total{reason=\"unavailable\"}");
    assert!(failed.unwrap() >= 1.0);

    upstream.source.set(Ok(snapshot()));
    eventually("the exporter recovers by itself", || {
        let is_up = prometheus.value("scout_exporter_up") == Some(1.0);
        (is_up && prometheus.value("scout_exporter_snapshot_age_seconds")? < 1.5).then_some(())
    });
}
