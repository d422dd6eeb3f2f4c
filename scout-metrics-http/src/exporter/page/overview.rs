//! The page of all organizations.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, Uri},
    response::Response,
};

use scout_metrics_core::Organization;

use super::{
    super::{
        paths::{DISCOVERY, METRICS, ORGANIZATIONS, PROMETHEUS, link, link_prefix},
        state::ExporterState,
    },
    board::Board,
    head::{self, Head},
    list::List,
    message,
    pasts::{Entry, Pasts},
    query::Query,
    respond,
    tile::Tile,
};
use crate::html::plural;

/// The number of organizations that are always shown; the others can be unfolded.
const SHOWN_TILES: usize = 6;

#[derive(Template)]
#[template(path = "page/overview.html")]
struct Overview<'a> {
    head: Head,
    /// The worst organizations.
    tiles: Vec<Tile>,
    more_tiles: Vec<Tile>,
    list: List<'a>,
    metrics: String,
    organizations: String,
    discovery: String,
    prometheus: String,
}

/// Answers with the page of all organizations.
pub(in crate::exporter) async fn overview(
    State(state): State<Arc<ExporterState>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let root = link_prefix(&uri);
    let query = match Query::parse(uri.query()) {
        Ok(query) => query,
        Err(reason) => return message::bad_query(&root, &reason),
    };
    let answers = state.scrape_all(state.patience(&headers)).await;
    let snapshots = answers.values().filter_map(|answer| answer.as_ref().ok());
    let entries = state.pasts.of(snapshots).await;
    let workers = state.workers.clone();
    let render = move || {
        let board = Board::new(&state, &answers, &entries);
        Some(view(&state, &uri, query, &board, &entries).render())
    };
    let page = respond(&workers, &headers, render).await;
    page.unwrap_or_else(|| message::no_organization(&root))
}

fn view<'a>(
    state: &ExporterState,
    uri: &Uri,
    query: Query,
    board: &'a Board<'a>,
    entries: &BTreeMap<Organization, Entry>,
) -> Overview<'a> {
    let root = link_prefix(uri);
    let streams = board.streams();
    let summary = board.summary(&streams);
    let mut tiles: Vec<Tile> = board
        .organizations
        .iter()
        .map(|known| Tile::new(known, &root))
        .collect();
    let more_tiles = tiles.split_off(SHOWN_TILES.min(tiles.len()));
    let glance = summary.glance();
    Overview {
        head: Head {
            title: format!("{} · Docker Scout", glance.word()),
            glance,
            sentence: summary.sentence(),
            freshness: head::freshness(board),
            no_past: no_past(&state.pasts, entries),
            refresh: head::refresh(board, entries.values().any(Entry::is_loading)),
            root: root.clone(),
        },
        tiles,
        more_tiles,
        list: List::new(&streams, query, &root),
        metrics: link(&root, METRICS),
        organizations: link(&root, ORGANIZATIONS),
        discovery: link(&root, DISCOVERY),
        prometheus: link(&root, PROMETHEUS),
    }
}

/// Returns why changes and trends are missing, if they are.
pub(super) fn no_past(pasts: &Pasts, entries: &BTreeMap<Organization, Entry>) -> Option<String> {
    if !pasts.has_history() {
        return Some(
            "Changes and trends are missing: the exporter keeps no history. The exporter program keeps one with --state-dir."
                .to_owned(),
        );
    }
    let failed = entries
        .iter()
        .find_map(|(name, entry)| Some((name, entry.failure.as_ref()?)));
    if let Some((name, reason)) = failed {
        return Some(format!(
            "Changes and trends may be missing or out of date: the history of {name} cannot be read, {reason}. \
             The exporter tries again after a minute."
        ));
    }
    let is_loading = entries.values().any(Entry::is_loading);
    is_loading.then(|| "Changes and trends are being read from the history.".to_owned())
}
