//! The last line of the screen: the keys, or the filter while it is edited.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use scout_metrics_examples::terminal::fit;

use crate::{
    app::{App, View},
    theme::Theme,
};

const OVERVIEW: &[(&str, &str)] = &[
    ("?", "help"),
    ("/", "filter"),
    ("s", "sort"),
    ("Tab", "list"),
    ("Enter", "details"),
    ("r", "refresh"),
    ("q", "quit"),
];

const DETAIL: &[(&str, &str)] = &[
    ("?", "help"),
    ("Esc", "back"),
    ("n p", "next, previous"),
    ("↑ ↓", "scroll"),
    ("r", "refresh"),
    ("q", "quit"),
];

pub(super) fn draw(app: &App, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let line = if app.filter.is_edited {
        let text = fit(&app.filter.text, usize::from(area.width).saturating_sub(40));
        let keys = Span::styled("  Enter keeps it, Esc removes it", theme.dim());
        Line::from(vec![
            Span::styled("Filter: ", theme.title()),
            Span::raw(text),
            Span::styled(" ", theme.selected()),
            keys,
        ])
    } else {
        let keys = if app.view == View::Overview {
            OVERVIEW
        } else {
            DETAIL
        };
        let spans = keys.iter().flat_map(|(key, what)| {
            [
                Span::styled(*key, theme.title()),
                Span::styled(format!(" {what}  "), theme.dim()),
            ]
        });
        spans.collect()
    };
    frame.render_widget(line, area);
}
