//! Reports that fail a scrape, because they must not count as zero.

use std::fs;

use scout_metrics_core::{ErrorKind, LocalScans, MetricsSource};

use super::{Scans, report};

#[tokio::test]
async fn a_damaged_report_is_named_with_the_place() {
    let whole = include_str!("reports/trivy.sarif");
    for (content, fault) in [
        (String::new(), "the file is empty"),
        (" \n".to_owned(), "the file is empty"),
        (
            whole[..40].to_owned(),
            "EOF while parsing a string at line 3 column 16",
        ),
        (
            whole
                .trim_end()
                .strip_suffix('}')
                .unwrap()
                .trim_end()
                .to_owned(),
            "EOF while parsing an object at line 456 column 3",
        ),
        (
            format!("{}{{", report("[]")),
            "trailing characters at line 1 column 83",
        ),
        ("<html>".to_owned(), "expected value at line 1 column 1"),
        (
            "{}".to_owned(),
            "missing field `version` at line 1 column 2",
        ),
        (
            r#"{"version": "2.1.0"}"#.to_owned(),
            "missing field `runs` at line 1 column 20",
        ),
        (
            r#"{"version": "2.1.0", "runs": []}"#.to_owned(),
            "the report has no runs, so nothing was scanned",
        ),
        (
            r#"{"version": "1.0.0", "runs": []}"#.to_owned(),
            "the SARIF version is \"1.0.0\", expected 2.1.0",
        ),
        (
            report("null"),
            "the run of \"x\" has no results, not even none",
        ),
        (
            report(r#"[], "invocations": [{"executionSuccessful": false}]"#),
            "the run of \"x\" says that it failed",
        ),
        (
            report(r#"[{"properties": {"tags": 1}}]"#),
            "invalid type: integer `1`, expected an array at line 1 column 103",
        ),
        (
            report(&format!("[{{\"locations\": {}", "[".repeat(1000))),
            "expected value at line 1 column 1093",
        ),
    ] {
        let scans = Scans::new()
            .with("production/image.sarif", &content)
            .with("production/other.sarif", report("[]"));
        assert_eq!(
            scans.fault().await,
            format!("organization `acme`: cannot read `production/image.sarif`: {fault}"),
        );
        assert_eq!(scans.error().await.kind(), ErrorKind::Decode);
    }
}

#[tokio::test]
async fn no_beginning_of_a_report_is_a_report() {
    let whole = include_str!("reports/docker-scout-0.24.sarif").trim_end();
    let scans = Scans::new().with("production/image.sarif", "");
    let path = scans.path().join("production/image.sarif");
    for end in 0..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        assert_eq!(scans.error().await.kind(), ErrorKind::Decode, "{end}");
    }
}

proptest::proptest! {
    #[test]
    fn a_changed_report_is_read_or_damaged(
        place in 0_usize..14_000,
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..20),
        removed in 0_usize..200,
    ) {
        let mut report = include_str!("reports/trivy.sarif").as_bytes().to_vec();
        let end = (place + removed).min(report.len());
        report.splice(place..end, bytes);
        let scans = Scans::new().with("production/image.sarif", report);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        // A panic would be an error of another kind.
        if let Err(error) = runtime.block_on(scans.source().scrape()) {
            proptest::prop_assert_eq!(error.kind(), ErrorKind::Decode);
        }
    }
}

#[tokio::test]
async fn a_damaged_result_of_policies_is_named_with_the_place() {
    for (content, fault) in [
        ("", "the file is empty"),
        (
            r#"{"a": {"pass": true"#,
            "EOF while parsing an object at line 1 column 19",
        ),
        (
            r#"{"a": {"violations": []}}"#,
            "missing field `pass` at line 1 column 24",
        ),
        (
            r#"{"a": {"pass": "yes"}}"#,
            "invalid type: string \"yes\", expected a boolean at line 1 column 20",
        ),
        (
            r#"{"a": {"pass": true}, "a": {"pass": false}}"#,
            "the policy identifier \"a\" occurs twice at line 1 column 43",
        ),
        (
            r#"{"": {"pass": true}}"#,
            "a policy identifier is empty at line 1 column 20",
        ),
        (
            "[]",
            "invalid type: sequence, expected a map from policy identifiers to results at line 1 column 0",
        ),
    ] {
        let scans = Scans::new()
            .with("production/image.sarif", report("[]"))
            .with("production/image.policy.json", content);
        assert_eq!(
            scans.fault().await,
            format!("organization `acme`: cannot read `production/image.policy.json`: {fault}"),
        );
        assert_eq!(scans.error().await.kind(), ErrorKind::Decode);
    }
}

#[tokio::test]
async fn a_file_that_is_not_where_reports_are_is_named() {
    const NAMES: &str =
        "expected a file whose name ends with `.sarif`, `.sarif.json` or `.policy.json`";
    let is_no_report = |path: &str, reason: &str| {
        format!("organization `acme`: `{path}` is not a report of a stream: {reason}")
    };
    let clean = report("[]");
    for (paths, named, reason) in [
        (
            &["image.sarif"][..],
            "image.sarif",
            "expected a directory for each stream, with the reports in it",
        ),
        (&["production/image.json"], "production/image.json", NAMES),
        (
            &["production/library/nginx.sarif"],
            "production/library",
            NAMES,
        ),
        (
            &["production/nginx.sarif/nginx.sarif"],
            "production/nginx.sarif",
            NAMES,
        ),
        (
            &["production/image.policy.json"],
            "production/image.policy.json",
            "there is no SARIF report of the same image",
        ),
    ] {
        let scans = paths
            .iter()
            .fold(Scans::new(), |scans, path| scans.with(path, &clean));
        assert_eq!(scans.fault().await, is_no_report(named, reason));
        assert_eq!(scans.error().await.kind(), ErrorKind::Invalid);
    }
    let twice = Scans::new()
        .with("production/image.sarif", &clean)
        .with("production/image.sarif.json", &clean);
    let reason = "it is a second report of the image of `production/image.sarif`";
    assert_eq!(
        twice.fault().await,
        is_no_report("production/image.sarif.json", reason)
    );
}

#[tokio::test]
async fn a_directory_without_streams_is_an_error() {
    let scans = Scans::new().with(".hidden/image.sarif", "");
    let error = scans.error().await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        format!(
            "organization `acme`: there is no directory of a stream in `{}`",
            scans.path().display()
        )
    );
    fs::remove_dir_all(scans.path()).unwrap();
    let error = scans.error().await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        format!(
            "organization `acme`: cannot read `{}`",
            scans.path().display()
        )
    );
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused() {
    let scans = Scans::new().with("production/image.sarif", "");
    let path = scans.path().join("production/image.sarif");
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(LocalScans::MAX_FILE_SIZE + 1).unwrap();
    assert_eq!(scans.error().await.kind(), ErrorKind::Limit);
    assert_eq!(
        scans.fault().await,
        "organization `acme`: cannot read `production/image.sarif`: larger than the limit of 67108864 bytes"
    );
}

#[tokio::test]
async fn more_results_than_a_file_of_a_scanner_can_have_are_refused() {
    let many = format!("[{}{{}}]", "{},".repeat(250_000));
    let scans = Scans::new().with("production/image.sarif", report(&many));
    let fault = scans.fault().await;
    let expected = "organization `acme`: cannot read `production/image.sarif`: more than 250000 items at line 1";
    assert!(fault.starts_with(expected), "{fault}");
}

#[tokio::test]
async fn small_results_in_many_runs_are_refused_together() {
    let run = report(&format!("[{}{{}}]", "{},".repeat(249_999)));
    let run = run.split_once("\"runs\": [").unwrap().1;
    let runs = [run.strip_suffix("]}").unwrap(); 4].join(",");
    let many = format!(r#"{{"version": "2.1.0", "runs": [{runs}]}}"#);
    let scans = Scans::new().with("production/image.sarif", many);
    assert_eq!(scans.error().await.kind(), ErrorKind::Limit);
    assert_eq!(
        scans.fault().await,
        "organization `acme`: cannot read `production/image.sarif`: it has more than the limit of 1000000 JSON objects"
    );
}

#[tokio::test]
async fn results_that_repeat_the_many_packages_of_a_rule_are_refused() {
    let purls = vec![r#""pkg:a""#; 200_000].join(",");
    let results = vec![r#"{"ruleIndex": 0}"#; 200_000].join(",");
    let log = format!(
        r#"{{"version": "2.1.0", "runs": [{{"tool": {{"driver": {{"name": "x", "rules": [
            {{"id": "a", "properties": {{"security-severity": "9.0", "purls": [{purls}]}}}}
        ]}}}}, "results": [{results}]}}]}}"#
    );
    let scans = Scans::new().with("production/image.sarif", log);
    assert_eq!(
        scans.fault().await,
        "organization `acme`: cannot read `production/image.sarif`: the results name more than 1000000 packages, \
         repetitions included"
    );
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::symlink;

    use super::*;

    #[tokio::test]
    async fn symbolic_links_are_followed_once() {
        let scans = Scans::new().with(".data/image.sarif", report("[]"));
        symlink(".data", scans.path().join("production")).unwrap();
        assert_eq!(scans.snapshot().await.streams().len(), 1);

        symlink("..", scans.path().join("production/loop")).unwrap();
        assert_eq!(scans.error().await.kind(), ErrorKind::Invalid);
    }

    #[tokio::test]
    async fn a_link_to_nothing_and_a_pipe_are_errors() {
        let scans = Scans::new().with_stream("production");
        let path = scans.path().join("production/image.sarif");
        symlink("missing", &path).unwrap();
        assert_eq!(scans.error().await.kind(), ErrorKind::NotFound);
        fs::remove_file(&path).unwrap();

        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        assert_eq!(
            scans.fault().await,
            "organization `acme`: cannot read `production/image.sarif`: not a regular file"
        );
    }
}
