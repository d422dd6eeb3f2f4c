//! Charts as SVG: counts by severity, compliance, and numbers over time with their gaps.
//!
//! | type | shows |
//! |---|---|
//! | [`SeverityBar`] | how many vulnerabilities of each severity there are |
//! | [`Meter`] | how many images comply with a policy |
//! | [`Sparkline`] | one number over time, without axes |
//! | [`LineChart`] | several numbers over time, with axes and a legend |
//!
//! `Display` writes an `<svg>` element for an HTML page. It needs no style sheet and no script, has no `id`, and a strict
//! Content-Security-Policy allows it. Its colours are CSS variables with fallbacks (`--critical`, `--high`, `--medium`,
//! `--low`, `--unspecified`, `--fine`, `--ink`, `--dim`, `--line`), so that a page can choose its own, for example for
//! dark mode, and the class of the element is `chart-bar`, `chart-meter`, `chart-spark` or `chart-lines`. `standalone` writes a file of its own instead, which needs no variables and has colours for light and dark.
//! `table` writes the data as an HTML table, for screen readers and for those who want the numbers.
//!
//! Every name is escaped, and [characters that cannot be seen](is_invisible) are shown as escapes.
//!
//! ```
//! use scout_metrics_core::chart::{SeverityBar, Sparkline};
//!
//! let bar = SeverityBar::new(&"5C 3H 6M 63L".parse()?);
//! assert!(bar.to_string().contains("<title>5 critical, 3 high, 6 medium, 63 low, 0 unspecified</title>"));
//!
//! let trend = Sparkline::new("critical", [Some(3), None, Some(5)]);
//! assert!(trend.to_string().contains("<desc>from 3 to 5, at most 5; 1 of 3 values is missing</desc>"));
//! # Ok::<(), scout_metrics_core::Error>(())
//! ```

mod axis;
mod bar;
mod canvas;
mod escape;
mod lines;
mod meter;
mod path;
mod short;
mod sparkline;
mod table;

pub use self::{
    bar::SeverityBar,
    escape::{Escaped, is_invisible},
    lines::{LineChart, Series},
    meter::Meter,
    short::Short,
    sparkline::Sparkline,
};
