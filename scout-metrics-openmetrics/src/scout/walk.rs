//! The samples of snapshots, in the order of an exposition.
//!
//! Everything that writes snapshots is a [`Samples`]: the encoder and the bridges to other libraries. The series of a
//! family are many, but their labels are few: each series is one of some starts, which are all labels but the last value,
//! and one of some ends, which are last values. So text is prepared once for each start and end, not once for each sample.

use std::borrow::Cow;

use scout_metrics_core::{Policy, PolicyId, PolicyResult, Severity, Stream, StreamName};

use super::{
    POLICY_COMPLIANT_IMAGES, POLICY_EVALUATED_IMAGES, STREAM_EMPTY, STREAM_VULNERABILITIES,
    part::Part,
};

/// Receives the samples of one family.
pub(crate) trait Samples<'a> {
    type Error;

    /// Sets the labels of a start, and the name of the label that ends have the values of. Starts are numbered without
    /// gaps and may be set again.
    fn start(
        &mut self,
        place: usize,
        labels: impl Iterator<Item = (Text<'a>, Text<'a>)>,
        last_label: Text<'a>,
    ) -> Result<(), Self::Error>;

    /// Sets the value of an end. Ends are numbered without gaps and may be set again.
    fn end(&mut self, place: usize, value: Text<'a>) -> Result<(), Self::Error>;

    /// Receives the sample of the series that a start and an end make.
    fn count(&mut self, start: usize, end: usize, count: u64) -> Result<(), Self::Error>;

    /// Receives a sample that is in no stream.
    fn unplaced(
        &mut self,
        labels: &[(Cow<'a, str>, &'a str)],
        value: f64,
    ) -> Result<(), Self::Error>;
}

/// Returns the start or the end at a place, which may be the next one.
pub(crate) fn at<T: Default>(places: &mut Vec<T>, place: usize) -> &mut T {
    if places.len() == place {
        places.push(T::default());
    }
    &mut places[place]
}

/// A name or a value of a label, with its owner, for libraries that can share it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Text<'a> {
    Static(&'static str),
    Borrowed(&'a str),
    PolicyId(&'a PolicyId),
    StreamName(&'a StreamName),
}

impl<'a> Text<'a> {
    pub(crate) fn as_str(self) -> &'a str {
        match self {
            Self::Static(text) => text,
            Self::Borrowed(text) => text,
            Self::PolicyId(id) => id.as_str(),
            Self::StreamName(name) => name.as_str(),
        }
    }
}

impl<'a> From<&'a Cow<'static, str>> for Text<'a> {
    fn from(text: &'a Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Static(text),
            Cow::Owned(text) => Self::Borrowed(text),
        }
    }
}

/// A family whose samples have a place in snapshots.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Family {
    Vulnerabilities,
    Compliant,
    Evaluated,
    Empty,
}

impl Family {
    /// All families, in the order of an exposition.
    pub(crate) const ALL: [Self; 4] = [
        Self::Vulnerabilities,
        Self::Compliant,
        Self::Evaluated,
        Self::Empty,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Vulnerabilities => STREAM_VULNERABILITIES,
            Self::Compliant => POLICY_COMPLIANT_IMAGES,
            Self::Evaluated => POLICY_EVALUATED_IMAGES,
            Self::Empty => STREAM_EMPTY,
        }
    }

    pub(crate) const fn help(self) -> &'static str {
        match self {
            Self::Vulnerabilities => "Vulnerabilities in a stream.",
            Self::Compliant => "Images of a stream that comply with a policy.",
            Self::Evaluated => "Images of a stream that were evaluated against a policy.",
            Self::Empty => "Streams without any data.",
        }
    }

    /// Returns whether an exposition has the family: our own only if it has samples.
    pub(crate) fn is_in(self, parts: &[Part<'_>]) -> bool {
        let has_empty = |part: &Part<'_>| part.snapshot.streams().iter().any(is_empty);
        self != Self::Empty || parts.iter().any(has_empty)
    }

    /// Passes on the samples that are in streams.
    pub(crate) fn walk<'a, S: Samples<'a>>(
        self,
        parts: &'a [Part<'a>],
        samples: &mut S,
    ) -> Result<(), S::Error> {
        match self {
            Self::Vulnerabilities => walk_vulnerabilities(parts, samples),
            Self::Compliant => walk_policies(parts, PolicyResult::compliant, samples),
            Self::Evaluated => walk_policies(parts, PolicyResult::evaluated, samples),
            Self::Empty => walk_empty_streams(parts, samples),
        }
    }
}

fn is_empty(stream: &Stream) -> bool {
    stream.vulnerabilities().is_empty() && stream.policies().is_empty()
}

fn walk_vulnerabilities<'a, S: Samples<'a>>(
    parts: &'a [Part<'a>],
    samples: &mut S,
) -> Result<(), S::Error> {
    const UNRECOGNIZED: usize = Severity::ALL.len();
    for (place, severity) in Severity::ALL.iter().enumerate() {
        samples.end(place, Text::Static(severity.as_str()))?;
    }
    for part in parts {
        let stream_name = Text::from(&part.names.stream_name);
        for stream in part.snapshot.streams() {
            let labels = part.labels([(stream_name, Text::StreamName(stream.name()))]);
            samples.start(0, labels, Text::from(&part.names.severity))?;
            let counts = stream.vulnerabilities();
            for (place, severity) in Severity::ALL.into_iter().enumerate() {
                if let Some(count) = counts.get(severity) {
                    samples.count(0, place, count)?;
                }
            }
            for (severity, count) in counts.unrecognized() {
                samples.end(UNRECOGNIZED, Text::Borrowed(severity))?;
                samples.count(0, UNRECOGNIZED, count)?;
            }
        }
    }
    Ok(())
}

fn walk_policies<'a, S: Samples<'a>>(
    parts: &'a [Part<'a>],
    count: impl Fn(&PolicyResult) -> u64,
    samples: &mut S,
) -> Result<(), S::Error> {
    for part in parts {
        // Most streams of a snapshot have the same policies in the same order, so a start is that of the place.
        let mut known: Vec<&Policy> = Vec::new();
        for stream in part.snapshot.streams() {
            samples.end(0, Text::StreamName(stream.name()))?;
            for (place, result) in stream.policies().iter().enumerate() {
                let policy = result.policy();
                if known.get(place) != Some(&policy) {
                    start_policy(part, place, policy, samples)?;
                    match known.get_mut(place) {
                        Some(known) => *known = policy,
                        None => known.push(policy),
                    }
                }
                samples.count(place, 0, count(result))?;
            }
        }
    }
    Ok(())
}

fn start_policy<'a, S: Samples<'a>>(
    part: &'a Part<'a>,
    place: usize,
    policy: &'a Policy,
    samples: &mut S,
) -> Result<(), S::Error> {
    let names = &part.names;
    let labels = part.labels([
        (Text::from(&names.id), Text::PolicyId(policy.id())),
        (
            Text::from(&names.display_name),
            Text::Borrowed(policy.display_name()),
        ),
    ]);
    samples.start(place, labels, Text::from(&names.stream_name))
}

fn walk_empty_streams<'a, S: Samples<'a>>(
    parts: &'a [Part<'a>],
    samples: &mut S,
) -> Result<(), S::Error> {
    for part in parts {
        let mut is_started = false;
        for stream in part.snapshot.streams().iter().filter(|s| is_empty(s)) {
            if !is_started {
                samples.start(0, part.labels([]), Text::from(&part.names.stream_name))?;
                is_started = true;
            }
            samples.end(0, Text::StreamName(stream.name()))?;
            samples.count(0, 0, 1)?;
        }
    }
    Ok(())
}
