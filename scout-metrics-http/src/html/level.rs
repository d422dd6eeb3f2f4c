//! How bad a stream is, in one letter and one number.

use std::cmp::Reverse;

use scout_metrics_core::{PolicyResult, Severity, Stream};

/// How bad a stream is. Worse levels compare greater; the worst is that nobody knows.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Level {
    /// No critical or high vulnerabilities, and all policies hold.
    Fine,
    /// High vulnerabilities, or a policy that fails.
    Warn,
    /// More high vulnerabilities, or more images that violate a policy, than before.
    Worse,
    /// Critical vulnerabilities, or some of a severity that nobody knows.
    Bad,
    /// Critical or high vulnerabilities are not reported, and nothing else is known to be bad.
    Unknown,
}

impl Level {
    /// Returns the class of the style sheet.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Warn => "warn",
            Self::Worse => "worse",
            Self::Bad => "bad",
            Self::Unknown => "unknown",
        }
    }

    /// Returns a sign for those who do not see its colour.
    pub(crate) const fn sign(self) -> char {
        match self {
            Self::Fine => '✓',
            Self::Warn => '!',
            Self::Worse => '▲',
            Self::Bad => 'C',
            Self::Unknown => '?',
        }
    }

    /// Returns the level of a stream that was another one a day before.
    pub(crate) fn of(stream: &Stream, before: Option<&Stream>) -> Self {
        let counts = stream.vulnerabilities();
        let (critical, high) = (counts.get(Severity::Critical), counts.get(Severity::High));
        if critical > Some(0) || unrecognized(stream) > 0 {
            Self::Bad
        } else if critical.is_none() || high.is_none() {
            Self::Unknown
        } else if before.is_some_and(|before| is_worse(stream, before)) {
            Self::Worse
        } else if high > Some(0) || failing(stream).next().is_some() {
            Self::Warn
        } else {
            Self::Fine
        }
    }
}

/// Returns the number of vulnerabilities of severities that are not known, which may be the worst.
fn unrecognized(stream: &Stream) -> u64 {
    let counts = stream.vulnerabilities().unrecognized();
    counts.fold(0, |sum, (_, count)| sum.saturating_add(count))
}

/// Returns whether there are more high vulnerabilities, or more images that violate a policy, than before.
fn is_worse(stream: &Stream, before: &Stream) -> bool {
    let [now, then] = [stream, before].map(|stream| stream.vulnerabilities().get(Severity::High));
    let fails_more = |result: &PolicyResult| {
        let before = before.policy(result.policy().id().as_str());
        before.is_some_and(|before| result.violating() > before.violating())
    };
    (then.is_some() && now > then) || stream.policies().iter().any(fails_more)
}

/// Returns the policies that images violate, those with the lowest share of compliant images first.
pub(crate) fn failing(stream: &Stream) -> impl Iterator<Item = &PolicyResult> {
    let mut failing: Vec<_> = stream
        .policies()
        .iter()
        .filter(|result| !result.is_compliant())
        .collect();
    failing.sort_by(|a, b| {
        let shares = [a, b].map(|result| result.ratio().unwrap_or(0.0));
        shares[0]
            .total_cmp(&shares[1])
            .then(b.violating().cmp(&a.violating()))
    });
    failing.into_iter()
}

/// Returns what to sort by, so that the worst stream is first.
pub(crate) fn worst_first(level: Level, stream: &Stream) -> impl Ord + use<> {
    let counts = Severity::ALL.map(|severity| stream.vulnerabilities()[severity]);
    let violating: u64 = failing(stream)
        .map(PolicyResult::violating)
        .fold(0, u64::saturating_add);
    let [critical, high, rest @ ..] = counts;
    Reverse((level, critical, high, violating, rest))
}

/// The one number of a stream, and what it counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Headline {
    /// The level in a letter or sign, for those who do not see its colour.
    pub(crate) letter: char,
    /// The number, or `None` if it is not known.
    pub(crate) number: Option<u64>,
    /// The unit of the number.
    pub(crate) word: &'static str,
}

impl Headline {
    /// Creates the headline of a stream of a level.
    pub(crate) fn new(level: Level, stream: &Stream) -> Self {
        let counts = stream.vulnerabilities();
        let (critical, high) = (counts.get(Severity::Critical), counts.get(Severity::High));
        let failing = failing(stream).count() as u64;
        let (letter, number, word) = match level {
            Level::Unknown => ('?', None, "not reported"),
            Level::Bad => match critical.unwrap_or(0) {
                0 => ('!', Some(unrecognized(stream)), "of an unknown severity"),
                critical => ('C', Some(critical), "critical"),
            },
            _ if high > Some(0) => ('H', high, "high"),
            _ if failing == 1 => ('P', Some(1), "policy fails"),
            _ if failing > 1 => ('P', Some(failing), "policies fail"),
            _ => ('✓', Some(0), "critical or high"),
        };
        let letter = match level {
            Level::Worse => '▲',
            _ => letter,
        };
        Self {
            letter,
            number,
            word,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scout_metrics_core::Policy;

    fn stream(counts: &str) -> Stream {
        Stream::new("production").with_vulnerabilities(counts.parse().unwrap())
    }

    fn with_policy(stream: Stream, compliant: u64) -> Stream {
        let policy = Policy::new("root", "Default non-root user");
        stream.with_policy(PolicyResult::new(policy, compliant, 9).unwrap())
    }

    #[test]
    fn each_level_has_a_letter_and_a_number() {
        let fine = with_policy(stream("0C 0H 7M"), 9);
        let blocker = stream("0C 0H").vulnerabilities().clone();
        let blocker = blocker.with_unrecognized("BLOCKER", 7).unwrap();
        let blocker = Stream::new("blocker").with_vulnerabilities(blocker);
        let cases = [
            (fine.clone(), None, Level::Fine, '✓', Some(0)),
            (stream("0C 3H"), None, Level::Warn, 'H', Some(3)),
            (
                with_policy(stream("0C 0H"), 8),
                None,
                Level::Warn,
                'P',
                Some(1),
            ),
            (
                stream("0C 3H"),
                Some(stream("0C 2H")),
                Level::Worse,
                '▲',
                Some(3),
            ),
            (
                with_policy(stream("0C 0H"), 8),
                Some(fine),
                Level::Worse,
                '▲',
                Some(1),
            ),
            (
                stream("2C 3H"),
                Some(stream("0C 2H")),
                Level::Bad,
                'C',
                Some(2),
            ),
            (stream("9M"), None, Level::Unknown, '?', None),
            (stream("0C"), None, Level::Unknown, '?', None),
            (stream("3H"), None, Level::Unknown, '?', None),
            (blocker, None, Level::Bad, '!', Some(7)),
            (Stream::new("empty"), None, Level::Unknown, '?', None),
        ];
        for (stream, before, level, letter, number) in cases {
            assert_eq!(Level::of(&stream, before.as_ref()), level, "{stream:?}");
            let headline = Headline::new(level, &stream);
            assert_eq!(
                (headline.letter, headline.number),
                (letter, number),
                "{stream:?}"
            );
        }
    }

    #[test]
    fn what_was_not_reported_before_is_not_worse() {
        let now = with_policy(stream("0C 3H"), 8);
        assert_eq!(Level::of(&now, Some(&stream("0C"))), Level::Warn);
    }

    #[test]
    fn the_worst_is_first() {
        let mut streams = [
            stream("0C 0H"),
            stream("1C"),
            stream("0C 9H"),
            stream("2C"),
            stream("5L"),
            with_policy(stream("0C 0H"), 1),
        ];
        streams.sort_by_key(|stream| worst_first(Level::of(stream, None), stream));
        let shown = streams.map(|stream| stream.vulnerabilities().to_string());
        assert_eq!(shown, ["5L", "2C", "1C", "0C 9H", "0C 0H", "0C 0H"]);
    }
}
