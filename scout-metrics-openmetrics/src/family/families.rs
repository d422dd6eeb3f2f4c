//! The families of an exposition.

use super::collect::Collector;
use crate::{Deviation, MetricFamily, ParseError, ParseOptions, Parser, parse::utf8};

/// Reads a whole exposition into families.
///
/// In memory they take one and a half to three times the exposition (`benches/README.md` has the figures). A sample costs
/// no allocation, but one if it has more than four labels, one for its exemplar, and a few if there are escapes in its
/// label values.
///
/// ```
/// use scout_metrics_openmetrics::{Format, MetricType, ParseOptions, parse_families};
///
/// let text = b"# TYPE up gauge\nup{job=\"a\"} 1\nup{job=\"b\"} 0\n";
/// let families = parse_families(text, &ParseOptions::new(Format::Prometheus))?;
/// assert_eq!(families[0].kind(), MetricType::Gauge);
/// assert_eq!(families[0].samples()[1].labels().get("job"), Some("b"));
/// # Ok::<(), scout_metrics_openmetrics::ParseError>(())
/// ```
///
/// # Errors
///
/// Any [`ParseErrorKind`](crate::ParseErrorKind); `Semantics` where families break a rule that the mode does not
/// forgive.
pub fn parse_families(exposition: &[u8], options: &ParseOptions) -> Result<Families, ParseError> {
    let text = utf8(exposition)?;
    let mut parser = Parser::from_text(text, options);
    let mut collector = Collector::new(text, options);
    while let Some(line) = parser.next_line()? {
        let pushed = collector.push(line);
        pushed.map_err(|stop| stop.into_error(exposition))?;
    }
    collector
        .finish()
        .map_err(|stop| stop.into_error(exposition))
}

/// The families of an exposition, in the order in which they first appear, and the rules that it broke.
///
/// It is a slice of [`MetricFamily`].
#[derive(Clone, Debug, Default)]
pub struct Families {
    families: Vec<MetricFamily>,
    deviations: Vec<Deviation>,
}

impl Families {
    pub(super) fn new(families: Vec<MetricFamily>, deviations: Vec<Deviation>) -> Self {
        Self {
            families,
            deviations,
        }
    }

    /// Returns the rules that were broken and forgiven, in the order of their lines.
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// Returns the families as a vector.
    pub fn into_vec(self) -> Vec<MetricFamily> {
        self.families
    }
}

impl std::ops::Deref for Families {
    type Target = [MetricFamily];

    fn deref(&self) -> &[MetricFamily] {
        &self.families
    }
}

impl IntoIterator for Families {
    type Item = MetricFamily;
    type IntoIter = std::vec::IntoIter<MetricFamily>;

    fn into_iter(self) -> Self::IntoIter {
        self.families.into_iter()
    }
}
