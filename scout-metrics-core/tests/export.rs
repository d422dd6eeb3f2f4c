//! Exports, read back by readers that are not ours.

#![cfg(all(feature = "csv", feature = "json"))]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that a helper belongs to a test"
)]

use std::{
    env,
    io::{self, Write},
    process::Command,
    time::{Duration, SystemTime},
};

use proptest::prelude::*;
use scout_metrics_core::{
    Anomaly, AnomalyKind, Organization, Policy, PolicyResult, Snapshot, Stream,
    VulnerabilityCounts, export,
};

/// Names that a spreadsheet would run, that end a field or a row, or that are markup.
const ODD_NAMES: [&str; 14] = [
    "=HYPERLINK(\"https://example.com\",\"x\")",
    "+1",
    "-1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "'quoted",
    "\u{FF1D}1",
    "a,b\"c\r\nd",
    "",
    "| a | `b` \\| *c* <script> &amp; [d](https://example.com)",
    "@everyone www.example.com \u{1b}[31m",
    "Größe \u{1F600}",
];

/// A snapshot with a name as the name of everything that has one.
fn named(name: &str) -> Snapshot {
    let in_stream = format!("{name}s");
    let severity = format!("{name}v");
    let counts = "5C".parse::<VulnerabilityCounts>().unwrap();
    let counts = counts.with_unrecognized(&severity, 7).unwrap();
    let policy = Policy::new(format!("{name}i"), name);
    let stream = Stream::new(in_stream)
        .with_vulnerabilities(counts)
        .with_policy(PolicyResult::new(policy, 3, 4).unwrap());
    let empty = Stream::new(format!("{name}e"));
    let snapshot = Snapshot::new(Organization::new("acme").unwrap(), [stream, empty]).unwrap();
    snapshot.with_scraped_at(SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250))
}

fn without_streams() -> Snapshot {
    Snapshot::new(Organization::new("none").unwrap(), [])
        .unwrap()
        .with_scraped_at(SystemTime::UNIX_EPOCH)
}

/// Returns the rows that a reader of the CSV should find, header first.
fn expected(name: &str) -> Vec<[String; 9]> {
    let harmless = |name: String| {
        let is_harmful = name.starts_with([
            '=', '+', '-', '@', '\t', '\r', '\n', '\'', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}',
            '\u{FF20}',
        ]);
        if is_harmful { format!("'{name}") } else { name }
    };
    let with = |end: &str| harmless(format!("{name}{end}"));
    let row = |fields: [&str; 7]| {
        let start = ["acme", "2023-11-14T22:13:20Z"];
        let mut fields = start.into_iter().chain(fields).map(str::to_owned);
        std::array::from_fn(|_| fields.next().unwrap())
    };
    let header = "organization,scraped_at,stream,severity,vulnerabilities,policy_id,policy,compliant,evaluated";
    let mut header = header.split(',').map(str::to_owned);
    let stream = with("s");
    vec![
        std::array::from_fn(|_| header.next().unwrap()),
        row([&stream, "CRITICAL", "5", "", "", "", ""]),
        row([&stream, "UNSPECIFIED", "0", "", "", "", ""]),
        row([&stream, &with("v"), "7", "", "", "", ""]),
        row([&stream, "", "", &with("i"), &with(""), "3", "4"]),
        row([&with("e"), "", "", "", "", "", ""]),
    ]
}

fn csv_of(snapshots: &[Snapshot]) -> Vec<u8> {
    let mut text = Vec::new();
    export::csv(snapshots, &mut text).unwrap();
    text
}

fn read_csv(text: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text);
    let records = reader.records();
    records
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn the_csv_crate_reads_every_name_back() {
    for name in ODD_NAMES {
        assert_eq!(
            read_csv(&csv_of(&[named(name)])),
            expected(name),
            "{name:?}"
        );
    }
    let rows = read_csv(&csv_of(&[without_streams()]));
    assert_eq!(
        rows[1],
        ["none", "1970-01-01T00:00:00Z", "", "", "", "", "", "", ""]
    );
    assert_eq!(rows.len(), 2);
}

proptest! {
    #[test]
    fn the_csv_crate_reads_any_name_back(name in any::<String>()) {
        prop_assert_eq!(read_csv(&csv_of(&[named(&name)])), expected(&name));
    }
}

#[test]
fn rows_end_in_cr_lf() {
    let text = String::from_utf8(csv_of(&[named("a")])).unwrap();
    assert!(text.ends_with(",,,,\r\n"), "{text:?}");
    assert_eq!(text.matches("\r\n").count(), 6);
    assert_eq!(text.matches('\n').count(), 6);
}

/// Reads a file with Python's `csv`, strictly, and prints the rows as JSON.
const PYTHON: &str = r#"
import csv, json, sys
with open(sys.argv[1], newline="", encoding="utf-8") as file:
    print(json.dumps(list(csv.reader(file, strict=True))))
"#;

#[test]
fn python_reads_every_name_back() {
    let directory = tempfile::tempdir().unwrap();
    for name in ODD_NAMES {
        let path = directory.path().join("scout.csv");
        std::fs::write(&path, csv_of(&[named(name)])).unwrap();
        let output = Command::new("python3")
            .arg("-c")
            .arg(PYTHON)
            .arg(path)
            .output();
        let Ok(output) = output else {
            let required = env::var_os("SCOUT_METRICS_REQUIRE_PEERS");
            assert!(
                required.is_none_or(|value| value != "1"),
                "python3 is required"
            );
            // Not `eprintln!`, which the test harness keeps to itself.
            io::stderr()
                .write_all(b"SKIPPED: python3 is not there\n")
                .unwrap();
            return;
        };
        assert!(output.status.success(), "{output:?}");
        let rows: Vec<Vec<String>> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(rows, expected(name), "{name:?}");
    }
}

#[test]
fn json_is_an_array_of_snapshots() {
    let snapshots = ODD_NAMES.map(named);
    let mut text = Vec::new();
    export::json(&snapshots, &mut text).unwrap();
    let read: Vec<Snapshot> = serde_json::from_slice(&text).unwrap();
    assert_eq!(read, snapshots);
    let mut none = Vec::new();
    export::json(&[], &mut none).unwrap();
    assert_eq!(none, b"[]\n");
}

#[test]
fn json_lines_have_the_rows_with_names_as_they_are() {
    for name in ODD_NAMES {
        let snapshots = [named(name), without_streams()];
        let mut text = Vec::new();
        export::json_lines(&snapshots, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let read: Vec<serde_json::Value> = text
            .split_terminator('\n')
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let rows = snapshots.iter().flat_map(export::rows);
        let rows: Vec<_> = rows.map(|row| serde_json::to_value(row).unwrap()).collect();
        assert_eq!(read, rows);
        assert_eq!(read.len(), 6);
        assert_eq!(read[0]["scraped_at"], "2023-11-14T22:13:20.25Z");
        assert_eq!(read[3]["policy"], name);
    }
}

fn markdown_of(snapshots: &[Snapshot]) -> String {
    let mut text = Vec::new();
    export::markdown(snapshots, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn markdown_has_a_section_for_each_snapshot() {
    let anomalies = vec![Anomaly::new(AnomalyKind::Deviation, "odd")];
    let counts = "12C 0H 1?".parse().unwrap();
    let result =
        |id, name, compliant| PolicyResult::new(Policy::new(id, name), compliant, 3000).unwrap();
    let unevaluated = PolicyResult::new(Policy::new("p3", ""), 0, 0).unwrap();
    let stream = Stream::new("latest-indexed")
        .with_vulnerabilities(counts)
        .with_policy(result("p1", "No copyleft", 2999))
        .with_policy(result("p2", "Non-root", 3000))
        .with_policy(unevaluated);
    let acme = Snapshot::new(Organization::new("acme").unwrap(), [stream]).unwrap();
    let acme = acme
        .with_scraped_at(SystemTime::UNIX_EPOCH)
        .with_anomalies(anomalies);
    assert_eq!(
        markdown_of(&[acme, without_streams()]),
        "\
## <code>acme</code>

Scraped at 1970-01-01T00:00:00Z.
There is 1 anomaly, so numbers may be missing or wrong.

| Stream | Critical | High | Medium | Low | Unspecified |
|---|--:|--:|--:|--:|--:|
| <code>latest-indexed</code> | 12 | 0 | – | – | 1 |

| Stream | Policy | Compliant | Evaluated | Ratio |
|---|---|--:|--:|--:|
| <code>latest-indexed</code> | <code>No copyleft</code> | 2999 | 3000 | 99.9 % |
| <code>latest-indexed</code> | <code>Non-root</code> | 3000 | 3000 | 100.0 % |
| <code>latest-indexed</code> | <code>p3</code> | 0 | 0 | – |

## <code>none</code>

Scraped at 1970-01-01T00:00:00Z.

There are no streams.
"
    );
}

#[test]
fn no_name_is_markup_in_markdown() {
    for name in ODD_NAMES {
        let text = markdown_of(&[named(name)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 12, "{text}");
        let cells = |line: &str| line.matches('|').count() - 1;
        assert_eq!(cells(lines[6]), 7, "{text}");
        assert_eq!(cells(lines[11]), 5, "{text}");
        let markup = [
            '<', '>', '@', '*', '_', '`', '[', '\\', '"', '\'', '.', ':', '/',
        ];
        for line in [lines[6], lines[7], lines[11]] {
            let names = line.replace("<code>", "").replace("</code>", "");
            let names = names.replace("75.0 %", "");
            assert!(!names.contains(markup), "{line}");
        }
    }
    let text = markdown_of(&[named("@a|b")]);
    assert!(text.contains("<code>&#64;a&#124;bs</code>"), "{text}");
    assert!(text.contains(" 7 <code>&#64;a&#124;bv</code> |"), "{text}");
}
