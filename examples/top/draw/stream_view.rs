//! The details of a stream.

use ratatui::text::{Line, Span};

use scout_metrics_core::{PolicyResult, Severity, Stream};
use scout_metrics_examples::terminal::{fit, pad_end};

use super::{chart, list, organization_view::anomalies, state, text};
use crate::{
    app::{App, DAYS, StreamPast},
    theme::Theme,
};

/// The width of a bar or a meter.
const BAR: usize = 16;

/// The width of everything before a trend.
const BEFORE_TREND: usize = 58;

/// The maximum width of the name of a policy, of which 80 columns leave this.
const POLICY: usize = 34;

pub(super) fn lines(app: &App, theme: Theme, width: u16) -> Vec<Line<'static>> {
    let Some(row) = app.rows.get(app.selected) else {
        return Vec::new();
    };
    let (organization, snapshot, stream) = app.stream(*row);
    let past = organization.past.stream(stream.name());
    let (said, style) = state::long(organization, theme);
    let of = fit(organization.organization.as_str(), 40);
    let mut lines = vec![
        Line::styled(fit(stream.name().as_str(), width.into()), theme.title()),
        Line::from(vec![
            Span::raw(format!("of {of}. ")),
            Span::styled(said, style),
        ]),
        Line::raw(""),
    ];
    let trend = usize::from(width).saturating_sub(BEFORE_TREND);
    lines.extend(severities(stream, past, trend, theme));
    lines.push(Line::raw(""));
    lines.extend(policies(stream, past, theme));
    lines.extend(anomalies(snapshot, theme, width));
    lines
}

fn severities(
    stream: &Stream,
    past: Option<&StreamPast>,
    trend: usize,
    theme: Theme,
) -> Vec<Line<'static>> {
    let counts = stream.vulnerabilities();
    if counts.is_empty() {
        return vec![Line::styled("No vulnerability counts.", theme.dim())];
    }
    let heading = format!(
        "{:<12} {:>8} {:BAR$} {:>8} {:>8}",
        "SEVERITY", "COUNT", "", "1 DAY", "7 DAYS"
    );
    let of_trend = if past.is_some() { "  90 DAYS" } else { "" };
    let mut lines = vec![Line::styled(format!("{heading}{of_trend}"), theme.dim())];
    let largest = counts.iter().map(|(_, count)| count).max().unwrap_or(0);
    lines.extend(Severity::ALL.map(|severity| match counts.get(severity) {
        None => Line::styled(format!("{:<12} {:>8}", severity.as_str(), "-"), theme.dim()),
        Some(count) => {
            let bar = chart::bar(count, largest, BAR);
            severity_line((severity, count), &bar, past, trend, theme)
        }
    }));
    lines.extend(counts.unrecognized().map(|(name, count)| {
        let name = pad_end(&fit(name, 12), 12);
        Line::styled(
            format!("{name} {count:>8}  a severity that is not known"),
            theme.doubtful(),
        )
    }));
    lines
}

fn severity_line(
    (severity, count): (Severity, u64),
    bar: &str,
    past: Option<&StreamPast>,
    trend: usize,
    theme: Theme,
) -> Line<'static> {
    let style = theme.severity(severity, count);
    let mut spans = vec![
        Span::raw(format!("{:<12}", severity.as_str())),
        Span::styled(format!(" {count:>8} {bar:<BAR$}"), style),
    ];
    spans.extend([1, 7].map(|days| {
        let before = past.and_then(|past| past.ago(severity, days));
        let change = before.map(|before| i128::from(count) - i128::from(before));
        let (change, style) = list::change(change, theme);
        Span::styled(format!(" {change:>8}"), style)
    }));
    if let Some(past) = past {
        let numbers: Vec<_> = past.severity(severity).collect();
        let trend = format!("  {}", chart::trend(&numbers, trend));
        spans.push(Span::styled(trend, theme.dim()));
    }
    Line::from(spans)
}

fn policies(stream: &Stream, past: Option<&StreamPast>, theme: Theme) -> Vec<Line<'static>> {
    if stream.policies().is_empty() {
        return vec![Line::styled("No policies.", theme.dim())];
    }
    let heading = format!(
        "{:<POLICY$}   {:<BAR$} {:>11}  {}",
        "POLICY", "COMPLIANT", "IMAGES", "FAILS FOR"
    );
    let mut lines = vec![Line::styled(heading, theme.dim())];
    let mut results: Vec<&PolicyResult> = stream.policies().iter().collect();
    // Failing policies come first, the worst of them before the rest.
    results.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    lines.extend(
        results
            .into_iter()
            .map(|result| policy(result, past, theme)),
    );
    lines
}

fn ratio(result: &PolicyResult) -> f64 {
    result.ratio().unwrap_or(f64::INFINITY)
}

fn policy(result: &PolicyResult, past: Option<&StreamPast>, theme: Theme) -> Line<'static> {
    let policy = result.policy();
    let name = match policy.display_name() {
        "" => policy.id().as_str(),
        name => name,
    };
    let name = pad_end(&fit(name, POLICY), POLICY);
    let (compliant, evaluated) = (result.compliant(), result.evaluated());
    let (mark, style) = match result.ratio() {
        None => ('–', theme.dim()),
        Some(ratio) if ratio > 1.0 => ('!', theme.doubtful()),
        Some(_) if result.is_compliant() => ('✓', theme.good()),
        Some(_) => ('✗', theme.bad()),
    };
    let images = format!("{compliant}/{evaluated}");
    let meter = match evaluated {
        0 => format!("{:<BAR$}", "not evaluated"),
        _ => chart::meter(compliant, evaluated, BAR),
    };
    let past = past.filter(|_| !result.is_compliant());
    let days = past.and_then(|past| past.failing_days(policy.id()));
    Line::from(vec![
        Span::raw(format!("{name} ")),
        Span::styled(format!("{mark} {meter} {images:>11}"), style),
        Span::raw(format!("  {}", days.map(since).unwrap_or_default())),
    ])
}

fn since(days: usize) -> String {
    match days {
        0 => "today".to_owned(),
        _ if days + 1 >= DAYS => format!("{DAYS} days+"),
        _ => text::plural(days, "day", "days"),
    }
}
