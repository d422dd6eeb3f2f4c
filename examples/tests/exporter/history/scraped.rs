//! Scrapes of the exporter by Prometheus and VictoriaMetrics, read back.

use std::time::{Duration, SystemTime};

use scout_metrics_core::{Error, ErrorKind, HistoryExt, Snapshot, Stream};
use scout_metrics_http::PrometheusHistory;
use tokio::runtime::Runtime;

use crate::{
    prometheus::Prometheus,
    support::{
        Running, Upstream, eventually, generations, snapshot, start_exporter,
        start_victoria_metrics,
    },
};

/// An exporter of an upstream that can be changed, which a server scrapes once a second.
struct Scraped {
    upstream: Upstream,
    exporter: Running,
    configuration: String,
}

impl Scraped {
    fn start() -> Self {
        let upstream = Upstream::start(snapshot());
        let mut command = upstream.exporter();
        command.args([
            "--org",
            "acme",
            "--interval",
            "1s",
            "--timeout",
            "1s",
            "--max-stale",
            "1s",
        ]);
        let (exporter, address) = start_exporter(&mut command);
        let configuration = upstream.write(
            "prometheus.yml",
            &format!(
                "\
scrape_configs:
  - job_name: scout
    scrape_interval: 1s
    static_configs:
      - targets: ['{address}']
"
            ),
        );
        Self {
            upstream,
            exporter,
            configuration,
        }
    }

    /// Checks what a server at an address has at each stage. It has all samples after a delay.
    fn check(self, address: &str, delay: Duration) {
        let runtime = Runtime::new().unwrap();
        let history = PrometheusHistory::builder(format!("http://{address}"))
            .with_ingestion_delay(delay)
            .build()
            .unwrap();
        let latest = || {
            let acme = snapshot().organization().clone();
            runtime.block_on(history.latest(&acme)).unwrap()
        };
        let wait_for = |what: &str, streams: &[Stream]| {
            eventually(what, || latest().filter(|found| found.streams() == streams))
        };
        let all = in_order(&snapshot());
        let found = wait_for("the first snapshot", &all);
        let age = SystemTime::now()
            .duration_since(found.scraped_at())
            .unwrap();
        assert!(age < Duration::from_secs(60), "{age:?}");
        assert_eq!(found.anomalies(), []);

        // The others have samples within the time that a server looks back.
        let organization = snapshot().organization().clone();
        let fewer = Snapshot::new(organization.clone(), all[1..].to_vec()).unwrap();
        self.upstream.source.set(Ok(fewer));
        let fewer = wait_for("a snapshot without the stream that is gone", &all[1..]);
        assert!(fewer.scraped_at() > found.scraped_at());

        // All series end, and the last snapshot stays the latest.
        let down = Error::new(ErrorKind::Unavailable, "down").with_organization(&organization);
        self.upstream.source.set(Err(down));
        drop(self.exporter);
        let last = eventually("no more snapshots", || {
            let before = latest()?;
            // The servers are real and scrape each second, so three of their scrapes fail meanwhile.
            std::thread::sleep(Duration::from_secs(3));
            latest().filter(|after| *after == before)
        });
        assert_eq!(last.streams(), &all[1..]);
        assert!(last.scraped_at() >= fewer.scraped_at());
    }
}

/// Returns streams by name, and their policies by identifier.
fn in_order(snapshot: &Snapshot) -> Vec<Stream> {
    let sorted = |stream: &Stream| {
        let mut policies = stream.policies().to_vec();
        policies.sort_by(|a, b| a.policy().id().cmp(b.policy().id()));
        Stream::new(stream.name().clone())
            .with_vulnerabilities(stream.vulnerabilities().clone())
            .with_policies(policies)
    };
    let mut streams: Vec<Stream> = snapshot.streams().iter().map(sorted).collect();
    streams.sort_by(|a, b| a.name().cmp(b.name()));
    streams
}

#[test]
fn prometheus_has_what_it_scraped_until_the_exporter_went() {
    for program in generations("prometheus") {
        let scraped = Scraped::start();
        let directory = scraped.upstream.directory.path().to_owned();
        let prometheus = Prometheus::start(&program, &directory, &[]);
        scraped.check(&prometheus.address, Duration::ZERO);
    }
}

#[test]
fn victoria_metrics_has_what_it_scraped_until_the_exporter_went() {
    for program in generations("victoria-metrics") {
        let scraped = Scraped::start();
        let directory = scraped.upstream.directory.path().to_owned();
        let configuration = format!("-promscrape.config={}", scraped.configuration);
        let (_victoria, address) = start_victoria_metrics(&program, &directory, &[&configuration]);
        // Samples can be searched a second after they were scraped.
        scraped.check(&address, Duration::from_secs(3));
    }
}
