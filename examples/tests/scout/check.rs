//! `scout check`: exit statuses, rules and formats.

use std::{collections::BTreeSet, fs, path::Path};

use scout_metrics_core::{
    Anomaly, AnomalyKind, MemorySource, Snapshot, Stream, VulnerabilityCounts,
};

use crate::{
    peer::{python, run_peer},
    program::{TOKEN, example, serve},
    support::{result, scout, snapshot, stream, texts, write},
};

/// Writes a snapshot with these counts of production, and returns the path.
fn file(directory: &tempfile::TempDir, name: &str, counts: &str) -> String {
    let snapshot = snapshot("acme", 0, vec![stream("production", counts)]);
    write(directory.path(), name, &snapshot)
}

#[test]
fn the_exit_status_says_passed_violated_or_could_not_tell() {
    let directory = tempfile::tempdir().unwrap();
    let status = |status, counts: &str, arguments: &[&str]| {
        let file = file(&directory, "acme.json", counts);
        scout(status, &[&["check", "--file", &file], arguments].concat())
    };
    let fail_on_high = ["--fail-on", "high"];
    let (out, err) = status(0, "0C 0H 9M", &fail_on_high);
    assert_eq!(
        out,
        "acme: passed, 1 of 1 rule passed\n  ✓ at most 0 HIGH or worse in every stream\n"
    );
    assert_eq!(err, "");
    let (out, _) = status(2, "1C 2H 9M", &fail_on_high);
    assert_eq!(
        out,
        "acme: violated, 0 of 1 rule passed\n  ✗ production: HIGH or worse 3, at most 0 allowed  \
         (at most 0 HIGH or worse in every stream)\n"
    );
    let (out, _) = status(1, "0H 9M", &fail_on_high);
    assert_eq!(
        out,
        "acme: could not tell, 0 of 1 rule passed\n  ? production: CRITICAL was not reported  \
         (at most 0 HIGH or worse in every stream)\n"
    );
    for (expected, arguments) in [
        (2, &["-e"][..]),
        (2, &["--exit-code"]),
        (2, &["-e", "--max-age", "1h"]),
        (7, &["--exit-code", "7"]),
        (7, &["-e=7"]),
        (0, &["--exit-code=0"]),
    ] {
        status(expected, "1C 0H", &[&fail_on_high, arguments].concat());
        // A verdict that could not be told is never a pass.
        status(1, "0H", &[&fail_on_high, arguments].concat());
    }
    // Both a violation and something that could not be told.
    status(2, "1H", &fail_on_high);
}

/// The check that the README of earlier versions showed passed with this snapshot.
#[test]
fn an_unknown_severity_without_criticals_does_not_pass() {
    let directory = tempfile::tempdir().unwrap();
    let counts: VulnerabilityCounts = "3H".parse().unwrap();
    let counts = counts.with_unrecognized("BLOCKER", 7).unwrap();
    let production = Stream::new("production").with_vulnerabilities(counts);
    let file = write(
        directory.path(),
        "acme.json",
        &snapshot("acme", 0, vec![production]),
    );
    let (out, _) = scout(1, &["check", "--file", &file, "--fail-on", "critical"]);
    let doubt = "? production: BLOCKER 7, an unknown severity";
    assert!(out.contains(doubt), "{out}");
}

#[test]
fn rules_come_from_options_and_from_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let streams = vec![
        stream("production", "0C 0H").with_policy(result("root", 8, 10)),
        stream("staging", "9C 9H"),
    ];
    let file = write(directory.path(), "acme.json", &snapshot("acme", 3, streams));
    let rules = directory.path().join("rules.toml");
    let rules = rules.to_str().unwrap();
    let check = |status, arguments: &[&str]| {
        scout(status, &[&["check", "--file", &file], arguments].concat())
    };
    check(2, &["--fail-on", "critical"]);
    check(0, &["--fail-on", "critical", "--env", "production"]);
    let (out, _) = check(1, &["--fail-on", "critical", "--env", "prod"]);
    assert!(out.contains("? prod: the stream was not reported"), "{out}");
    check(0, &["--min-compliance", "0.8", "--env", "production"]);
    check(2, &["--min-compliance", "0.9", "--env", "production"]);
    check(1, &["--max-age", "2h"]);
    check(0, &["--max-age", "4h"]);

    let named = "[[vulnerabilities]]\nname = \"no criticals\"\nstream = \"staging\"\nseverity = \"CRITICAL\"\nmax = 0\n";
    fs::write(rules, named).unwrap();
    let (out, _) = check(2, &["--rules", rules, "--max-age", "1d"]);
    assert_eq!(
        out,
        "acme: violated, 1 of 2 rules passed\n  ✗ staging: CRITICAL 9, at most 0 allowed  (no criticals)\n  \
         ✓ scraped at most 24h ago\n"
    );
    fs::write(rules, "max_age = 3\n").unwrap();
    let (out, err) = check(1, &["--rules", rules]);
    assert_eq!(out, "");
    let start = format!("error: invalid rules in `{rules}`: line 1");
    assert!(err.starts_with(&start), "{err}");
    fs::remove_file(rules).unwrap();
    let (_, err) = check(1, &["--rules", rules]);
    let start = format!("error: cannot read the rules `{rules}`: ");
    assert!(err.starts_with(&start), "{err}");
}

#[test]
fn a_check_without_rules_is_exit_64() {
    for (arguments, fault) in [
        (
            &[][..],
            "no rule given: give --fail-on, --min-compliance, --baseline, --max-age or --rules",
        ),
        (
            &["--max-age", "1h", "--env", "production"],
            "--env requires --fail-on, --min-compliance or --baseline",
        ),
        (
            &["--baseline", "7d"],
            "a time in --baseline requires --history, --prometheus or --baseline-history, which has the earlier snapshots",
        ),
    ] {
        let (out, err) = scout(64, &[&["check", "--demo"], arguments].concat());
        assert_eq!(out, "");
        assert_eq!(err, format!("error: {fault}\n"));
    }
    let (_, err) = scout(64, &["check", "--demo", "--fail-on", "worst"]);
    let expected = "expected critical, high, medium, low or unspecified";
    assert!(err.contains(expected), "{err}");
    // A minimum that nothing can meet is a mistake, too.
    for ratio in ["90", "NaN", "-0.1", "ninety"] {
        let (_, err) = scout(
            64,
            &["check", "--demo", &format!("--min-compliance={ratio}")],
        );
        assert!(
            err.contains("expected a number from 0 to 1, such as 0.9"),
            "{err}"
        );
    }
    let (_, err) = scout(
        64,
        &["check", "--demo", "--fail-on=low", "--allow-anomalies=odd"],
    );
    assert!(
        err.contains("expected deviation/RULE or one of compliant_exceeds_evaluated, deviation, "),
        "{err}"
    );
}

#[test]
fn a_baseline_is_a_file_or_a_time_in_the_history() {
    let directory = tempfile::tempdir().unwrap();
    let before = file(&directory, "before.json", "3C 5H 1M 1L");
    let worse = file(&directory, "worse.json", "4C 4H 1M 1L");
    let better = file(&directory, "better.json", "2C 5H 1M 1L");
    let (out, _) = scout(2, &["check", "--file", &worse, "--baseline", &before]);
    assert!(
        out.contains("✗ production: CRITICAL 4, 3 in the baseline"),
        "{out}"
    );
    scout(0, &["check", "--file", &better, "--baseline", &before]);

    let history = directory.path().join("scout.db");
    let history = history.to_str().unwrap();
    let import = |hours, counts: &str| {
        let snapshot = snapshot("acme", hours, vec![stream("production", counts)]);
        let file = write(directory.path(), "import.json", &snapshot);
        scout(0, &["history", "import", history, "--file", &file]);
    };
    import(7 * 24 + 1, "3C 5H 1M 1L");
    // A history that nobody records in says nothing about today.
    let (out, _) = scout(2, &["check", "--history", history, "--fail-on", "critical"]);
    assert!(out.contains("? the snapshot is"), "{out}");
    import(0, "4C 5H 1M 1L");
    let check = |status, baseline: &str| {
        scout(
            status,
            &["check", "--history", history, "--baseline", baseline],
        )
    };
    let (out, _) = check(2, "7d");
    assert!(out.contains("CRITICAL 4, 3 in the baseline"), "{out}");
    assert!(out.contains("✓ scraped at most 25h ago"), "{out}");
    check(1, "30d");
}

/// A pipeline that keeps a history checks what it has just fetched, not what was recorded.
#[test]
fn a_baseline_of_a_history_is_compared_with_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let history = directory.path().join("scout.db");
    let history = history.to_str().unwrap();
    let before = snapshot(
        "acme",
        7 * 24 + 1,
        vec![stream("production", "3C 5H 1M 1L")],
    );
    let before = write(directory.path(), "before.json", &before);
    scout(0, &["history", "import", history, "--file", &before]);
    let now = file(&directory, "now.json", "4C 5H 1M 1L");
    let of_history = [
        "--file",
        &now,
        "--baseline",
        "7d",
        "--baseline-history",
        history,
    ];
    let (out, _) = scout(2, &[&["check"], &of_history[..]].concat());
    assert!(out.contains("CRITICAL 4, 3 in the baseline"), "{out}");
    // The old one is the baseline.
    assert!(!out.contains("scraped at most"), "{out}");
    let (out, _) = scout(2, &[&["diff", "-e"], &of_history[..]].concat());
    assert!(out.contains("CRITICAL 3 -> 4 (+1)"), "{out}");

    let rules = directory.path().join("rules.toml");
    fs::write(&rules, "[[no_worse]]\nthan = \"7d\"\n").unwrap();
    let rules = ["--file", &now, "--rules", rules.to_str().unwrap()];
    scout(1, &[&["check"], &rules[..]].concat());
    scout(
        2,
        &[&["check", "--baseline-history", history], &rules[..]].concat(),
    );
}

#[test]
fn anomalies_are_ignored_by_their_kind_and_the_result_says_how() {
    let directory = tempfile::tempdir().unwrap();
    let streams = vec![stream("production", "0C 0H")];
    let anomaly = Anomaly::new(AnomalyKind::Deviation, "blank line");
    let snapshot = snapshot("acme", 0, streams).with_anomalies(vec![anomaly]);
    let file = write(directory.path(), "acme.json", &snapshot);
    let check = ["check", "--file", &file, "--fail-on", "high"];
    let (out, err) = scout(1, &check);
    assert!(out.contains("? anomaly: blank line (deviation)"), "{out}");
    assert!(
        err.starts_with("note: ") && err.contains("--allow-anomalies KIND"),
        "{err}"
    );
    let ignoring = |kinds| [&check[..], &["--allow-anomalies", kinds]].concat();
    let (_, err) = scout(0, &ignoring("unknown_family,deviation"));
    assert_eq!(err, "");
    scout(1, &ignoring("unknown_family"));

    // One rule of the format, as the finding names it.
    let file = directory.path().join("acme.om");
    let text = "scout_stream_vulnerabilities{streamName=\"a\",severity=\"CRITICAL\"} 0\r\n# EOF\n";
    fs::write(&file, text).unwrap();
    let check = [
        "check",
        "--file",
        file.to_str().unwrap(),
        "--fail-on",
        "critical",
    ];
    let (out, _) = scout(1, &check);
    assert!(out.contains("(deviation/carriage_return)"), "{out}");
    let ignoring = |kinds| [&check[..], &["--allow-anomalies", kinds]].concat();
    scout(0, &ignoring("deviation/carriage_return"));
    scout(1, &ignoring("deviation/eof"));
    let (_, err) = scout(64, &ignoring("deviation/blank"));
    assert!(err.contains("no format has a rule `blank`"), "{err}");
}

/// A file that was cut off between two lines must not pass, and Prometheus text has no mark of its end.
#[test]
fn an_exposition_that_may_be_cut_off_does_not_pass() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("acme.om");
    let file = path.to_str().unwrap();
    let sample = |stream: &str, count| {
        format!(
            "scout_stream_vulnerabilities{{streamName=\"{stream}\",severity=\"CRITICAL\"}} {count}\n"
        )
    };
    let (good, bad) = (sample("production", 0), sample("staging", 9));
    let check = |status, arguments: &[&str]| {
        let check = ["check", "--file", file, "--fail-on", "critical"];
        scout(status, &[&check[..], arguments].concat())
    };
    fs::write(&path, format!("{good}{bad}# EOF\n")).unwrap();
    check(2, &[]);
    fs::write(&path, format!("{good}# EOF\n")).unwrap();
    check(0, &[]);
    fs::write(&path, &good).unwrap();
    let (out, err) = check(1, &[]);
    let expected = format!(
        "acme: could not tell\n  ? cannot read `{file}`: it does not end with `# EOF`, so a part of it may be missing"
    );
    assert!(out.starts_with(&expected), "{out}");
    assert_eq!(err, "");
    check(0, &["--file-format", "prometheus"]);
    check(1, &["--baseline", file]);
    let history = directory.path().join("scout.db");
    scout(
        1,
        &[
            "history",
            "import",
            history.to_str().unwrap(),
            "--file",
            file,
        ],
    );
}

#[test]
fn an_organization_without_a_snapshot_could_not_be_told() {
    let passing = snapshot("acme", 0, vec![stream("production", "0C 0H 0M 0L 0?")]);
    let url = serve([MemorySource::new(passing)]);
    let check = |format: &str| {
        let output = example("scout")
            .args(["check", "--url", &url, "--org", "acme,apex"])
            .args(["--fail-on", "low", "--format", format])
            .env("DOCKER_SCOUT_TOKEN", TOKEN)
            .output();
        texts(1, &output.unwrap()).0
    };
    let text = check("text");
    assert!(text.starts_with("acme: passed"), "{text}");
    assert!(
        text.contains("\napex: could not tell\n  ? organization `apex`: "),
        "{text}"
    );
    let json: serde_json::Value = serde_json::from_str(&check("json")).unwrap();
    assert_eq!(json["outcome"], "untellable");
    assert_eq!(json["verdicts"][0]["outcome"], "passed");
    assert_eq!(json["verdicts"][1]["organization"], "apex");
    let Some(python) = python() else { return };
    for format in ["gitlab", "junit", "sarif"] {
        let judged = judge(&python, format, &check(format));
        assert_eq!(judged.lines().count(), 1, "{judged}");
        assert!(judged.contains("apex"), "{judged}");
    }
}

/// Returns the findings that an independent reader finds in a report, each on a line.
fn judge(python: &Path, format: &str, report: &str) -> String {
    run_peer(python, "scout/judge.py", &[format], report.as_bytes())
}

/// Names with everything that some format gives a meaning to.
fn hostile() -> Snapshot {
    let name = "</failure>]]>&\"'\u{1b}[2J\n::error::x\r%0A|`*_<b>@all\u{9b}\u{fffe}日本,:";
    let streams = vec![
        stream(name, "5C 0H").with_policy(result(name, 1, 2)),
        stream("production", "0H"),
    ];
    snapshot("acme", 0, streams)
}

#[test]
fn independent_readers_find_in_each_format_what_the_verdict_says() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(directory.path(), "acme.json", &hostile());
    let check = |format: &str| {
        let rules = [
            "--fail-on",
            "high",
            "--min-compliance",
            "0.9",
            "--format",
            format,
        ];
        scout(2, &[&["check", "--file", &file], &rules[..]].concat()).0
    };
    let json: serde_json::Value = serde_json::from_str(&check("json")).unwrap();
    let findings = json["verdicts"][0]["findings"].as_array().unwrap();
    let expected: BTreeSet<(bool, String)> = findings
        .iter()
        .map(|finding| {
            let message = finding["message"].as_str().unwrap();
            // XML cannot hold it.
            let message = message.replace('\u{fffe}', "\u{fffd}");
            (finding["outcome"] == "violated", message)
        })
        .collect();
    assert_eq!(expected.len(), 4, "{expected:?}");
    let Some(python) = python() else { return };
    for format in ["gitlab", "junit", "sarif"] {
        let judged = judge(&python, format, &check(format));
        let judged: BTreeSet<(bool, String)> = judged
            .lines()
            .map(|line| {
                let (organization, is_violated, message): (String, Option<bool>, String) =
                    serde_json::from_str(line).unwrap();
                assert_eq!(organization, "acme");
                let is_violated = is_violated
                    .unwrap_or(message.contains("required") || message.contains("allowed"));
                (is_violated, message.replace('\u{fffe}', "\u{fffd}"))
            })
            .collect();
        assert_eq!(judged, expected, "{format}");
    }
}

/// CI services then show why, next to what the check says about the other files.
#[test]
fn a_file_that_cannot_be_read_is_part_of_the_result() {
    let directory = tempfile::tempdir().unwrap();
    let violated = file(&directory, "acme.json", "1C");
    let damaged = directory.path().join("apex.json");
    fs::write(&damaged, "{").unwrap();
    let files = ["--file", &violated, "--file", damaged.to_str().unwrap()];
    let check = |format: &str| {
        let check = ["check", "--fail-on", "critical", "--format", format];
        scout(2, &[&check[..], &files].concat()).0
    };
    let json: serde_json::Value = serde_json::from_str(&check("json")).unwrap();
    assert_eq!(json["verdicts"][0]["outcome"], "violated");
    assert_eq!(json["verdicts"][1]["organization"], "apex");
    assert_eq!(json["verdicts"][1]["outcome"], "untellable");
    assert!(
        check("junit").contains("<testsuite name=\"apex\" tests=\"1\" failures=\"0\" errors=\"1\"")
    );
    let overview = [&["overview"], &files[..]].concat();
    let (out, err) = scout(1, &overview);
    assert!(out.contains("acme          production"), "{out}");
    assert!(err.starts_with("error: cannot read `"), "{err}");
}

#[test]
fn names_cannot_break_out_of_lines_and_cells() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(directory.path(), "acme.json", &hostile());
    let check = |format: &str| {
        scout(
            2,
            &[
                "check",
                "--file",
                &file,
                "--fail-on",
                "high",
                "--format",
                format,
            ],
        )
        .0
    };
    let github = check("github");
    assert_eq!(github.lines().count(), 3, "{github}");
    let commands = github.lines().filter(|line| line.starts_with("::"));
    assert!(
        commands
            .clone()
            .all(|line| line.starts_with("::error title=acme%3A ")),
        "{github}"
    );
    assert!(
        !github.contains('\u{1b}') && !github.contains("%0A|"),
        "{github}"
    );
    let markdown = check("markdown");
    assert_eq!(markdown.lines().count(), 6, "{markdown}");
    assert!(
        !markdown.contains("<b>") && !markdown.contains("@all"),
        "{markdown}"
    );
}

#[test]
fn annotations_are_at_the_rules_if_there_is_a_file_with_them() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("my rules.toml"),
        "[[vulnerabilities]]\nseverity = \"CRITICAL\"\nmax = 0\n",
    )
    .unwrap();
    let check = |format: &str| {
        let output = example("scout")
            .current_dir(directory.path())
            .args([
                "check",
                "--demo",
                "--rules",
                "./my rules.toml",
                "--format",
                format,
            ])
            .output();
        texts(2, &output.unwrap()).0
    };
    assert!(check("github").starts_with("::error file=my rules.toml,title="));
    let sarif: serde_json::Value = serde_json::from_str(&check("sarif")).unwrap();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "my%20rules.toml");
    let gitlab: serde_json::Value = serde_json::from_str(&check("gitlab")).unwrap();
    assert_eq!(gitlab[0]["location"]["path"], "my rules.toml");
}

#[test]
fn the_result_can_be_written_to_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("result.txt");
    let path = path.to_str().unwrap();
    let check = ["check", "--demo", "--fail-on", "critical"];
    let output = example("scout")
        .args([&check[..], &["-o", path]].concat())
        .env("CLICOLOR_FORCE", "1")
        .output();
    assert_eq!(texts(2, &output.unwrap()), (String::new(), String::new()));
    assert_eq!(fs::read_to_string(path).unwrap(), scout(2, &check).0);

    let (_, err) = scout(1, &[&check[..], &["-o", "/no/such/directory/x"]].concat());
    let start = "error: cannot write `/no/such/directory/x`: ";
    assert!(err.starts_with(start), "{err}");
    let (_, err) = scout(
        1,
        &[&check[..], &["-o", directory.path().to_str().unwrap()]].concat(),
    );
    assert!(err.starts_with("error: cannot write `"), "{err}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_write_leaves_the_old_file_and_a_finished_one_its_mode_and_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("report.json");
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let link = directory.path().join("latest.json");
    symlink("report.json", &link).unwrap();
    let program = example("scout").get_program().to_owned();
    let report = |prefix: &str| {
        let report = format!("{prefix} exec \"$0\" report --demo --format json -o \"$1\"");
        let mut command = std::process::Command::new("sh");
        let status = command
            .args(["-c", &report])
            .arg(&program)
            .arg(&link)
            .status();
        assert_eq!(status.unwrap().success(), prefix.is_empty());
        fs::read_to_string(&file).unwrap()
    };
    // A file that is larger than 512 bytes ends the program.
    assert_eq!(report("ulimit -f 1;"), "old");
    assert!(report("").starts_with('['));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o640
    );
    scout(0, &["report", "--demo", "-o", "/dev/null"]);
}
