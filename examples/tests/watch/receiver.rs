//! A server that messages are posted to.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver as Messages, Sender, channel},
    thread,
    time::Duration,
};

use serde_json::Value;

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Receiver {
    pub(crate) url: String,
    messages: Messages<Value>,
}

impl Receiver {
    /// Answers with these statuses, the last one again and again.
    pub(crate) fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, messages) = channel();
        thread::spawn(move || {
            let last = statuses.last().unwrap();
            let statuses = statuses.iter().chain(std::iter::repeat(last));
            for (connection, status) in listener.incoming().zip(statuses) {
                if answer(connection.unwrap(), *status, &sender).is_none() {
                    return;
                }
            }
        });
        Self {
            url: format!("http://{address}/services/s3cr3t"),
            messages,
        }
    }

    /// Waits for a message.
    pub(crate) fn message(&self) -> Value {
        self.messages.recv_timeout(PATIENCE).unwrap()
    }
}

fn answer(connection: TcpStream, status: u16, sender: &Sender<Value>) -> Option<()> {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "content-type" => assert_eq!(value.trim(), "application/json"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    reader.get_mut().write_all(head.as_bytes()).unwrap();
    sender.send(serde_json::from_slice(&body).unwrap()).ok()
}
