//! Facts about an organization, found by name.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use scout_metrics_core::{Since, SinceState, Snapshot, Stream, StreamName};

use super::{Content, time::date};
use crate::html::Age;

/// The streams of a snapshot by name.
pub(super) type ByName<'a> = HashMap<&'a StreamName, &'a Stream>;

/// Returns the streams of a snapshot by name.
pub(super) fn by_name(snapshot: &Snapshot) -> ByName<'_> {
    let streams = snapshot.streams().iter();
    streams.map(|stream| (stream.name(), stream)).collect()
}

/// The facts about an organization at the time of the report.
pub(super) struct Facts<'a> {
    pub(super) content: &'a Content,
    earlier: Vec<(&'static str, ByName<'a>)>,
    since: HashMap<(&'a StreamName, &'a SinceState), &'a Since>,
    now: SystemTime,
}

impl<'a> Facts<'a> {
    pub(super) fn new(content: &'a Content, now: SystemTime) -> Self {
        let earlier = content.earlier.iter();
        let since = content.since.iter();
        Self {
            content,
            earlier: earlier
                .map(|(ago, snapshot)| (*ago, by_name(snapshot)))
                .collect(),
            since: since
                .map(|since| ((&since.stream, &since.state), since))
                .collect(),
            now,
        }
    }

    /// Returns an earlier state of a stream for each earlier snapshot, from the latest, and how long ago it was.
    pub(super) fn earlier(
        &self,
        stream: &Stream,
    ) -> impl DoubleEndedIterator<Item = (&'static str, Option<&'a Stream>)> {
        let earlier = self.earlier.iter();
        earlier.map(|(ago, streams)| (*ago, streams.get(stream.name()).copied()))
    }

    pub(super) fn age(&self) -> Duration {
        self.age_of(self.content.snapshot.scraped_at())
    }

    /// Returns since when a stream has been in a state, if that is known.
    pub(super) fn since(&self, stream: &Stream, state: &SinceState) -> Option<String> {
        let since = self.since.get(&(stream.name(), state))?;
        let age = Age(self.age_of(since.first));
        Some(match since.last_clean {
            Some(_) => format!("since {} ({age})", date(since.first)),
            None => format!("for at least {age}"),
        })
    }

    fn age_of(&self, time: SystemTime) -> Duration {
        self.now.duration_since(time).unwrap_or_default()
    }
}
