//! The list of organizations.

use std::iter;

use ratatui::{
    Frame,
    layout::{Constraint, Rect},
    style::Style,
    widgets::{Cell, Row, Table},
};

use scout_metrics_examples::terminal::fit;

use super::{chart, list, state, text::plural};
use crate::{
    app::{App, OrganizationState, Pane, Summary},
    theme::Theme,
};

/// The width of the widest state, `✗ fails, 47h old`.
const STATE: u16 = 16;

/// The width of the number of failing policies.
const FAILING: u16 = 7;

/// The columns that 80 leave for a trend.
const TREND: u16 = 9;

pub(super) fn draw(app: &App, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let is_focused = app.focus == Pane::Organizations;
    let title = plural(app.organizations.len(), "organization", "organizations");
    let block = list::block(title, is_focused, theme);
    let height = usize::from(area.height).saturating_sub(2);
    let trend = TREND + area.width.saturating_sub(80) / 3;
    let visible = list::visible(app.chosen_place(), app.organizations.len() + 1, height);
    let rows = visible.map(|place| {
        let is_chosen = place == app.chosen_place();
        let cells = match place.checked_sub(1) {
            None => all(app, theme),
            Some(place) => one(&app.organizations[place], trend.into(), theme),
        };
        let mark = if is_chosen { "›" } else { " " };
        let row = Row::new(iter::once(Cell::from(mark)).chain(cells));
        match is_chosen && is_focused {
            true => row.style(theme.selected()),
            false => row,
        }
    });
    let widths = [Constraint::Length(1), Constraint::Min(10)];
    let widths = widths.into_iter().chain(list::COUNTS).chain([
        Constraint::Length(FAILING),
        Constraint::Length(trend),
        Constraint::Length(STATE),
    ]);
    let pasts = app.organizations.iter().map(|state| &state.past);
    let headings = ["", "", "CRIT", "HIGH", "MED", "LOW", "?", "FAIL"];
    let headings = headings.into_iter().map(|heading| match heading {
        "" => Cell::from(heading),
        _ => list::right(heading, Style::new()),
    });
    let rest = [list::trend_heading(pasts), "STATE"].map(Cell::from);
    let header = Row::new(headings.chain(rest)).style(theme.dim());
    frame.render_widget(Table::new(rows, widths).header(header).block(block), area);
}

/// Returns the cells of the sum of all organizations.
fn all(app: &App, theme: Theme) -> Vec<Cell<'static>> {
    let mut sum = Summary::default();
    for state in &app.organizations {
        sum.add(&state.summary);
    }
    let mut cells = vec![Cell::from("all")];
    cells.extend(numbers(&sum, theme));
    cells
}

fn one(state: &OrganizationState, trend: usize, theme: Theme) -> Vec<Cell<'static>> {
    let mut cells = vec![Cell::from(fit(state.organization.as_str(), 40))];
    cells.extend(numbers(&state.summary, theme));
    let days = &state.summary.days;
    // Without a history there is nothing, and no days that were all missed.
    let is_known = days.iter().any(Option::is_some);
    let line = is_known.then(|| chart::trend(days, trend));
    cells.push(Cell::from(line.unwrap_or_default()).style(theme.dim()));
    cells.push(Cell::from(state::short(state, theme)));
    cells
}

fn numbers(summary: &Summary, theme: Theme) -> impl Iterator<Item = Cell<'static>> {
    let policies = list::failing(summary.failing, summary.evaluated, FAILING, theme);
    list::counts(summary.counts, theme).chain([policies])
}
