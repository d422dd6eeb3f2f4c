//! The contract of every source.

use std::time::Duration;

use scout_metrics_core::{ErrorKind, MetricsSourceExt, conformance};

use crate::{
    BODY, TOKEN, acme, builder,
    support::{Reply, Server},
};

#[tokio::test]
async fn a_source_that_answers_keeps_the_contract() {
    let server = Server::start([Reply::metrics(BODY)]).await;
    let source = acme(builder(&server));
    conformance::check(&source).await;
    conformance::check_secret(&source, TOKEN).await;
    let cached = source.clone().cached(Duration::from_secs(3600));
    conformance::check(&cached).await;
    conformance::check_wrapper(&cached, &source);
}

#[tokio::test]
async fn a_source_that_fails_keeps_the_contract() {
    for (reply, kind) in [
        (
            Reply::status("401 Unauthorized", "", TOKEN),
            ErrorKind::Unauthorized,
        ),
        (
            Reply::status("403 Forbidden", "", TOKEN),
            ErrorKind::Forbidden,
        ),
        (
            Reply::status("503 Service Unavailable", "", TOKEN),
            ErrorKind::Unavailable,
        ),
        (Reply::status("302 Found", "", TOKEN), ErrorKind::Redirect),
        (Reply::metrics(format!("<p>{TOKEN}")), ErrorKind::NotMetrics),
        (Reply::metrics(format!("{TOKEN}\n")), ErrorKind::Decode),
        (Reply::nothing(), ErrorKind::Transport),
    ] {
        let server = Server::start([reply]).await;
        let source = acme(builder(&server));
        conformance::check_failing(&source, kind).await;
        conformance::check_secret(&source, TOKEN).await;
    }
}
