//! What has to hold for any families and any snapshot.

#![cfg(feature = "scout")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

mod support;

use std::env;

use proptest::prelude::*;
use scout_metrics_core::{
    Organization, Policy, PolicyResult, Severity, Snapshot, Stream, VulnerabilityCounts,
};
use scout_metrics_openmetrics::{
    Format, Limits, MetricFamily, MetricType, Mode, ParseOptions, Sample, Suffix, encode_families,
    parse_families,
    scout::{self, SnapshotReader},
};
use support::{
    model::{Style, families, text},
    paths::assert_all_paths_agree,
};

/// Longer inputs make the chunkings slow and find nothing more.
const CHUNKED: usize = 2000;

fn check_round_trip(families: &[MetricFamily], format: Format) -> Result<(), TestCaseError> {
    let exposition = encode_families(families, format)
        .map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
    let lenient = ParseOptions::new(format).with_limits(Limits::unlimited());
    let read = parse_families(exposition.body(), &lenient).unwrap();
    prop_assert_eq!(&read[..], families);
    prop_assert_eq!(read.deviations(), []);
    let strict = parse_families(exposition.body(), &lenient.with_mode(Mode::Strict)).unwrap();
    prop_assert_eq!(&strict[..], families);
    if exposition.body().len() < CHUNKED {
        assert_all_paths_agree(exposition.body(), &lenient);
    }
    Ok(())
}

/// Few cases unless `PROPTEST_CASES` says how many, because all tests together have to be quick.
fn config() -> ProptestConfig {
    const FEW: u32 = 40;
    match env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(FEW),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn openmetrics_reads_what_was_written(families in families(Format::OpenMetrics, Style::Any, 0..5)) {
        check_round_trip(&families, Format::OpenMetrics)?;
    }

    #[test]
    fn prometheus_text_reads_what_was_written(families in families(Format::Prometheus, Style::Any, 0..5)) {
        check_round_trip(&families, Format::Prometheus)?;
    }

    #[test]
    fn the_other_format_loses_nothing_or_refuses(families in families(Format::OpenMetrics, Style::Any, 0..5)) {
        let Ok(exposition) = encode_families(&families, Format::Prometheus) else {
            return Ok(());
        };
        let options = ParseOptions::new(Format::Prometheus).with_limits(Limits::unlimited());
        let read = parse_families(exposition.body(), &options).unwrap();
        prop_assert_eq!(read.len(), families.len());
        for (read, family) in read.iter().zip(&families) {
            prop_assert_eq!(read.kind(), family.kind());
            prop_assert_eq!(read.help(), family.help());
            for (one, other) in read.samples().iter().zip(family.samples()) {
                prop_assert_eq!(read.sample_name(one), family.sample_name(other));
                prop_assert_eq!(one.labels(), other.labels());
                prop_assert_eq!(one.timestamp(), other.timestamp());
            }
        }
    }

    #[test]
    fn what_breaks_rules_is_refused_and_never_changed(
        families in families(Format::OpenMetrics, Style::Any, 0..5),
        name in text(),
        unit in text(),
        help in text(),
        suffix in prop::sample::select(&[Suffix::None, Suffix::Bucket, Suffix::Count, Suffix::Total, Suffix::Info][..]),
        kind in prop::sample::select(&MetricType::ALL[..]),
        value in support::model::value(),
    ) {
        let labels = [(name.clone(), help.clone())].into_iter().collect();
        let odd = MetricFamily::new(name, kind)
            .with_unit(unit)
            .with_help(help)
            .with_sample(Sample::new(suffix, labels, value));
        let families: Vec<_> = families.into_iter().chain([odd]).collect();
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let Ok(exposition) = encode_families(&families, format) else {
                continue;
            };
            let options = ParseOptions::new(format).with_limits(Limits::unlimited());
            let read = parse_families(exposition.body(), &options).unwrap();
            prop_assert_eq!(read.len(), families.len());
            prop_assert_eq!(encode_families(&read, format).unwrap(), exposition);
        }
    }

    #[test]
    fn a_snapshot_reads_back_in_both_formats(snapshot in snapshot()) {
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let exposition = scout::encode(&snapshot, format);
            let reader = SnapshotReader::new(organization())
                .with_format(format)
                .with_mode(Mode::Strict);
            let read = reader.read(exposition.body()).unwrap();
            prop_assert_eq!(read.streams(), snapshot.streams());
            prop_assert_eq!(scout::encode(&read, format), exposition.clone());

            let mut decoder = reader.decoder();
            for chunk in exposition.body().chunks(100) {
                decoder.feed(chunk).unwrap();
            }
            let chunked = decoder.finish().unwrap();
            prop_assert_eq!(chunked.streams(), snapshot.streams());
        }
    }
}

fn organization() -> Organization {
    Organization::new("acme").unwrap()
}

/// A snapshot of streams with counts, and with policies; both have names of any text.
fn snapshot() -> impl Strategy<Value = Snapshot> {
    let count = prop_oneof![0u64..100, 0..=Snapshot::MAX_COUNT];
    let counts = prop::collection::vec(prop::option::of(count.clone()), Severity::ALL.len());
    let policy = (text(), text(), count.clone(), count);
    let stream = (text(), counts, prop::collection::vec(policy, 0..4));
    prop::collection::vec(stream, 0..4).prop_map(|drafts| {
        let mut streams: Vec<Stream> = drafts
            .into_iter()
            .enumerate()
            .map(|(number, (name, counts, policies))| {
                let stream = Stream::new(format!("{name}{number}"))
                    .with_vulnerabilities(vulnerabilities(&counts));
                policies.into_iter().enumerate().fold(
                    stream,
                    |stream, (number, (id, name, compliant, evaluated))| {
                        let policy = Policy::new(format!("{id}{number}"), name);
                        stream.with_policy(PolicyResult::new(policy, compliant, evaluated).unwrap())
                    },
                )
            })
            .filter(|stream| !stream.vulnerabilities().is_empty() || !stream.policies().is_empty())
            .collect();
        // An exposition lists all vulnerabilities first.
        streams.sort_by_key(|stream| stream.vulnerabilities().is_empty());
        Snapshot::new(organization(), streams).unwrap()
    })
}

fn vulnerabilities(counts: &[Option<u64>]) -> VulnerabilityCounts {
    Severity::ALL
        .into_iter()
        .zip(counts)
        .filter_map(|(severity, count)| Some((severity, (*count)?)))
        .fold(VulnerabilityCounts::new(), |counts, (severity, count)| {
            counts.with(severity, count).unwrap()
        })
}
