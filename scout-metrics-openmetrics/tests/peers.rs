//! Our output is read alike by the reference implementations: `promtool` of Prometheus, and prometheus_client of
//! Python.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use scout_metrics_openmetrics::{
    ContentType, EscapingScheme, Format, MetricFamily, Mode, ParseOptions, Sample, encode_families,
    parse_families, transcode_lossy,
};
use support::{
    model::{Style, families},
    peers::{Document, Promtool, Python, describe_for_python},
};

/// Families from a fixed seed, so that a failure stays.
fn models(format: Format, models: usize, families_each: usize) -> Vec<Vec<MetricFamily>> {
    let mut runner = TestRunner::deterministic();
    let strategy = families(format, Style::Plain, 0..families_each);
    (0..models)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

#[test]
fn promtool_reads_what_we_write() {
    let Some(promtool) = Promtool::find() else {
        return;
    };
    let mut expositions = 0;
    for families in models(Format::OpenMetrics, 12, 30) {
        let families: Vec<_> = families
            .into_iter()
            .filter_map(in_prometheus_text)
            .collect();
        let exposition = encode_families(&families, Format::Prometheus).unwrap();
        let checked = promtool.check(exposition.body());
        assert_eq!(checked, Ok(()), "{:?}", exposition.body());
        expositions += 1;
    }
    assert_eq!(expositions, 12);
}

#[test]
fn promtool_reads_the_series_of_openmetrics_2() {
    let Some(promtool) = Promtool::find() else {
        return;
    };
    // This version of promtool does not know quoted names.
    let plain = ContentType::TEXT_0_0_4.with_escaping(EscapingScheme::Values);
    let mut composites = 0;
    for families in models(Format::OpenMetrics, 6, 30) {
        let (exposition, _) = transcode_lossy(&families, Format::OpenMetrics2).unwrap();
        let options = ParseOptions::new(Format::OpenMetrics2).with_mode(Mode::Strict);
        let read = parse_families(exposition.body(), &options).unwrap();
        let samples = read.iter().flat_map(MetricFamily::samples);
        composites += samples.filter(|it| it.composite().is_some()).count();
        let (series, _) = transcode_lossy(read.as_slice(), plain).unwrap();
        assert_eq!(promtool.check(series.body()), Ok(()), "{:?}", series.body());
    }
    assert!(
        composites > 20,
        "{composites} composite values prove little"
    );
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
    let Some(python) = Python::find() else {
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
    let documents: Vec<Document> = cases
        .iter()
        .map(|(format, families)| {
            let exposition = encode_families(families, *format).unwrap();
            let text = String::from_utf8(exposition.body().to_vec()).unwrap();
            Document {
                format: *format,
                text,
            }
        })
        .collect();
    let mut samples = 0;
    let answers = python.read(&documents).into_iter().zip(&documents);
    for ((answer, document), (format, families)) in answers.zip(&cases) {
        let expected = describe_for_python(families, *format);
        samples += expected.samples.len();
        let answer = answer.map(|answer| answer.samples);
        assert_eq!(answer, Ok(expected.samples), "{document:?}");
    }
    assert!(samples > 500, "{samples} samples prove little");
}
