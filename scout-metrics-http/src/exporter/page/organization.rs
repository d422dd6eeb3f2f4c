//! The page of an organization.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{OriginalUri, State},
    http::HeaderMap,
    response::Response,
};

use scout_metrics_core::{
    Organization, Result, Severity, Snapshot,
    chart::{LineChart, Series},
};

use super::{
    super::{
        metrics::OrganizationPath,
        paths::{link, metrics_of, prometheus_of, snapshot_of},
        state::ExporterState,
    },
    board::{Board, Good, Known},
    head::{self, Head},
    list::List,
    message,
    overview::no_past,
    past::{DAYS, Past},
    pasts::Entry,
    policies::Policies,
    query::Query,
    respond,
    tile::Tile,
};
use crate::html::{plural, sentence};

/// The start of links to the root on this page.
const ROOT: &str = "../";

/// The maximum number of changes that are shown.
const MAX_CHANGES: usize = 10;

/// The maximum number of anomalies that are shown. A new family may have thousands, all alike.
const MAX_ANOMALIES: usize = 50;

/// The maximum number of rows of the table of a chart.
pub(super) const MAX_ROWS: usize = 31;

#[derive(Template)]
#[template(path = "page/organization.html")]
struct OrganizationPage<'a> {
    head: Head,
    tile: Tile,
    list: List<'a>,
    policies: Policies<'a>,
    changes: Option<Vec<String>>,
    hidden_changes: usize,
    chart: Option<LineChart>,
    anomalies: Vec<String>,
    hidden_anomalies: usize,
    is_known: bool,
    metrics: String,
    snapshot: String,
    prometheus: String,
    name: String,
}

/// Answers with the page of an organization.
pub(in crate::exporter) async fn organization(
    State(state): State<Arc<ExporterState>>,
    OriginalUri(uri): OriginalUri,
    path: OrganizationPath,
    headers: HeaderMap,
) -> Response {
    let query = match Query::parse(uri.query()) {
        Ok(query) => query,
        Err(reason) => return message::bad_query(ROOT, &reason),
    };
    let name = path.map(|path| path.0.org).ok();
    let Some((answers, entries)) = scrape(&state, &headers, name.as_ref()).await else {
        return message::no_organization(ROOT);
    };
    let workers = state.workers.clone();
    let render = move || {
        let board = Board::new(&state, &answers, &entries);
        let known = board.organizations.first()?;
        Some(view(&state, &board, known, query, &entries).render())
    };
    let page = respond(&workers, &headers, render).await;
    page.unwrap_or_else(|| message::no_organization(ROOT))
}

/// The answer of an organization and what is known about its past.
type Scraped = (
    BTreeMap<Organization, Result<Snapshot>>,
    BTreeMap<Organization, Entry>,
);

/// Scrapes an organization, if there is a source of it.
pub(super) async fn scrape(
    state: &ExporterState,
    headers: &HeaderMap,
    name: Option<&Organization>,
) -> Option<Scraped> {
    let name = name?;
    let served = state.organization(name)?;
    let answer = state.scrape(name, served, state.patience(headers)).await;
    let entries = state.pasts.of(answer.as_ref().ok().into_iter()).await;
    Some((BTreeMap::from([(name.clone(), answer)]), entries))
}

fn view<'a>(
    state: &ExporterState,
    board: &'a Board<'a>,
    known: &'a Known<'a>,
    query: Query,
    entries: &BTreeMap<Organization, Entry>,
) -> OrganizationPage<'a> {
    let streams = known.streams();
    let summary = board.summary(&streams);
    let glance = summary.glance();
    let good = known.good();
    let (changes, hidden_changes) = changes(good, known.past.as_deref());
    let anomalies = good.map_or(&[][..], |good| good.snapshot.anomalies());
    let shown_anomalies = anomalies.iter().take(MAX_ANOMALIES);
    OrganizationPage {
        head: Head {
            title: format!("{}: {} · Docker Scout", known.name, glance.word()),
            glance,
            sentence: summary.sentence(),
            freshness: head::freshness(board),
            no_past: no_past(&state.pasts, entries),
            refresh: head::refresh(board, entries.values().any(Entry::is_loading)),
            root: ROOT.to_owned(),
        },
        tile: Tile::new(known, ROOT),
        list: List::new(&streams, query, ROOT),
        policies: Policies::of_streams(&streams, ROOT),
        changes,
        hidden_changes,
        chart: known.past.as_deref().and_then(chart),
        anomalies: shown_anomalies
            .map(|anomaly| sentence(anomaly.message()))
            .collect(),
        hidden_anomalies: anomalies.len().saturating_sub(MAX_ANOMALIES),
        is_known: good.is_some(),
        metrics: link(ROOT, metrics_of(known.name)),
        snapshot: link(ROOT, snapshot_of(known.name)),
        prometheus: link(ROOT, prometheus_of(known.name)),
        name: known.name.to_string(),
    }
}

/// Returns the most important changes since yesterday as sentences, and how many there are more. Returns `None` if
/// yesterday is not known.
fn changes(good: Option<&Good<'_>>, past: Option<&Past>) -> (Option<Vec<String>>, usize) {
    let yesterday = past.and_then(Past::yesterday);
    let Some((good, yesterday)) = good.zip(yesterday) else {
        return (None, 0);
    };
    let mut changes = good.snapshot.changes_since(yesterday);
    changes.sort_by_cached_key(|change| std::cmp::Reverse(change.weight()));
    let hidden = changes.len().saturating_sub(MAX_CHANGES);
    let shown = changes.iter().take(MAX_CHANGES);
    let sentences = shown.map(|change| sentence(&change.sentence().to_string()));
    (Some(sentences.collect()), hidden)
}

/// Returns the sums of critical and high vulnerabilities over time, if there are several.
fn chart(past: &Past) -> Option<LineChart> {
    let totals = past.totals();
    if totals.iter().flatten().count() < 2 {
        return None;
    }
    let times = (0..DAYS).map(|day| past.time(day));
    let chart = LineChart::new("Critical and high vulnerabilities", times).with_size(720, 220);
    let shown = [Severity::Critical, Severity::High];
    Some(shown.into_iter().fold(chart, |chart, severity| {
        let values = totals.iter().map(|totals| totals.as_ref()?.get(severity));
        chart.with_series(Series::of_severity(severity, values))
    }))
}
