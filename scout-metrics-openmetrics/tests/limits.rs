//! Each limit is an error that names it, exactly where it is exceeded.

#![cfg(feature = "scout")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use scout_metrics_core::{ErrorKind, Organization};
use scout_metrics_openmetrics::{
    Families, Format, Limits, Mode, ParseErrorKind, ParseOptions, Parser, Rule, parse_families,
    scout::SnapshotReader,
};
use support::paths::assert_all_paths_agree;

/// Returns the message for an exposition, `None` if it is accepted. Both modes and all chunkings have to agree.
fn message(text: &str, format: Format, limits: Limits) -> Option<String> {
    let options = ParseOptions::new(format).with_limits(limits);
    let modes = [Mode::Lenient, Mode::Strict].map(|mode| {
        let error = parse_families(text.as_bytes(), &options.with_mode(mode)).err()?;
        assert_eq!(error.kind(), ParseErrorKind::Limit, "{error}");
        assert_eq!(error.rule(), None);
        Some(error.to_string())
    });
    if text.len() < 2000 {
        assert_all_paths_agree(text.as_bytes(), &options);
    }
    assert_eq!(modes[0], modes[1]);
    modes.into_iter().next().unwrap()
}

/// Checks that a limit of `most` lets one text through and refuses another, in both formats.
fn check(limits: Limits, good: &str, bad: &str, expected: &str) {
    for (format, end) in [(Format::OpenMetrics, "# EOF\n"), (Format::Prometheus, "")] {
        let [good, bad] = [good, bad].map(|text| format!("{text}{end}"));
        assert_eq!(message(&good, format, limits), None);
        assert_eq!(message(&bad, format, limits).as_deref(), Some(expected));
        assert_eq!(message(&bad, format, Limits::unlimited()), None);
    }
}

#[test]
fn line_length() {
    check(
        Limits::default().with_line_length(10),
        "a 12345678\n",
        "b 1\na 123456789\n",
        "the line is longer than the limit of 10 bytes, which `Limits::with_line_length` sets (line 2, column 1)",
    );
    check(
        Limits::default().with_line_length(10),
        "# HELP a b\n",
        "# HELP a bc\n",
        "the line is longer than the limit of 10 bytes, which `Limits::with_line_length` sets (line 1, column 1)",
    );
}

#[test]
fn labels() {
    let limits = Limits::default().with_labels(2);
    check(
        limits,
        "a{b=\"\",c=\"\"} 1\n",
        "a{b=\"\",c=\"\",d=\"\"} 1\n",
        "there are more labels than the limit of 2, which `Limits::with_labels` sets (line 1, column 17)",
    );
    check(
        limits,
        "{\"a\",b=\"\",c=\"\"} 1\n",
        "{\"a\",b=\"\",c=\"\",d=\"\"} 1\n",
        "there are more labels than the limit of 2, which `Limits::with_labels` sets (line 1, column 20)",
    );
    let exemplar = |labels: &str| {
        format!("# TYPE a counter\na_total{{b=\"\",c=\"\"}} 1 # {{{labels}}} 1\n# EOF\n")
    };
    let message = |labels| message(&exemplar(labels), Format::OpenMetrics, limits);
    assert_eq!(message("b=\"\",c=\"\""), None);
    assert_eq!(
        message("b=\"\",c=\"\",d=\"\"").unwrap(),
        "there are more labels than the limit of 2, which `Limits::with_labels` sets (line 2, column 39)"
    );
}

#[test]
fn name_length() {
    let limits = Limits::default().with_name_length(4);
    for (good, bad, column) in [
        ("abcd 1\n", "abcde 1\n", 1),
        ("{\"a.cd\"} 1\n", "{\"a.cde\"} 1\n", 3),
        ("a{abcd=\"\"} 1\n", "a{abcde=\"\"} 1\n", 3),
        ("a{\"a.cd\"=\"\"} 1\n", "a{\"a.cde\"=\"\"} 1\n", 4),
        ("# TYPE abcd gauge\n", "# TYPE abcde gauge\n", 8),
        ("# HELP \"a.cd\" e\n", "# HELP \"a.cde\" e\n", 9),
    ] {
        let expected = format!(
            "the name is longer than the limit of 4 bytes, which `Limits::with_name_length` sets (line 1, column {column})"
        );
        check(limits, good, bad, &expected);
    }
}

#[test]
fn length_of_a_name_that_a_label_stands_for() {
    let limits = Limits::default().with_name_length(8);
    // Strict mode takes no such label.
    let options = ParseOptions::new(Format::Prometheus).with_limits(limits);
    let read = |name: &str| {
        let text = format!("a 1\n{{__name__=\"{name}\"}} 1\n");
        assert_all_paths_agree(text.as_bytes(), &options);
        parse_families(text.as_bytes(), &options)
    };
    assert_eq!(read("abcdefgh").unwrap().as_slice()[1].name(), "abcdefgh");
    assert_eq!(
        read("abcdefghi").unwrap_err().to_string(),
        "the name is longer than the limit of 8 bytes, which `Limits::with_name_length` sets (line 2, column 12)"
    );
}

#[test]
fn value_length() {
    check(
        Limits::default().with_value_length(4),
        "a{b=\"a\\nb\"} 1\n",
        "a{b=\"a\\nbc\"} 1\n",
        "the label value is longer than the limit of 4 bytes, which `Limits::with_value_length` sets (line 1, column 6)",
    );
    // Lines that are alike are read in another way.
    check(
        Limits::default().with_value_length(4),
        "a{b=\"1234\"} 1\na{b=\"5678\"} 1\n",
        "a{b=\"1234\"} 1\na{b=\"56789\"} 1\n",
        "the label value is longer than the limit of 4 bytes, which `Limits::with_value_length` sets (line 2, column 6)",
    );
}

#[test]
fn samples() {
    check(
        Limits::default().with_samples(2),
        "a{b=\"1\"} 1\na{b=\"2\"} 2\n",
        "a{b=\"1\"} 1\na{b=\"2\"} 2\na{b=\"3\"} 3\n",
        "there are more samples than the limit of 2, which `Limits::with_samples` sets (line 3, column 1)",
    );
}

#[test]
fn families() {
    let limits = Limits::default().with_families(2);
    let message = |text| {
        let options = ParseOptions::new(Format::Prometheus).with_limits(limits);
        let read = parse_families(text, &options);
        read.err().map(|error| (error.kind(), error.to_string()))
    };
    assert_eq!(message(b"a 1\nb 1\na 2\n"), None);
    let expected = (
        ParseErrorKind::Limit,
        "there are more families than the limit of 2, which `Limits::with_families` sets (line 3, column 1)".to_owned(),
    );
    assert_eq!(message(b"a 1\nb 1\nc 1\n"), Some(expected.clone()));
    assert_eq!(message(b"a 1\nb 1\n# TYPE c gauge\n"), Some(expected));
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let documented = Limits::unlimited()
        .with_line_length(1 << 20)
        .with_labels(64)
        .with_name_length(1 << 10)
        .with_value_length(256 << 10)
        .with_samples(1_000_000)
        .with_families(250_000);
    assert_eq!(Limits::default(), documented);
    let labels: String = (0..65).map(|number| format!("b{number}=\"\",")).collect();
    let many_labels = format!("a{{{labels}}} 1\n");
    for (text, expected) in [
        (format!("# {}\n", "x".repeat(1 << 20)), "the line is"),
        (many_labels, "there are more labels"),
        (format!("{} 1\n", "x".repeat(1025)), "the name is"),
        (
            format!("a{{b=\"{}\"}} 1\n", "x".repeat((256 << 10) + 1)),
            "the label value is",
        ),
    ] {
        let message = message(&text, Format::Prometheus, Limits::default()).unwrap();
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn a_line_reports_each_forgiven_rule_once() {
    let text = format!("a{{b=\"{}\"}} 1\nc 1\n", "\n".repeat(200_000));
    let mut parser = Parser::new(text.as_bytes(), &ParseOptions::default()).unwrap();
    let line = parser.next_line().unwrap().unwrap();
    let rules: Vec<_> = line.deviations().iter().map(|found| found.rule).collect();
    assert_eq!(rules, [Rule::LineBreak]);
    let line = parser.next_line().unwrap().unwrap();
    assert_eq!((line.number(), line.deviations()), (200_002, &[][..]));
}

#[test]
fn a_message_shows_no_control_characters() {
    let name = "\u{1b}[2J\u{202e}".to_owned() + &"x".repeat(500);
    let text = format!("# TYPE \"{name}\" summary\n{{\"{name}\"}} 1\n# EOF\n");
    let options = ParseOptions::new(Format::OpenMetrics).with_mode(Mode::Strict);
    let message = parse_families(text.as_bytes(), &options)
        .unwrap_err()
        .to_string();
    assert!(
        message.len() < 400 && !message.contains(['\u{1b}', '\u{202e}']),
        "{message}"
    );
}

#[test]
fn a_snapshot_says_which_limit_it_was() {
    let reader = SnapshotReader::new(Organization::new("acme").unwrap())
        .with_limits(Limits::default().with_samples(1));
    let error = reader.read(b"a 1\nb 1\n").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert_eq!(
        error.to_string(),
        "organization `acme`: cannot read the exposition as prometheus-text-0.0.4"
    );
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "there are more samples than the limit of 1, which `Limits::with_samples` sets (line 2, column 1)"
    );
}

#[test]
fn messages_are_short_whatever_is_in_the_exposition() {
    let long = "x".repeat(10_000);
    let number = "1".repeat(10_000);
    for text in [
        long.clone(),
        format!("a {long}\n"),
        format!("a 1 {long}\n"),
        format!("a{{{long}}} 1\n"),
        format!("a{{b=\"{long}\",\"{long}\"=\"\",\"{long}\"=\"\"}} 1\n"),
        format!("# TYPE {long} {long}\n"),
        format!("# TYPE a {long}\n"),
        format!("# UNIT {long} s\n"),
        format!("# UNIT a {long}\n"),
        format!("# TYPE {long} gauge\n# TYPE {long} gauge\n"),
        format!("# TYPE {long} info\n{long} 1\n"),
        format!("# TYPE {long} stateset\n{long} 1\n"),
        format!("# TYPE {long} counter\n{long}_created 1\n# EOF\n"),
        format!("# TYPE {long} histogram\n{long}_bucket{{le=\"{long}\"}} {number}.5\n# EOF\n"),
        format!("# TYPE {long} summary\n{long}{{quantile=\"{long}\"}} -{number}\n# EOF\n"),
        format!("{long} 1\n# TYPE {long} gauge\n"),
        format!("{long} 1\nb 1\n{long} 1\n"),
    ] {
        let read = |format| {
            let options = ParseOptions::new(format).with_limits(Limits::unlimited());
            parse_families(text.as_bytes(), &options.with_mode(Mode::Strict))
        };
        let errors = [Format::OpenMetrics, Format::Prometheus]
            .into_iter()
            .filter_map(|format| read(format).err());
        let lengths: Vec<_> = errors
            .map(|error| (error.to_string().len(), error.excerpt().to_string().len()))
            .collect();
        assert!(!lengths.is_empty());
        let are_short = lengths
            .iter()
            .all(|(message, excerpt)| *message < 400 && *excerpt < 400);
        assert!(are_short, "{lengths:?}");
    }
}

#[test]
fn deviations_beyond_a_number_are_counted_and_not_kept() {
    let lines = Families::MAX_DEVIATIONS + 5;
    let text: String = (0..lines).map(|line| format!("a{line} 1\r\n")).collect();
    let families = parse_families(text.as_bytes(), &ParseOptions::default()).unwrap();
    assert_eq!(families.len(), lines);
    assert_eq!(families.deviations().len(), Families::MAX_DEVIATIONS);
    assert_eq!(families.deviation_count(), lines as u64);
    let last = families.deviations().last().unwrap();
    assert_eq!(last.line, Families::MAX_DEVIATIONS as u64);
    assert_eq!(
        last.to_string(),
        "the line ends in a carriage return and a line feed, expected a line feed alone (line 10000, column 8)"
    );
}
