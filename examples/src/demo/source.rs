//! Invented metrics that move.

use std::{fmt, time::SystemTime};

use async_trait::async_trait;
use tokio::time::Instant;

use scout_metrics_core::{MetricsSource, Organization, Result, Snapshot};

use super::Demo;

/// A source of the metrics of a [`Demo`] from its `now` on.
#[derive(Clone, Debug)]
pub struct DemoSource {
    demo: Demo,
    organization: Organization,
    started: Instant,
}

impl DemoSource {
    /// Creates a source of invented metrics that start now.
    pub fn new(organization: Organization) -> Self {
        Self::starting(Demo::new(Demo::SEED, SystemTime::now()), organization)
    }

    pub(super) fn starting(demo: Demo, organization: Organization) -> Self {
        Self {
            demo,
            organization,
            started: Instant::now(),
        }
    }
}

#[async_trait]
impl MetricsSource for DemoSource {
    fn organization(&self) -> &Organization {
        &self.organization
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let time = self.demo.now() + self.started.elapsed();
        self.demo.snapshot_at(&self.organization, time)
    }
}

impl fmt::Display for DemoSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Demo({})", self.organization)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_metrics_stay_within_a_step_and_move_with_the_next() {
        let source = DemoSource::new(Organization::new("acme-labs").unwrap());
        let first = source.scrape().await.unwrap();
        assert_eq!(first.organization().as_str(), "acme-labs");
        advance(Duration::from_secs(14)).await;
        assert_eq!(source.scrape().await.unwrap().streams(), first.streams());
        advance(Duration::from_secs(46)).await;
        let later = source.scrape().await.unwrap();
        assert_ne!(later.streams(), first.streams());
        let passed = later.scraped_at().duration_since(first.scraped_at());
        assert_eq!(passed.unwrap(), Duration::from_secs(60));
    }
}
