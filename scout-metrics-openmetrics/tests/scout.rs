//! Docker Scout's expositions, with everything that can be wrong with them.

#![cfg(feature = "scout")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

use std::{error::Error as StdError, fs, path::PathBuf};

use scout_metrics_core::{
    Anomaly, AnomalyKind, Error, ErrorKind, MetricsSource, Organization, RawSample, Severity,
    Snapshot, Stream, conformance,
};
use scout_metrics_openmetrics::{
    Format, Mode,
    scout::{self, FileSource, SnapshotReader},
};

const GOOD: &str = r#"# HELP scout_stream_vulnerabilities Vulnerabilities in a stream.
# TYPE scout_stream_vulnerabilities gauge
scout_stream_vulnerabilities{streamName="production",severity="CRITICAL"} 5
scout_stream_vulnerabilities{streamName="production",severity="HIGH"} 3
scout_stream_vulnerabilities{streamName="latest-indexed",severity="UNSPECIFIED"} 0
# HELP scout_policy_compliant_images Images of a stream that comply with a policy.
# TYPE scout_policy_compliant_images gauge
scout_policy_compliant_images{id="1",displayName="No, {really} = \"none\"",streamName="production"} 2
# HELP scout_policy_evaluated_images Images of a stream that were evaluated against a policy.
# TYPE scout_policy_evaluated_images gauge
scout_policy_evaluated_images{id="1",displayName="No, {really} = \"none\"",streamName="production"} 4
"#;

fn acme() -> Organization {
    Organization::new("acme").unwrap()
}

fn reader() -> SnapshotReader {
    SnapshotReader::new(acme())
}

fn read(text: impl AsRef<[u8]>) -> Snapshot {
    reader().read(text.as_ref()).unwrap()
}

/// Returns kind and messages of the error, which is the same for the whole and for chunks.
fn error(text: impl AsRef<[u8]>) -> (ErrorKind, String) {
    error_of(&reader(), text.as_ref())
}

fn error_of(reader: &SnapshotReader, text: &[u8]) -> (ErrorKind, String) {
    let whole = reader.read(text).unwrap_err();
    let mut decoder = reader.decoder();
    let mut chunks = text.chunks(7);
    let chunked = chunks
        .try_for_each(|chunk| decoder.feed(chunk))
        .and_then(|()| decoder.finish())
        .unwrap_err();
    assert_eq!(messages(&chunked), messages(&whole));
    assert_eq!(chunked.kind(), whole.kind());
    (whole.kind(), messages(&whole))
}

fn messages(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Returns kind and text of each anomaly.
fn anomalies(snapshot: &Snapshot) -> Vec<(AnomalyKind, String)> {
    let anomalies = snapshot.anomalies().iter();
    anomalies
        .map(|anomaly| (anomaly.kind(), anomaly.to_string()))
        .collect()
}

fn count(severity: &str, value: &str) -> String {
    format!(
        "scout_stream_vulnerabilities{{streamName=\"production\",severity=\"{severity}\"}} {value}\n"
    )
}

fn policy(family: &str, name: &str, value: u64) -> String {
    format!(
        "scout_policy_{family}_images{{id=\"1\",displayName=\"{name}\",streamName=\"production\"}} {value}\n"
    )
}

#[test]
fn reads_what_docker_documents() {
    let snapshot = read(GOOD);
    assert_eq!(snapshot.anomalies(), []);
    let [production, latest] = snapshot.streams() else {
        panic!("{snapshot:?} has two streams");
    };
    assert_eq!(production.name().as_str(), "production");
    assert_eq!(production.vulnerabilities().to_string(), "5C 3H");
    assert_eq!(production.vulnerabilities().get(Severity::Low), None);
    let [result] = production.policies() else {
        panic!("{production:?} has one policy");
    };
    assert_eq!(result.policy().display_name(), "No, {really} = \"none\"");
    assert_eq!((result.compliant(), result.evaluated()), (2, 4));
    assert!(latest.name().is_latest_indexed());
    assert_eq!(latest.vulnerabilities().get(Severity::Unspecified), Some(0));
    assert_eq!(latest.policies(), []);
    assert_eq!(
        scout::encode(&snapshot, Format::Prometheus).body(),
        GOOD.as_bytes()
    );
}

#[test]
fn what_is_no_exposition_is_called_by_its_name() {
    for (text, found) in [
        ("<!DOCTYPE html>\n<html>", "HTML or XML"),
        (
            "\u{feff}\n <html><body>502 Bad Gateway</body></html>\n",
            "HTML or XML",
        ),
        ("{\"message\":\"unauthorized\"}", "JSON"),
        ("{\n  \"message\": \"unauthorized\"\n}\n", "JSON"),
        ("[{\"a\":1}]", "JSON"),
        ("{}", "JSON"),
    ] {
        let (kind, message) = error(text);
        assert_eq!(kind, ErrorKind::NotMetrics, "{text}");
        let expected = format!("organization `acme`: expected an exposition, found {found}: ");
        assert!(message.starts_with(&expected), "{message}");
    }
    assert_eq!(
        error("<!DOCTYPE html>\n<html>").1,
        "organization `acme`: expected an exposition, found HTML or XML: expected metrics, \
         found HTML, such as an error page or a login page (line 1, column 1)"
    );
    assert_eq!(
        error("not found\n"),
        (
            ErrorKind::Decode,
            "organization `acme`: cannot read the exposition as prometheus-text-0.0.4: \
             expected a value (a decimal number, NaN, +Inf or -Inf), found \"found\" (line 1, column 5)"
                .to_owned()
        )
    );
}

#[test]
fn an_exposition_with_quoted_names_is_not_called_json() {
    let (kind, message) = error("{\"scout.x\"} 1\n{\"scout.y\"} one\n");
    assert_eq!(kind, ErrorKind::Decode);
    assert_eq!(
        message,
        "organization `acme`: cannot read the exposition as prometheus-text-0.0.4: \
         expected a value (a decimal number, NaN, +Inf or -Inf), found \"one\" (line 2, column 13)"
    );
}

#[test]
fn an_empty_exposition_is_visibly_empty() {
    for text in [
        "",
        "\n",
        "# TYPE scout_stream_vulnerabilities gauge\n",
        "# nothing\n",
    ] {
        let snapshot = read(text);
        assert!(snapshot.is_empty());
        let expected = (
            AnomalyKind::Empty,
            "the exposition has no samples".to_owned(),
        );
        assert_eq!(anomalies(&snapshot), [expected]);
    }
}

#[test]
fn an_exposition_that_was_cut_is_never_a_whole_one() {
    let reader = reader().with_required_final_newline(true);
    let mut whole_lines = 0;
    for end in 1..GOOD.len() {
        let text = &GOOD.as_bytes()[..end];
        match reader.read(text) {
            // Where the cut is at the end of a line, nothing can be seen of it in Prometheus text.
            Ok(_) => whole_lines += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Decode),
        }
    }
    assert_eq!(whole_lines, GOOD.lines().count() - 1);

    let openmetrics = scout::encode(&read(GOOD), Format::OpenMetrics);
    let reader = self::reader().with_format(Format::OpenMetrics);
    for end in 0..openmetrics.body().len() - 1 {
        let error = reader.read(&openmetrics.body()[..end]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
    }
}

#[test]
fn a_missing_line_feed_is_an_anomaly_or_an_error() {
    let text = count("HIGH", "12").trim_end().to_owned();
    let snapshot = read(&text);
    let expected =
        "format rule `final_newline` is broken: the last line does not end in a line feed (line 1)"
            .to_owned();
    assert_eq!(anomalies(&snapshot), [(AnomalyKind::Deviation, expected)]);
    let reader = reader().with_required_final_newline(true);
    assert_eq!(
        error_of(&reader, text.as_bytes()),
        (
            ErrorKind::Decode,
            "organization `acme`: the exposition ends in the middle of a line (line 1)".to_owned()
        )
    );
    assert_eq!(
        error_of(&self::reader().with_mode(Mode::Strict), text.as_bytes()).1,
        "organization `acme`: cannot read the exposition as prometheus-text-0.0.4: \
         the last line does not end in a line feed, so a part of it may be missing (line 1, column 73)"
    );
}

#[test]
fn bytes_that_are_not_utf8_are_named() {
    assert_eq!(
        error(b"scout_stream_vulnerabilities{streamName=\"caf\xE9\"} 1\n"),
        (
            ErrorKind::Decode,
            "organization `acme`: cannot read the exposition as prometheus-text-0.0.4: \
             expected UTF-8, found the byte 0xE9 (line 1, column 45)"
                .to_owned()
        )
    );
    assert_eq!(error(b"\xFF\xFEs\0c\0").0, ErrorKind::Decode);
}

#[test]
fn a_count_is_a_whole_number() {
    for value in [
        "NaN",
        "+Inf",
        "-Inf",
        "-1",
        "0.5",
        "1e300",
        "9007199254740993",
        "1e-9",
        "-0.0001",
        "18446744073709551616",
        "4.9999999999999999999",
    ] {
        for (text, line) in [
            (count("HIGH", value), 1),
            (count("LOW", "1") + &count("HIGH", value), 2),
            (count("BAD", value), 1),
        ] {
            let expected = format!(
                "organization `acme`: `scout_stream_vulnerabilities` has the value {value}, \
                 expected a whole number from 0 to 2^53 (line {line})"
            );
            assert_eq!(error(text), (ErrorKind::Decode, expected));
        }
    }
    let policies =
        "scout_policy_evaluated_images{id=\"1\",displayName=\"a\",streamName=\"b\"} 0.1\n";
    assert_eq!(
        error(policies).1,
        "organization `acme`: `scout_policy_evaluated_images` has the value 0.1, \
         expected a whole number from 0 to 2^53 (line 1)"
    );
    let long = "1".repeat(100_000);
    assert!(error(count("HIGH", &long)).1.len() < 300);
    for (value, exact) in [
        ("9007199254740992", 1 << 53),
        ("5.0", 5),
        ("5e3", 5000),
        ("-0", 0),
        ("0e999", 0),
        ("000000000000000000000000017", 17),
    ] {
        let snapshot = read(count("HIGH", value));
        assert_eq!(
            snapshot.streams()[0].vulnerabilities()[Severity::High],
            exact
        );
    }
}

#[test]
fn samples_in_no_stream_are_kept_reported_and_written() {
    let other_label =
        "scout_stream_vulnerabilities{streamName=\"production\",severity=\"HIGH\",x=\"y\"} 1\n";
    let cases = [
        (
            "scout_new{a=\"b\"} 1.5\n".to_owned(),
            AnomalyKind::UnknownFamily,
            "unknown metric family `scout_new` (line 2)",
        ),
        (
            other_label.to_owned(),
            AnomalyKind::UnknownLabel,
            "unknown label `x` (line 2)",
        ),
        (
            "scout_stream_vulnerabilities{severity=\"HIGH\"} 1\n".to_owned(),
            AnomalyKind::MissingLabel,
            "missing label `streamName` (line 2)",
        ),
        (
            "scout_stream_vulnerabilities{streamName=\"a\",severity=\"\"} 1\n".to_owned(),
            AnomalyKind::MissingLabel,
            "missing label `severity` (line 2)",
        ),
        (
            "scout_policy_compliant_images{displayName=\"a\",streamName=\"b\"} 1\n".to_owned(),
            AnomalyKind::MissingLabel,
            "missing label `id` (line 2)",
        ),
        (
            "scout_stream_empty{streamName=\"a\",x=\"y\"} 1\n".to_owned(),
            AnomalyKind::UnknownLabel,
            "unknown label `x` (line 2)",
        ),
        (
            "scout_stream_empty{streamName=\"production\"} 1\n".to_owned(),
            AnomalyKind::Other,
            "a stream reported as empty has data (line 2)",
        ),
        (
            policy("compliant", "a", 1),
            AnomalyKind::UnpairedSample,
            "policy `1` has compliant images only (line 2)",
        ),
        (
            policy("evaluated", "a", 1),
            AnomalyKind::UnpairedSample,
            "policy `1` has evaluated images only (line 2)",
        ),
    ];
    for (line, kind, message) in cases {
        let text = count("LOW", "1") + &line;
        let snapshot = read(&text);
        assert_eq!(anomalies(&snapshot), [(kind, message.to_owned())]);
        assert_eq!(snapshot.streams().len(), 1, "{line}");
        assert_eq!(snapshot.streams()[0].vulnerabilities().total(), 1);
        assert!(snapshot.anomalies()[0].is_unplaced());
        let written = scout::encode(&snapshot, Format::Prometheus);
        let written = std::str::from_utf8(written.body()).unwrap();
        assert!(written.contains(&line), "{line} is lost: {written}");
    }
}

#[test]
fn counts_split_by_an_unknown_label_are_not_taken_for_the_count() {
    let split = |count: u64, package| {
        format!(
            "scout_stream_vulnerabilities{{streamName=\"a\",severity=\"CRITICAL\",packageType=\"{package}\"}} {count}\n"
        )
    };
    let text = split(0, "npm") + &split(5, "pypi");
    let snapshot = read(&text);
    assert_eq!(snapshot.streams(), []);
    assert_eq!(
        anomalies(&snapshot),
        [1, 2].map(|line| (
            AnomalyKind::UnknownLabel,
            format!("unknown label `packageType` (line {line})")
        ))
    );
    let written = scout::encode(&snapshot, Format::Prometheus);
    let written = std::str::from_utf8(written.body()).unwrap();
    assert!(written.contains(&text), "{written}");
}

#[test]
fn an_unknown_severity_is_in_the_stream() {
    for name in ["BLOCKER", "high", "a \\\"b\\\""] {
        let decoded = name.replace('\\', "");
        let snapshot = read(count("LOW", "1") + &count(name, "7"));
        let message = format!("unknown severity `{decoded}` (line 2)");
        assert_eq!(
            anomalies(&snapshot),
            [(AnomalyKind::UnknownSeverity, message)]
        );
        assert!(!snapshot.anomalies()[0].is_unplaced());
        let counts = snapshot.streams()[0].vulnerabilities();
        let unrecognized: Vec<_> = counts.unrecognized().collect();
        assert_eq!(unrecognized, [(decoded.as_str(), 7)]);
        let again = read(scout::encode(&snapshot, Format::Prometheus).body());
        assert_eq!(again.streams(), snapshot.streams());
    }
}

#[test]
fn severities_beyond_a_bound_are_in_no_stream() {
    let text: String = (0..150)
        .map(|number| count(&format!("S{number}"), "1"))
        .collect();
    let snapshot = read(&text);
    let counts = snapshot.streams()[0].vulnerabilities();
    assert_eq!(counts.unrecognized().count(), 100);
    let is_unplaced = |anomaly: &&Anomaly| anomaly.is_unplaced();
    assert_eq!(snapshot.anomalies().iter().filter(is_unplaced).count(), 50);
}

#[test]
fn an_empty_label_is_an_absent_one() {
    let text = "scout_stream_vulnerabilities{streamName=\"a\",severity=\"HIGH\",x=\"\"} 1\n";
    let snapshot = read(text);
    assert_eq!(snapshot.anomalies(), []);
    assert_eq!(
        snapshot.streams()[0].vulnerabilities().get(Severity::High),
        Some(1)
    );
}

#[test]
fn a_series_that_occurs_twice_keeps_its_first_value() {
    let unknown = |value: u64| format!("scout_new{{a=\"b\",c=\"d\",e=\"\"}} {value}\n");
    let reordered = "scout_new{c=\"d\",a=\"b\"} 2\n".to_owned();
    let empty = "scout_stream_empty{streamName=\"a\"} 1\n".to_owned();
    let policies = policy("compliant", "a", 1) + &policy("evaluated", "a", 1);
    for (first, second) in [
        (count("HIGH", "1"), count("HIGH", "2")),
        (count("HIGH", "1"), count("HIGH", "1")),
        (policies, policy("evaluated", "a", 2)),
        (unknown(1), reordered),
        (empty.clone(), empty),
    ] {
        let snapshot = read(first.clone() + &second);
        let duplicates: Vec<_> = snapshot
            .anomalies()
            .iter()
            .filter(|anomaly| anomaly.kind() == AnomalyKind::DuplicateSample)
            .collect();
        let [duplicate] = duplicates[..] else {
            panic!("{second} is reported once: {snapshot:?}");
        };
        assert_eq!(
            duplicate.message(),
            "duplicate series, the first value is kept"
        );
        assert!(duplicate.sample().is_some() && !duplicate.is_unplaced());
        let written = scout::encode(&snapshot, Format::Prometheus);
        let expected = scout::encode(&read(first), Format::Prometheus);
        assert_eq!(written.body(), expected.body());
    }
}

#[test]
fn an_empty_stream_is_written_and_read() {
    let streams = ["full", "empty"].map(Stream::new);
    let [full, empty] = streams;
    let full = full.with_vulnerabilities("5C".parse().unwrap());
    let snapshot = Snapshot::new(acme(), [full, empty]).unwrap();
    for format in [Format::OpenMetrics, Format::Prometheus] {
        let written = scout::encode(&snapshot, format);
        let text = std::str::from_utf8(written.body()).unwrap();
        assert!(
            text.contains("\nscout_stream_empty{streamName=\"empty\"} 1\n"),
            "{text}"
        );
        let read = reader().with_format(format).read(written.body()).unwrap();
        assert_eq!(read.streams(), snapshot.streams());
        assert_eq!(read.anomalies(), []);
    }
    assert_eq!(
        error("scout_stream_empty{streamName=\"a\"} 0\n").1,
        "organization `acme`: `scout_stream_empty` has the value 0, expected 1 (line 1)"
    );
}

#[test]
fn what_is_odd_is_reported_and_the_rest_is_read() {
    let cases = [
        (
            count("HIGH", "1 1700000000000"),
            AnomalyKind::UnexpectedDetail,
            "the timestamp of the sample is dropped (line 1)",
        ),
        (
            "# TYPE scout_stream_vulnerabilities counter\n".to_owned() + &count("HIGH", "1"),
            AnomalyKind::UnexpectedType,
            "`scout_stream_vulnerabilities` is a counter, expected a gauge (line 1)",
        ),
        (
            count("HIGH", "1") + &count("HIGH", "2"),
            AnomalyKind::DuplicateSample,
            "duplicate series, the first value is kept (line 2)",
        ),
        (
            count("HIGH", "1\r") + &count("LOW", "2\r"),
            AnomalyKind::Deviation,
            "format rule `carriage_return` is broken in 2 lines: a line ends in a carriage return and a line feed (line 1)",
        ),
    ];
    for (text, kind, message) in cases {
        let snapshot = read(&text);
        assert_eq!(anomalies(&snapshot), [(kind, message.to_owned())]);
        assert_eq!(
            snapshot.streams()[0].vulnerabilities().get(Severity::High),
            Some(1)
        );
        assert_eq!(
            error_of(&reader().with_anomalies_as_errors(true), text.as_bytes()),
            (
                ErrorKind::Anomaly,
                format!("organization `acme`: the exposition has anomalies: {message}")
            )
        );
    }
}

#[test]
fn histograms_and_summaries_of_unknown_families_are_kept_as_series() {
    let text = r#"# TYPE wait histogram
wait{job="a"} {count:2,sum:3.5,bucket:[1:1,+Inf:2]}
# TYPE size summary
size {count:1,sum:4,quantile:[0.5:4]}
# TYPE depth gaugehistogram
depth {gcount:1,gsum:2,schema:0,zero_threshold:0,zero_count:0,positive_spans:[1:1],positive_buckets:[1]}
# TYPE scout_stream_vulnerabilities gauge
scout_stream_vulnerabilities{streamName="a",severity="HIGH"} 1 5 # {} 1 2
# EOF
"#;
    let reader = reader().with_format(Format::OpenMetrics2);
    let snapshot = reader.read(text.as_bytes()).unwrap();
    let written: Vec<_> = anomalies(&snapshot)
        .into_iter()
        .map(|(_, message)| message)
        .collect();
    let unknown = |name: &str, line| format!("unknown metric family `{name}` (line {line})");
    let native =
        "unknown metric family `depth`, whose native buckets are left out (line 6)".to_owned();
    let details = "the timestamp and the exemplar of the sample are dropped (line 8)".to_owned();
    let mut expected = vec![unknown("wait", 2); 4];
    expected.extend(vec![unknown("size", 4); 3]);
    expected.extend([native.clone(), native, details]);
    assert_eq!(written, expected);

    let written = scout::encode(&snapshot, Format::OpenMetrics);
    let written = std::str::from_utf8(written.body()).unwrap();
    for line in [
        r#"wait_bucket{job="a",le="1.0"} 1"#,
        r#"wait_bucket{job="a",le="+Inf"} 2"#,
        r#"wait_count{job="a"} 2"#,
        r#"wait_sum{job="a"} 3.5"#,
        r#"size{quantile="0.5"} 4"#,
        "size_count 1",
        "size_sum 4",
        "depth_gcount 1",
        "depth_gsum 2",
    ] {
        assert!(written.lines().any(|written| written == line), "{written}");
    }
    let again = reader
        .read(scout::encode(&snapshot, Format::OpenMetrics2).body())
        .unwrap();
    assert_eq!(again.streams(), snapshot.streams());
}

#[test]
fn policies_that_do_not_fit_are_reported() {
    let exceeding = policy("compliant", "a", 5) + &policy("evaluated", "a", 4);
    let nameless = policy("compliant", "", 1) + &policy("evaluated", "", 4);
    let missing = "missing label `displayName`";
    for (text, expected) in [
        (
            exceeding,
            vec![(
                AnomalyKind::CompliantExceedsEvaluated,
                "more images comply with policy `1` than were evaluated (line 2)".to_owned(),
            )],
        ),
        (
            nameless,
            vec![
                (AnomalyKind::MissingLabel, format!("{missing} (line 1)")),
                (AnomalyKind::MissingLabel, format!("{missing} (line 2)")),
            ],
        ),
    ] {
        let snapshot = read(&text);
        assert_eq!(anomalies(&snapshot), expected);
        assert_eq!(snapshot.streams()[0].policies().len(), 1);
    }
}

#[test]
fn a_policy_with_another_display_name_is_another_series() {
    let pair = policy("compliant", "a", 1) + &policy("evaluated", "a", 2);
    let other = policy("compliant", "b", 3) + &policy("evaluated", "b", 4);
    let snapshot = read(pair + &other);
    let conflict = |line| {
        let message = format!("policy `1` has another `displayName` (line {line})");
        (AnomalyKind::DisplayNameConflict, message)
    };
    assert_eq!(anomalies(&snapshot), [conflict(3), conflict(4)]);
    let [result] = snapshot.streams()[0].policies() else {
        panic!("{snapshot:?} has one policy");
    };
    assert_eq!((result.compliant(), result.evaluated()), (1, 2));
    let written = scout::encode(&snapshot, Format::Prometheus);
    let written = std::str::from_utf8(written.body()).unwrap();
    assert!(
        other.lines().all(|line| written.contains(line)),
        "{written}"
    );
}

#[test]
fn anomalies_are_bounded_in_number_and_memory() {
    let few_bytes = "a 1\n".repeat(100_001);
    assert_eq!(
        error(&few_bytes),
        (
            ErrorKind::Limit,
            "organization `acme`: more than the limit of 100000 anomalies, \
             the last one: unknown metric family `a` (line 100001)"
                .to_owned()
        )
    );
    let labels: String = (0..60)
        .map(|number| format!("label{number}=\"\","))
        .collect();
    let many_bytes: String = (0..100_000)
        .map(|number| format!("a{{{labels}b=\"{number}\"}} 1\n"))
        .collect();
    let (kind, message) = error(&many_bytes);
    assert_eq!(kind, ErrorKind::Limit);
    let expected = "organization `acme`: more than the limit of 33554432 bytes of anomalies, ";
    assert!(message.starts_with(expected), "{message}");

    let unpaired: String = (0..100_001)
        .map(|number| {
            format!("scout_policy_compliant_images{{id=\"{number}\",displayName=\"a\",streamName=\"b\"}} 1\n")
        })
        .collect();
    assert_eq!(error(&unpaired).0, ErrorKind::Limit);
}

#[test]
fn a_label_that_occurs_twice_is_an_error() {
    let text =
        "scout_stream_vulnerabilities{streamName=\"a\",streamName=\"b\",severity=\"HIGH\"} 1\n";
    assert_eq!(
        error(text),
        (
            ErrorKind::Decode,
            "organization `acme`: a sample has a label twice (line 1)".to_owned()
        )
    );
}

#[test]
fn samples_that_no_exposition_can_hold_are_not_written() {
    let sample = |name: &str, labels: &[&str]| {
        let labels = labels
            .iter()
            .map(|name| ((*name).to_owned(), "v".to_owned()));
        RawSample::new(name, labels.collect(), 1.0)
    };
    let samples = [
        sample("", &["a"]),
        sample("no_label_name", &[""]),
        sample("twice", &["a", "b", "a"]),
        sample("good", &["a", "b"]),
        sample("good", &["b", "a"]),
        sample("renamed", &["__name__"]),
    ];
    let anomalies =
        samples.map(|sample| Anomaly::new(AnomalyKind::UnknownFamily, "").with_unplaced(sample));
    let snapshot = Snapshot::new(acme(), [])
        .unwrap()
        .with_anomalies(anomalies.into());
    let written = scout::encode(&snapshot, Format::Prometheus);
    let read = read(written.body());
    let names: Vec<_> = read
        .anomalies()
        .iter()
        .filter_map(Anomaly::sample)
        .map(RawSample::name)
        .collect();
    assert_eq!(names, ["good", "renamed"]);
}

#[test]
fn a_bad_line_spoils_the_whole() {
    for bad in [
        "scout_new{a=b} 1\n",
        "scout_new 0x1\n",
        "scout_new 1 now\n",
        "scout new\n",
    ] {
        assert_eq!(error(GOOD.to_owned() + bad).0, ErrorKind::Decode);
    }
}

#[test]
fn many_anomalies_are_errors_in_one_message() {
    let lines: String = (0..7).map(|number| format!("a{number} 1\n")).collect();
    let reader = reader().with_anomalies_as_errors(true);
    let one = |number: usize| format!("unknown metric family `a{}` (line {number})", number - 1);
    assert_eq!(
        error_of(&reader, lines.as_bytes()).1,
        format!(
            "organization `acme`: the exposition has anomalies: {}; {}; {}; {}; {}; and 2 more",
            one(1),
            one(2),
            one(3),
            one(4),
            one(5)
        )
    );
}

#[test]
fn hostile_names_come_through_whole() {
    let name = "a,b=c{d}\"e\\f\ng\r🦀\0".to_owned() + &"x".repeat(10 << 10);
    let escaped = name
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n");
    let text =
        format!("scout_stream_vulnerabilities{{streamName=\"{escaped}\",severity=\"HIGH\"}} 1\n");
    let snapshot = read(text);
    assert_eq!(snapshot.anomalies(), []);
    assert_eq!(snapshot.streams()[0].name().as_str(), name);
}

/// A file in a folder that lives as long as this.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

#[tokio::test]
async fn files_in_both_formats_conform_to_the_contract() {
    let folder = Folder::new();
    let openmetrics = scout::encode(&read(GOOD), Format::OpenMetrics);
    for path in [
        folder.file("prometheus", GOOD),
        folder.file("openmetrics", openmetrics.body()),
        folder.file("without samples", "# nothing\n"),
    ] {
        let source = FileSource::new(acme(), &path);
        conformance::check(&source).await;
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        assert_eq!(source.scrape().await.unwrap().scraped_at(), modified);
    }
}

#[tokio::test]
async fn files_that_cannot_be_read_conform_to_the_contract() {
    let folder = Folder::new();
    let missing = folder.0.path().join("missing");
    let large = folder.file("large", "");
    let file = fs::File::options().write(true).open(&large).unwrap();
    file.set_len(FileSource::MAX_SIZE + 1).unwrap();
    for (path, kind) in [
        (missing, ErrorKind::NotFound),
        (folder.0.path().to_owned(), ErrorKind::Other),
        (large, ErrorKind::Limit),
        (folder.file("html", "<html>"), ErrorKind::NotMetrics),
        (folder.file("cut", GOOD.trim_end()), ErrorKind::Decode),
        (folder.file("empty", "\n"), ErrorKind::Decode),
        (
            folder.file("latin1", b"a{b=\"\xE9\"} 1\n"),
            ErrorKind::Decode,
        ),
    ] {
        conformance::check_failing(&FileSource::new(acme(), path), kind).await;
    }
}

#[tokio::test]
async fn a_file_is_openmetrics_if_its_last_line_says_so() {
    let folder = Folder::new();
    let comment = folder.file("comment", GOOD.to_owned() + "# HELP a ends in # EOF\n");
    let source = FileSource::new(acme(), comment);
    assert_eq!(
        source.scrape().await.unwrap().streams(),
        read(GOOD).streams()
    );
}

#[tokio::test]
async fn a_file_that_changes_is_read_anew() {
    let folder = Folder::new();
    let source = FileSource::new(acme(), folder.file("scout", count("HIGH", "1")));
    let high = |snapshot: Snapshot| snapshot.streams()[0].vulnerabilities()[Severity::High];
    assert_eq!(high(source.scrape().await.unwrap()), 1);
    folder.file("scout", count("HIGH", "2"));
    assert_eq!(high(source.scrape().await.unwrap()), 2);
}
