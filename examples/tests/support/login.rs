//! A login of Docker with a credential helper.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

/// Makes a program use a login whose password a helper prints, and writes what the helper was asked into `asked`.
pub(crate) fn log_in(command: &mut Command, directory: &Path, helper_says: &str) {
    let helper = directory.join("docker-credential-fake");
    let script = format!(
        "#!/bin/sh\necho \"$1 $(cat)\" >'{}'\n{helper_says}\n",
        directory.join("asked").display()
    );
    fs::write(&helper, script).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o700)).unwrap();
    let config = r#"{"auths":{"https://index.docker.io/v1/":{}},"credsStore":"fake"}"#;
    fs::write(directory.join("config.json"), config).unwrap();
    let path = std::env::var("PATH").unwrap();
    command
        .env("DOCKER_CONFIG", directory)
        .env("PATH", format!("{}:{path}", directory.display()));
}
