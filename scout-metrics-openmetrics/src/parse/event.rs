//! What the pull parser yields: views into the exposition.

use crate::{
    Deviation, MetricType, Timestamp,
    escape::{Escapes, Text},
};

/// One line of an exposition. Blank lines are not yielded, but for those in which something is forgiven: each is an
/// empty comment.
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
        /// What the metric is.
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

/// A view of one sample.
#[derive(Clone, Copy)]
pub struct SampleRef<'p, 'a> {
    pub(crate) line: &'a str,
    pub(crate) parts: &'p Parts,
}

/// Where the parts of a sample stand in its line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    pub(crate) name: Span,
    /// The labels of the sample, and after them those of its exemplar.
    pub(crate) labels: Vec<LabelSpan>,
    /// How many of `labels` are the sample's own.
    pub(crate) own_labels: usize,
    pub(crate) value: Number,
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) exemplar: Option<ExemplarParts>,
    /// Whether name and label names are those of the sample before, to the letter.
    pub(crate) same_names: bool,
}

impl Parts {
    /// Returns whether the name stands before all labels.
    pub(crate) fn name_is_first(&self) -> bool {
        let label = self.labels.first();
        label.is_none_or(|label| self.name.start < label.value_start)
    }

    #[inline]
    pub(crate) fn own_labels(&self) -> &[LabelSpan] {
        &self.labels[..self.own_labels]
    }
}

/// A piece of a line, in bytes from its start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Whether there is a backslash in it.
    pub(crate) escaped: bool,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize, escaped: bool) -> Self {
        // A line is shorter than 4 GiB: `Limits` sees to it.
        Self {
            start: start as u32,
            end: end as u32,
            escaped,
        }
    }

    #[inline]
    pub(crate) fn of(self, line: &str) -> Text<'_> {
        let escapes = if self.escaped {
            Escapes::Quoted
        } else {
            Escapes::None
        };
        Text::new(&line[self.start as usize..self.end as usize], escapes)
    }
}

/// Where a label stands in its line. The name is given by its distance from the value, which is the same in lines that
/// are alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LabelSpan {
    pub(crate) value_start: u32,
    pub(crate) value_end: u32,
    pub(crate) value_escaped: bool,
    name_escaped: bool,
    name_distance: u32,
    name_length: u32,
}

impl LabelSpan {
    pub(crate) fn new(name: Span, value: Span) -> Self {
        Self {
            value_start: value.start,
            value_end: value.end,
            value_escaped: value.escaped,
            name_escaped: name.escaped,
            name_distance: value.start - name.start,
            name_length: name.end - name.start,
        }
    }

    #[inline]
    pub(crate) fn name(self) -> Span {
        let start = self.value_start - self.name_distance;
        Span {
            start,
            end: start + self.name_length,
            escaped: self.name_escaped,
        }
    }

    #[inline]
    pub(crate) fn value(self) -> Span {
        Span {
            start: self.value_start,
            end: self.value_end,
            escaped: self.value_escaped,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ExemplarParts {
    pub(crate) value: Number,
    pub(crate) timestamp: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Number {
    pub(crate) value: f64,
    pub(crate) text: Span,
    /// Whether it is known to be a whole number that is not negative, and so small that the value is exact.
    #[cfg_attr(
        not(feature = "scout"),
        expect(dead_code, reason = "only counts ask for it")
    )]
    pub(crate) is_count: bool,
}

impl<'p, 'a> SampleRef<'p, 'a> {
    /// Returns the name.
    #[inline]
    pub fn name(self) -> Text<'a> {
        self.parts.name.of(self.line)
    }

    /// Returns the labels in their order.
    #[inline]
    pub fn labels(self) -> Labels<'p, 'a> {
        Labels {
            line: self.line,
            spans: self.parts.own_labels().iter(),
        }
    }

    /// Returns the name of the label at a place, which has to be there.
    #[inline]
    pub(crate) fn label_name(self, place: usize) -> Text<'a> {
        self.parts.own_labels()[place].name().of(self.line)
    }

    /// Returns the value of the label at a place, which has to be there.
    #[inline]
    pub(crate) fn label_value(self, place: usize) -> Text<'a> {
        self.parts.own_labels()[place].value().of(self.line)
    }

    /// Returns the value. A whole number beyond 2^53 is the nearest float; [`value_text`](Self::value_text) is exact.
    #[inline]
    pub fn value(self) -> f64 {
        self.parts.value.value
    }

    /// Returns the value as it is written.
    #[inline]
    pub fn value_text(self) -> &'a str {
        self.parts.value.text.of(self.line).raw()
    }

    /// Returns the value as a count, if it is one, without rounding.
    #[cfg(feature = "scout")]
    pub(crate) fn count(self) -> Option<u64> {
        if self.parts.value.is_count {
            return Some(self.value() as u64);
        }
        crate::number::parse_count(self.value_text())
    }

    /// Returns the timestamp, if there is one.
    #[inline]
    pub fn timestamp(self) -> Option<Timestamp> {
        self.parts.timestamp
    }

    /// Returns the exemplar, if there is one.
    #[inline]
    pub fn exemplar(self) -> Option<ExemplarRef<'p, 'a>> {
        Some(ExemplarRef {
            line: self.line,
            labels: &self.parts.labels[self.parts.own_labels..],
            parts: self.parts.exemplar.as_ref()?,
        })
    }

    /// Returns the line, without its end.
    #[inline]
    pub fn line(self) -> &'a str {
        self.line
    }
}

impl std::fmt::Debug for SampleRef<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SampleRef").field(&self.line).finish()
    }
}

/// A view of a sample's exemplar: one event that went into the sample, such as a traced request.
#[derive(Clone, Copy, Debug)]
pub struct ExemplarRef<'p, 'a> {
    line: &'a str,
    labels: &'p [LabelSpan],
    parts: &'p ExemplarParts,
}

impl<'p, 'a> ExemplarRef<'p, 'a> {
    /// Returns the labels in their order.
    pub fn labels(self) -> Labels<'p, 'a> {
        Labels {
            line: self.line,
            spans: self.labels.iter(),
        }
    }

    /// Returns the value.
    pub fn value(self) -> f64 {
        self.parts.value.value
    }

    /// Returns the timestamp, if there is one.
    pub fn timestamp(self) -> Option<Timestamp> {
        self.parts.timestamp
    }
}

/// An iterator over labels, as pairs of name and value.
#[derive(Clone, Debug)]
pub struct Labels<'p, 'a> {
    line: &'a str,
    spans: std::slice::Iter<'p, LabelSpan>,
}

impl<'a> Labels<'_, 'a> {
    /// Returns the values alone.
    #[inline]
    pub(crate) fn values(&self) -> impl Iterator<Item = Text<'a>> + use<'_, 'a> {
        self.spans.clone().map(|label| label.value().of(self.line))
    }
}

impl<'a> Iterator for Labels<'_, 'a> {
    type Item = (Text<'a>, Text<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let span = self.spans.next()?;
        Some((span.name().of(self.line), span.value().of(self.line)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }
}

impl ExactSizeIterator for Labels<'_, '_> {}
