//! What we write is read alike by the reference implementations: `promtool` of Prometheus, and prometheus_client of
//! Python. Without them the tests are skipped, with a line that says so; with `SCOUT_METRICS_REQUIRE_PEERS=1` in the
//! environment they fail instead.
//!
//! Python is the program that `SCOUT_METRICS_PYTHON` names, that of the virtual environment `ci-venv` in the target
//! folder, or `python3`.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

mod support;

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    path::Path,
    process::{Command, Output, Stdio},
    thread,
};

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use scout_metrics_openmetrics::{
    Format, MetricFamily, MetricType, Sample, Timestamp, encode_families,
};
use serde_json::{Map, Value, json};
use support::model::{Style, families};

/// Reads a document `{"format": .., "text": ..}` in each line, and answers each with the samples or the error.
const PYTHON: &str = r#"
import json, struct, sys
from prometheus_client import parser as prometheus
from prometheus_client.openmetrics import parser as openmetrics

def bits(number):
    return "NaN" if number != number else struct.pack(">d", number).hex()

def nanos(time):
    return str(time.sec * 10**9 + time.nsec) if hasattr(time, "sec") else bits(time)

def describe(thing):
    described = {"labels": thing.labels, "value": bits(thing.value)}
    if thing.timestamp is not None:
        described["timestamp"] = nanos(thing.timestamp)
    return described

def samples(families):
    for family in families:
        for sample in family.samples:
            described = describe(sample) | {"name": sample.name}
            if sample.exemplar is not None:
                described["exemplar"] = describe(sample.exemplar)
            yield described

for line in sys.stdin:
    document = json.loads(line)
    parser = openmetrics if document["format"] == "openmetrics-1.0" else prometheus
    try:
        answer = list(samples(parser.text_string_to_metric_families(document["text"])))
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(json.dumps(answer))
"#;

/// Families from a fixed seed, so that a failure stays.
fn models(format: Format, models: usize, families_each: usize) -> Vec<Vec<MetricFamily>> {
    let mut runner = TestRunner::deterministic();
    let strategy = families(format, Style::Plain, 0..families_each);
    (0..models)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

/// Returns how a program is called that works when it is called so with more arguments.
fn find(programs: &[OsString], arguments: &[&str], what: &str) -> Option<OsString> {
    let works = |program: &&OsString| {
        let output = Command::new(program).args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    };
    if let Some(program) = programs.iter().find(works) {
        return Some(program.clone());
    }
    let is_required = env::var_os("SCOUT_METRICS_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!is_required, "{what} is required and not there");
    // Not `eprintln!`, which the test harness keeps to itself.
    let line = format!("SKIPPED: {what} is not there\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

fn run(program: &OsString, arguments: &[&str], input: Vec<u8>) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that stops reading says why when it ends.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

#[test]
fn promtool_reads_what_we_write() {
    let Some(promtool) = find(
        &["promtool".into()],
        &["--version"],
        "promtool (Debian package prometheus)",
    ) else {
        return;
    };
    let mut expositions = 0;
    for families in models(Format::OpenMetrics, 12, 30) {
        let families: Vec<_> = families
            .into_iter()
            .filter_map(in_prometheus_text)
            .collect();
        let exposition = encode_families(&families, Format::Prometheus).unwrap();
        let output = run(&promtool, &["check", "metrics"], exposition.body().to_vec());
        let says = String::from_utf8_lossy(&output.stderr).into_owned();
        // It ends with 3 where it read everything, and would name something in another way.
        assert!(
            matches!(output.status.code(), Some(0 | 3)),
            "{says}\n{:?}",
            exposition.body()
        );
        expositions += 1;
    }
    assert_eq!(expositions, 12);
}

/// Returns the family as Prometheus text can express it, without what it cannot.
fn in_prometheus_text(family: MetricFamily) -> Option<MetricFamily> {
    let help = family.help().trim_start_matches([' ', '\t']).to_owned();
    let mut plain = MetricFamily::new(family.name(), family.kind()).with_help(help);
    for sample in family.samples() {
        let without = Sample::new(sample.suffix(), sample.labels().clone(), sample.value());
        // Of several points only one can be told.
        if !plain
            .samples()
            .iter()
            .any(|other| is_same_series(other, &without))
        {
            plain.push(without);
        }
    }
    encode_families(std::slice::from_ref(&plain), Format::Prometheus)
        .is_ok()
        .then_some(plain)
}

fn is_same_series(one: &Sample, other: &Sample) -> bool {
    one.suffix() == other.suffix() && one.labels() == other.labels()
}

#[test]
fn python_reads_what_we_write() {
    let in_target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../ci-tools/python/bin/python");
    let programs: Vec<OsString> = env::var_os("SCOUT_METRICS_PYTHON")
        .into_iter()
        .chain([in_target.into(), "python3".into()])
        .collect();
    let what = "Python with prometheus_client";
    let Some(python) = find(&programs, &["-c", "import prometheus_client"], what) else {
        return;
    };
    let cases: Vec<_> = [Format::OpenMetrics, Format::Prometheus]
        .into_iter()
        .flat_map(|format| {
            models(format, 60, 5)
                .into_iter()
                .map(move |families| (format, families))
        })
        .collect();
    let input: String = cases
        .iter()
        .map(|(format, families)| {
            let exposition = encode_families(families, *format).unwrap();
            let text = std::str::from_utf8(exposition.body()).unwrap();
            format!("{}\n", json!({"format": format.name(), "text": text}))
        })
        .collect();
    let output = run(&python, &["-c", PYTHON], input.into_bytes());
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        answers.lines().count(),
        cases.len(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut samples = 0;
    for (answer, (format, families)) in answers.lines().zip(&cases) {
        let answer: Value = serde_json::from_str(answer).unwrap();
        let expected = describe(families, *format);
        samples += expected.len();
        let text = encode_families(families, *format).unwrap().into_body();
        assert_eq!(answer, Value::from(expected), "{text:?}");
    }
    assert!(samples > 500, "{samples} samples prove little");
}

/// Describes the samples as the program in Python does.
fn describe(families: &[MetricFamily], format: Format) -> Vec<Value> {
    let samples = families
        .iter()
        .flat_map(|family| family.samples().iter().map(move |sample| (family, sample)));
    samples
        .map(|(family, sample)| {
            let labels = sample.labels().iter();
            let mut value = described(labels, sample.value(), sample.timestamp(), format);
            value.insert("name".into(), python_name(family, sample, format).into());
            if let Some(exemplar) = sample.exemplar() {
                let labels = exemplar.labels().iter();
                let exemplar = described(labels, exemplar.value(), exemplar.timestamp(), format);
                value.insert("exemplar".into(), exemplar.into());
            }
            value.into()
        })
        .collect()
}

/// The Python parser names the samples of a counter as OpenMetrics does, in both formats.
fn python_name(family: &MetricFamily, sample: &Sample, format: Format) -> String {
    let name = family.sample_name(sample);
    let is_counter = family.kind() == MetricType::Counter && format == Format::Prometheus;
    match is_counter && !name.ends_with("_total") {
        true => format!("{name}_total"),
        false => name,
    }
}

fn described<'a>(
    labels: impl Iterator<Item = (&'a str, &'a str)>,
    value: f64,
    timestamp: Option<Timestamp>,
    format: Format,
) -> Map<String, Value> {
    let labels: Map<String, Value> = labels
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let mut described = Map::new();
    described.insert("labels".into(), labels.into());
    described.insert("value".into(), bits(value).into());
    if let Some(timestamp) = timestamp {
        let text = match format {
            Format::Prometheus => bits(timestamp.to_millis().unwrap() as f64 / 1000.0),
            _ => timestamp.as_nanos().to_string(),
        };
        described.insert("timestamp".into(), text.into());
    }
    described
}

/// Writes a float as the program in Python does.
fn bits(value: f64) -> String {
    match value.is_nan() {
        true => "NaN".to_owned(),
        false => format!("{:016x}", value.to_bits()),
    }
}
