//! Tests the exporter's server through sockets.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

mod client_certificates;
#[expect(dead_code, reason = "only the configuration file may be a pipe")]
#[path = "../../exporter/files.rs"]
mod files;
#[path = "../../exporter/server/mod.rs"]
mod server;
mod tls;
#[path = "../../exporter/web_config/mod.rs"]
mod web_config;
mod web_configuration;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Notify, oneshot},
    task::JoinHandle,
    time::Instant,
};

use scout_metrics_core::{Error, ErrorKind, Result};

use self::server::{Limits, Server};

const PATH: &str = "/metrics";

/// Returns an error, as the function of the program does.
fn fault(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, text)
}

fn limits() -> Limits {
    Limits {
        connections: 100,
        ..Limits::of_this_process()
    }
}

fn router() -> Router {
    Router::new()
        .route(PATH, get(async || "up 1\n"))
        .route("/-/healthy", get(async || "healthy\n"))
}

fn server(limits: Limits) -> Server {
    Server::new(router(), limits, None).unwrap()
}

/// A server on a free port, stopped by `stop`.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<()>>,
}

fn start(server: Server) -> Running {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async move { drop(stopped.await) };
    let serving = tokio::spawn(server.serve(vec![listener], shutdown));
    Running {
        address,
        stop,
        serving,
    }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends these bytes on a new connection and returns everything that is received.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may close the connection before it has read everything.
        let _ = stream.write_all(bytes).await;
        rest(&mut stream).await
    }

    async fn is_serving(&self) -> bool {
        let request = format!("GET {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = self.exchange(request.as_bytes()).await;
        answer.starts_with("HTTP/1.1 200 OK\r\n")
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset ends the connection as well.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn request_and_read_head(stream: &mut TcpStream) -> String {
    let request = format!("HEAD {PATH} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// A router that waits for a signal before it answers.
#[derive(Clone, Default)]
struct Waiting {
    asked: Arc<Notify>,
    answer: Arc<Notify>,
}

impl Waiting {
    fn server(&self, limits: Limits) -> Server {
        let Self { asked, answer } = self.clone();
        let answer = get(async move || {
            asked.notify_one();
            answer.notified().await;
            "up 1\n"
        });
        Server::new(Router::new().route(PATH, answer), limits, None).unwrap()
    }
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let running = start(server(limits()));
    let mut stream = running.connect().await;
    for _ in 0..3 {
        let head = request_and_read_head(&mut stream).await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_arrive_is_waited_for_until_the_timeout() {
    let timeout = Duration::from_secs(7);
    let running = start(server(Limits {
        head: timeout,
        ..limits()
    }));
    for first_request in [false, true] {
        for sent in ["", "GET / HTTP/1.1\r\nhost:"] {
            let mut stream = running.connect().await;
            if first_request {
                request_and_read_head(&mut stream).await;
            }
            let begin = Instant::now();
            stream.write_all(sent.as_bytes()).await.unwrap();
            rest(&mut stream).await;
            let waited = begin.elapsed();
            assert!(
                waited >= timeout && waited < timeout * 2,
                "{waited:?} {sent:?} {first_request}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_not_read_times_out() {
    let router = router().route("/large", get(async || "x".repeat(64 << 20)));
    let timeout = Duration::from_secs(7);
    let few = Limits {
        connections: 1,
        write: timeout,
        ..limits()
    };
    let running = start(Server::new(router, few, None).unwrap());
    let mut idle = running.connect().await;
    idle.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();

    let begin = Instant::now();
    assert!(running.is_serving().await);
    let waited = begin.elapsed();
    assert!(waited >= timeout && waited < timeout * 2, "{waited:?}");
}

/// RFC 9112, section 3.2.
#[tokio::test]
async fn a_request_names_one_host() {
    let running = start(server(limits()));
    for (head, status) in [
        ("GET /-/healthy HTTP/1.1\r\nhost: x\r\n", "200"),
        ("GET /-/healthy HTTP/1.1\r\nhost:\r\n", "200"),
        ("GET /-/healthy HTTP/1.0\r\n", "200"),
        ("GET /-/healthy HTTP/1.1\r\n", "400"),
        ("GET /-/healthy HTTP/1.1\r\nhost: x\r\nhost: x\r\n", "400"),
        ("GET /-/healthy HTTP/1.0\r\nhost: x\r\nhost: y\r\n", "400"),
    ] {
        let request = format!("{head}connection: close\r\n\r\n");
        let answer = running.exchange(request.as_bytes()).await;
        assert!(answer.split(' ').nth(1) == Some(status), "{head}{answer}");
    }
}

#[tokio::test]
async fn a_large_head_is_refused_and_the_next_client_is_served() {
    let running = start(server(limits()));
    let value = "x".repeat(1 << 20);
    let large = format!("GET {PATH} HTTP/1.1\r\nhost: x\r\nx: {value}\r\n\r\n");
    let many = format!("GET {PATH} HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101));
    for head in [large, many] {
        let answer = running.exchange(head.as_bytes()).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
            "{answer}"
        );
        assert!(running.is_serving().await);
    }
}

/// The limits that SECURITY.md promises.
#[tokio::test]
async fn a_head_of_32_kib_and_100_headers_is_accepted_and_no_more() {
    let start_of_head = format!("GET {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
    let of_bytes = |bytes: usize| {
        let value = "y".repeat(bytes - start_of_head.len() - "x: \r\n\r\n".len());
        format!("{start_of_head}x: {value}\r\n\r\n")
    };
    let of_headers =
        |headers: usize| format!("{start_of_head}{}\r\n", "x: y\r\n".repeat(headers - 2));
    let limit = 32 * 1024;
    let running = start(server(limits()));
    for (head, status) in [
        (of_bytes(limit), "200"),
        (of_bytes(limit + 1), "431"),
        (of_bytes(limit + limit / 2), "431"),
        (of_headers(100), "200"),
        (of_headers(101), "431"),
    ] {
        let answer = running.exchange(head.as_bytes()).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{}", head.len());
    }
}

#[tokio::test]
async fn input_that_is_not_http_is_refused_and_the_next_client_is_served() {
    let running = start(server(limits()));
    for bytes in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
    ] {
        let answer = running.exchange(bytes).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400 "),
            "{answer}"
        );
        assert!(running.is_serving().await);
    }
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_for_a_slot() {
    let waiting = Waiting::default();
    let running = start(waiting.server(Limits {
        connections: 1,
        ..limits()
    }));
    let request = format!("GET {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let mut first = running.connect().await;
    first.write_all(request.as_bytes()).await.unwrap();
    waiting.asked.notified().await;

    let mut second = running.connect().await;
    second.write_all(request.as_bytes()).await.unwrap();
    waiting.answer.notify_one();
    assert!(rest(&mut first).await.starts_with("HTTP/1.1 200 OK\r\n"));
    waiting.asked.notified().await;
    waiting.answer.notify_one();
    assert!(rest(&mut second).await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_pending_request_at_shutdown_is_answered_and_no_new_one_is_accepted() {
    let waiting = Waiting::default();
    let running = start(waiting.server(limits()));
    let mut stream = running.connect().await;
    let request = format!("GET {PATH} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    waiting.asked.notified().await;

    running.stop.send(()).unwrap();
    while TcpStream::connect(running.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    waiting.answer.notify_one();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    assert!(answer.ends_with("up 1\n"), "{answer}");
    running.serving.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_does_not_finish_is_aborted_at_the_shutdown_timeout() {
    let waiting = Waiting::default();
    let timeout = Duration::from_secs(3);
    let running = start(waiting.server(Limits {
        shutdown: timeout,
        ..limits()
    }));
    let mut stream = running.connect().await;
    let request = format!("GET {PATH} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    waiting.asked.notified().await;

    let begin = Instant::now();
    running.stop.send(()).unwrap();
    running.serving.await.unwrap().unwrap();
    assert_eq!(begin.elapsed().as_secs(), timeout.as_secs());
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_connection_that_waits_to_be_accepted_at_shutdown_is_answered() {
    let waiting = Waiting::default();
    let running = start(waiting.server(Limits {
        connections: 1,
        ..limits()
    }));
    let request = format!("GET {PATH} HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = running.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    waiting.asked.notified().await;

    running.stop.send(()).unwrap();
    while TcpStream::connect(running.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    waiting.answer.notify_one();
    for mut stream in streams {
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        waiting.answer.notify_one();
    }
    running.serving.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn connections_without_a_request_do_not_delay_the_shutdown() {
    let running = start(server(limits()));
    let mut used = running.connect().await;
    request_and_read_head(&mut used).await;
    let mut fresh = running.connect().await;
    assert!(running.is_serving().await);

    let begin = Instant::now();
    running.stop.send(()).unwrap();
    running.serving.await.unwrap().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert_eq!(rest(&mut used).await, "");
    assert_eq!(rest(&mut fresh).await, "");
}

#[tokio::test]
async fn a_body_is_neither_waited_for_nor_parsed_as_a_request() {
    let running = start(server(limits()));
    let hidden = "GET /-/healthy HTTP/1.1\r\nhost: x\r\n\r\n";
    for framing in [
        "content-length: 1073741824\r\n",
        "content-length: 6\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 6\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "content-length: 1\r\ncontent-length: 2\r\n",
    ] {
        let request = format!("GET {PATH} HTTP/1.1\r\nhost: x\r\n{framing}\r\n0\r\n\r\n{hidden}");
        let answer = running.exchange(request.as_bytes()).await;
        assert!(
            answer.matches("HTTP/1.1 ").count() <= 1,
            "{framing}\n{answer}"
        );
        assert!(!answer.contains("healthy"), "{framing}\n{answer}");
        assert!(running.is_serving().await);
    }
}

/// Waits for the server to close a connection, without sending anything.
async fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0; 16]).await, Ok(0) | Err(_))
}

#[tokio::test]
async fn at_the_limit_the_connection_that_has_been_idle_longest_is_closed() {
    let few = Limits {
        connections: 3,
        ..limits()
    };
    let running = start(server(few));
    let mut used = running.connect().await;
    request_and_read_head(&mut used).await;
    let mut silent = running.connect().await;
    let mut begun = running.connect().await;
    begun.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    // After another request, the first connection is the one that has been idle for the shortest time.
    request_and_read_head(&mut used).await;

    let mut fourth = running.connect().await;
    request_and_read_head(&mut fourth).await;
    assert!(is_closed(&mut silent).await);
    let mut fifth = running.connect().await;
    request_and_read_head(&mut fifth).await;
    assert!(is_closed(&mut begun).await);
    request_and_read_head(&mut used).await;
}

#[tokio::test]
async fn a_connection_with_a_pending_request_is_never_closed_for_another_one() {
    let waiting = Waiting::default();
    let few = Limits {
        connections: 2,
        ..limits()
    };
    let running = start(waiting.server(few));
    let mut stream = running.connect().await;
    let request = format!("GET {PATH} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    waiting.asked.notified().await;
    let mut silent = Vec::new();
    for _ in 0..5 {
        silent.push(running.connect().await);
    }
    for stream in &mut silent[..4] {
        assert!(is_closed(stream).await);
    }
    waiting.answer.notify_one();
    let mut answer = [0; 15];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
}
