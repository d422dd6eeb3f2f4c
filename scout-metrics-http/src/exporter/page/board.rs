//! Everything that is known about the organizations on a page.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc, time::Duration};

use scout_metrics_core::{Error, Organization, Result, Severity, Snapshot, Stream};

use super::{
    super::{error_response, fetches::OrganizationFetches, state::ExporterState},
    advice,
    glance::Glance,
    past::{Past, StreamPast},
    pasts::Entry,
    query::{Query, Sort},
};
use crate::html::{Level, Totals, failing, is_apart, plural, serious, worst_first};

/// The organizations on a page and what is known about them.
pub(super) struct Board<'a> {
    pub(super) organizations: Vec<Known<'a>>,
}

/// The state of an organization.
pub(super) struct Known<'a> {
    pub(super) name: &'a Organization,
    pub(super) fetches: OrganizationFetches,
    pub(super) state: State<'a>,
    pub(super) past: Option<Arc<Past>>,
}

/// The answer of the source of an organization.
pub(super) enum State<'a> {
    Failed(Failure),
    Good(Good<'a>),
    /// The first fetch has not ended.
    Loading,
}

pub(super) struct Failure {
    pub(super) reason: String,
    pub(super) advice: &'static str,
}

pub(super) struct Good<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) totals: Totals<'a>,
    /// Whether the snapshot is older than it should be.
    pub(super) is_old: bool,
}

/// A stream and what is known about it.
#[derive(Clone, Copy)]
pub(super) struct Listed<'a> {
    pub(super) organization: &'a Organization,
    pub(super) stream: &'a Stream,
    pub(super) level: Level,
    /// The age of the snapshot, if it is older than it should be.
    pub(super) old: Option<Duration>,
    pub(super) is_apart: bool,
    pub(super) past: Option<&'a StreamPast>,
    /// The stream a day and a week ago.
    pub(super) yesterday: Earlier<'a>,
    pub(super) last_week: Earlier<'a>,
}

/// A stream at an earlier time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Earlier<'a> {
    /// The stream was not reported.
    Absent,
    Known(&'a Stream),
    /// Nothing is known about that time.
    Unknown,
}

/// Statements about all streams, for a headline.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) streams: usize,
    pub(super) critical: usize,
    pub(super) high: usize,
    pub(super) failing: usize,
    pub(super) unknown: usize,
    pub(super) worse: usize,
    pub(super) failed: usize,
    pub(super) loading: usize,
    pub(super) old: usize,
    pub(super) organizations: usize,
}

impl<'a> Earlier<'a> {
    pub(super) fn stream(self) -> Option<&'a Stream> {
        match self {
            Self::Known(stream) => Some(stream),
            Self::Absent | Self::Unknown => None,
        }
    }
}

impl<'a> Board<'a> {
    pub(super) fn new(
        state: &ExporterState,
        answers: &'a BTreeMap<Organization, Result<Snapshot>>,
        entries: &BTreeMap<Organization, Entry>,
    ) -> Self {
        let known = |(name, answer): (&'a Organization, &'a Result<Snapshot>)| {
            let fetches = state.own_metrics.fetches_of(name);
            let entry = entries.get(name);
            Known {
                name,
                state: State::of(answer, &fetches, state.fresh_for),
                past: entry.and_then(|entry| entry.past.clone()),
                fetches,
            }
        };
        let mut organizations: Vec<Known<'a>> = answers.iter().map(known).collect();
        organizations.sort_by_cached_key(|known| (known.rank(), known.name));
        Self { organizations }
    }

    /// Returns all streams, in the order of the organizations.
    pub(super) fn streams(&self) -> Vec<Listed<'_>> {
        self.organizations.iter().flat_map(Known::streams).collect()
    }

    pub(super) fn summary(&self, streams: &[Listed<'_>]) -> Summary {
        let counted = || streams.iter().filter(|listed| !listed.is_apart);
        let with = |level| counted().filter(|listed| listed.level == level).count();
        let organizations = &self.organizations;
        let count = |is: fn(&Known<'_>) -> bool| organizations.iter().filter(|of| is(of)).count();
        Summary {
            streams: counted().count(),
            critical: with(Level::Bad),
            high: counted()
                .filter(|listed| listed.stream.vulnerabilities()[Severity::High] > 0)
                .count(),
            failing: counted()
                .filter(|listed| failing(listed.stream).next().is_some())
                .count(),
            unknown: with(Level::Unknown),
            worse: counted().filter(|listed| listed.is_worse()).count(),
            failed: count(|of| matches!(of.state, State::Failed(_))),
            loading: count(|of| matches!(of.state, State::Loading)),
            old: count(|of| matches!(&of.state, State::Good(good) if good.is_old)),
            organizations: organizations.len(),
        }
    }
}

impl<'a> State<'a> {
    fn of(
        answer: &'a Result<Snapshot>,
        fetches: &OrganizationFetches,
        fresh_for: Duration,
    ) -> Self {
        match answer {
            Ok(snapshot) => Self::Good(Good {
                snapshot,
                totals: Totals::new(snapshot),
                is_old: snapshot.age() > fresh_for,
            }),
            Err(_) if fetches.is_waiting() => Self::Loading,
            Err(error) => {
                // A request may give up waiting before a fetch ends, and the fetch before has the better reason.
                let error = fetches.last_error.as_ref().unwrap_or(error);
                Self::Failed(Failure::of(error))
            }
        }
    }
}

impl Failure {
    pub(super) fn of(error: &Error) -> Self {
        Self {
            reason: error_response::reason_alone(error),
            advice: advice::of(error),
        }
    }
}

impl Known<'_> {
    /// Returns a key by which the worst organization is first.
    fn rank(&self) -> impl Ord + use<> {
        match &self.state {
            State::Failed(_) => (0, Reverse([0; 2])),
            State::Loading => (1, Reverse([0; 2])),
            State::Good(good) => {
                let counts = &good.totals.counts;
                (
                    2,
                    Reverse([counts[Severity::Critical], counts[Severity::High]]),
                )
            }
        }
    }

    pub(super) fn good(&self) -> Option<&Good<'_>> {
        match &self.state {
            State::Good(good) => Some(good),
            State::Failed(_) | State::Loading => None,
        }
    }

    pub(super) fn streams(&self) -> Vec<Listed<'_>> {
        let Some(good) = self.good() else {
            return Vec::new();
        };
        let past = self.past.as_deref();
        let yesterday = Before::new(past.and_then(Past::yesterday));
        let last_week = Before::new(past.and_then(Past::last_week));
        let age = good.snapshot.age();
        let streams = good.snapshot.streams().iter();
        let listed = streams.map(|stream| {
            let yesterday = yesterday.of(stream);
            Listed {
                organization: self.name,
                stream,
                level: Level::of(stream, yesterday.stream()),
                old: good.is_old.then_some(age),
                is_apart: is_apart(good.snapshot, stream),
                past: past.and_then(|past| past.stream(stream.name())),
                yesterday,
                last_week: last_week.of(stream),
            }
        });
        listed.collect()
    }
}

/// The streams of an earlier snapshot, by name.
struct Before<'a>(Option<BTreeMap<&'a str, &'a Stream>>);

impl<'a> Before<'a> {
    fn new(snapshot: Option<&'a Snapshot>) -> Self {
        let by_name = |snapshot: &'a Snapshot| {
            let streams = snapshot.streams().iter();
            streams
                .map(|stream| (stream.name().as_str(), stream))
                .collect()
        };
        Self(snapshot.map(by_name))
    }

    fn of(&self, stream: &Stream) -> Earlier<'a> {
        match &self.0 {
            None => Earlier::Unknown,
            Some(by_name) => by_name
                .get(stream.name().as_str())
                .map_or(Earlier::Absent, |stream| Earlier::Known(stream)),
        }
    }
}

impl Listed<'_> {
    /// Returns whether the stream is worse than yesterday: with more critical and high vulnerabilities, or more images that
    /// violate a policy.
    pub(super) fn is_worse(&self) -> bool {
        let before = self.yesterday.stream();
        let is_more = before.is_some_and(|before| {
            let counts = [self.stream, before].map(serious);
            counts[1].is_some() && counts[0] > counts[1]
        });
        is_more || self.level == Level::Worse
    }

    /// Returns a key by which the stream that got worst since yesterday is first, and one that did not change last.
    fn changed_first(&self) -> impl Ord + use<> {
        let difference = |earlier: &Stream, severity| {
            let counts = [self.stream, earlier].map(|stream| stream.vulnerabilities()[severity]);
            i128::from(counts[0]) - i128::from(counts[1])
        };
        let differences = match self.yesterday.stream() {
            Some(before) => Severity::ALL.map(|severity| difference(before, severity)),
            None => [0; Severity::ALL.len()],
        };
        (
            differences.iter().all(|difference| *difference == 0),
            Reverse(differences),
        )
    }
}

/// Returns the streams that a query admits, in its order.
pub(super) fn select<'a>(streams: &[Listed<'a>], query: &Query) -> Vec<Listed<'a>> {
    let admitted = streams
        .iter()
        .filter(|l| query.admits(l.stream.name().as_str()));
    let mut selected: Vec<Listed<'a>> = admitted.copied().collect();
    // The order by name decides where two are equal otherwise.
    selected.sort_by_key(|listed| (listed.stream.name(), listed.organization));
    match query.sort {
        Sort::Changed => selected.sort_by_cached_key(Listed::changed_first),
        Sort::Name => {}
        Sort::Worst => {
            // A stream that is apart repeats the others.
            let key = |listed: &Listed<'_>| worst_first(listed.level, listed.stream);
            selected.sort_by_cached_key(|listed| (listed.is_apart, key(listed)));
        }
    }
    selected
}

impl Summary {
    pub(super) fn glance(&self) -> Glance {
        let missing = self.failed + self.loading + self.old + self.unknown;
        if self.critical > 0 {
            Glance::Bad
        } else if missing > 0 || self.streams == 0 {
            Glance::Unknown
        } else if self.worse > 0 {
            Glance::Worse
        } else if self.high + self.failing > 0 {
            Glance::Warn
        } else {
            Glance::Fine
        }
    }

    /// Returns a sentence about what is most important.
    pub(super) fn sentence(&self) -> String {
        let mut parts = Vec::new();
        let streams = plural(self.streams, "stream");
        match (self.streams, self.critical, self.high) {
            (0, ..) => parts.push("no stream is known".to_owned()),
            (_, 0, 0) => parts.push(format!("no critical or high vulnerabilities in {streams}")),
            (_, 0, high) => parts.push(format!(
                "{high} of {streams} {} high vulnerabilities",
                have(high)
            )),
            (_, critical, _) => parts.push(format!(
                "{critical} of {streams} {} critical vulnerabilities",
                have(critical)
            )),
        }
        let mut add = |count: usize, text: String| {
            if count > 0 {
                parts.push(text);
            }
        };
        let is = |count| if count == 1 { "is" } else { "are" };
        add(self.worse, format!("{} worse than yesterday", self.worse));
        if self.critical == 0 {
            add(self.failing, format!("policies fail in {}", self.failing));
        }
        add(
            self.unknown,
            format!("{} {} not reported", self.unknown, is(self.unknown)),
        );
        let organizations = |count: usize| match self.organizations {
            1 => "the organization".to_owned(),
            _ => plural(count, "organization"),
        };
        add(
            self.failed,
            format!("{} cannot be fetched", organizations(self.failed)),
        );
        add(
            self.loading,
            format!(
                "{} {} being fetched",
                organizations(self.loading),
                is(self.loading)
            ),
        );
        add(
            self.old,
            match self.organizations {
                1 => "the data is old".to_owned(),
                _ => format!("the data of {} is old", organizations(self.old)),
            },
        );
        let mut sentence = parts.join(", ");
        if let Some(first) = sentence.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        sentence
    }
}

fn have(count: usize) -> &'static str {
    if count == 1 { "has" } else { "have" }
}
