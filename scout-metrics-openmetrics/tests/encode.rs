//! The output of the encoder, and what it refuses because it would be lost.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

use std::{error::Error as _, slice};

use scout_metrics_openmetrics::{
    EncodeError, Exemplar, Format, LabelSet, MetricFamily, MetricType, Sample, Suffix, Timestamp,
    encode_families,
};

fn family(name: &str, kind: MetricType) -> MetricFamily {
    MetricFamily::new(name, kind)
}

fn sample(suffix: Suffix, value: f64) -> Sample {
    Sample::new(suffix, LabelSet::new(), value)
}

fn written(families: &[MetricFamily], format: Format) -> String {
    let exposition = encode_families(families, format).unwrap();
    String::from_utf8(exposition.into_body().to_vec()).unwrap()
}

fn refused(family: MetricFamily, format: Format) -> String {
    let error = encode_families(&[family], format).unwrap_err();
    with_source(&error)
}

fn with_source(error: &EncodeError) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[test]
fn writes_the_parts_of_a_family_in_the_order_of_the_format() {
    let up = family("up_ratio", MetricType::Gauge)
        .with_help("Say \"up\" or \\ and\na line feed.")
        .with_sample(sample(Suffix::None, 0.5).with_timestamp(Timestamp::from_millis(1500)));
    assert_eq!(
        written(slice::from_ref(&up), Format::Prometheus),
        "# HELP up_ratio Say \"up\" or \\\\ and\\na line feed.\n\
         # TYPE up_ratio gauge\n\
         up_ratio 0.5 1500\n"
    );
    assert_eq!(
        written(&[up.with_unit("ratio")], Format::OpenMetrics),
        "# TYPE up_ratio gauge\n\
         # UNIT up_ratio ratio\n\
         # HELP up_ratio Say \\\"up\\\" or \\\\ and\\na line feed.\n\
         up_ratio 0.5 1.5\n\
         # EOF\n"
    );
    assert_eq!(written(&[], Format::OpenMetrics), "# EOF\n");
    assert_eq!(written(&[], Format::Prometheus), "");
}

#[test]
fn writes_exemplars_and_quoted_names() {
    let labels = LabelSet::from([("le", "+Inf"), ("a.b", "\"\\\n")]);
    let exemplar = Exemplar::new(LabelSet::from([("trace id", "x")]), 0.25)
        .with_timestamp(Timestamp::from_nanos(-1).unwrap());
    let histogram = family("a.seconds", MetricType::Histogram)
        .with_sample(Sample::new(Suffix::Bucket, labels, 1.0).with_exemplar(exemplar));
    assert_eq!(
        written(&[histogram], Format::OpenMetrics),
        "# TYPE \"a.seconds\" histogram\n\
         {\"a.seconds_bucket\",le=\"+Inf\",\"a.b\"=\"\\\"\\\\\\n\"} 1 # {\"trace id\"=\"x\"} 0.25 -0.000000001\n\
         # EOF\n"
    );
}

#[test]
fn writes_a_counter_in_the_way_of_the_format() {
    for (name, suffix) in [("a", Suffix::Total), ("a_total", Suffix::None)] {
        let counter = [family(name, MetricType::Counter).with_sample(sample(suffix, 1.0))];
        assert_eq!(
            written(&counter, Format::OpenMetrics),
            "# TYPE a counter\na_total 1\n# EOF\n"
        );
        assert_eq!(
            written(&counter, Format::Prometheus),
            "# TYPE a_total counter\na_total 1\n"
        );
    }
}

#[test]
fn refuses_what_prometheus_text_has_no_way_to_say() {
    let gauge = || family("a_seconds", MetricType::Gauge);
    let nanos = Timestamp::new(0, 1).unwrap();
    let exemplar = Exemplar::new(LabelSet::new(), 1.0);
    let counter = sample(Suffix::Total, 1.0).with_exemplar(exemplar);
    for (family, message) in [
        (
            family("a", MetricType::Info),
            "the family `a` cannot be written as prometheus-text-0.0.4: the format has no type info",
        ),
        (
            gauge().with_unit("seconds"),
            "the family `a_seconds` cannot be written as prometheus-text-0.0.4: the format has no units",
        ),
        (
            gauge().with_sample(sample(Suffix::None, 1.0).with_timestamp(nanos)),
            "the family `a_seconds` cannot be written as prometheus-text-0.0.4: a timestamp has to be whole milliseconds",
        ),
        (
            family("a", MetricType::Counter).with_sample(counter),
            "the family `a` cannot be written as prometheus-text-0.0.4: the format has no exemplars",
        ),
        (
            family("a", MetricType::Summary).with_sample(sample(Suffix::Created, 1.0)),
            "the family `a` cannot be written as prometheus-text-0.0.4: the format has no time of creation",
        ),
        (
            gauge().with_help(" leading blank"),
            "the family `a_seconds` cannot be written as prometheus-text-0.0.4: a help text cannot start with a blank",
        ),
    ] {
        assert_eq!(refused(family, Format::Prometheus), message);
    }
}

#[test]
fn refuses_what_would_be_read_as_something_else() {
    for format in [Format::OpenMetrics, Format::Prometheus] {
        let bucket = family("a", MetricType::Gauge).with_sample(sample(Suffix::Bucket, 1.0));
        assert_eq!(
            refused(bucket, format),
            format!(
                "the family `a` cannot be written as {format}: a reader would read another family"
            )
        );
    }
    let injected = family("a_x", MetricType::Gauge).with_unit("x\n# TYPE b gauge\nb 1");
    assert_eq!(
        refused(injected, Format::OpenMetrics),
        "the family `a_x` cannot be written as openmetrics-1.0: its unit is not the end of its name"
    );
}

#[test]
fn refuses_families_that_break_a_rule_together() {
    let gauge = || family("a", MetricType::Gauge);
    let error = encode_families(&[gauge(), gauge()], Format::OpenMetrics).unwrap_err();
    assert_eq!(
        with_source(&error),
        "the families break a rule of the format: the family `a` has a second TYPE, with the same type (line 2, column 1)"
    );
    let negative = family("a", MetricType::Counter).with_sample(sample(Suffix::Total, -1.0));
    assert_eq!(
        refused(negative, Format::OpenMetrics),
        "the families break a rule of the format: the counter `a_total` has the value -1, expected zero or more (line 2, column 9)"
    );
    let both = family("a_total", MetricType::Counter)
        .with_sample(sample(Suffix::None, 1.0))
        .with_sample(sample(Suffix::Total, 1.0));
    assert_eq!(
        refused(both.clone(), Format::OpenMetrics),
        "the family `a_total` cannot be written as openmetrics-1.0: the name of a counter has to end in `_total`"
    );
    assert_eq!(
        refused(both, Format::Prometheus),
        "the family `a_total` cannot be written as prometheus-text-0.0.4: the samples of a counter have to have one name"
    );
}

#[test]
fn says_what_a_value_is_in_the_shortest_way() {
    let values = [
        (0.0, "0"),
        (-0.0, "-0.0"),
        (1.0, "1"),
        (-17.0, "-17"),
        (0.1, "0.1"),
        (1e21, "1e+21"),
        (5e-324, "5e-324"),
        (9_007_199_254_740_992.0, "9007199254740992"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
    ];
    for (value, text) in values {
        let gauge = family("a", MetricType::Gauge).with_sample(sample(Suffix::None, value));
        assert_eq!(
            written(&[gauge], Format::Prometheus),
            format!("# TYPE a gauge\na {text}\n")
        );
    }
}
