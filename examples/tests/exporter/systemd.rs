//! The exporter as a service of systemd: the messages that it sends, and the unit.

use std::{
    fs,
    os::unix::net::UnixDatagram,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use scout_metrics_core::{Error, ErrorKind, Organization, Snapshot};

use crate::support::{
    METRICS, PATIENCE, Upstream, examples, exporter, get, is_there, start_exporter, write,
};

/// The socket to which a service of systemd sends its messages.
struct Manager {
    socket: UnixDatagram,
    _directory: tempfile::TempDir,
}

impl Manager {
    /// Makes a socket and tells a command about it, as systemd does.
    fn of(command: &mut Command) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        command.env("NOTIFY_SOCKET", path);
        Self {
            socket,
            _directory: directory,
        }
    }

    fn path(&self) -> std::path::PathBuf {
        let address = self.socket.local_addr().unwrap();
        address.as_pathname().unwrap().to_owned()
    }

    /// Waits for the next message, whose lines are assignments.
    fn message(&self) -> String {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    }
}

fn configured(directory: &Path, text: &str) -> Command {
    let path = write(directory, "exporter.toml", text);
    let mut command = exporter();
    command.args(["--demo", "--config.file", &path]);
    command
}

#[test]
fn reports_that_it_is_ready_reloads_and_stops() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = configured(directory.path(), "[organization.acme]\n");
    let manager = Manager::of(&mut command);
    let (running, _) = start_exporter(&mut command);
    assert_eq!(
        manager.message(),
        "READY=1\nSTATUS=serving 1 organization\n"
    );

    let two = "[organization.acme]\n[organization.apex]\n";
    write(directory.path(), "exporter.toml", two);
    running.send("HUP");
    let reloading = manager.message();
    let time = reloading
        .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
        .unwrap();
    assert!(time.trim_end().parse::<u64>().unwrap() > 0);
    assert_eq!(
        manager.message(),
        "READY=1\nSTATUS=serving 2 organizations\n"
    );

    write(directory.path(), "exporter.toml", "[oops");
    running.send("HUP");
    assert!(manager.message().starts_with("RELOADING=1\n"));
    let failed = "READY=1\nSTATUS=the last reload failed; the settings stay as they are\n";
    assert_eq!(manager.message(), failed);

    let (status, log) = running.signal("TERM");
    assert_eq!(manager.message(), "STOPPING=1\n");
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn is_ready_while_scout_is_down() {
    let acme = Organization::new("acme").unwrap();
    let upstream = Upstream::start(Snapshot::new(acme, []).unwrap());
    let down = Error::new(ErrorKind::Unavailable, "down");
    upstream.source.set(Err(down));
    let mut command = upstream.exporter();
    let manager = Manager::of(command.args(["--org", "acme"]));
    let _running = start_exporter(&mut command);
    assert_eq!(
        manager.message(),
        "READY=1\nSTATUS=serving 1 organization\n"
    );
}

#[test]
fn an_address_that_is_taken_is_never_ready() {
    let (_running, address) = start_exporter(exporter().arg("--demo"));
    let mut command = exporter();
    command.args(["--demo", "--web.listen-address", &address]);
    let manager = Manager::of(&mut command);
    assert_eq!(command.output().unwrap().status.code(), Some(1));
    manager.socket.set_nonblocking(true).unwrap();
    assert!(manager.socket.recv(&mut [0; 16]).is_err());
}

#[test]
fn feeds_the_watchdog_twice_as_often_as_required() {
    let mut command = exporter();
    command.args(["--demo"]).env("WATCHDOG_USEC", "400000");
    let manager = Manager::of(&mut command);
    let _running = start_exporter(&mut command);
    let is_fed = |message: &str| message == "WATCHDOG=1\n";
    while !is_fed(&manager.message()) {}
    let begin = Instant::now();
    for _ in 0..5 {
        while !is_fed(&manager.message()) {}
    }
    let time = begin.elapsed();
    assert!(time > Duration::from_millis(500), "{time:?}");
    assert!(time < Duration::from_secs(20), "{time:?}");
}

#[test]
fn a_socket_that_is_gone_does_not_matter() {
    let mut command = exporter();
    command
        .arg("--demo")
        .env("NOTIFY_SOCKET", "/nonexistent/notify");
    let (running, _) = start_exporter(&mut command);
    let (status, log) = running.signal("TERM");
    assert_eq!(status.code(), Some(0), "{log}");
}

/// Returns the unit, with the program that was built in place of the installed one.
#[test]
fn a_manager_that_reads_nothing_does_not_stop_the_exporter() {
    let mut command = exporter();
    command.arg("--demo").env("WATCHDOG_USEC", "2000");
    let manager = Manager::of(&mut command);
    // Fills the queue of the socket.
    let flood = UnixDatagram::unbound().unwrap();
    flood.set_nonblocking(true).unwrap();
    let path = manager.path();
    while flood.send_to(b"X=1", &path).is_ok() {}

    let (mut running, address) = start_exporter(&mut command);
    running.send("HUP");
    running.logged("reloaded the configuration");
    for _ in 0..20 {
        assert_eq!(get(&address, "/metrics", None).0, 200);
    }
    let (status, log) = running.signal("TERM");
    assert_eq!(status.code(), Some(0), "{log}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_socket_may_have_an_abstract_name() {
    use std::os::{linux::net::SocketAddrExt, unix::net::SocketAddr};

    let name = format!("scout-metrics-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = exporter();
    command
        .arg("--demo")
        .env("NOTIFY_SOCKET", format!("@{name}"));
    let _running = start_exporter(&mut command);
    let mut message = [0; 64];
    let length = socket.recv(&mut message).unwrap();
    assert!(message[..length].starts_with(b"READY=1\n"));
}

fn unit() -> String {
    let unit = fs::read_to_string(examples().join("systemd/scout-exporter.service")).unwrap();
    let installed = "ExecStart=/usr/local/bin/scout-exporter ";
    assert!(unit.contains(installed));
    let built = exporter().get_program().to_str().unwrap().to_owned();
    unit.replace(installed, &format!("ExecStart={built} "))
}

#[test]
fn the_unit_is_valid_and_exposes_little() {
    if !is_there("systemd-analyze", &["--version"], "Debian package systemd") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = write(directory.path(), "scout-exporter.service", &unit());
    let analyze = |arguments: &[&str]| {
        let mut command = Command::new("systemd-analyze");
        let output = command.args(arguments).arg(&path).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let (is_valid, said) = analyze(&["verify", "--man=no"]);
    assert!(is_valid && said.is_empty(), "{said}");

    // From 0, safe, to 100. The rest is the access to the network.
    let (is_safe, said) = analyze(&["security", "--offline=true", "--threshold=11"]);
    assert!(is_safe, "{said}");
}

#[test]
fn the_unit_starts_the_exporter_with_its_token_and_its_state_directory() {
    let acme = Organization::new("acme").unwrap();
    let upstream = Upstream::start(Snapshot::new(acme, []).unwrap());
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    // The files that systemd creates for `LoadCredential` and `StateDirectory`.
    fs::create_dir_all(at("credentials")).unwrap();
    fs::create_dir_all(at("lib/scout-exporter")).unwrap();
    let token = fs::read(upstream.directory.path().join("upstream-token")).unwrap();
    fs::write(at("credentials/docker_pat"), token).unwrap();
    fs::copy(
        examples().join("systemd/exporter.toml"),
        at("exporter.toml"),
    )
    .unwrap();

    let unit = unit()
        .replace("%d", &at("credentials"))
        .replace("%S", &at("lib"))
        .replace("/etc/scout-exporter/exporter.toml", &at("exporter.toml"));
    let values = |key: &str| {
        let lines = unit.lines();
        let values = lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        values.map(str::to_owned).collect::<Vec<_>>()
    };
    let command_line = &values("ExecStart")[0];
    let mut command = exporter();
    command.args(command_line.split(' ').skip(1));
    for assignment in values("Environment") {
        let (name, value) = assignment.split_once('=').unwrap();
        command.env(name, value);
    }
    command.args(["--url", &upstream.url]);
    let manager = Manager::of(&mut command);
    let (running, address) = start_exporter(&mut command);
    assert_eq!(
        manager.message(),
        "READY=1\nSTATUS=serving 1 organization\n"
    );
    assert_eq!(get(&address, METRICS, None).0, 200);
    let (status, log) = running.signal("TERM");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(fs::exists(at("lib/scout-exporter/history.sqlite")).unwrap());

    // An organization with a token of its own does not use the one of the unit.
    let own = "\n[organization.apex]\ntoken_file = \"missing\"\n";
    let text = fs::read_to_string(at("exporter.toml")).unwrap() + own;
    fs::write(at("exporter.toml"), text).unwrap();
    let output = command.arg("--check-config").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&at("missing")), "{said}");
}
