//! The public API as other crates use it: across threads, as trait objects, with stacked decorators.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that a helper belongs to a test"
)]

use std::{
    borrow::Borrow,
    collections::{BTreeSet, HashSet},
    error::Error as StdError,
    fmt::{Debug, Display},
    hash::Hash,
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use scout_metrics_core::{
    Anomaly, AnomalyKind, Answers, Cached, Change, Comparison, Error, ErrorKind, Fallback,
    MemorySource, MetricsSource, MetricsSourceExt, Observation, Observed, Organization, Policy,
    PolicyId, PolicyResult, Poller, PollerSet, RawSample, RefreshStatus, Result, SetUpdates,
    Severity, Since, Snapshot, SourceSet, Stream, StreamName, Timeout, Trend, Updates,
    VulnerabilityCounts,
    gate::{Finding, Gate, Rule, Verdict},
};
use serde::{Serialize, de::DeserializeOwned};

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
    check::<Comparison>();
    check::<Finding>();
    check::<Gate>();
    check::<Rule>();
    check::<Since>();
    check::<Trend>();
    check::<Verdict>();
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
fn the_error_converts_to_other_error_types() {
    let error = || Error::new(ErrorKind::Other, "cannot connect");
    let boxed: Box<dyn StdError + Send + Sync> = error().into();
    assert!(boxed.is::<Error>());
    let io = std::io::Error::other(error());
    assert_eq!(io.to_string(), "cannot connect");
}

#[test]
fn all_names_have_the_same_conversions() {
    fn check<T>(text: &'static str)
    where
        T: AsRef<str> + Borrow<str> + Clone + Debug + Display + FromStr + Hash + Into<String> + Ord,
        T: TryFrom<&'static str> + TryFrom<String> + Serialize + DeserializeOwned,
    {
        let name = T::from_str(text).ok().unwrap();
        assert_eq!(name.as_ref(), text);
        assert_eq!(Borrow::<str>::borrow(&name), text);
        assert_eq!(format!("{name:>9}"), format!("{text:>9}"));
        assert!(T::try_from(text).ok() == Some(name.clone()));
        assert!(T::try_from(text.to_owned()).ok() == Some(name.clone()));
        assert_eq!(serde_json::to_value(&name).unwrap(), text);
        assert_eq!(serde_json::from_value::<T>(text.into()).unwrap(), name);
        assert_eq!(BTreeSet::from([name.clone()]).get(text), Some(&name));
        assert_eq!(HashSet::from([name.clone()]).get(text), Some(&name));
        assert_eq!(name.into(), text);
    }

    check::<Organization>("acme");
    check::<PolicyId>("p 1");
    check::<StreamName>("produçtion");
}

#[test]
fn models_can_be_looped_over() {
    let result = PolicyResult::new(Policy::new("p", "P"), 1, 2).unwrap();
    let stream = Stream::new("production")
        .with_vulnerabilities("5C 3H 0?".parse().unwrap())
        .with_policy(result);
    let snapshot = Snapshot::new(Organization::new("acme").unwrap(), [stream]).unwrap();
    let mut seen = Vec::new();
    for stream in &snapshot {
        for (severity, count) in stream.vulnerabilities() {
            seen.push(format!("{severity} {count}"));
        }
        for result in stream {
            seen.push(result.policy().id().to_string());
        }
    }
    assert_eq!(seen, ["CRITICAL 5", "HIGH 3", "UNSPECIFIED 0", "p"]);
    assert_eq!(snapshot.streams()[0].policy("p").unwrap().violating(), 1);
    assert!(snapshot.streams()[0].policy("q").is_none());
}

#[tokio::test]
async fn a_scrape_can_be_spawned() {
    let source: Arc<dyn MetricsSource> = Arc::new(memory());
    let scrape = tokio::spawn(async move { source.scrape().await });
    assert_eq!(scrape.await.unwrap().unwrap().streams().len(), 1);
}

#[tokio::test]
async fn one_list_holds_sources_of_different_kinds() {
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

#[tokio::test]
async fn functions_accept_any_source() {
    async fn by_reference(source: &dyn MetricsSource) -> Result<usize> {
        Ok(source.scrape().await?.streams().len())
    }

    async fn by_value(source: impl MetricsSource) -> Result<usize> {
        by_reference(&source).await
    }

    assert_eq!(by_reference(&memory().cached(HOUR)).await.unwrap(), 1);
    assert_eq!(by_value(Arc::new(memory())).await.unwrap(), 1);
}
