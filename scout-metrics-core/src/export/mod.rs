//! Snapshots as tables for spreadsheets, databases and pages.
//!
//! | function | feature | output |
//! |---|---|---|
//! | `csv` | `csv` | a row for each severity and each policy of each stream |
//! | `json` | `json` | an array of snapshots |
//! | `json_lines` | `json` | the rows of `csv`, each as an object on a line of its own |
//! | [`markdown`] | | two tables for each snapshot |
//!
//! Each accepts any number of snapshots, of one organization at several times or of several organizations, and writes to
//! any [`Write`](std::io::Write). To write a string, use a `Vec<u8>`.
//!
//! ```
//! use scout_metrics_core::{Organization, Snapshot, Stream, export};
//!
//! let production = Stream::new("production").with_vulnerabilities("5C 3H".parse()?);
//! let snapshot = Snapshot::new(Organization::new("acme")?, [production])?;
//! let mut text = Vec::new();
//! export::markdown([&snapshot], &mut text)?;
//! assert!(String::from_utf8(text)?.contains("| <code>production</code> | 5 | 3 | – | – | 0 |"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "json")]
mod json;
mod markdown;
mod row;

#[cfg(feature = "csv")]
pub use self::csv::csv;
#[cfg(feature = "json")]
pub use self::json::{json, json_lines};
pub use self::{
    markdown::markdown,
    row::{Row, rows},
};
