//! What the tests of the exporter share: the running program, an upstream that does as it is told, and a small client.

use std::{
    env, fs,
    future::pending,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use scout_metrics_core::{MemorySource, Snapshot};
use scout_metrics_http::exporter::{Exporter, Server};

/// What the upstream asks for.
pub(crate) const UPSTREAM_TOKEN: &str = "dckr_pat_0123456789";

/// Long enough for a busy machine to start a program and do something with it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Returns a command that runs the exporter, with nothing in its environment that it reads.
pub(crate) fn exporter() -> Command {
    let directory = env::current_exe().unwrap();
    let directory = directory.parent().unwrap().with_file_name("examples");
    let path = directory.join(format!("exporter{}", env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "{} is missing: `cargo build --examples` builds it",
        path.display()
    );
    let mut command = Command::new(path);
    for (variable, _) in env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("SCOUT_EXPORTER_") || name.starts_with("DOCKER_SCOUT_") {
            command.env_remove(&variable);
        }
    }
    command
}

/// Returns the directory of the examples.
pub(crate) fn examples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A running program, killed when the test is over, whichever way it ends.
pub(crate) struct Running {
    process: Child,
    log: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    /// Starts a program and collects what it writes to standard error.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (sender, log) = mpsc::channel();
        // Read to the end, so that the program never waits for its log.
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self {
            process,
            log,
            seen: Vec::new(),
        }
    }

    /// Waits for a line of the log with some text in it and returns what follows the text.
    pub(crate) fn logged(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(line) = self.log.recv_timeout(deadline - Instant::now()) {
            self.seen.push(line.clone());
            if let Some((_, rest)) = line.split_once(text) {
                return rest.to_owned();
            }
        }
        panic!("no `{text}` in the log: {:#?}", self.seen);
    }

    /// Sends a signal and returns how the program ended, with everything it logged.
    pub(crate) fn signal(mut self, name: &str) -> (ExitStatus, String) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
        let status = self.process.wait().unwrap();
        self.seen.extend(self.log.iter());
        (status, self.seen.join("\n"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts the exporter on a free port and returns it with its address.
pub(crate) fn start_exporter(command: &mut Command) -> (Running, String) {
    command.args(["--web.listen-address", "127.0.0.1:0"]);
    let mut running = Running::start(command);
    let address = running.logged("listening address=http://");
    (running, address)
}

/// An upstream on this machine that says what the source in it says.
pub(crate) struct Upstream {
    pub(crate) source: MemorySource,
    pub(crate) url: String,
    pub(crate) directory: TempDir,
}

impl Upstream {
    pub(crate) fn start(snapshot: Snapshot) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let source = MemorySource::new(snapshot);
        let router = Exporter::new()
            .with_source(source.clone())
            .with_bearer_token(UPSTREAM_TOKEN)
            .into_router()
            .unwrap();
        thread::spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(Server::new(router).serve(listener, pending()))
        });
        let upstream = Self {
            source,
            url,
            directory: tempfile::tempdir().unwrap(),
        };
        upstream.write("upstream-token", &format!("{UPSTREAM_TOKEN}\n"));
        upstream
    }

    /// Writes a file into the directory that lives as long as this and returns its path.
    pub(crate) fn write(&self, name: &str, content: &str) -> String {
        write(self.directory.path(), name, content)
    }

    /// Returns a command that runs an exporter of this upstream.
    pub(crate) fn exporter(&self) -> Command {
        let mut command = exporter();
        let token = self.directory.path().join("upstream-token");
        command
            .args(["--url", &self.url, "--token-file"])
            .arg(token);
        command
    }
}

pub(crate) fn write(directory: &Path, name: &str, content: &str) -> String {
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Asks for a path and returns the status and the body.
pub(crate) fn get(address: &str, path: &str, token: Option<&str>) -> (u16, String) {
    let authorization = token.map_or(String::new(), |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    let mut stream = TcpStream::connect(address).unwrap();
    // Version 1.0, so that the body ends with the connection.
    write!(stream, "GET {path} HTTP/1.0\r\n{authorization}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// Tries until there is something, and panics if there is nothing for too long.
pub(crate) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if let Some(found) = attempt() {
            return found;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("still not after {PATIENCE:?}: {what}");
}
