//! How long requests wait for sources.

use super::*;

use std::sync::Mutex;

const HEADER: &str = "x-prometheus-scrape-timeout-seconds";

/// An exporter of a source that answers after a delay, and of another one that answers at once.
fn slow_router(delay: Duration) -> Router {
    Exporter::new()
        .with_source(source("acme").with_delay(delay))
        .with_source(source("apex"))
        .into_router()
        .unwrap()
}

async fn get_within(router: &Router, path: &str, timeout: Option<&str>) -> (Answer, Duration) {
    let mut request = Request::get(path);
    if let Some(timeout) = timeout {
        request = request.header(HEADER, timeout);
    }
    let start = Instant::now();
    let answer = call(router, request.body(Body::empty()).unwrap()).await;
    (answer, start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn every_route_answers_within_nine_tenths_of_the_scrape_timeout() {
    let router = slow_router(Duration::from_secs(3600));
    for path in ROUTES {
        for (timeout, millis) in [
            (Some("1"), 900),
            (Some("10"), 9000),
            (Some("1e300"), 270_000),
            (Some("-1"), 9000),
            (Some("NaN"), 9000),
            (Some("soon"), 9000),
            (None, 9000),
        ] {
            let (_, waited) = get_within(&router, path, timeout).await;
            // The clock of the runtime counts milliseconds.
            let limit = Duration::from_millis(millis + 2);
            assert!(waited <= limit, "{path} {timeout:?} {waited:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_too_slow_is_503_on_its_routes_and_left_out_of_the_others() {
    let router = slow_router(Duration::from_secs(3600));
    for path in [
        PATH,
        "/v1/exporter/org/acme",
        "/api/v1/organizations/acme/snapshot",
    ] {
        let (answer, _) = get_within(&router, path, Some("1")).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        let reason = "organization `acme`: the source has not answered within 900ms\n";
        assert_eq!(answer.body, reason);
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
    let (all, _) = get_within(&router, "/metrics", Some("1")).await;
    assert!(
        all.body.contains(r#"{org="apex",streamName"#),
        "{}",
        all.body
    );
    assert!(
        !all.body.contains(r#"{org="acme",streamName"#),
        "{}",
        all.body
    );
    assert!(all.body.contains("scout_exporter_up{org=\"acme\"} 0"));
    let (page, _) = get_within(&router, "/", Some("1")).await;
    assert!(page.body.contains("is being fetched"), "{}", page.body);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_fast_enough_is_waited_for() {
    let router = slow_router(Duration::from_secs(8));
    let (answer, _) = get_within(&router, PATH, None).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_scrape_timeout_does_not_lift_the_bound_on_concurrent_scrapes() {
    let running = Arc::new(Mutex::new((0, 0)));
    let sources = (0..200).map(|number| Counted {
        inner: source(&format!("org{number}")),
        running: Arc::clone(&running),
    });
    let router = Exporter::new().with_sources(sources).into_router().unwrap();
    get_within(&router, "/metrics", Some("10")).await;
    assert_eq!(running.lock().unwrap().1, 8);
}

/// Counts the scrapes that run now, and their maximum.
#[derive(Debug)]
struct Counted {
    inner: MemorySource,
    running: Arc<Mutex<(usize, usize)>>,
}

impl std::fmt::Display for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Counted({})", self.inner)
    }
}

#[async_trait::async_trait]
impl MetricsSource for Counted {
    fn organization(&self) -> &Organization {
        self.inner.organization()
    }

    async fn scrape(&self) -> Result<Snapshot> {
        {
            let mut running = self.running.lock().unwrap();
            running.0 += 1;
            running.1 = running.1.max(running.0);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.running.lock().unwrap().0 -= 1;
        self.inner.scrape().await
    }
}

#[derive(Debug)]
struct Panicking(Organization);

impl std::fmt::Display for Panicking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Panicking")
    }
}

#[async_trait::async_trait]
impl MetricsSource for Panicking {
    fn organization(&self) -> &Organization {
        &self.0
    }

    async fn scrape(&self) -> Result<Snapshot> {
        panic!("by design")
    }
}

#[tokio::test]
async fn a_source_that_panics_is_500_on_its_route() {
    let panicking = Panicking(organization("acme"));
    let router = Exporter::new()
        .with_source(panicking)
        .into_router()
        .unwrap();
    let answer = get(&router, PATH).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.body, "organization `acme`: the source panicked\n");
    assert_eq!(get(&router, "/metrics").await.status, StatusCode::OK);
}
