//! The secrets of the compose files, made as the READMEs say and read as Docker's containers read them.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::support::{examples, exporter, is_there, write};

/// The user of the exporter's image.
const USER: &str = "65532";

/// The user who runs the commands of a README.
const OPERATOR: u32 = 1000;

/// A directory that every user can enter, with the secrets of a README in it.
struct Machine {
    directory: TempDir,
}

impl Machine {
    /// Makes the secrets, or returns `None` if this process may not act as another user.
    fn with_secrets_of(readme: &str) -> Option<Self> {
        let origin = "util-linux, run as root";
        let arguments = ["--mount", "setpriv", "--reuid=65532", "true"];
        is_there("unshare", &arguments, origin).then(|| {
            let directory = tempfile::tempdir().unwrap();
            let machine = Self { directory };
            fs::set_permissions(machine.path(""), fs::Permissions::from_mode(0o755)).unwrap();
            fs::create_dir(machine.path("secrets")).unwrap();
            fs::create_dir(machine.path(".docker")).unwrap();
            let token = write(
                &machine.path(".docker"),
                "scout-token",
                "dckr_pat_0123456789\n",
            );
            fs::set_permissions(token, fs::Permissions::from_mode(0o600)).unwrap();
            machine.follow(readme);
            machine
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs the commands of a README before Docker's own.
    fn follow(&self, readme: &str) {
        let readme = fs::read_to_string(examples().join(readme)).unwrap();
        let lines = readme.lines().filter_map(|line| line.strip_prefix("$ "));
        let commands: Vec<_> = lines
            .take_while(|line| !line.contains("docker compose"))
            .collect();
        assert!(commands.len() >= 4, "{commands:?}");
        let mut shell = Command::new("sh");
        // Nobody else can read a new file, unless the commands care for it.
        let script = format!("umask 077\n{}", commands.join("\n"));
        shell
            .args(["-euc", &script])
            .current_dir(self.directory.path())
            .env("HOME", self.directory.path())
            .env("DATADOG_API_KEY", "k3y");
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        for name in ["secrets", "secrets/docker_pat", "secrets/scrape_token"] {
            chown(self.path(name), Some(OPERATOR), Some(OPERATOR)).unwrap();
        }
    }

    /// Checks the configuration of the exporter with the secrets mounted as Docker mounts them: only the files, so that the
    /// mode of their directory does not matter.
    fn check_in_container(&self, mode: &str) -> Output {
        fs::create_dir_all(self.path("run")).unwrap();
        // The directory that the program was built in may be closed to other users.
        fs::copy(exporter().get_program(), self.path("exporter")).unwrap();
        let script = format!(
            "\
for name in docker_pat scrape_token; do
  touch run/$name
  mount --bind secrets/$name run/$name
  mount -o remount,bind,{mode} run/$name
done
exec setpriv --reuid={USER} --regid={USER} --clear-groups ./exporter --check-config --org acme \
  --token-file run/docker_pat --web.bearer-token-file run/scrape_token"
        );
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-euc", &script])
            .current_dir(self.directory.path());
        for (variable, _) in env::vars_os() {
            if variable.to_string_lossy().contains("SCOUT_") {
                command.env_remove(variable);
            }
        }
        command.output().unwrap()
    }

    fn can_be_read_outside(&self, name: &str) -> bool {
        let mut command = Command::new("setpriv");
        let options = ["--reuid", USER, "--regid", USER, "--clear-groups", "cat"];
        let output = command.args(options).arg(self.path(name)).output().unwrap();
        output.status.success()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn secrets_made_as_the_readmes_say_can_be_read_in_a_container_and_nowhere_else() {
    for readme in ["prometheus/README.md", "datadog/README.md"] {
        let Some(machine) = Machine::with_secrets_of(readme) else {
            return;
        };
        for mode in ["ro", "rw"] {
            let output = machine.check_in_container(mode);
            assert_eq!(output.status.code(), Some(0), "{readme}: {}", said(&output));
            // Nobody in the container could follow the advice to restrict the mode.
            assert_eq!(said(&output), "", "{readme} {mode}");
        }
        for name in ["docker_pat", "scrape_token"] {
            assert!(!machine.can_be_read_outside(&format!("secrets/{name}")));
        }
    }
}

#[test]
fn a_secret_that_only_its_owner_can_read_is_refused_with_the_reason() {
    let Some(machine) = Machine::with_secrets_of("prometheus/README.md") else {
        return;
    };
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(machine.path("secrets/docker_pat"), mode).unwrap();
    let output = machine.check_in_container("ro");
    assert_eq!(output.status.code(), Some(2));
    let reason =
        "cannot read `run/docker_pat`: check its owner and mode, and those of its directory";
    assert!(said(&output).contains(reason), "{}", said(&output));
}
