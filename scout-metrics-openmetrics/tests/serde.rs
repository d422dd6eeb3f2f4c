//! Families in formats of serde: nothing is lost, and what no exposition can contain is refused.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use proptest::prelude::*;
use scout_metrics_openmetrics::{
    Exemplar, Format, LabelSet, MetricFamily, MetricType, Mode, ParseOptions, Rule, Sample, Suffix,
    Timestamp, parse_families,
};
use serde_json::{Value, json};
use support::model::{Style, families};

fn to_json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

fn refused<T: serde::de::DeserializeOwned + std::fmt::Debug>(json: &Value) -> String {
    serde_json::from_str::<T>(&json.to_string())
        .unwrap_err()
        .to_string()
}

/// Checks that families read back from JSON and from a format that is not self-describing.
fn check_round_trip(families: &[MetricFamily]) -> Result<(), TestCaseError> {
    let json = serde_json::to_string(families).unwrap();
    let read: Vec<MetricFamily> = serde_json::from_str(&json).unwrap();
    prop_assert_eq!(&read, families);
    let bytes = postcard::to_allocvec(families).unwrap();
    let read: Vec<MetricFamily> = postcard::from_bytes(&bytes).unwrap();
    prop_assert_eq!(&read, families);
    Ok(())
}

/// Few cases, because all tests together have to be quick.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(40)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn families_read_back(
        openmetrics in families(Format::OpenMetrics, Style::Any, 0..4),
        prometheus in families(Format::Prometheus, Style::Any, 0..4),
    ) {
        check_round_trip(&openmetrics)?;
        check_round_trip(&prometheus)?;
    }
}

#[test]
fn a_sample_has_all_of_its_parts() {
    let exemplar = Exemplar::new(LabelSet::from([("trace_id", "x")]), 0.25)
        .with_timestamp(Timestamp::new(-1, 999_999_999).unwrap());
    let sample = Sample::new(Suffix::Bucket, LabelSet::from([("le", "+Inf")]), 1.0)
        .with_timestamp(Timestamp::from_millis(1500))
        .with_exemplar(exemplar);
    let family = MetricFamily::new("a_seconds", MetricType::Histogram)
        .with_help("Say \"a\".\n")
        .with_unit("seconds")
        .with_sample(sample);
    assert_eq!(
        to_json(&family),
        json!({
            "name": "a_seconds",
            "type": "histogram",
            "help": "Say \"a\".\n",
            "unit": "seconds",
            "samples": [{
                "suffix": "_bucket",
                "labels": {"le": "+Inf"},
                "value": "1.0",
                "timestamp": "1.5",
                "exemplar": {"labels": {"trace_id": "x"}, "value": "0.25", "timestamp": "-0.000000001"},
            }],
        })
    );
}

#[test]
fn values_are_exact_and_have_nan_and_infinities() {
    let json = |value| to_json(&Sample::new(Suffix::None, LabelSet::new(), value))["value"].clone();
    for (value, text) in [
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (-0.0, "-0.0"),
        (9_007_199_254_740_992.0, "9007199254740992.0"),
        (5e-324, "5e-324"),
    ] {
        assert_eq!(json(value), text);
        let sample: Sample = serde_json::from_value(json!({"value": text})).unwrap();
        assert_eq!(sample, Sample::new(Suffix::None, LabelSet::new(), value));
    }
}

#[test]
fn values_may_be_numbers() {
    for (number, value) in [(json!(1), 1.0), (json!(-1), -1.0), (json!(0.5), 0.5)] {
        let sample: Sample = serde_json::from_value(json!({"value": number})).unwrap();
        assert_eq!(sample.value(), value);
    }
}

#[test]
fn labels_keep_their_order_and_their_duplicates() {
    let labels = LabelSet::from([("b", "1"), ("a", "2")]);
    let text = serde_json::to_string(&labels).unwrap();
    assert_eq!(text, r#"{"b":"1","a":"2"}"#);
    assert_eq!(serde_json::from_str::<LabelSet>(&text).unwrap(), labels);

    let labels = LabelSet::from([("b", "1"), ("a", "2"), ("b", "3")]);
    let text = serde_json::to_string(&labels).unwrap();
    assert_eq!(text, r#"[["b","1"],["a","2"],["b","3"]]"#);
    assert_eq!(serde_json::from_str::<LabelSet>(&text).unwrap(), labels);

    // Also where an object has a name twice, which JSON allows.
    let text = r#"{"b":"1","b":"3"}"#;
    let labels = LabelSet::from([("b", "1"), ("b", "3")]);
    assert_eq!(serde_json::from_str::<LabelSet>(text).unwrap(), labels);
}

#[test]
fn deviations_and_errors_have_their_place_in_fields() {
    let text = b"# TYPE purchases counter\npurchases{product=\"foo\",product=\"bar\"} 1\n";
    let options = ParseOptions::new(Format::Prometheus);
    let families = parse_families(text, &options).unwrap();
    let json = to_json(&families);
    assert_eq!(
        json["deviations"],
        json!([{
            "rule": "duplicate_label",
            "line": 2,
            "column": families.deviations()[0].column,
            "message": families.deviations()[0].message(),
        }])
    );
    assert_eq!(json["deviation_count"], 1);
    assert_eq!(
        json["families"][0]["samples"][0]["labels"],
        json!([["product", "foo"], ["product", "bar"]])
    );

    let error = parse_families(text, &options.with_mode(Mode::Strict)).unwrap_err();
    assert_eq!(
        to_json(&error),
        json!({
            "kind": "syntax",
            "rule": Rule::DuplicateLabel.id(),
            "line": 2,
            "column": error.position().column,
            "offset": error.position().offset,
            "message": error.message(),
        })
    );
}

#[test]
fn what_no_exposition_can_contain_is_refused() {
    for (json, message) in [
        (
            json!({"name": "", "type": "gauge"}),
            "the name of a family is empty",
        ),
        (
            json!({"name": "a", "type": "gage"}),
            "invalid value: string \"gage\", expected a type of metrics such as `counter`",
        ),
        (
            json!({"name": "a", "type": "gauge", "units": "seconds"}),
            "unknown field `units`, expected one of `name`, `type`, `help`, `unit`, `samples`",
        ),
        (json!({"type": "gauge"}), "missing field `name`"),
    ] {
        let error = refused::<MetricFamily>(&json);
        assert!(error.starts_with(message), "{error}");
    }
    for (json, message) in [
        (
            json!({"value": "1e400"}),
            "invalid value: string \"1e400\", expected a 64-bit float as text, such as `1.5`, `NaN` or `+Inf`",
        ),
        (
            json!({"value": "1", "suffix": "total"}),
            "invalid value: string \"total\", expected a suffix such as `_total`, or nothing",
        ),
        (
            json!({"value": "1", "timestamp": "NaN"}),
            "invalid value: string \"NaN\", expected seconds since the Unix epoch as text, such as `1520879607.789`",
        ),
        (
            json!({"value": "1", "timestamp": 1500}),
            "invalid type: integer `1500`",
        ),
        (
            json!({"value": "1", "labels": {"": "a"}}),
            "the name of a label is empty",
        ),
        (
            json!({"value": "1", "labels": "a"}),
            "invalid type: string \"a\"",
        ),
        (json!({"value": "1", "start": "1"}), "unknown field `start`"),
        (json!({}), "missing field `value`"),
    ] {
        let error = refused::<Sample>(&json);
        assert!(error.starts_with(message), "{error}");
    }
}
