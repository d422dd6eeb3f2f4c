//! A Compose project, started with the commands in its README.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use crate::{
    checkout::{checkout, image},
    docker::{docker, inspect, is_there, try_docker, wait_for_health},
};

/// Secrets that the commands of the READMEs read from the home directory and the environment.
pub(crate) const TOKEN: &str = "dckr_pat_0123456789";
pub(crate) const DATADOG_KEY: &str = "0123456789abcdef0123456789abcdef";

pub(crate) struct Project {
    pub(crate) directory: PathBuf,
    /// The first part of the names of its networks and volumes.
    name: &'static str,
    home: tempfile::TempDir,
}

/// A project that the tests of a file share.
pub(crate) type Shared = LazyLock<Mutex<Project>>;

/// Starts a project if it does not run yet, and lends it to one test at a time. Without an engine, there is none.
pub(crate) fn lend(project: &'static Shared) -> Option<MutexGuard<'static, Project>> {
    is_there().then(|| project.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Project {
    /// Starts a project that tests can share, and waits until its services are healthy.
    pub(crate) fn shared(folder: &str, name: &'static str, services: &[&str]) -> Mutex<Self> {
        let project = Self::start(folder, name);
        project.wait_until_healthy(services);
        Mutex::new(project)
    }

    /// Runs the first commands in the README of one of the projects, with demo data.
    ///
    /// # Panics
    ///
    /// If one of them fails.
    fn start(folder: &str, name: &'static str) -> Self {
        image();
        let home = tempfile::tempdir().unwrap();
        let token = home.path().join(".docker/scout-token");
        fs::create_dir(token.parent().unwrap()).unwrap();
        fs::write(&token, format!("{TOKEN}\n")).unwrap();
        // The mode that a careful user chooses.
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
        let project = Self {
            directory: checkout().join("examples").join(folder),
            name,
            home,
        };
        project.run("docker compose down --volumes --remove-orphans");
        project.run_session(0);
        project
    }

    /// Runs the commands in one of the console sessions of the README, in the order in which they are there.
    pub(crate) fn run_session(&self, index: usize) {
        let readme = fs::read_to_string(self.directory.join("README.md")).unwrap();
        for command in commands(&readme, index) {
            let output = self.try_run(command);
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "{command}: {text}\n{}",
                self.run("docker compose logs --tail 20 2>&1")
            );
        }
    }

    fn try_run(&self, command: &str) -> Output {
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", command])
            .current_dir(&self.directory)
            .env("DATADOG_API_KEY", DATADOG_KEY)
            .env("HOME", self.home.path())
            .env("SCOUT_DEMO", "true")
            .output()
            .unwrap()
    }

    /// Runs a command as its user would, and returns what it prints.
    pub(crate) fn run(&self, command: &str) -> String {
        let output = self.try_run(command);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {text}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Returns the identifier of the container of a service.
    pub(crate) fn container(&self, service: &str) -> String {
        let id = self.run(&format!(
            "docker compose --profile '*' ps --all --quiet {service}"
        ));
        assert!(!id.is_empty(), "{service} has no container");
        id
    }

    pub(crate) fn wait_until_healthy(&self, services: &[&str]) {
        for service in services {
            wait_for_health(&self.container(service), "healthy");
        }
    }

    /// Runs a command in the container of a service.
    pub(crate) fn try_exec(&self, service: &str, command: &[&str]) -> Output {
        let container = self.container(service);
        try_docker(&[&["exec", &container], command].concat())
    }

    /// Requests a URL from the container of a service.
    pub(crate) fn fetch(&self, service: &str, url: &str) -> Option<String> {
        let command = ["wget", "-q", "-T", "3", "-O", "-", url];
        let output = self.try_exec(service, &command);
        let text = String::from_utf8(output.stdout).unwrap();
        output.status.success().then_some(text)
    }

    /// Returns the address of a service in one of the networks.
    pub(crate) fn address(&self, service: &str, network: &str) -> String {
        let inspected = inspect(&self.container(service));
        let network = format!("{}_{network}", self.name);
        let address = &inspected["NetworkSettings"]["Networks"][network]["IPAddress"];
        address.as_str().unwrap().to_owned()
    }

    /// Returns the owner of a volume, as `user:group`.
    pub(crate) fn owner_of(&self, volume: &str) -> String {
        let mount = format!("--volume={}_{volume}:/volume:ro", self.name);
        let command = ["stat", "-c", "%u:%g", "/volume"];
        docker(
            &[
                &["run", "--rm", "--user=0", &mount, "stand-in/busybox"],
                &command[..],
            ]
            .concat(),
        )
    }
}

/// Returns the commands in one of the console sessions of a README.
fn commands(readme: &str, index: usize) -> impl Iterator<Item = &str> {
    let session = readme.split("```console\n").nth(index + 1).unwrap();
    let (session, _) = session.split_once("```").unwrap();
    session.lines().filter_map(|line| line.strip_prefix("$ "))
}
