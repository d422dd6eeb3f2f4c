//! Completions for shells, and manual pages.

use std::{fs, process::Command};

use crate::support::scout;

#[test]
fn every_shell_gets_completions_for_all_commands() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scout.bash");
    let path = path.to_str().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (script, _) = scout(0, &["completions", shell]);
        for word in ["overview", "check", "fail-on", "import", "older-than"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    scout(0, &["completions", "bash", "-o", path]);
    // Only where there is a bash.
    if let Ok(output) = Command::new("bash").args(["-n", path]).output() {
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn each_command_has_a_manual_page_with_its_options() {
    let directory = tempfile::tempdir().unwrap();
    // It does not exist yet.
    let pages = directory.path().join("share/man1");
    scout(0, &["man", pages.to_str().unwrap()]);
    let page = |name: &str| fs::read_to_string(pages.join(name)).unwrap();
    for (name, option) in [
        ("scout-check.1", r"\-\-fail\-on"),
        ("scout-history-prune.1", r"\-\-older\-than"),
        ("scout-overview.1", r"\-\-env"),
    ] {
        assert!(page(name).contains(option), "{name}");
    }
    assert!(page("scout.1").contains("Exit status:"));

    let (_, err) = scout(1, &["man", "/dev/null/man1"]);
    let start = "error: cannot write into `/dev/null/man1`: ";
    assert!(err.starts_with(start), "{err}");
}
