//! The page for people: what there is, how old it is, and where to find it.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use askama::Template;
use axum::{
    extract::{OriginalUri, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY},
    },
    response::{IntoResponse, Response},
};
use tokio::task::spawn_blocking;

use scout_metrics_core::{Organization, PolicyResult, Result, Severity, Snapshot, Stream};

use super::{
    body::Body,
    coding::Coding,
    endpoint::Endpoint,
    failure,
    fresh::{Rounded, age},
    paths::{self, DISCOVERY, METRICS, ORGANIZATIONS, PAGE, metrics_of, snapshot_of},
    respond,
};

/// Nothing but the style in the page: should a name ever get out of its place, it can do nothing there.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The most streams of an organization that are shown: more than anybody reads, and a page that browsers can show. Each
/// request gets a page of its own, so its size bounds what readers who do not read can use up.
const MAX_STREAMS: usize = 500;

/// The most anomalies of an organization that are shown. A family that is new may have thousands, all alike.
const MAX_ANOMALIES: usize = 100;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview<'a> {
    organizations: Vec<View<'a>>,
    severities: [Severity; Severity::ALL.len()],
    metrics: String,
    list: String,
    discovery: String,
    version: &'static str,
}

/// One organization as the page shows it.
struct View<'a> {
    name: &'a str,
    is_up: bool,
    /// How old the last good snapshot is, be it served or not.
    age: Option<Rounded>,
    metrics: String,
    snapshot: String,
    content: std::result::Result<Content<'a>, String>,
}

struct Content<'a> {
    age: Rounded,
    streams: &'a [Stream],
    /// How many streams are not shown.
    further: usize,
    anomaly_count: usize,
    /// The first ones.
    anomalies: Vec<&'a str>,
}

/// Answers with the page.
pub(super) async fn page(
    State(endpoint): State<Arc<Endpoint>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let answers = endpoint.scrape_all(None).await;
    let coding = Coding::negotiate(&headers);
    let write = move || write(&endpoint, paths::base(&uri, PAGE), &answers);
    // Away from the threads that serve, because a page may be long.
    let body = spawn_blocking(move || write().map(|body| body.encoded(coding))).await;
    match body.map_err(askama::Error::custom).and_then(|body| body) {
        Ok(body) => response(body),
        Err(error) => {
            tracing::error!(%error, "cannot write the page");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn write(
    endpoint: &Endpoint,
    base: &str,
    answers: &BTreeMap<Organization, Result<Snapshot>>,
) -> askama::Result<Body> {
    let views = answers
        .iter()
        .map(|(organization, answer)| view(endpoint, base, organization, answer));
    let overview = Overview {
        organizations: views.collect(),
        severities: Severity::ALL,
        metrics: format!("{base}{METRICS}"),
        list: format!("{base}{ORGANIZATIONS}"),
        discovery: format!("{base}{DISCOVERY}"),
        version: env!("CARGO_PKG_VERSION"),
    };
    Ok(Body::new("text/html; charset=utf-8", overview.render()?))
}

fn view<'a>(
    endpoint: &Endpoint,
    base: &str,
    organization: &'a Organization,
    answer: &'a Result<Snapshot>,
) -> View<'a> {
    let fetches = endpoint.telemetry().fetches_of(organization);
    View {
        name: organization.as_str(),
        is_up: fetches.is_up(),
        age: fetches.age(SystemTime::now()).map(Rounded),
        metrics: format!("{base}{}", metrics_of(organization)),
        snapshot: format!("{base}{}", snapshot_of(organization)),
        content: answer.as_ref().map(content).map_err(failure::reason),
    }
}

fn content(snapshot: &Snapshot) -> Content<'_> {
    let anomalies = snapshot.anomalies();
    let shown_anomalies = anomalies.iter().take(MAX_ANOMALIES);
    let streams = snapshot.streams();
    let shown = streams.len().min(MAX_STREAMS);
    Content {
        age: Rounded(age(snapshot)),
        streams: &streams[..shown],
        further: streams.len() - shown,
        anomaly_count: anomalies.len(),
        anomalies: shown_anomalies.map(|anomaly| anomaly.message()).collect(),
    }
}

fn counts(stream: &Stream) -> [Option<u64>; Severity::ALL.len()] {
    Severity::ALL.map(|severity| stream.vulnerabilities().get(severity))
}

/// Returns the share of compliant images for people; never 100 % while one image is missing.
fn percentage(result: &PolicyResult) -> Option<String> {
    let ratio = result.ratio()?;
    Some(format!("{} %", (ratio * 100.0).floor()))
}

fn response(body: Body) -> Response {
    let mut response = respond::of_now(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
