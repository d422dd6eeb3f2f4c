//! Which resources do 10,000 organizations in one process need, and how even is the load on Docker Scout?
//!
//! Not a matter of one time: a program that lives through a few intervals and prints what it saw. Times are scaled: an
//! interval of an hour takes [`INTERVAL`], and so are the times that depend on it. With `--test` there are fewer organizations
//! and shorter intervals.

use std::{
    env,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use scout_metrics_benches::scout;
use scout_metrics_core::{PollerSet, Snapshot};
use scout_metrics_http::{ScoutClient, exporter::Exporter};
use tokio::{net::TcpListener, time::sleep};

use resident::resident;
use upstream::Upstream;

#[path = "../resident.rs"]
mod resident;
mod upstream;

const SAMPLES: usize = 236;

const HOUR: Duration = Duration::from_secs(3600);

/// Docker's example run with 236 samples took that long.
const LATENCY: Duration = Duration::from_millis(2500);

/// The default of 10,000 organizations.
const LONGEST_BACKOFF: Duration = Duration::from_secs(1000);

/// An hour has so many parts, so one is a minute.
const PARTS: usize = 60;

/// The number of organizations, and what an hour is in this run.
#[derive(Clone, Copy, Debug)]
struct Scale {
    organizations: usize,
    interval: Duration,
}

impl Scale {
    fn of_arguments() -> Self {
        if env::args().any(|argument| argument == "--test") {
            return Self {
                organizations: 200,
                interval: Duration::from_millis(600),
            };
        }
        Self {
            organizations: 10_000,
            interval: Duration::from_secs(30),
        }
    }

    /// Returns what a time is in this run.
    fn scaled(self, time: Duration) -> Duration {
        time.mul_f64(self.interval.as_secs_f64() / HOUR.as_secs_f64())
    }

    /// Returns what a time of this run would be.
    fn real(self, time: Duration) -> Duration {
        let factor = HOUR.as_secs_f64() / self.interval.as_secs_f64();
        Duration::from_secs(time.mul_f64(factor).as_secs())
    }

    fn minute(self) -> Duration {
        self.interval / PARTS as u32
    }
}

#[tokio::main]
async fn main() {
    let scale = Scale::of_arguments();
    let upstream = Upstream::start(scout(SAMPLES), scale.scaled(LATENCY));
    println!(
        "{scale:?}, {SAMPLES} samples each, scaled 1 to {:.0}",
        HOUR.as_secs_f64() / scale.interval.as_secs_f64()
    );

    let before = resident();
    let started = Instant::now();
    let pollers = start(scale, &upstream);
    println!("building the set took {:?}", started.elapsed());
    let first_round = until_all_have_refreshed(&pollers, started).await;
    assert_eq!(pollers.snapshots().count(), scale.organizations);
    println!(
        "first full round: {:?}, that is {:?}",
        first_round,
        scale.real(first_round)
    );
    if let (Some(before), Some(after)) = (before, resident()) {
        let each = after.saturating_sub(before) / scale.organizations;
        println!(
            "memory: {} MiB, {each} bytes for each organization",
            after >> 20
        );
    }

    sleep((scale.interval * 4).saturating_sub(started.elapsed())).await;
    for hour in 0..4 {
        print_rates(
            &format!("hour {}", hour + 1),
            scale,
            &upstream,
            started,
            hour,
        );
    }
    serve(&pollers).await;

    outage(scale, &upstream, &pollers).await;
    pollers.shutdown().await;
}

fn start(scale: Scale, upstream: &Upstream) -> PollerSet {
    let client = ScoutClient::builder()
        .with_base_url(&upstream.url)
        .with_token("dckr_pat_bench")
        // Its delays are not scaled.
        .with_max_attempts(1)
        .build()
        .expect("the options are good");
    let sources = (0..scale.organizations).map(|number| {
        let source = client.organization(format!("acme-{number}"));
        source.expect("the name is valid")
    });
    PollerSet::builder()
        .with_sources(sources)
        .expect("the names differ")
        .with_interval(scale.interval)
        .with_spread(scale.scaled(Duration::from_secs(10)))
        .with_backoff(
            scale.scaled(Duration::from_secs(1)),
            scale.scaled(LONGEST_BACKOFF),
        )
        .spawn()
}

/// Waits until each organization has been fetched since an instant, and returns how long after it that was.
async fn until_all_have_refreshed(pollers: &PollerSet, since: Instant) -> Duration {
    let is_stale = |snapshot: &Snapshot| snapshot.age() > since.elapsed();
    loop {
        let snapshots: Vec<Snapshot> = pollers.snapshots().collect();
        if snapshots.len() == pollers.pollers().len() && !snapshots.iter().any(is_stale) {
            return since.elapsed();
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Prints how even the requests of an hour were.
fn print_rates(name: &str, scale: Scale, upstream: &Upstream, since: Instant, hour: u32) {
    let rates = upstream.rates(since + scale.interval * hour, scale.minute(), PARTS);
    let all: usize = rates.iter().sum();
    let most = rates.iter().max().copied().unwrap_or_default();
    // Each organization is fetched once an hour, twice in the first hour, and more often during an outage.
    assert!(2 * all > scale.organizations && all < 32 * scale.organizations);
    let even = scale.organizations as f64 / PARTS as f64;
    println!(
        "{name}: {all} requests, at most {most} in a minute, {:.1} times an even load",
        most as f64 / even
    );
}

/// Prints what the answers of an exporter take.
async fn serve(pollers: &PollerSet) {
    let router = Exporter::new()
        .with_sources(pollers)
        .into_router()
        .expect("the options are good");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("loopback has a free port");
    let address = listener.local_addr().expect("the listener is bound");
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    // The client of `reqwest` requires a TLS provider even for plain HTTP. Fails if there is one, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::new();
    for path in [
        "/sd",
        "/v1/exporter/org/acme-0/metrics",
        "/v1/exporter/org/acme-199/metrics",
        "/metrics",
        "/metrics",
    ] {
        let start = Instant::now();
        let answer = http.get(format!("http://{address}{path}")).send().await;
        let answer = answer.expect("the exporter answers");
        assert_eq!(answer.status(), 200, "{path}");
        let body = answer.bytes().await.expect("the body is whole");
        println!("{path}: {} bytes in {:?}", body.len(), start.elapsed());
    }
    server.abort();
}

/// Prints how Docker Scout is asked while it is down for an hour, and after that.
async fn outage(scale: Scale, upstream: &Upstream, pollers: &PollerSet) {
    upstream.set_down(true);
    let down = Instant::now();
    sleep(scale.interval * 2).await;
    print_rates("the second hour of an outage", scale, upstream, down, 1);

    upstream.set_down(false);
    let up = Instant::now();
    let fresh = until_all_have_refreshed(pollers, up).await;
    println!(
        "all are fresh {:?} after the outage, that is {:?}",
        fresh,
        scale.real(fresh)
    );
    sleep((scale.interval * 3).saturating_sub(up.elapsed())).await;
    for hour in 0..3 {
        let name = format!("hour {} after the outage", hour + 1);
        print_rates(&name, scale, upstream, up, hour);
    }
}
