//! A running `embed`.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
    time::Duration,
};

use crate::program::{TOKEN, example};

/// Long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Embed {
    process: Child,
    address: String,
}

impl Embed {
    /// Starts the program and waits until it serves.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut process = example("embed")
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("DOCKER_SCOUT_TOKEN", TOKEN)
            .env_remove("OTEL_EXPORTER_OTLP_HEADERS")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ends");
            // Warnings of first scrapes may come before.
            if let Some(address) = line.trim().strip_prefix("serving http://") {
                break address.to_owned();
            }
        };
        // The program never waits for a reader of its messages.
        std::thread::spawn(move || stderr.read_to_end(&mut Vec::new()));
        Self { process, address }
    }

    /// Returns the head and the body of the answer at a path.
    pub(crate) fn get(&self, path: &str) -> (String, String) {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: embed\r\nConnection: close\r\n\r\n");
        connection.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}\n{body}");
        (head.to_owned(), body.to_owned())
    }

    /// Stops the program as Ctrl-C does.
    #[cfg(unix)]
    pub(crate) fn interrupt(mut self) {
        let id = self.process.id().to_string();
        let interrupted = std::process::Command::new("kill")
            .args(["-INT", &id])
            .status();
        assert!(interrupted.unwrap().success());
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Embed {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
