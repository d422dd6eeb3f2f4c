//! The events of the pull parser: views into the exposition.

use super::{
    composite::CompositeRef,
    parts::{ExemplarParts, LabelSpan, Parts},
};
use crate::{Deviation, Format, MetricType, Timestamp, escape::Text, number};

/// One line of an exposition. Blank lines are left out, except those with a deviation: each of them is an empty comment.
///
/// Texts borrow from the exposition (`'a`), samples also from the parser (`'p`), which uses the memory again for the
/// next one.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Event<'p, 'a> {
    /// A comment, from after its `#` to the end of the line.
    Comment(&'a str),
    /// The line `# EOF` of OpenMetrics.
    End,
    /// `# HELP name text`.
    #[non_exhaustive]
    Help {
        /// The family.
        name: Text<'a>,
        /// The help text.
        text: Text<'a>,
    },
    /// A sample.
    Sample(SampleRef<'p, 'a>),
    /// `# TYPE name type`.
    #[non_exhaustive]
    Type {
        /// The family.
        name: Text<'a>,
        /// Its type.
        kind: MetricType,
    },
    /// `# UNIT name unit`, of OpenMetrics only.
    #[non_exhaustive]
    Unit {
        /// The family.
        name: Text<'a>,
        /// Its unit; may be empty.
        unit: &'a str,
    },
}

/// An event with what is known about its line.
#[derive(Clone, Copy, Debug)]
pub struct Line<'p, 'a> {
    pub(crate) event: Event<'p, 'a>,
    pub(crate) number: u64,
    pub(crate) deviations: &'p [Deviation],
}

impl<'p, 'a> Line<'p, 'a> {
    /// Returns the event.
    pub fn event(self) -> Event<'p, 'a> {
        self.event
    }

    /// Returns the number of the line, counted from 1.
    pub fn number(self) -> u64 {
        self.number
    }

    /// Returns the rules that the line breaks and that are forgiven.
    pub fn deviations(self) -> &'p [Deviation] {
        self.deviations
    }
}

/// A view of one sample. Texts are cut from the exposition when they are asked for.
#[derive(Clone, Copy)]
pub struct SampleRef<'p, 'a> {
    /// The text that the places in `parts` are of: the line, or a block with the line in it.
    pub(crate) text: &'a str,
    pub(crate) parts: &'p Parts,
}

impl<'p, 'a> SampleRef<'p, 'a> {
    /// Returns the name.
    #[inline]
    pub fn name(self) -> Text<'a> {
        self.parts.name.of(self.text)
    }

    /// Returns the labels in their order.
    #[inline]
    pub fn labels(self) -> Labels<'p, 'a> {
        Labels {
            text: self.text,
            spans: self.parts.own_labels().iter(),
        }
    }

    /// Returns the value of a label: the first one, if the name occurs more than once.
    pub fn label(self, name: &str) -> Option<Text<'a>> {
        let mut labels = self.labels();
        labels.find_map(|(found, value)| (found == *name).then_some(value))
    }

    /// Returns the value of the label at a place, which has to be there.
    #[inline]
    pub(crate) fn label_value(self, place: usize) -> Text<'a> {
        self.parts.own_labels()[place].value().of(self.text)
    }

    /// Returns the value, which of a [composite](Self::composite) one is the count. A whole number beyond 2^53 is the nearest float; [`value_text`](Self::value_text) is exact.
    #[inline]
    pub fn value(self) -> f64 {
        self.parts.value.value
    }

    /// Returns the value as it is written.
    #[inline]
    pub fn value_text(self) -> &'a str {
        self.parts.value.text.of(self.text).raw()
    }

    /// Returns the value as a count, if it is one, without rounding.
    #[cfg(feature = "scout")]
    pub(crate) fn count(self) -> Option<u64> {
        if self.parts.value.kind == super::parts::NumberKind::Count {
            return Some(self.value() as u64);
        }
        number::parse_count(self.value_text())
    }

    /// Returns the timestamp, if there is one.
    #[inline]
    pub fn timestamp(self) -> Option<Timestamp> {
        self.parts.timestamp
    }

    /// Returns the histogram or summary that is the value, if it is one, which only OpenMetrics 2.0 has.
    #[inline]
    pub fn composite(self) -> Option<CompositeRef<'p>> {
        self.parts.composite().and_then(CompositeRef::new)
    }

    /// Returns when counting began, if the line says it, as only OpenMetrics 2.0 does.
    #[inline]
    pub fn start_timestamp(self) -> Option<Timestamp> {
        self.parts.start
    }

    /// Returns all exemplars. Only OpenMetrics 2.0 has more than one.
    pub fn exemplars(self) -> impl Iterator<Item = ExemplarRef<'p, 'a>> + Clone {
        let exemplars = self.parts.exemplars();
        exemplars.map(move |(labels, parts)| ExemplarRef {
            text: self.text,
            labels,
            parts,
        })
    }

    /// Returns the exemplar, if there is one, and the first one of several.
    #[inline]
    pub fn exemplar(self) -> Option<ExemplarRef<'p, 'a>> {
        let (labels, parts) = self.parts.exemplar()?;
        Some(ExemplarRef {
            text: self.text,
            labels,
            parts,
        })
    }

    /// Returns the format that the sample is written in.
    pub fn format(self) -> Format {
        self.parts.format
    }

    /// Returns the line, without its end.
    #[inline]
    pub fn line(self) -> &'a str {
        self.parts.line.of(self.text).raw()
    }
}

impl std::fmt::Debug for SampleRef<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SampleRef").field(&self.line()).finish()
    }
}

/// A view of a sample's exemplar: one event that went into the sample, such as a traced request.
#[derive(Clone, Copy, Debug)]
pub struct ExemplarRef<'p, 'a> {
    text: &'a str,
    labels: &'p [LabelSpan],
    parts: &'p ExemplarParts,
}

impl<'p, 'a> ExemplarRef<'p, 'a> {
    /// Returns the labels in their order.
    pub fn labels(self) -> Labels<'p, 'a> {
        Labels {
            text: self.text,
            spans: self.labels.iter(),
        }
    }

    /// Returns the value.
    pub fn value(self) -> f64 {
        // The parser accepts one value that is not a number: in lenient mode, NaN with a sign.
        number::parse_value(self.value_text()).unwrap_or(f64::NAN)
    }

    /// Returns the value as it is written.
    pub fn value_text(self) -> &'a str {
        self.parts.value.of(self.text).raw()
    }

    /// Returns the timestamp, if there is one.
    pub fn timestamp(self) -> Option<Timestamp> {
        let timestamp = self.parts.timestamp?.of(self.text);
        number::parse_seconds(timestamp.raw()).ok()
    }
}

/// An iterator over labels, as pairs of name and value.
#[derive(Clone, Debug)]
pub struct Labels<'p, 'a> {
    text: &'a str,
    spans: std::slice::Iter<'p, LabelSpan>,
}

impl<'a> Labels<'_, 'a> {
    /// Returns the values alone.
    #[inline]
    pub(crate) fn values(&self) -> impl Iterator<Item = Text<'a>> + use<'_, 'a> {
        self.spans.clone().map(|label| label.value().of(self.text))
    }
}

impl<'a> Iterator for Labels<'_, 'a> {
    type Item = (Text<'a>, Text<'a>);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let span = self.spans.next()?;
        Some((span.name().of(self.text), span.value().of(self.text)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }
}

impl ExactSizeIterator for Labels<'_, '_> {}
