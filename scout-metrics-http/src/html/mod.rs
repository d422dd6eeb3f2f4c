//! HTML that people read: the look that the page of the exporter and the [`Report`] share.

mod age;
mod change;
mod level;
mod name;
mod number;
#[cfg(feature = "exporter")]
mod plural;
mod report;
mod severities;
mod style;
mod totals;

pub use self::report::Report;
pub(crate) use self::{
    age::Age,
    change::Delta,
    level::{Headline, Level, failing, worst_first},
    name::{Name, plain},
    number::percentage,
    severities::Severities,
    style::{STYLE, hash},
    totals::Totals,
};
#[cfg(feature = "exporter")]
pub(crate) use self::{change::serious, plural::plural, severities::word, totals::is_apart};
