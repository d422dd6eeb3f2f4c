//! The client against a server that misbehaves in the ways that networks know.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

mod answers;
mod conformance;
mod credentials;
mod own_client;
#[cfg(feature = "prometheus-api")]
mod prometheus_api;
#[cfg(feature = "rustls")]
mod proxy;
#[cfg(feature = "remote-write")]
mod remote_write;
mod retries;
mod scrape;
mod secrets;
#[path = "../support/mod.rs"]
mod support;
#[cfg(feature = "rustls")]
mod tls;

use std::time::{Duration, Instant};

use scout_metrics_core::{Error, ErrorKind};
use scout_metrics_http::{ScoutClient, ScoutClientBuilder, ScoutSource};
use tokio::task::JoinSet;

use support::{Reply, Server};

const TOKEN: &str = "dckr_pat_v3ry-s3cr3t_0123456789";

const BODY: &str = "\
# TYPE scout_stream_vulnerabilities gauge
scout_stream_vulnerabilities{streamName=\"production\",severity=\"CRITICAL\"} 5
";

/// Short enough to wait for, where a timeout is what is tested.
const SHORT: Duration = Duration::from_millis(300);

/// Longer than any step takes on a busy machine.
const LONG: Duration = Duration::from_secs(20);

fn builder(server: &Server) -> ScoutClientBuilder {
    secrets::logged();
    ScoutClient::builder()
        .with_token(TOKEN)
        .with_base_url(server.url())
        .with_timeout(LONG)
        .with_backoff(Duration::from_millis(10))
}

fn acme(builder: ScoutClientBuilder) -> ScoutSource {
    builder.build().unwrap().organization("acme").unwrap()
}

/// One behaviour of the server, and what the user gets.
struct Case {
    name: &'static str,
    script: Vec<Reply>,
    want: Want,
    requests: usize,
    timeout: Duration,
}

enum Want {
    Body(&'static str),
    /// The kind and the message after the organization, with `{server}` for the server's URL.
    Error(ErrorKind, &'static str),
}

impl Case {
    fn fails(name: &'static str, reply: Reply, kind: ErrorKind, message: &'static str) -> Self {
        Self {
            name,
            script: vec![reply],
            want: Want::Error(kind, message),
            requests: 1,
            timeout: LONG,
        }
    }

    fn works(name: &'static str, reply: Reply) -> Self {
        Self {
            name,
            script: vec![reply],
            want: Want::Body(BODY),
            requests: 1,
            timeout: LONG,
        }
    }

    fn after_requests(mut self, requests: usize) -> Self {
        self.requests = requests;
        self
    }

    fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Plays the case, and returns how the result differs from the expected one.
    async fn play(self) -> Result<(), String> {
        let server = Server::start(self.script).await;
        let start = Instant::now();
        let got = acme(builder(&server).with_timeout(self.timeout))
            .exposition()
            .await;
        let name = self.name;
        match (&self.want, &got) {
            (Want::Body(want), Ok(exposition)) if exposition.body() == want => {}
            (Want::Error(kind, message), Err(error)) => {
                let message = message.replace("{server}", &server.url());
                let want = (*kind, format!("organization `acme`: {message}"));
                let got = (error.kind(), error.to_string());
                if got != want {
                    return Err(format!(
                        "{name}:\n  got  {got:?}\n  want {want:?}\n  {error:?}"
                    ));
                }
            }
            _ => return Err(format!("{name}: {got:?}")),
        }
        if let Some(leak) = leak_in(&got) {
            return Err(format!("{name} shows the token: {leak}"));
        }
        if server.requests() != self.requests {
            return Err(format!("{name}: {} requests", server.requests()));
        }
        if start.elapsed() > self.timeout + LONG {
            return Err(format!("{name} took {:?}", start.elapsed()));
        }
        Ok(())
    }
}

/// Plays cases concurrently.
async fn play(cases: impl IntoIterator<Item = Case>) {
    let mut running: JoinSet<_> = cases.into_iter().map(Case::play).collect();
    let mut faults = Vec::new();
    while let Some(result) = running.join_next().await {
        faults.extend(result.unwrap().err());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Returns a text of an error that shows the token, and checks that none is long.
fn leak_in<T>(result: &Result<T, Error>) -> Option<String> {
    let error = result.as_ref().err()?;
    let texts = texts_of(error);
    assert!(texts.iter().all(|text| text.len() < 20_000));
    texts.into_iter().find(|text| text.contains(TOKEN))
}

/// Everything that an error can be made to show.
fn texts_of(error: &Error) -> Vec<String> {
    let mut texts = vec![
        format!("{error:?}"),
        error.body().unwrap_or_default().to_owned(),
    ];
    let mut level: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = level {
        texts.push(format!("{error} {error:?} {error:#?}"));
        level = error.source();
    }
    texts
}
