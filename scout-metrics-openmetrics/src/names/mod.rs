//! Names that are not plain: the schemes that escape them, and names that become the same.

mod collision;
mod family_name;
mod scheme;
mod seen;
mod values;

pub use {
    collision::NameCollision,
    scheme::{EscapingScheme, UnknownEscapingScheme},
};
pub(crate) use {
    family_name::{escape_before, escape_unit, escaped_with, family_name_of, unescape_unit},
    seen::{NamesSeen, check_labels},
};

/// Returns whether OpenMetrics 2.0 reserves the name of a label (section "Label").
pub(crate) fn is_reserved_label(name: &str) -> bool {
    name.starts_with('_') && !matches!(name, "__type__" | "__unit__")
}
