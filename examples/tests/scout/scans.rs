//! The reports of scanners instead of Docker Scout.

use std::{fs, path::PathBuf};

use crate::{
    program::example,
    support::{scout, texts},
};

fn scans() -> String {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("local_scans/scans");
    directory.to_str().unwrap().to_owned()
}

#[test]
fn each_command_reads_reports() {
    let scans = scans();
    let scans = ["--scans", &scans, "--org", "acme"];
    let (out, _) = scout(0, &[&["overview"], &scans[..]].concat());
    assert!(out.contains("acme          staging"), "{out}");
    let (out, _) = scout(0, &[&["report", "--format", "csv"], &scans[..]].concat());
    assert!(out.contains(",production,"), "{out}");

    let check = [&["check", "--fail-on", "critical"], &scans[..]].concat();
    scout(0, &[&check[..], &["--env", "production"]].concat());
    let (out, _) = scout(2, &check);
    assert!(out.contains("staging"), "{out}");

    let directory = tempfile::tempdir().unwrap();
    let history = directory.path().join("history.db");
    let history = history.to_str().unwrap();
    scout(0, &[&["history", "import", history], &scans[..]].concat());
    scout(0, &["since", "--history", history]);
}

#[test]
fn the_organization_is_that_of_the_directory_and_no_variable_is_read() {
    let mut command = example("scout");
    command.args(["overview", "--scans", &scans()]);
    command.env("DOCKER_SCOUT_ORG", "acme,apex");
    let (out, err) = texts(0, &command.output().unwrap());
    assert!(out.contains("scans         production"), "{out}");
    assert_eq!(err, "");
}

#[test]
fn a_half_written_report_passes_no_check() {
    let directory = tempfile::tempdir().unwrap();
    let production = directory.path().join("production");
    fs::create_dir(&production).unwrap();
    let whole = fs::read_to_string(format!("{}/production/api.sarif", scans())).unwrap();
    fs::write(production.join("api.sarif"), &whole[..whole.len() / 2]).unwrap();
    let scans = directory.path().to_str().unwrap();
    let (out, _) = scout(1, &["check", "--scans", scans, "--fail-on", "critical"]);
    assert!(
        out.contains("production/api.sarif`: EOF while parsing"),
        "{out}"
    );
}
