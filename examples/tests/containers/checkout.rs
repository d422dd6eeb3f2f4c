//! A clone of the last commit, and the image that is built from it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use crate::docker::{inspect, say};

/// The tag that the command in the Dockerfile gives to the image.
pub(crate) const IMAGE: &str = "scout-metrics-exporter";

/// A clone of the last commit, so that nothing is built from a file that was not committed.
pub(crate) fn checkout() -> &'static Path {
    static CHECKOUT: LazyLock<PathBuf> = LazyLock::new(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("containers");
        let _ = fs::remove_dir_all(&directory);
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut command = Command::new("git");
        command.args(["clone", "--quiet", "--no-hardlinks"]);
        run(command.arg(repository).arg(&directory));
        directory
    });
    &CHECKOUT
}

/// Builds the image with the command in its Dockerfile, once, and returns its name.
pub(crate) fn image() -> &'static str {
    static BUILT: LazyLock<()> = LazyLock::new(|| {
        let dockerfile = fs::read_to_string(checkout().join("examples/Dockerfile")).unwrap();
        let line = dockerfile
            .lines()
            .find_map(|line| line.strip_prefix("#   "));
        let mut command = Command::new("bash");
        run(command.args(["-c", line.unwrap()]).current_dir(checkout()));
        let bytes = inspect(IMAGE)["Size"].as_u64().unwrap();
        say(&format!("the image has {:.1} MB", bytes as f64 / 1e6));
    });
    LazyLock::force(&BUILT);
    IMAGE
}

/// Runs a command and returns what it prints.
///
/// # Panics
///
/// If it fails.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}
