//! Other programs that read expositions, and what they and we make of the same text.
//!
//! Without them the tests are skipped, with a line that says so; with `SCOUT_METRICS_REQUIRE_PEERS=1` in the environment
//! they fail instead. Python is the program that `SCOUT_METRICS_PYTHON` names, that of the virtual environment in the
//! target folder, or `python3`.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    io::{self, Write},
    path::Path,
    process::{Command, Output, Stdio},
    thread,
};

use scout_metrics_openmetrics::{
    Format, LabelSet, MetricFamily, MetricType, Sample as OurSample, Timestamp,
};
use serde_json::{Value, json};

/// A text, and the format in which it is to be read.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) format: Format,
    pub(crate) text: String,
}

/// A sample as some reader understood it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) point: Point,
    pub(crate) exemplar: Option<(BTreeMap<String, String>, Point)>,
}

/// A value and its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) value: f64,
    pub(crate) time: Option<Time>,
}

/// A time as a reader keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Time {
    Nanos(i128),
    Seconds(f64),
}

/// The metadata of a family.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) unit: String,
}

/// The content of a document as a reader sees it. Families and samples are in the order of the reader.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exposition {
    pub(crate) families: Vec<Family>,
    pub(crate) samples: Vec<Sample>,
}

/// The content of a document as a reader sees it, or why it refused it.
pub(crate) type Answer = Result<Exposition, String>;

/// All NaN are alike, as a text has one only, and zero is not minus zero.
impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        let is_same_value = self.value.to_bits() == other.value.to_bits()
            || self.value.is_nan() && other.value.is_nan();
        is_same_value && self.time == other.time
    }
}

/// A float of seconds is a time if nothing but the float's own precision makes a difference.
impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::Nanos(one), Self::Nanos(two)) => one == two,
            (one, two) => {
                let (one, two) = (one.seconds(), two.seconds());
                (one - two).abs() <= 1e-9 + 1e-15 * one.abs()
            }
        }
    }
}

impl Time {
    pub(crate) fn seconds(self) -> f64 {
        match self {
            Self::Nanos(nanos) => nanos as f64 / 1e9,
            Self::Seconds(seconds) => seconds,
        }
    }
}

/// Returns how a program is called that works when it is called so with more arguments.
pub(crate) fn find(programs: &[OsString], arguments: &[&str], what: &str) -> Option<OsString> {
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

pub(crate) fn run(program: &OsString, arguments: &[&str], input: Vec<u8>) -> Output {
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

// promtool.

/// The program of Prometheus that checks metrics with its library `expfmt`.
pub(crate) struct Promtool(OsString);

impl Promtool {
    pub(crate) fn find() -> Option<Self> {
        let what = "promtool (Debian package prometheus)";
        find(&["promtool".into()], &["--version"], what).map(Self)
    }

    /// Returns why it refuses an exposition in Prometheus text.
    pub(crate) fn check(&self, exposition: &[u8]) -> Result<(), String> {
        let output = run(&self.0, &["check", "metrics"], exposition.to_vec());
        // It ends with 3 where it read everything, and would name something in another way.
        match output.status.code() {
            Some(0 | 3) => Ok(()),
            _ => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }
}

// Python.

/// The parsers of prometheus_client.
pub(crate) struct Python(OsString);

/// Reads a document `{"format": .., "text": ..}` in each line, and answers each with the samples or the error.
const PYTHON: &str = r#"
import json, struct, sys
from prometheus_client import parser as prometheus
from prometheus_client.openmetrics import parser as openmetrics

def bits(number):
    return struct.pack(">d", number).hex()

def time(time):
    return f"{time.sec * 10**9 + time.nsec}ns" if hasattr(time, "sec") else bits(time)

def describe(thing):
    described = {"labels": thing.labels, "value": bits(thing.value)}
    if thing.timestamp is not None:
        described["timestamp"] = time(thing.timestamp)
    return described

def samples(family):
    for sample in family.samples:
        described = describe(sample) | {"name": sample.name}
        if sample.exemplar is not None:
            described["exemplar"] = describe(sample.exemplar)
        yield described

def family(family):
    metadata = [family.name, family.type, family.documentation, family.unit]
    return {"metadata": metadata, "samples": list(samples(family))}

for line in sys.stdin:
    document = json.loads(line)
    parser = openmetrics if document["format"] == "openmetrics-1.0" else prometheus
    try:
        answer = list(map(family, parser.text_string_to_metric_families(document["text"])))
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(json.dumps(answer))
"#;

/// Returns a Python that has a package.
pub(crate) fn find_python(package: &str) -> Option<OsString> {
    let in_target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../ci-tools/python/bin/python");
    let programs: Vec<OsString> = env::var_os("SCOUT_METRICS_PYTHON")
        .into_iter()
        .chain([in_target.into(), "python3".into()])
        .collect();
    let (import, what) = (
        format!("import {package}"),
        format!("Python with {package}"),
    );
    find(&programs, &["-c", &import], &what)
}

impl Python {
    pub(crate) fn find() -> Option<Self> {
        find_python("prometheus_client").map(Self)
    }

    pub(crate) fn read(&self, documents: &[Document]) -> Vec<Answer> {
        let input: String = documents
            .iter()
            .map(|document| {
                let (format, text) = (document.format.name(), &document.text);
                format!("{}\n", json!({"format": format, "text": text}))
            })
            .collect();
        let output = run(&self.0, &["-c", PYTHON], input.into_bytes());
        let answers: Vec<Answer> = output
            .stdout
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| read_answer(&serde_json::from_slice(line).unwrap()))
            .collect();
        let says = String::from_utf8_lossy(&output.stderr);
        assert_eq!(answers.len(), documents.len(), "{says}");
        answers
    }
}

fn read_answer(answer: &Value) -> Answer {
    match answer {
        Value::String(error) => Err(error.clone()),
        families => {
            let mut exposition = Exposition::default();
            for family in families.as_array().unwrap() {
                exposition.families.push(read_family(&family["metadata"]));
                let samples = family["samples"].as_array().unwrap();
                exposition.samples.extend(samples.iter().map(read_sample));
            }
            Ok(exposition)
        }
    }
}

fn read_family(metadata: &Value) -> Family {
    let text = |place: usize| metadata[place].as_str().unwrap().to_owned();
    Family {
        name: text(0),
        kind: text(1),
        help: text(2),
        unit: text(3),
    }
}

fn read_sample(sample: &Value) -> Sample {
    let exemplar = sample.get("exemplar");
    Sample {
        name: sample["name"].as_str().unwrap().to_owned(),
        labels: read_labels(sample),
        point: read_point(sample),
        exemplar: exemplar.map(|exemplar| (read_labels(exemplar), read_point(exemplar))),
    }
}

fn read_labels(of: &Value) -> BTreeMap<String, String> {
    // A native histogram without labels has none at all.
    let labels = of["labels"].as_object().into_iter().flatten();
    labels
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect()
}

fn read_point(of: &Value) -> Point {
    let float = |text: &str| f64::from_bits(u64::from_str_radix(text, 16).unwrap());
    let time = |text: &str| match text.strip_suffix("ns") {
        // A time may have more digits than fit.
        Some(nanos) => nanos.parse().map_or(Time::Seconds(f64::NAN), Time::Nanos),
        None => Time::Seconds(float(text)),
    };
    Point {
        value: float(of["value"].as_str().unwrap()),
        time: of.get("timestamp").map(|text| time(text.as_str().unwrap())),
    }
}

// We.

/// Describes families as a peer does.
pub(crate) fn describe(families: &[MetricFamily]) -> Exposition {
    let samples = families
        .iter()
        .flat_map(|family| family.samples().iter().map(move |sample| (family, sample)));
    Exposition {
        families: families.iter().map(describe_family).collect(),
        samples: samples
            .map(|(family, sample)| describe_sample(family, sample))
            .collect(),
    }
}

fn describe_family(family: &MetricFamily) -> Family {
    Family {
        name: family.name().to_owned(),
        kind: family.kind().as_str().to_owned(),
        help: family.help().to_owned(),
        unit: family.unit().to_owned(),
    }
}

fn describe_sample(family: &MetricFamily, sample: &OurSample) -> Sample {
    let exemplar = sample.exemplar().map(|exemplar| {
        let labels = describe_labels(exemplar.labels());
        (
            labels,
            describe_point(exemplar.value(), exemplar.timestamp()),
        )
    });
    Sample {
        name: family.sample_name(sample),
        labels: describe_labels(sample.labels()),
        point: describe_point(sample.value(), sample.timestamp()),
        exemplar,
    }
}

fn describe_labels(labels: &LabelSet) -> BTreeMap<String, String> {
    let labels = labels.iter();
    labels
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn describe_point(value: f64, timestamp: Option<Timestamp>) -> Point {
    Point {
        value,
        time: timestamp.map(|timestamp| Time::Nanos(timestamp.as_nanos())),
    }
}

/// Describes families as Python does, which names counters and their samples as OpenMetrics does, in both formats.
pub(crate) fn describe_for_python(families: &[MetricFamily], format: Format) -> Exposition {
    let mut all = Exposition::default();
    for family in families {
        let mut one = describe(std::slice::from_ref(family));
        if family.kind() == MetricType::Counter && format == Format::Prometheus {
            rename_counter(&mut one);
        }
        all.families.append(&mut one.families);
        all.samples.append(&mut one.samples);
    }
    all
}

fn rename_counter(counter: &mut Exposition) {
    let name = &mut counter.families[0].name;
    match name.strip_suffix("_total") {
        Some(start) => *name = start.to_owned(),
        None => {
            let samples = counter.samples.iter_mut();
            samples.for_each(|sample| sample.name.push_str("_total"));
        }
    }
}
