//! The default expositions of client libraries convert to the other format and back, and other readers read them alike.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use std::{fs, path::Path};

use scout_metrics_openmetrics::{
    Format, MetricFamily, Mode, ParseOptions, parse_families, transcode_lossy,
};
use support::{
    losses,
    peers::{Document, Promtool, Python, describe_for_python},
};

/// The files, and what they lose in the other format.
const CLIENTS: [(&str, &[&str]); 6] = [
    (
        "go.prom",
        &["family `go_memstats_alloc_bytes_total`: its type changes from counter to unknown"],
    ),
    (
        "java.om",
        &[
            "family `jvm_gc_collection_seconds`: its unit `seconds` is left out",
            "family `jvm_runtime`: its type changes from info to gauge",
            "family `feature`: its type changes from stateset to gauge",
            "family `request_latency_seconds`: its unit `seconds` is left out",
            "family `request_latency_seconds`: 1 exemplar is left out",
            "family `request_latency_seconds`: its times of creation are a family `request_latency_seconds_created` of \
             their own",
            "family `requests`: its times of creation are a family `requests_created` of their own",
        ],
    ),
    (
        "java.prom",
        &[
            "family `request_latency_seconds_created`: its samples are part of family `request_latency_seconds`",
            "family `requests_created`: its samples are part of family `requests`",
        ],
    ),
    ("micrometer.prom", &[]),
    (
        "python.om",
        &[
            "family `http_requests`: 1 exemplar is left out",
            "family `http_requests`: its times of creation are a family `http_requests_created` of their own",
            "family `wait_seconds`: 1 exemplar is left out",
            "family `wait_seconds`: its times of creation are a family `wait_seconds_created` of their own",
            "family `size_bytes`: its times of creation are a family `size_bytes_created` of their own",
            "family `build`: its type changes from info to gauge",
            "family `state`: its type changes from stateset to gauge",
        ],
    ),
    (
        "python.prom",
        &[
            "family `http_requests_created`: its samples are part of family `http_requests`",
            "family `wait_seconds_created`: its samples are part of family `wait_seconds`",
            "family `size_bytes_created`: its samples are part of family `size_bytes`",
        ],
    ),
];

fn other(format: Format) -> Format {
    match format {
        Format::OpenMetrics => Format::Prometheus,
        _ => Format::OpenMetrics,
    }
}

fn read(file: &str) -> (Vec<MetricFamily>, Format) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/clients");
    let format = match file.ends_with(".om") {
        true => Format::OpenMetrics,
        false => Format::Prometheus,
    };
    let text = fs::read(folder.join(file)).unwrap();
    (parse_strictly(&text, format), format)
}

fn parse_strictly(text: &[u8], format: Format) -> Vec<MetricFamily> {
    let strict = ParseOptions::new(format).with_mode(Mode::Strict);
    parse_families(text, &strict).unwrap().into_vec()
}

/// Returns the families in a format as they are read there, and the losses.
fn converted(families: &[MetricFamily], format: Format) -> (Document, Vec<String>) {
    let (exposition, losses) = transcode_lossy(families, format).unwrap();
    let read = parse_strictly(exposition.body(), format);
    losses::check(families, &read, &losses, format).unwrap();
    let text = String::from_utf8(exposition.body().to_vec()).unwrap();
    let losses = losses.iter().map(ToString::to_string).collect();
    (Document { format, text }, losses)
}

#[test]
fn default_metrics_lose_what_is_known_and_nothing_else() {
    for (file, expected) in CLIENTS {
        let (families, format) = read(file);
        let (there, losses) = converted(&families, other(format));
        assert_eq!(losses, expected, "{file}");
        // Every sample comes back.
        let there = parse_strictly(there.text.as_bytes(), other(format));
        let (back, _) = converted(&there, format);
        let back = parse_strictly(back.text.as_bytes(), format);
        assert_eq!(sorted_samples(&back), sorted_samples(&families), "{file}");
    }
}

/// Returns the samples as text, without exemplars, in an order.
fn sorted_samples(families: &[MetricFamily]) -> Vec<String> {
    let mut samples = Vec::new();
    for family in families {
        for sample in family.samples() {
            let (labels, value) = (sample.labels().sorted(), sample.value());
            let name = family.sample_name(sample);
            samples.push(format!(
                "{name} {labels:?} {value:?} {:?}",
                sample.timestamp()
            ));
        }
    }
    samples.sort();
    samples
}

#[test]
fn promtool_accepts_default_metrics_that_were_converted() {
    let Some(promtool) = Promtool::find() else {
        return;
    };
    for (file, _) in CLIENTS {
        let (families, _) = read(file);
        let (document, _) = converted(&families, Format::Prometheus);
        let checked = promtool.check(document.text.as_bytes());
        assert_eq!(checked, Ok(()), "{file}");
    }
}

#[test]
fn python_reads_default_metrics_that_were_converted_as_we_do() {
    let Some(python) = Python::find() else {
        return;
    };
    for format in [Format::OpenMetrics, Format::Prometheus] {
        let documents = CLIENTS.map(|(file, _)| converted(&read(file).0, format).0);
        let answers = python.read(&documents);
        for (answer, document) in answers.into_iter().zip(&documents) {
            let families = parse_strictly(document.text.as_bytes(), format);
            let expected = describe_for_python(&families, format);
            let answer = answer.map(|answer| answer.samples);
            assert_eq!(answer, Ok(expected.samples), "{document:?}");
        }
    }
}
