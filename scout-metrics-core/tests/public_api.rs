//! The public API as other crates use it: across threads, as trait objects, decorators on decorators.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that a helper belongs to a test"
)]

use std::{error::Error as StdError, fmt::Debug, sync::Arc, time::Duration};

use scout_metrics_core::{
    Anomaly, AnomalyKind, Answers, Cached, Change, Error, ErrorKind, Fallback, MemorySource,
    MetricsSource, MetricsSourceExt, Observation, Observed, Organization, Policy, PolicyId,
    PolicyResult, Poller, PollerSet, RawSample, RefreshStatus, Result, SetUpdates, Severity,
    Snapshot, SourceSet, Stream, StreamName, Timeout, Updates, VulnerabilityCounts,
};

const HOUR: Duration = Duration::from_secs(3600);

fn memory() -> MemorySource {
    let acme = Organization::new("acme").unwrap();
    MemorySource::new(Snapshot::new(acme, [Stream::new("production")]).unwrap())
}

#[test]
fn everything_can_cross_threads_and_be_shown() {
    fn check<T: Debug + Clone + Send + Sync + 'static>() {}

    check::<Anomaly>();
    check::<AnomalyKind>();
    check::<Cached<Box<dyn MetricsSource>>>();
    check::<Change>();
    check::<Error>();
    check::<ErrorKind>();
    check::<Fallback<Arc<dyn MetricsSource>, MemorySource>>();
    check::<MemorySource>();
    check::<Answers>();
    check::<PollerSet>();
    check::<SetUpdates>();
    check::<SourceSet>();
    check::<Observation>();
    check::<Observed<Arc<dyn MetricsSource>>>();
    check::<Organization>();
    check::<Policy>();
    check::<PolicyId>();
    check::<PolicyResult>();
    check::<Poller>();
    check::<RawSample>();
    check::<RefreshStatus>();
    check::<Severity>();
    check::<Snapshot>();
    check::<Stream>();
    check::<StreamName>();
    check::<Timeout<Arc<dyn MetricsSource>>>();
    check::<Updates>();
    check::<VulnerabilityCounts>();
}

#[test]
fn the_error_fits_into_every_error_type() {
    let error = || Error::new(ErrorKind::Other, "no luck");
    let boxed: Box<dyn StdError + Send + Sync> = error().into();
    assert!(boxed.is::<Error>());
    let io = std::io::Error::other(error());
    assert_eq!(io.to_string(), "no luck");
}

#[tokio::test]
async fn a_scrape_can_be_spawned() {
    let source: Arc<dyn MetricsSource> = Arc::new(memory());
    let scrape = tokio::spawn(async move { source.scrape().await });
    assert_eq!(scrape.await.unwrap().unwrap().streams().len(), 1);
}

#[tokio::test]
async fn sources_of_different_kinds_stand_in_one_list() {
    let memory = memory();
    let sources: Vec<Box<dyn MetricsSource>> = vec![
        Box::new(memory.clone()),
        Box::new(memory.clone().cached(HOUR)),
        Box::new(Arc::new(memory) as Arc<dyn MetricsSource>),
    ];
    let shown: Vec<String> = sources.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "Memory(acme)",
            "Cached(3600s, Memory(acme))",
            "Memory(acme)"
        ]
    );
    for source in &sources {
        assert_eq!(source.organization().as_str(), "acme");
        assert!(source.scrape().await.is_ok());
    }
}

#[tokio::test]
async fn decorators_stack_on_each_other_and_on_trait_objects() {
    let source = memory()
        .timeout(HOUR)
        .cached(HOUR)
        .or_else(memory().cached(2 * HOUR));
    assert_eq!(
        source.to_string(),
        "Fallback(Cached(3600s, Timeout(3600s, Memory(acme))), Cached(7200s, Memory(acme)))"
    );
    let inner: Arc<dyn MetricsSource> = Arc::new(source);
    let shared = Arc::clone(&inner).cached(HOUR);
    let boxed = (Box::new(inner) as Box<dyn MetricsSource>).cached(HOUR);
    let first = shared.scrape().await.unwrap();
    assert!(boxed.scrape().await.unwrap().is_same(&first));
}

/// A stranger's function that takes any source by reference or by value.
#[tokio::test]
async fn functions_take_any_source() {
    async fn by_reference(source: &dyn MetricsSource) -> Result<usize> {
        Ok(source.scrape().await?.streams().len())
    }

    async fn by_value(source: impl MetricsSource) -> Result<usize> {
        by_reference(&source).await
    }

    assert_eq!(by_reference(&memory().cached(HOUR)).await.unwrap(), 1);
    assert_eq!(by_value(Arc::new(memory())).await.unwrap(), 1);
}
