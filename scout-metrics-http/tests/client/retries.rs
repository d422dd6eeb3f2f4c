//! When the client retries, on which connection, and when it stops.

use std::time::{Duration, Instant, SystemTime};

use scout_metrics_core::ErrorKind;
use tokio::time::{sleep, timeout};

use crate::{
    BODY, LONG, SHORT, acme, builder,
    support::{Reply, Server, TEXT},
};

fn unavailable(headers: &str) -> Reply {
    Reply::status("503 Service Unavailable", headers, "")
}

fn gaps(server: &Server) -> Vec<Duration> {
    let requests = server.log().requests;
    let pairs = requests.windows(2);
    pairs.map(|pair| pair[1].at - pair[0].at).collect()
}

#[tokio::test]
async fn attempts_are_apart_and_never_in_step() {
    let mut all = Vec::new();
    for _ in 0..3 {
        let server = Server::start([unavailable("")]).await;
        let backoff = Duration::from_millis(200);
        let source = acme(builder(&server).with_backoff(backoff));
        let error = source.exposition().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.status(), Some(503));
        all.extend(gaps(&server));
    }
    assert_eq!(all.len(), 6);
    let millis: Vec<_> = all.iter().map(Duration::as_millis).collect();
    assert!(millis.iter().all(|gap| *gap >= 20), "{millis:?}");
    assert!(millis.iter().any(|gap| *gap != millis[0]), "{millis:?}");
}

#[tokio::test]
async fn the_attempts_are_bounded_by_the_option() {
    let server = Server::start([unavailable("")]).await;
    let once = acme(builder(&server).with_max_attempts(1));
    assert!(once.exposition().await.unwrap_err().is_retryable());
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn waits_as_long_as_the_server_asks_if_that_fits() {
    let fetch = |reply: Reply| async move {
        let server = Server::start([reply, Reply::metrics(BODY)]).await;
        acme(builder(&server)).exposition().await.unwrap();
        gaps(&server)[0]
    };
    let date = httpdate::HttpDate::from(SystemTime::now() + Duration::from_secs(2));
    let (seconds, _, past, junk) = tokio::join!(
        fetch(unavailable("Retry-After: 1\r\n")),
        fetch(unavailable(&format!("Retry-After: {date}\r\n"))),
        fetch(unavailable(
            "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        )),
        fetch(unavailable("Retry-After: -1\r\n")),
    );
    assert!(seconds >= Duration::from_secs(1), "{seconds:?}");
    assert!(SystemTime::now() >= SystemTime::from(date));
    assert!(past < LONG && junk < LONG);
}

#[tokio::test]
async fn gives_up_at_once_if_the_server_asks_for_more_time_than_there_is() {
    let start = Instant::now();
    for (seconds, shown) in [
        ("3600", "3600s"),
        ("99999999999999999999", "18446744073709551615s"),
    ] {
        let headers = format!("Retry-After: {seconds}\r\n");
        let server = Server::start([Reply::status("429 Too Many Requests", &headers, "")]).await;
        let error = acme(builder(&server)).exposition().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(
            error.message(),
            format!("the server received too many requests (HTTP 429); retry after {shown}")
        );
        assert!(error.retry_after().unwrap() >= Duration::from_secs(3600));
        assert!(error.is_retryable());
        assert_eq!(server.requests(), 1);
    }
    assert!(start.elapsed() < LONG);
}

#[tokio::test]
async fn a_timeout_in_a_later_attempt_has_the_earlier_error_as_its_cause() {
    let server = Server::start([unavailable(""), Reply::nothing().then_hold()]).await;
    let source = acme(builder(&server).with_timeout(SHORT));
    let error = source.exposition().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(
        cause.to_string(),
        "organization `acme`: the server cannot answer now (HTTP 503)"
    );
}

#[tokio::test]
async fn fetches_share_a_connection_until_the_server_closes_it() {
    let headers =
        format!("{TEXT}Set-Cookie: session=1\r\nETag: \"1\"\r\nCache-Control: max-age=60\r\n");
    let kept = Server::start([Reply::status("200 OK", &headers, BODY)]).await;
    let source = acme(builder(&kept));
    for _ in 0..3 {
        source.exposition().await.unwrap();
    }
    let log = kept.log();
    assert_eq!((log.connections, log.requests.len()), (1, 3));
    assert_eq!(log.requests[2].header("cookie"), None);
    assert_eq!(log.requests[2].header("if-none-match"), None);

    let length = format!(
        "HTTP/1.1 200 OK\r\n{TEXT}Content-Length: {}\r\n\r\n",
        BODY.len()
    );
    for last in [
        Reply::raw(length.clone() + BODY),
        Reply::raw(length + BODY).then_reset(),
    ] {
        let closing = Server::start([last]).await;
        let source = acme(builder(&closing));
        for _ in 0..5 {
            assert_eq!(source.exposition().await.unwrap().body(), BODY);
        }
    }
}

#[tokio::test]
async fn bytes_after_an_answer_are_never_the_next_answer() {
    let answer = |body: &str| {
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\n{TEXT}Content-Length: {length}\r\n\r\n{body}")
    };
    let evil = answer(&BODY.replace('5', "6"));
    let server = Server::start([Reply::raw(answer(BODY) + &evil).keep_alive()]).await;
    let source = acme(builder(&server));
    for _ in 0..20 {
        assert_eq!(source.exposition().await.unwrap().body(), BODY);
    }
}

#[tokio::test]
async fn a_dropped_fetch_closes_its_connection() {
    let start = format!("HTTP/1.1 200 OK\r\n{TEXT}Content-Length: 1000\r\n\r\n#");
    for reply in [Reply::nothing().then_hold(), Reply::raw(start).then_hold()] {
        let server = Server::start([reply]).await;
        let source = acme(builder(&server));
        assert!(timeout(SHORT, source.exposition()).await.is_err());
        let dropped = Instant::now();
        while server.log().closed.is_empty() {
            assert!(dropped.elapsed() < Duration::from_secs(1), "still open");
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(server.requests(), 1);
    }
}
