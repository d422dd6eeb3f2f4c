//! The keys and the signs, over everything else.

use ratatui::{
    Frame,
    layout::{Constraint, Rect},
    text::{Line, Span},
    widgets::{Block, Clear, Padding, Paragraph},
};

use crate::theme::Theme;

const LINES: &[(&str, &str)] = &[
    ("↑ ↓  k j", "move, or scroll in details"),
    ("PgUp PgDn", "move by ten"),
    ("Home End  g G", "to the start, to the end"),
    ("Tab", "between organizations and streams"),
    ("Enter  n p", "details; the next and previous ones"),
    ("Esc", "back; no filter; all organizations"),
    (
        "/",
        "show streams whose name or organization contains a text",
    ),
    ("s S", "sort by worst, change, failing policies, name"),
    ("r", "ask all sources now"),
    ("q  Ctrl-C", "quit"),
    ("Ctrl-Z", "suspend; fg continues"),
    ("", ""),
    (
        "5C 17H 44M 98L 1?",
        "critical, high, medium, low, unspecified",
    ),
    ("1 DAY", "change of critical and high since yesterday"),
    (
        "90 DAYS",
        "critical and high, the peaks if there is little room",
    ),
    ("FAIL", "failing policies of all that were evaluated"),
    (
        "✓ ! ✗ …",
        "fresh, old or anomalies, failing or refused, waiting",
    ),
    (
        "",
        "Sums leave out latest-indexed: it overlaps environments.",
    ),
];

pub(super) fn draw(theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let height = u16::try_from(LINES.len() + 2).unwrap_or(u16::MAX);
    let area = area.centered(Constraint::Length(78), Constraint::Length(height));
    let lines = LINES.iter().map(|(key, what)| {
        let key = Span::styled(format!("{key:<19}"), theme.title());
        Line::from(vec![key, Span::raw(*what)])
    });
    let block = Block::bordered()
        .title(" Help: any key closes it ")
        .padding(Padding::horizontal(1));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), area);
}
