//! The output of the encoder, part by part, and what it refuses.

use bytes::BytesMut;
use scout_metrics_openmetrics::{
    EncodeError, Encoder, Format, MetricType, Mode, ParseOptions, Timestamp, parse_families,
};

type Result<T = (), E = EncodeError> = std::result::Result<T, E>;

/// Returns what some parts are written as.
fn written(
    format: Format,
    write: impl FnOnce(&mut Encoder<&mut String>) -> Result,
) -> Result<String> {
    let mut out = String::new();
    let mut encoder = Encoder::new(&mut out, format);
    write(&mut encoder)?;
    encoder.finish()?;
    Ok(out)
}

fn message(format: Format, write: impl FnOnce(&mut Encoder<&mut String>) -> Result) -> String {
    match written(format, write) {
        Ok(text) => panic!("this was written:\n{text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_exposition_without_parts_has_only_its_end() -> Result {
    assert_eq!(written(Format::OpenMetrics, |_| Ok(()))?, "# EOF\n");
    assert_eq!(written(Format::Prometheus, |_| Ok(()))?, "");
    Ok(())
}

#[test]
fn metadata_stand_in_the_order_of_the_format() -> Result {
    let family = |encoder: &mut Encoder<&mut String>| {
        encoder.family("x", MetricType::Unknown, "A \"b\" \\ c\nd", "")
    };
    assert_eq!(
        written(Format::OpenMetrics, family)?,
        "# TYPE x unknown\n# HELP x A \\\"b\\\" \\\\ c\\nd\n# EOF\n"
    );
    assert_eq!(
        written(Format::Prometheus, family)?,
        "# HELP x A \"b\" \\\\ c\\nd\n# TYPE x untyped\n"
    );
    let unit = |encoder: &mut Encoder<&mut String>| {
        encoder.family("age_seconds", MetricType::Gauge, "", "seconds")
    };
    assert_eq!(
        written(Format::OpenMetrics, unit)?,
        "# TYPE age_seconds gauge\n# UNIT age_seconds seconds\n# EOF\n"
    );
    Ok(())
}

#[test]
fn names_that_are_not_plain_are_quoted_and_values_escaped() -> Result {
    let text = written(Format::Prometheus, |encoder| {
        encoder.family("a.b", MetricType::Gauge, "", "")?;
        encoder.sample("a.b", [], 1.0)?;
        encoder.sample("a.b", [("c", "d")], 2.0)?;
        encoder.sample("e:f", [("g:h", "\"\\\n"), ("1", "é")], -0.5)?;
        Ok(())
    })?;
    assert_eq!(
        text,
        concat!(
            "# TYPE \"a.b\" gauge\n",
            "{\"a.b\"} 1\n",
            "{\"a.b\",c=\"d\"} 2\n",
            "e:f{\"g:h\"=\"\\\"\\\\\\n\",\"1\"=\"é\"} -0.5\n",
        )
    );
    Ok(())
}

#[test]
fn a_sample_may_have_a_timestamp_and_an_exemplar() -> Result {
    let time = Timestamp::new(-2, 500_000_000).unwrap();
    let text = written(Format::OpenMetrics, |encoder| {
        encoder.sample("a", [], f64::NAN)?;
        encoder.sample("a", [], f64::INFINITY)?.timestamp(time)?;
        let sample = encoder.sample("b_total", [], 0.1)?.timestamp(time)?;
        sample.exemplar([("x", "\""), ("y", "")], f64::NEG_INFINITY, Some(time))?;
        encoder
            .sample("b_total", [], 1e300)?
            .exemplar([], 2.0, None)
            .map(drop)
    })?;
    assert_eq!(
        text,
        concat!(
            "a NaN\n",
            "a +Inf -1.5\n",
            "b_total 0.1 -1.5 # {x=\"\\\"\",y=\"\"} -Inf -1.5\n",
            "b_total 1e+300 # {} 2\n",
            "# EOF\n",
        )
    );
    let text = written(Format::Prometheus, |encoder| {
        encoder.sample("a", [], 1.0)?.timestamp(time)?;
        Ok(())
    })?;
    assert_eq!(text, "a 1 -1500\n");
    Ok(())
}

#[test]
fn timestamps_keep_their_nanoseconds() -> Result {
    for (nanos, shown) in [
        (0, "0"),
        (1, "0.000000001"),
        (1_000_000_010, "1.00000001"),
        (-100_000_000, "-0.1"),
        (1_234_567_890_123_456_789, "1234567890.123456789"),
    ] {
        let text = written(Format::OpenMetrics, |encoder| {
            let sample = encoder.sample("a", [], 1.0)?;
            sample.timestamp(Timestamp::from_nanos(nanos).unwrap())?;
            Ok(())
        })?;
        assert_eq!(text, format!("a 1 {shown}\n# EOF\n"));
    }
    Ok(())
}

#[test]
fn refuses_what_the_format_cannot_express() {
    let family = |kind, unit| {
        move |encoder: &mut Encoder<&mut String>| encoder.family("x_seconds", kind, "", unit)
    };
    assert_eq!(
        message(Format::Prometheus, family(MetricType::Info, "")),
        "the family `x_seconds` cannot be written as prometheus-text-0.0.4: the format has no type info"
    );
    assert_eq!(
        message(Format::Prometheus, family(MetricType::Gauge, "seconds")),
        "the family `x_seconds` cannot be written as prometheus-text-0.0.4: the format has no units"
    );
    for unit in ["bytes", "econds", "x_seconds"] {
        assert_eq!(
            message(Format::OpenMetrics, family(MetricType::Gauge, unit)),
            "the family `x_seconds` cannot be written as openmetrics-1.0: its unit is not the end of its name"
        );
    }
    let broken = |encoder: &mut Encoder<&mut String>| {
        encoder.family("a_b\n# EOF", MetricType::Gauge, "", "b\n# EOF")
    };
    assert_eq!(
        message(Format::OpenMetrics, broken),
        "the family `a_b\u{FFFD}# EOF` cannot be written as openmetrics-1.0: its unit is not the end of its name"
    );
    let timed = |encoder: &mut Encoder<&mut String>| {
        let sample = encoder.sample("a", [], 1.0)?;
        sample.timestamp(Timestamp::new(0, 1).unwrap())?;
        Ok(())
    };
    assert_eq!(
        message(Format::Prometheus, timed),
        "a sample cannot be written as prometheus-text-0.0.4: a timestamp has to be whole milliseconds"
    );
    assert_eq!(
        message(Format::Prometheus, |encoder| {
            encoder
                .sample("a", [], 1.0)?
                .exemplar([], 1.0, None)
                .map(drop)
        }),
        "a sample cannot be written as prometheus-text-0.0.4: the format has no exemplars"
    );
}

#[test]
fn refuses_empty_names() {
    for format in [Format::OpenMetrics, Format::Prometheus] {
        assert_eq!(
            message(format, |encoder| encoder.family(
                "",
                MetricType::Gauge,
                "",
                ""
            )),
            "the name of a family is empty"
        );
        assert_eq!(
            message(format, |encoder| encoder.sample("", [], 1.0).map(|_| ())),
            "the name of a sample is empty"
        );
        assert_eq!(
            message(format, |encoder| {
                encoder.sample("a", [("", "b")], 1.0).map(|_| ())
            }),
            "the name of a label is empty"
        );
    }
}

#[test]
fn reports_an_output_that_takes_no_more() {
    struct Full;
    impl std::fmt::Write for Full {
        fn write_str(&mut self, _: &str) -> std::fmt::Result {
            Err(std::fmt::Error)
        }
    }
    let mut encoder = Encoder::new(Full, Format::Prometheus);
    let error = encoder.sample("a", [], 1.0).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "the output accepts no more text");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn writes_into_bytes_what_a_strict_reader_takes() -> Result {
    let mut encoder = Encoder::new(BytesMut::new(), Format::OpenMetrics);
    encoder.family("a_b", MetricType::Counter, "Help.", "b")?;
    let sample = encoder.sample("a_b_total", [("c", "d")], 3.0)?;
    sample.exemplar([("e", "f")], 1.0, None)?;
    let body = encoder.finish()?.freeze();
    let strict = ParseOptions::new(Format::OpenMetrics).with_mode(Mode::Strict);
    let families = parse_families(&body, &strict).unwrap();
    assert_eq!(families.len(), 1);
    assert_eq!(families.as_slice()[0].unit(), "b");
    assert_eq!(
        families.as_slice()[0].samples()[0].labels().get("c"),
        Some("d")
    );
    Ok(())
}
