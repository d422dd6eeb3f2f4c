//! Since when a stream has had vulnerabilities, and since when a policy has failed.

use std::{
    collections::HashMap,
    fmt,
    time::{Duration, SystemTime},
};

use serde::Serialize;

use super::{History, HistoryExt};
use crate::{
    Organization, PolicyId, Result, Severity, Snapshot, Stream, StreamName,
    text::{OneLine, Time},
};

/// Docker Scout computes its metrics once an hour.
const STEP: Duration = Duration::from_secs(60 * 60);

/// The number of steps to read at once, which bounds the memory.
const WINDOW: u32 = 7 * 24;

/// Since when a stream has had vulnerabilities of a severity, or images that violate a policy.
///
/// This is not the age of a vulnerability: others may have come and gone meanwhile. It is the time since the count was
/// last 0.
///
/// The state began after [`last_clean`](Self::last_clean) and not later than [`first`](Self::first).
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Since {
    /// The stream.
    pub stream: StreamName,
    /// The state of the stream.
    #[serde(flatten)]
    pub state: SinceState,
    /// The time of the first snapshot that has the state, after the last one without it.
    #[serde(serialize_with = "crate::model::rfc3339::serialize")]
    pub first: SystemTime,
    /// The time of the last snapshot without the state, or `None` if the history has none in the time that was searched.
    /// A snapshot that does not report the number counts as neither.
    #[serde(serialize_with = "crate::model::rfc3339::serialize_option")]
    pub last_clean: Option<SystemTime>,
}

/// The state that a stream has been in [since](Since) a time.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SinceState {
    /// Images that violate the policy with this identifier.
    Policy(PolicyId),
    /// Vulnerabilities of this severity.
    Severity(Severity),
}

/// The places of the results that are still searched for, by stream.
type Open = HashMap<StreamName, Vec<usize>>;

pub(super) async fn since<H: History + ?Sized>(
    history: &H,
    organization: &Organization,
    lookback: Duration,
) -> Result<Vec<Since>> {
    let Some(latest) = history.latest(organization).await? else {
        return Ok(Vec::new());
    };
    let oldest = latest.scraped_at().checked_sub(lookback);
    let oldest = oldest.unwrap_or(SystemTime::UNIX_EPOCH);
    let mut found = states_of(&latest);
    let mut open = Open::new();
    for (place, since) in found.iter().enumerate() {
        open.entry(since.stream.clone()).or_default().push(place);
    }
    let mut next_end = Some(latest.scraped_at());
    while let Some(end) = next_end.filter(|_| !open.is_empty()) {
        let start = window_start(end, oldest);
        let snapshots = history.range(organization, start, end, STEP).await?;
        for snapshot in snapshots.iter().rev() {
            visit(snapshot, &mut open, &mut found);
        }
        next_end = start.checked_sub(STEP).filter(|end| *end >= oldest);
    }
    Ok(found)
}

/// Returns the start of a window that has whole steps and is not before a time.
fn window_start(end: SystemTime, oldest: SystemTime) -> SystemTime {
    let length = end.duration_since(oldest).unwrap_or_default();
    let steps = (length.as_secs() / STEP.as_secs()).min(u64::from(WINDOW - 1));
    end - Duration::from_secs(steps * STEP.as_secs())
}

/// Returns the states of a snapshot, as beginning with it.
fn states_of(snapshot: &Snapshot) -> Vec<Since> {
    let mut found = Vec::new();
    for stream in snapshot {
        let severities = Severity::ALL.map(SinceState::Severity);
        let policies = stream.policies().iter();
        let policies = policies.map(|result| SinceState::Policy(result.policy().id().clone()));
        let states = severities.into_iter().chain(policies);
        let current = states.filter(|state| state.holds(stream) == Some(true));
        found.extend(current.map(|state| Since {
            stream: stream.name().clone(),
            state,
            first: snapshot.scraped_at(),
            last_clean: None,
        }));
    }
    found
}

/// Takes an earlier snapshot into account, and removes what is found.
fn visit(snapshot: &Snapshot, open: &mut Open, found: &mut [Since]) {
    for stream in snapshot {
        let Some(places) = open.get_mut(stream.name()) else {
            continue;
        };
        places.retain(|place| {
            let since = &mut found[*place];
            let holds = since.state.holds(stream);
            match holds {
                Some(true) => since.first = snapshot.scraped_at(),
                Some(false) => since.last_clean = Some(snapshot.scraped_at()),
                None => {}
            }
            holds != Some(false)
        });
        if places.is_empty() {
            open.remove(stream.name());
        }
    }
}

impl SinceState {
    /// Returns whether a stream is in the state, or `None` if the stream does not say.
    fn holds(&self, stream: &Stream) -> Option<bool> {
        match self {
            Self::Policy(id) => {
                let result = stream.policy(id.as_str())?;
                let is_known = result.evaluated() > 0 && result.compliant() <= result.evaluated();
                is_known.then(|| !result.is_compliant())
            }
            Self::Severity(severity) => {
                let count = stream.vulnerabilities().get(*severity)?;
                Some(count > 0)
            }
        }
    }
}

impl fmt::Display for SinceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(id) => write!(f, "policy {}", OneLine(id)),
            Self::Severity(severity) => write!(f, "{severity}"),
        }
    }
}

/// Writes one line, in which control characters are escaped.
impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stream, state, first) = (OneLine(&self.stream), &self.state, Time(self.first));
        match self.last_clean {
            Some(_) => write!(f, "{stream}: {state} since {first}"),
            None => write!(f, "{stream}: {state} at least since {first}"),
        }
    }
}
