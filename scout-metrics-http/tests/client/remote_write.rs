//! Remote write over HTTP: requests, and answers that go wrong.

use std::{
    fs,
    time::{Duration, Instant},
};

use scout_metrics_core::{
    Error, ErrorKind, MemorySource, Organization, Poller, Result, Snapshot, Stream,
};
use scout_metrics_http::remote_write::{ProtocolVersion, RemoteWrite, RemoteWriteBuilder};
use scout_metrics_openmetrics::{
    Format, LabelSet, MetricFamily, MetricType, Sample, Suffix, encode_families,
};

use crate::{
    LONG, SHORT, TOKEN, leak_in,
    secrets::logged,
    support::{Reply, Request, Server},
};

const WRITTEN: &str = "X-Prometheus-Remote-Write-Samples-Written: 2\r\n";

/// A snapshot with two samples.
fn snapshot() -> Snapshot {
    let production = Stream::new("production").with_vulnerabilities("5C".parse().unwrap());
    Snapshot::new(Organization::new("acme").unwrap(), [production]).unwrap()
}

fn builder(server: &Server) -> RemoteWriteBuilder {
    logged();
    RemoteWrite::builder(format!("{}/api/v1/write", server.url()))
        .with_timeout(LONG)
        .with_write_timeout(LONG)
        .with_backoff(Duration::from_millis(10), Duration::from_millis(20))
}

async fn write(builder: RemoteWriteBuilder) -> Result<u64> {
    builder.build().unwrap().write(&[snapshot()]).await
}

/// Returns what a server that plays a script makes of a write, and the requests that it saw.
async fn play(script: impl IntoIterator<Item = Reply>) -> (Result<u64>, Vec<Request>) {
    let server = Server::start(script).await;
    let result = write(builder(&server).with_token(TOKEN)).await;
    assert_eq!(leak_in(&result), None);
    (result, server.log().requests)
}

fn accepted() -> Reply {
    Reply::raw(format!("HTTP/1.1 204 No Content\r\n{WRITTEN}\r\n")).keep_alive()
}

/// The answer of a receiver of 1.0 to everything.
fn accepted_by_1_0() -> Reply {
    Reply::raw("HTTP/1.1 204 No Content\r\n\r\n").keep_alive()
}

fn refused(status: &str) -> Reply {
    Reply::status(status, "", format!("no, {TOKEN}"))
}

/// Returns the versions of the requests, as the two headers that state them.
fn versions(requests: &[Request]) -> Vec<(&str, &str)> {
    let versions = requests.iter().map(|request| {
        (
            request.header("x-prometheus-remote-write-version").unwrap(),
            request.header("content-type").unwrap(),
        )
    });
    versions.collect()
}

const V1: (&str, &str) = ("0.1.0", "application/x-protobuf");
const V2: (&str, &str) = (
    "2.0.0",
    "application/x-protobuf;proto=io.prometheus.write.v2.Request",
);

#[tokio::test]
async fn a_request_has_the_headers_of_the_specification_and_a_body_in_snappys_block_format() {
    let (result, requests) = play([accepted()]).await;
    assert_eq!(result.unwrap(), 2);
    assert_eq!(versions(&requests), [V2]);
    let request = &requests[0];
    assert!(request.head.starts_with("POST /api/v1/write HTTP/1.1\r\n"));
    assert_eq!(request.header("content-encoding"), Some("snappy"));
    let agent = request.header("user-agent").unwrap();
    assert!(agent.starts_with("scout-metrics/"), "{agent}");
    let message = snap::raw::Decoder::new()
        .decompress_vec(&request.body)
        .unwrap();
    let has = |text: &str| {
        message
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(has("scout_stream_vulnerabilities") && has("acme") && has("production"));
}

#[tokio::test]
async fn any_families_are_written_with_the_labels_that_they_do_not_have() {
    let server = Server::start([accepted()]).await;
    let labels = LabelSet::from([("job", "own"), ("empty", "")]);
    let up = MetricFamily::new("up", MetricType::Gauge)
        .with_sample(Sample::new(Suffix::None, labels, 1.0))
        .with_sample(Sample::new(Suffix::None, LabelSet::new(), 1.0));
    let builder = builder(&server).with_label("job", "builder");
    let writer = builder.with_version(ProtocolVersion::V1).build().unwrap();
    assert_eq!(writer.write_families(&[up]).await.unwrap(), 2);
    let body = &server.log().requests[0].body;
    let message = snap::raw::Decoder::new().decompress_vec(body).unwrap();
    let text = String::from_utf8_lossy(&message);
    assert_eq!(
        (text.matches("own").count(), text.matches("builder").count()),
        (1, 1)
    );
    assert!(!text.contains("empty") && !text.contains("org"), "{text}");
}

#[tokio::test]
async fn falls_back_to_1_0_and_stays_there() {
    for (name, reply) in [
        ("400", refused("400 Bad Request")),
        ("415", refused("415 Unsupported Media Type")),
        ("no headers", accepted_by_1_0()),
    ] {
        let server = Server::start([reply, accepted_by_1_0()]).await;
        let writer = builder(&server).build().unwrap();
        for _ in 0..2 {
            assert_eq!(writer.write(&[snapshot()]).await.unwrap(), 2, "{name}");
        }
        assert_eq!(versions(&server.log().requests), [V2, V1, V1], "{name}");
    }
}

#[tokio::test]
async fn a_version_can_be_fixed() {
    let server = Server::start([accepted_by_1_0()]).await;
    let fixed = |version| write(builder(&server).with_version(version));
    assert_eq!(fixed(ProtocolVersion::V1).await.unwrap(), 2);
    let error = fixed(ProtocolVersion::V2).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the receiver did not say how much it has written (HTTP 204), so it does not understand remote write 2.0: use 1.0"
    );
    assert_eq!(versions(&server.log().requests), [V1, V2]);
}

#[tokio::test]
async fn transient_failures_are_retried() {
    let unavailable = || refused("503 Service Unavailable");
    let limited = || Reply::status("429 Too Many Requests", "Retry-After: 1\r\n", "");
    for (name, reply) in [
        ("500", refused("500 Internal Server Error")),
        ("502", refused("502 Bad Gateway")),
        ("503", unavailable()),
        ("504", refused("504 Gateway Timeout")),
        ("599", refused("599 Strange")),
        ("nothing", Reply::nothing()),
        ("reset", Reply::nothing().then_reset()),
        ("garbage", Reply::raw("SMTP?\r\n\r\n")),
    ] {
        let (result, requests) = play([reply.clone(), reply, accepted()]).await;
        assert_eq!(result.unwrap(), 2, "{name}");
        assert_eq!(requests.len(), 3, "{name}");
        let bodies = requests.iter().map(|request| &request.body);
        assert!(
            bodies.clone().all(|body| *body == requests[0].body),
            "{name}"
        );
    }
    let (result, requests) = play([limited(), accepted()]).await;
    assert_eq!(result.unwrap(), 2);
    assert!(requests[1].at - requests[0].at >= Duration::from_secs(1));
}

#[tokio::test]
async fn refusals_are_not_retried_and_carry_the_reason_of_the_receiver() {
    for (status, kind, message) in [
        (
            "401 Unauthorized",
            ErrorKind::Unauthorized,
            "the token given to `with_token` was refused by `{server}` (HTTP 401)",
        ),
        (
            "403 Forbidden",
            ErrorKind::Forbidden,
            "the token given to `with_token` may not write to `{server}` (HTTP 403)",
        ),
        (
            "404 Not Found",
            ErrorKind::NotFound,
            "`{server}` does not accept remote write at `/api/v1/write` (HTTP 404): check the path, and whether the \
             receiver is enabled, as `--web.enable-remote-write-receiver` does for Prometheus",
        ),
        (
            "413 Payload Too Large",
            ErrorKind::Status,
            "`{server}` refused the samples (HTTP 413)",
        ),
        (
            "422 Unprocessable",
            ErrorKind::Status,
            "`{server}` refused the samples (HTTP 422)",
        ),
    ] {
        let server = Server::start([refused(status)]).await;
        let result = write(builder(&server).with_token(TOKEN)).await;
        assert_eq!(leak_in(&result), None);
        let error = result.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(
            error.to_string(),
            message.replace("{server}", &server.url())
        );
        assert_eq!(error.body(), Some("no, <redacted>"));
        assert_eq!(server.requests(), 1, "{status}");
    }
}

#[tokio::test]
async fn samples_that_both_versions_refuse_are_sent_twice_at_most() {
    let refused = || Reply::status("400 Bad Request", "", "out of order sample");
    let (result, requests) = play([refused()]).await;
    assert_eq!(result.unwrap_err().body(), Some("out of order sample"));
    assert_eq!(versions(&requests), [V2, V1]);
    // A receiver of 2.0 says how much it has written, here too.
    let partial = "X-Prometheus-Remote-Write-Samples-Written: 1\r\n";
    let partial = Reply::status("400 Bad Request", partial, "out of order sample");
    let (result, requests) = play([partial]).await;
    assert_eq!(result.unwrap_err().status(), Some(400));
    assert_eq!(versions(&requests), [V2]);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Server::start([accepted()]).await;
    let location = format!("Location: {}/write\r\n", other.url());
    let redirect = Reply::status("307 Temporary Redirect", &location, "");
    let server = Server::start([redirect]).await;
    let error = write(builder(&server).with_token(TOKEN).with_write_timeout(SHORT));
    let error = error.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert_eq!(other.requests(), 0);
}

#[tokio::test]
async fn the_answer_to_the_attempt_before_is_not_hidden_by_the_end_of_the_time() {
    let down = Reply::status("503 Service Unavailable", "", "starting");
    let server = Server::start([down, Reply::nothing().then_hold()]).await;
    let error = write(builder(&server).with_write_timeout(SHORT)).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.body(), Some("starting"));
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn no_server_and_slow_servers_are_errors_in_time() {
    let begin = Instant::now();
    let gone = {
        let server = Server::start([accepted()]).await;
        server.url()
    };
    let builder = RemoteWrite::builder(gone).with_write_timeout(SHORT);
    let error = write(builder).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);

    let server = Server::start([Reply::nothing().then_hold()]).await;
    let slow = |builder: RemoteWriteBuilder| async { write(builder).await.unwrap_err().kind() };
    let whole = self::builder(&server).with_write_timeout(SHORT);
    assert_eq!(slow(whole).await, ErrorKind::Timeout);
    let one = self::builder(&server)
        .with_timeout(SHORT)
        .with_write_timeout(2 * SHORT);
    assert_eq!(slow(one).await, ErrorKind::Timeout);
    assert!(begin.elapsed() < LONG);
}

#[tokio::test]
async fn bodies_of_answers_are_ignored_or_bounded() {
    let head =
        |status: &str| format!("HTTP/1.1 {status}\r\n{WRITTEN}Transfer-Encoding: chunked\r\n\r\n");
    let endless = |status: &str| {
        Reply::raw(head(status))
            .then_repeat(format!("400\r\n{}\r\n", "x".repeat(1024)), Duration::ZERO)
    };
    let (result, _) = play([endless("200 OK")]).await;
    assert_eq!(result.unwrap(), 2);
    let begin = Instant::now();
    let (result, _) = play([endless("422 Unprocessable")]).await;
    let body = result.unwrap_err().body().unwrap().len();
    assert_eq!(body, Error::MAX_BODY_CHARS);
    let silent = Reply::raw(head("422 Unprocessable")).then_hold();
    assert!(play([silent]).await.0.is_err());
    assert!(begin.elapsed() < LONG);
}

#[tokio::test]
async fn requests_carry_tokens_passwords_and_headers() {
    let server = Server::start([accepted()]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), format!("{TOKEN}\n")).unwrap();
    let from_file = || builder(&server).with_token_file(file.path());
    for builder in [
        from_file(),
        from_file().with_user("acme"),
        builder(&server).with_header("X-Scope-OrgID", "security"),
    ] {
        assert!(!format!("{builder:?}").contains(TOKEN));
        write(builder).await.unwrap();
    }
    let requests = server.log().requests;
    let authorization = requests[0].header("authorization").unwrap();
    assert_eq!(authorization, format!("Bearer {TOKEN}"));
    let authorization = requests[1].header("authorization").unwrap();
    assert!(
        authorization.starts_with("Basic YWNtZTpk"),
        "{authorization}"
    );
    assert_eq!(requests[2].header("x-scope-orgid"), Some("security"));
    assert_eq!(requests[2].header("authorization"), None);
}

#[tokio::test]
async fn a_rotated_token_is_tried_once_more() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "old").unwrap();
    let server = Server::start([
        Reply::nothing()
            .then_wait(SHORT)
            .then("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"),
        accepted(),
    ])
    .await;
    let writer = builder(&server)
        .with_token_file(file.path())
        .build()
        .unwrap();
    let snapshots = [snapshot()];
    let rotate = async {
        while server.requests() == 0 {
            tokio::task::yield_now().await;
        }
        fs::write(file.path(), TOKEN).unwrap();
    };
    let (written, ()) = tokio::join!(writer.write(&snapshots), rotate);
    assert_eq!(written.unwrap(), 2);
    let requests = server.log().requests;
    let tokens = requests
        .iter()
        .map(|request| request.header("authorization").unwrap());
    assert!(tokens.eq(["Bearer old".to_owned(), format!("Bearer {TOKEN}")]));
}

#[test]
fn options_that_cannot_be_used_are_named() {
    let url = "https://prometheus.example/api/v1/write";
    let message = |builder: RemoteWriteBuilder| builder.build().unwrap_err().to_string();
    let with_label = |name: &str| message(RemoteWrite::builder(url).with_label(name, "a"));
    for (name, fault) in [
        ("org", "is set to the organization"),
        ("a.b", "is not the name of a label"),
        ("", "is not the name of a label"),
        ("1", "is not the name of a label"),
        (
            "__name__",
            "is reserved, because it begins with two underscores",
        ),
    ] {
        assert_eq!(
            with_label(name),
            format!("the label `{name}` of `with_label` {fault}")
        );
    }
    let twice = RemoteWrite::builder(url)
        .with_label("a", "1")
        .with_label("a", "2");
    assert_eq!(
        message(twice),
        "the label `a` of `with_label` is given twice"
    );
    for name in [
        "Content-Type",
        "x-prometheus-remote-write-version",
        "User-Agent",
    ] {
        assert_eq!(
            message(RemoteWrite::builder(url).with_header(name, "a")),
            format!("the header `{name}` cannot be set: its value is fixed")
        );
    }
    let insecure = || RemoteWrite::builder("http://prometheus.example/write");
    assert!(insecure().build().is_ok());
    assert_eq!(
        message(insecure().with_token(TOKEN)),
        "cannot use the URL of remote write: `http` to another machine exposes the token on the network; use `https`"
    );
    assert!(
        insecure()
            .with_token(TOKEN)
            .with_allow_insecure_http(true)
            .build()
            .is_ok()
    );
    assert_eq!(
        message(RemoteWrite::builder("prometheus:9090")),
        "cannot use the URL of remote write: its scheme is `prometheus`, expected `https`"
    );
    assert_eq!(
        message(RemoteWrite::builder(url).with_interval(Duration::ZERO)),
        "the time of `with_interval` is zero"
    );
}

#[tokio::test]
async fn two_pollers_of_one_organization_are_refused() {
    let poller = Poller::builder(MemorySource::new(snapshot())).spawn();
    let builder = RemoteWrite::builder("http://localhost/write");
    let error = builder.spawn([poller.clone(), poller]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "organization `acme`: two pollers have this organization"
    );
}

#[tokio::test]
async fn an_outage_is_logged_once_with_the_reason_and_without_the_token() {
    let down = || {
        Reply::status(
            "503 Service Unavailable",
            "",
            format!("mark-of-outage {TOKEN}"),
        )
    };
    let server = Server::start([down(), down(), down(), accepted()]).await;
    let poller = Poller::builder(MemorySource::new(snapshot())).spawn();
    let pushed = builder(&server).with_token(TOKEN).spawn([poller]).unwrap();
    while pushed.stats().sent() < 2 {
        tokio::task::yield_now().await;
    }
    let stats = pushed.shutdown(LONG).await;
    assert_eq!((stats.sent(), stats.requests()), (2, 4));
    assert_eq!(stats.version(), Some(ProtocolVersion::V2));
    assert!(stats.retries().eq([("unavailable", 3)]));
    let served = encode_families(&stats.families(), Format::OpenMetrics).unwrap();
    let served = String::from_utf8(served.into_body().to_vec()).unwrap();
    for line in [
        "scout_remote_write_sent_samples_total 2\n",
        "scout_remote_write_retries_total{kind=\"unavailable\"} 3\n",
        "scout_remote_write_dropped_samples_total{reason=\"queue_full\"} 0\n",
        "scout_remote_write_queued_samples 0\n",
    ] {
        assert!(served.contains(line), "no {line} in {served}");
    }
    let text = logged().text();
    assert!(!text.contains(TOKEN));
    assert_eq!(text.matches("mark-of-outage").count(), 1);
    assert!(text.contains("cannot write samples, which wait in the queue"));
    assert!(text.contains("samples are written again"));
}
