//! `scout report` and `scout history export`.

use std::fs;

use scout_metrics_core::Snapshot;

use crate::{
    peer::{python, run_with_input},
    support::{result, scout, snapshot, stream, write},
};

/// Reads CSV with Python's own reader and prints the rows as JSON.
const READ_CSV: &str = "import csv, io, json, sys; \
    print(json.dumps(list(csv.DictReader(io.StringIO(sys.stdin.buffer.read().decode(), newline='')))))";

fn acme(hours: u64) -> Snapshot {
    let production =
        stream("=cmd|' /C calc'!A0, \"x\"\n", "5C 3H").with_policy(result("root", 3, 4));
    snapshot("acme", hours, vec![production])
}

#[test]
fn python_reads_the_csv_and_finds_no_formula() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(directory.path(), "acme.json", &acme(0));
    let (csv, _) = scout(0, &["report", "--file", &file, "--format", "csv"]);
    let Some(python) = python() else { return };
    let mut command = std::process::Command::new(python);
    let output = run_with_input(command.args(["-c", READ_CSV]), csv.as_bytes());
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows[0]["organization"], "acme");
    assert_eq!(rows[0]["severity"], "CRITICAL");
    assert_eq!(rows[0]["vulnerabilities"], "5");
    assert_eq!(rows.last().unwrap()["compliant"], "3");
    for row in &rows {
        assert!(
            row["stream"].as_str().unwrap().starts_with("'=cmd"),
            "{row}"
        );
    }
}

#[test]
fn json_is_read_again_by_other_commands() {
    let directory = tempfile::tempdir().unwrap();
    let files = [
        acme(0),
        snapshot("apex", 0, vec![stream("production", "0C 0H")]),
    ];
    let json = directory.path().join("all.json");
    let json = json.to_str().unwrap();
    let acme = write(directory.path(), "acme.json", &files[0]);
    let apex = write(directory.path(), "apex.json", &files[1]);
    let report = ["report", "--file", &acme, "--file", &apex];
    scout(
        0,
        &[&report[..], &["--format", "json", "-o", json]].concat(),
    );
    let read: Vec<Snapshot> = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!(read, files);
    let (out, _) = scout(2, &["check", "--file", json, "--fail-on", "high"]);
    assert!(
        out.contains("acme: violated") && out.contains("apex: passed"),
        "{out}"
    );
    scout(
        0,
        &[
            "check",
            "--file",
            json,
            "--org",
            "apex",
            "--fail-on",
            "high",
        ],
    );

    let (lines, _) = scout(0, &[&report[..], &["--format", "jsonl"]].concat());
    let rows = lines.lines().map(serde_json::from_str::<serde_json::Value>);
    assert!(
        rows.map(Result::unwrap)
            .any(|row| row["organization"] == "apex")
    );
}

#[test]
fn the_table_is_that_of_quickstart_and_markdown_has_tables() {
    let (table, _) = scout(0, &["report", "--demo"]);
    assert!(table.starts_with("acme, scraped 20"), "{table}");
    assert!(
        table.ends_with("\n3 streams, 12 policy results, 5 failing\n"),
        "{table}"
    );
    let (markdown, _) = scout(0, &["report", "--demo", "--format", "markdown"]);
    assert!(
        markdown.contains("| <code>staging</code> | 5 | 17 | 44 | 98 | 1 |"),
        "{markdown}"
    );
}

#[test]
fn a_history_is_exported_by_time() {
    let directory = tempfile::tempdir().unwrap();
    let history = directory.path().join("scout.db");
    let history = history.to_str().unwrap();
    for hours in [0, 5, 24 * 40] {
        let file = write(directory.path(), "acme.json", &acme(hours));
        scout(0, &["history", "import", history, "--file", &file]);
    }
    let export = |arguments: &[&str]| {
        let arguments = [
            &[
                "history",
                "export",
                "--history",
                history,
                "--format",
                "json",
            ],
            arguments,
        ]
        .concat();
        let (out, _) = scout(0, &arguments);
        serde_json::from_str::<Vec<Snapshot>>(&out).unwrap().len()
    };
    assert_eq!(export(&[]), 2);
    assert_eq!(export(&["--since", "60d"]), 3);
    assert_eq!(export(&["--step", "1d"]), 1);
    let (_, err) = scout(
        1,
        &["history", "export", "--history", history, "--org", "apex"],
    );
    assert_eq!(err, "error: the history has no snapshots of this time\n");
}
