//! OpenMetrics 2.0 as it is written: part by part, line by line, and from families in either form.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

use scout_metrics_openmetrics::{
    CompositeValue, ContentType, EncodeError, Encoder, EscapingScheme, Exemplar, Format,
    HistogramValue, LabelSet, MetricFamily, MetricType, Mode, NativeBuckets, NativeHistogram,
    ParseOptions, Parser, Sample, Suffix, SummaryValue, Timestamp, encode_families, parse_families,
};

const INFINITY: f64 = f64::INFINITY;

fn value(value: CompositeValue) -> Result<String, EncodeError> {
    let mut encoder = Encoder::new(String::new(), Format::OpenMetrics2);
    encoder.composite_sample("a", [], &value)?;
    let text = encoder.finish_part()?;
    Ok(text.strip_prefix("a ").unwrap().trim_end().to_owned())
}

fn histogram(histogram: HistogramValue) -> CompositeValue {
    CompositeValue::Histogram(histogram)
}

fn native() -> NativeHistogram {
    let positive = NativeBuckets::from_counts([(-3, 1.0), (-2, 0.0), (4, 2.5)]).unwrap();
    NativeHistogram::new(3, positive)
        .unwrap()
        .with_zero_bucket(1e-128, 2.0)
        .unwrap()
        .with_sum(-0.5)
}

#[test]
fn fields_are_in_the_order_of_the_grammar() {
    let classic = HistogramValue::new(3.0).with_sum(0.25).with_buckets([
        (-1.5, 1.0),
        (1e6, 2.0),
        (INFINITY, 3.0),
    ]);
    let gauge = CompositeValue::GaugeHistogram(classic.clone());
    assert_eq!(
        value(gauge).unwrap(),
        "{gcount:3,gsum:0.25,bucket:[-1.5:1,1000000:2,+Inf:3]}"
    );
    let both = classic.with_native(native());
    assert_eq!(
        value(histogram(both)).unwrap(),
        "{count:3,sum:0.25,schema:3,zero_threshold:1e-128,zero_count:2,\
         positive_spans:[-3:2,5:1],positive_buckets:[1,0,2.5],bucket:[-1.5:1,1000000:2,+Inf:3]}"
    );
    let negative = NativeBuckets::from_counts([(0, 1.0)]).unwrap();
    let negative = NativeHistogram::new(0, NativeBuckets::default())
        .unwrap()
        .with_negative(negative);
    assert_eq!(
        value(histogram(negative.into())).unwrap(),
        "{count:1,sum:NaN,schema:0,zero_threshold:0,zero_count:0,negative_spans:[0:1],negative_buckets:[1]}"
    );
    let summary = SummaryValue::new().with_count(17.0).with_sum(INFINITY);
    let quantiles = summary
        .clone()
        .with_quantiles([(0.5, f64::NAN), (1.0, 3.0)]);
    for (summary, text) in [
        (summary, "{count:17,sum:+Inf,quantile:[]}"),
        (quantiles, "{count:17,sum:+Inf,quantile:[0.5:NaN,1:3]}"),
    ] {
        assert_eq!(value(CompositeValue::Summary(summary)).unwrap(), text);
    }
    let least = HistogramValue::new(1.0)
        .with_sum(1.0)
        .with_buckets([(f64::NEG_INFINITY, 0.0), (INFINITY, 1.0)]);
    assert_eq!(
        value(histogram(least)).unwrap(),
        "{count:1,sum:1,bucket:[-Inf:0,+Inf:1]}"
    );
}

#[test]
fn a_value_that_the_grammar_does_not_have_is_refused() {
    let count = HistogramValue::new(1.0);
    let sum = count.clone().with_sum(1.0);
    let summary = SummaryValue::new();
    for (value_, what) in [
        (
            histogram(count.with_buckets([(INFINITY, 1.0)])),
            "a histogram has to have a sum",
        ),
        (histogram(sum.clone()), "a histogram has to have buckets"),
        (
            histogram(sum.clone().with_buckets([(1.0, 1.0)])),
            "the last bucket, and no other, has to be `+Inf`",
        ),
        (
            histogram(sum.clone().with_buckets([(INFINITY, 1.0), (1.0, 1.0)])),
            "the last bucket, and no other, has to be `+Inf`",
        ),
        (
            histogram(sum.with_buckets([(f64::NAN, 1.0), (INFINITY, 1.0)])),
            "a bucket has to have a finite threshold, except `-Inf` and `+Inf`",
        ),
        (
            CompositeValue::Summary(summary.clone().with_sum(1.0)),
            "a summary has to have a count",
        ),
        (
            CompositeValue::Summary(summary.clone().with_count(1.0)),
            "a summary has to have a sum",
        ),
        (
            CompositeValue::Summary(
                summary
                    .with_count(1.0)
                    .with_sum(1.0)
                    .with_quantiles([(INFINITY, 1.0)]),
            ),
            "a quantile has to be finite",
        ),
    ] {
        let message = format!("the sample `a` cannot be written as openmetrics-2.0: {what}");
        assert_eq!(value(value_).unwrap_err().to_string(), message);
    }
}

#[test]
fn the_parts_after_the_value_have_an_order() {
    let mut encoder = Encoder::new(String::new(), Format::OpenMetrics2);
    let at = |millis| Timestamp::from_millis(millis);
    encoder
        .sample("a_total", [("b", "c")], 5.0)
        .unwrap()
        .timestamp(at(1_500))
        .unwrap()
        .start_timestamp(at(-250))
        .unwrap()
        .exemplar([], 1.0, Some(at(1_000)))
        .unwrap()
        .exemplar([("trace_id", "x\"")], f64::NAN, Some(at(1_250)))
        .unwrap();
    let line = "a_total{b=\"c\"} 5 1.5 st@-0.25 # {} 1 1 # {trace_id=\"x\\\"\"} NaN 1.25\n";
    assert_eq!(encoder.finish_part().unwrap(), line);

    let refused = |write: fn(&mut Encoder<String>) -> Result<(), EncodeError>| {
        let mut encoder = Encoder::new(String::new(), Format::OpenMetrics2);
        write(&mut encoder).unwrap_err().to_string()
    };
    let order = "a sample cannot be written as openmetrics-2.0: \
        the timestamp, the start timestamp and the exemplars come once in this order";
    assert_eq!(
        refused(|encoder| {
            let sample = encoder.sample("a", [], 1.0)?;
            let sample = sample.start_timestamp(Timestamp::UNIX_EPOCH)?;
            sample.timestamp(Timestamp::UNIX_EPOCH).map(drop)
        }),
        order
    );
    assert_eq!(
        refused(|encoder| {
            let sample = encoder.sample("a", [], 1.0)?;
            let sample = sample.exemplar([], 1.0, Some(Timestamp::UNIX_EPOCH))?;
            sample.start_timestamp(Timestamp::UNIX_EPOCH).map(drop)
        }),
        order
    );
    assert_eq!(
        refused(|encoder| encoder
            .sample("a", [], 1.0)?
            .exemplar([], 1.0, None)
            .map(drop)),
        "a sample cannot be written as openmetrics-2.0: an exemplar has to have a timestamp"
    );
}

#[test]
fn other_formats_have_no_parts_of_openmetrics_2() {
    let wait = histogram(HistogramValue::new(1.0).with_sum(1.0));
    let message =
        |format, write: fn(&mut Encoder<String>, &CompositeValue) -> Result<(), EncodeError>| {
            let mut encoder = Encoder::new(String::new(), format);
            write(&mut encoder, &wait).unwrap_err().to_string()
        };
    assert_eq!(
        message(Format::OpenMetrics, |encoder, wait| encoder
            .composite_sample("a", [], wait)
            .map(drop)),
        "the sample `a` cannot be written as openmetrics-1.0: the format has no composite values"
    );
    assert_eq!(
        message(Format::Prometheus, |encoder, _| {
            let sample = encoder.sample("a", [], 1.0)?;
            sample.start_timestamp(Timestamp::UNIX_EPOCH).map(drop)
        }),
        "a sample cannot be written as prometheus-text-0.0.4: the format has no start timestamps"
    );
    assert_eq!(
        message(Format::OpenMetrics, |encoder, _| {
            let sample = encoder.sample("a", [], 1.0)?;
            sample
                .exemplar([], 1.0, None)?
                .exemplar([], 1.0, None)
                .map(drop)
        }),
        "a sample cannot be written as openmetrics-1.0: a sample has at most one exemplar"
    );
}

#[test]
fn metadata_are_type_unit_and_help() {
    let mut encoder = Encoder::new(String::new(), Format::OpenMetrics2);
    // A unit need not be the end of the name.
    encoder
        .family("a_total", MetricType::Counter, "A \"b\" \\ \0\nc", "bytes")
        .unwrap();
    assert_eq!(
        encoder.finish().unwrap(),
        "# TYPE a_total counter\n# UNIT a_total bytes\n# HELP a_total A \\\"b\\\" \\\\ \0\\nc\n# EOF\n"
    );
    let mut encoder = Encoder::new(String::new(), Format::OpenMetrics2);
    let refused = encoder
        .family("a", MetricType::Gauge, "", "m/s")
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the family `a` cannot be written as openmetrics-2.0: its unit has other characters than a name"
    );
}

/// Each kind of line, as the encoder writes it.
const LINES: &str = "# TYPE hits_total counter\n\
    # UNIT hits_total bytes\n\
    # HELP hits_total Help with \\\"quotes\\\".\n\
    hits_total{a=\"b\"} 17.0 1520879607.789 st@1520430000.123 # {trace_id=\"KOO\"} 0.67 1520879606.1 # {} 1 2\n\
    # TYPE wait histogram\n\
    wait{a=\"b\"} {count:2,sum:1.2e2,schema:0,zero_threshold:1e-4,zero_count:0,positive_spans:[1:2],positive_buckets:[1,1],bucket:[0.50:1,1:2,+Inf:2]} st@1605301325.0\n\
    # TYPE s summary\n\
    s {count:12.0,sum:100.0,quantile:[0.9:2.0,0.95:3.0]}\n\
    # TYPE \"a.b_info\" info\n\
    {\"a.b_info\",\"c.d\"=\"e\"} 1\n\
    # TYPE g gaugehistogram\n\
    g {gcount:0.5,gsum:2.0,bucket:[+Inf:0.5]}\n\
    # EOF\n";

fn events(text: &str, from: Format, to: impl Into<ContentType>) -> Result<String, EncodeError> {
    let options = ParseOptions::new(from).with_mode(Mode::Strict);
    let mut parser = Parser::new(text.as_bytes(), &options).unwrap();
    let mut encoder = Encoder::new(String::new(), to);
    while let Some(event) = parser.next_event().unwrap() {
        encoder.event(event)?;
    }
    encoder.finish()
}

#[test]
fn lines_are_written_as_they_were_read() {
    let written = events(LINES, Format::OpenMetrics2, Format::OpenMetrics2).unwrap();
    assert_eq!(written, LINES.replace("st@1605301325.0", "st@1605301325"));
}

#[test]
fn a_line_is_changed_and_written() {
    let text = "a_total{x=\"1\"} 5 1 st@0.5 # {} 1 2 # {} 3 4\n# EOF\n";
    let options = ParseOptions::new(Format::OpenMetrics2);
    let mut parser = Parser::new(text.as_bytes(), &options).unwrap();
    let sample = parser.next_sample().unwrap().unwrap();
    let mut encoder = Encoder::new(String::new(), Format::OpenMetrics2);
    let changed = encoder.sample_ref(sample).without_start_timestamp();
    changed.without_exemplar().label("y", "2").write().unwrap();
    assert_eq!(
        encoder.finish_part().unwrap(),
        "a_total{x=\"1\",y=\"2\"} 5 1\n"
    );
}

#[track_caller]
fn assert_line_refused(text: &str, (from, to): (Format, Format), message: &str) {
    let text = match from {
        Format::Prometheus => text.to_owned(),
        _ => format!("{text}# EOF\n"),
    };
    assert_eq!(events(&text, from, to).unwrap_err().to_string(), message);
}

#[test]
fn lines_of_other_formats_are_written_where_they_say_the_same() {
    let text = "# TYPE a_total counter\na_total 1\n# TYPE b untyped\nb 2\n";
    assert_eq!(
        events(text, Format::Prometheus, Format::OpenMetrics2).unwrap(),
        "# TYPE a_total counter\na_total 1\n# TYPE b unknown\nb 2\n# EOF\n"
    );
    let to_new = (Format::OpenMetrics, Format::OpenMetrics2);
    assert_line_refused(
        "# TYPE a counter\na_total 1\n",
        to_new,
        "the sample `a_total` cannot be written as openmetrics-2.0: the format has no suffixes",
    );
    assert_line_refused(
        "# TYPE a summary\na{quantile=\"0.5\"} 1\n",
        to_new,
        "the sample `a` cannot be written as openmetrics-2.0: \
         the format has one sample for a histogram or a summary",
    );
    assert_line_refused(
        "# TYPE a histogram\n# TYPE b gauge\na_count 1\n",
        (Format::Prometheus, Format::OpenMetrics2),
        "the sample `a_count` cannot be written as openmetrics-2.0: the format has no suffixes",
    );
    let to_old = (Format::OpenMetrics2, Format::OpenMetrics);
    assert_line_refused(
        "a {count:1,sum:1,bucket:[+Inf:1]}\n",
        to_old,
        "the sample `a` cannot be written as openmetrics-1.0: the format has no composite values",
    );
    assert_line_refused(
        "# TYPE a_info info\na_info 1\n",
        to_old,
        "the sample `a_info` cannot be written as openmetrics-1.0: \
         the format names an info without `_info` and its samples with it",
    );
    assert_line_refused(
        "a 1 st@1\n",
        (Format::OpenMetrics2, Format::Prometheus),
        "a sample cannot be written as prometheus-text-0.0.4: the format has no start timestamps",
    );
}

fn read(text: &str, format: Format) -> Vec<MetricFamily> {
    let options = ParseOptions::new(format).with_mode(Mode::Strict);
    parse_families(text.as_bytes(), &options)
        .unwrap()
        .into_vec()
}

#[test]
fn families_in_either_form_are_written() {
    let openmetrics = "# TYPE wait_seconds histogram\n\
        # UNIT wait_seconds seconds\n\
        wait_seconds_bucket{le=\"1.0\"} 4 # {trace_id=\"a\"} 0.5 3\n\
        wait_seconds_bucket{le=\"+Inf\"} 6\n\
        wait_seconds_count 6\n\
        wait_seconds_sum 12.5\n\
        wait_seconds_created 1520430000.123\n\
        # TYPE hits counter\n\
        hits_total 17\n\
        hits_created 1.5\n\
        # TYPE build info\n\
        build_info{v=\"1\"} 1\n\
        # EOF\n";
    let openmetrics2 = "# TYPE wait_seconds histogram\n\
        # UNIT wait_seconds seconds\n\
        wait_seconds {count:6,sum:12.5,bucket:[1:4,+Inf:6]} st@1520430000.123 # {trace_id=\"a\"} 0.5 3\n\
        # TYPE hits_total counter\n\
        hits_total 17 st@1.5\n\
        # TYPE build_info info\n\
        build_info{v=\"1\"} 1\n\
        # EOF\n";
    for (text, format) in [
        (openmetrics, Format::OpenMetrics),
        (openmetrics2, Format::OpenMetrics2),
    ] {
        let families = read(text, format);
        for (to, expected) in [
            (Format::OpenMetrics, openmetrics),
            (Format::OpenMetrics2, openmetrics2),
        ] {
            assert_eq!(encode_families(&families, to).unwrap().body(), expected);
        }
    }
    let families = read(LINES, Format::OpenMetrics2);
    let written = encode_families(&families, Format::OpenMetrics2).unwrap();
    assert_eq!(
        read(
            &String::from_utf8_lossy(written.body().as_ref()),
            Format::OpenMetrics2
        ),
        families
    );
}

#[test]
fn names_are_escaped_as_in_other_formats() {
    let content_type = ContentType::OPENMETRICS_2_0_0.with_escaping(EscapingScheme::Underscores);
    let text = "# TYPE \"a.b_info\" info\n{\"a.b_info\",\"c.d\"=\"e\"} 1\n# EOF\n";
    let escaped = "# TYPE a_b_info info\na_b_info{c_d=\"e\"} 1\n# EOF\n";
    let written = events(text, Format::OpenMetrics2, content_type);
    assert_eq!(written.unwrap(), escaped);
    let families = read(text, Format::OpenMetrics2);
    assert_eq!(
        encode_families(&families, content_type).unwrap().body(),
        escaped
    );
}

#[track_caller]
fn assert_family_refused(family: MetricFamily, format: Format, message: &str) {
    let error = encode_families(&[family], format).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn families_that_a_format_cannot_express_are_refused() {
    let exemplar = |seconds| {
        let exemplar = Exemplar::new(LabelSet::new(), 0.5);
        exemplar.with_timestamp(Timestamp::new(seconds, 0).unwrap())
    };
    let wait = HistogramValue::new(1.0)
        .with_sum(1.0)
        .with_buckets([(INFINITY, 1.0)]);
    let sample = Sample::new(Suffix::None, LabelSet::new(), 1.0);
    let wait = sample.clone().with_composite(histogram(wait));
    let of = |sample| MetricFamily::new("a", MetricType::Histogram).with_sample(sample);
    assert_family_refused(
        of(wait.clone().with_exemplars([exemplar(1), exemplar(2)])),
        Format::OpenMetrics,
        "the family `a` cannot be written as openmetrics-1.0: an exemplar has no bucket of its own",
    );
    assert_family_refused(
        of(wait.with_start_timestamp(Timestamp::new(1_600_000_000, 1).unwrap())),
        Format::OpenMetrics,
        "the family `a` cannot be written as openmetrics-1.0: \
         a start timestamp has more digits than a number of seconds",
    );
    assert_family_refused(
        of(sample.clone().with_native_histogram(native())),
        Format::Prometheus,
        "the family `a` cannot be written as prometheus-text-0.0.4: the format has no native histograms",
    );
    let count = sample.clone().with_suffix(Suffix::Count);
    assert_family_refused(
        of(count),
        Format::OpenMetrics2,
        "the family `a` cannot be written as openmetrics-2.0: a histogram has to have a sum",
    );
    assert_family_refused(
        of(sample.clone().with_suffix(Suffix::Sum)),
        Format::OpenMetrics2,
        "the family `a` cannot be written as openmetrics-2.0: \
         the histogram `a` has neither a count nor a bucket `+Inf`",
    );
    let created = Sample::new(Suffix::Created, LabelSet::new(), 1e-10);
    let counter = MetricFamily::new("a", MetricType::Counter)
        .with_sample(sample.with_suffix(Suffix::Total))
        .with_sample(created);
    assert_family_refused(
        counter,
        Format::OpenMetrics2,
        "the family `a` cannot be written as openmetrics-2.0: \
         a time of creation has more digits than nanoseconds",
    );
}
