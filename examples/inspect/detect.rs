//! The format of an exposition, if nobody says which one it is.
//!
//! `# EOF` ends OpenMetrics and is a comment in Prometheus text, which some exporters write all the same. Read in the wrong
//! format, times differ by a factor of 1000 and counters have other names, so both readings are compared. OpenMetrics 2.0 is
//! what OpenMetrics 1.0 cannot be.

use std::collections::BTreeSet;

use scout_metrics_openmetrics::{
    Families, Format, MetricType, Mode, ParseError, ParseOptions, Rule, parse_families,
};

type Reading = Result<Families, ParseError>;

/// A format, and what people should know about the choice.
pub(crate) struct Detected {
    pub(crate) format: Format,
    pub(crate) remark: Option<String>,
}

/// Returns the format of an exposition that is read with these options.
pub(crate) fn detect(exposition: &[u8], options: &ParseOptions) -> Detected {
    let read = |format| -> Reading {
        let options = options.with_format(format).with_mode(Mode::Lenient);
        parse_families(exposition, &options)
    };
    let prometheus = read(Format::Prometheus);
    let is_protobuf = || read(Format::Protobuf).is_ok_and(|families| !families.is_empty());
    if prometheus.is_err() && !ends_with_eof(exposition) && is_protobuf() {
        return Detected {
            format: Format::Protobuf,
            remark: None,
        };
    }
    let looks_like_openmetrics =
        has_unit(exposition) || prometheus.as_ref().is_ok_and(is_named_as_openmetrics);
    if !ends_with_eof(exposition) {
        let remark = "the exposition looks like OpenMetrics without its last line `# EOF`, so a part of it may be \
                      missing; it is read as Prometheus text";
        return Detected {
            format: Format::Prometheus,
            remark: looks_like_openmetrics.then(|| remark.to_owned()),
        };
    }
    let openmetrics = read(Format::OpenMetrics);
    let reason = match &prometheus {
        Ok(prometheus) if !looks_like_openmetrics && !has_seconds(prometheus) => {
            reason_against(&openmetrics, prometheus)
        }
        _ => None,
    };
    // A line that is wrong in each format may be an exemplar that 2.0 leaves out.
    let is_openmetrics2 = || {
        let is_good = |families: Families| families.deviations().is_empty();
        openmetrics.is_err()
            && (is_like_openmetrics2(exposition) || read(Format::OpenMetrics2).is_ok_and(is_good))
    };
    Detected {
        format: match reason {
            Some(_) => Format::Prometheus,
            None if is_openmetrics2() => Format::OpenMetrics2,
            None => Format::OpenMetrics,
        },
        remark: reason.map(|reason| {
            format!("read as Prometheus text although the exposition ends with `# EOF`: {reason}")
        }),
    }
}

/// Returns whether the last line that is not blank is `# EOF`.
fn ends_with_eof(exposition: &[u8]) -> bool {
    let text = exposition.trim_ascii_end();
    text.strip_suffix(b"# EOF")
        .is_some_and(|before| before.is_empty() || before.ends_with(b"\n"))
}

/// Returns whether there is a unit, which is a comment in Prometheus text.
fn has_unit(exposition: &[u8]) -> bool {
    let mut lines = exposition.split(|byte| *byte == b'\n');
    lines.any(|line| line.starts_with(b"# UNIT "))
}

/// Returns whether a sample has what only OpenMetrics 2.0 has: a histogram or a summary as its value, or a start timestamp.
fn is_like_openmetrics2(exposition: &[u8]) -> bool {
    let lines = exposition.split(|byte| *byte == b'\n');
    let mut samples = lines.filter(|line| !line.starts_with(b"#"));
    samples.any(|line| {
        let words = line.split(|byte| *byte == b' ').skip(1);
        let starts: [&[u8]; 3] = [b"{count:", b"{gcount:", b"st@"];
        words
            .clone()
            .any(|word| starts.iter().any(|start| word.starts_with(start)))
    })
}

/// Returns why an exposition that Prometheus text can be is no OpenMetrics.
fn reason_against(openmetrics: &Reading, prometheus: &Families) -> Option<String> {
    let families = match openmetrics {
        Ok(families) => families,
        Err(error) => return Some(error.to_string()),
    };
    if has_times(families, |seconds| seconds >= LATEST) {
        return Some("its times look like milliseconds".to_owned());
    }
    let rules = |families: &Families| -> BTreeSet<Rule> {
        let deviations = families.deviations().iter();
        deviations.map(|deviation| deviation.rule).collect()
    };
    let known = rules(prometheus);
    let mut deviations = families.deviations().iter();
    let first = deviations.find(|deviation| !known.contains(&deviation.rule));
    first.map(ToString::to_string)
}

/// Returns whether families that were read as Prometheus text are named or typed as OpenMetrics does.
fn is_named_as_openmetrics(families: &Families) -> bool {
    let is_total_apart = families.iter().any(|family| {
        family.kind() == MetricType::Counter
            && family.samples().is_empty()
            && families.get(&format!("{}_total", family.name())).is_some()
    });
    let has_other_type = families.iter().any(|family| {
        matches!(
            family.kind(),
            MetricType::GaugeHistogram | MetricType::Info | MetricType::StateSet
        )
    });
    is_total_apart || has_other_type
}

/// Returns what is odd about the times of an exposition, which are in another unit more often than in another age.
pub(crate) fn remark_on_times(families: &Families, format: Format) -> Option<&'static str> {
    let is_late = has_times(families, |seconds| seconds >= LATEST);
    match format {
        Format::Prometheus if is_late => Some(
            "times are after the year 5138: they look like microseconds or nanoseconds, and Prometheus text has milliseconds",
        ),
        Format::Prometheus if has_seconds(families) => Some(
            "times are in 1970: they look like seconds, which OpenMetrics has, and Prometheus text has milliseconds",
        ),
        Format::OpenMetrics | Format::OpenMetrics2 if is_late => Some(
            "times are after the year 5138: they look like milliseconds, which Prometheus text has, and OpenMetrics has seconds",
        ),
        _ => None,
    }
}

/// Returns whether milliseconds of 1970 would be seconds of our time.
fn has_seconds(families: &Families) -> bool {
    has_times(families, |seconds| {
        (LATEST / 1_000_000..LATEST / 1000).contains(&seconds)
    })
}

/// The second at which times are no longer believed: in the year 5138.
const LATEST: i64 = 100_000_000_000;

fn has_times(families: &Families, is: impl Fn(i64) -> bool) -> bool {
    let mut samples = families.iter().flat_map(|family| family.samples());
    samples.any(|sample| {
        let timestamp = sample.timestamp();
        timestamp.is_some_and(|timestamp| is((timestamp.as_nanos() / 1_000_000_000) as i64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(text: &str) -> (Format, String) {
        let Detected { format, remark } = detect(text.as_bytes(), &ParseOptions::default());
        (format, remark.unwrap_or_default())
    }

    #[test]
    fn openmetrics_ends_in_eof() {
        for text in [
            "# EOF",
            "# TYPE a counter\na_total 1 1520879607.789\n# EOF\n",
            "# TYPE a gauge\r\na 1\r\n# EOF\r\n",
            "# TYPE a unknown\na{b=\"1\", c=\"2\"} 1\n# TYPE d info\nd_info 1\n# EOF\n",
            "# TYPE a counter\n\na_total 1\n# EOF\n",
            "# UNIT a_seconds seconds\n# a comment\na_seconds 1\n# EOF\n",
            "a 1 1520879607\n\n# EOF\n",
            "a 1 # {b=\"c\"} 1\n# EOF\n",
        ] {
            assert_eq!(
                detected(text),
                (Format::OpenMetrics, String::new()),
                "{text}"
            );
        }
    }

    #[test]
    fn openmetrics2_is_what_openmetrics_cannot_be() {
        for text in [
            "# TYPE a histogram\na {count:1,sum:2,bucket:[+Inf:1]}\n# EOF\n",
            "a{b=\"c\"} {gcount:1,gsum:2,schema:0,zero_threshold:0,zero_count:1}\n# EOF",
            "# TYPE a_total counter\na_total 1 st@1520430000.123\n# EOF\n",
            // Nothing but its exemplars and its unit is of 2.0.
            "a 1 # {} 1 2 # {} 1 3\n# EOF\n",
            "# TYPE a gauge\n# UNIT a bytes\na 1\n# EOF\n",
            // The format is recognized although nobody can read it.
            "# TYPE a gauge\na {count:1,sum:2,quantile:[]}\n# EOF\n",
            "a 1 2 st@x\n# EOF\n",
        ] {
            assert_eq!(
                detected(text),
                (Format::OpenMetrics2, String::new()),
                "{text}"
            );
        }
        for text in [
            "# TYPE a counter\n# HELP a {count:1} st@1\na_total 1\n# EOF\n",
            "# UNIT a_b b\na_b{c=\" st@1 {count:1\"} 1\n# EOF\n",
            "a_b 1 # x\n# UNIT a_b b\n# EOF\n",
        ] {
            assert_eq!(
                detected(text),
                (Format::OpenMetrics, String::new()),
                "{text}"
            );
        }
    }

    #[test]
    fn prometheus_text_may_end_in_a_comment_that_says_eof() {
        for (text, reason) in [
            (
                "# TYPE a untyped\na 1\n\nb 2 \n# EOF\n",
                "expected unknown, which OpenMetrics has in place of untyped, found \"untyped\" (line 1, column 10)",
            ),
            (
                "# TYPE a_total counter\na_total 1\n# EOF\n",
                "expected `a_total_total` as a sample of the counter `a_total`, found `a_total` (line 2, column 1)",
            ),
            (
                "a 1\n# EOF\n\n",
                "found a blank line after `# EOF`, expected the end of the exposition (line 3, column 1)",
            ),
            (
                "a 1 1520879607789\n# EOF\n",
                "its times look like milliseconds",
            ),
            (
                "a 1\n\n# EOF\n",
                "found a blank line, which OpenMetrics does not have (line 2, column 1)",
            ),
            (
                "# a comment\na 1\n# EOF\n",
                "expected `# TYPE`, `# HELP`, `# UNIT` or `# EOF`, found \"# a comment\" (line 1, column 1)",
            ),
        ] {
            let (format, remark) = detected(text);
            assert_eq!(format, Format::Prometheus, "{text}");
            let start = "read as Prometheus text although the exposition ends with `# EOF`: ";
            assert_eq!(remark, format!("{start}{reason}"), "{text}");
        }
    }

    #[test]
    fn only_a_line_is_the_end() {
        for text in [
            "a 1\n",
            "",
            "# HELP a ends in # EOF\na 1\n",
            "# HELP a # EOF",
            "# EOF\na 1\n",
        ] {
            assert_eq!(
                detected(text),
                (Format::Prometheus, String::new()),
                "{text}"
            );
        }
    }

    #[test]
    fn times_in_another_unit_are_remarked_on() {
        let remark = |text: &str, format| {
            let read = parse_families(text.as_bytes(), &ParseOptions::new(format));
            remark_on_times(&read.unwrap(), format).unwrap_or_default()
        };
        for (time, unit) in [
            ("1520879607", "like seconds"),
            ("1520879607789", ""),
            ("1520879607789000", "like microseconds"),
            ("-3982045", ""),
        ] {
            let remark = remark(&format!("a 1 {time}\n"), Format::Prometheus);
            assert!(
                remark.contains(unit) && remark.is_empty() == unit.is_empty(),
                "{time}: {remark}"
            );
        }
        assert_eq!(remark("a 1 1520879607\n# EOF\n", Format::OpenMetrics), "");
        let late = remark("a 1 1520879607789\n# EOF\n", Format::OpenMetrics);
        assert!(late.contains("like milliseconds"), "{late}");
    }

    #[test]
    fn openmetrics_that_may_be_cut_is_named() {
        for text in [
            "# TYPE a counter\na_total 1\n",
            "# UNIT a_seconds seconds\na_seconds 1\n",
            "# TYPE a info\na_info 1\n",
        ] {
            let (format, remark) = detected(text);
            assert_eq!(format, Format::Prometheus, "{text}");
            assert!(remark.contains("without its last line `# EOF`"), "{text}");
        }
    }
}
