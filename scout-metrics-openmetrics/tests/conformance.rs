//! Verdicts and values of the reference implementations, where their cases are at hand.
//!
//! The cases are not part of this repository: the test looks for them in `shared/conformance` beside it, or where
//! `SCOUT_METRICS_CONFORMANCE` says, and is skipped without them.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use scout_metrics_openmetrics::{
    ContentType, EscapingScheme, Format, LabelSet, MetricFamily, Mode, ParseOptions, Sample,
    Timestamp, parse_families,
};
use serde_json::{Value, json};
use support::paths::assert_all_paths_agree;

/// DIFFERENCE: cases where a reference accepts or reads something else on purpose of ours.
const DIFFERENCES: [(&str, &str); 4] = [
    (
        "028-PromNullByteHandling_07",
        "a metric name with a NUL, which no other system could store",
    ),
    (
        "029-error_10",
        "a number after the timestamp, which the Python parser drops in silence",
    ),
    ("074-corpus_from_test_parse_error_10", "the same"),
    (
        "207-timestamps",
        "a timestamp of 30 digits, of which the Python parser keeps 28",
    ),
];

struct Case {
    name: String,
    input: Vec<u8>,
    expect: Value,
}

impl Case {
    fn format(&self) -> Format {
        match self.expect["format"].as_str().unwrap() {
            "openmetrics-1.0" => Format::OpenMetrics,
            _ => Format::Prometheus,
        }
    }

    fn is_accepted(&self, options: &ParseOptions) -> bool {
        parse_families(&self.input, options).is_ok()
    }

    fn describe(&self, options: &ParseOptions) -> String {
        let said = match parse_families(&self.input, options) {
            Ok(families) => format!("accepted, {:?}", families.deviations()),
            Err(error) => format!("rejected: {error}"),
        };
        let input = String::from_utf8_lossy(&self.input);
        let short: String = input.chars().take(300).collect();
        format!(
            "{}: {said}; expected {} {}\n{short}",
            self.name, self.expect["strict"], self.expect["verdicts"]
        )
    }
}

fn folder() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    let folder = env::var_os("SCOUT_METRICS_CONFORMANCE").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: the conformance cases are not at hand (SCOUT_METRICS_CONFORMANCE)");
    None
}

fn cases() -> Vec<Case> {
    let Some(folder) = folder() else {
        return Vec::new();
    };
    let mut cases = Vec::new();
    for source in fs::read_dir(folder.join("cases")).unwrap() {
        let source = source.unwrap().path();
        if !source.is_dir() {
            continue;
        }
        for case in fs::read_dir(source).unwrap() {
            let path = case.unwrap().path();
            let read = |file: &str| fs::read(path.join(file)).unwrap();
            cases.push(Case {
                name: path
                    .components()
                    .rev()
                    .take(2)
                    .map(|c| c.as_os_str().to_string_lossy())
                    .collect::<Vec<_>>()
                    .join(" of "),
                input: read("input.txt"),
                expect: serde_json::from_slice(&read("expect.json")).unwrap(),
            });
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

fn is_difference(case: &Case) -> bool {
    DIFFERENCES
        .iter()
        .any(|(name, _)| case.name.starts_with(name))
}

fn assert_none(wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{} cases differ:\n\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
}

#[test]
fn strict_mode_gives_the_verdict_of_the_specifications() {
    let mut wrong = Vec::new();
    for case in cases() {
        for (key, quoted_names) in [("strict", false), ("strict_utf8", true)] {
            let Some(expected) = case.expect[key]["expect"].as_str() else {
                continue;
            };
            let options = ParseOptions::new(case.format()).with_mode(Mode::Strict);
            // The description of the Prometheus format knows quoted names, so that there is one verdict.
            let options =
                options.with_quoted_names(quoted_names || case.format() == Format::Prometheus);
            if case.is_accepted(&options) != (expected == "accept") {
                wrong.push(format!("{key} {}", case.describe(&options)));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn lenient_mode_accepts_what_a_reference_accepts() {
    let mut wrong = Vec::new();
    for case in cases() {
        let verdicts = &case.expect["verdicts"];
        let accepts = |name: &str| verdicts[name] == "accept";
        let expected = case.expect["lenient"] == "accept"
            || accepts("client_python")
            || accepts("expfmt_utf8")
            || accepts("expfmt_legacy");
        let options = ParseOptions::new(case.format());
        if case.is_accepted(&options) != expected && !is_difference(&case) {
            wrong.push(case.describe(&options));
        }
    }
    assert_none(&wrong);
}

#[test]
fn both_modes_read_the_values_that_the_references_agree_on() {
    let mut wrong = Vec::new();
    for case in cases() {
        if case.expect["families_agreed"] != true || is_difference(&case) {
            continue;
        }
        for mode in [Mode::Lenient, Mode::Strict] {
            let options = ParseOptions::new(case.format()).with_mode(mode);
            let Ok(families) = parse_families(&case.input, &options) else {
                continue;
            };
            let read: Vec<Value> = families
                .iter()
                .map(|family| canonical(family, case.format()))
                .collect();
            if Value::from(read.clone()) != normal(&case.expect["families"]) {
                let expected = normal(&case.expect["families"]);
                wrong.push(format!(
                    "{mode:?} {}\nread     {}\nexpected {expected}",
                    case.name,
                    Value::from(read)
                ));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_case_reads_the_same_in_chunks() {
    for case in cases() {
        for mode in [Mode::Lenient, Mode::Strict] {
            let options = ParseOptions::new(case.format()).with_mode(mode);
            assert_all_paths_agree(&case.input, &options);
        }
    }
}

/// DIFFERENCE: protobuf as text is not written here, so offers and choices of that are left out.
#[test]
fn content_types_are_negotiated_as_by_the_go_library() {
    let mut checked = 0;
    for case in vectors("negotiation.json") {
        let ours = || case["content_type"].as_str()?.parse::<ContentType>().ok();
        let Some(mut expected) = ours() else {
            continue;
        };
        let accept = case["accept"].as_str().unwrap();
        if !accept.contains("escaping=") {
            // The default of the Go library is a variable that most of its tests change.
            expected = expected.with_escaping(EscapingScheme::Underscores);
        }
        let chosen = match offers(&case) {
            Some(offers) => ContentType::negotiate_among(accept, &offers),
            None => ContentType::negotiate_among(accept, &known_to_go()),
        };
        assert_eq!(chosen, expected, "{case}");
        checked += 1;
    }
    assert!(checked == 0 || checked >= 16, "only {checked} cases");
}

/// Returns all content types but that of OpenMetrics 2.0, which the Go library does not offer by itself.
fn known_to_go() -> Vec<ContentType> {
    let all = ContentType::ALL.iter().copied();
    all.filter(|content_type| content_type.format() != Format::OpenMetrics2)
        .collect()
}

/// Returns the offers of a case that are ours, or `None` if it offers everything.
fn offers(case: &Value) -> Option<Vec<ContentType>> {
    let offered = case["offered"].as_str()?;
    let ours = [
        ("FmtOpenMetrics_1_0_0", ContentType::OPENMETRICS_1_0_0),
        ("fmtOpenMetrics_2_0_0", ContentType::OPENMETRICS_2_0_0),
        ("FmtProtoDelim", ContentType::PROTOBUF),
        ("FmtText", ContentType::TEXT_0_0_4),
    ];
    let mut found: Vec<_> = ours
        .into_iter()
        .filter_map(|(name, content_type)| Some((offered.find(name)?, content_type)))
        .collect();
    found.sort_by_key(|(place, _)| *place);
    Some(found.into_iter().map(|(_, ours)| ours).collect())
}

#[test]
fn names_are_escaped_and_unescaped_as_by_the_go_library() {
    use EscapingScheme::{Dots, Underscores, Values};

    for case in vectors("escape_names.json") {
        let text = |key: &str| case[key].as_str();
        let input = text("input").unwrap();
        if let Some(expected) = text("expected") {
            assert_eq!(Values.unescape(input), expected, "{case}");
            continue;
        }
        for (scheme, escaped, unescaped) in [
            (Underscores, "expectedUnderscores", "expectedUnderscores"),
            (Dots, "expectedDots", "expectedUnescapedDots"),
            (Values, "expectedValue", "input"),
        ] {
            let [escaped, unescaped] = [escaped, unescaped].map(|key| text(key).unwrap());
            assert_eq!(scheme.escape_metric_name(input), escaped, "{case}");
            assert_eq!(scheme.unescape(escaped), unescaped, "{case}");
        }
    }
}

/// Returns the cases of a file of the reference, none where it is not at hand.
fn vectors(file: &str) -> Vec<Value> {
    let Some(folder) = folder() else {
        return Vec::new();
    };
    let text = fs::read(folder.join(file)).unwrap();
    let cases: Value = serde_json::from_slice(&text).unwrap();
    cases["cases"].as_array().unwrap().clone()
}

/// Brings all numbers to the way in which `canonical` writes them.
fn normal(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(normal).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| match (key.as_str(), value.as_str()) {
                ("value", Some(text)) => (key.clone(), number(text.parse().unwrap())),
                _ => (key.clone(), normal(value)),
            })
            .collect(),
        value => value.clone(),
    }
}

fn number(value: f64) -> Value {
    format!("{value:?}").into()
}

fn canonical(family: &MetricFamily, format: Format) -> Value {
    let samples: Vec<Value> = family
        .samples()
        .iter()
        .map(|sample| canonical_sample(family, sample, format))
        .collect();
    json!({
        "help": family.help(),
        "name": family.name(),
        "samples": samples,
        "type": family.kind().as_str(),
        "unit": family.unit(),
    })
}

fn canonical_sample(family: &MetricFamily, sample: &Sample, format: Format) -> Value {
    let timestamp = |timestamp: Option<Timestamp>| match (timestamp, format) {
        (None, _) => Value::Null,
        (Some(timestamp), Format::Prometheus) => timestamp.to_millis().unwrap().to_string().into(),
        (Some(timestamp), _) => timestamp.to_string().into(),
    };
    let exemplar = sample.exemplar().map(|exemplar| {
        json!({
            "labels": labels(exemplar.labels()),
            "timestamp": timestamp(exemplar.timestamp()),
            "value": number(exemplar.value()),
        })
    });
    json!({
        "exemplar": exemplar,
        "labels": labels(sample.labels()),
        "name": family.sample_name(sample),
        "timestamp": timestamp(sample.timestamp()),
        "value": number(sample.value()),
    })
}

fn labels(labels: &LabelSet) -> BTreeMap<&str, &str> {
    labels.iter().collect()
}
