//! HTML that people read: a [`Report`] as one file. The page of the [exporter](crate::guide) has the same look.

mod age;
mod change;
mod level;
mod name;
mod number;
mod report;
mod severities;
mod style;
mod totals;

pub use self::report::Report;
pub(crate) use self::{
    age::Age,
    change::Delta,
    level::{Headline, Level, failing, worst_first},
    name::{Name, message, plain},
    number::percentage,
    severities::Severities,
    style::{STYLE, hash},
    totals::Totals,
};
