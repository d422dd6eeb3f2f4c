//! Metrics that move over time, to see a graph without an account.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;

use scout_metrics_core::{
    MetricsSource, Organization, PolicyResult, Result, Snapshot, Stream, VulnerabilityCounts,
};

use crate::sample;

/// How long the metrics stay the same: a common scrape interval of Prometheus.
const STEP_SECONDS: u64 = 15;

/// A source of invented metrics, made from the [sample] and the time of the day.
///
/// All sources of one organization return the same metrics at the same time.
#[derive(Clone, Debug)]
pub struct DemoSource {
    organization: Organization,
}

impl DemoSource {
    /// Creates a source of invented metrics for an organization.
    pub fn new(organization: Organization) -> Self {
        Self { organization }
    }
}

#[async_trait]
impl MetricsSource for DemoSource {
    fn organization(&self) -> &Organization {
        &self.organization
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        snapshot_at(&self.organization, now.as_secs() / STEP_SECONDS)
    }
}

impl fmt::Display for DemoSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Demo({})", self.organization)
    }
}

/// Returns the metrics at one step of time.
fn snapshot_at(organization: &Organization, step: u64) -> Result<Snapshot> {
    let sample = sample::snapshot()?;
    let streams = sample
        .streams()
        .iter()
        .zip(3..)
        .map(|(stream, period)| moved(stream, step, period))
        .collect::<Result<Vec<_>>>()?;
    Snapshot::new(organization.clone(), streams)
}

fn moved(stream: &Stream, step: u64, period: u64) -> Result<Stream> {
    let counts = stream.vulnerabilities().iter().zip(1..).try_fold(
        VulnerabilityCounts::default(),
        |counts, ((severity, count), nth)| {
            counts.with(severity, count + wave(step, period * nth, 3 + count / 8))
        },
    )?;
    let moved = Stream::new(stream.name().clone()).with_vulnerabilities(counts);
    let mut results = stream.policies().iter().zip(2..);
    results.try_fold(moved, |stream, (result, nth)| {
        let violating = wave(step, period * nth, 4).min(result.compliant());
        let result = PolicyResult::new(
            result.policy().clone(),
            result.compliant() - violating,
            result.evaluated(),
        )?;
        Ok(stream.with_policy(result))
    })
}

/// Rises from zero to a height and falls again within two periods, without a jump.
fn wave(step: u64, period: u64, height: u64) -> u64 {
    let phase = step % (2 * period);
    let distance = phase.min(2 * period - phase);
    height * distance / period
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: u64) -> Snapshot {
        snapshot_at(&Organization::new("acme-labs").unwrap(), step).unwrap()
    }

    #[test]
    fn the_metrics_stay_within_a_step_and_move_with_the_next() {
        assert_eq!(at(7).streams(), at(7).streams());
        assert_ne!(at(7).streams(), at(8).streams());
        assert_eq!(at(7).organization().as_str(), "acme-labs");
    }

    #[test]
    fn at_no_time_do_more_images_comply_than_were_evaluated() {
        for step in 0..1000 {
            let snapshot = at(step);
            let mut results = snapshot.streams().iter().flat_map(Stream::policies);
            assert!(results.all(|result| result.compliant() <= result.evaluated()));
        }
    }

    #[test]
    fn production_has_critical_vulnerabilities_only_some_of_the_time() {
        let critical = |step| {
            let snapshot = at(step);
            let production = snapshot.stream("production").unwrap();
            production.vulnerabilities().iter().next().unwrap().1
        };
        assert!((0..100).any(|step| critical(step) > 0));
        assert!((0..100).any(|step| critical(step) == 0));
    }

    #[test]
    fn a_wave_goes_up_and_down_without_a_jump() {
        let waves: Vec<u64> = (0..10).map(|step| wave(step, 4, 4)).collect();
        assert_eq!(waves, [0, 1, 2, 3, 4, 3, 2, 1, 0, 1]);
    }
}
