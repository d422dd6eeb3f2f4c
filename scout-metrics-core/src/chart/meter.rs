//! The meter of compliance.

use std::fmt;

use super::{
    canvas::{Canvas, Colour, Draw, Medium, STRETCHED, Svg},
    path::Path,
    table::Table,
};
use crate::{PolicyResult, Severity};

const WIDTH: u32 = 100;
const HEIGHT: u32 = 10;

/// A track that is filled as far as images comply with a policy.
///
/// It is full only if all comply, and empty only if none does. If no images were evaluated it is a dashed line. The
/// picture stretches to any shape.
#[derive(Clone, Debug)]
pub struct Meter {
    result: PolicyResult,
    is_decorative: bool,
}

impl Meter {
    /// Creates a meter of a result.
    pub fn new(result: &PolicyResult) -> Self {
        Self {
            result: result.clone(),
            is_decorative: false,
        }
    }

    /// Hides the meter from screen readers, for a page that has the numbers as text beside it.
    #[must_use]
    pub fn decorative(mut self) -> Self {
        self.is_decorative = true;
        self
    }

    /// Returns a value whose `Display` writes a file.
    pub fn standalone(&self) -> impl fmt::Display + '_ {
        Svg(self, Medium::File)
    }

    /// Returns a value whose `Display` writes the numbers as an HTML table.
    pub fn table(&self) -> impl fmt::Display + '_ {
        let rows = [
            ("Compliant", self.result.compliant()),
            ("Evaluated", self.result.evaluated()),
        ];
        Table {
            caption: self.result.policy().display_name(),
            columns: vec!["Images", "Number"],
            rows: rows
                .map(|(name, count)| (name.to_owned(), vec![Some(count)]))
                .into(),
        }
    }

    /// Returns the filled percentage, or `None` if nothing was evaluated.
    fn percentage(&self) -> Option<u32> {
        let (compliant, evaluated) = (self.result.compliant(), self.result.evaluated());
        let percentage = (u128::from(compliant) * 100).checked_div(u128::from(evaluated))?;
        // At most 100, so it fits.
        let percentage = percentage.min(100) as u32;
        Some(match (compliant, self.result.is_compliant()) {
            (0, _) | (_, true) => percentage,
            _ => percentage.clamp(2, 98),
        })
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Svg(self, Medium::Page).fmt(f)
    }
}

impl Draw for Meter {
    const CLASS: &str = "chart-meter";
    const ATTRIBUTES: &[&str] = &[STRETCHED];

    fn size(&self, _: Medium) -> (u32, u32) {
        (WIDTH, HEIGHT)
    }

    fn title(&self) -> Option<String> {
        let (compliant, evaluated) = (self.result.compliant(), self.result.evaluated());
        (!self.is_decorative).then(|| format!("{compliant} of {evaluated} images comply"))
    }

    fn description(&self) -> Option<String> {
        None
    }

    fn draw(&self, canvas: &mut Canvas<'_>) -> fmt::Result {
        let Some(filled) = self.percentage() else {
            let line = Path::new([Some((1, HEIGHT / 2)), Some((WIDTH - 1, HEIGHT / 2))]);
            return canvas.line(Colour::Dim, "1", "4", &line);
        };
        let colour = match self.result.is_compliant() {
            true => Colour::Fine,
            false => Colour::Severity(Severity::High),
        };
        if filled < WIDTH {
            canvas.rect(Colour::Line, (0, 0), (WIDTH, HEIGHT))?;
        }
        match filled {
            0 => Ok(()),
            _ => canvas.rect(colour, (0, 0), (filled, HEIGHT)),
        }
    }
}
