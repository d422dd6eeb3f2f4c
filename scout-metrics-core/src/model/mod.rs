//! What one scrape said, as data.

pub(crate) mod anomaly;
pub(crate) mod organization;
pub(crate) mod policy;
pub(crate) mod severity;
pub(crate) mod stream;
pub(crate) mod vulnerabilities;

use std::{collections::HashSet, fmt, sync::Arc, time::SystemTime};

use serde::{Deserialize, Serialize};

use crate::{Anomaly, Error, ErrorKind, Organization, Result, Stream};

/// The largest count: 2^53, up to which a float holds every whole number.
pub(crate) const MAX_COUNT: u64 = 1 << 53;

/// Everything that one scrape said about an organization.
///
/// A clone is cheap and shares the data. A snapshot that exists can be written as an exposition: stream names and
/// policy identifiers are not empty and occur once, counts are at most [`Snapshot::MAX_COUNT`].
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
/// A severity that was not reported is left out. An anomaly has `kind` and `message` and, where they are known, `line`
/// and `sample` (`name`, `labels` as pairs, `value` as text because JSON has no NaN). The form is stable: fields may
/// be added, none is renamed or removed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Inner")]
pub struct Snapshot(Arc<Inner>);

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Inner {
    organization: Organization,
    #[serde(with = "rfc3339")]
    scraped_at: SystemTime,
    streams: Vec<Stream>,
    #[serde(default)]
    anomalies: Vec<Anomaly>,
}

impl Snapshot {
    /// The largest count a snapshot holds: 2^53, up to which a float holds every whole number.
    pub const MAX_COUNT: u64 = MAX_COUNT;

    /// Creates a snapshot of streams, scraped now and without anomalies.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if a stream's name or a policy's identifier is empty, if two streams have one name, or
    /// if a stream has two results of one policy.
    pub fn new(
        organization: Organization,
        streams: impl IntoIterator<Item = Stream>,
    ) -> Result<Self> {
        Inner {
            organization,
            scraped_at: SystemTime::now(),
            streams: streams.into_iter().collect(),
            anomalies: Vec::new(),
        }
        .try_into()
    }

    /// Returns the snapshot with another time of the scrape.
    #[must_use]
    pub fn with_scraped_at(mut self, time: SystemTime) -> Self {
        Arc::make_mut(&mut self.0).scraped_at = time;
        self
    }

    /// Returns the snapshot with these anomalies in place of its own.
    #[must_use]
    pub fn with_anomalies(mut self, anomalies: Vec<Anomaly>) -> Self {
        Arc::make_mut(&mut self.0).anomalies = anomalies;
        self
    }

    /// Returns whose data this is.
    pub fn organization(&self) -> &Organization {
        &self.0.organization
    }

    /// Returns when the source was asked.
    pub fn scraped_at(&self) -> SystemTime {
        self.0.scraped_at
    }

    /// Returns the streams in the order in which the source gave them.
    pub fn streams(&self) -> &[Stream] {
        &self.0.streams
    }

    /// Returns the stream of a name. Looks through all of them.
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams()
            .iter()
            .find(|stream| stream.name().as_str() == name)
    }

    /// Returns what the source found odd, in the order of the exposition.
    pub fn anomalies(&self) -> &[Anomaly] {
        &self.0.anomalies
    }

    /// Returns whether there is no stream.
    pub fn is_empty(&self) -> bool {
        self.streams().is_empty()
    }

    /// Returns whether both are one snapshot in memory, which costs nothing to find out.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl TryFrom<Inner> for Snapshot {
    type Error = Error;

    fn try_from(inner: Inner) -> Result<Self> {
        check_streams(&inner.streams)
            .map_err(|error| error.with_organization(&inner.organization))?;
        Ok(Self(Arc::new(inner)))
    }
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

/// Checks that names are not empty, because an empty label is an absent one, and that each occurs once.
fn check_names<'a>(what: &str, names: impl Iterator<Item = &'a str> + Clone) -> Result<()> {
    if names.clone().any(str::is_empty) {
        return Err(Error::new(ErrorKind::Invalid, format!("a {what} is empty")));
    }
    let Some(duplicate) = find_duplicate(names) else {
        return Ok(());
    };
    let shown: String = duplicate.chars().take(40).collect();
    let message = format!("the {what} {shown:?} occurs twice");
    Err(Error::new(ErrorKind::Invalid, message))
}

fn find_duplicate<'a>(mut names: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    // A few names are compared with each other, which is quicker than hashing and quadratic.
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

/// Time as RFC 3339 text in UTC, such as `2026-11-22T05:34:33Z`.
mod rfc3339 {
    use super::{SystemTime, fmt};
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _, ser::Error as _};

    pub(super) fn serialize<S: Serializer>(
        time: &SystemTime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let timestamp = Timestamp::try_from(*time).map_err(S::Error::custom)?;
        serializer.collect_str(&timestamp as &dyn fmt::Display)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
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
    fn refuses_what_an_exposition_cannot_express() {
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
    fn json_is_checked_like_everything_else() {
        let json = r#"{"organization":"acme","scraped_at":"2023-11-14T22:13:20Z","streams":[{"name":""}]}"#;
        let error = serde_json::from_str::<Snapshot>(json).unwrap_err();
        assert_eq!(
            error.to_string(),
            "organization `acme`: a stream name is empty"
        );
    }
}
