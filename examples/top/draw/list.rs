//! Lists of which only the visible part is drawn.

use std::ops::Range;

use ratatui::{
    layout::{Alignment, Constraint},
    style::Style,
    text::{Line, Span},
    widgets::{Block, Borders, Cell},
};

use scout_metrics_core::Severity;

use super::text;
use crate::{app::Past, theme::Theme};

/// The columns of the counts of severities, from critical to unspecified.
pub(super) const COUNTS: [Constraint; Severity::ALL.len()] = [
    Constraint::Length(5),
    Constraint::Length(5),
    Constraint::Length(5),
    Constraint::Length(5),
    Constraint::Length(5),
];

/// Returns the part of a list that is visible. The selected line is in the middle, as far as the ends of the list allow.
pub(super) fn visible(selected: usize, length: usize, height: usize) -> Range<usize> {
    let start = selected.saturating_sub(height / 2);
    let start = start.min(length.saturating_sub(height));
    start..length.min(start + height)
}

/// Returns a line with a title above a list.
pub(super) fn block(title: String, is_focused: bool, theme: Theme) -> Block<'static> {
    let style = if is_focused {
        theme.title()
    } else {
        theme.dim()
    };
    let mark = if is_focused { "▶ " } else { "  " };
    let title = Span::styled(format!("{mark}{title} "), style);
    Block::new()
        .borders(Borders::TOP)
        .border_style(theme.dim())
        .title(title)
}

/// Returns a cell whose text is at its right end.
pub(super) fn right(text: impl Into<String>, style: Style) -> Cell<'static> {
    let span = Span::styled(text.into(), style);
    Cell::from(Line::from(span).alignment(Alignment::Right))
}

/// Returns a cell for each severity: the count with the letter of the severity, or `-` if it is not reported.
pub(super) fn counts(
    counts: [Option<u64>; Severity::ALL.len()],
    theme: Theme,
) -> impl Iterator<Item = Cell<'static>> {
    let counts = Severity::ALL.into_iter().zip(counts);
    counts.map(move |(severity, count)| match count {
        None => right("-", theme.dim()),
        Some(count) => {
            let shown = format!("{}{}", text::count(count), severity.letter());
            right(shown, theme.severity(severity, count))
        }
    })
}

/// Returns a change of a count with its sign, or nothing if it is not known, and its style.
pub(super) fn change(change: Option<i128>, theme: Theme) -> (String, Style) {
    let style = match change {
        None | Some(0) => theme.dim(),
        Some(change) if change > 0 => theme.bad(),
        Some(_) => theme.good(),
    };
    (change.map(text::change).unwrap_or_default(), style)
}

/// Returns how many of all policies fail.
pub(super) fn failing(failing: usize, all: usize, columns: u16, theme: Theme) -> Cell<'static> {
    let shown = text::fraction(failing, all, columns.into());
    match (failing, all) {
        (_, 0) => right("-", theme.dim()),
        (0, _) => right(shown, theme.good()),
        _ => right(shown, theme.bad()),
    }
}

/// Returns the heading of a trend, or nothing if there is no history.
pub(super) fn trend_heading<'a>(mut pasts: impl Iterator<Item = &'a Past>) -> &'static str {
    if pasts.any(|past| !past.is_empty()) {
        "90 DAYS"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_line_is_in_the_middle_unless_an_end_is_near() {
        assert_eq!(visible(0, 2000, 10), 0..10);
        assert_eq!(visible(3, 2000, 10), 0..10);
        assert_eq!(visible(100, 2000, 10), 95..105);
        assert_eq!(visible(1999, 2000, 10), 1990..2000);
        assert_eq!(visible(2, 3, 10), 0..3);
        assert_eq!(visible(0, 0, 10), 0..0);
        assert_eq!(visible(5, 10, 0), 5..5);
    }
}
