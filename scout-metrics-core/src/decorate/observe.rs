//! A report of every scrape, for counters and histograms.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::Instant;

use crate::{Error, MetricsSource, Organization, Result, Snapshot, predicate::call};

/// A source that reports every scrape of another one: how long it took and how it ended.
///
/// # Behaviour
///
/// The observer is called on the task of the scrape, so it should do little more than count. A panic in it is logged
/// as an error and has no effect on the scrape.
///
/// # Concurrency
///
/// The observer is called once per scrape, from several threads at once if scrapes run on them. A clone shares it.
///
/// # Cancellation
///
/// A scrape that is dropped, or that panics, is reported as [cancelled](Observation::outcome).
///
/// # Order
///
/// Inside a [cache](crate::Cached) or a [poller](crate::Poller) it sees the requests to the source, outside it sees the
/// scrapes of the callers. The difference between the two was answered from memory.
///
/// # Example
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use scout_metrics_core::{MemorySource, MetricsSource, MetricsSourceExt, Organization, Snapshot};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), scout_metrics_core::Error> {
/// let outcomes = Arc::new(Mutex::new(Vec::new()));
/// let seen = Arc::clone(&outcomes);
/// let memory = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
/// let source = memory.observed(move |scrape| seen.lock().unwrap().push(scrape.outcome()));
///
/// source.scrape().await?;
/// assert_eq!(*outcomes.lock().unwrap(), ["success"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Observed<S> {
    source: S,
    observer: Arc<dyn Fn(Observation) + Send + Sync>,
}

impl<S: MetricsSource> Observed<S> {
    /// Wraps a source whose scrapes are reported to an observer.
    pub fn new(source: S, observer: impl Fn(Observation) + Send + Sync + 'static) -> Self {
        Self {
            source,
            observer: Arc::new(observer),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: MetricsSource> MetricsSource for Observed<S> {
    fn organization(&self) -> &Organization {
        self.source.organization()
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let mut report = Report {
            observer: &*self.observer,
            organization: self.organization().clone(),
            start: Instant::now(),
            result: None,
        };
        let result = self.source.scrape().await;
        report.result = Some(result.clone());
        result
    }
}

impl<S: fmt::Debug> fmt::Debug for Observed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl<S: fmt::Display> fmt::Display for Observed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Observed({})", self.source)
    }
}

/// One scrape of an [`Observed`] source.
#[derive(Clone, Debug)]
pub struct Observation {
    organization: Organization,
    duration: Duration,
    result: Option<Result<Snapshot>>,
}

impl Observation {
    /// Returns the organization of the source.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Returns how long the scrape took, from its first poll.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Returns the outcome as a word for a label: `success`, `cancelled`, or the [kind](crate::ErrorKind::as_str) of
    /// the error.
    pub fn outcome(&self) -> &'static str {
        match &self.result {
            Some(Ok(_)) => "success",
            Some(Err(error)) => error.kind().as_str(),
            None => "cancelled",
        }
    }

    /// Returns the snapshot, if the scrape succeeded.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.result.as_ref()?.as_ref().ok()
    }

    /// Returns the error, if the scrape failed.
    pub fn error(&self) -> Option<&Error> {
        self.result.as_ref()?.as_ref().err()
    }
}

/// Reports when it is dropped, so that a scrape that never ends is reported too.
struct Report<'a> {
    observer: &'a (dyn Fn(Observation) + Send + Sync),
    organization: Organization,
    start: Instant,
    result: Option<Result<Snapshot>>,
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        let observation = Observation {
            organization: self.organization.clone(),
            duration: self.start.elapsed(),
            result: self.result.take(),
        };
        // A panic must not leave a destructor: that aborts the process if the scrape panicked before.
        call(&self.organization, "observer", || {
            (self.observer)(observation)
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::timeout;

    use super::*;
    use crate::{
        MetricsSourceExt,
        testing::{Scripted, down, seconds, snapshot},
    };

    type Seen = Arc<Mutex<Vec<Observation>>>;

    fn observed<S: MetricsSource>(source: S) -> (Observed<S>, Seen) {
        let seen = Seen::default();
        let observer = Arc::clone(&seen);
        let source = source.observed(move |scrape| observer.lock().unwrap().push(scrape));
        (source, seen)
    }

    fn outcomes(seen: &Seen) -> Vec<&'static str> {
        seen.lock()
            .unwrap()
            .iter()
            .map(Observation::outcome)
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn reports_duration_and_outcome() {
        let (source, seen) = observed(Scripted::new(seconds(2), |call| match call {
            1 => Ok(snapshot("1")),
            _ => Err(down()),
        }));
        source.scrape().await.unwrap();
        source.scrape().await.unwrap_err();
        assert!(timeout(seconds(1), source.scrape()).await.is_err());

        assert_eq!(outcomes(&seen), ["success", "unavailable", "cancelled"]);
        let seen = seen.lock().unwrap();
        let durations: Vec<Duration> = seen.iter().map(Observation::duration).collect();
        assert_eq!(durations, [seconds(2), seconds(2), seconds(1)]);
        assert_eq!(seen[0].organization().as_str(), "acme");
        assert_eq!(
            seen[0].snapshot(),
            Some(&snapshot("1").with_scraped_at(seen[0].snapshot().unwrap().scraped_at()))
        );
        assert_eq!(
            seen[1].error().unwrap().to_string(),
            "organization `acme`: down"
        );
        assert!(seen[2].snapshot().is_none() && seen[2].error().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_reported_as_cancelled() {
        let (source, seen) = observed(Scripted::new(seconds(1), |_| panic!("by design")));
        let scrape = tokio::spawn(async move { source.scrape().await });
        assert!(scrape.await.unwrap_err().is_panic());
        assert_eq!(outcomes(&seen), ["cancelled"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_observer_that_panics_has_no_effect_on_the_scrape() {
        let panics = |_| panic!("by design");
        let source = Scripted::counting(seconds(1)).observed(panics);
        assert!(source.scrape().await.is_ok());
        assert!(timeout(Duration::ZERO, source.scrape()).await.is_err());

        let source = Scripted::new(seconds(1), |_| panic!("first")).observed(panics);
        let scrape = tokio::spawn(async move { source.scrape().await });
        let panic = scrape.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref(), Some(&"first"));
    }

    #[tokio::test(start_paused = true)]
    async fn inside_a_cache_it_sees_requests_and_outside_callers() {
        let (inside, requests) = observed(Scripted::counting(seconds(1)));
        let (outside, callers) = observed(inside.cached(seconds(3600)));
        for _ in 0..5 {
            outside.scrape().await.unwrap();
        }
        assert_eq!(outcomes(&requests).len(), 1);
        assert_eq!(outcomes(&callers).len(), 5);
    }
}
