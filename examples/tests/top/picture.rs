//! Pictures, which need no terminal, and what is refused.

use std::{fs, path::Path};

use scout_metrics_core::{MemorySource, Organization, Snapshot, Stream};

use crate::program::{TOKEN, example, serve, stderr, stdout};

/// Writes a picture with these arguments and returns its text.
fn picture(arguments: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("top.svg");
    let mut command = example("top");
    command.args(arguments).arg("--svg").arg(&file);
    let output = command.env("DOCKER_SCOUT_TOKEN", TOKEN).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    fs::read_to_string(file).unwrap()
}

fn acme() -> Snapshot {
    let production = Stream::new("production").with_vulnerabilities("7C 8H".parse().unwrap());
    Snapshot::new(Organization::new("acme").unwrap(), [production]).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_demo_has_all_organizations_and_a_failure() {
    let picture = picture(&["--demo"]);
    for text in [
        "megacorp",
        "brightside",
        "✗ fails, 7h old",
        "search",
        "90 DAYS",
    ] {
        assert!(picture.contains(text), "{text} is missing in {picture}");
    }
}

#[test]
fn docker_scout_is_asked_with_the_token() {
    let url = serve([MemorySource::new(acme())]);
    let fetched = picture(&["--org", "acme", "--url", &url]);
    assert!(
        fetched.contains("7C") && fetched.contains("✓ 0s"),
        "{fetched}"
    );
    // The endpoint has no other organization.
    let picture = picture(&["--org", "acme,apex", "--url", &url]);
    assert!(
        picture.contains("7C") && picture.contains("✗ not found"),
        "{picture}"
    );
}

#[test]
fn a_token_that_is_refused_says_so() {
    let url = serve([MemorySource::new(acme())]);
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    fs::write(&token, "dckr_pat_wrong").unwrap();
    let picture = picture(&["--org", "acme", "--url", &url, "--token-file", text(&token)]);
    assert!(picture.contains("✗ refused"), "{picture}");
    assert!(
        picture.contains("The token is missing, wrong or expired."),
        "{picture}"
    );
    assert!(!picture.contains("dckr_pat_wrong"), "{picture}");
}

#[test]
fn files_and_histories_are_shown() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("acme.json");
    fs::write(&file, serde_json::to_string(&acme()).unwrap()).unwrap();
    assert!(picture(&["--file", text(&file)]).contains("7C"));

    let history = directory.path().join("scout.db");
    let import = ["history", "import", text(&history), "--file", text(&file)];
    let imported = example("scout").args(import).status().unwrap();
    assert!(imported.success());
    let of_history = picture(&["--history", text(&history)]);
    assert!(
        of_history.contains("7C") && of_history.contains("90 DAYS"),
        "{of_history}"
    );
}

#[test]
fn an_output_that_is_no_terminal_is_refused() {
    let output = example("top").arg("--demo").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output), "");
    assert_eq!(
        stderr(&output),
        "error: standard output is not a terminal that can show a dashboard: `scout overview` writes to files and pipes\n"
    );
}

#[test]
fn what_is_missing_is_named() {
    let run = |arguments: &[&str]| {
        let output = example("top")
            .args(arguments)
            .args(["--svg", "/dev/null"])
            .output();
        stderr(&output.unwrap()).to_owned()
    };
    assert_eq!(
        run(&[]),
        "error: no --org, --file, --history or --demo given: try --help\n"
    );
    let missing = run(&["--history", "/no/such/file"]);
    assert_eq!(
        missing,
        "error: there is no history `/no/such/file`: `scout history import` makes one\n"
    );
    assert!(run(&["--demo", "--org", "acme"]).contains("cannot be used with"));
    assert_eq!(
        run(&["--file", "-"]),
        "error: --file - is standard input, which cannot be read again: give a file\n"
    );
}
