//! Properties of any families and any snapshot.

#![cfg(feature = "scout")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use proptest::prelude::*;
use scout_metrics_core::{
    Anomaly, AnomalyKind, Organization, Policy, PolicyResult, RawSample, Severity, Snapshot,
    Stream, VulnerabilityCounts,
};
use scout_metrics_openmetrics::{
    Encoder, Event, Format, Limits, MetricFamily, MetricType, Mode, ParseOptions, Parser, Rule,
    Sample, Suffix, Timestamp, encode_families, parse_families,
    scout::{self, SnapshotReader},
};
use support::{
    few_cases::few_cases,
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
    prop_assert_eq!(read.as_slice(), families);
    prop_assert_eq!(read.deviations(), []);
    let strict = parse_families(exposition.body(), &lenient.with_mode(Mode::Strict)).unwrap();
    prop_assert_eq!(strict.as_slice(), families);
    if exposition.body().len() < CHUNKED {
        assert_all_paths_agree(exposition.body(), &lenient);
    }
    Ok(())
}

proptest! {
    #![proptest_config(few_cases())]

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
        kind in prop::sample::select(MetricType::ALL),
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
            prop_assert_eq!(encode_families(read.as_slice(), format).unwrap(), exposition);
        }
    }

    #[test]
    fn each_part_that_the_encoder_writes_is_read_as_it_was_given(
        name in text(),
        kind in prop::sample::select(MetricType::ALL),
        help in text(),
        unit in "[a-z]{0,3}",
        labels in prop::collection::btree_map(text(), text(), 0..3),
        value in support::model::value(),
    ) {
        let name = format!("{name}_{unit}");
        let labels: Vec<_> = labels.iter().map(|(name, value)| (&**name, &**value)).collect();
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let mut encoder = Encoder::new(String::new(), format);
            let is_family = encoder.family(&name, kind, &help, &unit).is_ok();
            if !is_family {
                encoder = Encoder::new(String::new(), format);
            }
            if encoder.sample(&name, labels.iter().copied(), value).is_err() {
                prop_assert!(labels.iter().any(|(name, _)| name.is_empty()));
                continue;
            }
            let text = encoder.finish().unwrap();
            let written = is_family.then_some((&*help, &*unit));
            check_parts(&text, format, &name, written, &labels)?;
        }
    }

    #[test]
    fn a_number_is_read_as_the_nearest_float(texts in prop::collection::vec(number(), 1..4)) {
        let lines: String = texts.iter().map(|text| format!("a {text}\n")).collect();
        let mut parser = Parser::from_text(&lines, &ParseOptions::new(Format::Prometheus));
        for text in &texts {
            let nearest: f64 = text.parse().unwrap();
            match parser.next_event() {
                Ok(Some(Event::Sample(sample))) => {
                    prop_assert_eq!(sample.value().to_bits(), nearest.to_bits());
                    prop_assert_eq!(sample.value_text(), text);
                }
                Err(error) => {
                    prop_assert_eq!(error.rule(), Some(Rule::NumberRange));
                    prop_assert!(nearest.is_infinite());
                    break;
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn a_time_is_kept_to_the_nanosecond(texts in prop::collection::vec(number(), 1..4)) {
        let lines: String = texts.iter().map(|text| format!("a 1 {text}\n")).collect();
        let mut parser = Parser::from_text(&lines, &ParseOptions::new(Format::OpenMetrics));
        for text in &texts {
            let expected = cut_at(text, 9).and_then(Timestamp::from_nanos);
            match (parser.next_event(), expected) {
                (Ok(Some(Event::Sample(sample))), Some(timestamp)) => {
                    prop_assert_eq!(sample.timestamp(), Some(timestamp));
                }
                (Err(error), None) => {
                    prop_assert_eq!(error.rule(), Some(Rule::Timestamp));
                    break;
                }
                other => prop_assert!(false, "{}: {:?}", text, other),
            }
        }
    }

    #[test]
    fn a_count_is_exact_or_none(text in number()) {
        let line = format!("scout_stream_vulnerabilities{{streamName=\"a\",severity=\"LOW\"}} {text}\n");
        let possible = 0..=i128::from(Snapshot::MAX_COUNT);
        let expected = cut_at(&text, 0).filter(|count| is_whole(&text) && possible.contains(count));
        let read = SnapshotReader::new(organization()).read(line.as_bytes());
        let count = read.ok().map(|snapshot| snapshot.streams()[0].vulnerabilities().total());
        prop_assert_eq!(count.map(i128::from), expected);
    }

    #[test]
    fn samples_in_no_stream_come_through(samples in unplaced()) {
        let anomalies = samples.iter().map(|sample| {
            Anomaly::new(AnomalyKind::UnknownFamily, "unknown").with_unplaced(sample.clone())
        });
        let snapshot = Snapshot::new(organization(), [])
            .unwrap()
            .with_anomalies(anomalies.collect());
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let exposition = scout::encode(&snapshot, format);
            let reader = SnapshotReader::new(organization()).with_format(format);
            let read = reader.read(exposition.body()).unwrap();
            let read = read.anomalies().iter().filter_map(Anomaly::sample);
            prop_assert_eq!(sorted(read), sorted(&samples));
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

/// Checks that an exposition has these metadata, if any, and one sample.
fn check_parts(
    text: &str,
    format: Format,
    name: &str,
    metadata: Option<(&str, &str)>,
    labels: &[(&str, &str)],
) -> Result<(), TestCaseError> {
    let (mut help, mut unit) = (String::new(), String::new());
    let mut samples = Vec::new();
    let options = ParseOptions::new(format).with_limits(Limits::unlimited());
    let mut parser = Parser::from_text(text, &options);
    while let Some(event) = parser.next_event().unwrap() {
        match event {
            Event::Help { text, .. } => help = text.decode().into_owned(),
            Event::Unit { unit: read, .. } => unit = read.to_owned(),
            Event::Sample(sample) => {
                let labels = sample.labels();
                let labels = labels.map(|(name, value)| (name.decode(), value.decode()));
                samples.push((sample.name().decode(), labels.collect::<Vec<_>>()));
            }
            _ => {}
        }
    }
    prop_assert_eq!((&*help, &*unit), metadata.unwrap_or_default());
    let [(read_name, read_labels)] = &samples[..] else {
        return Err(TestCaseError::fail(format!(
            "{samples:?} is not one sample"
        )));
    };
    prop_assert_eq!(read_name, name);
    let read_labels: Vec<_> = read_labels
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    prop_assert_eq!(read_labels, labels);
    Ok(())
}

/// A decimal number, written in any way that the formats know.
fn number() -> impl Strategy<Value = String> {
    let finite = || any::<f64>().prop_filter("finite", |value| value.is_finite());
    prop_oneof![
        "[0-9]{1,20}",
        "[+-]?[0-9]{1,12}\\.[0-9]{1,12}",
        "[+-]?[0-9]{1,25}(\\.[0-9]{0,25})?([eE][+-]?[0-9]{1,3})?",
        "[+-]?\\.[0-9]{1,25}([eE][+-]?[0-9]{1,3})?",
        "0{20,30}[0-9]{1,5}\\.[0-9]{1,5}0{20,30}",
        "-?[0-9]{1,3}0{0,10}(\\.0{0,3})?([eE][0-9])?",
        finite().prop_map(|value| format!("{value:e}")),
        finite().prop_map(|value| format!("{value}")),
    ]
}

/// The digits of a decimal number, how many of them stand before its point, and whether it is negative.
fn digits(text: &str) -> (String, i64, bool) {
    let lower = text.to_lowercase();
    let (mantissa, exponent) = lower.split_once('e').unwrap_or((&lower, "0"));
    let unsigned = mantissa.trim_start_matches(['+', '-']);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let exponent: i64 = exponent.parse().unwrap();
    let point = whole.len() as i64 + exponent;
    (
        format!("{whole}{fraction}"),
        point,
        mantissa.starts_with('-'),
    )
}

/// Returns a decimal number times a power of ten, without the digits that then follow its point. `None` is too large.
fn cut_at(text: &str, power: i64) -> Option<i128> {
    let (digits, point, is_negative) = digits(text);
    let point = (point + power).max(0) as usize;
    let kept: String = digits
        .chars()
        .chain("0".repeat(point).chars())
        .take(point)
        .collect();
    let kept = kept.trim_start_matches('0');
    let value: i128 = if kept.is_empty() {
        0
    } else {
        kept.parse().ok()?
    };
    Some(if is_negative { -value } else { value })
}

fn is_whole(text: &str) -> bool {
    let (digits, point, _) = digits(text);
    digits
        .chars()
        .skip(point.max(0) as usize)
        .all(|digit| digit == '0')
}

/// Samples of families that are none of Docker Scout's.
fn unplaced() -> impl Strategy<Value = Vec<RawSample>> {
    let name = text().prop_map(|name| format!("x{}", name.chars().take(50).collect::<String>()));
    let labels = prop::collection::btree_map(name.clone(), text(), 0..3);
    let sample = (name, labels, support::model::value());
    prop::collection::vec(sample, 1..5).prop_map(|samples| {
        let numbered = samples.into_iter().enumerate();
        numbered
            .map(|(number, (name, labels, value))| {
                let number = ("number".to_owned(), number.to_string());
                RawSample::new(name, labels.into_iter().chain([number]).collect(), value)
            })
            .collect()
    })
}

/// The samples as text, because NaN is not equal to NaN, in an order.
fn sorted<'a>(samples: impl IntoIterator<Item = &'a RawSample>) -> Vec<String> {
    let samples = samples.into_iter();
    let mut texts: Vec<_> = samples.map(|sample| format!("{sample:?}")).collect();
    texts.sort();
    texts
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
            .collect();
        // An exposition lists one family after another.
        streams.sort_by_key(|stream| {
            (
                stream.vulnerabilities().is_empty(),
                stream.policies().is_empty(),
            )
        });
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
