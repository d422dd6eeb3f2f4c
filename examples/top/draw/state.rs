//! Whether the data of an organization can be relied on.

use ratatui::{style::Style, text::Span};

use scout_metrics_core::ErrorKind;

use super::text::{duration, plural};
use crate::{
    app::{Health, OrganizationState},
    theme::Theme,
};

/// Returns the state of an organization in at most 16 columns.
pub(super) fn short(state: &OrganizationState, theme: Theme) -> Span<'static> {
    let age = state.freshness.age.map(duration);
    let error = state.freshness.error.as_ref();
    let is_unknown = error.is_some_and(|error| error.kind() == ErrorKind::NotFound);
    let anomalies = state
        .snapshot
        .as_ref()
        .map_or(0, |snapshot| snapshot.anomalies().len());
    let (text, style) = match (state.health(), age) {
        (Health::Fine, _) if anomalies > 0 => {
            let anomalies = plural(anomalies, "anomaly", "anomalies");
            (format!("! {anomalies}"), theme.doubtful())
        }
        (Health::Fine, age) => (format!("✓ {}", age.unwrap_or_default()), theme.good()),
        (Health::Old, age) => (
            format!("! {} old", age.unwrap_or_default()),
            theme.doubtful(),
        ),
        (Health::Waiting, _) => ("… waiting".to_owned(), theme.dim()),
        (Health::Refused, _) if is_unknown => ("✗ not found".to_owned(), theme.bad()),
        (Health::Refused, _) => ("✗ refused".to_owned(), theme.bad()),
        (Health::Failing, None) => ("✗ fails".to_owned(), theme.bad()),
        (Health::Failing, Some(age)) => (format!("✗ fails, {age} old"), theme.bad()),
    };
    Span::styled(text, style)
}

/// Returns a sentence about the state, and its style.
pub(super) fn long(state: &OrganizationState, theme: Theme) -> (String, Style) {
    let freshness = &state.freshness;
    let age = freshness.age.map(duration).unwrap_or_default();
    let kind = freshness
        .error
        .as_ref()
        .map(|error| error.kind().to_string());
    let kind = kind.unwrap_or_default();
    let next = match (freshness.is_refreshing, freshness.next_in) {
        (true, _) => "asking now".to_owned(),
        (false, Some(next)) => format!("next in {}", duration(next)),
        (false, None) => "asked soon".to_owned(),
    };
    let (text, style) = match state.health() {
        Health::Fine => (format!("Fetched {age} ago"), theme.good()),
        Health::Old => (format!("Old: fetched {age} ago"), theme.doubtful()),
        Health::Waiting => (
            "No data yet: waiting for the first answer".to_owned(),
            theme.dim(),
        ),
        Health::Refused => (format!("Refused ({kind})"), theme.bad()),
        Health::Failing if state.snapshot.is_some() => {
            (format!("Fails ({kind}): this is {age} old"), theme.bad())
        }
        Health::Failing => (
            format!("Fails ({kind}), and there is no earlier data"),
            theme.bad(),
        ),
    };
    (format!("{text}, {next}."), style)
}
