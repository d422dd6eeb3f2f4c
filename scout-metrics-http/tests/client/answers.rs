//! The answers of a server, and what the user gets.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use scout_metrics_core::{Error, ErrorKind};
use scout_metrics_http::ScoutClient;
use scout_metrics_openmetrics::Format;
use tokio::net::TcpListener;

use crate::{
    BODY, Case, LONG, SHORT, TOKEN, Want, acme, builder, leak_in, play,
    support::{Reply, Server, TEXT},
    texts_of,
};

fn gzip(body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn gzipped(body: impl AsRef<[u8]>) -> Reply {
    Reply::status("200 OK", &format!("{TEXT}Content-Encoding: gzip\r\n"), body)
}

fn head(headers: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{TEXT}{headers}\r\n")
}

fn typed(content_type: &str) -> Reply {
    Reply::status("200 OK", &format!("Content-Type: {content_type}\r\n"), BODY)
}

#[tokio::test]
async fn asks_as_documented() {
    let server = Server::start([Reply::metrics(BODY)]).await;
    let source = acme(builder(&server));
    let exposition = source.exposition().await.unwrap();
    assert_eq!(exposition.body(), BODY);
    assert_eq!(exposition.format(), Format::Prometheus);

    let log = server.log();
    assert_eq!(log.requests.len(), 1);
    let request = &log.requests[0];
    let line = "GET /v1/exporter/org/acme/metrics HTTP/1.1\r\n";
    assert!(request.head.starts_with(line), "{}", request.head);
    let header = |name| request.header(name).unwrap();
    assert_eq!(header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(header("accept-encoding"), "gzip");
    assert_eq!(
        header("user-agent"),
        concat!("scout-metrics/", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(
        header("accept"),
        "application/openmetrics-text; version=1.0.0; escaping=allow-utf-8; charset=utf-8, \
         text/plain; version=1.0.0; escaping=allow-utf-8; q=0.6, text/plain; version=0.0.4; q=0.5, */*; q=0.1"
    );
    for name in ["cookie", "referer", "if-none-match", "if-modified-since"] {
        assert_eq!(request.header(name), None);
    }
}

#[tokio::test]
async fn accepts_a_good_answer_in_any_framing() {
    let bytewise = BODY.bytes().fold(
        Reply::raw(head(&format!("Content-Length: {}\r\n", BODY.len()))),
        |reply, byte| reply.then([byte]),
    );
    let chunked = BODY.as_bytes().chunks(7).fold(
        Reply::raw(head("Transfer-Encoding: chunked\r\n")),
        |reply, part| {
            reply.then([format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat())
        },
    );
    let half = BODY.len() / 2;
    let slow = Reply::raw(head(&format!("Content-Length: {}\r\n", BODY.len())))
        .then_wait(SHORT / 3)
        .then(&BODY[..half])
        .then_wait(SHORT / 3)
        .then(&BODY[half..]);
    play([
        Case::works("with a content length", Reply::metrics(BODY)),
        Case::works("byte by byte", bytewise),
        Case::works("in chunks", chunked.then("0\r\n\r\n")),
        Case::works("slowly", slow),
        Case::works("until the connection closes", Reply::raw(head("") + BODY)),
        Case::works(
            "from HTTP/1.0",
            Reply::raw(head("").replace("HTTP/1.1", "HTTP/1.0") + BODY),
        ),
        Case::works(
            "after interim answers",
            Reply::raw(
                "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(20_000) + &head("") + BODY,
            ),
        ),
        Case::works("with chunked and a length, where chunked counts", {
            let length = format!("{:x}\r\n", BODY.len());
            Reply::raw(head("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") + &length)
                .then(BODY)
                .then("\r\n0\r\n\r\n")
        }),
        Case::works("with a date of another century and an age", {
            let headers =
                format!("{TEXT}Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nAge: 4294967296\r\n");
            Reply::status("200 OK", &headers, BODY)
        }),
    ])
    .await;
}

#[tokio::test]
async fn a_broken_connection_is_tried_again_and_then_named() {
    let exchange = "cannot get an answer from `{server}`";
    let transport = ErrorKind::Transport;
    let cut = "the connection to `{server}` broke after 20 bytes of the body";
    let with_length = || Reply::raw(head("Content-Length: 500\r\n")).then(&BODY[..20]);
    let chunked =
        || Reply::raw(head("Transfer-Encoding: chunked\r\n") + "14\r\n").then(&BODY[..20]);
    play(
        [
            Case::fails(
                "closed without a byte",
                Reply::nothing(),
                transport,
                exchange,
            ),
            Case::fails("reset", Reply::nothing().then_reset(), transport, exchange),
            Case::fails(
                "cut in the headers",
                Reply::raw("HTTP/1.1 200 OK\r\nConte"),
                transport,
                exchange,
            ),
            Case::fails("shorter than its length", with_length(), transport, cut),
            Case::fails("no last chunk", chunked().then("\r\n"), transport, cut),
            Case::fails("chunk cut short", chunked(), transport, cut),
        ]
        .map(|case| case.after_requests(3)),
    )
    .await;
}

#[tokio::test]
async fn the_third_attempt_may_succeed_even_after_broken_bodies() {
    let broken = Reply::raw(head("Content-Length: 500\r\n") + BODY);
    let flapping = |first: Reply, second: Reply| Case {
        name: "flapping",
        script: vec![first, second, Reply::metrics(BODY)],
        want: Want::Body(BODY),
        requests: 3,
        timeout: LONG,
    };
    let unavailable = || Reply::status("503 Service Unavailable", "", "");
    play([
        flapping(broken.clone(), broken),
        flapping(Reply::nothing(), Reply::nothing().then_reset()),
        flapping(
            unavailable(),
            Reply::status("500 Internal Server Error", "", "x"),
        ),
        flapping(
            Reply::status("429 Too Many Requests", "", ""),
            unavailable(),
        ),
    ])
    .await;
}

#[tokio::test]
async fn malformed_http_is_an_error() {
    let garbage = |name, bytes: &[u8]| {
        Case::fails(
            name,
            Reply::raw(bytes),
            ErrorKind::Transport,
            "cannot get an answer from `{server}`",
        )
    };
    let headers = |headers: &str| head(headers) + BODY;
    let many = "X-Header: 1\r\n".repeat(10_000);
    let long = format!("X-Header: {}\r\n", "x".repeat(1 << 20));
    play(
        [
            garbage("no HTTP", b"hello\r\n\r\n"),
            garbage("HTTP/0.9", BODY.as_bytes()),
            garbage("bad status", b"HTTP/1.1 2x0 OK\r\n\r\n"),
            garbage("binary", b"\x00\xff\x16\x03\x01"),
            garbage(
                "two lengths",
                headers("Content-Length: 3\r\nContent-Length: 4\r\n").as_bytes(),
            ),
            garbage(
                "negative length",
                headers("Content-Length: -1\r\n").as_bytes(),
            ),
            garbage(
                "huge length",
                headers("Content-Length: 99999999999999999999\r\n").as_bytes(),
            ),
            garbage("10 000 headers", headers(&many).as_bytes()),
            garbage("a header of a megabyte", headers(&long).as_bytes()),
            garbage("control characters", headers("X: a\0b\r\n").as_bytes()),
            Case::fails(
                "bad chunk",
                Reply::raw(head("Transfer-Encoding: chunked\r\n") + "xyz\r\n"),
                ErrorKind::Transport,
                "the connection to `{server}` broke after 0 bytes of the body",
            ),
            Case::fails(
                "huge chunk",
                Reply::raw(head("Transfer-Encoding: chunked\r\n") + "ffffffffffffffffff\r\n"),
                ErrorKind::Transport,
                "the connection to `{server}` broke after 0 bytes of the body",
            ),
        ]
        .map(|case| case.after_requests(3)),
    )
    .await;
}

#[tokio::test]
async fn no_answer_takes_longer_than_the_timeout() {
    let silence = "timed out after 300ms waiting for an answer from `{server}`";
    let pause = SHORT / 10;
    let timeout = ErrorKind::Timeout;
    let start = || Reply::raw(head("Content-Length: 100000\r\n"));
    play(
        [
            Case::fails("silent", Reply::nothing().then_hold(), timeout, silence),
            Case::fails(
                "headers that drip",
                Reply::raw("HTTP/1.1 200 OK\r\n").then_repeat("X: 1\r\n", pause),
                timeout,
                silence,
            ),
            Case::fails(
                "endless interim answers",
                Reply::nothing().then_repeat("HTTP/1.1 100 Continue\r\n\r\n", pause),
                timeout,
                silence,
            ),
            Case::fails(
                "body that stalls",
                start().then(&BODY[..20]).then_hold(),
                timeout,
                "timed out after 300ms with 20 bytes of the body received",
            ),
        ]
        .map(|case| case.within(SHORT)),
    )
    .await;

    let server = Server::start([start().then_repeat("x", pause)]).await;
    let error = acme(builder(&server).with_timeout(SHORT))
        .exposition()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), timeout);
    assert!(
        error.message().starts_with("timed out after 300ms with "),
        "{error}"
    );
}

#[tokio::test]
async fn a_status_other_than_200_says_what_to_do() {
    let case = |status, kind, message| {
        let headers =
            "Set-Cookie: a=b\r\nWWW-Authenticate: Bearer realm=\"https://elsewhere.example\"\r\n";
        Case::fails(status, Reply::status(status, headers, ""), kind, message)
    };
    let forbidden = "the token given to `with_token` may not read this organization (HTTP 403): its user must be an \
                     owner of `acme`, and the organization enrolled in Docker Scout (`docker scout enroll acme`)";
    let refused = "the token given to `with_token` was refused (HTTP 401): check that it is complete, not expired and \
                   not revoked";
    let unknown = "the server knows no such organization or path (HTTP 404): check the name, and the URL \
                   `{server}/v1/exporter/org/acme/metrics`";
    let unexpected = [
        (
            "204 No Content",
            "the server answered with HTTP 204, expected 200",
        ),
        (
            "206 Partial Content",
            "the server answered with HTTP 206, expected 200",
        ),
        ("299 Odd", "the server answered with HTTP 299, expected 200"),
        (
            "300 Choices",
            "the server answered with HTTP 300, expected 200",
        ),
        (
            "304 Not Modified",
            "the server answered with HTTP 304, expected 200",
        ),
        (
            "400 Bad Request",
            "the server answered with HTTP 400, expected 200",
        ),
        (
            "407 Proxy",
            "the server answered with HTTP 407, expected 200",
        ),
        (
            "410 Gone",
            "the server answered with HTTP 410, expected 200",
        ),
        (
            "418 Teapot",
            "the server answered with HTTP 418, expected 200",
        ),
    ];
    play(unexpected.map(|(status, message)| case(status, ErrorKind::Status, message))).await;
    play([
        case("401 Unauthorized", ErrorKind::Unauthorized, refused),
        case("403 Forbidden", ErrorKind::Forbidden, forbidden),
        case("404 Not Found", ErrorKind::NotFound, unknown),
        case(
            "501 Not Implemented",
            ErrorKind::Unavailable,
            "the server cannot answer now (HTTP 501)",
        ),
    ])
    .await;
    let transient = [
        case(
            "429 Too Many Requests",
            ErrorKind::RateLimited,
            "the server received too many requests (HTTP 429)",
        ),
        case(
            "408 Request Timeout",
            ErrorKind::Status,
            "the server answered with HTTP 408, expected 200",
        ),
        case(
            "500 Internal Server Error",
            ErrorKind::Unavailable,
            "the server cannot answer now (HTTP 500)",
        ),
        case(
            "502 Bad Gateway",
            ErrorKind::Unavailable,
            "the server cannot answer now (HTTP 502)",
        ),
        case(
            "503 Service Unavailable",
            ErrorKind::Unavailable,
            "the server cannot answer now (HTTP 503)",
        ),
        case(
            "504 Gateway Timeout",
            ErrorKind::Unavailable,
            "the server cannot answer now (HTTP 504)",
        ),
    ];
    play(transient.map(|case| case.after_requests(3))).await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::start([Reply::metrics(BODY)]).await;
    let target = format!("{}/v1/exporter/org/acme/metrics", elsewhere.url());
    for (status, location, shown) in [
        ("301 Moved", target.clone(), format!("`{target}`")),
        (
            "302 Found",
            format!("{target}?a={TOKEN}"),
            format!("`{target}`"),
        ),
        (
            "303 See Other",
            target.replace("//", "//user:geheim@"),
            format!("`{target}`"),
        ),
        (
            "307 Temporary",
            "/other".to_owned(),
            "`{server}/other`".to_owned(),
        ),
        (
            "308 Permanent",
            format!("//evil.example/{TOKEN}"),
            "`http://evil.example/<redacted>`".to_owned(),
        ),
        (
            "302 Found",
            "file:///etc/passwd".to_owned(),
            "`file:///etc/passwd`".to_owned(),
        ),
        (
            "302 Found",
            "http://[".to_owned(),
            "an invalid URL".to_owned(),
        ),
    ] {
        let reply = Reply::status(status, &format!("Location: {location}\r\n"), "");
        let server = Server::start([reply]).await;
        let result = acme(builder(&server)).exposition().await;
        assert_eq!(leak_in(&result), None);
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect);
        assert_eq!(
            error.message(),
            format!(
                "the server redirects to {} (HTTP {}); redirects are not followed, so that no other server gets \
                 the token",
                shown.replace("{server}", &server.url()),
                &status[..3]
            )
        );
        assert_eq!(server.requests(), 1);
    }
    let without_location = Reply::status("302 Found", "", "");
    let server = Server::start([without_location]).await;
    let error = acme(builder(&server)).exposition().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert_eq!(elsewhere.requests(), 0);
}

#[tokio::test]
async fn html_and_json_are_not_metrics_whatever_they_are_called() {
    let page = "<!DOCTYPE html><title>Sign in</title>";
    let named = |content_type: &str, body| {
        Reply::status("200 OK", &format!("Content-Type: {content_type}\r\n"), body)
    };
    let fails = |name, reply, message| Case::fails(name, reply, ErrorKind::NotMetrics, message);
    play([
        fails(
            "HTML",
            named("text/html; charset=utf-8", page),
            "the answer has the content type `text/html; charset=utf-8`, expected Prometheus text 0.0.4 or OpenMetrics 1.0",
        ),
        fails(
            "JSON",
            named("application/json", "{}"),
            "the answer has the content type `application/json`, expected Prometheus text 0.0.4 or OpenMetrics 1.0",
        ),
        fails(
            "a content type that repeats the token",
            named(&format!("x/{TOKEN}"), page),
            "the answer has the content type `x/<redacted>`, expected Prometheus text 0.0.4 or OpenMetrics 1.0",
        ),
        fails(
            "HTML called text",
            Reply::metrics(page),
            "the answer is labelled as metrics but is HTML or XML",
        ),
        fails(
            "HTML after blank lines",
            Reply::metrics(format!("\u{feff}\r\n  {page}")),
            "the answer is labelled as metrics but is HTML or XML",
        ),
        fails(
            "JSON called text",
            Reply::metrics("\n{\"message\":\"ok\"}"),
            "the answer is labelled as metrics but is JSON",
        ),
        fails(
            "gzip without the header",
            Reply::metrics(gzip(BODY)),
            "the answer is gzip without `Content-Encoding: gzip`",
        ),
        fails(
            "UTF-16",
            Reply::metrics(b"\xff\xfe#\0 \0"),
            "the answer is UTF-16, expected UTF-8",
        ),
    ])
    .await;

    let server = Server::start([Reply::metrics(format!("{page}\x1b[31m{TOKEN}"))]).await;
    let error = acme(builder(&server)).exposition().await.unwrap_err();
    assert_eq!(error.status(), Some(200));
    assert_eq!(error.body(), Some(&*format!("{page}[31m<redacted>")));
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn an_excerpt_of_the_body_is_bounded_and_without_the_token() {
    let body = format!("{}{TOKEN}{}", "é".repeat(1000), "x".repeat(100_000));
    let server = Server::start([Reply::status("400 Bad Request", "", body)]).await;
    let error = acme(builder(&server)).exposition().await.unwrap_err();
    let excerpt = error.body().unwrap();
    assert_eq!(excerpt.chars().count(), Error::MAX_BODY_CHARS);
    assert!(excerpt.ends_with("é<redacted>xxxxxxxxxxxxxx"), "{excerpt}");
}

#[tokio::test]
async fn the_content_type_decides_about_the_format() {
    for (content_type, format) in [
        ("text/plain", Format::Prometheus),
        ("Text/Plain; Version=0.0.4", Format::Prometheus),
        ("text/plain;charset=UTF-8;version=0.0.4", Format::Prometheus),
        (
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::OpenMetrics,
        ),
        ("APPLICATION/OPENMETRICS-TEXT", Format::OpenMetrics),
    ] {
        let server = Server::start([typed(content_type)]).await;
        let exposition = acme(builder(&server)).exposition().await.unwrap();
        assert_eq!(exposition.format(), format, "{content_type}");
    }
    for reply in [Reply::status("200 OK", "", BODY), typed(""), typed(" \t ")] {
        let server = Server::start([reply]).await;
        let exposition = acme(builder(&server)).exposition().await.unwrap();
        assert_eq!(exposition.format(), Format::Prometheus);
    }

    for content_type in [
        "application/json",
        "application/octet-stream",
        "application/openmetrics-text; version=2.0.0",
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        "text/plain; charset=iso-8859-1",
        "text/plain; charset=utf-16",
        "text/plain; version=9",
        ";",
    ] {
        let server = Server::start([typed(content_type)]).await;
        let error = acme(builder(&server)).exposition().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotMetrics);
        assert_eq!(
            error.message(),
            format!(
                "the answer has the content type `{content_type}`, expected Prometheus text 0.0.4 or OpenMetrics 1.0"
            )
        );
        assert_eq!(error.body(), Some(BODY));
    }
}

#[tokio::test]
async fn gzip_is_decoded_whole_or_refused() {
    let (first, second) = BODY.split_at(30);
    let (packed, half) = (gzip(BODY), gzip(BODY).len() / 2);
    let mut bad_checksum = packed.clone();
    let checksum = packed.len() - 8;
    bad_checksum[checksum] ^= 1;
    let mut bad_length = packed.clone();
    *bad_length.last_mut().unwrap() ^= 1;
    let damaged = "the answer's gzip encoding is damaged or truncated";
    let fails = |name, body: &[u8]| Case::fails(name, gzipped(body), ErrorKind::Decode, damaged);
    let bytewise = packed.iter().fold(
        Reply::raw(head("Content-Encoding: gzip\r\n")),
        |reply, byte| reply.then([*byte]),
    );
    play([
        Case::works("gzip", gzipped(&packed)),
        Case::works("gzip byte by byte", bytewise),
        Case::works("two members", gzipped([gzip(first), gzip(second)].concat())),
        Case::works(
            "an empty member",
            gzipped([gzip(""), packed.clone()].concat()),
        ),
        Case::works(
            "the header in another case",
            Reply::status(
                "200 OK",
                &format!("{TEXT}content-encoding:  GZIP \r\n"),
                &packed,
            ),
        ),
        Case::works(
            "identity",
            Reply::status(
                "200 OK",
                &format!("{TEXT}Content-Encoding: identity\r\n"),
                BODY,
            ),
        ),
        fails("truncated", &packed[..half]),
        fails("without its trailer", &packed[..checksum]),
        fails("cut in the header", &packed[..5]),
        fails("nothing at all", b""),
        fails("bad checksum", &bad_checksum),
        fails("bad length", &bad_length),
        fails("not gzip", BODY.as_bytes()),
        fails(
            "second member truncated",
            &[&packed[..], &packed[..half]].concat(),
        ),
        fails(
            "something after the end",
            &[&packed[..], b"\nsomething"].concat(),
        ),
        Case::fails(
            "gzip in gzip",
            gzipped(gzip(&packed)),
            ErrorKind::NotMetrics,
            "the answer is gzip without `Content-Encoding: gzip`",
        ),
    ])
    .await;
}

#[tokio::test]
async fn codings_that_were_not_requested_are_refused() {
    let coding = |name, message| {
        let headers = format!("{TEXT}Content-Encoding: {name}\r\n");
        Case::fails(
            name,
            Reply::status("200 OK", &headers, gzip(BODY)),
            ErrorKind::Decode,
            message,
        )
    };
    play([
        coding(
            "br",
            "the answer is encoded as `br`, which was not requested",
        ),
        coding(
            "zstd",
            "the answer is encoded as `zstd`, which was not requested",
        ),
        coding(
            "deflate",
            "the answer is encoded as `deflate`, which was not requested",
        ),
        coding(
            "gzip, gzip",
            "the answer is encoded as `gzip, gzip`, which was not requested",
        ),
        coding(
            "gzip\r\nContent-Encoding: gzip",
            "the answer is encoded as `gzip, gzip`, which was not requested",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let bomb = gzip(vec![b'#'; 64 << 20]);
    let megabyte = vec![b'#'; 1 << 20];
    let chunk = [b"100000\r\n", &megabyte[..], b"\r\n"].concat();
    let pause = Duration::ZERO;
    for (name, reply, at_most) in [
        ("bomb", gzipped(&bomb), 1 << 20),
        (
            "announced",
            Reply::raw(head("Content-Length: 1073741824\r\n")).then_repeat(megabyte.clone(), pause),
            16 << 20,
        ),
        (
            "largest length",
            Reply::raw(head("Content-Length: 9223372036854775807\r\n")).then_hold(),
            1 << 20,
        ),
        (
            "endless chunks",
            Reply::raw(head("Transfer-Encoding: chunked\r\n")).then_repeat(chunk, pause),
            32 << 20,
        ),
        (
            "endless gzip without output",
            Reply::raw(head("Content-Encoding: gzip\r\n")).then_repeat(gzip(""), pause),
            32 << 20,
        ),
    ] {
        let server = Server::start([reply]).await;
        let builder = builder(&server).with_body_limit(100_000);
        let error = acme(builder).exposition().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{name}: {error:?}");
        assert_eq!(
            error.message(),
            "the answer is larger than the limit of 100000 bytes"
        );
        let log = server.log();
        assert!(log.written <= at_most, "{name}: {}", log.written);
        assert_eq!(log.requests.len(), 1, "{name}");
    }

    let exact = Server::start([Reply::metrics(BODY)]).await;
    let builder = builder(&exact).with_body_limit(BODY.len() as u64);
    assert!(acme(builder).exposition().await.is_ok());
}

#[tokio::test]
async fn an_endless_error_body_does_not_hold_the_client_up() {
    let endless = Reply::raw("HTTP/1.1 400 Bad Request\r\n\r\n")
        .then_repeat(vec![b'x'; 1 << 16], Duration::ZERO);
    let server = Server::start([endless]).await;
    let builder = builder(&server);
    let error = acme(builder).exposition().await.unwrap_err();
    assert_eq!(error.status(), Some(400));
    assert!(server.log().written < 32 << 20);
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let builder = || {
        ScoutClient::builder()
            .with_token(TOKEN)
            .with_backoff(Duration::from_millis(10))
    };
    let start = Instant::now();
    let error = acme(builder().with_base_url(&url))
        .exposition()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.is_retryable());
    assert_eq!(
        error.to_string(),
        format!("organization `acme`: cannot connect to `{url}`")
    );
    assert!(texts_of(&error).last().unwrap().contains("refused"));
    assert!(start.elapsed() < Duration::from_secs(2));

    let nowhere = builder()
        .with_base_url("http://scout.invalid")
        .with_allow_insecure_http(true);
    let error = acme(nowhere).exposition().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "organization `acme`: cannot connect to `http://scout.invalid`: its name cannot be resolved"
    );
}
