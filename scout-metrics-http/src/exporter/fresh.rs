//! A bound on the age of what is served.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use scout_metrics_core::{Error, ErrorKind, MetricsSource, Organization, Result, Snapshot};

/// When to come back: a snapshot that is too old may be followed by a new one at any time, so after a usual interval
/// between two scrapes.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// A source that refuses a snapshot that is older than a bound, by the time at which it was scraped.
#[derive(Debug)]
pub(super) struct Fresh {
    source: Arc<dyn MetricsSource>,
    max_age: Duration,
}

impl Fresh {
    pub(super) fn new(source: Arc<dyn MetricsSource>, max_age: Duration) -> Self {
        Self { source, max_age }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MetricsSource for Fresh {
    fn organization(&self) -> &Organization {
        self.source.organization()
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let snapshot = self.source.scrape().await?;
        let age = age(&snapshot);
        if age <= self.max_age {
            return Ok(snapshot);
        }
        let message = format!(
            "the last snapshot is {} old and served for {}",
            Rounded(age),
            Rounded(self.max_age)
        );
        Err(Error::new(ErrorKind::Unavailable, message)
            .with_organization(self.organization())
            .with_retry_after(RETRY_AFTER))
    }
}

impl fmt::Display for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fresh({:?}, {})", self.max_age, self.source)
    }
}

/// Returns how long ago the snapshot was scraped; zero if the clock was set back since.
pub(super) fn age(snapshot: &Snapshot) -> Duration {
    let age = SystemTime::now().duration_since(snapshot.scraped_at());
    age.unwrap_or_default()
}

/// A duration for people: `45s`, `12m`, `25h`, `3d`, rounded down.
pub(super) struct Rounded(pub(super) Duration);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds @ 0..120 => write!(f, "{seconds}s"),
            seconds @ 120..7200 => write!(f, "{}m", seconds / 60),
            seconds @ 7200..172_800 => write!(f, "{}h", seconds / 3600),
            seconds => write!(f, "{}d", seconds / 86_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scout_metrics_core::MemorySource;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_snapshot_that_is_too_old_is_refused_with_the_reason() {
        let snapshot = Snapshot::new(Organization::new("acme").unwrap(), []).unwrap();
        let memory = MemorySource::new(snapshot.clone());
        let source = Fresh::new(Arc::new(memory.clone()), 25 * HOUR);
        source.scrape().await.unwrap();

        memory.set(Ok(snapshot
            .clone()
            .with_scraped_at(SystemTime::now() - 26 * HOUR)));
        let error = source.scrape().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(
            error.to_string(),
            "organization `acme`: the last snapshot is 26h old and served for 25h"
        );

        memory.set(Ok(snapshot.with_scraped_at(SystemTime::now() + HOUR)));
        source.scrape().await.unwrap();
        assert_eq!(source.to_string(), "Fresh(90000s, Memory(acme))");
    }

    #[test]
    fn durations_are_shown_in_the_unit_that_suits_them() {
        for (seconds, shown) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (7199, "119m"),
            (90_000, "25h"),
            (172_800, "2d"),
        ] {
            assert_eq!(Rounded(Duration::from_secs(seconds)).to_string(), shown);
        }
    }
}
