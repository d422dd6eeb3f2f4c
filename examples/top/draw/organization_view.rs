//! The details of an organization.

use ratatui::text::{Line, Span};

use scout_metrics_core::{Severity, Snapshot};
use scout_metrics_examples::terminal::fit;

use super::{state, text};
use crate::{
    app::{App, advice},
    theme::Theme,
};

/// The maximum width of an anomaly or a part of an error.
const MAX_TEXT: usize = 500;

/// The maximum number of anomalies that are shown.
const MAX_ANOMALIES: usize = 100;

pub(super) fn lines(app: &App, theme: Theme, width: u16) -> Vec<Line<'static>> {
    let Some(organization) = app.chosen() else {
        return Vec::new();
    };
    let name = organization.organization.as_str();
    let (said, style) = state::long(organization, theme);
    let mut lines = vec![
        Line::styled(fit(name, width.into()), theme.title()),
        Line::styled(said, style),
    ];
    if let Some(error) = &organization.freshness.error {
        let fault = fit(&error.chain().to_string(), MAX_TEXT);
        lines.extend(text::wrap(&fault, width.into()).map(Line::raw));
        lines.push(Line::raw(text::plural(
            organization.freshness.failures as usize,
            "failure in a row",
            "failures in a row",
        )));
        lines.extend(text::wrap(advice(error.kind()), width.into()).map(Line::raw));
    }
    let Some(snapshot) = &organization.snapshot else {
        return lines;
    };
    lines.push(Line::raw(""));
    let streams = text::plural(snapshot.streams().len(), "stream", "streams");
    let scraped = text::time(snapshot.scraped_at());
    lines.push(Line::raw(format!("{streams}, scraped at {scraped}")));
    let counts = Severity::ALL.into_iter().zip(organization.summary.counts);
    for (severity, count) in counts {
        let name = Span::raw(format!("  {:<12}", severity.as_str()));
        let count = match count {
            None => Span::styled(format!("{:>10}", "-"), theme.dim()),
            Some(count) => Span::styled(format!("{count:>10}"), theme.severity(severity, count)),
        };
        lines.push(Line::from(vec![name, count]));
    }
    lines.extend(anomalies(snapshot, theme, width));
    lines
}

/// Returns the anomalies of a snapshot, which may be about any of its streams.
pub(super) fn anomalies(snapshot: &Snapshot, theme: Theme, width: u16) -> Vec<Line<'static>> {
    let anomalies = snapshot.anomalies();
    if anomalies.is_empty() {
        return Vec::new();
    }
    let title = text::plural(anomalies.len(), "anomaly", "anomalies");
    let organization = fit(snapshot.organization().as_str(), 40);
    let mut lines = vec![
        Line::raw(""),
        Line::styled(
            format!("{title} in the metrics of {organization}"),
            theme.doubtful(),
        ),
    ];
    let shown = anomalies.iter().take(MAX_ANOMALIES);
    lines.extend(shown.flat_map(|anomaly| {
        let said = format!("! {}", fit(&anomaly.to_string(), MAX_TEXT));
        text::wrap(&said, width.into())
            .map(Line::raw)
            .collect::<Vec<_>>()
    }));
    if anomalies.len() > MAX_ANOMALIES {
        lines.push(Line::raw(format!(
            "  {} more",
            anomalies.len() - MAX_ANOMALIES
        )));
    }
    lines
}
