//! The exporter as its clients see it: the router by calls, the server through sockets.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

use std::{error::Error as _, fmt, fs, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Notify, oneshot},
    task::JoinHandle,
    time::Instant,
};
use tower::ServiceExt;

use scout_metrics_core::{
    Error, ErrorKind, MemorySource, MetricsSource, Organization, Result, Snapshot, Stream,
};
use scout_metrics_http::exporter::{Exporter, Server};

const PATH: &str = "/v1/exporter/org/acme/metrics";
const TOKEN: &str = "dckr_pat_0123456789";

fn organization(name: &str) -> Organization {
    Organization::new(name).unwrap()
}

fn source(name: &str) -> MemorySource {
    let production =
        Stream::new("production").with_vulnerabilities("5C 3H 6M 63L".parse().unwrap());
    MemorySource::new(Snapshot::new(organization(name), [production]).unwrap())
}

fn open_router() -> Router {
    Exporter::new()
        .with_source(source("acme"))
        .into_router()
        .unwrap()
}

fn guarded_router() -> Router {
    Exporter::new()
        .with_source(source("acme"))
        .with_bearer_token(TOKEN)
        .with_bearer_token("second")
        .into_router()
        .unwrap()
}

/// What a test looks at in a response.
#[derive(Debug, PartialEq)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

async fn call(router: &Router, request: Request<Body>) -> Answer {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn get(router: &Router, path: &str) -> Answer {
    call(router, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn get_with(router: &Router, headers: &[(&str, &[u8])]) -> Answer {
    let request = headers
        .iter()
        .fold(Request::get(PATH), |request, &(name, value)| {
            request.header(name, value)
        });
    call(router, request.body(Body::empty()).unwrap()).await
}

async fn status_with_token(router: &Router, token: &str) -> StatusCode {
    let value = format!("Bearer {token}");
    get_with(router, &[("authorization", value.as_bytes())])
        .await
        .status
}

mod metrics {
    use super::*;

    #[tokio::test]
    async fn both_paths_serve_what_the_source_says() {
        let router = open_router();
        let answer = get(&router, PATH).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; version=0.0.4; charset=utf-8")
        );
        assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
        let sample =
            r#"scout_stream_vulnerabilities{streamName="production",severity="CRITICAL"} 5"#;
        assert!(answer.body.contains(sample), "{}", answer.body);
        assert_eq!(get(&router, "/v1/exporter/org/acme").await, answer);
    }

    #[tokio::test]
    async fn head_is_get_without_the_body() {
        let router = open_router();
        let request = Request::head(PATH).body(Body::empty()).unwrap();
        let (head, get) = (call(&router, request).await, get(&router, PATH).await);
        assert_eq!(head.status, StatusCode::OK);
        assert_eq!(head.body, "");
        assert_eq!(head.header("content-type"), get.header("content-type"));
        assert_eq!(
            head.header("content-length"),
            Some(get.body.len().to_string().as_str())
        );
    }

    #[tokio::test]
    async fn the_accept_header_chooses_format_and_content_type_together() {
        let router = open_router();
        let openmetrics: &[u8] = b"application/openmetrics-text;version=1.0.0";
        let plain: &[u8] = b"text/plain;version=0.0.4;q=0.5";
        for accept in [
            vec![openmetrics],
            vec![openmetrics, plain],
            vec![plain, openmetrics],
        ] {
            let lines: Vec<_> = accept.iter().map(|&line| ("accept", line)).collect();
            let answer = get_with(&router, &lines).await;
            let expected = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            assert_eq!(answer.header("content-type"), Some(expected));
            assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
        }
    }

    #[tokio::test]
    async fn an_accept_header_that_makes_no_sense_gets_the_default() {
        let router = open_router();
        for accept in [
            &b""[..],
            b"*/*",
            b"image/png",
            b";;q=,,",
            b"\xff\xfe",
            b"text/html;q=nan",
        ] {
            let answer = get_with(&router, &[("accept", accept)]).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(
                answer.header("content-type"),
                Some("text/plain; version=0.0.4; charset=utf-8")
            );
        }
    }

    #[tokio::test]
    async fn each_organization_has_its_own_source() {
        let other = MemorySource::new(
            Snapshot::new(
                organization("other"),
                [Stream::new("staging").with_vulnerabilities("1C".parse().unwrap())],
            )
            .unwrap(),
        );
        let router = Exporter::new()
            .with_source(source("acme"))
            .with_source(other)
            .into_router()
            .unwrap();
        assert!(get(&router, PATH).await.body.contains("production"));
        let answer = get(&router, "/v1/exporter/org/other/metrics").await;
        assert!(answer.body.contains("staging") && !answer.body.contains("production"));
    }

    #[tokio::test]
    async fn the_router_can_be_nested_below_parameters_of_its_host() {
        let router = Router::new().nest("/tenants/{tenant}", open_router());
        assert_eq!(
            get(&router, &format!("/tenants/blue{PATH}")).await.status,
            StatusCode::OK
        );
    }
}

mod refusals {
    use super::*;

    #[tokio::test]
    async fn an_unknown_organization_is_not_repeated() {
        let router = open_router();
        for name in [
            "other",
            "Acme",
            "..%2Facme",
            "%3Cscript%3E",
            "%ff",
            "acme%00",
            "a%0d%0ab",
        ] {
            for suffix in ["", "/metrics"] {
                let answer = get(&router, &format!("/v1/exporter/org/{name}{suffix}")).await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
                assert_eq!(answer.body, "unknown organization\n");
            }
        }
    }

    #[tokio::test]
    async fn other_methods_are_told_which_ones_are_allowed() {
        let router = open_router();
        for method in [
            "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW",
        ] {
            let request = Request::builder().method(method).uri(PATH);
            let answer = call(&router, request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
            assert_eq!(answer.header("allow"), Some("GET,HEAD"), "{method}");
        }
    }

    #[tokio::test]
    async fn a_failed_scrape_has_the_status_that_says_whose_fault_it_is() {
        let failing = MemorySource::failing(organization("acme"), Error::new(ErrorKind::Other, ""));
        let router = Exporter::new()
            .with_source(failing.clone())
            .into_router()
            .unwrap();
        for (kind, status) in [
            (ErrorKind::Anomaly, 502),
            (ErrorKind::Config, 500),
            (ErrorKind::Decode, 502),
            (ErrorKind::Forbidden, 502),
            (ErrorKind::Invalid, 500),
            (ErrorKind::Limit, 502),
            (ErrorKind::NotFound, 502),
            (ErrorKind::NotMetrics, 502),
            (ErrorKind::Other, 500),
            (ErrorKind::RateLimited, 503),
            (ErrorKind::Redirect, 502),
            (ErrorKind::Status, 502),
            (ErrorKind::Timeout, 504),
            (ErrorKind::Transport, 502),
            (ErrorKind::Unauthorized, 502),
            (ErrorKind::Unavailable, 503),
        ] {
            let error = Error::new(kind, "it did not work")
                .with_organization(&organization("acme"))
                .with_body("the body of the answer")
                .with_source("the cause");
            failing.set(Err(error));
            let answer = get(&router, PATH).await;
            assert_eq!(answer.status.as_u16(), status, "{kind}");
            assert_eq!(answer.body, "organization `acme`: it did not work\n");
            assert_eq!(
                answer.header("content-type"),
                Some("text/plain; charset=utf-8")
            );
            assert_eq!(answer.header("retry-after"), None);
        }
    }

    #[tokio::test]
    async fn a_known_delay_is_passed_on_in_whole_seconds() {
        let error = Error::new(ErrorKind::RateLimited, "too many requests")
            .with_retry_after(Duration::from_millis(29_001));
        let failing = MemorySource::failing(organization("acme"), error);
        let router = Exporter::new().with_source(failing).into_router().unwrap();
        assert_eq!(get(&router, PATH).await.header("retry-after"), Some("30"));
    }

    #[tokio::test]
    async fn the_reason_is_one_short_line() {
        let error = Error::new(
            ErrorKind::Decode,
            format!("a\r\nb\u{1b}[31m{}", "é".repeat(9999)),
        );
        let failing = MemorySource::failing(organization("acme"), error);
        let router = Exporter::new().with_source(failing).into_router().unwrap();
        let body = get(&router, PATH).await.body;
        assert!(body.starts_with("a  b [31mé"), "{body}");
        assert_eq!(body.chars().count(), 501);
    }
}

mod authentication {
    use super::*;

    #[tokio::test]
    async fn nothing_is_told_without_a_good_token() {
        let router = guarded_router();
        let long = format!("Bearer {}", "x".repeat(60_000));
        let good = format!("Bearer {TOKEN}");
        let credentials: [&[&[u8]]; 12] = [
            &[],
            &[b""],
            &[b"Bearer"],
            &[b"Bearer "],
            &[TOKEN.as_bytes()],
            &[b"Bearer dckr_pat_012345678"],
            &[b"Bearer dckr_pat_01234567890"],
            &[b"Bearer dckr_pat_0123456789, Bearer second"],
            &[b"Basic dckr_pat_0123456789"],
            &[b"Bearer \xff\xfe"],
            &[good.as_bytes(), good.as_bytes()],
            &[long.as_bytes()],
        ];
        for values in credentials {
            for path in [
                PATH,
                "/v1/exporter/org/unknown/metrics",
                "/v1/exporter/org/%ff",
            ] {
                for method in ["GET", "HEAD", "POST"] {
                    let request = values.iter().fold(
                        Request::builder().method(method).uri(path),
                        |request, &value| request.header("authorization", value),
                    );
                    let answer = call(&router, request.body(Body::empty()).unwrap()).await;
                    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
                    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
                    let body = if method == "HEAD" {
                        ""
                    } else {
                        "a valid bearer token is required\n"
                    };
                    assert_eq!(answer.body, body, "{method}");
                }
            }
        }
        let by_query = get(&router, &format!("{PATH}?access_token={TOKEN}")).await;
        assert_eq!(by_query.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn each_token_is_good_and_the_scheme_has_no_case() {
        let router = guarded_router();
        for value in [
            "Bearer dckr_pat_0123456789",
            "bearer dckr_pat_0123456789",
            "BEARER second",
            "Bearer   second",
        ] {
            let answer = get_with(&router, &[("authorization", value.as_bytes())]).await;
            assert_eq!(answer.status, StatusCode::OK, "{value}");
        }
    }

    #[tokio::test]
    async fn white_space_around_a_token_is_ignored() {
        let router = Exporter::new()
            .with_source(source("acme"))
            .with_bearer_token(" second\r\n")
            .into_router()
            .unwrap();
        assert_eq!(status_with_token(&router, "second").await, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_changed_token_file_is_good_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        fs::write(&path, "\u{feff}first\r\n").unwrap();
        let router = router_with_file(&path).unwrap();
        assert_eq!(status_with_token(&router, "first").await, StatusCode::OK);

        // The same length, and within one step of the file system's clock.
        fs::write(&path, "other\n").unwrap();
        assert_eq!(
            status_with_token(&router, "first").await,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(status_with_token(&router, "other").await, StatusCode::OK);

        let renamed = directory.path().join("new");
        fs::write(&renamed, "third\n").unwrap();
        fs::rename(&renamed, &path).unwrap();
        assert_eq!(
            status_with_token(&router, "other").await,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(status_with_token(&router, "third").await, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_settled_token_file_is_read_again_when_its_time_or_length_changes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let hours_ago =
            |hours: u64| std::time::SystemTime::now() - Duration::from_secs(3600 * hours);
        write_at(&path, "first", hours_ago(3));
        let router = router_with_file(&path).unwrap();
        for (token, hours) in [("other", 2), ("longer", 2), ("first", 3)] {
            write_at(&path, token, hours_ago(hours));
            assert_eq!(
                status_with_token(&router, token).await,
                StatusCode::OK,
                "{token}"
            );
        }
        assert_eq!(
            status_with_token(&router, "other").await,
            StatusCode::UNAUTHORIZED
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_token_stays_good_for_ten_minutes_while_the_file_has_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        fs::write(&path, "first").unwrap();
        let router = router_with_file(&path).unwrap();
        tokio::time::advance(Duration::from_secs(3600)).await;
        fs::write(&path, "").unwrap();
        assert_eq!(status_with_token(&router, "first").await, StatusCode::OK);
        assert_eq!(
            status_with_token(&router, "").await,
            StatusCode::UNAUTHORIZED
        );
        fs::remove_file(&path).unwrap();
        tokio::time::advance(Duration::from_secs(600)).await;
        assert_eq!(status_with_token(&router, "first").await, StatusCode::OK);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(
            status_with_token(&router, "first").await,
            StatusCode::UNAUTHORIZED
        );
        fs::write(&path, "second").unwrap();
        assert_eq!(
            status_with_token(&router, "first").await,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(status_with_token(&router, "second").await, StatusCode::OK);
    }

    pub(super) fn router_with_file(path: &Path) -> Result<Router> {
        Exporter::new()
            .with_source(source("acme"))
            .with_bearer_token_file(path)
            .into_router()
    }

    fn write_at(path: &Path, token: &str, modified: std::time::SystemTime) {
        fs::write(path, token).unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(modified).unwrap();
    }
}

mod configuration {
    use super::{authentication::router_with_file, *};

    #[test]
    fn two_sources_of_one_organization_are_refused() {
        let exporter = Exporter::new()
            .with_source(source("acme"))
            .with_source(source("acme"));
        let error = exporter.into_router().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(
            error.to_string(),
            "organization `acme`: two sources of one organization cannot be merged"
        );
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_refused_and_not_quoted() {
        for (token, fault) in [
            ("", "is empty: write an access token there"),
            (" \n", "is empty: write an access token there"),
            (
                "a b",
                "holds a blank: give the access token alone, without `Bearer` and without a name",
            ),
            ("é", "is not plain ASCII: copy the access token again"),
            (
                "a\r\nb",
                "has several lines: write the access token there, on one line, and nothing else",
            ),
        ] {
            let error = Exporter::new()
                .with_bearer_token(token)
                .into_router()
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let message = format!("the token given to `with_bearer_token` {fault}");
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn a_token_file_that_cannot_be_used_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let message = || {
            let error = router_with_file(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            (error.to_string(), error.source().map(ToString::to_string))
        };
        let shown = path.display();

        let (text, cause) = message();
        let hint = "create it, or correct the path";
        assert_eq!(
            text,
            format!("cannot read the token file `{shown}`: {hint}")
        );
        assert_eq!(cause.unwrap(), "No such file or directory (os error 2)");

        fs::write(&path, " \n").unwrap();
        let fault = "is empty: write an access token there";
        assert_eq!(
            message().0,
            format!("the token in the file `{shown}` {fault}")
        );

        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let fault = "is a directory, not a regular file";
        assert_eq!(message().0, format!("the token file `{shown}` {fault}"));
    }

    #[test]
    fn debug_shows_no_token() {
        let exporter = Exporter::new()
            .with_source(source("acme"))
            .with_bearer_token(TOKEN);
        let shown = format!("{exporter:?}");
        assert!(
            shown.contains("[REDACTED]") && !shown.contains(TOKEN),
            "{shown}"
        );
        assert!(!format!("{:?}", guarded_router()).contains(TOKEN));
    }
}

mod server {
    use super::*;

    /// A server on a port of its own, stopped by `stop`.
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
        let serving = tokio::spawn(server.serve(listener, shutdown));
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

        /// Sends these bytes on a connection of their own and returns everything that comes back.
        async fn exchange(&self, bytes: &[u8]) -> String {
            let mut stream = self.connect().await;
            // A server that has seen enough may close before it has read all.
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

    /// A source that answers when it is told to.
    #[derive(Clone, Debug)]
    struct Waiting {
        inner: MemorySource,
        asked: Arc<Notify>,
        answer: Arc<Notify>,
    }

    impl Waiting {
        fn new() -> Self {
            Self {
                inner: source("acme"),
                asked: Arc::default(),
                answer: Arc::default(),
            }
        }
    }

    impl fmt::Display for Waiting {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "Waiting({})", self.inner)
        }
    }

    #[async_trait]
    impl MetricsSource for Waiting {
        fn organization(&self) -> &Organization {
            self.inner.organization()
        }

        async fn scrape(&self) -> Result<Snapshot> {
            self.asked.notify_one();
            self.answer.notified().await;
            self.inner.scrape().await
        }
    }

    fn waiting_server(source: &Waiting) -> Server {
        Server::new(
            Exporter::new()
                .with_source(source.clone())
                .into_router()
                .unwrap(),
        )
    }

    #[tokio::test]
    async fn a_connection_is_kept_for_the_next_request() {
        let running = start(Server::new(open_router()));
        let mut stream = running.connect().await;
        for _ in 0..3 {
            let head = request_and_read_head(&mut stream).await;
            assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_is_waited_for_as_long_as_was_said() {
        let timeout = Duration::from_secs(7);
        let running = start(Server::new(open_router()).with_head_timeout(timeout));
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
    async fn a_response_that_nobody_reads_is_given_up() {
        let large = axum::routing::get(async || "x".repeat(64 << 20));
        let router = open_router().route("/large", large);
        let timeout = Duration::from_secs(7);
        let server = Server::new(router)
            .with_write_timeout(timeout)
            .with_max_connections(1);
        let running = start(server);
        let mut idle = running.connect().await;
        idle.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();

        let begin = Instant::now();
        assert!(running.is_serving().await);
        let waited = begin.elapsed();
        assert!(waited >= timeout && waited < timeout * 2, "{waited:?}");
    }

    #[tokio::test]
    async fn a_large_head_is_refused_and_the_next_client_served() {
        let running = start(Server::new(open_router()));
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

    #[tokio::test]
    async fn what_is_not_http_is_refused_and_the_next_client_served() {
        let running = start(Server::new(open_router()));
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
        let waiting = Waiting::new();
        let running = start(waiting_server(&waiting).with_max_connections(1));
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
    async fn a_request_under_way_at_shutdown_is_answered_and_no_new_one_taken() {
        let waiting = Waiting::new();
        let running = start(waiting_server(&waiting));
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
        assert!(answer.contains(r#"severity="LOW"} 63"#), "{answer}");
        running.serving.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_does_not_finish_ends_with_the_shutdown_timeout() {
        let waiting = Waiting::new();
        let timeout = Duration::from_secs(3);
        let running = start(waiting_server(&waiting).with_shutdown_timeout(timeout));
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
}
