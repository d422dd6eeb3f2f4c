//! The option that raises limits.

use scout_metrics_openmetrics::{Limit, Limits};

/// A limit with its new value, as `samples=5000000`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewLimit {
    limit: Limit,
    value: usize,
}

impl NewLimit {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or("expected a name and a number, such as `samples=5000000`")?;
        let mut limits = Limit::ALL.iter().copied();
        let limit = limits.find(|limit| option_name(*limit) == name);
        let limit = limit.ok_or_else(|| {
            let names: Vec<String> = Limit::ALL.iter().copied().map(option_name).collect();
            format!(
                "unknown limit `{name}`, expected one of {}",
                names.join(", ")
            )
        })?;
        let value = value
            .parse()
            .map_err(|_| format!("expected a whole number, found `{value}`"))?;
        Ok(Self { limit, value })
    }
}

/// Returns the default limits with some set to other values.
pub(crate) fn limits(changes: &[NewLimit]) -> Limits {
    let changes = changes.iter();
    changes.fold(Limits::default(), |limits, change| {
        limits.with_limit(change.limit, change.value)
    })
}

/// Returns the name of a limit in the way of options.
pub(crate) fn option_name(limit: Limit) -> String {
    limit.id().replace('_', "-")
}
