//! The typed call: a complete snapshot, or an error that names the place of a fault in the exposition.

use std::error::Error as _;

use scout_metrics_core::{AnomalyKind, ErrorKind, MetricsSource, Severity};
use scout_metrics_openmetrics::{Limits, Mode};

use crate::{
    BODY, LONG, TOKEN, acme, builder,
    support::{Reply, Server, TEXT},
};

const OPENMETRICS: &str =
    "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";

const SAMPLE: &str = "scout_stream_vulnerabilities{streamName=\"production\",severity=\"HIGH\"} ";

#[tokio::test]
async fn parses_the_delay_of_the_server() {
    let policy = "\
# TYPE scout_policy_compliant_images gauge
scout_policy_compliant_images{id=\"copyleft\",displayName=\"No, {copyleft}\",streamName=\"production\"} 3
# TYPE scout_policy_evaluated_images gauge
scout_policy_evaluated_images{id=\"copyleft\",displayName=\"No, {copyleft}\",streamName=\"production\"} 4
";
    let body = format!("{BODY}{policy}");
    for reply in [
        Reply::metrics(&body),
        Reply::status("200 OK", OPENMETRICS, format!("{body}# EOF\n")),
    ] {
        let server = Server::start([reply]).await;
        let source = acme(builder(&server));
        let snapshot = source.scrape().await.unwrap();
        assert_eq!(snapshot.anomalies(), []);
        assert_eq!(snapshot.organization(), source.organization());
        let [production] = snapshot.streams() else {
            panic!("one stream: {snapshot:?}");
        };
        assert_eq!(production.vulnerabilities()[Severity::Critical], 5);
        assert_eq!(
            production.policies()[0].policy().display_name(),
            "No, {copyleft}"
        );
    }
}

#[tokio::test]
async fn an_exposition_that_breaks_its_format_is_located() {
    let huge = format!("{SAMPLE}9007199254740993\n");
    for (body, kind, cause) in [
        (format!("{BODY}{SAMPLE}NaN\n"), ErrorKind::Decode, "line 3"),
        (format!("{BODY}{SAMPLE}-1\n"), ErrorKind::Decode, "line 3"),
        (format!("{BODY}{SAMPLE}1.5\n"), ErrorKind::Decode, "line 3"),
        (format!("{BODY}{huge}"), ErrorKind::Decode, "line 3"),
        (format!("{BODY}{SAMPLE}x\n"), ErrorKind::Decode, "line 3"),
        (format!("{BODY}scout{{"), ErrorKind::Decode, "line 3"),
    ] {
        let server = Server::start([Reply::metrics(&body)]).await;
        let error = acme(builder(&server)).scrape().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{body}: {error:?}");
        assert_eq!(error.status(), Some(200));
        assert!(!error.is_retryable());
        let texts = format!(
            "{error} {}",
            error.source().map_or(String::new(), |e| e.to_string())
        );
        assert!(texts.contains(cause), "{body}: {texts}");
        assert_eq!(server.requests(), 1);
    }
    let server = Server::start([Reply::metrics(b"\xff\xfe\n")]).await;
    let error = acme(builder(&server)).scrape().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotMetrics);
    let server = Server::start([Reply::metrics([BODY.as_bytes(), b"# \xc3\x28\n"].concat())]).await;
    let error = acme(builder(&server)).scrape().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn a_body_that_may_be_cut_is_no_snapshot() {
    let (whole, number) = (format!("{BODY}# EOF\n"), format!("{SAMPLE}123\n"));
    let headers = format!("HTTP/1.1 200 OK\r\n{TEXT}\r\n");
    let open = headers.replace(TEXT, OPENMETRICS);
    for (name, answer) in [
        (
            "text cut in a number",
            format!("{headers}{}", number.trim_end_matches("3\n")),
        ),
        ("OpenMetrics without its end", format!("{open}{BODY}")),
        ("OpenMetrics cut in its end", format!("{open}{BODY}# EO")),
        (
            "something after the end",
            format!("{open}{whole}{SAMPLE}1\n"),
        ),
        ("two documents", format!("{open}{whole}{whole}")),
    ] {
        let server = Server::start([Reply::raw(answer)]).await;
        let error = acme(builder(&server)).scrape().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{name}: {error:?}");
    }
    let server = Server::start([Reply::raw(format!("{headers}{number}"))]).await;
    assert_eq!(
        acme(builder(&server))
            .scrape()
            .await
            .unwrap()
            .streams()
            .len(),
        1
    );
}

#[tokio::test]
async fn an_answer_without_samples_that_may_be_truncated_is_an_error() {
    let comments = "# HELP x y\n# TYPE scout_stream_vulnerabilities gauge\n \n";
    let carriage_returns = BODY.replace("TYPE", "HELP").replace('\n', "\r");
    let bare = "HTTP/1.1 200 OK\r\n\r\n".to_owned();
    let close = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{TEXT}\r\n");
    let old = format!("HTTP/1.0 200 OK\r\n{TEXT}\r\n");
    let coded = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n{TEXT}\r\n");
    let open = format!("HTTP/1.1 200 OK\r\n{OPENMETRICS}\r\n");
    for answer in [
        bare.clone(),
        close.clone(),
        old.clone(),
        coded,
        format!("{close}\n\n"),
        format!("{close}{comments}"),
        format!("{old}{carriage_returns}\n"),
    ] {
        let server = Server::start([Reply::raw(&*answer)]).await;
        let source = acme(builder(&server));
        let scraped = source.scrape().await.unwrap_err();
        let fetched = source.exposition().await.unwrap_err();
        for error in [scraped, fetched] {
            assert_eq!(error.kind(), ErrorKind::Transport, "{answer:?}");
            assert_eq!(error.status(), Some(200));
            assert_eq!(
                error.message(),
                format!(
                    "the answer from `{}` has no samples, and may be truncated: it ends where the connection was closed",
                    server.url()
                )
            );
        }
        assert_eq!(server.requests(), 6, "{answer:?}");
    }

    let server = Server::start([Reply::raw(&*open)]).await;
    let source = acme(builder(&server));
    assert_eq!(source.scrape().await.unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(
        source.exposition().await.unwrap_err().kind(),
        ErrorKind::Transport
    );
}

#[tokio::test]
async fn an_answer_without_samples_and_with_an_end_is_an_empty_snapshot() {
    let chunked = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{TEXT}\r\n0\r\n\r\n");
    let old = format!("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n{TEXT}\r\n");
    let open = format!("HTTP/1.1 200 OK\r\n{OPENMETRICS}\r\n# EOF\n");
    for reply in [
        Reply::metrics(""),
        Reply::metrics("# only a comment\n"),
        Reply::raw(chunked),
        Reply::raw(old),
        Reply::raw(open),
    ] {
        let server = Server::start([reply]).await;
        let source = acme(builder(&server));
        let snapshot = source.scrape().await.unwrap();
        assert!(snapshot.streams().is_empty());
        assert_eq!(snapshot.anomalies()[0].kind(), AnomalyKind::Empty);
        assert!(source.exposition().await.is_ok());
    }
}

#[tokio::test]
async fn oddities_are_listed() {
    let unknown = SAMPLE.replace("HIGH", "EXTREME");
    for (body, kind) in [
        (String::new(), AnomalyKind::Empty),
        (format!("{BODY}{unknown}1\n"), AnomalyKind::UnknownSeverity),
        (format!("{BODY}up 1\n"), AnomalyKind::UnknownFamily),
        (
            format!("{SAMPLE}1\n{SAMPLE}2\n"),
            AnomalyKind::DuplicateSample,
        ),
        (
            "scout_stream_vulnerabilities{severity=\"HIGH\"} 1\n".to_owned(),
            AnomalyKind::MissingLabel,
        ),
    ] {
        let server = Server::start([Reply::metrics(&body)]).await;
        let source = acme(builder(&server));
        let snapshot = source.scrape().await.unwrap();
        assert!(
            snapshot
                .anomalies()
                .iter()
                .any(|anomaly| anomaly.kind() == kind),
            "{body}: {snapshot:?}"
        );
        let error = source
            .with_anomalies_as_errors(true)
            .scrape()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Anomaly);
    }
}

#[tokio::test]
async fn mode_and_limits_are_those_of_the_reader() {
    let server = Server::start([Reply::metrics(format!("{SAMPLE}1\n{SAMPLE}2"))]).await;
    let source = acme(builder(&server));
    assert!(source.scrape().await.is_ok());
    let error = source
        .clone()
        .with_mode(Mode::Strict)
        .scrape()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    let limits = Limits::default().with_samples(1);
    let error = source.with_limits(limits).scrape().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
}

#[tokio::test]
async fn an_error_that_quotes_the_token_is_redacted() {
    let body = format!("{BODY}{TOKEN} is not a sample {TOKEN}\n");
    let server = Server::start([Reply::metrics(&body)]).await;
    let error = acme(builder(&server)).scrape().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(
        error.message(),
        "cannot read the exposition as prometheus-text-0.0.4"
    );
    let cause = error.source().unwrap();
    assert!(cause.to_string().contains("line 3"), "{cause}");
    assert!(!format!("{error:?}").contains(TOKEN));
    let excerpt = body.replace(TOKEN, "<redacted>");
    assert_eq!(error.body(), Some(&*excerpt));
}

#[tokio::test]
async fn a_large_exposition_is_read_as_it_comes() {
    let lines = (0..50_000).map(|i| {
        format!(
            "{}1\n",
            SAMPLE.replace("production", &format!("stream-{i}"))
        )
    });
    let body: String = lines.collect();
    assert!(body.len() > 3_000_000);
    let server = Server::start([Reply::metrics(&body)]).await;
    let snapshot = acme(builder(&server).with_timeout(2 * LONG))
        .scrape()
        .await
        .unwrap();
    assert_eq!(snapshot.streams().len(), 50_000);
}
