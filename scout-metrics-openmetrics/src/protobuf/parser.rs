//! Families and metrics, one at a time.

use super::{
    budget::Budget,
    metric::MetricRef,
    scratch::Scratch,
    wire::{Message, Result as WireResult},
};
use crate::{Limits, MetricType, ParseError, Rule, error::Fault};

/// Reads a protobuf exposition in memory, family by family and metric by metric.
///
/// Nothing is allocated for a metric, except that the memory for the parts of a metric grows to what the largest one needs.
/// After an error, the parser returns `None`.
#[derive(Debug)]
pub struct Parser<'a> {
    rest: Message<'a>,
    budget: Budget,
    scratch: Scratch<'a>,
}

impl<'a> Parser<'a> {
    /// Creates a parser with [`Limits::default`].
    pub fn new(exposition: &'a [u8]) -> Self {
        Self::with_limits(exposition, &Limits::default())
    }

    /// Creates a parser with limits. As samples count the metrics, their buckets and their quantiles. The limit of the length
    /// of a line does not apply.
    pub fn with_limits(exposition: &'a [u8], limits: &Limits) -> Self {
        Self {
            rest: Message::new(exposition),
            budget: Budget::new(limits),
            scratch: Scratch::default(),
        }
    }

    /// Returns the next family, or `None` at the end of the exposition. What was not read of the family before is skipped.
    ///
    /// # Errors
    ///
    /// If the bytes are not a message `MetricFamily` after its length, if a text is not UTF-8, or if a limit is exceeded.
    pub fn next_family(&mut self) -> Result<Option<FamilyRef<'_, 'a>>, ParseError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        match self.read_family() {
            Ok(head) => Ok(Some(FamilyRef { parser: self, head })),
            Err(fault) => Err(self.stop(&fault)),
        }
    }

    fn read_family(&mut self) -> WireResult<FamilyHead<'a>> {
        let message = self.rest.next_delimited()?;
        self.budget.add_family(message.at())?;
        FamilyHead::read(message, &self.budget)
    }

    /// Ends the exposition here.
    fn stop(&mut self, fault: &Fault) -> ParseError {
        self.rest = Message::default();
        ParseError::in_bytes(fault.clone())
    }
}

/// A family of a protobuf exposition: its metadata, and its metrics one at a time. [`Parser::next_family`] returns it.
#[derive(Debug)]
pub struct FamilyRef<'p, 'a> {
    parser: &'p mut Parser<'a>,
    head: FamilyHead<'a>,
}

/// The metadata, and what is left of the message.
#[derive(Debug)]
struct FamilyHead<'a> {
    name: &'a str,
    help: &'a str,
    unit: &'a str,
    kind: MetricType,
    /// The place of the message in the exposition.
    at: usize,
    rest: Message<'a>,
}

/// The number of the field with a metric.
const METRIC: u32 = 4;

impl<'a> FamilyHead<'a> {
    /// Looks at all fields, because the metadata may come after the metrics, which are skipped.
    fn read(message: Message<'a>, budget: &Budget) -> WireResult<Self> {
        let mut head = Self {
            name: "",
            help: "",
            unit: "",
            kind: MetricType::Counter,
            at: message.at(),
            rest: message,
        };
        let mut fields = message;
        while let Some(field) = fields.next_field()? {
            match field.number {
                1 => head.name = field.text("name")?,
                2 => head.help = field.text("help")?,
                3 => head.kind = kind(field.integer("type")?, message)?,
                5 => head.unit = field.text("unit")?,
                _ => {}
            }
        }
        if head.name.is_empty() {
            let expected = "expected a name in the field `name`, found none";
            return Err(Fault::new(Rule::ProtobufMessage, message.at(), expected));
        }
        budget.check_name(head.name, message.at())?;
        Ok(head)
    }
}

/// Returns the type with a number. Without one, a family is one of counters: the first value of an enumeration is its default.
fn kind(number: u64, message: Message<'_>) -> WireResult<MetricType> {
    Ok(match number {
        0 => MetricType::Counter,
        1 => MetricType::Gauge,
        2 => MetricType::Summary,
        3 => MetricType::Unknown,
        4 => MetricType::Histogram,
        5 => MetricType::GaugeHistogram,
        _ => {
            let expected = format!("expected a type from 0 to 5, found {number}");
            return Err(Fault::new(Rule::ProtobufMessage, message.at(), expected));
        }
    })
}

impl<'a> FamilyRef<'_, 'a> {
    /// Returns the name, which in this format is also that of the samples of a counter: `http_requests_total`.
    pub fn name(&self) -> &'a str {
        self.head.name
    }

    /// Returns the help text, empty if there is none.
    pub fn help(&self) -> &'a str {
        self.head.help
    }

    /// Returns the unit, empty if there is none.
    pub fn unit(&self) -> &'a str {
        self.head.unit
    }

    /// Returns the type. A family without one has counters.
    pub fn kind(&self) -> MetricType {
        self.head.kind
    }

    /// Returns the place of the message in the exposition.
    pub(super) fn at(&self) -> usize {
        self.head.at
    }

    /// Returns the next metric, or `None` after the last one.
    ///
    /// # Errors
    ///
    /// If the bytes are not a message `Metric` with a value of the type of the family, if a text is not UTF-8, or if a limit
    /// is exceeded.
    pub fn next_metric(&mut self) -> Result<Option<MetricRef<'_, 'a>>, ParseError> {
        match self.read_metric() {
            Ok(true) => Ok(Some(self.parser.scratch.metric())),
            Ok(false) => Ok(None),
            Err(fault) => {
                self.head.rest = Message::default();
                Err(self.parser.stop(&fault))
            }
        }
    }

    fn read_metric(&mut self) -> WireResult<bool> {
        while let Some(field) = self.head.rest.next_field()? {
            if field.number == METRIC {
                let parser = &mut *self.parser;
                let message = field.message("metric")?;
                parser
                    .scratch
                    .read(message, self.head.kind, &mut parser.budget)?;
                return Ok(true);
            }
        }
        Ok(false)
    }
}
