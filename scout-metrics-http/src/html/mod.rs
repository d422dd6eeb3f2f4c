//! HTML that people read: a [`Report`] as one file. The page of the [exporter](crate::guide) has the same look.

mod age;
mod change;
mod level;
mod name;
mod number;
mod plural;
mod report;
mod severities;
mod style;
mod totals;

pub use self::report::Report;
pub(crate) use self::{
    age::Age,
    change::{Delta, serious},
    level::{Headline, Level, failing, worst_first},
    name::{Name, plain, sentence},
    number::percentage,
    plural::plural,
    severities::{Severities, word},
    style::{STYLE, hash},
    totals::{Totals, is_apart},
};
