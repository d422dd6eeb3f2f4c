//! The first line of the screen.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::text::{plural, time};
use crate::{
    app::{App, Health},
    theme::Theme,
};

pub(super) fn draw(app: &App, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let mut spans = vec![Span::styled("scout top", theme.title()), Span::raw("  ")];
    spans.push(summary(app, theme));
    frame.render_widget(Line::from(spans), area);
    frame.render_widget(
        Line::styled(time(app.now), theme.dim()).right_aligned(),
        area,
    );
}

fn summary(app: &App, theme: Theme) -> Span<'static> {
    let count = |health| {
        app.organizations
            .iter()
            .filter(|state| state.health() == health)
            .count()
    };
    let said = [
        (Health::Refused, "refused", theme.bad()),
        (Health::Failing, "failing", theme.bad()),
        (Health::Old, "old", theme.doubtful()),
        (Health::Waiting, "waiting", theme.dim()),
    ];
    let worst = said.into_iter().find(|(health, ..)| count(*health) > 0);
    match worst {
        None => Span::styled("✓ all data is fresh", theme.good()),
        Some((health, what, style)) => {
            let organizations = plural(count(health), "organization", "organizations");
            Span::styled(format!("! {organizations} {what}"), style)
        }
    }
}
