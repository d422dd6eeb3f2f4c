//! The screen of a state.

mod chart;
mod footer;
mod header;
mod help;
mod list;
mod organization_view;
mod organizations;
mod state;
mod stream_view;
mod streams;
#[cfg(test)]
mod tests;
mod text;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
    widgets::{Paragraph, Wrap},
};

use crate::{
    app::{App, View},
    theme::Theme,
};

/// The smallest screen on which the columns fit.
pub(crate) const MIN_COLUMNS: u16 = 80;
pub(crate) const MIN_LINES: u16 = 24;

/// Draws the state. A detail view that is scrolled too far is scrolled back.
pub(crate) fn draw(app: &mut App, theme: Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.width < MIN_COLUMNS || area.height < MIN_LINES {
        return too_small(area, frame);
    }
    let parts = [
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ];
    let [top, middle, bottom] = Layout::vertical(parts).areas(area);
    header::draw(app, theme, top, frame);
    match app.view {
        View::Overview => overview(app, theme, middle, frame),
        View::Organization => {
            let lines = organization_view::lines(app, theme, middle.width);
            scrolled(app, lines, middle, frame);
        }
        View::Stream => {
            let lines = stream_view::lines(app, theme, middle.width);
            scrolled(app, lines, middle, frame);
        }
    }
    footer::draw(app, theme, bottom, frame);
    if app.is_help_shown {
        help::draw(theme, area, frame);
    }
}

fn too_small(area: Rect, frame: &mut Frame<'_>) {
    let text = format!(
        "This terminal has {} x {} characters, and top needs {MIN_COLUMNS} x {MIN_LINES}. Make it larger, or press q.",
        area.width, area.height
    );
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
}

fn overview(app: &App, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    // A title, a heading, all organizations and a line for their sum, but not more than a third of the screen.
    let wanted = u16::try_from(app.organizations.len()).unwrap_or(u16::MAX);
    let height = wanted.saturating_add(3).min((area.height / 3).max(7));
    let [top, bottom] =
        Layout::vertical([Constraint::Length(height), Constraint::Min(0)]).areas(area);
    organizations::draw(app, theme, top, frame);
    streams::draw(app, theme, bottom, frame);
}

fn scrolled(app: &mut App, lines: Vec<Line<'_>>, area: Rect, frame: &mut Frame<'_>) {
    let last = lines.len().saturating_sub(usize::from(area.height));
    app.scroll = app.scroll.min(last);
    let visible: Vec<_> = lines.into_iter().skip(app.scroll).collect();
    frame.render_widget(Paragraph::new(visible), area);
}
