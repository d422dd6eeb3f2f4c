//! Single lines: what the reader finds in them, what it forgives, and what it says about the others.

use std::fmt::Write;

use scout_metrics_openmetrics::{
    CompositeRef, Event, ExemplarRef, Format, Limit, Limits, MetricType, Mode, ParseError,
    ParseOptions, Parser, Rule, SampleRef,
};

fn options(mode: Mode) -> ParseOptions {
    ParseOptions::new(Format::OpenMetrics2).with_mode(mode)
}

/// Reads one line, and returns what it says, with its deviations.
fn read_with(line: &str, options: &ParseOptions) -> Result<(String, Vec<String>), ParseError> {
    let text = format!("{line}\n# EOF\n");
    let mut parser = Parser::from_text(&text, options);
    let line = parser.next_line()?.unwrap();
    let deviations = line.deviations().iter();
    let deviations = deviations.map(|deviation| format!("{}: {deviation}", deviation.rule.id()));
    let deviations = deviations.collect();
    let event = match line.event() {
        Event::Sample(sample) => describe(sample),
        Event::Help { name, text, .. } => format!("{} help {:?}", name.decode(), text.decode()),
        Event::Type { name, kind, .. } => format!("{} type {kind}", name.decode()),
        Event::Unit { name, unit, .. } => format!("{} unit {unit:?}", name.decode()),
        event => format!("{event:?}"),
    };
    assert!(matches!(parser.next_event()?, Some(Event::End)));
    Ok((event, deviations))
}

fn read(line: &str, mode: Mode) -> Result<(String, Vec<String>), ParseError> {
    read_with(line, &options(mode))
}

fn describe(sample: SampleRef<'_, '_>) -> String {
    let mut out = sample.name().decode().into_owned();
    for (name, value) in sample.labels() {
        write!(out, " {}={}", name.decode(), value.decode()).unwrap();
    }
    write!(out, " = {} {}", sample.value(), sample.value_text()).unwrap();
    if let Some(timestamp) = sample.timestamp() {
        write!(out, " at {timestamp}").unwrap();
    }
    if let Some(start) = sample.start_timestamp() {
        write!(out, " since {start}").unwrap();
    }
    for exemplar in sample.exemplars() {
        describe_exemplar(&mut out, exemplar);
    }
    out
}

fn describe_exemplar(out: &mut String, exemplar: ExemplarRef<'_, '_>) {
    write!(out, " #").unwrap();
    for (name, value) in exemplar.labels() {
        write!(out, " {}={}", name.decode(), value.decode()).unwrap();
    }
    let timestamp = exemplar.timestamp().unwrap();
    write!(out, " {} at {timestamp}", exemplar.value()).unwrap();
}

/// Reads a value, and passes it to a function.
fn with_composite(value: &str, mode: Mode, check: impl Fn(CompositeRef<'_>)) {
    let text = format!("a {value}\n# EOF\n");
    let mut parser = Parser::from_text(&text, &options(mode));
    let Some(Event::Sample(sample)) = parser.next_event().unwrap() else {
        panic!("{value} is no sample");
    };
    assert_eq!(sample.value_text(), value);
    check(sample.composite().unwrap());
}

/// Returns what strict mode says about a line, and the first deviation or the error of lenient mode.
fn verdicts(line: &str) -> [String; 2] {
    let describe = |error: ParseError| format!("{}: {error}", error.rule().unwrap().id());
    let strict = read(line, Mode::Strict).unwrap_err();
    let lenient = match read(line, Mode::Lenient) {
        Ok((_, deviations)) => deviations.join("; "),
        Err(error) => format!("refused, {}", describe(error)),
    };
    [describe(strict), lenient]
}

fn assert_forgiven(line: &str, expected: &str) {
    let [strict, lenient] = verdicts(line);
    assert_eq!(strict, expected, "strict: {line}");
    assert_eq!(lenient, expected, "lenient: {line}");
}

fn assert_refused(line: &str, expected: &str) {
    let [strict, lenient] = verdicts(line);
    assert_eq!(strict, expected, "strict: {line}");
    assert_eq!(lenient, format!("refused, {expected}"), "lenient: {line}");
}

#[test]
fn well_formed_lines_are_read_in_both_modes() {
    for (line, expected) in [
        ("a 1", "a = 1 1"),
        ("a{} 1", "a = 1 1"),
        ("a{b=\"c\"} 1 2 st@1.5", "a b=c = 1 1 at 2 since 1.5"),
        ("a 1 st@-1", "a = 1 1 since -1"),
        ("{\"a.b\",\"c.d\"=\"e\"} 1", "a.b c.d=e = 1 1"),
        ("{\"a\\\\\\n\"} 1", "a\\\n = 1 1"),
        ("a 1 # {} 2 3", "a = 1 1 # 2 at 3"),
        (
            "a 1 5 st@4 # {b=\"c\"} 2 3.5 # {} NaN 0 # {d=\"e\",f=\" # {} 1 1\"} +Inf -1",
            "a = 1 1 at 5 since 4 # b=c 2 at 3.5 # NaN at 0 # d=e f= # {} 1 1 inf at -1",
        ),
        (
            "a {count:3,sum:1.5,bucket:[+Inf:3]} 1 st@0",
            "a = 3 {count:3,sum:1.5,bucket:[+Inf:3]} at 1 since 0",
        ),
        (
            "a{__type__=\"b\",__unit__=\"c\"} 1",
            "a __type__=b __unit__=c = 1 1",
        ),
        ("# HELP a ", "a help \"\""),
        (
            "# HELP a  b\\nc\\\"\\\\\\d\re",
            "a help \" b\\nc\\\"\\\\\\\\d\\re\"",
        ),
        ("# HELP \"a b\" c", "a b help \"c\""),
        ("# UNIT a ", "a unit \"\""),
        ("# UNIT a b:1", "a unit \"b:1\""),
        ("# TYPE \"a\" gaugehistogram", "a type gaugehistogram"),
    ] {
        for mode in [Mode::Strict, Mode::Lenient] {
            let (event, deviations) = read(line, mode).unwrap();
            assert_eq!(event, expected, "{line}");
            assert_eq!(deviations, Vec::<String>::new(), "{line}");
        }
    }
}

#[test]
fn the_numbers_of_composite_values_are_read_as_written() {
    let histogram = "{count:17,sum:324789.3,bucket:[-Inf:0,-1e-05:1,0.005:2.5,+1:10,12345678:11,1.1e+23:17,+Inf:17]}";
    let gauge = "{gcount:-1,gsum:NaN,bucket:[+Inf:-Infinity]}";
    let summary = "{count:9007199254740993,sum:inf,quantile:[0.5:1,.99:NaN]}";
    let native = "{count:59,sum:1.2e2,schema:-4,zero_threshold:1e-4,zero_count:2.5,negative_spans:[-3:1,+2:02],negative_buckets:[5,7,1e1],positive_spans:[],positive_buckets:[],bucket:[+Inf:59]}";
    for mode in [Mode::Strict, Mode::Lenient] {
        with_composite(histogram, mode, |value| {
            assert_eq!(value.kind(), MetricType::Histogram);
            assert_eq!((value.count(), value.sum()), (17.0, 324789.3));
            let infinity = f64::INFINITY;
            let buckets = [
                (-infinity, 0.0),
                (-1e-5, 1.0),
                (0.005, 2.5),
                (1.0, 10.0),
                (12345678.0, 11.0),
                (1.1e23, 17.0),
                (infinity, 17.0),
            ];
            assert_eq!(value.buckets(), buckets);
            assert!(value.quantiles().is_empty() && value.native().is_none());
        });
        with_composite(gauge, mode, |value| {
            assert_eq!(value.kind(), MetricType::GaugeHistogram);
            assert!(value.count() == -1.0 && value.sum().is_nan());
            assert_eq!(value.buckets(), [(f64::INFINITY, -f64::INFINITY)]);
        });
        with_composite(summary, mode, |value| {
            assert_eq!(value.kind(), MetricType::Summary);
            assert_eq!(
                (value.count(), value.sum()),
                (9007199254740992.0, f64::INFINITY)
            );
            assert_eq!(value.quantiles()[0], (0.5, 1.0));
            assert!(value.quantiles()[1].1.is_nan() && value.buckets().is_empty());
        });
        with_composite(native, mode, |value| {
            let native = value.native().unwrap();
            assert_eq!(native.schema(), -4);
            assert_eq!((native.zero_threshold(), native.zero_count()), (1e-4, 2.5));
            assert_eq!(value.buckets().len(), 1);
            let histogram = native.to_histogram().unwrap();
            let negative: Vec<_> = histogram.negative().iter().collect();
            assert_eq!(negative, [(-3, 5.0), (0, 7.0), (1, 10.0)]);
        });
    }
}

#[test]
fn a_number_after_a_composite_value_is_no_composite_value() {
    let text = "a {count:1,sum:1,bucket:[+Inf:1]} 1 st@1 # {b=\"c\"} 1 1 # {} 1 1\nb 2\n# EOF\n";
    let mut parser = Parser::from_text(text, &options(Mode::Strict));
    let first = parser.next_sample().unwrap().unwrap();
    assert!(first.composite().is_some() && first.exemplars().count() == 2);
    let second = parser.next_sample().unwrap().unwrap();
    assert!(second.composite().is_none() && second.exemplars().count() == 0);
    assert_eq!((second.timestamp(), second.start_timestamp()), (None, None));
}

#[test]
fn prometheus_accepts_composite_values_in_any_arrangement() {
    for (value, expected) in [
        (
            "{sum:1,count:2,bucket:[+Inf:1]}",
            "expected `count` or `gcount` after '{', found `sum` (line 1, column 4)",
        ),
        (
            "{count:1,bucket:[+Inf:1],sum:2}",
            "expected `sum`, found `bucket` (line 1, column 12)",
        ),
        (
            "{count:\t1,sum:2,bucket:[+Inf:1]}",
            "expected no blank in a composite value, found one (line 1, column 10)",
        ),
        (
            "{ count : 1 , sum : 2 , quantile : [ 0 : 1 , 1 : 2 ] }",
            "expected no blank in a composite value, found one (line 1, column 4)",
        ),
        (
            "{count:1,,sum:2,quantile:[]}",
            "expected `sum`, found ',' (line 1, column 12)",
        ),
        (
            "{count:1,sum:2,quantile:[],}",
            "expected a field after ',', found '}' (line 1, column 30)",
        ),
        (
            "{count:1,sum:2,quantile:[1:1,]}",
            "expected an item of the list, found ']' (line 1, column 32)",
        ),
        (
            "{count:1,sum:2,quantile:[,1:1]}",
            "expected an item of the list, found ',' (line 1, column 28)",
        ),
        (
            "{count:1,sum:2,quantile:}",
            "expected '[', found '}' (line 1, column 27)",
        ),
        (
            "{count:1,sum:2,quantile:[Inf:1]}",
            "expected a quantile (a decimal number), found \"Inf\" (line 1, column 28)",
        ),
        (
            "{count:1,sum:2,bucket:[+Inf:1,2:2]}",
            "expected ']' after the bucket `+Inf`, found another bucket (line 1, column 33)",
        ),
        (
            "{count:1,sum:2,bucket:[inf:1]}",
            "expected a threshold (a decimal number), found \"inf\" (line 1, column 26)",
        ),
        (
            "{count:1,sum:2,bucket:[1:1,-Inf:2,+Inf:3]}",
            "expected a threshold (a decimal number), found \"-Inf\" (line 1, column 30)",
        ),
        (
            "{count:1,sum:2,schema:1,zero_threshold:0,zero_count:0,negative_spans:[]}",
            "expected ',' and `negative_buckets`, found '}' (line 1, column 74)",
        ),
        (
            "{count:1,sum:2,schema:1,zero_threshold:0,zero_count:0,positive_spans:[0:1,-0:1],positive_buckets:[1,1]}",
            "expected the offset of a span (a whole number that is not negative), found \"-0\" (line 1, column 77)",
        ),
        (
            "{count:1,sum:2,schema:1,zero_threshold:0,zero_count:0,bucket:[1:1]}",
            "expected a last bucket `+Inf`, found none (line 1, column 68)",
        ),
    ] {
        assert_forgiven(
            &format!("a {value}"),
            &format!("composite_syntax: {expected}"),
        );
    }
    assert_forgiven(
        "a {count:0x1p3,sum:1_0,quantile:[]}",
        "number: expected the count (a decimal number, NaN, +Inf or -Inf), found \"0x1p3\" (line 1, column 10)",
    );
}

#[test]
fn what_prometheus_arranges_is_read_as_it_stands() {
    let value = "{bucket:[+Inf:0x1p1,0.5:1_0],schema:3,zero_count:1,zero_threshold:0,\tpositive_buckets:[1,,2,],positive_spans:[0:2],sum:7,count:3}";
    with_composite(value, Mode::Lenient, |value| {
        assert_eq!((value.count(), value.sum()), (3.0, 7.0));
        assert_eq!(value.buckets(), [(f64::INFINITY, 2.0), (0.5, 10.0)]);
        let native = value.native().unwrap().to_histogram().unwrap();
        let positive: Vec<_> = native.positive().iter().collect();
        assert_eq!(positive, [(0, 1.0), (1, 2.0)]);
    });
}

#[test]
fn other_composite_values_are_refused() {
    for (value, expected) in [
        (
            "{count:1,sum:2,count:1}",
            "found a second `count` (line 1, column 18)",
        ),
        (
            "{count:1,sum:2,schema:1.5,zero_threshold:0,zero_count:0}",
            "expected the schema (a whole number), found \"1.5\" (line 1, column 25)",
        ),
        (
            "{count:1,sum:2,schema:1,zero_threshold:Inf,zero_count:0}",
            "expected the zero threshold (a decimal number), found \"Inf\" (line 1, column 42)",
        ),
        (
            "{count:1,sum:2,schema:1,zero_threshold:0,zero_count:0,positive_spans:[0:1,-1:1],positive_buckets:[1,1]}",
            "expected the offset of a span (a whole number that is not negative), found \"-1\" (line 1, column 77)",
        ),
        (
            "{Count:1,sum:2,bucket:[+Inf:1]}",
            "expected `count` or `gcount` after '{', found \"Count\" (line 1, column 4)",
        ),
        (
            "{count:1,sum:2,buckets:[+Inf:1]}",
            "expected `bucket`, `schema` or `quantile`, found \"buckets\" (line 1, column 18)",
        ),
        (
            "{count:1,sum:2,bucket:(1:1)}",
            "expected '[', found '(' (line 1, column 25)",
        ),
        (
            "{",
            "expected `count` or `gcount` after '{', found the end of the line (line 1, column 4)",
        ),
        (
            "{count",
            "expected ':' after `count`, found the end of the line (line 1, column 9)",
        ),
        (
            "{count:1",
            "expected ',' and `sum`, found the end of the line (line 1, column 11)",
        ),
        (
            "{count:1,sum:2,bucket:[1",
            "expected ':' after the threshold, found the end of the line (line 1, column 27)",
        ),
        (
            "{count:1,sum:2,bucket:[1:1",
            "expected ',' or ']', found the end of the line (line 1, column 29)",
        ),
        (
            "{count:1,sum:2,bucket:[+Inf:1]",
            "expected '}', found the end of the line (line 1, column 33)",
        ),
    ] {
        assert_refused(
            &format!("a {value}"),
            &format!("composite_syntax: {expected}"),
        );
    }
    for (value, expected) in [
        (
            "{count:x,sum:2,quantile:[]}",
            "number: expected the count (a decimal number, NaN, +Inf or -Inf), found \"x\" (line 1, column 10)",
        ),
        (
            "{count:1e400,sum:2,quantile:[]}",
            "number_range: the value 1e400 does not fit a 64-bit float (line 1, column 10)",
        ),
        (
            "{count:1,sum:2,schema:99999999999999999999,zero_threshold:0,zero_count:0}",
            "number_range: the whole number 99999999999999999999 does not fit 64 bits (line 1, column 25)",
        ),
        (
            "{b=\"c\"} 1",
            "blanks: expected no blank before the labels, found one (line 1, column 2)",
        ),
    ] {
        assert_refused(&format!("a {value}"), expected);
    }
}

/// Strict mode names what comes next, lenient mode what is missing.
#[test]
fn fields_that_are_missing_or_of_another_type_are_named() {
    for (value, strict, lenient) in [
        (
            "{}",
            "expected `count` or `gcount` after '{', found '}' (line 1, column 4)",
            "the value has no `count` (line 1, column 4)",
        ),
        (
            "{count:1}",
            "expected ',' and `sum`, found '}' (line 1, column 11)",
            "the value has no `sum` (line 1, column 11)",
        ),
        (
            "{count:1,sum:2}",
            "expected ',' and `bucket`, `schema` or `quantile`, found '}' (line 1, column 17)",
            "the value has no `bucket` (line 1, column 17)",
        ),
        (
            "{count:1,sum:2,bucket:[]}",
            "expected a last bucket `+Inf`, found none (line 1, column 26)",
            "expected a last bucket `+Inf`, found none (line 1, column 26)",
        ),
        (
            "{count:1,sum:2,zero_count:0,bucket:[+Inf:1]}",
            "expected `bucket`, `schema` or `quantile`, found `zero_count` (line 1, column 18)",
            "the value has no `schema` (line 1, column 46)",
        ),
        (
            "{gcount:1,sum:2,bucket:[+Inf:1]}",
            "expected `gsum`, found `sum` (line 1, column 13)",
            "found `gcount` and `sum`, which no type has in one value (line 1, column 13)",
        ),
        (
            "{gcount:1,gsum:2,quantile:[]}",
            "expected `bucket` or `schema`, found `quantile` (line 1, column 20)",
            "found `gcount` and `quantile`, which no type has in one value (line 1, column 20)",
        ),
        (
            "{count:1,sum:2,quantile:[],bucket:[+Inf:1]}",
            "expected '}', found `bucket` (line 1, column 30)",
            "found `quantile` and `bucket`, which no type has in one value (line 1, column 30)",
        ),
    ] {
        let found = verdicts(&format!("a {value}"));
        let strict = format!("composite_syntax: {strict}");
        let lenient = format!("refused, composite_syntax: {lenient}");
        assert_eq!(found, [strict, lenient], "{value}");
    }
}

#[test]
fn other_parts_of_lines_are_forgiven_as_prometheus_does() {
    for (line, expected) in [
        (
            "a{b=\"c\",} 1",
            "label_syntax: expected a label after ',', found '}' (line 1, column 9)",
        ),
        (
            "a{b=\"c\",b=\"d\"} 1",
            "duplicate_label: the label name \"b\" occurs twice (line 1, column 9)",
        ),
        (
            "a{\"_b\"=\"c\"} 1",
            "reserved_label: the label name \"_b\" starts with an underscore, so it is reserved (line 1, column 4)",
        ),
        (
            "a{__name__=\"c\"} 1",
            "reserved_label: the label name \"__name__\" starts with an underscore, so it is reserved (line 1, column 3)",
        ),
        (
            "# HELP a b\"c",
            "escape: expected `\\\"` in a help text, found '\"' (line 1, column 11)",
        ),
        (
            "# HELP a b\\\\\\",
            "escape: expected a character after the backslash, found the end of the line (line 1, column 13)",
        ),
        (
            "# HELP a b\r",
            "carriage_return: the line ends in a carriage return and a line feed, expected a line feed alone (line 1, column 11)",
        ),
        (
            "# UNIT a b c",
            "metadata_syntax: expected the end of the line after the unit, found ' ' (line 1, column 11)",
        ),
    ] {
        assert_forgiven(line, expected);
    }
    let (unit, _) = read("# UNIT a  b c\u{e9}", Mode::Lenient).unwrap();
    assert_eq!(unit, "a unit \" b c\u{e9}\"");
    let (help, _) = read("# HELP a b\"\\\"c\\", Mode::Lenient).unwrap();
    assert_eq!(help, "a help \"b\\\"\\\"c\\\\\"");
}

/// The Python parser, which does not know OpenMetrics 2.0, forgives most of this in OpenMetrics 1.0.
#[test]
fn what_neither_the_specification_nor_prometheus_accepts_is_refused() {
    for (line, expected) in [
        (
            "a{b=\"c\", d=\"e\"} 1",
            "blanks: expected no blank among the labels, found one (line 1, column 9)",
        ),
        (
            "{b=\"c\",\"a\"} 1",
            "sample_syntax: expected the metric name before all labels, found it after a label (line 1, column 8)",
        ),
        (
            "a{b:c=\"d\"} 1",
            "label_name: the label name \"b:c\" is not of the form `[a-zA-Z_][a-zA-Z0-9_]*`, so it has to be in quotes (line 1, column 3)",
        ),
        (
            "a 1 ",
            "blanks: expected the end of the line, found ' ' (line 1, column 4)",
        ),
        (
            "a 1  # {} 1 1",
            "blanks: expected one blank, found more (line 1, column 5)",
        ),
        (
            "a 1 2 3",
            "sample_syntax: expected '#' and an exemplar, found \"3\" (line 1, column 7)",
        ),
        (
            "a 1 st@2 3",
            "sample_syntax: expected the timestamp before the start timestamp, found it after that (line 1, column 10)",
        ),
        (
            "a 1 ST@3",
            "timestamp: expected a timestamp in seconds, found \"ST@3\" (line 1, column 5)",
        ),
        (
            "a 1 st@",
            "timestamp: expected a timestamp in seconds, found the end of the line (line 1, column 8)",
        ),
        (
            "a +NaN",
            "number: expected NaN without a sign, found \"+NaN\" (line 1, column 3)",
        ),
        (
            "a 1_0",
            "number: expected a value (a decimal number, NaN, +Inf or -Inf), found \"1_0\" (line 1, column 3)",
        ),
        (
            "a 1\r",
            "carriage_return: the line ends in a carriage return and a line feed, expected a line feed alone (line 1, column 4)",
        ),
        (
            "# TYPE a gauge\r",
            "carriage_return: the line ends in a carriage return and a line feed, expected a line feed alone (line 1, column 15)",
        ),
        (
            "# TYPE  a gauge",
            "blanks: expected one blank, found more (line 1, column 8)",
        ),
        (
            "# UNIT a",
            "metadata_syntax: expected a blank, found the end of the line (line 1, column 9)",
        ),
        (
            "\u{feff}a 1",
            "byte_order_mark: the exposition starts with a byte order mark (line 1, column 1)",
        ),
    ] {
        assert_refused(line, expected);
    }
}

#[test]
fn bad_exemplars_are_left_out_and_good_ones_are_kept() {
    for (exemplars, expected, deviation) in [
        (
            "#",
            "",
            "expected a blank, found the end of the line (line 1, column 6)",
        ),
        (
            "#{} 1 1",
            "",
            "expected a blank, found '{' (line 1, column 6)",
        ),
        (
            "# # {} 1 1",
            " # 1 at 1",
            "expected '{' and the labels of the exemplar, found '#' (line 1, column 7)",
        ),
        (
            "#  {} 1 1 # {} 2 2",
            " # 2 at 2",
            "expected one blank, found more (line 1, column 7)",
        ),
        (
            "# {} 1",
            "",
            "expected a blank and the timestamp of the exemplar, found the end of the line (line 1, column 11)",
        ),
        (
            "# {} 1 # {} 2 2",
            " # 2 at 2",
            "expected a timestamp in seconds, found \"#\" (line 1, column 12)",
        ),
        (
            "# {} 1 1 1 # {} 2 2",
            " # 2 at 2",
            "expected the end of the line or another exemplar, found ' ' (line 1, column 13)",
        ),
        (
            "# {} 3 3 # {} 1 x # {b=\"c\"} 2 2",
            " # 3 at 3 # b=c 2 at 2",
            "expected a timestamp in seconds, found \"x\" (line 1, column 21)",
        ),
        (
            "# {b=\"c # {} 2 2",
            " # 2 at 2",
            "expected a closing quote, found the end of the line (line 1, column 10)",
        ),
        (
            "# {\"b # {} 3 3\"} 1 1 # {} 2 2",
            " # 2 at 2",
            "expected '=' after the label name \"b # {} 3 3\", found '}' (line 1, column 20)",
        ),
        (
            "# {} 1e400 1",
            "",
            "the value 1e400 does not fit a 64-bit float (line 1, column 10)",
        ),
        (
            "# {} 1 st@1",
            "",
            "expected a timestamp in seconds, found \"st@1\" (line 1, column 12)",
        ),
        (
            "# {b=\"c\", d=\"e\"} 1 1",
            "",
            "expected no blank among the labels, found one (line 1, column 14)",
        ),
    ] {
        for mode in [Mode::Strict, Mode::Lenient] {
            let (event, deviations) = read(&format!("a 1 {exemplars}"), mode).unwrap();
            assert_eq!(event, format!("a = 1 1{expected}"), "{exemplars}");
            let deviation = format!("exemplar_syntax: an exemplar is left out: {deviation}");
            assert_eq!(deviations, [deviation], "{exemplars}");
        }
    }
}

#[test]
fn an_exemplar_is_left_out_for_its_labels() {
    for mode in [Mode::Strict, Mode::Lenient] {
        let line = "a 1 # {b=\"c\",b=\"d # {} 3 3\"} 1 1 # {} 2 2";
        let (event, deviations) = read(line, mode).unwrap();
        assert_eq!(event, "a = 1 1 # 2 at 2");
        let expected = "duplicate_label: an exemplar is left out: the label name \"b\" occurs twice (line 1, column 14)";
        assert_eq!(deviations, [expected]);
    }
    // Prometheus keeps these.
    let reserved =
        "the label name \"_b\" starts with an underscore, so it is reserved (line 1, column 8)";
    let comma = "expected a label after ',', found '}' (line 1, column 14)";
    for (line, kept, rule, message) in [
        (
            "a 1 # {_b=\"c\"} 1 1",
            " # _b=c 1 at 1",
            "reserved_label",
            reserved,
        ),
        (
            "a 1 # {b=\"c\",} 1 1",
            " # b=c 1 at 1",
            "label_syntax",
            comma,
        ),
    ] {
        let (event, deviations) = read(line, Mode::Lenient).unwrap();
        assert_eq!(event, format!("a = 1 1{kept}"));
        assert_eq!(deviations, [format!("{rule}: {message}")]);
        let (event, deviations) = read(line, Mode::Strict).unwrap();
        assert_eq!(event, "a = 1 1");
        let rule = rule.replace("label_syntax", "exemplar_syntax");
        assert_eq!(
            deviations,
            [format!("{rule}: an exemplar is left out: {message}")]
        );
    }
}

/// Each bucket, quantile and span is a sample as far as the limit goes.
#[test]
fn the_parts_of_composite_values_are_limited() {
    let classic = "a {count:1,sum:1,bucket:[1:1,2:1,+Inf:1]}";
    let native = "a {count:1,sum:1,schema:1,zero_threshold:0,zero_count:0,positive_spans:[0:2],positive_buckets:[1,1]}";
    for line in [classic, native] {
        for mode in [Mode::Strict, Mode::Lenient] {
            let limited = |samples| {
                let limits = Limits::default().with_samples(samples);
                read_with(line, &options(mode).with_limits(limits))
            };
            assert!(limited(4).is_ok(), "{line}");
            let error = limited(3).unwrap_err();
            assert_eq!(error.limit(), Some(Limit::Samples));
        }
    }
    let limits = Limits::default().with_labels(1);
    let line = "a 1 # {b=\"\",c=\"\"} 1 1";
    let error = read_with(line, &options(Mode::Strict).with_limits(limits)).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::Labels));
}

#[test]
fn names_in_quotes_can_be_turned_off() {
    let options = options(Mode::Lenient).with_quoted_names(false);
    let error = read_with("{\"a\"} 1", &options).unwrap_err();
    assert_eq!(error.rule(), Some(Rule::QuotedName));
}

/// Thresholds of the value before are recognised by their text.
#[test]
fn thresholds_do_not_depend_on_the_value_before() {
    let many: Vec<String> = (0..300).map(|n| format!("{n}:1,")).collect();
    let lists = [
        "1:1,2:1,",
        "1:1,2:1,3:1,",
        "",
        "1.0:1,2e0:1,3:1,",
        "1:1,20:1,3:1,4:1,",
        "0.1234567890123:1,0.12345678901234:1,3:1,",
        "0.1234567890123:1,0.123456789012345:1,3:1,",
        "1:1,2:1,3:1,",
        &many.concat(),
        "-Inf:1,1:1,2:1,",
        "+1:1,+2:1,",
    ];
    let histogram = |list: &str| format!("a {{count:1,sum:1,bucket:[{list}+Inf:1]}}");
    let summary = |list: &str| {
        format!(
            "a {{count:1,sum:1,quantile:[{}]}}",
            list.trim_end_matches(',')
        )
    };
    let is_summary = |list: &&&str| !list.contains("Inf");
    let values = lists.iter().map(|list| histogram(list));
    let values = values.chain(lists.iter().filter(is_summary).map(|list| summary(list)));
    let lines: Vec<String> = values.collect();
    let numbers = |parser: &mut Parser<'_>| {
        let sample = parser.next_sample().unwrap().unwrap();
        let composite = sample.composite().unwrap();
        [composite.buckets(), composite.quantiles()].concat()
    };
    for first in &lines {
        for second in &lines {
            let alone = format!("{second}\n# EOF\n");
            let both = format!("{first}\n{second}\n# EOF\n");
            let mut parser = Parser::from_text(&both, &options(Mode::Strict));
            numbers(&mut parser);
            let found = numbers(&mut parser);
            let expected = numbers(&mut Parser::from_text(&alone, &options(Mode::Strict)));
            assert_eq!(found, expected, "{second} after {first}");
        }
    }
}
