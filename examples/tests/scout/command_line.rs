//! The command line and the environment.

use std::{io::Write, process::Stdio};

use scout_metrics_core::MemorySource;
use scout_metrics_examples::sample;

use crate::{
    program::{TOKEN, example, serve},
    support::{scout, texts},
};

const EXPOSITION: &str =
    "scout_stream_vulnerabilities{streamName=\"production\",severity=\"HIGH\"} 3\n# EOF\n";

#[test]
fn an_invalid_command_line_is_exit_64_and_help_is_not() {
    for arguments in [
        &[][..],
        &["overview"],
        &["no-such-command"],
        &["overview", "--demo", "--no-such-option"],
        &["overview", "--org", "Not A Name"],
        &["overview", "--file", "a", "--history", "b"],
        &["overview", "--file", "a", "--file", "b", "--org", "acme"],
        &["overview", "--scans", "a", "--file", "b"],
        &["overview", "--scans", "a", "--demo"],
        &["overview", "--scans", "a", "--history", "b"],
        &["overview", "--scans", "a", "--org", "acme", "--org", "apex"],
        &["history", "import", "history.db"],
        &["since"],
        &["overview", "--demo", "--org", "acme,apex", "--org", "acme"],
        &["overview", "--org", "acme", "--url", "no url"],
    ] {
        let (out, err) = scout(64, arguments);
        assert_eq!(out, "", "{arguments:?}");
        assert!(!err.is_empty());
    }
    let (out, err) = scout(0, &["overview", "--help"]);
    assert!(out.contains("Usage: scout overview"), "{out}");
    assert_eq!(err, "");
}

#[test]
fn a_variable_is_an_option_of_the_subcommand_and_named_in_its_error() {
    let url = serve([MemorySource::new(sample::snapshot().unwrap())]);
    let run = |organization: &str| {
        let mut command = example("scout");
        command.args(["overview", "--url", &url]);
        command.env("DOCKER_SCOUT_ORG", organization);
        command.env("DOCKER_SCOUT_TOKEN", TOKEN).output().unwrap()
    };
    let (out, err) = texts(0, &run("acme"));
    assert!(out.contains("acme          production"), "{out}");
    assert_eq!(err, "");
    let (_, err) = texts(64, &run("Not A Name"));
    assert!(err.contains("for 'DOCKER_SCOUT_ORG'"), "{err}");
    // An empty one counts as not set.
    let (_, err) = texts(64, &run(" "));
    assert!(
        err.contains("required arguments were not provided"),
        "{err}"
    );
}

/// A check of files that is limited by a variable would miss the violations of other organizations.
#[test]
fn variables_are_not_read_where_nothing_is_fetched() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, EXPOSITION).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let (acme, apex) = (file("acme.prom"), file("apex.prom"));
    let history = directory.path().join("history.db");
    let history = history.to_str().unwrap();
    scout(
        0,
        &[
            "history", "import", history, "--file", &acme, "--file", &apex,
        ],
    );
    for arguments in [
        &["overview", "--file", &acme, "--file", &apex][..],
        &["overview", "--history", history],
    ] {
        let mut command = example("scout");
        command.args(arguments).env("DOCKER_SCOUT_ORG", "acme");
        command.env("DOCKER_SCOUT_TOKEN_FILE", "no such file");
        let (out, _) = texts(0, &command.output().unwrap());
        assert!(out.contains("apex"), "{arguments:?}: {out}");
    }
}

#[test]
fn an_exposition_is_read_from_standard_input() {
    let mut process = example("scout")
        .args(["overview", "--file", "-", "--org", "acme"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    input.write_all(EXPOSITION.as_bytes()).unwrap();
    drop(input);
    let (out, _) = texts(0, &process.wait_with_output().unwrap());
    assert!(
        out.contains("acme          production         -     3"),
        "{out}"
    );
}

/// A job of CI has no terminal, no home directory and no colours.
#[test]
fn runs_in_an_empty_environment() {
    let mut command = example("scout");
    command
        .env_clear()
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    let output = command.args(["overview", "--demo"]).output().unwrap();
    let (out, err) = texts(0, &output);
    assert!(!out.contains('\u{1b}'), "{out}");
    assert_eq!(err, "");

    let mut command = example("scout");
    command.env_clear().stdin(Stdio::null());
    // The system knows the home directory of the user even without `HOME`.
    command.env("DOCKER_CONFIG", "/no/such/directory");
    let output = command.args(["overview", "--org", "acme"]).output();
    let (out, err) = texts(1, &output.unwrap());
    assert_eq!(out, "");
    let error =
        "error: organization `acme`: cannot use the credentials of `docker login`: no such file";
    assert!(err.contains(error), "{err}");
}
