//! The bar of severities.

use std::fmt::{self, Write};

use super::{
    canvas::{Canvas, Colour, Draw, Medium, STRETCHED, Svg},
    path::Path,
    table::Table,
};
use crate::{Severity, VulnerabilityCounts};

const WIDTH: u32 = 1000;
const HEIGHT: u32 = 10;

/// The width of the smallest part, so that one critical vulnerability among thousands is seen.
const MIN_WIDTH: u32 = 15;

/// The distance between parts, which shows where one ends to those who do not see a difference in colour.
const GAP: u32 = 3;

/// A bar with a part for each severity, from the worst on the left, whose width is its share of the total.
///
/// Unrecognized severities are part of the last one. Without vulnerabilities the bar is an empty track, and without
/// counts a dashed line. The picture stretches to any shape.
#[derive(Clone, Debug)]
pub struct SeverityBar {
    counts: VulnerabilityCounts,
    is_decorative: bool,
}

impl SeverityBar {
    /// Creates a bar of counts.
    pub fn new(counts: &VulnerabilityCounts) -> Self {
        Self {
            counts: counts.clone(),
            is_decorative: false,
        }
    }

    /// Hides the bar from screen readers, for a page that has the counts as text beside it.
    #[must_use]
    pub fn decorative(mut self) -> Self {
        self.is_decorative = true;
        self
    }

    /// Returns a value whose `Display` writes a file.
    pub fn standalone(&self) -> impl fmt::Display + '_ {
        Svg(self, Medium::File)
    }

    /// Returns a value whose `Display` writes the counts as an HTML table.
    pub fn table(&self) -> impl fmt::Display + '_ {
        let known = Severity::ALL.map(|severity| (severity.as_str(), self.counts.get(severity)));
        let others = self
            .counts
            .unrecognized()
            .map(|(name, count)| (name, Some(count)));
        let rows = known.into_iter().chain(others);
        Table {
            caption: "Vulnerabilities by severity",
            columns: vec!["Severity", "Vulnerabilities"],
            rows: rows
                .map(|(name, count)| (name.to_owned(), vec![count]))
                .collect(),
        }
    }

    /// Returns the counts of the parts that are drawn.
    fn parts(&self) -> impl Iterator<Item = (Severity, u64)> {
        let unrecognized = self.counts.total() - self.counts.at_least(Severity::Unspecified);
        let count = move |severity| match severity {
            Severity::Unspecified => self.counts[severity].saturating_add(unrecognized),
            _ => self.counts[severity],
        };
        let parts = Severity::ALL.map(|severity| (severity, count(severity)));
        parts.into_iter().filter(|(_, count)| *count > 0)
    }
}

impl fmt::Display for SeverityBar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Svg(self, Medium::Page).fmt(f)
    }
}

impl Draw for SeverityBar {
    const CLASS: &str = "chart-bar";
    const ATTRIBUTES: &[&str] = &[STRETCHED];

    fn size(&self, _: Medium) -> (u32, u32) {
        (WIDTH, HEIGHT)
    }

    fn title(&self) -> Option<String> {
        if self.is_decorative {
            return None;
        }
        let mut title = String::new();
        for (severity, count) in &self.counts {
            let separator = if title.is_empty() { "" } else { ", " };
            // Writing to a string does not fail.
            let _ = write!(
                title,
                "{separator}{count} {}",
                severity.as_str().to_ascii_lowercase()
            );
        }
        if title.is_empty() {
            title.push_str("no counts by severity");
        }
        Some(title)
    }

    fn description(&self) -> Option<String> {
        None
    }

    fn draw(&self, canvas: &mut Canvas<'_>) -> fmt::Result {
        if self.counts.is_empty() {
            let middle = HEIGHT / 2;
            let line = Path::new([Some((10, middle)), Some((WIDTH - 10, middle))]);
            return canvas.line(Colour::Dim, "1", "4", &line);
        }
        let parts = self.parts().count() as u32;
        if parts == 0 {
            return canvas.rect(Colour::Line, (0, 0), (WIDTH, HEIGHT));
        }
        let total: u128 = self.parts().map(|(_, count)| u128::from(count)).sum();
        let shared = u128::from(WIDTH - parts * MIN_WIDTH);
        let mut x = 0;
        for (place, (severity, count)) in (1..).zip(self.parts()) {
            // At most `shared`, so it fits.
            let share = (u128::from(count) * shared / total) as u32;
            // The remainder of rounding belongs to the last part.
            let end = if place == parts {
                WIDTH
            } else {
                x + MIN_WIDTH + share
            };
            let gap = if place == parts { 0 } else { GAP };
            canvas.rect(Colour::Severity(severity), (x, 0), (end - x - gap, HEIGHT))?;
            x = end;
        }
        Ok(())
    }
}
