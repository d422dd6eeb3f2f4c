//! The token in the requests, and what is refused before anything is sent.

use std::{fs, path::Path, time::Duration};

use scout_metrics_core::{Error, ErrorKind};
use scout_metrics_http::{ScoutClient, ScoutSource};
use tokio::time::sleep;

use crate::{
    BODY, TOKEN, acme, builder,
    support::{Reply, Server},
};

fn with_file(server: &Server, path: &Path) -> ScoutSource {
    acme(builder(server).with_token_file(path))
}

/// The error with its sources, of which only the first text may be shown to other people.
fn chain(error: &Error) -> String {
    error.chain().to_string()
}

fn tokens(server: &Server) -> Vec<String> {
    let requests = server.log().requests;
    let token = |header: Option<&str>| header.unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    requests
        .iter()
        .map(|request| token(request.header("authorization")))
        .collect()
}

#[tokio::test]
async fn a_file_is_read_again_for_each_fetch() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let server = Server::start([Reply::metrics(BODY)]).await;
    let source = with_file(&server, &path);

    fs::write(&path, "first\n").unwrap();
    source.exposition().await.unwrap();
    fs::write(&path, "\u{feff} second \r\n\r\n").unwrap();
    source.exposition().await.unwrap();
    let other = directory.path().join("other");
    fs::write(&other, "third").unwrap();
    fs::rename(&other, &path).unwrap();
    source.exposition().await.unwrap();
    fs::remove_file(&path).unwrap();
    source.exposition().await.unwrap();
    assert_eq!(tokens(&server), ["first", "second", "third", "third"]);
}

#[tokio::test]
async fn a_file_without_a_usable_token_is_named_and_nothing_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let server = Server::start([Reply::metrics(BODY)]).await;
    let several = "has several lines: write the access token there, on one line, and nothing else";
    let control = "contains a control character: write the access token again, as plain text";
    for (content, fault) in [
        (&b""[..], "is empty: write an access token there"),
        (b"\r\n\n ", "is empty: write an access token there"),
        (b"s3cr3t\r\nX-Evil: s3cr3t", several),
        (b"s3cr3t\ns3cr3t", several),
        (b"s3cr3t\0", control),
        (
            "s3cr3té".as_bytes(),
            "is not plain ASCII: copy the access token again",
        ),
        (
            b"s3cr3t\xff",
            "is not plain ASCII: copy the access token again",
        ),
        (
            b"\xff\xfes\x003\0",
            "is encoded as UTF-16: save it as UTF-8 or ASCII",
        ),
        (
            b"Bearer s3cr3t",
            "contains a space: give the access token alone, without `Bearer` and without a name",
        ),
        (
            &[b'x'; 65537],
            "is longer than 65536 bytes: write the access token there, and nothing else",
        ),
    ] {
        fs::write(&path, content).unwrap();
        let error = with_file(&server, &path).exposition().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            chain(&error),
            format!(
                "organization `acme`: cannot use the token file: `{}` {fault}",
                path.display()
            )
        );
        assert!(!format!("{error:?}").contains("s3cr3t"));
    }
    let message = |path: &Path| {
        let source = with_file(&server, path);
        async move { chain(&source.exposition().await.unwrap_err()) }
    };
    let missing = directory.path().join("missing");
    assert_eq!(
        message(&missing).await,
        format!(
            "organization `acme`: cannot use the token file: no such file `{}`: create it, or correct the path",
            missing.display()
        )
    );
    assert_eq!(
        message(directory.path()).await,
        format!(
            "organization `acme`: cannot use the token file: `{}` is a directory, not a regular file",
            directory.path().display()
        )
    );
    assert_eq!(server.log().connections, 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_named_pipe_is_refused_and_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    let server = Server::start([Reply::metrics(BODY)]).await;
    for path in [path.as_path(), Path::new("/dev/zero")] {
        let error = with_file(&server, path).exposition().await.unwrap_err();
        assert_eq!(
            chain(&error),
            format!(
                "organization `acme`: cannot use the token file: `{}` is a pipe or device, not a regular file",
                path.display()
            )
        );
    }
}

#[tokio::test]
async fn a_refused_token_is_tried_once_more_if_the_file_has_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let refusal = Reply::status("401 Unauthorized", "", "");
    let slow = Reply::nothing()
        .then_wait(Duration::from_millis(200))
        .then("HTTP/1.1 401 No\r\n\r\n");
    for (last, works) in [(Reply::metrics(BODY), true), (refusal, false)] {
        fs::write(&path, "revoked").unwrap();
        let server = Server::start([slow.clone(), last]).await;
        let source = with_file(&server, &path);
        let fetch = tokio::spawn(async move { source.exposition().await });
        while server.requests() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        fs::write(&path, "renewed").unwrap();
        assert_eq!(fetch.await.unwrap().is_ok(), works);
        assert_eq!(tokens(&server), ["revoked", "renewed"]);
    }
}

#[tokio::test]
async fn a_revoked_token_is_sent_once_per_fetch() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    fs::write(&path, TOKEN).unwrap();
    let refusal = Reply::status("401 Unauthorized", "", "");
    let server = Server::start([Reply::metrics(BODY), refusal]).await;
    let source = with_file(&server, &path);
    source.exposition().await.unwrap();
    for requests in 2..5 {
        let error = source.exposition().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert!(!error.is_retryable());
        assert_eq!(
            chain(&error),
            format!(
                "organization `acme`: the token from the token file was refused (HTTP 401): check that it is \
                 complete, not expired and not revoked: the token file is `{}`",
                path.display()
            )
        );
        assert_eq!(server.requests(), requests);
    }
}

#[test]
fn options_that_cannot_be_used_are_refused_by_name() {
    let message = |builder: scout_metrics_http::ScoutClientBuilder| {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    };
    let builder = || ScoutClient::builder().with_token(TOKEN);
    assert_eq!(
        message(ScoutClient::builder()),
        "no token: call `with_token_file`, `with_token` or `with_token_from_env` on the builder"
    );
    assert_eq!(
        message(builder().with_token(" \n")),
        "the token given to `with_token` is empty: write an access token there"
    );
    assert_eq!(
        message(builder().with_base_url("http://scout.example")),
        "cannot use the base URL: `http` to another machine exposes the token on the network; use `https`"
    );
    assert_eq!(
        message(builder().with_path_template("/metrics")),
        "cannot use the path: it does not contain `{org}`, which is replaced by the organization, exactly once"
    );
    assert_eq!(
        message(builder().with_timeout(Duration::ZERO)),
        "the timeout is zero: call `with_timeout` or `with_connect_timeout` with a longer one"
    );
    assert_eq!(
        message(builder().with_body_limit(0)),
        "the limit of `with_body_limit` is zero"
    );
    assert_eq!(
        message(builder().with_max_attempts(0)),
        "the number of `with_max_attempts` is zero, expected at least one"
    );
    let insecure = builder()
        .with_base_url("http://scout.example")
        .with_allow_insecure_http(true);
    assert!(insecure.build().is_ok());
    let patient = builder()
        .with_base_url("http://localhost")
        .with_timeout(Duration::MAX);
    assert!(patient.build().is_ok());
}

#[tokio::test]
async fn the_token_is_checked_without_a_request() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let server = Server::start([Reply::metrics(BODY)]).await;
    let client = builder(&server).with_token_file(&path).build().unwrap();
    let error = client.check_token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.to_string(), "cannot use the token file");
    assert!(chain(&error).contains(&*path.to_string_lossy()));
    fs::write(&path, TOKEN).unwrap();
    client.check_token().await.unwrap();
    assert!(
        builder(&server)
            .build()
            .unwrap()
            .check_token()
            .await
            .is_ok()
    );
    assert_eq!(server.log().connections, 0);
}

#[tokio::test]
async fn several_organizations_share_a_client() {
    let server = Server::start([Reply::metrics(BODY)]).await;
    let client = builder(&server).build().unwrap();
    let answers = client
        .organizations(["acme", "apex"])
        .unwrap()
        .scrape_all()
        .await;
    assert_eq!(server.requests(), 2);
    for (_, answer) in answers {
        assert_eq!(answer.unwrap().streams().len(), 1);
    }
    for names in [["acme", "acme"], ["acme", "../x"]] {
        let error = client.organizations(names).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

#[test]
fn an_organization_is_never_another_path() {
    let builder = ScoutClient::builder().with_token(TOKEN);
    let client = builder.with_base_url("http://localhost").build().unwrap();
    for name in [
        "",
        "a/b",
        "../../../admin",
        "%2e%2e",
        "a?b",
        "a#b",
        "a\r\nb",
        "a@b",
    ] {
        let error = client.organization(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn the_old_path_and_a_prefix_are_options() {
    let server = Server::start([Reply::metrics(BODY)]).await;
    let builder = builder(&server)
        .with_base_url(format!("{}/gateway/", server.url()))
        .with_path_template("/v1/exporter/org/{org}");
    acme(builder).exposition().await.unwrap();
    let request = &server.log().requests[0];
    let line = "GET /gateway/v1/exporter/org/acme HTTP/1.1\r\n";
    assert!(request.head.starts_with(line), "{}", request.head);
}
