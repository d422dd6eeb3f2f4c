//! Names of families that depend on more than the name: on the suffix of a sample, the unit, or a label.

use std::borrow::Cow;

use super::EscapingScheme;
use crate::{MetricType, Suffix, find::NameOf};

/// Returns the name of a family in OpenMetrics of which samples have a suffix, such that the names of its samples are
/// escaped as a whole: `a.b_total` is then written alike in all formats.
pub(crate) fn escape_before(scheme: EscapingScheme, name: &str, suffix: Suffix) -> String {
    let suffix = suffix.as_str();
    let mut escaped = scheme
        .escape_if_needed(NameOf::Metric, &format!("{name}{suffix}"))
        .into_owned();
    // No scheme changes the letters at the end.
    escaped.truncate(escaped.len() - suffix.len());
    escaped
}

/// Returns the suffix with which the name of a family is escaped as a whole.
///
/// A unit has to be the end of the family's name, which it would not be any more.
pub(crate) fn escaped_with(kind: MetricType, unit: &str) -> Option<Suffix> {
    match kind {
        MetricType::Counter if unit.is_empty() => Some(Suffix::Total),
        MetricType::Info => Some(Suffix::Info),
        _ => None,
    }
}

/// Returns the unit of a family whose name is escaped, so that it is still the end of the name.
pub(crate) fn escape_unit(scheme: EscapingScheme, unit: &str) -> Cow<'_, str> {
    match scheme {
        EscapingScheme::Dots | EscapingScheme::Values if unit.contains('_') => {
            unit.replace('_', "__").into()
        }
        _ => unit.into(),
    }
}

/// Returns the unit of a family whose name is unescaped: the inverse of [`escape_unit`].
pub(crate) fn unescape_unit(unit: &str) -> String {
    unit.replace("__", "_")
}

/// Returns how the name of a family is escaped. That of a state set is also the name of a label, which has no colons.
pub(crate) fn family_name_of(kind: MetricType) -> NameOf {
    match kind {
        MetricType::StateSet => NameOf::Label,
        _ => NameOf::Metric,
    }
}
