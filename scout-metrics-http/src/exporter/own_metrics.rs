//! The exporter's own metrics.
//!
//! Every label has a bounded set of values: configured organizations, kinds of errors and anomalies, routes and status
//! codes. So requests cannot make them grow.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

use scout_metrics_core::{Error, Observation, Organization, Snapshot};
use scout_metrics_openmetrics::{
    EncodeError, Encoder, Format, MetricFamily, MetricType, ParseOptions, parse_families,
};

use super::fetches::{Fetches, OrganizationFetches};

/// The label of the organization.
pub(super) const ORGANIZATION: &str = "org";

/// The prefix of the names of the exporter's own metrics.
pub(super) const PREFIX: &str = "scout_exporter";

/// The state of the exporter's own metrics.
#[derive(Debug)]
pub(super) struct OwnMetrics {
    fetches: Mutex<Fetches>,
    requests: Mutex<Requests>,
    of_program: Mutex<Vec<ProgramMetrics>>,
    started: Instant,
    has_been_ready: AtomicBool,
}

/// Writes the metrics of the program that serves the exporter.
struct ProgramMetrics(Box<EncodeFamilies>);

type EncodeFamilies = dyn Fn(&mut Encoder<String>) -> Result<(), EncodeError> + Send + Sync;

impl fmt::Debug for ProgramMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProgramMetrics")
    }
}

impl Default for OwnMetrics {
    fn default() -> Self {
        Self {
            fetches: Mutex::default(),
            requests: Mutex::default(),
            of_program: Mutex::default(),
            started: Instant::now(),
            has_been_ready: AtomicBool::new(false),
        }
    }
}

/// The number of requests, by the pattern of the route and the status code.
type Requests = BTreeMap<String, BTreeMap<u16, u64>>;

impl OwnMetrics {
    /// Registers an organization whose fetches are [observed](Self::observe).
    pub(super) fn expect(&self, organization: &Organization) {
        let mut fetches = self.fetches();
        let organizations = &mut fetches.organizations;
        organizations.entry(organization.clone()).or_default();
    }

    /// Returns whether the organization was registered.
    pub(super) fn expects(&self, organization: &Organization) -> bool {
        self.fetches().organizations.contains_key(organization)
    }

    /// Counts a fetch.
    pub(super) fn observe(&self, fetch: &Observation) {
        self.fetches().observe(fetch);
    }

    /// Counts a request.
    pub(super) fn count_request(&self, route: &str, code: u16) {
        let mut requests = self.requests();
        if !requests.contains_key(route) {
            requests.insert(route.to_owned(), BTreeMap::new());
        }
        if let Some(codes) = requests.get_mut(route) {
            *codes.entry(code).or_default() += 1;
        }
    }

    /// Returns the outcomes of the fetches of an organization.
    pub(super) fn fetches_of(&self, organization: &Organization) -> OrganizationFetches {
        let fetches = self.fetches();
        let fetches = fetches.organizations.get(organization);
        fetches.cloned().unwrap_or_default()
    }

    /// Registers a snapshot that an earlier run of the program fetched.
    pub(super) fn restore(&self, snapshot: &Snapshot) {
        let mut fetches = self.fetches();
        let organization = snapshot.organization().clone();
        let fetches = fetches.organizations.entry(organization).or_default();
        if fetches.last_good.is_none() {
            fetches.restore(snapshot);
        }
    }

    /// Forgets all organizations except some.
    pub(super) fn retain(&self, is_kept: impl Fn(&Organization) -> bool) {
        let mut fetches = self.fetches();
        fetches
            .organizations
            .retain(|organization, _| is_kept(organization));
    }

    /// Returns those of the organizations that have had no metrics yet, with the error of the last fetch.
    pub(super) fn without_metrics<'a>(
        &self,
        organizations: impl IntoIterator<Item = &'a Organization>,
    ) -> Vec<(&'a Organization, Option<Error>)> {
        let fetches = self.fetches();
        let waits_for = |name| match fetches.organizations.get(name) {
            Some(fetches) if fetches.last_good.is_some() => None,
            fetches => Some((name, fetches.and_then(|fetches| fetches.last_error.clone()))),
        };
        organizations.into_iter().filter_map(waits_for).collect()
    }

    /// Returns how long ago the exporter started.
    pub(super) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn has_been_ready(&self) -> bool {
        self.has_been_ready.load(Relaxed)
    }

    pub(super) fn set_ready(&self) {
        self.has_been_ready.store(true, Relaxed);
    }

    /// Adds metrics of the program.
    pub(super) fn add(
        &self,
        encode: impl Fn(&mut Encoder<String>) -> Result<(), EncodeError> + Send + Sync + 'static,
    ) {
        self.of_program().push(ProgramMetrics(Box::new(encode)));
    }

    /// Writes the metrics as they are now.
    pub(super) fn encode_into(&self, encoder: &mut Encoder<String>) -> Result<(), EncodeError> {
        encode_build(encoder)?;
        let fetches = self.fetches();
        encode_gauges(encoder, &fetches)?;
        encode_anomalies(encoder, &fetches)?;
        encode_fetch_errors(encoder, &fetches)?;
        fetches.durations.encode(
            encoder,
            "scout_exporter_fetch_duration_seconds",
            "The duration of fetches, failed ones included.",
        )?;
        drop(fetches);
        encode_requests(encoder, &self.requests())?;
        let of_program = self.of_program();
        of_program.iter().try_for_each(|metrics| metrics.0(encoder))
    }

    /// Returns the metrics as they are now, or nothing if the program's cannot be written or read.
    pub(super) fn families(&self) -> Vec<MetricFamily> {
        let mut encoder = Encoder::new(String::new(), Format::OpenMetrics);
        let families = move || -> Result<_, Box<dyn std::error::Error>> {
            self.encode_into(&mut encoder)?;
            let options = ParseOptions::new(Format::OpenMetrics);
            let families = parse_families(encoder.finish()?.as_bytes(), &options)?;
            Ok(families.into_vec())
        };
        families().unwrap_or_else(|error| {
            tracing::warn!(error = &*error, "the program's own metrics are invalid");
            Vec::new()
        })
    }

    fn of_program(&self) -> MutexGuard<'_, Vec<ProgramMetrics>> {
        self.of_program
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn fetches(&self) -> MutexGuard<'_, Fetches> {
        self.fetches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encode_build<W: Write>(encoder: &mut Encoder<W>) -> Result<(), EncodeError> {
    let (name, help) = (
        "scout_exporter_build_info",
        "The version of the exporter; always 1.",
    );
    encoder.family(name, MetricType::Gauge, help, "")?;
    encoder.sample(name, [("version", env!("CARGO_PKG_VERSION"))], 1.0)?;
    Ok(())
}

/// Writes the gauges that have one value for each organization, or none before its first success.
fn encode_gauges<W: Write>(encoder: &mut Encoder<W>, fetches: &Fetches) -> Result<(), EncodeError> {
    type Value = fn(&OrganizationFetches) -> Option<f64>;
    let gauges: [(&str, &str, Value); 4] = [
        (
            "scout_exporter_up",
            "Whether the last fetch succeeded.",
            |fetches| Some(f64::from(u8::from(fetches.is_up))),
        ),
        (
            "scout_exporter_last_success_timestamp_seconds",
            "The time of the last fetch that succeeded.",
            OrganizationFetches::last_success,
        ),
        (
            "scout_exporter_snapshot_age_seconds",
            "The time since the last fetch that succeeded.",
            |fetches| Some(fetches.age()?.as_secs_f64()),
        ),
        (
            "scout_exporter_streams",
            "Streams in the last snapshot.",
            |fetches| Some(fetches.last_good.as_ref()?.streams() as f64),
        ),
    ];
    for (name, help, value) in gauges {
        encoder.family(name, MetricType::Gauge, help, "")?;
        for (organization, fetches) in &fetches.organizations {
            if let Some(value) = value(fetches) {
                encoder.sample(name, [(ORGANIZATION, organization.as_str())], value)?;
            }
        }
    }
    Ok(())
}

fn encode_anomalies<W: Write>(
    encoder: &mut Encoder<W>,
    fetches: &Fetches,
) -> Result<(), EncodeError> {
    let (name, help) = (
        "scout_exporter_anomalies",
        "Anomalies in the last snapshot, by kind.",
    );
    encoder.family(name, MetricType::Gauge, help, "")?;
    for (organization, fetches) in &fetches.organizations {
        let anomalies = fetches.last_good.iter().flat_map(|good| good.anomalies());
        for (kind, count) in anomalies {
            let labels = [
                (ORGANIZATION, organization.as_str()),
                ("kind", kind.as_str()),
            ];
            encoder.sample(name, labels, count as f64)?;
        }
    }
    Ok(())
}

fn encode_fetch_errors<W: Write>(
    encoder: &mut Encoder<W>,
    fetches: &Fetches,
) -> Result<(), EncodeError> {
    let help = "Fetches that failed, by the kind of the error.";
    let name = counter(encoder, "scout_exporter_fetch_errors", help)?;
    for (organization, fetches) in &fetches.organizations {
        for (reason, count) in &fetches.errors {
            let labels = [(ORGANIZATION, organization.as_str()), ("reason", reason)];
            encoder.sample(&name, labels, *count as f64)?;
        }
    }
    Ok(())
}

fn encode_requests<W: Write>(
    encoder: &mut Encoder<W>,
    requests: &Requests,
) -> Result<(), EncodeError> {
    let help = "Requests answered, by the pattern of the route and the status.";
    let name = counter(encoder, "scout_exporter_http_requests", help)?;
    for (route, codes) in requests {
        for (code, count) in codes {
            let code = code.to_string();
            let labels = [("route", route.as_str()), ("code", &code)];
            encoder.sample(&name, labels, *count as f64)?;
        }
    }
    Ok(())
}

/// Writes the metadata of a counter and returns the name of its samples.
fn counter<W: Write>(
    encoder: &mut Encoder<W>,
    family: &str,
    help: &str,
) -> Result<String, EncodeError> {
    let name = format!("{family}_total");
    let family = match encoder.format() {
        Format::Prometheus => &name,
        _ => family,
    };
    encoder.family(family, MetricType::Counter, help, "")?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::SystemTime};

    use scout_metrics_core::{
        Anomaly, AnomalyKind, Error, ErrorKind, MemorySource, MetricsSource, Observed, Snapshot,
        Stream,
    };
    use scout_metrics_openmetrics::Mode;

    use super::*;

    fn acme() -> Organization {
        Organization::new("acme").unwrap()
    }

    fn observed(metrics: &Arc<OwnMetrics>, memory: &MemorySource) -> impl MetricsSource {
        metrics.expect(memory.organization());
        let metrics = Arc::clone(metrics);
        Observed::new(memory.clone(), move |fetch| metrics.observe(&fetch))
    }

    fn text(metrics: &OwnMetrics, format: Format) -> String {
        let mut encoder = Encoder::new(String::new(), format);
        metrics.encode_into(&mut encoder).unwrap();
        encoder.finish().unwrap()
    }

    fn has(metrics: &OwnMetrics, line: &str) {
        let text = text(metrics, Format::Prometheus);
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }

    #[tokio::test]
    async fn shows_the_outcomes_of_fetches() {
        let metrics = Arc::new(OwnMetrics::default());
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_500);
        let anomaly = || Anomaly::new(AnomalyKind::UnknownFamily, "unknown");
        let snapshot = Snapshot::new(acme(), [Stream::new("a"), Stream::new("b")])
            .unwrap()
            .with_anomalies(vec![anomaly(), anomaly()])
            .with_scraped_at(at);
        let memory = MemorySource::new(snapshot);
        let source = observed(&metrics, &memory);
        has(&metrics, r#"scout_exporter_up{org="acme"} 0"#);
        assert!(!text(&metrics, Format::Prometheus).contains("scout_exporter_streams{"));
        assert_eq!(metrics.without_metrics([&acme()]).len(), 1);

        source.scrape().await.unwrap();
        let last = r#"scout_exporter_last_success_timestamp_seconds{org="acme"} 1700000000.5"#;
        let unknown = r#"scout_exporter_anomalies{org="acme",kind="unknown_family"} 2"#;
        for line in [
            r#"scout_exporter_up{org="acme"} 1"#,
            last,
            "scout_exporter_fetch_duration_seconds_count 1",
            r#"scout_exporter_streams{org="acme"} 2"#,
            unknown,
            r#"scout_exporter_anomalies{org="acme",kind="deviation"} 0"#,
        ] {
            has(&metrics, line);
        }
        assert!(metrics.without_metrics([&acme()]).is_empty());

        memory.set(Err(Error::new(ErrorKind::Timeout, "slow")));
        source.scrape().await.unwrap_err();
        for line in [
            r#"scout_exporter_up{org="acme"} 0"#,
            last,
            r#"scout_exporter_fetch_errors_total{org="acme",reason="timeout"} 1"#,
            unknown,
        ] {
            has(&metrics, line);
        }
    }

    #[tokio::test]
    async fn both_formats_pass_a_strict_parser() {
        let metrics = Arc::new(OwnMetrics::default());
        let memory = MemorySource::new(Snapshot::new(acme(), []).unwrap());
        let source = observed(&metrics, &memory);
        source.scrape().await.unwrap();
        metrics.count_request("/metrics", 200);
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let text = text(&metrics, format);
            let strict = ParseOptions::new(format).with_mode(Mode::Strict);
            let families = parse_families(text.as_bytes(), &strict).unwrap();
            let families = families.into_vec();
            assert_eq!(families.len(), 9);
            for family in families {
                assert!(family.name().starts_with(PREFIX));
                assert!(!family.help().is_empty());
            }
        }
        let version = env!("CARGO_PKG_VERSION");
        for line in [
            r#"scout_exporter_http_requests_total{route="/metrics",code="200"} 1"#,
            &format!(r#"scout_exporter_build_info{{version="{version}"}} 1"#),
            "# TYPE scout_exporter_http_requests_total counter",
        ] {
            has(&metrics, line);
        }
    }

    #[tokio::test]
    async fn the_families_are_those_of_the_text() {
        let metrics = Arc::new(OwnMetrics::default());
        let memory = MemorySource::new(Snapshot::new(acme(), []).unwrap());
        observed(&metrics, &memory).scrape().await.unwrap();
        metrics.count_request("/metrics", 200);
        let names = |families: Vec<MetricFamily>| -> Vec<String> {
            let names = families.iter().map(|family| family.name().to_owned());
            names.collect()
        };
        let strict = ParseOptions::new(Format::OpenMetrics).with_mode(Mode::Strict);
        let text = text(&metrics, Format::OpenMetrics);
        let expected = parse_families(text.as_bytes(), &strict).unwrap();
        let families = metrics.families();
        assert_eq!(names(families.clone()), names(expected.into_vec()));
        let requests = families.iter().flat_map(|family| family.samples());
        assert!(requests.into_iter().any(|sample| sample.value() == 1.0));
        let fetches = families
            .iter()
            .filter_map(|family| family.histograms().ok());
        assert!(fetches.flatten().all(|fetches| fetches.count() == 1.0));

        // A family without an end.
        metrics.add(|encoder| encoder.family("", MetricType::Gauge, "", ""));
        assert_eq!(metrics.families(), []);
    }
}
