//! Whatever is missing of the data that a rule reads, the gate does not pass.

use std::time::SystemTime;

use proptest::{collection, prelude::*, sample};
use scout_metrics_core::{
    Anomaly, AnomalyKind, Severity, Snapshot, Stream, VulnerabilityCounts,
    gate::{Gate, Outcome, Rule},
};

use crate::{DAY, HOUR, result, snapshot};

/// A part of a stream that may be missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Stream,
    Critical,
    High,
    Policy,
}

const PARTS: [Part; 4] = [Part::Stream, Part::Critical, Part::High, Part::Policy];
const STREAMS: [&str; 2] = ["a", "b"];

/// Which parts of which streams are missing: all combinations are the numbers up to [`Missing::ALL`].
#[derive(Clone, Copy, Debug)]
struct Missing(u32);

impl Missing {
    const NONE: Self = Self(0);
    const ALL: u32 = 1 << (STREAMS.len() * PARTS.len());

    fn has(self, stream: usize, part: Part) -> bool {
        let at = |part: Part| self.0 >> (stream * PARTS.len() + part as usize) & 1 == 1;
        at(part) || at(Part::Stream)
    }

    fn snapshot(self) -> Snapshot {
        let streams = (0..STREAMS.len()).filter(|stream| !self.has(*stream, Part::Stream));
        let streams: Vec<Stream> = streams.map(|stream| self.stream(stream)).collect();
        snapshot(streams).with_scraped_at(SystemTime::UNIX_EPOCH + 20_000 * DAY)
    }

    fn stream(self, stream: usize) -> Stream {
        let mut counts = VulnerabilityCounts::new();
        for (part, severity) in [
            (Part::Critical, Severity::Critical),
            (Part::High, Severity::High),
        ] {
            if !self.has(stream, part) {
                counts = counts.with(severity, 1).unwrap();
            }
        }
        let built = Stream::new(STREAMS[stream]).with_vulnerabilities(counts);
        match self.has(stream, Part::Policy) {
            true => built,
            false => built.with_policy(result("p", 8, 9)),
        }
    }

    /// Returns whether all of these parts are there.
    fn lacks_none(self, stream: usize, parts: &[Part]) -> bool {
        !parts.iter().any(|part| self.has(stream, *part))
    }
}

fn outcome(rule: Rule, snapshot: &Snapshot) -> Outcome {
    Gate::new([rule]).unwrap().check(snapshot).outcome()
}

#[test]
fn any_combination_of_missing_data_passes_only_if_the_rule_does_not_read_it() {
    use Part::{Critical, High, Policy};

    let before = Missing::NONE.snapshot();
    let before = || before.clone().with_scraped_at(before.scraped_at() - HOUR);
    // Each rule allows what is there, and reads these parts of stream `a` or of both.
    let rules = [
        (Rule::max(Severity::Critical, 1), &[Critical][..]),
        (Rule::max(Severity::High, 1), &[High]),
        (Rule::max_at_least(Severity::High, 2), &[Critical, High]),
        (Rule::min_compliance(0.8).with_policy("p"), &[Policy]),
        (Rule::min_compliance(0.8), &[Policy]),
        (
            Rule::no_worse_than(before()).with_at_least(Severity::High),
            &[Critical, High, Policy],
        ),
    ];
    let expected = |passes| {
        if passes {
            Outcome::Passed
        } else {
            Outcome::Untellable
        }
    };
    for missing in (0..Missing::ALL).map(Missing) {
        let snapshot = missing.snapshot();
        let there = |stream: usize| !missing.has(stream, Part::Stream);
        for (rule, parts) in &rules {
            let complete = |stream| missing.lacks_none(stream, parts);
            let named = rule.clone().with_stream("a");
            assert_eq!(
                outcome(named, &snapshot),
                expected(complete(0)),
                "{missing:?}: {rule}, in stream a"
            );
            let both = rule.clone().with_streams(STREAMS);
            assert_eq!(
                outcome(both, &snapshot),
                expected(complete(0) && complete(1)),
                "{missing:?}: {rule}, in both streams"
            );
            // A comparison knows the streams of the baseline. Any other rule is about those that are there.
            let is_comparison = rule.to_string().starts_with("no worse");
            let every = (0..2).all(|stream| complete(stream) || !is_comparison && !there(stream));
            assert_eq!(
                outcome(rule.clone(), &snapshot),
                expected(every && (there(0) || there(1))),
                "{missing:?}: {rule}"
            );
        }
    }
}

#[test]
fn any_combination_of_data_that_is_missing_in_the_baseline_is_not_a_pass() {
    let now = Missing::NONE.snapshot();
    for missing in (0..Missing::ALL).map(Missing) {
        let before = missing.snapshot();
        let before = before.clone().with_scraped_at(before.scraped_at() - HOUR);
        let rule = Rule::no_worse_than(before).with_at_least(Severity::High);
        let is_complete = |stream| missing.lacks_none(stream, &PARTS);
        let expected = |passes| {
            if passes {
                Outcome::Passed
            } else {
                Outcome::Untellable
            }
        };
        let named = rule.clone().with_stream("a");
        assert_eq!(
            outcome(named, &now),
            expected(is_complete(0)),
            "{missing:?}"
        );
        let every = is_complete(0) && is_complete(1);
        assert_eq!(outcome(rule, &now), expected(every), "{missing:?}");
    }
}

fn counts() -> impl Strategy<Value = VulnerabilityCounts> {
    let known = collection::vec(0..4_u64, Severity::ALL.len());
    (known, 0..2_u64).prop_map(|(known, unknown)| {
        let counts = Severity::ALL.into_iter().zip(known);
        let counts = counts.fold(VulnerabilityCounts::new(), |all, (severity, count)| {
            all.with(severity, count).unwrap()
        });
        counts.with_unrecognized("BLOCKER", unknown).unwrap()
    })
}

fn streams() -> impl Strategy<Value = Vec<Stream>> {
    let policy = (0..4_u64, 0..4_u64);
    let stream = (counts(), collection::vec(policy, 0..3));
    collection::vec(stream, 0..4).prop_map(|streams| {
        let named = streams.into_iter().zip(["a", "b", "c", "d"]);
        let built = named.map(|((counts, policies), name)| {
            let stream = Stream::new(name).with_vulnerabilities(counts);
            let policies = policies.into_iter().zip(["p", "q", "r"]);
            policies.fold(stream, |stream, ((compliant, evaluated), id)| {
                stream.with_policy(result(id, compliant, evaluated))
            })
        });
        built.collect()
    })
}

fn severity() -> impl Strategy<Value = Severity> {
    sample::select(Severity::ALL.to_vec())
}

/// Rules that name what they read, or compare all of it with a baseline that has the same data.
fn rule() -> impl Strategy<Value = Rule> {
    let stream = sample::select(vec!["a", "b", "c"]);
    let policy = sample::select(vec!["p", "q"]);
    prop_oneof![
        (severity(), 0..3_u64, stream.clone())
            .prop_map(|(severity, max, stream)| Rule::max(severity, max).with_stream(stream)),
        (severity(), 0..9_u64, stream.clone()).prop_map(|(severity, max, stream)| {
            Rule::max_at_least(severity, max).with_stream(stream)
        }),
        (0.0..=1.0, policy, stream).prop_map(|(min, policy, stream)| {
            let rule = Rule::min_compliance(min);
            rule.with_policy(policy).with_stream(stream)
        }),
        Just(Rule::max_at_least(Severity::Unspecified, 99)),
    ]
}

fn without_severity(stream: &Stream, removed: Severity) -> Stream {
    let counts = stream.vulnerabilities();
    let kept = counts.iter().filter(|(severity, _)| *severity != removed);
    let kept = kept.fold(VulnerabilityCounts::new(), |all, (severity, count)| {
        all.with(severity, count).unwrap()
    });
    let kept = counts.unrecognized().fold(kept, |all, (name, count)| {
        all.with_unrecognized(name, count).unwrap()
    });
    let all = Stream::new(stream.name().clone()).with_vulnerabilities(kept);
    stream
        .policies()
        .iter()
        .cloned()
        .fold(all, Stream::with_policy)
}

fn without_policy(stream: &Stream, removed: usize) -> Stream {
    let all =
        Stream::new(stream.name().clone()).with_vulnerabilities(stream.vulnerabilities().clone());
    let kept = stream.policies().iter().enumerate();
    let kept = kept.filter(|(place, _)| *place != removed);
    kept.fold(all, |all, (_, result)| all.with_policy(result.clone()))
}

/// Returns all variants of streams from which one stream, severity or policy was removed.
fn reduced(streams: &[Stream]) -> Vec<Vec<Stream>> {
    let mut all = Vec::new();
    for place in 0..streams.len() {
        let replaced = |with: Option<Stream>| {
            let mut copy = streams.to_vec();
            copy.splice(place..=place, with);
            copy
        };
        all.push(replaced(None));
        for severity in Severity::ALL {
            all.push(replaced(Some(without_severity(&streams[place], severity))));
        }
        for policy in 0..streams[place].policies().len() {
            all.push(replaced(Some(without_policy(&streams[place], policy))));
        }
    }
    all
}

proptest! {
    #[test]
    fn removing_data_never_makes_a_gate_pass_and_comparisons_notice_each_removal(
        streams in streams(),
        rule in rule(),
    ) {
        let full = snapshot(streams.clone());
        let older = full.clone().with_scraped_at(full.scraped_at() - HOUR);
        let comparison = Rule::no_worse_than(older);
        for fewer in reduced(&streams) {
            let fewer = snapshot(fewer);
            prop_assert_ne!(outcome(comparison.clone(), &fewer), Outcome::Passed);
            let before = outcome(rule.clone(), &full);
            let after = outcome(rule.clone(), &fewer);
            // A rule that names what it reads passes after a removal only if it did so before.
            prop_assert!(rule_is_general(&rule) || after != Outcome::Passed || before == Outcome::Passed);
        }
    }

    #[test]
    fn more_vulnerabilities_and_anomalies_never_make_a_gate_pass(
        streams in streams(),
        rule in rule(),
        kind in sample::select(AnomalyKind::ALL.to_vec()),
        severity in severity(),
    ) {
        let full = snapshot(streams.clone());
        let more = streams.iter().map(|stream| {
            let count = stream.vulnerabilities()[severity] + 1;
            let counts = stream.vulnerabilities().clone().with(severity, count).unwrap();
            let policies = stream.policies().iter().cloned();
            let stream = Stream::new(stream.name().clone()).with_vulnerabilities(counts);
            policies.fold(stream, Stream::with_policy)
        });
        let more: Vec<Stream> = more.collect();
        let doubtful = full.clone().with_anomalies(vec![Anomaly::new(kind, "odd")]);
        let before = outcome(rule.clone(), &full);
        for worse in [snapshot(more), doubtful] {
            let after = outcome(rule.clone(), &worse);
            prop_assert!(after >= before, "{} -> {}", before, after);
        }
    }
}

/// Returns whether a rule is about every stream, so that it does not notice when one is removed.
fn rule_is_general(rule: &Rule) -> bool {
    rule.to_string().ends_with("every stream")
}
