//! Families in formats of serde: nothing is lost, and what no exposition can contain is refused.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use proptest::{collection::vec, option, prelude::*};
use scout_metrics_openmetrics::{
    CompositeValue, Exemplar, Format, HistogramValue, LabelSet, MetricFamily, MetricType, Mode,
    NativeBuckets, NativeHistogram, ParseOptions, Rule, Sample, Suffix, SummaryValue, Timestamp,
    parse_families,
};
use serde_json::{Value, json};
use support::{
    cases::CaseFile,
    model::{Style, families, value},
};

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

    #[test]
    fn composite_values_read_back(samples in vec(composite_sample(), 0..4)) {
        let family = MetricFamily::new("a", MetricType::Unknown);
        let family = samples.into_iter().fold(family, MetricFamily::with_sample);
        check_round_trip(&[family])?;
    }
}

#[test]
fn what_is_read_from_the_cases_reads_back() {
    let mut composites = 0;
    for file in CaseFile::all() {
        for case in file.cases {
            let Ok(families) = parse_families(&case.input, &case.options) else {
                continue;
            };
            let samples = families.iter().flat_map(MetricFamily::samples);
            composites += samples
                .filter(|sample| sample.composite().is_some())
                .count();
            check_round_trip(families.as_slice()).unwrap();
        }
    }
    assert!(composites > 100, "{composites}");
}

fn pairs() -> impl Strategy<Value = Vec<(f64, f64)>> {
    vec((value(), value()), 0..4)
}

fn native() -> impl Strategy<Value = NativeHistogram> {
    let side = || vec((0..9, value()), 0..4);
    (side(), side(), -4i8..=8, 0.0..1e300, value()).prop_map(
        |(positive, negative, schema, threshold, zeros)| {
            let buckets = |side: Vec<(i32, f64)>| {
                let indexes = side.iter().scan(-20, |index, (gap, _)| {
                    *index += 1 + gap;
                    Some(*index)
                });
                let counts = side.iter().map(|(_, count)| *count);
                NativeBuckets::from_counts(indexes.zip(counts)).unwrap()
            };
            let native = NativeHistogram::new(schema, buckets(positive)).unwrap();
            let native = native.with_negative(buckets(negative));
            native.with_zero_bucket(threshold, zeros).unwrap()
        },
    )
}

fn histogram() -> impl Strategy<Value = HistogramValue> {
    (value(), option::of(value()), pairs(), option::of(native())).prop_map(
        |(count, sum, buckets, native)| {
            let histogram = HistogramValue::new(count).with_buckets(buckets);
            let histogram = match sum {
                Some(sum) => histogram.with_sum(sum),
                None => histogram,
            };
            match native {
                Some(native) => histogram.with_native(native),
                None => histogram,
            }
        },
    )
}

fn summary() -> impl Strategy<Value = SummaryValue> {
    (option::of(value()), option::of(value()), pairs()).prop_map(|(count, sum, quantiles)| {
        let summary = SummaryValue::new().with_quantiles(quantiles);
        let summary = count.map_or(summary.clone(), |count| summary.with_count(count));
        sum.map_or(summary.clone(), |sum| summary.with_sum(sum))
    })
}

fn composite_sample() -> impl Strategy<Value = Sample> {
    let composite = prop_oneof![
        histogram().prop_map(CompositeValue::GaugeHistogram),
        histogram().prop_map(CompositeValue::Histogram),
        summary().prop_map(CompositeValue::Summary),
    ];
    let exemplars = vec(
        value().prop_map(|value| Exemplar::new(LabelSet::new(), value)),
        0..3,
    );
    (option::of(composite), option::of(any::<i64>()), exemplars).prop_map(
        |(composite, start, exemplars)| {
            let sample = Sample::new(Suffix::None, LabelSet::new(), 1.0).with_exemplars(exemplars);
            let sample = match start {
                Some(start) => sample.with_start_timestamp(Timestamp::from_millis(start)),
                None => sample,
            };
            match composite {
                Some(composite) => sample.with_composite(composite),
                None => sample,
            }
        },
    )
}

#[test]
fn composite_values_are_objects_with_their_type() {
    let native = NativeHistogram::new(3, NativeBuckets::from_counts([(-1, 2.0)]).unwrap());
    let native = native.unwrap().with_zero_bucket(0.5, 1.0).unwrap();
    let histogram = HistogramValue::new(3.0)
        .with_sum(f64::NAN)
        .with_buckets([(0.5, 1.0), (f64::INFINITY, 3.0)]);
    let sample = Sample::new(Suffix::None, LabelSet::new(), 0.0)
        .with_start_timestamp(Timestamp::from_millis(1500));
    let of = |composite| to_json(&sample.clone().with_composite(composite));
    let json = of(CompositeValue::GaugeHistogram(
        histogram.clone().with_native(native),
    ));
    assert_eq!(json["start_timestamp"], "1.5");
    assert_eq!(json["value"], "3.0");
    assert_eq!(
        json["composite"],
        json!({"gaugehistogram": {
            "count": "3.0",
            "sum": "NaN",
            "buckets": [["0.5", "1.0"], ["+Inf", "3.0"]],
            "native": {
                "schema": 3,
                "zero_threshold": "0.5",
                "zero_count": "1.0",
                "positive": {"spans": [[-1, 1]], "counts": ["2.0"]},
                "negative": {"spans": [], "counts": []},
            },
        }})
    );
    let json = of(CompositeValue::Histogram(histogram));
    assert_eq!(json["composite"]["histogram"]["native"], Value::Null);
    let summary = SummaryValue::new().with_quantiles([(0.5, f64::NAN)]);
    let json = of(CompositeValue::Summary(summary));
    assert_eq!(
        json["composite"],
        json!({"summary": {"count": null, "sum": null, "quantiles": [["0.5", "NaN"]]}})
    );
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
        (
            json!({"value": "1", "composite": {"histogram": {"count": "2", "buckets": [], "sum": null, "native": null}}}),
            "the value is not the count of the composite value",
        ),
        (
            json!({"value": "1", "composite": {"gauge": {}}}),
            "unknown variant `gauge`, expected one of `gaugehistogram`, `histogram`, `summary`",
        ),
        (
            json!({"value": "1", "composite": {"summary": {"count": "1", "sum": "1", "quantile": []}}}),
            "unknown field `quantile`",
        ),
        (json!({}), "missing field `value`"),
    ] {
        let error = refused::<Sample>(&json);
        assert!(error.starts_with(message), "{error}");
    }
}
