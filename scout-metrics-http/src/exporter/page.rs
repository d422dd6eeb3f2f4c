//! The page for people.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{OriginalUri, State},
    http::{
        HeaderMap, HeaderValue,
        header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY},
    },
    response::Response,
};

use scout_metrics_core::{Error, ErrorKind, Organization, Result, Severity, Snapshot, Stream};

use super::{
    compression::ContentCoding,
    error_response,
    paths::{DISCOVERY, METRICS, ORGANIZATIONS, link, link_prefix, metrics_of, snapshot_of},
    payload::Payload,
    response, scrape_timeout,
    state::ExporterState,
};
use crate::html::{Age, percentage};

/// Allows only the style in the page. If a name were ever interpreted as markup, it could not load or run anything.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The maximum number of streams of an organization that are shown: more than anybody reads, and a page that browsers
/// can show. Each request has its own page, so the size of the page bounds the memory that slow readers use.
const MAX_STREAMS: usize = 500;

/// The maximum number of policies of a stream that are shown.
const MAX_POLICIES: usize = 100;

/// The maximum number of anomalies of an organization that are shown. A new family may have thousands, all alike.
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

/// One organization on the page.
struct View<'a> {
    name: &'a str,
    is_up: bool,
    /// The age of the last good snapshot, even if it is no longer served.
    age: Option<Age>,
    metrics: String,
    snapshot: String,
    content: std::result::Result<Content<'a>, String>,
}

struct Content<'a> {
    age: Age,
    streams: &'a [Stream],
    /// The number of streams that are not shown.
    hidden: usize,
    anomaly_count: usize,
    /// The first ones.
    anomalies: Vec<&'a str>,
}

/// Answers with the page.
pub(super) async fn page(
    State(state): State<Arc<ExporterState>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let answers = state.scrape_all(scrape_timeout::limit(&headers)).await;
    let coding = ContentCoding::negotiate(&headers);
    let workers = state.workers.clone();
    let render = move || {
        let payload = render(&state, &link_prefix(&uri), &answers)?;
        Ok(payload.encoded(coding))
    };
    match workers.run(render).await {
        Ok(payload) => respond(payload),
        Err(error) => error_response::of_bug(&error),
    }
}

fn render(
    state: &ExporterState,
    links: &str,
    answers: &BTreeMap<Organization, Result<Snapshot>>,
) -> Result<Payload> {
    let views = answers
        .iter()
        .map(|(organization, answer)| view(state, links, organization, answer));
    let overview = Overview {
        organizations: views.collect(),
        severities: Severity::ALL,
        metrics: link(links, METRICS),
        list: link(links, ORGANIZATIONS),
        discovery: link(links, DISCOVERY),
        version: env!("CARGO_PKG_VERSION"),
    };
    let html = overview.render().map_err(|error| {
        Error::new(ErrorKind::Other, "the page cannot be rendered").with_source(error)
    })?;
    Ok(Payload::new("text/html; charset=utf-8", html))
}

fn view<'a>(
    state: &ExporterState,
    links: &str,
    organization: &'a Organization,
    answer: &'a Result<Snapshot>,
) -> View<'a> {
    let fetches = state.own_metrics.fetches_of(organization);
    View {
        name: organization.as_str(),
        is_up: fetches.is_up,
        age: fetches.age().map(Age),
        metrics: link(links, metrics_of(organization)),
        snapshot: link(links, snapshot_of(organization)),
        content: answer.as_ref().map(content).map_err(error_response::reason),
    }
}

fn content(snapshot: &Snapshot) -> Content<'_> {
    let anomalies = snapshot.anomalies();
    let shown_anomalies = anomalies.iter().take(MAX_ANOMALIES);
    let streams = snapshot.streams();
    let shown = streams.len().min(MAX_STREAMS);
    Content {
        age: Age(snapshot.age()),
        streams: &streams[..shown],
        hidden: streams.len() - shown,
        anomaly_count: anomalies.len(),
        anomalies: shown_anomalies.map(|anomaly| anomaly.message()).collect(),
    }
}

fn counts(stream: &Stream) -> [Option<u64>; Severity::ALL.len()] {
    Severity::ALL.map(|severity| stream.vulnerabilities().get(severity))
}

fn respond(payload: Payload) -> Response {
    let mut response = response::of_now(payload);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
