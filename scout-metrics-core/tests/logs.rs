//! The exact text of the log, which must not contain a secret.
//!
//! In a process of its own, because `tracing` decides once per process and call site whether anybody listens.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that a helper belongs to a test"
)]

use std::{cell::RefCell, error::Error as StdError, fmt, sync::Once, time::Duration};

use scout_metrics_core::{
    Error, ErrorKind, MemorySource, MetricsSource, MetricsSourceExt, Organization, Poller,
    Snapshot, SourceSet, Stream,
};
use tokio::time::advance;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

const HOUR: Duration = Duration::from_secs(3600);

fn snapshot(streams: &[&str]) -> Snapshot {
    let acme = Organization::new("acme").unwrap();
    Snapshot::new(acme, streams.iter().map(|&name| Stream::new(name))).unwrap()
}

fn down() -> Error {
    let acme = Organization::new("acme").unwrap();
    Error::new(ErrorKind::Unavailable, "down").with_organization(&acme)
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_does_not_replace_a_good_one_in_silence() {
    listen();
    let memory = MemorySource::new(snapshot(&["a", "b"]));
    let source = memory.clone().cached(HOUR);
    for answer in [snapshot(&["a", "b"]), snapshot(&[]), snapshot(&[])] {
        memory.set(Ok(answer));
        source.scrape().await.unwrap();
        advance(HOUR).await;
    }
    assert_eq!(
        logged(),
        ["WARN an empty snapshot replaces one with 2 streams organization=acme"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_refresh_is_logged_once_however_many_ask() {
    listen();
    let memory = MemorySource::new(snapshot(&["a"]));
    let source = memory.clone().cached(HOUR);
    source.scrape().await.unwrap();
    memory.set(Err(down()));
    advance(HOUR).await;
    for _ in 0..100 {
        source.scrape().await.unwrap();
    }
    assert_eq!(
        logged(),
        [
            "WARN cannot refresh the snapshot organization=acme kind=unavailable failures=1 \
          serves_stale=true error=organization `acme`: down"
        ]
    );
}

#[tokio::test]
async fn a_fallback_logs_when_it_begins_and_ends() {
    listen();
    let first = MemorySource::new(snapshot(&["a"]));
    let second = MemorySource::new(snapshot(&["b"]));
    let source = first.clone().or_else(second.clone());
    source.scrape().await.unwrap();
    first.set(Err(down()));
    for _ in 0..10 {
        source.scrape().await.unwrap();
    }
    second.set(Err(down()));
    source.scrape().await.unwrap_err();
    first.set(Ok(snapshot(&["a"])));
    for _ in 0..10 {
        source.scrape().await.unwrap();
    }
    assert_eq!(
        logged(),
        [
            "WARN Memory(acme) fails, asking Memory(acme) organization=acme kind=unavailable \
             error=organization `acme`: down",
            "WARN Memory(acme) fails too organization=acme kind=unavailable \
             error=organization `acme`: down",
            "INFO Memory(acme) answers again organization=acme",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn every_scrape_of_a_cache_or_poller_is_a_span_with_its_outcome() {
    listen();
    let memory = MemorySource::new(snapshot(&["a", "b"]));
    memory.clone().cached(HOUR).scrape().await.unwrap();
    memory.set(Err(down()));
    Poller::builder(memory).spawn().scrape().await.unwrap_err();
    assert_eq!(
        logged_at_any_level(),
        [
            "SPAN scrape organization=acme",
            "DEBUG scraped Memory(acme) duration=0ns streams=2 anomalies=0",
            "SPAN scrape organization=acme",
            "DEBUG cannot scrape Memory(acme) duration=0ns kind=unavailable \
             error=organization `acme`: down",
            "WARN cannot refresh the snapshot organization=acme kind=unavailable failures=1 \
             serves_stale=false error=organization `acme`: down",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_an_observer_or_a_predicate_is_logged_without_its_message() {
    listen();
    let source = MemorySource::failing(Organization::new("acme").unwrap(), down())
        .observed(|_| panic!("dckr_pat_0123456789"))
        .cached(HOUR)
        .with_fallback_if(|_| panic!("dckr_pat_0123456789"));
    source.scrape().await.unwrap_err();
    assert_eq!(
        logged(),
        [
            "ERROR the observer panicked, which is a bug in it organization=acme",
            "ERROR the predicate panicked, which is a bug in it organization=acme",
            "WARN cannot refresh the snapshot organization=acme kind=unavailable failures=1 \
             serves_stale=false error=organization `acme`: down",
        ]
    );
}

/// An error contains the beginning of the answer's body, in which a server may echo the request.
#[tokio::test(start_paused = true)]
async fn no_body_of_an_answer_is_logged() {
    const SECRET: &str = "dckr_pat_0123456789";
    listen();
    let error = down().with_body(SECRET);
    let failing = || MemorySource::failing(Organization::new("acme").unwrap(), error.clone());
    let poller = Poller::builder(failing()).spawn();
    let source = failing()
        .observed(|_| {})
        .timeout(HOUR)
        .cached(HOUR)
        .or_else(poller);
    source.scrape().await.unwrap_err();
    let set = SourceSet::new().with_source(source).unwrap();
    assert!(!set.scrape_all().await.is_complete());

    let lines = logged_at_any_level();
    assert!(lines.iter().any(|line| line.contains("fails too")));
    assert!(
        lines.iter().all(|line| !line.contains(SECRET)),
        "{lines:#?}"
    );
}

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Makes this process log, each test into lines of its own thread.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Lines).unwrap());
}

/// Returns one line per event of this thread from INFO up: the level, the message and the fields.
fn logged() -> Vec<String> {
    let mut lines = logged_at_any_level();
    lines.retain(|line| !line.starts_with("DEBUG") && !line.starts_with("SPAN"));
    lines
}

fn logged_at_any_level() -> Vec<String> {
    LINES.take()
}

fn log(line: String) {
    LINES.with_borrow_mut(|lines| lines.push(line));
}

struct Lines;

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("scout_metrics")
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut line = Line(format!("SPAN {}", span.metadata().name()));
        span.record(&mut line);
        log(line.0);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        log(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &match field.name() {
            "message" => format!(" {value:?}"),
            name => format!(" {name}={value:?}"),
        };
    }

    fn record_error(&mut self, field: &Field, value: &(dyn StdError + 'static)) {
        self.0 += &format!(" {}={value}", field.name());
    }
}
