//! The exporter's own metrics, in a registry.
//!
//! Every label has a bounded set of values: configured organizations, kinds of errors, routes and status codes. So
//! nothing grows with what clients send.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::{Duration, SystemTime},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use scout_metrics_core::{Observation, Organization};
use scout_metrics_openmetrics::{
    Exposition, Format, ParseOptions, encode_families, parse_families,
};

/// What every name of the exporter's own metrics begins with.
pub(super) const PREFIX: &str = "scout_exporter";

/// Upper bounds in seconds: Scout was seen to take 2.5 s, and Docker's own sample gives up after 40 s.
const FETCH_SECONDS: [f64; 9] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0];

/// The exporter's own metrics.
pub(super) struct Telemetry {
    registry: Registry,
    fetches: Mutex<BTreeMap<Organization, Fetches>>,
    age: Family<OfOrganization, Gauge<f64, AtomicU64>>,
    fetch_duration: Histogram,
    fetch_errors: Family<OfError, Counter>,
    last_success: Family<OfOrganization, Gauge<f64, AtomicU64>>,
    requests: Family<OfRequest, Counter>,
    up: Family<OfOrganization, Gauge>,
}

/// How the fetches of one organization go.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fetches {
    is_up: bool,
    has_ended: bool,
    last_success: Option<SystemTime>,
}

impl Fetches {
    /// Returns whether the last fetch succeeded.
    pub(super) fn is_up(self) -> bool {
        self.is_up
    }

    /// Returns when the last fetch that succeeded was made, as seconds since 1970.
    pub(super) fn last_success(self) -> Option<f64> {
        let since = self.last_success?.duration_since(SystemTime::UNIX_EPOCH);
        Some(since.unwrap_or_default().as_secs_f64())
    }

    /// Returns how long ago the last fetch that succeeded was made; zero if the clock was set back since.
    pub(super) fn age(self, now: SystemTime) -> Option<Duration> {
        Some(now.duration_since(self.last_success?).unwrap_or_default())
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct OfOrganization {
    org: String,
}

impl OfOrganization {
    fn new(organization: &Organization) -> Self {
        Self {
            org: organization.as_str().to_owned(),
        }
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct OfError {
    org: String,
    reason: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct OfRequest {
    route: String,
    code: u16,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct OfBuild {
    version: &'static str,
}

impl Telemetry {
    /// Counts from now on that the organization is one whose fetches are reported.
    pub(super) fn expect(&self, organization: &Organization) {
        self.fetches().entry(organization.clone()).or_default();
    }

    /// Returns whether the fetches of the organization are reported already.
    pub(super) fn expects(&self, organization: &Organization) -> bool {
        self.fetches().contains_key(organization)
    }

    /// Takes in how a fetch went.
    pub(super) fn observe(&self, fetch: &Observation) {
        self.fetch_duration.observe(fetch.duration().as_secs_f64());
        let organization = fetch.organization();
        if fetch.snapshot().is_none() {
            let org = organization.as_str().to_owned();
            let reason = fetch.outcome();
            self.fetch_errors
                .get_or_create(&OfError { org, reason })
                .inc();
        }
        // Who no longer waits for an answer says nothing about the source.
        if fetch.snapshot().is_none() && fetch.error().is_none() {
            return;
        }
        let mut fetches = self.fetches();
        let state = fetches.entry(organization.clone()).or_default();
        state.has_ended = true;
        state.is_up = fetch.snapshot().is_some();
        let scraped_at = fetch.snapshot().map(|snapshot| snapshot.scraped_at());
        state.last_success = scraped_at.or(state.last_success);
    }

    /// Counts a request, under the pattern of its route.
    pub(super) fn count_request(&self, route: &str, code: u16) {
        let route = route.to_owned();
        self.requests
            .get_or_create(&OfRequest { route, code })
            .inc();
    }

    /// Returns how the fetches of an organization go.
    pub(super) fn fetches_of(&self, organization: &Organization) -> Fetches {
        self.fetches()
            .get(organization)
            .copied()
            .unwrap_or_default()
    }

    /// Returns whether a fetch of each of these organizations has ended, however it did.
    pub(super) fn have_ended<'a>(
        &self,
        organizations: impl IntoIterator<Item = &'a Organization>,
    ) -> bool {
        let fetches = self.fetches();
        organizations
            .into_iter()
            .all(|organization| fetches.get(organization).is_some_and(|of| of.has_ended))
    }

    /// Writes the metrics as they are now.
    pub(super) fn exposition(&self, format: Format) -> Exposition {
        self.update(SystemTime::now());
        let mut openmetrics = String::new();
        text::encode(&mut openmetrics, &self.registry).expect("a string takes all text");
        match format {
            Format::Prometheus => to_prometheus(&openmetrics),
            _ => Exposition::new(Format::OpenMetrics, openmetrics),
        }
    }

    /// Brings the gauges that follow the clock up to date.
    fn update(&self, now: SystemTime) {
        for (organization, fetches) in &*self.fetches() {
            let labels = OfOrganization::new(organization);
            self.up.get_or_create(&labels).set(fetches.is_up.into());
            if let Some(seconds) = fetches.last_success() {
                self.last_success.get_or_create(&labels).set(seconds);
            }
            if let Some(age) = fetches.age(now) {
                self.age.get_or_create(&labels).set(age.as_secs_f64());
            }
        }
    }

    fn fetches(&self) -> MutexGuard<'_, BTreeMap<Organization, Fetches>> {
        self.fetches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        let telemetry = Self {
            registry: Registry::with_prefix(PREFIX),
            fetches: Mutex::default(),
            age: Family::default(),
            fetch_duration: Histogram::new(FETCH_SECONDS),
            fetch_errors: Family::default(),
            last_success: Family::default(),
            requests: Family::default(),
            up: Family::default(),
        };
        telemetry.registered()
    }
}

impl Telemetry {
    /// Puts the metrics into the registry, which has the same ones in hand from then on. It ends a help text with a
    /// period of its own.
    fn registered(mut self) -> Self {
        let build = Family::<OfBuild, Gauge>::default();
        let version = env!("CARGO_PKG_VERSION");
        build.get_or_create(&OfBuild { version }).set(1);

        let registry = &mut self.registry;
        registry.register("build_info", "The version of the exporter; always 1", build);
        registry.register(
            "fetch_duration_seconds",
            "How long fetches took, failed ones included",
            self.fetch_duration.clone(),
        );
        registry.register(
            "fetch_errors",
            "Fetches that failed, by the kind of the error",
            self.fetch_errors.clone(),
        );
        registry.register(
            "http_requests",
            "Requests answered, by the pattern of the route and the status",
            self.requests.clone(),
        );
        registry.register(
            "last_success_timestamp_seconds",
            "When the last fetch that succeeded was made",
            self.last_success.clone(),
        );
        registry.register(
            "snapshot_age_seconds",
            "How long ago the last fetch that succeeded was made",
            self.age.clone(),
        );
        registry.register(
            "up",
            "Whether the last fetch of an organization succeeded",
            self.up.clone(),
        );
        self
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

/// The registry writes OpenMetrics alone.
fn to_prometheus(openmetrics: &str) -> Exposition {
    let options = ParseOptions::new(Format::OpenMetrics);
    let families = parse_families(openmetrics.as_bytes(), &options)
        .expect("the registry writes OpenMetrics")
        .into_vec();
    encode_families(&families, Format::Prometheus)
        .expect("counters, gauges and histograms are in both formats")
}

#[cfg(test)]
mod tests {
    use super::*;
    use scout_metrics_core::{Error, ErrorKind, MemorySource, MetricsSource, Observed, Snapshot};
    use scout_metrics_openmetrics::Mode;
    use std::sync::Arc;

    fn acme() -> Organization {
        Organization::new("acme").unwrap()
    }

    fn observed(telemetry: &Arc<Telemetry>, memory: &MemorySource) -> impl MetricsSource {
        telemetry.expect(memory.organization());
        let telemetry = Arc::clone(telemetry);
        Observed::new(memory.clone(), move |fetch| telemetry.observe(&fetch))
    }

    fn has(telemetry: &Telemetry, line: &str) {
        let exposition = telemetry.exposition(Format::Prometheus);
        let text = std::str::from_utf8(exposition.body()).unwrap();
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }

    #[tokio::test]
    async fn tells_how_fetches_go() {
        let telemetry = Arc::new(Telemetry::default());
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_500);
        let memory = MemorySource::new(Snapshot::new(acme(), []).unwrap().with_scraped_at(at));
        let source = observed(&telemetry, &memory);
        has(&telemetry, r#"scout_exporter_up{org="acme"} 0"#);
        assert!(!telemetry.have_ended([&acme()]));

        source.scrape().await.unwrap();
        has(&telemetry, r#"scout_exporter_up{org="acme"} 1"#);
        let last = r#"scout_exporter_last_success_timestamp_seconds{org="acme"} 1700000000.5"#;
        has(&telemetry, last);
        has(
            &telemetry,
            r#"scout_exporter_fetch_duration_seconds_count 1"#,
        );
        assert!(telemetry.have_ended([&acme()]));

        memory.set(Err(Error::new(ErrorKind::Timeout, "slow")));
        source.scrape().await.unwrap_err();
        has(&telemetry, r#"scout_exporter_up{org="acme"} 0"#);
        has(&telemetry, last);
        let errors = r#"scout_exporter_fetch_errors_total{org="acme",reason="timeout"} 1"#;
        has(&telemetry, errors);
    }

    #[test]
    fn the_age_follows_the_clock_and_is_never_negative() {
        let fetches = Fetches {
            last_success: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(100)),
            ..Fetches::default()
        };
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(fetches.age(at(160)), Some(Duration::from_secs(60)));
        assert_eq!(fetches.age(at(40)), Some(Duration::ZERO));
    }

    #[test]
    fn both_formats_are_right_to_the_letter() {
        let telemetry = Telemetry::default();
        telemetry.expect(&acme());
        telemetry.count_request("/metrics", 200);
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let exposition = telemetry.exposition(format);
            let strict = ParseOptions::new(format).with_mode(Mode::Strict);
            let families = parse_families(exposition.body(), &strict)
                .unwrap()
                .into_vec();
            assert!(
                families
                    .iter()
                    .all(|family| family.name().starts_with(PREFIX))
            );
            assert!(families.iter().all(|family| !family.help().is_empty()));
        }
        has(
            &telemetry,
            r#"scout_exporter_http_requests_total{route="/metrics",code="200"} 1"#,
        );
        let version = env!("CARGO_PKG_VERSION");
        has(
            &telemetry,
            &format!(r#"scout_exporter_build_info{{version="{version}"}} 1"#),
        );
        has(
            &telemetry,
            "# TYPE scout_exporter_http_requests_total counter",
        );
    }
}
