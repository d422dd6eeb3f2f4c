//! The programs of other people that judge ours.

use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
};

/// Returns whether a peer program can be run. If not, prints a line; the test must then be skipped.
///
/// # Panics
///
/// If the program cannot be run and `SCOUT_METRICS_REQUIRE_PEERS=1` is in the environment.
pub(crate) fn is_there(program: &str, arguments: &[&str], origin: &str) -> bool {
    let outcome = Command::new(program).args(arguments).output();
    if outcome.is_ok_and(|output| output.status.success()) {
        return true;
    }
    let is_required = env::var_os("SCOUT_METRICS_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!is_required, "`{program}` is required and cannot be run");
    // Not `eprintln!`, whose output the test harness captures.
    let line = format!("SKIPPED: `{program}` is not installed ({origin})\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
    false
}

/// Returns the Python with the peers' packages, if it is installed.
///
/// # Panics
///
/// As [`is_there`] does.
pub(crate) fn python() -> Option<PathBuf> {
    let python = tools().join("python/bin/python");
    let origin = "examples/tests/exporter/peers/install installs it";
    is_there(python.to_str().unwrap(), &["--version"], origin).then_some(python)
}

/// Returns the directory into which the scripts in `peers` install programs.
pub(crate) fn tools() -> PathBuf {
    let target = env::current_exe().unwrap();
    // The test binary is in a directory such as `debug/deps` of the target directory.
    target.ancestors().nth(3).unwrap().join("ci-tools")
}

/// Runs one of the Python peers, given by its path in the tests, and returns what it prints.
pub(crate) fn run_peer(python: &Path, script: &str, arguments: &[&str], input: &[u8]) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(python);
    command
        .arg(directory.join("tests").join(script))
        .args(arguments);
    let output = run_with_input(&mut command, input);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a program to its end. A program that needs no input may end before the input is written.
pub(crate) fn run_with_input(command: &mut Command, input: &[u8]) -> Output {
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = process.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    output
}
