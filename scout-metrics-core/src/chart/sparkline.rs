//! One number over time, in the size of a word.

use std::fmt::{self, Write};

use super::{
    canvas::{Canvas, Colour, Draw, Medium, ROUND, STRETCHED, Svg},
    path::Path,
    table::Table,
};

const HEIGHT: u32 = 28;

/// The distance from the edges, for the width of the line.
const MARGIN: u32 = 2;

/// The distance between two values.
const STEP: u32 = 4;

/// A line of values at equal distances, from 0 at the bottom to the largest at the top.
///
/// A missing value is a gap, and a value between two gaps is a dot, as is the last one. Of more than 4,000 values the last
/// ones are drawn. The picture stretches to any shape.
#[derive(Clone, Debug)]
pub struct Sparkline {
    title: String,
    values: Vec<Option<u64>>,
}

impl Sparkline {
    /// The maximum number of values.
    const MAX: usize = 4000;

    /// Creates a line of values. The title says what they count.
    pub fn new(title: impl Into<String>, values: impl IntoIterator<Item = Option<u64>>) -> Self {
        let mut values: Vec<_> = values.into_iter().collect();
        values.drain(..values.len().saturating_sub(Self::MAX));
        Self {
            title: title.into(),
            values,
        }
    }

    /// Returns a value whose `Display` writes a file.
    pub fn standalone(&self) -> impl fmt::Display + '_ {
        Svg(self, Medium::File)
    }

    /// Returns a value whose `Display` writes the values as an HTML table, with a number for each row.
    pub fn table(&self) -> impl fmt::Display + '_ {
        let rows = (1..).zip(&self.values);
        Table {
            caption: &self.title,
            columns: vec!["Time", "Value"],
            rows: rows
                .map(|(place, value): (u32, _)| (place.to_string(), vec![*value]))
                .collect(),
        }
    }
}

impl fmt::Display for Sparkline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Svg(self, Medium::Page).fmt(f)
    }
}

impl Draw for Sparkline {
    const CLASS: &str = "chart-spark";
    const ATTRIBUTES: &[&str] = &[STRETCHED, ROUND];

    fn size(&self, _: Medium) -> (u32, u32) {
        // There are at most `MAX` values.
        let gaps = self.values.len().saturating_sub(1) as u32;
        (gaps * STEP + 2 * MARGIN, HEIGHT)
    }

    fn title(&self) -> Option<String> {
        Some(self.title.clone())
    }

    fn description(&self) -> Option<String> {
        Some(summary(&self.values))
    }

    fn draw(&self, canvas: &mut Canvas<'_>) -> fmt::Result {
        let largest = self
            .values
            .iter()
            .flatten()
            .max()
            .map_or(1, |max| (*max).max(1));
        let bottom = HEIGHT - MARGIN;
        let points = (0..).zip(&self.values).map(|(place, value)| {
            let height = u128::from((*value)?) * u128::from(bottom - MARGIN) / u128::from(largest);
            // At most the height of the picture, so it fits.
            Some((MARGIN + place * STEP, bottom - height as u32))
        });
        let path = Path::new(points);
        canvas.area(Colour::Line, &path.down_to(HEIGHT))?;
        canvas.line(Colour::Dim, "1.5", "", &path)?;
        canvas.line(Colour::Ink, "4", "", &path.dots())
    }
}

/// Returns the course of values in words.
pub(super) fn summary(values: &[Option<u64>]) -> String {
    let known = || values.iter().flatten();
    let (Some(first), Some(last), Some(largest)) =
        (known().next(), known().next_back(), known().max())
    else {
        return "no values".to_owned();
    };
    let mut text = format!("from {first} to {last}, at most {largest}");
    let missing = values.len() - known().count();
    if missing > 0 {
        let verb = if missing == 1 { "is" } else { "are" };
        let all = values.len();
        // Writing to a string does not fail.
        let _ = write!(text, "; {missing} of {all} values {verb} missing");
    }
    text
}
