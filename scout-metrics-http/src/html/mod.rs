//! HTML that people read: the look that the page of the exporter and the [`Report`] share.

#![expect(
    dead_code,
    unused_imports,
    reason = "page and report use them in the next commits"
)]

mod age;
mod change;
mod level;
mod name;
mod number;
mod severities;
mod style;
mod totals;

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
