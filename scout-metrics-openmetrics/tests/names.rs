//! Names that are not plain, in all schemes: single names, families, and the encoder part by part.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use std::error::Error;

use proptest::prelude::*;
use scout_metrics_openmetrics::{
    ContentType, EncodeError, EncodeErrorKind, Encoder,
    EscapingScheme::{self, AllowUtf8, Dots, Underscores, Values},
    Exemplar, Format, LabelSet, Limits, MetricFamily, MetricType, Mode, ParseError, ParseOptions,
    Rule, Sample, Suffix, Timestamp, encode_families, parse_families,
};
use support::{
    few_cases::few_cases,
    model::{Style, families},
};

#[test]
fn names_are_escaped_by_the_rules_of_the_scheme() {
    for (name, underscores, dots, values) in [
        ("", "", "", ""),
        ("up", "up", "up", "up"),
        ("a:b_c", "a:b_c", "a:b__c", "a:b_c"),
        ("a.b_c", "a_b_c", "a_dot_b__c", "U__a_2e_b__c"),
        ("1up", "_up", "__up", "U___31_up"),
        ("a1.", "a1_", "a1_dot_", "U__a1_2e_"),
        ("é", "_", "__", "U___e9_"),
        ("\u{10ffff}", "_", "__", "U___10ffff_"),
        ("\0\"\n", "___", "______", "U___0__22__a_"),
    ] {
        let escaped = |scheme: EscapingScheme| scheme.escape_metric_name(name).into_owned();
        assert_eq!(escaped(AllowUtf8), name);
        assert_eq!(escaped(Underscores), underscores);
        assert_eq!(escaped(Dots), dots);
        assert_eq!(escaped(Values), values);
        assert_eq!(Values.unescape(values), name);
    }
}

/// DIFFERENCE: prometheus/common keeps the colon of a label name, which no reader before Prometheus 3 accepts.
#[test]
fn a_label_name_has_no_colon_in_any_scheme() {
    assert_eq!(Underscores.escape_label_name("a:b"), "a_b");
    assert_eq!(Dots.escape_label_name("a:b"), "a__b");
    assert_eq!(Values.escape_label_name("a:b"), "U__a_3a_b");
    assert_eq!(AllowUtf8.escape_label_name("a:b"), "a:b");
}

#[test]
fn a_name_that_no_scheme_has_written_is_not_unescaped() {
    for name in [
        "U__",
        "U_a",
        "U__a_",
        "U__a_2e",
        "U__a_2e_b_",
        "U__a_g_",
        "U__a_+2e_",
        "U__a_d800_",
        "U__a_110000_",
        "U__a_000002e_",
        "a_2e_b",
        "u__a_2e_b",
    ] {
        assert_eq!(Values.unescape(name), name);
    }
    assert_eq!(Values.unescape("U__a_2E_b"), "a.b");
    assert_eq!(Dots.unescape("a_dotb"), "a_dotb");
}

#[test]
fn schemes_are_read_by_their_names() {
    for scheme in EscapingScheme::ALL {
        assert_eq!(scheme.as_str().parse(), Ok(*scheme));
    }
    let error = "Values".parse::<EscapingScheme>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected one of the escaping schemes `allow-utf-8`, `dots`, `underscores` and `values`"
    );
}

fn is_plain(name: &str, more: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || more.contains(c);
    name.chars().all(is_part) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// Names with what schemes use and what they replace.
fn name() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("_"),
        Just("__"),
        Just("_dot_"),
        Just("."),
        Just("U__"),
        Just("_2e_"),
        Just(":"),
        Just("0"),
        Just("é"),
        Just("🦀"),
        Just("\u{10ffff}"),
        Just("\""),
        Just("a"),
    ];
    prop_oneof![
        proptest::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat()),
        "\\PC{1,20}",
    ]
}

/// Whether a plain name is kept as it is, although it looks like one that was escaped.
fn looks_escaped(name: &str) -> bool {
    is_plain(name, ":") && Values.unescape(name) != name
}

/// Whether a name in a family looks like one that was escaped.
fn has_escaped_look(family: &MetricFamily) -> bool {
    let label_sets = family.samples().iter().flat_map(|sample| {
        let exemplar = sample.exemplar().map(Exemplar::labels);
        [Some(sample.labels()), exemplar].into_iter().flatten()
    });
    let mut labels = label_sets.flat_map(LabelSet::iter);
    looks_escaped(family.name()) || labels.any(|(name, _)| looks_escaped(name))
}

/// Whether names that the generator makes cannot be written with a scheme: other rules can be broken by names that are
/// alike too, such as that a state set has a label of its name, and exemplars grow.
fn is_expected(error: &EncodeError, scheme: EscapingScheme) -> bool {
    let cause = error
        .source()
        .and_then(|cause| cause.downcast_ref::<ParseError>());
    let rule = cause.and_then(ParseError::rule);
    match error.kind() {
        EncodeErrorKind::BrokenRule => scheme != Values || rule == Some(Rule::ExemplarLength),
        EncodeErrorKind::NameCollision => scheme != Values,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_escaped_name_is_plain(name in name()) {
        for scheme in [Dots, Underscores, Values] {
            let metric = scheme.escape_metric_name(&name);
            prop_assert!(is_plain(&metric, ":"), "{scheme}: {metric}");
            let label = scheme.escape_label_name(&name);
            prop_assert!(is_plain(&label, ""), "{scheme}: {label}");
        }
    }

    #[test]
    fn values_are_unescaped_to_the_name(name in name()) {
        prop_assume!(!looks_escaped(&name));
        for escaped in [Values.escape_metric_name(&name), Values.escape_label_name(&name)] {
            prop_assert_eq!(Values.unescape(&escaped), &*name);
        }
    }

    /// Names that dots keep: those of letters, digits, colons, dots and underscores.
    #[test]
    fn dots_are_unescaped_to_the_name(name in "[a-z:._][a-z0-9:._]{0,20}") {
        prop_assume!(!name.contains("_dot"));
        let escaped = Dots.escape_metric_name(&name);
        prop_assert_eq!(Dots.unescape(&escaped), &*name);
    }

    #[test]
    fn unescaping_any_text_does_not_fail(name in "(U__)?[a-f0-9_g.]{0,12}") {
        for scheme in EscapingScheme::ALL {
            let _ = scheme.unescape(&name);
        }
    }
}

proptest! {
    #![proptest_config(few_cases())]

    /// Families of all types, written with each scheme and read strictly.
    #[test]
    fn families_are_plain_in_each_scheme_and_unescaped_from_values(families in families(Format::OpenMetrics, Style::Any, 1..6)) {
        for scheme in [Underscores, Dots, Values] {
            let content_type = ContentType::OPENMETRICS_1_0_0.with_escaping(scheme);
            let written = match encode_families(&families, content_type) {
                Ok(written) => written,
                Err(error) => {
                    prop_assert!(is_expected(&error, scheme), "{scheme}: {error:?}");
                    continue;
                }
            };
            let options = ParseOptions::new(content_type).with_limits(Limits::unlimited());
            let plain = options.with_quoted_names(false).with_mode(Mode::Strict);
            let read = parse_families(written.body(), &plain).unwrap();
            let unescaped = read.unescaped(scheme).unwrap();
            prop_assert_eq!(unescaped.len(), families.len());
            if scheme == Values && !families.iter().any(has_escaped_look) {
                prop_assert_eq!(unescaped.as_slice(), &families[..]);
            }
        }
    }
}

/// All content types whose schemes lose nothing.
fn lossless() -> impl Iterator<Item = ContentType> {
    let schemes = [AllowUtf8, Values].into_iter();
    schemes.flat_map(|scheme| {
        ContentType::ALL
            .iter()
            .map(move |c| c.with_escaping(scheme))
    })
}

fn read(text: &[u8], content_type: ContentType) -> Vec<MetricFamily> {
    let families = parse_families(text, &ParseOptions::new(content_type)).unwrap();
    let families = families.unescaped(content_type.escaping()).unwrap();
    families.into_vec()
}

#[test]
fn every_content_type_is_converted_into_every_other_one_and_back() {
    let mut families = all_types();
    // Prometheus text has no times of creation, exemplars, units, infos and state sets.
    families.retain(|family| {
        family.unit().is_empty() && !["a.info", "a.states"].contains(&family.name())
    });
    for family in &mut families {
        family.retain(|sample| sample.exemplar().is_none() && sample.suffix() != Suffix::Created);
    }
    families[0].push(sample(Suffix::Total, 1.0));
    let mut converted = 0;
    for from in lossless() {
        let first = encode_families(&families, from).unwrap();
        for to in lossless() {
            let second = encode_families(&read(first.body(), from), to).unwrap();
            let again = encode_families(&read(second.body(), to), from).unwrap();
            assert_eq!(again, first, "{from} to {to}");
            converted += 1;
        }
    }
    assert_eq!(converted, 144);
}

fn sample(suffix: Suffix, value: f64) -> Sample {
    Sample::new(suffix, LabelSet::new(), value)
}

/// Returns a family of each type, with labels that are not plain.
fn all_types() -> Vec<MetricFamily> {
    let host = LabelSet::from([("host.name", "a"), ("plain", "b")]);
    let exemplar = Exemplar::new(LabelSet::from([("trace.id", "4bf9")]), 1.0)
        .with_timestamp(Timestamp::from_millis(1500));
    let bucket = LabelSet::from([("le", "+Inf")]);
    vec![
        MetricFamily::new("a.counter", MetricType::Counter)
            .with_sample(Sample::new(Suffix::Total, host.clone(), 1.0).with_exemplar(exemplar))
            .with_sample(Sample::new(Suffix::Created, host, 2.0)),
        MetricFamily::new("a.counter_seconds", MetricType::Counter)
            .with_unit("seconds")
            .with_sample(sample(Suffix::Total, 3.0)),
        MetricFamily::new("a.gauge_bytes_per_second", MetricType::Gauge)
            .with_unit("bytes_per_second")
            .with_sample(sample(Suffix::None, 4.0)),
        MetricFamily::new("a.histogram", MetricType::Histogram)
            .with_sample(Sample::new(Suffix::Bucket, bucket, 5.0))
            .with_sample(sample(Suffix::Count, 5.0))
            .with_sample(sample(Suffix::Sum, 5.0)),
        MetricFamily::new("a.info", MetricType::Info).with_sample(sample(Suffix::Info, 1.0)),
        MetricFamily::new("a.states", MetricType::StateSet).with_sample(Sample::new(
            Suffix::None,
            LabelSet::from([("a.states", "on")]),
            1.0,
        )),
        MetricFamily::new("a.summary", MetricType::Summary)
            .with_sample(sample(Suffix::Count, 6.0))
            .with_sample(sample(Suffix::Sum, 6.0)),
        MetricFamily::new("plain", MetricType::Unknown).with_sample(sample(Suffix::None, 7.0)),
    ]
}

/// Writes families part by part, as a program would that has only the names of samples.
fn by_parts(families: &[MetricFamily], content_type: ContentType) -> String {
    let mut encoder = Encoder::new(String::new(), content_type);
    for family in families {
        let (name, kind) = (family.name(), family.kind());
        encoder
            .family(name, kind, family.help(), family.unit())
            .unwrap();
        for sample in family.samples() {
            let (name, labels) = (family.sample_name(sample), sample.labels().iter());
            let encoded = encoder.sample(&name, labels, sample.value()).unwrap();
            if let Some(exemplar) = sample.exemplar() {
                let labels = exemplar.labels().iter();
                let (value, time) = (exemplar.value(), exemplar.timestamp());
                encoded.exemplar(labels, value, time).unwrap();
            }
        }
    }
    assert_eq!(
        encoder.has_escaped_names(),
        content_type.escaping() != AllowUtf8
    );
    encoder.finish().unwrap()
}

#[test]
fn families_of_all_types_keep_the_suffixes_of_their_samples() {
    let values = r##"# TYPE U__a_2e_counter_ counter
U__a_2e_counter__total{U__host_2e_name="a",plain="b"} 1 # {U__trace_2e_id="4bf9"} 1 1.5
U__a_2e_counter__created{U__host_2e_name="a",plain="b"} 2
# TYPE U__a_2e_counter__seconds counter
# UNIT U__a_2e_counter__seconds seconds
U__a_2e_counter__seconds_total 3
# TYPE U__a_2e_gauge__bytes__per__second gauge
# UNIT U__a_2e_gauge__bytes__per__second bytes__per__second
U__a_2e_gauge__bytes__per__second 4
# TYPE U__a_2e_histogram histogram
U__a_2e_histogram_bucket{le="+Inf"} 5
U__a_2e_histogram_count 5
U__a_2e_histogram_sum 5
# TYPE U__a_2e_info_ info
U__a_2e_info__info 1
# TYPE U__a_2e_states stateset
U__a_2e_states{U__a_2e_states="on"} 1
# TYPE U__a_2e_summary summary
U__a_2e_summary_count 6
U__a_2e_summary_sum 6
# TYPE plain unknown
plain 7
# EOF
"##;
    for scheme in EscapingScheme::ALL {
        let content_type = ContentType::OPENMETRICS_0_0_1.with_escaping(*scheme);
        let written = encode_families(&all_types(), content_type).unwrap();
        assert_eq!(written.content_type(), content_type);
        assert_eq!(written.body(), &by_parts(&all_types(), content_type));
        if *scheme == Values {
            assert_eq!(written.body(), values);
        }
        let read = parse_families(written.body(), &ParseOptions::new(content_type)).unwrap();
        if *scheme != Underscores {
            let unescaped = read.unescaped(*scheme).unwrap();
            assert_eq!(unescaped.as_slice(), all_types());
        }
    }
}

#[test]
fn a_counter_has_the_same_name_in_both_formats() {
    let counter = MetricFamily::new("a.b", MetricType::Counter);
    let openmetrics = [counter.with_sample(sample(Suffix::Total, 1.0))];
    let counter = MetricFamily::new("a.b_total", MetricType::Counter);
    let prometheus = [counter.with_sample(sample(Suffix::None, 1.0))];
    for (scheme, name) in [
        (Underscores, "a_b_total"),
        (Dots, "a_dot_b__total"),
        (Values, "U__a_2e_b__total"),
    ] {
        for families in [&openmetrics, &prometheus] {
            for content_type in ContentType::ALL_TEXT {
                let content_type = content_type.with_escaping(scheme);
                let written = encode_families(families, content_type).unwrap();
                let text = String::from_utf8(written.body().to_vec()).unwrap();
                assert!(text.contains(&format!("\n{name} 1\n")), "{text}");
                if scheme == Underscores {
                    continue;
                }
                let read =
                    parse_families(text.as_bytes(), &ParseOptions::new(content_type)).unwrap();
                let expected = match content_type.format() {
                    Format::Prometheus => &prometheus,
                    _ => &openmetrics,
                };
                assert_eq!(read.unescaped(scheme).unwrap().as_slice(), expected);
            }
        }
    }
}

fn gauge(name: &str) -> MetricFamily {
    MetricFamily::new(name, MetricType::Gauge).with_sample(sample(Suffix::None, 1.0))
}

fn labelled(labels: &[(&str, &str)]) -> MetricFamily {
    let labels = labels.iter().copied().collect();
    MetricFamily::new("a", MetricType::Gauge).with_sample(Sample::new(Suffix::None, labels, 1.0))
}

/// Returns the error of families, which is the same if they are written part by part.
fn collision(families: &[MetricFamily], scheme: EscapingScheme) -> String {
    let content_type = ContentType::TEXT_0_0_4.with_escaping(scheme);
    let error = encode_families(families, content_type).unwrap_err();
    assert_eq!(error.kind(), EncodeErrorKind::NameCollision);

    let mut encoder = Encoder::new(String::new(), content_type);
    let mut first = None;
    for family in families {
        let (name, kind) = (family.name(), family.kind());
        let written = encoder.family(name, kind, family.help(), family.unit());
        first = first.or(written.err());
        for sample in family.samples() {
            let labels = sample.labels().iter();
            let written = encoder.sample(&family.sample_name(sample), labels, 1.0);
            first = first.or(written.err());
        }
    }
    assert_eq!(first.unwrap().to_string(), error.to_string());
    error.to_string()
}

#[test]
fn names_that_become_the_same_are_an_error_that_names_both() {
    let expected =
        "the metric names `a.b` and `a_b` both become `a_b` with the escaping scheme `underscores`";
    assert_eq!(
        collision(&[gauge("a.b"), gauge("x"), gauge("a_b")], Underscores),
        expected
    );
    let expected =
        "the metric names `a_b` and `a.b` both become `a_b` with the escaping scheme `underscores`";
    assert_eq!(
        collision(&[gauge("a_b"), gauge("a.b")], Underscores),
        expected
    );
    let expected = "the metric names `é` and `ü` both become `__` with the escaping scheme `dots`";
    assert_eq!(collision(&[gauge("é"), gauge("ü")], Dots), expected);
    let expected = "the metric names `U__a_2e_b` and `a.b` both become `U__a_2e_b` with the escaping scheme `values`";
    assert_eq!(
        collision(&[gauge("U__a_2e_b"), gauge("a.b")], Values),
        expected
    );
    let summary =
        MetricFamily::new("a.b", MetricType::Summary).with_sample(sample(Suffix::Sum, 1.0));
    let expected = "the metric names `a.b_sum` and `a_b_sum` both become `a_b_sum` with the escaping scheme `underscores`";
    assert_eq!(
        collision(&[summary, gauge("a_b_sum")], Underscores),
        expected
    );
}

#[test]
fn label_names_that_become_the_same_are_an_error_that_names_both() {
    let expected =
        "the label names `a.b` and `a b` both become `a_b` with the escaping scheme `underscores`";
    let labels = labelled(&[("x", "0"), ("a.b", "1"), ("c", "2"), ("a b", "3")]);
    assert_eq!(collision(&[labels], Underscores), expected);
    let expected =
        "the label names `a_b` and `a.b` both become `a_b` with the escaping scheme `underscores`";
    let labels = labelled(&[("a_b", "1"), ("a.b", "3")]);
    assert_eq!(collision(&[labels], Underscores), expected);
    // In different samples they are different series, as they were before.
    let fine = labelled(&[("a.b", "1")]);
    let fine = fine.with_sample(Sample::new(
        Suffix::None,
        LabelSet::from([("a_b", "2")]),
        1.0,
    ));
    encode_families(&[fine], ContentType::TEXT_0_0_4).unwrap();
}

#[test]
fn names_that_become_the_same_when_they_are_read_are_an_error() {
    for text in [
        &b"U__a_2e_b 1\n{\"a.b\"} 2\n"[..],
        b"a{U__a_2e_b=\"1\",\"a.b\"=\"2\"} 1\n",
    ] {
        let families = parse_families(text, &ParseOptions::new(Format::Prometheus)).unwrap();
        let error = families.unescaped(Values).unwrap_err();
        assert_eq!(error.names(), ["U__a_2e_b", "a.b"]);
        assert_eq!(error.becomes(), "a.b");
        assert_eq!(error.scheme(), Values);
    }
}

#[test]
fn without_names_that_are_not_plain_all_schemes_write_the_same() {
    let families = [gauge("a_b"), gauge("c__d"), labelled(&[("a_dot_b", "1")])];
    let quoted = encode_families(&families, Format::Prometheus).unwrap();
    for scheme in EscapingScheme::ALL {
        let content_type = ContentType::TEXT_1_0_0.with_escaping(*scheme);
        let written = encode_families(&families, content_type).unwrap();
        assert_eq!(written.body(), quoted.body());
    }
}
