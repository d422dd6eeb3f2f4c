//! HTML that people read: the look that the page of the exporter and the [`Report`] share.

#![expect(
    unused_imports,
    reason = "the report uses the rest in the next commits"
)]

mod age;
mod change;
mod level;
mod name;
mod number;
mod plural;
mod severities;
mod style;
mod totals;

pub(crate) use self::{
    age::Age,
    change::{Delta, serious},
    level::{Headline, Level, failing, worst_first},
    name::{Name, plain},
    number::percentage,
    plural::plural,
    severities::{Severities, word},
    style::{STYLE, hash},
    totals::{Totals, is_apart},
};
