//! Organizations that do not exist, with a history that tells a story, for programs that run without an account.

mod keyframes;
mod live;
mod moment;
mod source;
mod story;

use std::time::{Duration, SystemTime};

use scout_metrics_core::{MemoryHistory, Organization, RecordHistory, Result, Snapshot};

use self::{
    moment::Moment,
    story::{HISTORY_HOURS, STORIES},
};

pub use self::source::DemoSource;

const HOUR: Duration = Duration::from_secs(3600);

/// The last part of the history has a snapshot for each hour, as Docker Scout computes them, and the rest one for every
/// six hours, so that it is made and recorded quickly.
const HOURLY_HOURS: u32 = 8 * 24;

/// Invented metrics of several organizations, at any time in the 90 days before `now` and after it.
///
/// The same seed and time always give the same metrics. From `now` on the counts go up and
/// down around those of `now`. What `acme` has at `now` is the [sample](crate::sample).
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use scout_metrics_core::{Organization, Severity};
/// use scout_metrics_examples::demo::Demo;
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
/// let demo = Demo::new(1, now);
/// let acme = Organization::new("acme")?;
/// let critical = |days: u64| {
///     let snapshot = demo.snapshot_at(&acme, now - Duration::from_secs(days * 86400))?;
///     let production = snapshot.stream("production").expect("it exists all the time");
///     Ok::<_, scout_metrics_core::Error>(production.vulnerabilities()[Severity::Critical])
/// };
/// assert_eq!(critical(20)?, 0);
/// assert_eq!(critical(10)?, 4, "a release has made it worse");
/// assert_eq!(critical(0)?, 0, "it has been fixed");
/// # Ok::<(), scout_metrics_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Demo {
    seed: u64,
    now: SystemTime,
}

impl Demo {
    /// The seed that the programs use.
    pub const SEED: u64 = 15;

    /// Creates metrics whose history ends at `now`.
    pub fn new(seed: u64, now: SystemTime) -> Self {
        Self { seed, now }
    }

    /// Returns the time at which the history ends.
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// Returns the organizations: one with a release and its fix, a clean one, a large one, one that cleans up, and one
    /// that does not answer.
    ///
    /// # Panics
    ///
    /// Never: a test makes them all.
    pub fn organizations(&self) -> Vec<Organization> {
        let names = STORIES.iter().map(|story| story.organization);
        names
            .map(|name| Organization::new(name).expect("the names are valid"))
            .collect()
    }

    /// Returns the metrics of an organization at a time. An organization without a story has that of `acme`.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](scout_metrics_core::ErrorKind::Unavailable) before the history, in its gap, and while the organization does not answer.
    pub fn snapshot_at(&self, organization: &Organization, time: SystemTime) -> Result<Snapshot> {
        let moment = Moment::new(self.seed, story::of(organization), self.now, time);
        let answered = moment.check_answers();
        answered.map_err(|error| error.with_organization(organization))?;
        let snapshot = Snapshot::new(organization.clone(), moment.streams()?)?;
        let snapshot = snapshot.with_anomalies(moment.anomalies());
        Ok(snapshot.with_scraped_at(time))
    }

    /// Returns the snapshots of the 90 days up to `now` in the order of time: one for each hour of the last eight days,
    /// and one for every six hours before.
    pub fn snapshots(&self, organization: &Organization) -> impl Iterator<Item = Snapshot> {
        let older = (HOURLY_HOURS + 1..=HISTORY_HOURS).filter(|hours| hours % 6 == 0);
        let ago = older.rev().chain((0..=HOURLY_HOURS).rev());
        ago.filter_map(move |hours| self.snapshot_at(organization, self.now - HOUR * hours).ok())
    }

    /// Records the [snapshots](Self::snapshots) of all organizations.
    ///
    /// # Errors
    ///
    /// Returns the errors of the history.
    pub async fn record(&self, history: &impl RecordHistory) -> Result<()> {
        for organization in self.organizations() {
            self.record_of(&organization, history).await?;
        }
        Ok(())
    }

    /// Records the [snapshots](Self::snapshots) of an organization.
    ///
    /// # Errors
    ///
    /// Returns the errors of the history.
    pub async fn record_of(
        &self,
        organization: &Organization,
        history: &impl RecordHistory,
    ) -> Result<()> {
        for snapshot in self.snapshots(organization) {
            history.record(&snapshot).await?;
        }
        Ok(())
    }

    /// Returns a history in memory with the [snapshots](Self::snapshots) of all organizations.
    ///
    /// # Errors
    ///
    /// None: memory accepts every snapshot.
    pub async fn history(&self) -> Result<MemoryHistory> {
        let history = MemoryHistory::new();
        self.record(&history).await?;
        Ok(history)
    }

    /// Returns a source of the metrics from `now` on.
    ///
    /// Its time starts at `now` when it is created, and follows the clock of tokio.
    pub fn source(&self, organization: &Organization) -> DemoSource {
        DemoSource::starting(*self, organization.clone())
    }

    /// Returns a source of each organization.
    pub fn sources(&self) -> Vec<DemoSource> {
        let organizations = self.organizations();
        organizations.iter().map(|org| self.source(org)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use scout_metrics_core::{ErrorKind, History, HistoryExt, Severity, Stream};

    use super::*;
    use crate::sample;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;
    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn demo() -> Demo {
        Demo::new(1, NOW + DAY * 20_000)
    }

    fn org(name: &str) -> Organization {
        Organization::new(name).unwrap()
    }

    fn ago(name: &str, time: Duration) -> Result<Snapshot> {
        demo().snapshot_at(&org(name), demo().now() - time)
    }

    #[test]
    fn every_stream_has_a_result_of_every_policy_and_keyframes_in_the_order_of_time() {
        for story in STORIES {
            for stream in story.streams {
                let name = stream.name;
                assert_eq!(stream.policies.len(), story.policies.len(), "{name}");
                assert!(stream.counts.is_sorted_by(|a, b| a.0 >= b.0), "{name}");
                let results = stream.policies.iter();
                assert!(results.clone().all(|frames| !frames.is_empty()), "{name}");
                let mut results = results.copied();
                assert!(results.all(|frames| frames.is_sorted_by(|a, b| a.0 >= b.0)));
            }
        }
    }

    #[test]
    fn the_same_seed_and_time_give_the_same_metrics_and_another_seed_gives_others() {
        let all = |seed| {
            let demo = Demo::new(seed, demo().now());
            demo.snapshots(&org("megacorp")).collect::<Vec<_>>()
        };
        assert_eq!(all(1), all(1));
        assert_ne!(all(1), all(2));
    }

    #[test]
    fn at_no_time_do_more_images_comply_than_were_evaluated() {
        for organization in demo().organizations() {
            let later = (0..500).map(|step| demo().now() + Duration::from_secs(15) * step);
            let later = later.filter_map(|time| demo().snapshot_at(&organization, time).ok());
            for snapshot in demo().snapshots(&organization).chain(later) {
                let mut results = snapshot.streams().iter().flat_map(Stream::policies);
                assert!(results.all(|result| result.compliant() <= result.evaluated()));
            }
        }
    }

    #[test]
    fn the_history_of_acme_ends_with_the_sample() {
        let sample = sample::snapshot().unwrap();
        assert_eq!(
            ago("acme", Duration::ZERO).unwrap().streams(),
            sample.streams()
        );
    }

    #[test]
    fn a_policy_begins_to_fail() {
        let result = |time| {
            let snapshot = ago("acme", time).unwrap();
            let staging = snapshot.stream("staging").unwrap();
            staging
                .policy("supply-chain-attestations")
                .unwrap()
                .is_compliant()
        };
        assert_eq!([result(DAY * 4), result(DAY * 3)], [true, false]);
    }

    #[test]
    fn streams_appear_and_vanish() {
        let has = |name, stream, days| ago(name, DAY * days).unwrap().stream(stream).is_some();
        assert_eq!(
            [18, 16].map(|days| has("megacorp", "fraud-detection-canary", days)),
            [false, true]
        );
        assert_eq!(
            [31, 29].map(|days| has("phoenix", "legacy-shop", days)),
            [true, false]
        );
    }

    #[test]
    fn an_unknown_severity_is_an_anomaly() {
        let snapshot = ago("megacorp", DAY).unwrap();
        assert_eq!(snapshot.anomalies().len(), 1);
        let unrecognized = snapshot.stream("data-lake").unwrap().vulnerabilities();
        assert_eq!(unrecognized.unrecognized().next(), Some(("BLOCKER", 3)));
        assert!(ago("megacorp", DAY * 7).unwrap().anomalies().is_empty());
    }

    #[test]
    fn where_there_are_no_metrics_the_reason_is_given() {
        let fault = |name, time| {
            let error = ago(name, time).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            error.to_string()
        };
        let hour = Duration::from_secs(3600);
        assert!(fault("acme", DAY * 91).contains("begins later"));
        assert!(fault("acme", DAY * 45).contains("has a gap"));
        assert!(fault("nimbus", hour).contains("never answers"));
        assert!(ago("nimbus", hour * 7).is_ok());
    }

    #[test]
    fn production_has_critical_vulnerabilities_only_some_of_the_time() {
        let critical = |step| {
            let time = demo().now() + Duration::from_secs(15) * step;
            let snapshot = demo().snapshot_at(&org("acme"), time).unwrap();
            snapshot.stream("production").unwrap().vulnerabilities()[Severity::Critical]
        };
        assert!((0..100).any(|step| critical(step) > 0));
        assert!((0..100).any(|step| critical(step) == 0));
    }

    #[tokio::test]
    async fn a_history_has_all_organizations_and_the_whole_time() {
        let history = demo().history().await.unwrap();
        let organizations = history.organizations().await.unwrap();
        assert_eq!(organizations, demo().organizations());
        assert_eq!(organizations.iter().collect::<HashSet<_>>().len(), 5);
        let acme = org("acme");
        let month = history.range(&acme, demo().now() - DAY * 90, demo().now(), DAY);
        assert_eq!(month.await.unwrap().len(), 91 - 3);
        let latest = history.latest(&acme).await.unwrap().unwrap();
        assert_eq!(latest.scraped_at(), demo().now());
    }
}
