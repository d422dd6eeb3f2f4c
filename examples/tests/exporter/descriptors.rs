//! Many silent clients and few file descriptors.

use std::{
    io::Write,
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use scout_metrics_core::{Organization, Snapshot, Stream};

use crate::support::{Upstream, eventually, get, start_exporter};

const METRICS: &str = "/v1/exporter/org/acme/metrics";

/// Returns a command that runs another one with a limit on its descriptors.
fn with_descriptors(number: usize, command: &Command) -> Command {
    let mut limited = Command::new("sh");
    let script = format!("ulimit -n {number} && exec \"$0\" \"$@\"");
    limited.arg("-c").arg(script).arg(command.get_program());
    limited.args(command.get_args());
    for (variable, _) in command.get_envs().filter(|(_, value)| value.is_none()) {
        limited.env_remove(variable);
    }
    limited
}

fn snapshot(stream: &str) -> Snapshot {
    let stream = Stream::new(stream).with_vulnerabilities("5C 3H".parse().unwrap());
    Snapshot::new(Organization::new("acme").unwrap(), [stream]).unwrap()
}

#[test]
fn silent_clients_leave_room_for_probes_tokens_and_fetches() {
    let upstream = Upstream::start(snapshot("production"));
    let bearer = upstream.write("bearer", "old");
    let mut command = upstream.exporter();
    command.args(["--org", "acme", "--interval", "1s"]);
    command.args(["--web.bearer-token-file", &bearer]);
    let (mut running, address) = start_exporter(&mut with_descriptors(128, &command));

    let silent: Vec<TcpStream> = (0..300)
        .map(|number| {
            let mut stream = TcpStream::connect(&address).unwrap();
            if number % 2 == 0 {
                // The server may have closed it to make room for a later one.
                let _ = stream.write_all(b"GET / HTTP/1.1\r\n");
            }
            stream
        })
        .collect();
    running.logged("too many connections");

    let begin = Instant::now();
    assert_eq!(get(&address, "/-/healthy", None).0, 200);
    assert_eq!(get(&address, METRICS, Some("old")).0, 200);
    assert!(begin.elapsed() < Duration::from_secs(5));
    upstream.write("bearer", "new");
    assert_eq!(get(&address, METRICS, Some("new")).0, 200);
    assert_eq!(get(&address, METRICS, Some("old")).0, 401);
    upstream.source.set(Ok(snapshot("staging")));
    eventually("the new stream is served", || {
        let (_, body) = get(&address, METRICS, Some("new"));
        body.contains("staging").then_some(())
    });

    drop(silent);
    let (status, log) = running.signal("TERM");
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(log.matches("too many connections").count(), 1, "{log}");
    assert!(!log.contains("cannot accept"), "{log}");
    assert!(!log.contains("Too many open files"), "{log}");
}
