//! The `docker` program, and containers that end with their test.

use std::{
    env,
    io::{self, Write},
    process::{Command, Output},
    time::Duration,
};

use serde_json::Value;

use crate::poll;

/// Long enough for three failed health checks on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// Options with which nothing that the image needs may be missing.
pub(crate) const HARDENED: [&str; 4] = [
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--memory=128m",
];

/// Returns whether there is an engine for tests. If not, prints a line; the test must then be skipped.
pub(crate) fn is_there() -> bool {
    let is_there = env::var_os("SCOUT_METRICS_DOCKER_HOST").is_some();
    if !is_there {
        // Not `eprintln!`, whose output the test harness captures.
        say("SKIPPED: no Docker Engine was given (`.ci/run containers` starts one)");
    }
    is_there
}

/// Prints a line, even if the test passes.
pub(crate) fn say(line: &str) {
    io::stderr()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
}

/// Runs `docker` to its end.
pub(crate) fn try_docker(arguments: &[&str]) -> Output {
    let host = env::var_os("SCOUT_METRICS_DOCKER_HOST").unwrap();
    Command::new("docker")
        .env("DOCKER_HOST", host)
        .args(arguments)
        .output()
        .unwrap()
}

/// Runs `docker` and returns what it prints.
///
/// # Panics
///
/// If it fails.
pub(crate) fn docker(arguments: &[&str]) -> String {
    let output = try_docker(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Returns what the engine says about a container, an image, a network or a volume.
pub(crate) fn inspect(name: &str) -> Value {
    let found: Value = serde_json::from_str(&docker(&["inspect", name])).unwrap();
    found[0].clone()
}

/// Tries until there is a result, and panics if that takes too long.
pub(crate) fn eventually<T>(what: &str, attempt: impl FnMut() -> Option<T>) -> T {
    poll::until(PATIENCE, what, attempt)
}

/// Waits until the engine finds a container to be `healthy`, or `unhealthy`.
pub(crate) fn wait_for_health(container: &str, expected: &str) {
    eventually(&format!("{container} is {expected}"), || {
        let state = inspect(container)["State"].clone();
        (state["Status"] == "running" && state["Health"]["Status"] == expected).then_some(())
    });
}

/// A container or a network, removed when the test ends, even by a panic.
pub(crate) struct Temporary {
    kind: &'static str,
    pub(crate) id: String,
}

impl Temporary {
    /// Runs a container in the background.
    pub(crate) fn container(arguments: &[&str]) -> Self {
        let id = docker(&[&["run", "--detach"], arguments].concat());
        Self {
            kind: "container",
            id,
        }
    }

    pub(crate) fn network(arguments: &[&str]) -> Self {
        let id = docker(&[&["network", "create"], arguments].concat());
        Self {
            kind: "network",
            id,
        }
    }

    /// Returns everything that a container wrote.
    pub(crate) fn log(&self) -> String {
        let output = try_docker(&["logs", "--timestamps", &self.id]);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let arguments = [self.kind, "rm", "--force", &self.id];
        // Networks need no force, and older clients have no such option for them.
        let arguments: Vec<_> = arguments
            .into_iter()
            .filter(|argument| self.kind == "container" || *argument != "--force")
            .collect();
        try_docker(&arguments);
    }
}
