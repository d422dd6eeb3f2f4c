//! Hostile expositions take time linear in their length, whole and in chunks.
//!
//! Each is read at two lengths, of which one is sixteen times the other. What takes sixteen times the time is linear, and
//! what takes 256 times the time is not.

#![cfg(feature = "scout")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

use std::{
    fs,
    time::{Duration, Instant},
};

use scout_metrics_core::Organization;
use scout_metrics_openmetrics::{
    ChunkedParser, Format, Limits, Mode, ParseError, ParseOptions, parse_families,
    scout::SnapshotReader,
};

/// Reads texts of `length` and of sixteen times that, and panics if that takes far more than sixteen times as long, not
/// once but each time.
fn check(length: usize, text: impl Fn(usize) -> String, read: impl Fn(&[u8])) {
    const ATTEMPTS: usize = 5;
    const PRECISION: Duration = Duration::from_millis(2);
    let time = |text: &str| {
        let start = Start::now();
        read(text.as_bytes());
        start.elapsed()
    };
    let (short, long) = (text(length), text(16 * length));
    let slow: Vec<_> = (0..ATTEMPTS)
        .map(|_| (time(&short), time(&long)))
        .take_while(|(short, long)| *long > 64 * (*short).max(PRECISION))
        .collect();
    assert!(slow.len() < ATTEMPTS, "not linear: {slow:?}");
}

/// When something began, in the time that this thread has had a processor, where the system says so. On a busy machine
/// a clock says more about its other work.
enum Start {
    Clock(Instant),
    Processor(Duration),
}

impl Start {
    fn now() -> Self {
        processor_time().map_or_else(|| Self::Clock(Instant::now()), Self::Processor)
    }

    fn elapsed(&self) -> Duration {
        match self {
            Self::Clock(start) => start.elapsed(),
            Self::Processor(start) => processor_time().unwrap() - *start,
        }
    }
}

/// Linux writes nanoseconds into the first field of this file.
fn processor_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

fn unlimited(format: Format) -> ParseOptions {
    ParseOptions::new(format).with_limits(Limits::unlimited())
}

/// Reads with and without limits, in both modes; all errors are fine.
fn read_families(format: Format) -> impl Fn(&[u8]) {
    move |text| {
        for options in [
            unlimited(format),
            unlimited(format).with_mode(Mode::Strict),
            ParseOptions::new(format),
        ] {
            drop(parse_families(text, &options));
        }
    }
}

fn read_chunks(format: Format, size: usize) -> impl Fn(&[u8]) {
    move |text| {
        let read = || -> Result<(), ParseError> {
            let mut parser = ChunkedParser::new(&unlimited(format));
            for chunk in text.chunks(size) {
                parser.feed(chunk)?;
                while parser.next_event()?.is_some() {}
            }
            parser.finish()?;
            while parser.next_event()?.is_some() {}
            Ok(())
        };
        drop(read());
    }
}

fn read_snapshot(text: &[u8]) {
    let organization = Organization::new("acme").unwrap();
    SnapshotReader::new(organization).read(text).unwrap();
}

fn repeated(start: &str, piece: &str, end: &str) -> impl Fn(usize) -> String {
    move |count| [start, &piece.repeat(count), end].concat()
}

fn numbered(line: impl Fn(usize) -> String) -> impl Fn(usize) -> String {
    move |count| (0..count).map(&line).collect()
}

#[test]
fn long_lines() {
    for format in [Format::OpenMetrics, Format::Prometheus] {
        for (start, end) in [
            ("a{b=\"", "\"} 1\n"),
            ("a{b=\"", ""),
            ("# HELP a ", "\n"),
            ("# ", "\n"),
            ("", ""),
            ("", "{b=\"c\"} 1\n"),
            ("a 1", "\n"),
            ("a 1 1", "\n"),
        ] {
            for piece in ["x", "\\n", "\\", "0", "é"] {
                check(3_000, repeated(start, piece, end), read_families(format));
            }
        }
    }
}

#[test]
fn long_lines_byte_by_byte() {
    for format in [Format::OpenMetrics, Format::Prometheus] {
        for (start, piece) in [
            ("a{b=\"", "x"),
            ("a{b=\"", "\n"),
            ("# HELP a ", "\\"),
            ("", "\n"),
            ("a{b=\"", "\"} 1\na{b=\"\n"),
        ] {
            check(1_000, repeated(start, piece, ""), read_chunks(format, 1));
            check(
                50_000,
                repeated(start, piece, ""),
                read_chunks(format, 1000),
            );
        }
    }
}

#[test]
fn many_labels() {
    for format in [Format::OpenMetrics, Format::Prometheus] {
        let labels = numbered(|number| format!("b{number}=\"c\","));
        let line = |count| format!("a{{{}z=\"c\"}} 1\n", labels(count));
        check(1_000, line, read_families(format));
        check(20, |count| line(100).repeat(count), read_families(format));
        check(
            1_000,
            repeated("a{", "b=\"c\",", "} 1\n"),
            read_families(format),
        );
        let labels = numbered(|number| format!("\"\\\\{number}\"=\"c\","));
        let quoted = |count| format!("a{{{}z=\"c\"}} 1\n", labels(count));
        check(1_000, quoted, read_families(format));
        let exemplar = |count| {
            let line = line(count).replace("a{", "a 1 # {");
            format!("# TYPE a counter\n{line}# EOF\n")
        };
        check(1_000, exemplar, read_families(format));
    }
}

#[test]
fn many_samples_and_families() {
    let series = |number| format!("a{{b=\"{number}\"}} 1\n");
    let families = |number| format!("# TYPE a{number} gauge\na{number} 1\n");
    let bare = |number| format!("a{number} 1\n");
    let spread = |number| format!("a{} 1\n", number % 2);
    let counters = |number| format!("# TYPE a{number} counter\na{number}_total 1\n");
    for format in [Format::OpenMetrics, Format::Prometheus] {
        check(1_000, numbered(series), read_families(format));
        check(1_000, numbered(families), read_families(format));
        check(1_000, numbered(bare), read_families(format));
        check(1_000, numbered(spread), read_families(format));
        check(1_000, numbered(counters), read_families(format));
        check(
            1_000,
            repeated("", "# TYPE a gauge\n", ""),
            read_families(format),
        );
        check(1_000, repeated("", "a 1\n", ""), read_families(format));
    }
}

#[test]
fn many_small_families_after_a_large_one() {
    let text = |count| {
        let large = numbered(|number| format!("a{{b=\"{number}\"}} 1\n"));
        let small = numbered(|number| format!("c{number} 1\n"));
        large(count) + &small(count)
    };
    for format in [Format::OpenMetrics, Format::Prometheus] {
        check(1_000, text, read_families(format));
    }
}

#[test]
fn many_buckets() {
    let buckets = numbered(|number| format!("a_bucket{{le=\"{number}\"}} 1\n"));
    for format in [Format::OpenMetrics, Format::Prometheus] {
        let text = |count| format!("# TYPE a histogram\n{}", buckets(count));
        check(1_000, text, read_families(format));
    }
}

#[test]
fn many_streams_policies_and_anomalies() {
    const POLICY: &str = "scout_policy_compliant_images";
    const STREAM: &str = "scout_stream_vulnerabilities";
    let streams = |n| format!("{STREAM}{{streamName=\"{n}\",severity=\"HIGH\"}} 1\n");
    let policies = |n| format!("{POLICY}{{id=\"{n}\",displayName=\"n\",streamName=\"s\"}} 1\n");
    let severities = |n| format!("{STREAM}{{streamName=\"s\",severity=\"{n}\"}} 1\n");
    let families = |n| format!("a{n} 1\n");
    check(1_000, numbered(streams), read_snapshot);
    check(1_000, numbered(policies), read_snapshot);
    check(1_000, numbered(severities), read_snapshot);
    check(1_000, numbered(families), read_snapshot);
    check(1_000, numbered(|_| streams(1)), read_snapshot);
    let pairs = |count| {
        let compliant = numbered(policies)(count);
        let evaluated = compliant.replace("compliant", "evaluated");
        compliant + &evaluated
    };
    check(1_000, pairs, read_snapshot);
}

#[test]
fn long_composite_values() {
    let read = || read_families(Format::OpenMetrics2);
    const NATIVE: &str = "a {count:1,sum:1,schema:1,zero_threshold:0,zero_count:0";
    for (start, piece, end) in [
        ("a {count:1,sum:1,bucket:[", "1:2,", "+Inf:2]}\n# EOF\n"),
        ("a {count:1,sum:1,bucket:[", "1:2,", "+Inf:2]"),
        ("a {count:1,sum:1,bucket:[", "+Inf:1,", "+Inf:2]}\n# EOF\n"),
        ("a {count:1,sum:1,bucket:[", "[", ""),
        ("a {count:1,sum:1,bucket:[", " ,", ""),
        ("a {count:1,sum:1,quantile:[", "1:2,", "1:2]}\n# EOF\n"),
        ("a {count:", "1", ",sum:1,quantile:[]}\n# EOF\n"),
        ("a {count:", "_1", ",sum:1,quantile:[]}\n# EOF\n"),
        ("a {count:0x", "1", "p1,sum:1,quantile:[]}\n# EOF\n"),
        ("a {", "{", "\n"),
        ("a {", ",", "\n"),
        ("a {", "count:1,", "\n"),
        ("a {", "a", "=\n"),
    ] {
        check(3_000, repeated(start, piece, end), read());
    }
    for (start, piece, end) in [
        (
            ",positive_spans:[",
            "1:1,",
            "1:1],positive_buckets:[]}\n# EOF\n",
        ),
        (
            ",positive_spans:[",
            "0:0,",
            "0:0],positive_buckets:[]}\n# EOF\n",
        ),
        (
            ",positive_spans:[",
            "9999999999:9999999999,",
            "0:0],positive_buckets:[]}\n# EOF\n",
        ),
        (
            ",positive_spans:[],positive_buckets:[",
            "1,",
            "1]}\n# EOF\n",
        ),
        (",positive_spans:[],positive_buckets:[", ",", "]}\n# EOF\n"),
    ] {
        let start = format!("{NATIVE}{start}");
        check(3_000, repeated(&start, piece, end), read());
    }
}

#[test]
fn many_exemplars() {
    for piece in [
        " # {} 1 1",
        " # {b=\"c\"} 1 1",
        " # {b=\"c\",b=\"d\"} 1 1",
        " # ",
        " #",
        " # {",
        " # {b=\"",
        " # {b=\"\\",
        " # {b=\"c\"} 1",
        " # {b=\"c\"} 1 1 1",
        " # {_b=\"c\",} x",
    ] {
        let read = || read_families(Format::OpenMetrics2);
        check(3_000, repeated("a 1", piece, "\n# EOF\n"), read());
        check(
            100,
            repeated("", &format!("a 1{piece}\n"), "# EOF\n"),
            read(),
        );
        check(
            1_000,
            repeated("a 1", piece, "\n# EOF\n"),
            read_chunks(Format::OpenMetrics2, 100),
        );
    }
}

#[test]
fn many_samples_of_openmetrics_2() {
    let read = || read_families(Format::OpenMetrics2);
    let values = |number| format!("a{{b=\"{number}\"}} {{count:1,sum:1,bucket:[1:1,+Inf:1]}}\n");
    let quoted = |number| format!("{{\"a.b\",\"c.d\"=\"{number}\"}} 1 st@1\n");
    check(1_000, numbered(values), read());
    check(1_000, numbered(quoted), read());
    check(3_000, repeated("# HELP a ", "\\", "\n# EOF\n"), read());
    check(
        3_000,
        repeated("# HELP \"", "\\\"", "\" a\n# EOF\n"),
        read(),
    );
}
