//! The list of streams.

use ratatui::{
    Frame,
    layout::{Constraint, Rect},
    style::Style,
    text::Line,
    widgets::{Cell, Paragraph, Row, Table, Wrap},
};

use scout_metrics_core::Severity;
use scout_metrics_examples::terminal::fit;

use super::{chart, list, state, text};
use crate::{
    app::{App, Health, Pane, StreamRow, advice, changed_since_yesterday, failing},
    theme::Theme,
};

/// The width of the name of an organization.
const ORGANIZATION: u16 = 10;

/// The width of a change.
const CHANGE: u16 = 5;

/// The width of the number of failing policies.
const FAILING: u16 = 5;

/// The columns that 80 leave for a trend.
const TREND: u16 = 9;

pub(super) fn draw(app: &App, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let is_focused = app.focus == Pane::Streams;
    let block = list::block(title(app), is_focused, theme);
    if app.rows.is_empty() {
        let lines = reason(app, theme);
        let paragraph = Paragraph::new(lines).wrap(Wrap { trim: false });
        return frame.render_widget(paragraph.block(block), area);
    }
    let height = usize::from(area.height).saturating_sub(2);
    let extra = area.width.saturating_sub(80);
    let [organization, trend] = [ORGANIZATION + extra / 6, TREND + extra / 3];
    let visible = list::visible(app.selected, app.rows.len(), height);
    // Eleven columns have ten gaps.
    let name = area.width - (1 + organization + 25 + CHANGE + FAILING + trend) - 10;
    let rows = visible.map(|place| {
        let is_selected = place == app.selected;
        let mark = if is_selected { "›" } else { " " };
        let mut cells = vec![Cell::from(mark)];
        cells.extend(row(
            app,
            app.rows[place],
            [organization, name, trend],
            theme,
        ));
        match is_selected && is_focused {
            true => Row::new(cells).style(theme.selected()),
            false => Row::new(cells),
        }
    });
    let widths = [
        Constraint::Length(1),
        Constraint::Length(organization),
        Constraint::Length(name),
    ];
    let widths = widths.into_iter().chain(list::COUNTS).chain([
        Constraint::Length(CHANGE),
        Constraint::Length(FAILING),
        Constraint::Length(trend),
    ]);
    let header = heading(app).style(theme.dim());
    frame.render_widget(Table::new(rows, widths).header(header).block(block), area);
}

fn title(app: &App) -> String {
    let streams = text::plural(app.rows.len(), "stream", "streams");
    let of = app
        .chosen
        .as_ref()
        .map(|organization| format!(" of {}", fit(organization.as_str(), 30)));
    let filter = match app.filter.text.as_str() {
        "" => String::new(),
        text => format!(" with \"{}\"", fit(text, 20)),
    };
    let sort = app.sort.as_str();
    format!(
        "{streams}{}{filter}, sorted by {sort}",
        of.unwrap_or_default()
    )
}

fn heading(app: &App) -> Row<'static> {
    let pasts = app.organizations.iter().map(|state| &state.past);
    let names = ["", "ORG", "STREAM"].map(Cell::from);
    let numbers = ["CRIT", "HIGH", "MED", "LOW", "?", "1 DAY", "FAIL"];
    let mut cells = Vec::from(names);
    cells.extend(numbers.map(|heading| list::right(heading, Style::new())));
    cells.push(Cell::from(list::trend_heading(pasts)));
    Row::new(cells)
}

fn row(app: &App, row: StreamRow, widths: [u16; 3], theme: Theme) -> Vec<Cell<'static>> {
    let [organization_width, name_width, trend_width] = widths.map(usize::from);
    let (state, _, stream) = app.stream(row);
    let name_style = match state.health() {
        Health::Fine => Style::new(),
        _ => theme.dim(),
    };
    let organization = fit(state.organization.as_str(), organization_width);
    let name = Line::styled(fit(stream.name().as_str(), name_width), name_style);
    let mut cells = vec![Cell::from(organization).style(name_style), Cell::from(name)];
    let counts = Severity::ALL.map(|severity| stream.vulnerabilities().get(severity));
    cells.extend(list::counts(counts, theme));
    let (change, style) = list::change(changed_since_yesterday(stream, &state.past), theme);
    cells.push(list::right(change, style));
    let (failed, all) = failing(stream);
    cells.push(list::failing(failed, all, FAILING, theme));
    let past = state.past.stream(stream.name());
    let numbers: Vec<_> = past.into_iter().flat_map(|past| past.worst()).collect();
    cells.push(Cell::from(chart::trend(&numbers, trend_width)).style(theme.dim()));
    cells
}

/// Returns why there is no stream, and what to do.
fn reason(app: &App, theme: Theme) -> Vec<Line<'static>> {
    if !app.filter.text.is_empty() {
        return vec![Line::raw("No stream matches the filter. Esc removes it.")];
    }
    let states = app.organizations.iter();
    let states = states.filter(|state| {
        app.chosen
            .as_ref()
            .is_none_or(|chosen| *chosen == state.organization)
    });
    let mut lines = Vec::new();
    for organization in states {
        let name = fit(organization.organization.as_str(), 40);
        let (text, style) = match organization.health() {
            Health::Fine | Health::Old => (
                "No streams. Docker Scout has none until it is enabled for a repository."
                    .to_owned(),
                theme.doubtful(),
            ),
            _ => state::long(organization, theme),
        };
        lines.push(Line::styled(format!("{name}: {text}"), style));
        if let Some(error) = &organization.freshness.error {
            lines.push(Line::raw(format!("  {}", advice(error.kind()))));
        }
    }
    lines
}
