//! The protobuf format: messages made by hand, families there and back, and hostile bytes.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use std::{fmt::Write as _, slice};

use proptest::prelude::*;
use scout_metrics_openmetrics::{
    Bucket, CompositeValue, ContentType, EncodeErrorKind, Encoder, Exemplar, Format, Histogram,
    HistogramValue, LabelSet, Limit, Limits, MetricFamily, MetricType, Mode, NativeBuckets,
    NativeHistogram, ParseErrorKind, ParseOptions, Parser as TextParser, Rule, Sample, Suffix,
    SummaryValue, Timestamp, encode_families, parse_families,
    protobuf::{ExemplarRef, MetricValue, Parser},
    transcode, transcode_lossy,
};
use serde_json::{Value, json};
use support::{
    model::{Style, families},
    peers::{find_python, run},
    scrape::scrape_native,
};

/// A field of wire type 2.
fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    let mut out = varint(u64::from(field) << 3 | 2);
    out.extend(varint(content.len() as u64));
    out.extend(content);
    out
}

fn integer(field: u8, number: u64) -> Vec<u8> {
    [vec![field << 3], varint(number)].concat()
}

fn double(field: u8, number: f64) -> Vec<u8> {
    [vec![field << 3 | 1], number.to_le_bytes().to_vec()].concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number > 0x7F {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out
}

fn delimited(message: &[u8]) -> Vec<u8> {
    [varint(message.len() as u64), message.to_vec()].concat()
}

fn label(name: &str, value: &str) -> Vec<u8> {
    bytes(
        1,
        &[bytes(1, name.as_bytes()), bytes(2, value.as_bytes())].concat(),
    )
}

/// A family of one metric whose value is in a field.
fn family(kind: u64, value_field: u8, value: &[u8]) -> Vec<u8> {
    let metric = [label("job", "api"), bytes(value_field, value)].concat();
    delimited(&[bytes(1, b"x"), integer(3, kind), bytes(4, &metric)].concat())
}

fn options() -> ParseOptions {
    ParseOptions::new(Format::Protobuf)
}

fn read(exposition: &[u8]) -> Vec<MetricFamily> {
    parse_families(exposition, &options()).unwrap().into_vec()
}

#[test]
fn each_type_is_read() {
    let job = || LabelSet::from([("job", "api")]);
    let sample = |value| vec![Sample::new(Suffix::None, job(), value)];
    let composite = |value| vec![Sample::new(Suffix::None, job(), 0.0).with_composite(value)];
    for (kind, field, value, expected_kind, samples) in [
        (0, 3, double(1, 7.0), MetricType::Counter, sample(7.0)),
        (1, 2, double(1, -7.5), MetricType::Gauge, sample(-7.5)),
        (3, 5, double(1, 1.0), MetricType::Unknown, sample(1.0)),
        (
            2,
            4,
            [
                integer(1, 3),
                double(2, 6.0),
                bytes(3, &[double(1, 0.5), double(2, 2.0)].concat()),
            ]
            .concat(),
            MetricType::Summary,
            composite(CompositeValue::Summary(
                SummaryValue::new()
                    .with_count(3.0)
                    .with_sum(6.0)
                    .with_quantiles([(0.5, 2.0)]),
            )),
        ),
        (
            5,
            7,
            [
                double(4, 1.5),
                double(2, 6.0),
                bytes(3, &[double(4, 1.5), double(2, 1.0)].concat()),
            ]
            .concat(),
            MetricType::GaugeHistogram,
            composite(CompositeValue::GaugeHistogram(
                HistogramValue::new(1.5)
                    .with_sum(6.0)
                    .with_buckets([(1.0, 1.5)]),
            )),
        ),
    ] {
        let [family] = &read(&family(kind, field, &value))[..] else {
            panic!("one family is expected")
        };
        assert_eq!(family.kind(), expected_kind);
        assert_eq!(family.samples(), samples);
        let written = encode_families(slice::from_ref(family), Format::Protobuf).unwrap();
        assert_eq!(&read(written.body())[0], family);
    }
}

#[test]
fn a_counter_has_an_exemplar_and_a_start_timestamp() {
    let time = |seconds, nanos| [integer(1, seconds), integer(2, nanos)].concat();
    let exemplar = [
        label("trace_id", "a"),
        double(2, 0.5),
        bytes(3, &time(20, 500_000_000)),
    ]
    .concat();
    let counter = [
        double(1, 7.0),
        bytes(2, &exemplar),
        bytes(3, &time(10, 250_000_000)),
    ]
    .concat();
    let metric = [bytes(3, &counter), integer(6, 1500)].concat();
    let family = [
        bytes(4, &metric),
        bytes(1, b"hits_total"),
        bytes(2, b"Hits."),
        bytes(5, b"hits"),
    ]
    .concat();
    let [family] = &read(&delimited(&family))[..] else {
        panic!("one family is expected")
    };
    assert_eq!(
        (family.name(), family.help(), family.unit()),
        ("hits_total", "Hits.", "hits")
    );
    let at = Timestamp::from_millis(1500);
    let exemplar = Exemplar::new(LabelSet::from([("trace_id", "a")]), 0.5);
    let exemplar = exemplar.with_timestamp(Timestamp::from_millis(20_500));
    let total = Sample::new(Suffix::None, LabelSet::new(), 7.0)
        .with_timestamp(at)
        .with_start_timestamp(Timestamp::from_millis(10_250))
        .with_exemplar(exemplar);
    assert_eq!(family.samples(), [total]);
    let written = encode_families(slice::from_ref(family), Format::Protobuf).unwrap();
    assert_eq!(&read(written.body())[0], family);
}

/// Native buckets with whole numbers, whose differences may be packed into one field.
#[test]
fn native_histograms_are_read_from_differences_and_from_counts() {
    let span = |offset: i64, length| {
        [
            integer(1, (offset << 1 ^ offset >> 63) as u64),
            integer(2, length),
        ]
        .concat()
    };
    let deltas = |deltas: &[i64]| -> Vec<Vec<u8>> {
        deltas
            .iter()
            .map(|delta| varint((delta << 1 ^ delta >> 63) as u64))
            .collect()
    };
    let spans = [bytes(12, &span(-1, 2)), bytes(12, &span(3, 1))].concat();
    let counts: Vec<_> = [3.0, 1.0, 6.0]
        .iter()
        .flat_map(|count: &f64| count.to_le_bytes())
        .collect();
    for buckets in [
        bytes(13, &deltas(&[3, -2, 5]).concat()),
        deltas(&[3, -2, 5])
            .iter()
            .flat_map(|delta| [vec![13 << 3], delta.clone()].concat())
            .collect(),
        bytes(14, &counts),
        [3.0, 1.0, 6.0]
            .iter()
            .flat_map(|count| double(14, *count))
            .collect(),
    ] {
        let histogram = [
            integer(1, 12),
            double(2, 20.5),
            integer(5, 3 << 1),
            double(6, 0.001),
            integer(7, 2),
            spans.clone(),
            buckets,
        ]
        .concat();
        let [family] = &read(&family(4, 7, &histogram))[..] else {
            panic!("one family is expected")
        };
        let positive = NativeBuckets::from_counts([(-1, 3.0), (0, 1.0), (4, 6.0)]).unwrap();
        let expected = NativeHistogram::new(3, positive).unwrap();
        let expected = expected
            .with_zero_bucket(0.001, 2.0)
            .unwrap()
            .with_sum(20.5);
        let [sample] = family.samples() else {
            panic!("one sample is expected")
        };
        assert_eq!(sample.native_histogram(), Some(&expected));
        assert_eq!(sample.value(), 12.0);
        let [histogram] = &family.histograms().unwrap()[..] else {
            panic!("one histogram is expected")
        };
        assert_eq!((histogram.count(), histogram.sum()), (12.0, Some(20.5)));
        let written = encode_families(slice::from_ref(family), Format::Protobuf).unwrap();
        assert_eq!(&read(written.body())[0], family);
    }
}

#[test]
fn a_histogram_may_have_both_kinds_of_buckets() {
    let positive = NativeBuckets::from_counts([(1, 1.0), (2, 1.5)]).unwrap();
    let exemplar = |value| Exemplar::new(LabelSet::from([("trace_id", "a")]), value);
    let negative = NativeBuckets::from_counts([(0, 2.5)]).unwrap();
    let native = NativeHistogram::new(-4, positive)
        .unwrap()
        .with_negative(negative)
        .with_sum(9.0);
    let histogram = Histogram::builder()
        .with_labels([("job", "api")])
        .with_buckets([
            Bucket::new(1.0, 2.0).with_exemplar(exemplar(0.5)),
            Bucket::new(f64::INFINITY, 5.0),
        ])
        .with_sum(9.0)
        .with_created(1.5)
        .with_native(native.clone())
        .with_other_exemplars([exemplar(3.0), exemplar(4.0)])
        .build()
        .unwrap();
    let family = MetricFamily::histogram("x", [histogram.clone()]).unwrap();
    let exposition = encode_families(slice::from_ref(&family), ContentType::PROTOBUF).unwrap();
    assert_eq!(exposition.format(), Format::Protobuf);
    assert_eq!(read(exposition.body())[0], family.to_composite().unwrap());
    assert_eq!(family.histograms().unwrap(), [histogram]);

    let mut parser = Parser::new(exposition.body());
    let mut family_ref = parser.next_family().unwrap().unwrap();
    let metric = family_ref.next_metric().unwrap().unwrap();
    let MetricValue::Histogram(histogram) = metric.value() else {
        panic!("a histogram is expected")
    };
    assert_eq!(histogram.native().unwrap().to_histogram().unwrap(), native);
    // One is in the bucket `+Inf`, which was free.
    assert_eq!(histogram.exemplars().count(), 1);
    let bounds: Vec<_> = histogram
        .buckets()
        .map(|bucket| (bucket.upper_bound, bucket.cumulative_count))
        .collect();
    assert_eq!(bounds, [(1.0, 2.0), (f64::INFINITY, 5.0)]);

    // The others have no native histograms.
    let error = encode_families(slice::from_ref(&family), Format::OpenMetrics).unwrap_err();
    assert_eq!(error.kind(), EncodeErrorKind::NotExpressible);
    let (_, losses) = transcode_lossy(&[family], Format::OpenMetrics).unwrap();
    let losses: Vec<_> = losses.iter().map(ToString::to_string).collect();
    assert_eq!(
        losses,
        [
            "family `x`: 1 native histogram is written without native buckets",
            "family `x`: 2 exemplars are left out",
        ]
    );
}

/// A histogram with an exemplar of the trace `name` for each value.
fn with_exemplars(histogram: HistogramValue, exemplars: &[(&str, f64)]) -> MetricFamily {
    let exemplars = exemplars.iter().map(|(name, value)| {
        let labels = LabelSet::from([("trace_id", *name)]);
        Exemplar::new(labels, *value)
    });
    let sample = Sample::new(Suffix::None, LabelSet::new(), 0.0)
        .with_composite(CompositeValue::Histogram(histogram))
        .with_exemplars(exemplars);
    MetricFamily::new("x", MetricType::Histogram).with_sample(sample)
}

/// Returns the traces of the exemplars in each bucket, and of those of the native histogram.
fn traces(exposition: &[u8]) -> (Vec<&str>, Vec<&str>) {
    let mut parser = Parser::new(exposition);
    let mut family = parser.next_family().unwrap().unwrap();
    let metric = family.next_metric().unwrap().unwrap();
    let MetricValue::Histogram(histogram) = metric.value() else {
        panic!("a histogram is expected")
    };
    fn trace<'a>(exemplar: ExemplarRef<'_, 'a>) -> &'a str {
        exemplar.labels()[0].1
    }
    let in_buckets = histogram.buckets();
    let in_buckets = in_buckets.map(|bucket| bucket.exemplar.map_or("", trace));
    (
        in_buckets.collect(),
        histogram.exemplars().map(trace).collect(),
    )
}

#[test]
fn an_exemplar_goes_to_a_bucket_that_holds_it() {
    let classic = || {
        HistogramValue::new(9.0).with_sum(1.0).with_buckets([
            (1.0, 2.0),
            (2.0, 5.0),
            (f64::INFINITY, 9.0),
        ])
    };
    let positive = NativeBuckets::from_counts([(1, 9.0)]).unwrap();
    let both = || classic().with_native(NativeHistogram::new(0, positive.clone()).unwrap());
    for (histogram, exemplars, in_buckets, others) in [
        (
            classic(),
            &[("a", 5.0), ("b", 1.0)][..],
            ["b", "", "a"],
            &[][..],
        ),
        (classic(), &[("a", 0.5), ("b", 0.7)], ["a", "b", ""], &[]),
        (classic(), &[("a", 1.5), ("b", 1.5)], ["", "a", "b"], &[]),
        (classic(), &[("a", f64::NAN)], ["a", "", ""], &[]),
        (
            both(),
            &[("a", 0.5), ("b", 0.7), ("c", 5.0)],
            ["a", "", "c"],
            &["b"],
        ),
        (
            both(),
            &[("a", 7.0), ("b", 8.0), ("c", 0.5)],
            ["c", "", "a"],
            &["b"],
        ),
    ] {
        let family = with_exemplars(histogram, exemplars);
        let written = encode_families(slice::from_ref(&family), Format::Protobuf).unwrap();
        assert_eq!(
            traces(written.body()),
            (in_buckets.to_vec(), others.to_vec())
        );
        let read = read(written.body());
        let again = encode_families(&read, Format::Protobuf).unwrap();
        assert_eq!(again.body(), written.body());
    }
    let family = with_exemplars(classic(), &[("a", 7.0), ("b", 8.0)]);
    let error = encode_families(&[family], Format::Protobuf).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the family `x` cannot be written as prometheus-protobuf: an exemplar needs a bucket that holds it and no other exemplar"
    );
}

#[test]
fn an_empty_native_histogram_is_one() {
    let native = NativeHistogram::new(3, NativeBuckets::default()).unwrap();
    let sample = Sample::new(Suffix::None, LabelSet::new(), 0.0);
    let sample = sample.with_native_histogram(native.with_sum(0.0));
    let family = MetricFamily::new("x", MetricType::Histogram).with_sample(sample);
    let written = encode_families(slice::from_ref(&family), Format::Protobuf).unwrap();
    assert_eq!(read(written.body()), [family]);
}

#[test]
fn what_a_message_does_not_say_stays_unsaid() {
    let bucket = bytes(3, &[integer(1, 2), double(2, 1.0)].concat());
    let histogram = [integer(1, 3), bucket].concat();
    let [with_buckets] = &read(&family(4, 7, &histogram))[..] else {
        panic!("one family is expected")
    };
    let [summary] = &read(&family(2, 4, &[]))[..] else {
        panic!("one family is expected")
    };
    let job = Sample::new(Suffix::None, LabelSet::from([("job", "api")]), 0.0);
    let value = HistogramValue::new(3.0).with_buckets([(1.0, 2.0)]);
    let expected = job.clone().with_composite(CompositeValue::Histogram(value));
    assert_eq!(with_buckets.samples(), [expected]);
    let expected = job.with_composite(CompositeValue::Summary(SummaryValue::new()));
    assert_eq!(summary.samples(), [expected]);
    for family in [with_buckets, summary] {
        let written = encode_families(slice::from_ref(family), Format::Protobuf).unwrap();
        assert_eq!(&read(written.body())[0], family);
    }
}

/// Google's protobuf finds all fields, each with its type, and nothing else.
#[test]
fn python_decodes_what_we_write() {
    let Some(python) = find_python("google.protobuf") else {
        return;
    };
    let time = Timestamp::from_millis(20_500);
    let exemplar = Exemplar::new(LabelSet::from([("trace_id", "a")]), 0.5).with_timestamp(time);
    let positive = NativeBuckets::from_counts([(-1, 3.0), (0, 1.0), (4, 6.0)]).unwrap();
    let native = NativeHistogram::new(-2, positive).unwrap().with_sum(20.5);
    let histogram = Histogram::builder()
        .with_buckets([
            Bucket::new(0.5, 4.0).with_exemplar(exemplar.clone()),
            Bucket::new(f64::INFINITY, 10.0),
        ])
        .with_sum(20.5)
        .with_created(10.25)
        .with_native(native)
        .with_other_exemplars([exemplar.clone()]);
    let fractions = NativeBuckets::from_counts([(0, 1.5)]).unwrap();
    let gauge_histogram =
        Histogram::builder().with_native(NativeHistogram::new(0, fractions).unwrap().with_sum(1.0));
    let job = || LabelSet::from([("job", "é\"\n")]);
    let quantile = job().with("quantile", "0.5");
    let families = [
        MetricFamily::new("hits_total", MetricType::Counter)
            .with_help("Hits.")
            .with_unit("hits")
            .with_sample(
                Sample::new(Suffix::None, job(), 7.0)
                    .with_exemplar(exemplar)
                    .with_timestamp(time),
            ),
        MetricFamily::new("up", MetricType::Gauge).with_sample(Sample::new(
            Suffix::None,
            LabelSet::new(),
            0.0,
        )),
        MetricFamily::new("odd", MetricType::Unknown).with_sample(Sample::new(
            Suffix::None,
            LabelSet::new(),
            f64::NEG_INFINITY,
        )),
        MetricFamily::new("wait", MetricType::Summary)
            .with_sample(Sample::new(Suffix::None, quantile, 2.0))
            .with_sample(Sample::new(Suffix::Count, job(), 3.0))
            .with_sample(Sample::new(Suffix::Sum, job(), 6.0)),
        MetricFamily::histogram("sizes", [histogram.build().unwrap()]).unwrap(),
        MetricFamily::gauge_histogram("queue", [gauge_histogram.build().unwrap()]).unwrap(),
    ];
    let exposition = encode_families(&families, Format::Protobuf).unwrap();
    let output = run(
        &python,
        &["-c", include_str!("support/protobuf.py")],
        exposition.body().to_vec(),
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let decoded: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let label = json!([{"name": "job", "value": "é\"\n"}]);
    let exemplar = json!({
        "label": [{"name": "trace_id", "value": "a"}], "value": 0.5, "timestamp": "1970-01-01T00:00:20.500Z"
    });
    assert_eq!(
        Value::from(decoded),
        json!([
            {"name": "hits_total", "help": "Hits.", "type": "COUNTER", "unit": "hits", "metric": [
                {"label": label, "counter": {"value": 7.0, "exemplar": exemplar}, "timestamp_ms": "20500"}
            ]},
            {"name": "up", "type": "GAUGE", "metric": [{"gauge": {"value": 0.0}}]},
            {"name": "odd", "type": "UNTYPED", "metric": [{"untyped": {"value": "-Infinity"}}]},
            {"name": "wait", "type": "SUMMARY", "metric": [{"label": label, "summary": {
                "sample_count": "3", "sample_sum": 6.0, "quantile": [{"quantile": 0.5, "value": 2.0}]
            }}]},
            {"name": "sizes", "type": "HISTOGRAM", "metric": [{"histogram": {
                "sample_count": "10",
                "sample_sum": 20.5,
                "bucket": [
                    {"cumulative_count": "4", "upper_bound": 0.5, "exemplar": exemplar},
                    {"cumulative_count": "10", "upper_bound": "Infinity"},
                ],
                "schema": -2,
                "zero_threshold": 0.0,
                "zero_count": "0",
                "positive_span": [{"offset": -1, "length": 2}, {"offset": 3, "length": 1}],
                "positive_delta": ["3", "-2", "5"],
                "created_timestamp": "1970-01-01T00:00:10.250Z",
                "exemplars": [exemplar],
            }}]},
            {"name": "queue", "type": "GAUGE_HISTOGRAM", "metric": [{"histogram": {
                "sample_count_float": 1.5,
                "sample_sum": 1.0,
                "schema": 0,
                "zero_threshold": 0.0,
                "zero_count_float": 0.0,
                "positive_span": [{"offset": 0, "length": 1}],
                "positive_count": [1.5],
            }}]},
        ])
    );
}

/// Values that Prometheus computes from what it has stored.
#[test]
fn prometheus_stores_native_histograms_that_we_write() {
    let positive = NativeBuckets::from_counts([(1, 1.0), (2, 2.0), (5, 3.0)]).unwrap();
    let negative = NativeBuckets::from_counts([(0, 4.0)]).unwrap();
    let native = NativeHistogram::new(1, positive)
        .unwrap()
        .with_negative(negative);
    let native = native.with_zero_bucket(0.001, 2.0).unwrap().with_sum(20.5);
    let histogram = Histogram::builder()
        .with_labels([("job_of", "é\"\\\n")])
        .with_native(native);
    let classic = Histogram::builder()
        .with_buckets([(1.0, 2.0), (f64::INFINITY, 5.0)])
        .with_sum(9.0);
    let families = [
        MetricFamily::histogram("native_seconds", [histogram.build().unwrap()]).unwrap(),
        MetricFamily::histogram("classic_seconds", [classic.build().unwrap()]).unwrap(),
        MetricFamily::new("hits_total", MetricType::Counter).with_sample(Sample::new(
            Suffix::None,
            LabelSet::new(),
            7.0,
        )),
    ];
    let exposition = encode_families(&families, ContentType::PROTOBUF).unwrap();
    let queries = [
        ("histogram_count(native_seconds)", "12"),
        ("histogram_sum(native_seconds)", "20.5"),
        ("histogram_quantile(1, native_seconds)", "5.656854249492381"),
        ("histogram_quantile(0, native_seconds)", "-1"),
        (
            "classic_seconds_bucket{le=\"1.0\"} or classic_seconds_bucket{le=\"1\"}",
            "2",
        ),
        ("classic_seconds_count", "5"),
        ("hits_total", "7"),
    ];
    let asked: Vec<_> = queries.iter().map(|(query, _)| *query).collect();
    for (program, answers) in scrape_native(ContentType::PROTOBUF, exposition.body(), &asked) {
        for ((query, expected), found) in queries.iter().zip(answers) {
            assert_eq!(found.len(), 1, "{program:?}, {query}: {found:?}");
            let number = |text: &str| text.parse::<f64>().unwrap();
            let found_number = number(found[0]["value"][1].as_str().unwrap());
            // Prometheus computes the bound of a bucket in another way than by one power.
            let is_equal = (found_number - number(expected)).abs() < 1e-9;
            assert!(is_equal, "{program:?}, {query}: {found_number}");
            if query.contains("native") {
                assert_eq!(found[0]["metric"]["job_of"], "é\"\\\n");
            }
        }
    }
}

/// The reader expects fields in the order of their numbers, and short texts, and has another way for all else.
#[test]
fn fields_read_the_same_in_any_order_and_with_any_length() {
    // Lengths may have more bytes than they need.
    let padded = |field: u8, content: &[u8]| {
        let mut length = varint(content.len() as u64);
        *length.last_mut().unwrap() |= 0x80;
        let key = varint(u64::from(field) << 3 | 2);
        [&key, &length, &[0x80, 0][..], content].concat()
    };
    type Wrap<'w> = &'w dyn Fn(u8, &[u8]) -> Vec<u8>;
    let ways: [(Wrap<'_>, bool); 4] = [
        (&bytes, false),
        (&bytes, true),
        (&padded, false),
        (&padded, true),
    ];
    let long = "é".repeat(60);
    for (name, value) in [("a", "b"), ("é", ""), ("", "ß"), ("trace_id", &long)] {
        let mut read_before = None;
        for (wrap, is_reversed) in ways {
            let join = |mut fields: Vec<Vec<u8>>| {
                if is_reversed {
                    fields.reverse();
                }
                fields.concat()
            };
            let label = wrap(
                1,
                &join(vec![wrap(1, name.as_bytes()), wrap(2, value.as_bytes())]),
            );
            let time = join(vec![integer(1, 1 << 40), integer(2, 1_000)]);
            let exemplar = join(vec![label.clone(), double(2, 0.5), wrap(3, &time)]);
            let bucket = join(vec![integer(1, 300), double(2, 1.0), wrap(3, &exemplar)]);
            let histogram = join(vec![
                integer(1, 1 << 20),
                double(2, 6.0),
                wrap(3, &bucket),
                wrap(15, &time),
                wrap(16, &exemplar),
            ]);
            let metric = join(vec![label, integer(6, 1500), wrap(7, &histogram)]);
            let family = join(vec![wrap(1, b"x"), integer(3, 4), wrap(4, &metric)]);
            let read = described(&delimited(&family));
            let before = read_before.get_or_insert_with(|| read.clone());
            assert_eq!(&read, before);
            assert!(
                read.contains("1048576.0") && read.contains("300.0"),
                "{read}"
            );
        }
    }
}

/// Writes down everything that the parser finds in histograms.
fn described(exposition: &[u8]) -> String {
    let mut text = String::new();
    let mut parser = Parser::new(exposition);
    while let Some(mut family) = parser.next_family().unwrap() {
        write!(text, "{} {}", family.name(), family.kind()).unwrap();
        while let Some(metric) = family.next_metric().unwrap() {
            write!(text, "{:?} {:?}", metric.labels(), metric.timestamp()).unwrap();
            let MetricValue::Histogram(value) = metric.value() else {
                panic!("a histogram is expected")
            };
            let numbers = (value.count(), value.sum(), value.created());
            write!(text, "{numbers:?}").unwrap();
            let exemplar = |exemplar: ExemplarRef<'_, '_>| {
                format!(
                    "{:?} {} {:?}",
                    exemplar.labels(),
                    exemplar.value(),
                    exemplar.timestamp()
                )
            };
            for bucket in value.buckets() {
                let exemplar = bucket.exemplar.map(exemplar);
                let numbers = (bucket.upper_bound, bucket.cumulative_count);
                write!(text, "{numbers:?} {exemplar:?}").unwrap();
            }
            let exemplars: Vec<_> = value.exemplars().map(exemplar).collect();
            writeln!(text, "{exemplars:?}").unwrap();
        }
    }
    text
}

#[test]
fn numbers_of_any_length_are_read() {
    for bits in 0..=64 {
        let number = u64::MAX.checked_shr(64 - bits).unwrap_or(0);
        let histogram = integer(1, number);
        // The number is the last of all bytes, or others follow it.
        for rest in [vec![], double(2, 0.0)] {
            let exposition = family(4, 7, &[histogram.clone(), rest].concat());
            let mut parser = Parser::new(&exposition);
            let mut family = parser.next_family().unwrap().unwrap();
            let MetricValue::Histogram(value) = family.next_metric().unwrap().unwrap().value()
            else {
                panic!("a histogram is expected")
            };
            assert_eq!(value.whole_count(), Some(number));
        }
    }
}

#[test]
fn faults_are_named_with_their_place() {
    let cases: &[(Vec<u8>, ParseErrorKind, &str)] = &[
        (
            vec![5, 10],
            ParseErrorKind::Incomplete,
            "expected more bytes, found the end of the message or of the exposition (byte 0)",
        ),
        (
            vec![0x80],
            ParseErrorKind::Incomplete,
            "expected more bytes, found the end of the message or of the exposition (byte 0)",
        ),
        (
            vec![0xFF; 11],
            ParseErrorKind::Syntax,
            "expected a number of at most 64 bits (byte 0)",
        ),
        (
            vec![0],
            ParseErrorKind::Syntax,
            "expected a name in the field `name`, found none (byte 1)",
        ),
        (
            delimited(&[0x0B]),
            ParseErrorKind::Syntax,
            "expected a field, found the unknown wire type 3 (byte 1)",
        ),
        (
            delimited(&[0x02, 0]),
            ParseErrorKind::Syntax,
            "expected a field, found one numbered 0 or beyond 32 bits (byte 1)",
        ),
        (
            delimited(&integer(1, 1)),
            ParseErrorKind::Syntax,
            "expected text in the field `name`, found a whole number (byte 2)",
        ),
        (
            delimited(&bytes(1, b"a\xFFb")),
            ParseErrorKind::Encoding,
            "expected UTF-8 in `name`, found the byte 0xFF (byte 4)",
        ),
        (
            family(6, 5, &double(1, 1.0)),
            ParseErrorKind::Syntax,
            "expected a type from 0 to 5, found 6 (byte 1)",
        ),
        (
            family(1, 5, &double(1, 1.0)),
            ParseErrorKind::Semantics,
            "expected a value of the type gauge in the metric, found none (byte 8)",
        ),
        (
            family(1, 2, &integer(1, 1)),
            ParseErrorKind::Syntax,
            "expected a double in the field `value`, found a whole number (byte 23)",
        ),
        (
            family(4, 7, &bytes(12, &integer(2, 1))),
            ParseErrorKind::Semantics,
            "expected as many buckets as the 1 of the spans, found 0 (byte 8)",
        ),
        (
            family(4, 7, &[integer(5, 9 << 1), integer(7, 1)].concat()),
            ParseErrorKind::Semantics,
            "expected a schema from -4 to 8, found 9 (byte 8)",
        ),
    ];
    for (exposition, kind, message) in cases {
        let error = parse_families(exposition, &options()).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (*kind, *message)
        );
        assert_eq!(error.position().line, 0);
    }
}

/// Each rule is an error in strict mode and a deviation at the same place in lenient mode.
#[test]
fn strict_mode_checks_families_and_lenient_mode_forgives() {
    let one = |kind, field, value: &[u8]| family(kind, field, value);
    let metrics = |labels: &[Vec<u8>]| {
        let metrics = labels.iter().map(|labels| {
            let value = bytes(2, &double(1, 1.0));
            bytes(4, &[labels.clone(), value].concat())
        });
        let family = [
            bytes(1, b"x"),
            integer(3, 1),
            metrics.collect::<Vec<_>>().concat(),
        ];
        delimited(&family.concat())
    };
    let bucket = |count, bound| bytes(3, &[integer(1, count), double(2, bound)].concat());
    let quantile = |rank, value| bytes(3, &[double(1, rank), double(2, value)].concat());
    let labels =
        |labels: &[&str]| -> Vec<u8> { labels.iter().flat_map(|name| label(name, "y")).collect() };
    let with_label = |kind, field, name, value: &[u8]| {
        let metric = [label(name, "1"), bytes(field, value)].concat();
        delimited(&[bytes(1, b"x"), integer(3, kind), bytes(4, &metric)].concat())
    };
    let twice = one(1, 2, &double(1, 1.0)).repeat(2);
    let time = bytes(15, &integer(1, 1));
    let too_large = [integer(1, 3), double(2, 1.0), bytes(3, &double(2, 5.0))].concat();
    let too_large = bytes(3, &too_large);
    let native = [integer(1, 3), integer(7, 1), double(6, 0.5)].concat();
    let cases: Vec<(Rule, Vec<u8>, &str)> = vec![
        (
            Rule::NameClash,
            twice,
            "a second family has the name `x` (byte 32)",
        ),
        (
            Rule::DuplicateLabel,
            metrics(&[labels(&["b", "a", "b"])]),
            "`x` has the label `b` twice (byte 8)",
        ),
        (
            Rule::LabelName,
            metrics(&[labels(&[""])]),
            "`x` has a label without a name (byte 8)",
        ),
        (
            Rule::ReservedLabel,
            metrics(&[labels(&["__name__"])]),
            "`x` has the label `__name__`, which is reserved (byte 8)",
        ),
        (
            Rule::DuplicateSeries,
            metrics(&[labels(&["a", "b"]), labels(&["b"]), labels(&["b", "a"])]),
            "`x` has a second metric with these labels (byte 58)",
        ),
        (
            Rule::CounterValue,
            one(0, 3, &double(1, -1.0)),
            "the counter `x` has the value -1, expected zero or more (byte 8)",
        ),
        (
            Rule::CounterValue,
            one(0, 3, &double(1, f64::NAN)),
            "the counter `x` has the value NaN, expected zero or more (byte 8)",
        ),
        (
            Rule::StartTimestamp,
            one(5, 7, &time),
            "the gauge histogram `x` has a time of creation, which its type does not have (byte 8)",
        ),
        (
            Rule::BucketOrder,
            one(
                4,
                7,
                &[integer(1, 1), bucket(1, 2.0), bucket(1, 1.0)].concat(),
            ),
            "the threshold 1 of a bucket of `x` is not greater than that of the bucket before (byte 8)",
        ),
        (
            Rule::BucketsCumulative,
            one(
                4,
                7,
                &[integer(1, 3), bucket(2, 1.0), bucket(1, 2.0)].concat(),
            ),
            "a bucket of `x` holds 1, fewer than the bucket before (byte 8)",
        ),
        (
            Rule::BucketsCumulative,
            one(4, 7, &[integer(1, 3), bucket(4, 1.0)].concat()),
            "a bucket of `x` holds 3, fewer than the bucket before (byte 8)",
        ),
        (
            Rule::HistogramCount,
            one(4, 7, &[integer(1, 3), bucket(4, f64::INFINITY)].concat()),
            "`x` has the count 3, but its bucket `+Inf` holds 4 (byte 8)",
        ),
        (
            Rule::BucketBound,
            one(4, 7, &[integer(1, 3), bucket(3, f64::NAN)].concat()),
            "the bound of a bucket of `x` is not a number (byte 8)",
        ),
        (
            Rule::BucketBound,
            with_label(4, 7, "le", &[integer(1, 3), bucket(3, 1.0)].concat()),
            "`x` has the label `le`, which its parts have in other formats (byte 8)",
        ),
        (
            Rule::ExemplarPlace,
            one(4, 7, &[integer(1, 3), too_large, bucket(3, 2.0)].concat()),
            "`x` has an exemplar that no bucket holds (byte 8)",
        ),
        (
            Rule::ExemplarPlace,
            one(4, 7, &[integer(1, 3), bytes(16, &double(2, 1.0))].concat()),
            "`x` has an exemplar that no bucket holds (byte 8)",
        ),
        (
            Rule::NativeCount,
            one(4, 7, &[native, double(2, 1.0)].concat()),
            "`x` has the count 3, but its buckets hold 1 (byte 8)",
        ),
        (
            Rule::QuantileOrder,
            one(2, 4, &[quantile(0.5, 1.0), quantile(0.5, 1.0)].concat()),
            "the quantile 0.5 of `x` is not greater than the one before (byte 8)",
        ),
        (
            Rule::QuantileRange,
            one(2, 4, &quantile(1.5, 1.0)),
            "`x` has the quantile 1.5, expected a number from 0 to 1 (byte 8)",
        ),
        (
            Rule::QuantileRange,
            with_label(2, 4, "quantile", &integer(1, 1)),
            "`x` has the label `quantile`, which its parts have in other formats (byte 8)",
        ),
        (
            Rule::QuantileValue,
            one(2, 4, &quantile(0.5, -1.0)),
            "a quantile of `x` has the value -1, expected zero or more (byte 8)",
        ),
        (
            Rule::SummaryCount,
            one(2, 4, &double(2, -1.0)),
            "`x` has the sum -1, expected zero or more (byte 8)",
        ),
    ];
    for (rule, exposition, message) in cases {
        let strict = parse_families(&exposition, &options().with_mode(Mode::Strict));
        let error = strict.unwrap_err();
        assert_eq!((error.rule(), &*error.to_string()), (Some(rule), message));
        let lenient = parse_families(&exposition, &options()).unwrap();
        let [deviation] = lenient.deviations() else {
            panic!("{:?}", lenient.deviations())
        };
        assert_eq!((deviation.rule, &*deviation.to_string()), (rule, message));
        assert_eq!(deviation.offset(), Some(error.position().offset));
        assert!(!lenient.is_empty());
    }
}

#[test]
fn a_metric_may_have_several_timestamps() {
    let metric = |time| {
        let metric = [bytes(2, &double(1, 1.0)), integer(6, time)].concat();
        bytes(4, &metric)
    };
    let family = [bytes(1, b"x"), integer(3, 1), metric(1), metric(2)].concat();
    let strict = options().with_mode(Mode::Strict);
    let families = parse_families(&delimited(&family), &strict).unwrap();
    assert_eq!(families.as_slice()[0].samples().len(), 2);
}

#[test]
fn text_formats_and_protobuf_are_not_mixed_up() {
    let text = b"# TYPE up gauge\nup 1\n";
    assert!(parse_families(text, &options()).is_err());
    let mut parser = TextParser::new(text, &options()).unwrap();
    let error = parser.next_event().unwrap_err();
    assert_eq!(error.rule(), Some(Rule::ProtobufMessage));
    let error = Encoder::new(String::new(), Format::Protobuf)
        .sample("up", [], 1.0)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "an exposition cannot be written as prometheus-protobuf: an `Encoder` writes text; `encode_families` writes this format"
    );
}

#[test]
fn limits_bound_what_a_few_bytes_can_cost() {
    // Each empty bucket has two bytes.
    let histogram = bytes(3, &[]).repeat(1000);
    let exposition = family(4, 7, &histogram);
    let limits = Limits::default().with_samples(999);
    let error = parse_families(&exposition, &options().with_limits(limits)).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::Samples));
    let limits = Limits::default().with_labels(0);
    let error = parse_families(&exposition, &options().with_limits(limits)).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::Labels));
}

#[test]
fn what_the_format_cannot_express_is_an_error() {
    let info = MetricFamily::new("x", MetricType::Info);
    let error = encode_families(&[info], Format::Protobuf).unwrap_err();
    let message =
        "the family `x` cannot be written as prometheus-protobuf: the format has no type info";
    assert_eq!(error.to_string(), message);
    let value = |suffix| Sample::new(suffix, LabelSet::new(), 0.0);
    let two_names = MetricFamily::new("x", MetricType::Counter)
        .with_sample(value(Suffix::Total))
        .with_sample(value(Suffix::None));
    assert!(encode_families(&[two_names], Format::Protobuf).is_err());
    let at = Timestamp::new(1, 1).unwrap();
    let precise = Sample::new(Suffix::None, LabelSet::new(), 1.0).with_timestamp(at);
    let family = MetricFamily::new("x", MetricType::Gauge).with_sample(precise);
    assert!(encode_families(slice::from_ref(&family), Format::Protobuf).is_err());
    let (exposition, losses) = transcode_lossy(&[family], Format::Protobuf).unwrap();
    assert_eq!(losses.len(), 1);
    assert_eq!(
        read(exposition.body())[0].samples()[0].timestamp(),
        Some(Timestamp::from_millis(1000))
    );
}

proptest! {
    #![proptest_config(support::few_cases::few_cases())]

    #[test]
    fn families_of_text_come_through(
        families in prop_oneof![
            families(Format::Prometheus, Style::Any, 1..6),
            families(Format::OpenMetrics, Style::Any, 1..6),
        ],
    ) {
        if let Ok(exposition) = transcode(&families, Format::Protobuf) {
            let families = read(exposition.body());
            let again = encode_families(&families, Format::Protobuf).unwrap();
            prop_assert_eq!(read(again.body()), families);
            prop_assert_eq!(again.body(), exposition.body());
        }
    }

    #[test]
    fn any_bytes_end_in_families_or_an_error(
        families in families(Format::OpenMetrics, Style::Any, 1..6),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        end in any::<prop::sample::Index>(),
    ) {
        let (exposition, _) = transcode_lossy(&families, Format::Protobuf).unwrap();
        let mut bytes = exposition.into_body().to_vec();
        if !bytes.is_empty() {
            for (place, byte) in edits {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            bytes.truncate(end.index(bytes.len()) + 1);
        }
        if let Ok(families) = parse_families(&bytes, &options())
            && let Err(error) = transcode_lossy(families.as_slice(), Format::Prometheus)
        {
            prop_assert_eq!(error.kind(), EncodeErrorKind::EmptyName);
        }
    }
}
