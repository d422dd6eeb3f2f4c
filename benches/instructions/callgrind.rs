//! Counts the instructions of one function call.

use std::{
    env,
    io::{Error, ErrorKind, Result},
    path::Path,
    process::Command,
};

use scout_metrics_benches::Input;

use crate::Work;

/// The call that callgrind counts, with all that it calls.
#[inline(never)]
pub(crate) fn measured(run: fn(&Input) -> usize, input: &Input) -> usize {
    run(input)
}

/// Runs this program under callgrind and returns how many instructions a work takes.
pub(crate) fn count(work: &Work, input: &Input, text: &Path) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args([
            "--collect-atstart=no",
            "--toggle-collect=*callgrind::measured*",
        ])
        .arg(env::current_exe()?)
        .args(["--measure", work.name, input.format.name()])
        .arg(text)
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::other("valgrind is not installed"),
            _ => error,
        })?;
    let log = String::from_utf8_lossy(&output.stderr);
    let count = log
        .lines()
        .find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    match count {
        Some(count) if count > 0 && output.status.success() => Ok(count),
        _ => Err(Error::other(format!("valgrind counted nothing:\n{log}"))),
    }
}
