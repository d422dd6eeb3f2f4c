//! The data that one scrape returns.

pub(crate) mod anomaly;
pub(crate) mod name;
pub(crate) mod organization;
pub(crate) mod policy;
pub(crate) mod severity;
pub(crate) mod stream;
pub(crate) mod vulnerabilities;

use std::{
    collections::HashSet,
    fmt, slice,
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use tokio::time::Instant;

use crate::{Anomaly, Error, ErrorKind, Organization, Result, Stream, text::quoted};

/// The largest count. A float represents every whole number up to this one.
pub(crate) const MAX_COUNT: u64 = 1 << 53;

/// Everything that one scrape returned about an organization.
///
/// A clone is cheap and shares the data. Iterating over a snapshot yields its streams.
///
/// Every snapshot can be written in every format: stream names and policy identifiers are not empty and are unique,
/// counts are at most [`Snapshot::MAX_COUNT`], and the time of the scrape is in the years 1970 to 9999.
///
/// # JSON
///
/// ```
/// use scout_metrics_core::{Organization, Policy, PolicyResult, Snapshot, Stream};
/// use std::time::{Duration, SystemTime};
///
/// let production = Stream::new("production")
///     .with_vulnerabilities("5C 0H".parse()?)
///     .with_policy(PolicyResult::new(Policy::new("no-copyleft", "No copyleft licenses"), 3, 4)?);
/// let snapshot = Snapshot::new(Organization::new("acme")?, [production])?
///     .with_scraped_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
///
/// let json = r#"{
///   "organization": "acme",
///   "scraped_at": "2023-11-14T22:13:20Z",
///   "streams": [
///     {
///       "name": "production",
///       "vulnerabilities": {
///         "CRITICAL": 5,
///         "HIGH": 0,
///         "UNSPECIFIED": 0
///       },
///       "policies": [
///         {
///           "id": "no-copyleft",
///           "display_name": "No copyleft licenses",
///           "compliant": 3,
///           "evaluated": 4
///         }
///       ]
///     }
///   ],
///   "anomalies": []
/// }"#;
/// assert_eq!(serde_json::to_string_pretty(&snapshot)?, json);
/// assert_eq!(serde_json::from_str::<Snapshot>(json)?, snapshot);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Severities that were not reported are left out; unrecognized ones are written with their names. An anomaly has the
/// fields `kind` and `message` and, if known, `line` and `sample` (`name`, `labels` as pairs, `value` as text because
/// JSON has no NaN); `"unplaced": true` if no stream holds the sample. The form is stable: fields may be added, but are
/// never renamed or removed. Unknown severities and kinds of anomalies are read and kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Data")]
pub struct Snapshot(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    data: Data,
    anchor: Anchor,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Data {
    organization: Organization,
    #[serde(with = "rfc3339")]
    scraped_at: SystemTime,
    streams: Vec<Stream>,
    #[serde(default)]
    anomalies: Vec<Anomaly>,
}

impl Snapshot {
    /// The largest count in a snapshot: 2^53. A float represents every whole number up to this one.
    pub const MAX_COUNT: u64 = MAX_COUNT;

    /// Creates a snapshot of streams, scraped now and without anomalies.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if the name of a stream or the identifier of a policy is empty, if two streams have the
    /// same name, or if a stream has two results of the same policy.
    pub fn new(
        organization: Organization,
        streams: impl IntoIterator<Item = Stream>,
    ) -> Result<Self> {
        Data {
            organization,
            scraped_at: SystemTime::now(),
            streams: streams.into_iter().collect(),
            anomalies: Vec::new(),
        }
        .try_into()
    }

    /// Sets the time of the scrape, and starts [`age`](Self::age) from it.
    ///
    /// A time before 1970 becomes the beginning of 1970, and a time after 9999-12-30T22:00:00Z that time, because
    /// formats such as RFC 3339 and HTTP dates have no text for years beyond these. Such times come from broken clocks
    /// and from milliseconds that were read as seconds.
    #[must_use]
    pub fn with_scraped_at(mut self, time: SystemTime) -> Self {
        let time = clamp_time(time);
        let inner = Arc::make_mut(&mut self.0);
        inner.data.scraped_at = time;
        inner.anchor = Anchor::new(time);
        self
    }

    /// Replaces the anomalies.
    #[must_use]
    pub fn with_anomalies(mut self, anomalies: Vec<Anomaly>) -> Self {
        Arc::make_mut(&mut self.0).data.anomalies = anomalies;
        self
    }

    /// Returns the organization that the data belongs to.
    pub fn organization(&self) -> &Organization {
        &self.0.data.organization
    }

    /// Returns the time of the scrape.
    pub fn scraped_at(&self) -> SystemTime {
        self.0.data.scraped_at
    }

    /// Returns how long ago the scrape was.
    ///
    /// The wall clock is read once, when the snapshot is created, deserialized or given another time; a time in the
    /// future makes the age zero. From then on the age grows by a monotonic clock, so that a step of the wall clock does
    /// not change it. On Linux that clock does not advance while the machine is suspended.
    pub fn age(&self) -> Duration {
        self.0.anchor.age()
    }

    /// Returns the streams in the order of the source.
    pub fn streams(&self) -> &[Stream] {
        &self.0.data.streams
    }

    /// Returns the stream with a name.
    ///
    /// Searches through all streams.
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams()
            .iter()
            .find(|stream| stream.name().as_str() == name)
    }

    /// Returns the anomalies that the source found, in the order of the exposition.
    pub fn anomalies(&self) -> &[Anomaly] {
        &self.0.data.anomalies
    }

    /// Returns whether there are no streams.
    pub fn is_empty(&self) -> bool {
        self.streams().is_empty()
    }

    /// Returns whether both snapshots share their data in memory, which is cheaper to find out than equality.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Compares the data. The age is not part of it.
impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.0.data == other.0.data
    }
}

impl<'a> IntoIterator for &'a Snapshot {
    type Item = &'a Stream;
    type IntoIter = slice::Iter<'a, Stream>;

    fn into_iter(self) -> Self::IntoIter {
        self.streams().iter()
    }
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.data.serialize(serializer)
    }
}

impl TryFrom<Data> for Snapshot {
    type Error = Error;

    fn try_from(mut data: Data) -> Result<Self> {
        check_streams(&data.streams)
            .map_err(|error| error.with_organization(&data.organization))?;
        data.scraped_at = clamp_time(data.scraped_at);
        let anchor = Anchor::new(data.scraped_at);
        Ok(Self(Arc::new(Inner { data, anchor })))
    }
}

/// The age of a snapshot at one instant, from which it grows.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    instant: Instant,
    age: Duration,
}

impl Anchor {
    fn new(scraped_at: SystemTime) -> Self {
        let age = SystemTime::now().duration_since(scraped_at);
        Self {
            instant: Instant::now(),
            age: age.unwrap_or_default(),
        }
    }

    fn age(self) -> Duration {
        self.age.saturating_add(self.instant.elapsed())
    }
}

/// Returns the nearest time that every format can express.
fn clamp_time(time: SystemTime) -> SystemTime {
    // The last time that can be shown at every UTC offset: 9999-12-30T22:00:00.999999999Z.
    static LATEST: LazyLock<SystemTime> = LazyLock::new(|| Timestamp::MAX.into());
    time.clamp(SystemTime::UNIX_EPOCH, *LATEST)
}

fn check_streams(streams: &[Stream]) -> Result<()> {
    let names = streams.iter().map(|stream| stream.name().as_str());
    check_names("stream name", names)?;
    for stream in streams {
        let ids = stream
            .policies()
            .iter()
            .map(|result| result.policy().id().as_str());
        check_names("policy identifier", ids)?;
    }
    Ok(())
}

/// Checks that names are unique and not empty, because an empty label means the same as an absent one.
fn check_names<'a>(what: &str, names: impl Iterator<Item = &'a str> + Clone) -> Result<()> {
    if names.clone().any(str::is_empty) {
        return Err(Error::new(ErrorKind::Invalid, format!("a {what} is empty")));
    }
    let Some(duplicate) = find_duplicate(names) else {
        return Ok(());
    };
    let message = format!("the {what} {} occurs twice", quoted(duplicate));
    Err(Error::new(ErrorKind::Invalid, message))
}

fn find_duplicate<'a>(mut names: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    // Comparing a few names with each other is faster than hashing them, but quadratic.
    const FEW: usize = 16;
    if names.clone().nth(FEW).is_some() {
        let mut seen = HashSet::new();
        return names.find(|name| !seen.insert(*name));
    }
    while let Some(name) = names.next() {
        if names.clone().any(|other| other == name) {
            return Some(name);
        }
    }
    None
}

/// A time as RFC 3339 text in UTC, such as `2026-11-22T05:34:33Z`.
pub(crate) mod rfc3339 {
    use super::{SystemTime, Timestamp, fmt};
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _, ser::Error as _};

    pub(crate) fn serialize<S: Serializer>(
        time: &SystemTime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let timestamp = Timestamp::try_from(*time).map_err(S::Error::custom)?;
        serializer.collect_str(&timestamp as &dyn fmt::Display)
    }

    pub(crate) fn serialize_option<S: Serializer>(
        time: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serialize(time, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SystemTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        let timestamp: Timestamp = text.parse().map_err(D::Error::custom)?;
        Ok(timestamp.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, PolicyResult};

    fn acme() -> Organization {
        Organization::new("acme").unwrap()
    }

    #[test]
    fn a_clone_shares_the_data() {
        let snapshot = Snapshot::new(acme(), [Stream::new("production")]).unwrap();
        assert!(snapshot.is_same(&snapshot.clone()));
    }

    #[test]
    fn rejects_streams_that_an_exposition_cannot_express() {
        let result = || PolicyResult::new(Policy::new("id", "Name"), 0, 0).unwrap();
        let message =
            |streams: Vec<Stream>| Snapshot::new(acme(), streams).unwrap_err().to_string();
        assert_eq!(
            message(vec![Stream::new("")]),
            "organization `acme`: a stream name is empty"
        );
        assert_eq!(
            message(vec![Stream::new("a"), Stream::new("b"), Stream::new("a")]),
            r#"organization `acme`: the stream name "a" occurs twice"#
        );
        assert_eq!(
            message(vec![
                Stream::new("a").with_policy(result()).with_policy(result())
            ]),
            r#"organization `acme`: the policy identifier "id" occurs twice"#
        );
    }

    #[test]
    fn json_is_checked() {
        let json = r#"{"organization":"acme","scraped_at":"2023-11-14T22:13:20Z","streams":[{"name":""}]}"#;
        let error = serde_json::from_str::<Snapshot>(json).unwrap_err();
        assert_eq!(
            error.to_string(),
            "organization `acme`: a stream name is empty"
        );
    }

    #[test]
    fn a_time_that_no_format_can_express_is_clamped() {
        let text = |time| {
            let snapshot = Snapshot::new(acme(), []).unwrap().with_scraped_at(time);
            serde_json::to_value(snapshot).unwrap()["scraped_at"].clone()
        };
        let seconds = Duration::from_secs;
        let epoch = SystemTime::UNIX_EPOCH;
        // Milliseconds read as seconds: the year 36812.
        let milliseconds = epoch + seconds(1_099_511_627_776);
        assert_eq!(text(milliseconds), "9999-12-30T22:00:00.999999999Z");
        let last_second = epoch + seconds(253_402_300_799);
        assert_eq!(text(last_second), "9999-12-30T22:00:00.999999999Z");
        assert_eq!(text(epoch - seconds(1)), "1970-01-01T00:00:00Z");
        assert_eq!(text(epoch + seconds(1)), "1970-01-01T00:00:01Z");
        let json = r#"{"organization":"acme","scraped_at":"1969-12-31T00:00:00Z","streams":[]}"#;
        let snapshot: Snapshot = serde_json::from_str(json).unwrap();
        assert_eq!(snapshot.scraped_at(), epoch);
    }

    #[tokio::test(start_paused = true)]
    async fn the_age_grows_by_the_monotonic_clock_from_the_time_of_the_scrape() {
        const HOUR: Duration = Duration::from_secs(3600);
        let is_about = |age: Duration, expected: Duration| age.abs_diff(expected) < HOUR / 60;

        let now = Snapshot::new(acme(), []).unwrap();
        let past = now.clone().with_scraped_at(SystemTime::now() - 26 * HOUR);
        let future = now.clone().with_scraped_at(SystemTime::now() + HOUR);
        tokio::time::advance(2 * HOUR).await;
        let read: Snapshot = serde_json::from_str(&serde_json::to_string(&past).unwrap()).unwrap();
        assert!(is_about(now.age(), 2 * HOUR), "{:?}", now.age());
        assert!(is_about(past.age(), 28 * HOUR), "{:?}", past.age());
        assert!(is_about(future.age(), 2 * HOUR), "{:?}", future.age());
        // The wall clock has not advanced.
        assert!(is_about(read.age(), 26 * HOUR), "{:?}", read.age());
        assert_eq!(read, past);
    }
}
