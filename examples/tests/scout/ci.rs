//! The files for CI services.

use std::{env, fs, path::PathBuf, process::Command};

use crate::{peer::python, program::example, support::scout};

fn file(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    directory.join("scout/ci").join(name)
}

#[test]
fn the_files_follow_the_schemas_of_the_services() {
    let Some(python) = python() else { return };
    for (schema, name) in [
        ("vendor.github-workflows", "github-actions.yml"),
        ("vendor.gitlab-ci", "gitlab-ci.yml"),
    ] {
        let output = Command::new(python.with_file_name("check-jsonschema"))
            .args(["--builtin-schema", schema])
            .arg(file(name))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

#[cfg(unix)]
#[test]
fn the_checks_in_the_files_run_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let snapshot = directory.path().join("snapshot.json");
    let snapshot = snapshot.to_str().unwrap();
    scout(0, &["report", "--demo", "--format", "json", "-o", snapshot]);
    let rules = "[[vulnerabilities]]\nat_least = \"CRITICAL\"\nmax = 0\n";
    fs::write(directory.path().join("scout-rules.toml"), rules).unwrap();
    let program = PathBuf::from(example("scout").get_program());
    let programs = program.parent().unwrap().to_str().unwrap();
    let path = format!("{programs}:{}", env::var("PATH").unwrap());
    for name in ["github-actions.yml", "gitlab-ci.yml"] {
        let text = fs::read_to_string(file(name)).unwrap();
        let commands: Vec<&str> = text
            .lines()
            .filter_map(|line| Some(&line[line.find("scout check ")?..]))
            .collect();
        let statuses = commands.iter().map(|command| {
            let output = Command::new("sh")
                .args(["-c", command])
                .current_dir(&directory)
                .env("PATH", &path)
                .env("GITHUB_STEP_SUMMARY", "summary.md")
                .output();
            output.unwrap().status.code()
        });
        // Only the last command decides.
        assert_eq!(
            statuses.collect::<Vec<_>>(),
            [Some(0), Some(0), Some(2)],
            "{name}"
        );
    }
    for result in [
        "scout.sarif",
        "summary.md",
        "code-quality.json",
        "junit.xml",
    ] {
        let written = fs::metadata(directory.path().join(result)).unwrap();
        assert!(written.len() > 0, "{result}");
    }
}
