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

mod html {
    use super::*;

    /// Runs `scout report --format html` and returns the file and standard error.
    fn report(status: i32, arguments: &[&str]) -> (String, String) {
        let arguments = [&["report", "--format", "html"], arguments].concat();
        let (out, err) = scout(status, &arguments);
        assert!(out.starts_with("<!DOCTYPE html>\n"), "{out}\n{err}");
        (out, err)
    }

    #[track_caller]
    fn has(html: &str, parts: &[&str]) {
        for part in parts {
            assert!(html.contains(part), "{part}\n{html}");
        }
    }

    #[test]
    fn a_history_has_trends_and_since_when() {
        let directory = tempfile::tempdir().unwrap();
        let history = directory.path().join("scout.db");
        let history = history.to_str().unwrap();
        for (hours, compliant) in [(24 * 9, 4), (24 * 3, 3), (1, 2)] {
            let counts = format!("{}C 3H", 5 - compliant);
            let production =
                stream("production", &counts).with_policy(result("root", compliant, 4));
            let file = write(
                directory.path(),
                "acme.json",
                &snapshot("acme", hours, vec![production]),
            );
            scout(0, &["history", "import", history, "--file", &file]);
        }
        let (html, _) = report(0, &["--history", history, "--title", "Weekly <report>"]);
        has(
            &html,
            &[
                "<title>Weekly &#60;report&#62;: 1 of 1 stream has critical vulnerabilities</title>",
                "fix 3 critical vulnerabilities",
                "Trends over 90 days",
                "images violate the policy",
                "<td>2 of 4</td><td>50 %</td>",
                "since ",
            ],
        );
        let (html, _) = report(0, &["--history", history, "--lookback", "30d"]);
        has(&html, &["Trends over 30 days"]);
    }

    #[test]
    fn two_files_are_compared() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name, hours, counts| {
            let streams = vec![stream("production", counts)];
            write(directory.path(), name, &snapshot("acme", hours, streams))
        };
        let (before, after) = (
            file("before.json", 24, "1C 9H"),
            file("after.json", 0, "4C 2H"),
        );
        let (html, _) = report(0, &["--file", &after, "--baseline", &before]);
        has(&html, &["Changes since 20", "critical 1 → 4", "high 9 → 2"]);
        let target = directory.path().join("report.html");
        let arguments = ["report", "--format", "html", "--file", &after, "-o"];
        scout(0, &[&arguments[..], &[target.to_str().unwrap()]].concat());
        assert!(fs::read_to_string(target).unwrap().ends_with("</html>\n"));
    }

    #[test]
    fn an_organization_that_does_not_answer_is_in_the_report() {
        let arguments = ["--org", "acme", "--token-file", "/no/such/file"];
        let (html, err) = report(1, &arguments);
        has(
            &html,
            &[
                "there are no streams; 1 organization did not answer",
                "/no/such/file",
            ],
        );
        assert!(err.starts_with("error: organization `acme`: "), "{err}");
    }

    #[test]
    fn other_formats_refuse_its_options() {
        let (_, err) = scout(64, &["report", "--demo", "--title", "Weekly"]);
        assert_eq!(err, "error: --title requires --format html\n");
        let (_, err) = scout(64, &["report", "--demo", "--baseline", "7d"]);
        assert_eq!(err, "error: --baseline requires --format html\n");
        let (_, err) = scout(
            64,
            &["report", "--demo", "--format", "html", "--baseline", "7d"],
        );
        assert!(
            err.starts_with("error: a time in --baseline requires --history"),
            "{err}"
        );
    }
}
