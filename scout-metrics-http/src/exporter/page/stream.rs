//! The page of a stream.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::HeaderMap,
    response::Response,
};
use serde::Deserialize;

use scout_metrics_core::{
    Anomaly, Organization, Severity, Snapshot, Stream, StreamName,
    chart::{LineChart, Series, SeverityBar},
};

use super::{
    super::{
        paths::{link, metrics_of, page_of, snapshot_of},
        state::ExporterState,
    },
    board::{Board, Earlier, Known, Listed, Summary},
    card::Changes,
    glance::Glance,
    head::{self, Head},
    links, message,
    organization::{MAX_ROWS, scrape},
    overview::no_past,
    past::{DAYS, Past, StreamPast},
    pasts::Entry,
    policies::Policies,
    respond,
    tile::Tile,
};
use crate::html::{Headline, Level, Name, failing, plain, plural, sentence, word};

/// The start of links to the root on this page.
const ROOT: &str = "../../../";

/// The maximum number of changes that are shown.
const MAX_CHANGES: usize = 20;

/// The maximum number of anomalies that are shown.
const MAX_ANOMALIES: usize = 20;

#[derive(Deserialize)]
pub(in crate::exporter) struct Parameters {
    org: Organization,
    stream: String,
}

type StreamPath = std::result::Result<Path<Parameters>, PathRejection>;

#[derive(Template)]
#[template(path = "page/stream.html")]
struct StreamPage<'a> {
    head: Head,
    organization: String,
    organization_link: String,
    tile: Tile,
    stream: Option<Content<'a>>,
    metrics: String,
    snapshot: String,
}

/// The contents of the page of a stream.
struct Content<'a> {
    name: Name<'a>,
    class: &'static str,
    headline: Headline,
    deltas: Option<Changes>,
    is_apart: bool,
    bar: SeverityBar,
    rows: Vec<Row<'a>>,
    chart: Option<LineChart>,
    policies: Policies<'a>,
    /// The changes since yesterday. `None` if yesterday is not known.
    changes: Option<Vec<String>>,
    anomalies: Vec<String>,
}

/// The counts of a severity now and earlier.
struct Row<'a> {
    class: &'static str,
    letter: char,
    name: Name<'a>,
    counts: [Option<u64>; 3],
}

/// Answers with the page of a stream.
pub(in crate::exporter) async fn stream(
    State(state): State<Arc<ExporterState>>,
    path: StreamPath,
    headers: HeaderMap,
) -> Response {
    let Ok(Path(Parameters { org, stream })) = path else {
        return message::no_organization(ROOT);
    };
    let Some((answers, entries)) = scrape(&state, &headers, Some(&org)).await else {
        return message::no_organization(ROOT);
    };
    let workers = state.workers.clone();
    let render = move || {
        let board = Board::new(&state, &answers, &entries);
        let known = board.organizations.first()?;
        let is_loading = entries.values().any(Entry::is_loading);
        let no_past = no_past(&state.pasts, &entries);
        Some(view(&board, known, &stream, is_loading, no_past)?.render())
    };
    let page = respond(&workers, &headers, render).await;
    page.unwrap_or_else(|| message::no_stream(ROOT))
}

/// Returns the page, or `None` if the snapshot has no such stream. Without a snapshot the page says why.
fn view<'a>(
    board: &'a Board<'a>,
    known: &'a Known<'a>,
    segment: &str,
    is_past_loading: bool,
    no_past: Option<String>,
) -> Option<StreamPage<'a>> {
    let streams = known.streams();
    let listed = match known.good() {
        None => None,
        Some(good) => {
            let found = links::find(good.snapshot, segment)?.name();
            streams.iter().find(|listed| listed.stream.name() == found)
        }
    };
    let shown = plain(listed.map_or(segment, |listed| listed.stream.name().as_str()));
    let summary = board.summary(listed.map_or(&[], std::slice::from_ref));
    let glance = glance(listed, &summary);
    Some(StreamPage {
        head: Head {
            title: format!("{shown}, {}: {} · Docker Scout", known.name, glance.word()),
            glance,
            sentence: summary_of(listed, &summary),
            freshness: head::freshness(board),
            no_past,
            refresh: head::refresh(board, is_past_loading),
            root: ROOT.to_owned(),
        },
        organization: known.name.to_string(),
        organization_link: link(ROOT, page_of(known.name)),
        tile: Tile::new(known, ROOT),
        stream: listed.map(|listed| Content::new(listed, known)),
        metrics: link(ROOT, metrics_of(known.name)),
        snapshot: link(ROOT, snapshot_of(known.name)),
    })
}

fn glance(listed: Option<&Listed<'_>>, summary: &Summary) -> Glance {
    match listed.map(|listed| listed.level) {
        Some(Level::Bad) => Glance::Bad,
        None | Some(Level::Unknown) => Glance::Unknown,
        Some(_) if summary.old > 0 => Glance::Unknown,
        Some(Level::Worse) => Glance::Worse,
        Some(Level::Warn) => Glance::Warn,
        Some(Level::Fine) => Glance::Fine,
    }
}

fn summary_of(listed: Option<&Listed<'_>>, summary: &Summary) -> String {
    let Some(listed) = listed else {
        return summary.sentence();
    };
    let mut text = listed.stream.vulnerabilities().to_string();
    let policies = summary_of_policies(listed.stream);
    if !policies.is_empty() {
        text = format!("{text}, {policies}");
    }
    if summary.old > 0 {
        text.push_str(", the data is old");
    }
    sentence(&text)
}

fn summary_of_policies(stream: &Stream) -> String {
    match (failing(stream).count(), stream.policies().len()) {
        (_, 0) => String::new(),
        (0, 1) => "the policy holds".to_owned(),
        (0, all) => format!("all {all} policies hold"),
        (failing, all) => format!("{failing} of {all} policies fail"),
    }
}

impl<'a> Content<'a> {
    fn new(listed: &Listed<'a>, known: &Known<'_>) -> Self {
        let stream = listed.stream;
        let past = known.past.as_deref();
        let counts = stream.vulnerabilities();
        Self {
            name: Name(stream.name().as_str()),
            class: listed.level.class(),
            headline: Headline::new(listed.level, stream),
            deltas: Changes::of(listed),
            is_apart: listed.is_apart,
            bar: SeverityBar::new(counts).decorative(),
            rows: rows(listed),
            chart: past.zip(listed.past).and_then(|(past, of)| chart(past, of)),
            policies: Policies::of_stream(listed),
            changes: changes(listed, known),
            anomalies: anomalies(known, stream.name()),
        }
    }
}

fn rows<'a>(listed: &Listed<'a>) -> Vec<Row<'a>> {
    let counts = listed.stream.vulnerabilities();
    let times = [
        Some(listed.stream),
        listed.yesterday.stream(),
        listed.last_week.stream(),
    ];
    let known = Severity::ALL.into_iter().map(|severity| Row {
        class: word(severity),
        letter: severity.letter(),
        name: Name(word(severity)),
        counts: times.map(|stream| stream?.vulnerabilities().get(severity)),
    });
    let unrecognized = counts.unrecognized().map(|(severity, count)| Row {
        class: "critical",
        letter: '!',
        name: Name(severity),
        counts: [Some(count), None, None],
    });
    known.chain(unrecognized).collect()
}

/// Returns the counts over time, if there are several.
fn chart(past: &Past, stream: &StreamPast) -> Option<LineChart> {
    if stream.days.iter().flatten().count() < 2 {
        return None;
    }
    let times = (0..DAYS).map(|day| past.time(day));
    let chart = LineChart::new("Vulnerabilities by severity", times).with_size(720, 260);
    let shown = Severity::ALL.into_iter().enumerate().take(4);
    Some(shown.fold(chart, |chart, (place, severity)| {
        let days = stream.days.iter();
        let values = days.map(|counts| counts.as_ref()?[place].map(u64::from));
        chart.with_series(Series::of_severity(severity, values))
    }))
}

/// Returns the changes since yesterday as sentences, the most important first.
fn changes(listed: &Listed<'_>, known: &Known<'_>) -> Option<Vec<String>> {
    let before = match listed.yesterday {
        Earlier::Absent => None,
        Earlier::Known(stream) => Some(stream.clone()),
        Earlier::Unknown => return None,
    };
    // Of snapshots that have no other streams.
    let snapshot = |streams: Option<Stream>| Snapshot::new(known.name.clone(), streams).ok();
    let now = snapshot(Some(listed.stream.clone()))?;
    let mut changes = now.changes_since(&snapshot(before)?);
    changes.sort_by_cached_key(|change| std::cmp::Reverse(change.weight()));
    let shown = changes.iter().take(MAX_CHANGES);
    let sentences = shown.map(|change| sentence(&change.sentence().to_string()));
    Some(sentences.collect())
}

/// Returns the anomalies of samples that name the stream, and of the exposition as a whole.
fn anomalies(known: &Known<'_>, stream: &StreamName) -> Vec<String> {
    let all = known
        .good()
        .map_or(&[][..], |good| good.snapshot.anomalies());
    let concerns = |anomaly: &&Anomaly| {
        anomaly.sample().is_none_or(|sample| {
            let mut labels = sample.labels().iter();
            labels.any(|(label, value)| label == StreamName::LABEL && value == stream.as_str())
        })
    };
    let shown = all.iter().filter(concerns).take(MAX_ANOMALIES);
    shown.map(|anomaly| sentence(anomaly.message())).collect()
}
