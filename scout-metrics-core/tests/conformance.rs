//! The sources of this crate pass the conformance suite, and sources that break the contract do not.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that a helper belongs to a test"
)]

use std::{
    fmt,
    future::{Future, pending},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use scout_metrics_core::{
    Cached, Error, ErrorKind, MemorySource, MetricsSource, MetricsSourceExt, Organization, Poller,
    PollerSet, Result, Snapshot, Stream, conformance,
};
use tokio::{task::yield_now, time::sleep};

const SECRET: &str = "dckr_pat_0123456789";

fn organization(name: &str) -> Organization {
    Organization::new(name).unwrap()
}

fn snapshot(streams: &[&str]) -> Snapshot {
    let streams = streams.iter().map(|&name| Stream::new(name));
    Snapshot::new(organization("acme"), streams).unwrap()
}

fn memory() -> MemorySource {
    MemorySource::new(snapshot(&["production", "latest-indexed"]))
}

fn failing(kind: ErrorKind) -> MemorySource {
    let acme = organization("acme");
    let error = Error::new(kind, "down").with_organization(&acme);
    MemorySource::failing(acme, error)
}

fn broken() -> MemorySource {
    let other = organization("other");
    let error = Error::new(ErrorKind::NotFound, "gone").with_organization(&other);
    MemorySource::failing(other, error)
}

/// Checks a source and every pointer to it that is a source.
async fn check_all_forms<S: MetricsSource + Clone>(source: S) {
    conformance::check(&source).await;
    conformance::check(&Arc::new(source.clone())).await;
    conformance::check(&(Arc::new(source.clone()) as Arc<dyn MetricsSource>)).await;
    conformance::check(&(Box::new(source) as Box<dyn MetricsSource>)).await;
}

#[tokio::test]
async fn memory_conforms() {
    check_all_forms(memory()).await;
    check_all_forms(memory().with_delay(Duration::from_millis(1))).await;
    conformance::check_failing(&failing(ErrorKind::Forbidden), ErrorKind::Forbidden).await;
}

#[tokio::test]
async fn cached_conforms() {
    for time_to_live in [Duration::ZERO, Duration::from_secs(3600), Duration::MAX] {
        check_all_forms(memory().cached(time_to_live)).await;
        let source = failing(ErrorKind::Timeout).cached(time_to_live);
        conformance::check_failing(&source, ErrorKind::Timeout).await;
    }
    conformance::check_wrapper(&Cached::new(memory()), &memory());
}

#[tokio::test]
async fn timeout_conforms() {
    let hour = Duration::from_secs(3600);
    check_all_forms(memory().timeout(hour)).await;
    conformance::check_wrapper(&memory().timeout(hour), &memory());
    let source = failing(ErrorKind::Config).timeout(hour);
    conformance::check_failing(&source, ErrorKind::Config).await;
    let source = Liar::new(Lie::Endless).timeout(Duration::ZERO);
    conformance::check_failing(&source, ErrorKind::Timeout).await;
}

#[tokio::test]
async fn fallback_conforms() {
    let down = || failing(ErrorKind::Unavailable);
    check_all_forms(memory().or_else(down())).await;
    check_all_forms(down().or_else(memory())).await;
    let source = failing(ErrorKind::Forbidden).or_else(memory());
    conformance::check_failing(&source, ErrorKind::Forbidden).await;
    let source = failing(ErrorKind::Timeout).or_else(down());
    conformance::check_failing(&source, ErrorKind::Timeout).await;
    conformance::check_wrapper(&source, &failing(ErrorKind::Timeout));
    conformance::check_wrapper(&source, &down());
}

#[tokio::test]
async fn observed_conforms() {
    let source = memory().observed(|_| {});
    conformance::check_wrapper(&source, &memory());
    check_all_forms(source).await;
    let source = failing(ErrorKind::Status).observed(|_| {});
    conformance::check_failing(&source, ErrorKind::Status).await;
}

#[tokio::test]
async fn poller_conforms() {
    let poller = Poller::builder(memory()).spawn();
    conformance::check_wrapper(&poller, &memory());
    check_all_forms(poller).await;
    let poller = Poller::builder(failing(ErrorKind::Limit)).spawn();
    conformance::check_failing(&poller, ErrorKind::Limit).await;
}

#[tokio::test(start_paused = true)]
async fn members_of_a_poller_set_conform() {
    let builder = PollerSet::builder().with_source(memory()).unwrap();
    let builder = builder.with_source(broken()).unwrap();
    let pollers = builder.spawn();
    let acme = pollers.get("acme").unwrap();
    conformance::check_wrapper(acme, &memory());
    check_all_forms(acme.clone()).await;
    let other = pollers.get("other").unwrap();
    conformance::check_failing(other, ErrorKind::NotFound).await;
}

/// Each way to break the contract, with the message of the suite.
#[tokio::test(start_paused = true)]
async fn sources_that_break_the_contract_fail() {
    use Lie::*;
    let cases = [
        (EmptyDisplay, "Liar(EmptyDisplay): the Display is empty"),
        (
            LongDisplay,
            r#""two\nlines": the Display contains a control character"#,
        ),
        (
            OtherOrganization,
            "Liar(OtherOrganization): expected a snapshot of organization `acme`, found one of `other`",
        ),
        (
            ChangesOrganization,
            "Liar(ChangesOrganization): the organization changed from `acme` to `other` during a scrape",
        ),
        (
            Fickle,
            "Liar(Fickle): two consecutive scrapes differ: 1 streams, then 2",
        ),
        (
            Overloaded,
            "Liar(Overloaded): a scrape failed: too many scrapes",
        ),
        (
            PartialWhenBusy,
            "Liar(PartialWhenBusy): a single scrape and a concurrent one differ: 1 streams, then 0",
        ),
        (
            BrokenByDrop,
            "Liar(BrokenByDrop): a scrape failed: the last scrape was dropped",
        ),
        (
            BrokenByLateDrop,
            "Liar(BrokenByLateDrop): a scrape failed: the last scrape was dropped",
        ),
        (Endless, "Liar(Endless): a scrape did not end within 60s"),
        (
            Failing,
            "Liar(Failing): a scrape failed: cannot connect: refused",
        ),
    ];
    for (lie, message) in cases {
        let check = async move { conformance::check(&Liar::new(lie)).await };
        assert_eq!(panic_message(check).await, message);
    }
}

#[tokio::test(start_paused = true)]
async fn errors_that_break_the_contract_fail() {
    use Lie::*;
    let cases = [
        (
            Honest,
            "Liar(Honest): expected a scrape to fail, but it succeeded",
        ),
        (
            WrongKind,
            "Liar(WrongKind): expected an error of kind transport, found not_found: lost",
        ),
        (
            Failing,
            "Liar(Failing): an error has no organization: cannot connect",
        ),
        (
            FailsForAnother,
            "Liar(FailsForAnother): expected an error of organization `acme`, found one of `other`",
        ),
        (Speechless, "Liar(Speechless): an error has no message"),
        (
            Talkative,
            "Liar(Talkative): the text of an error and its causes has 20033 bytes, more than 20000",
        ),
        (
            OtherKindWhenBusy,
            "Liar(OtherKindWhenBusy): expected an error of kind transport, found other: \
             organization `acme`: too many scrapes",
        ),
    ];
    for (lie, message) in cases {
        let check = async move {
            conformance::check_failing(&Liar::new(lie), ErrorKind::Transport).await;
        };
        assert_eq!(panic_message(check).await, message);
    }
}

#[tokio::test]
async fn wrappers_that_hide_the_inner_source_fail() {
    let other = broken();
    let check = async move { conformance::check_wrapper(&memory().cached(Duration::MAX), &other) };
    assert!(
        panic_message(check)
            .await
            .ends_with("has organization `acme` but wraps a source of `other`")
    );
    let check = async { conformance::check_wrapper(&memory(), &Cached::new(memory())) };
    assert_eq!(
        panic_message(check).await,
        "Memory(acme): the Display does not contain that of the inner source, `Cached(3600s, Memory(acme))`"
    );
}

#[tokio::test]
async fn secrets_in_any_text_fail() {
    conformance::check_secret(&failing(ErrorKind::Unauthorized), SECRET).await;
    conformance::check_secret(&memory(), SECRET).await;
    for (lie, place) in [
        (Lie::SecretInDisplay, "Display of the source"),
        (Lie::SecretInDebug, "Debug of the source"),
        (Lie::SecretInCause, "Display of an error or its causes"),
        (Lie::SecretInBody, "Debug of an error"),
    ] {
        let check = async move { conformance::check_secret(&Liar::new(lie), SECRET).await };
        assert_eq!(
            panic_message(check).await,
            format!("the secret is in the {place}")
        );
    }
}

/// Runs a check that must panic and returns the message.
async fn panic_message(check: impl Future<Output = ()> + Send + 'static) -> String {
    let panic = tokio::spawn(check).await.unwrap_err().into_panic();
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast::<&str>().unwrap().to_string(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    BrokenByDrop,
    BrokenByLateDrop,
    ChangesOrganization,
    EmptyDisplay,
    Endless,
    Failing,
    FailsForAnother,
    Fickle,
    Honest,
    LongDisplay,
    OtherKindWhenBusy,
    OtherOrganization,
    Overloaded,
    PartialWhenBusy,
    SecretInBody,
    SecretInCause,
    SecretInDebug,
    SecretInDisplay,
    Speechless,
    Talkative,
    WrongKind,
}

/// A source that breaks the contract in one way.
struct Liar {
    lie: Lie,
    acme: Organization,
    other: Organization,
    scrapes: AtomicUsize,
    running: AtomicUsize,
    is_broken: AtomicBool,
}

impl Liar {
    fn new(lie: Lie) -> Self {
        Self {
            lie,
            acme: organization("acme"),
            other: organization("other"),
            scrapes: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            is_broken: AtomicBool::new(false),
        }
    }

    fn answer(&self, scrapes: usize, is_busy: bool) -> Result<Snapshot> {
        let error = |kind, message: &str| Error::new(kind, message).with_organization(&self.acme);
        let transport = |message: &str| error(ErrorKind::Transport, message);
        match self.lie {
            Lie::Failing => {
                Err(Error::new(ErrorKind::Transport, "cannot connect").with_source("refused"))
            }
            Lie::FailsForAnother => Err(transport("lost").with_organization(&self.other)),
            Lie::Fickle => Ok(snapshot(&["a", "b"][..2 - scrapes % 2])),
            Lie::OtherKindWhenBusy if is_busy => Err(error(ErrorKind::Other, "too many scrapes")),
            Lie::OtherKindWhenBusy => Err(transport("lost")),
            Lie::OtherOrganization => Snapshot::new(self.other.clone(), []),
            Lie::Overloaded if is_busy => Err(Error::new(ErrorKind::Other, "too many scrapes")),
            Lie::PartialWhenBusy if is_busy => Ok(snapshot(&[])),
            Lie::SecretInBody => Err(transport("lost").with_body(SECRET)),
            Lie::SecretInCause => Err(transport("lost").with_source(SECRET)),
            Lie::Speechless => Err(transport(" ")),
            Lie::Talkative => Err(transport("lost").with_source("x".repeat(20_006))),
            Lie::WrongKind => Err(Error::new(ErrorKind::NotFound, "lost")),
            _ => Ok(snapshot(&["a"])),
        }
    }
}

impl fmt::Debug for Liar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lie {
            Lie::SecretInDebug => f.write_str(SECRET),
            lie => write!(f, "Liar({lie:?})"),
        }
    }
}

impl fmt::Display for Liar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lie {
            Lie::EmptyDisplay => Ok(()),
            Lie::LongDisplay => f.write_str("two\nlines"),
            Lie::SecretInDisplay => f.write_str(SECRET),
            lie => write!(f, "Liar({lie:?})"),
        }
    }
}

#[async_trait]
impl MetricsSource for Liar {
    fn organization(&self) -> &Organization {
        let is_second = self.scrapes.load(SeqCst) > 0;
        if self.lie == Lie::ChangesOrganization && is_second {
            return &self.other;
        }
        &self.acme
    }

    async fn scrape(&self) -> Result<Snapshot> {
        if self.is_broken.load(SeqCst) {
            return Err(Error::new(ErrorKind::Other, "the last scrape was dropped"));
        }
        let is_busy = self.running.fetch_add(1, SeqCst) > 0;
        if self.lie == Lie::Endless {
            pending::<()>().await;
        }
        self.is_broken.store(self.lie == Lie::BrokenByDrop, SeqCst);
        yield_now().await;
        self.is_broken
            .store(self.lie == Lie::BrokenByLateDrop, SeqCst);
        sleep(Duration::from_millis(1)).await;
        self.is_broken.store(false, SeqCst);
        self.running.fetch_sub(1, SeqCst);
        let scrapes = self.scrapes.fetch_add(1, SeqCst);
        self.answer(scrapes, is_busy)
    }
}
