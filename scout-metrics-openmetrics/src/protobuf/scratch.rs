//! The parts of the metric that was read last, in memory that is used again.

use std::ops::Range;

use super::{
    budget::Budget,
    metric::MetricRef,
    native::NativePart,
    wire::{Field, Message, Result},
};
use crate::{MetricType, Rule, Timestamp, error::Fault};

/// A metric in parts.
#[derive(Debug, Default)]
pub(super) struct Scratch<'a> {
    /// Labels of the metric, and then those of its exemplars.
    pub(super) labels: Vec<Label<'a>>,
    /// How many labels are those of the metric.
    pub(super) own_labels: usize,
    pub(super) exemplars: Vec<ExemplarPart>,
    /// Buckets or quantiles.
    pub(super) numbers: Vec<NumberPart>,
    pub(super) native: NativePart,
    pub(super) point: Point,
    pub(super) timestamp: Option<Timestamp>,
    /// The place of the metric in the exposition.
    pub(super) at: usize,
}

/// A name and a value.
type Label<'a> = (&'a str, &'a str);

/// An exemplar, with the places of its labels.
#[derive(Clone, Debug)]
pub(super) struct ExemplarPart {
    pub(super) labels: Range<usize>,
    pub(super) value: f64,
    pub(super) timestamp: Option<Timestamp>,
}

/// A bucket or a quantile.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NumberPart {
    /// The upper bound of a bucket, or the quantile.
    pub(super) at: f64,
    /// The cumulative count of a bucket, or the value of a quantile.
    pub(super) value: f64,
    /// The place of the exemplar of a bucket.
    pub(super) exemplar: Option<u32>,
}

/// The numbers of a metric that are not repeated.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Point {
    pub(super) kind: MetricType,
    /// The value, or the count of a histogram or summary.
    pub(super) value: f64,
    /// The count before it became a floating-point number.
    pub(super) whole: Option<u64>,
    pub(super) sum: Option<f64>,
    pub(super) created: Option<Timestamp>,
    /// The place of the exemplar of a counter.
    pub(super) exemplar: Option<u32>,
}

impl<'a> Scratch<'a> {
    /// Returns the metric that was read last.
    pub(super) fn metric(&self) -> MetricRef<'_, 'a> {
        MetricRef::new(self)
    }

    /// Reads a metric in place of the one before.
    pub(super) fn read(
        &mut self,
        mut message: Message<'a>,
        kind: MetricType,
        budget: &mut Budget,
    ) -> Result<()> {
        self.at = message.at();
        budget.add_samples(1, self.at)?;
        self.labels.clear();
        self.timestamp = None;
        self.point = Point {
            kind,
            ..Point::default()
        };
        self.read_labels(&mut message, budget)?;
        let value_field = value_field(kind);
        if let Some(number) = message.double_in(value_field).filter(|_| is_number(kind)) {
            self.point.value = number;
            return self.finish_labels(budget);
        }
        let mut value = None;
        while let Some(field) = message.next_field()? {
            match field.number {
                1 => self.read_label(field, budget)?,
                6 => {
                    self.timestamp =
                        Some(Timestamp::from_millis(field.integer("timestamp_ms")? as i64))
                }
                number if number == value_field => value = Some(field),
                _ => {}
            }
        }
        self.finish_labels(budget)?;
        match value {
            Some(field) => self.read_value(field.message(kind.as_str())?, kind, budget),
            None => {
                let expected =
                    format!("expected a value of the type {kind} in the metric, found none");
                Err(Fault::new(Rule::ProtobufValue, self.at, expected))
            }
        }
    }

    fn finish_labels(&mut self, budget: &Budget) -> Result<()> {
        self.own_labels = self.labels.len();
        budget.check_labels(self.own_labels, self.at)
    }

    fn read_value(
        &mut self,
        message: Message<'a>,
        kind: MetricType,
        budget: &mut Budget,
    ) -> Result<()> {
        self.exemplars.clear();
        self.numbers.clear();
        match kind {
            MetricType::Counter => self.read_counter(message, budget),
            MetricType::Summary => self.read_summary(message, budget),
            MetricType::GaugeHistogram | MetricType::Histogram => {
                self.read_histogram(message, budget)
            }
            _ => self.read_number(message),
        }
    }

    fn read_number(&mut self, mut message: Message<'a>) -> Result<()> {
        while let Some(field) = message.next_field()? {
            if field.number == 1 {
                self.point.value = field.double("value")?;
            }
        }
        Ok(())
    }

    fn read_counter(&mut self, mut message: Message<'a>, budget: &Budget) -> Result<()> {
        while let Some(field) = message.next_field()? {
            match field.number {
                1 => self.point.value = field.double("value")?,
                2 => {
                    self.point.exemplar =
                        Some(self.read_exemplar(field.message("exemplar")?, budget)?)
                }
                3 => self.point.created = Some(timestamp(field.message("created_timestamp")?)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_summary(&mut self, mut message: Message<'a>, budget: &mut Budget) -> Result<()> {
        while let Some(field) = message.next_field()? {
            match field.number {
                1 => self.set_count(field.integer("sample_count")?),
                2 => self.point.sum = Some(field.double("sample_sum")?),
                3 => {
                    let quantile = quantile(field.message("quantile")?)?;
                    budget.add_samples(1, message.at())?;
                    self.numbers.push(quantile);
                }
                4 => self.point.created = Some(timestamp(field.message("created_timestamp")?)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_histogram(&mut self, mut message: Message<'a>, budget: &mut Budget) -> Result<()> {
        self.native.clear();
        let mut float_count = 0.0;
        loop {
            // Nearly all fields are these.
            while let Some(bucket) = message.short_message(3) {
                self.push_bucket(bucket, budget)?;
            }
            let Some(field) = message.next_field()? else {
                break;
            };
            match field.number {
                1 => self.set_count(field.integer("sample_count")?),
                2 => self.point.sum = Some(field.double("sample_sum")?),
                3 => self.push_bucket(field.message("bucket")?, budget)?,
                4 => float_count = field.double("sample_count_float")?,
                15 => self.point.created = Some(timestamp(field.message("created_timestamp")?)?),
                16 => {
                    let exemplar = self.read_exemplar(field.message("exemplar")?, budget)?;
                    self.native.add_exemplar(exemplar);
                }
                _ => self.native.read(field)?,
            }
        }
        if float_count > 0.0 {
            self.point.value = float_count;
            self.point.whole = None;
        }
        let native = self.native.finish(message.at())?;
        budget.add_samples(native, message.at())
    }

    fn set_count(&mut self, count: u64) {
        self.point.value = count as f64;
        self.point.whole = Some(count);
    }

    /// Expects the fields in their order first.
    #[inline]
    fn push_bucket(&mut self, mut message: Message<'a>, budget: &mut Budget) -> Result<()> {
        budget.add_samples(1, message.at())?;
        let mut bucket = NumberPart {
            value: message.integer(1).unwrap_or_default() as f64,
            at: message.double(2).unwrap_or_default(),
            exemplar: None,
        };
        if let Some(exemplar) = message.short_message(3) {
            bucket.exemplar = Some(self.read_exemplar(exemplar, budget)?);
        }
        if !message.is_empty() {
            self.finish_bucket(&mut bucket, message, budget)?;
        }
        self.numbers.push(bucket);
        Ok(())
    }

    fn finish_bucket(
        &mut self,
        bucket: &mut NumberPart,
        mut message: Message<'a>,
        budget: &Budget,
    ) -> Result<()> {
        let mut float_count = 0.0;
        while let Some(field) = message.next_field()? {
            match field.number {
                1 => bucket.value = field.integer("cumulative_count")? as f64,
                2 => bucket.at = field.double("upper_bound")?,
                3 => {
                    let exemplar = field.message("exemplar")?;
                    bucket.exemplar = Some(self.read_exemplar(exemplar, budget)?);
                }
                4 => float_count = field.double("cumulative_count_float")?,
                _ => {}
            }
        }
        if float_count > 0.0 {
            bucket.value = float_count;
        }
        Ok(())
    }

    /// Reads the labels at the start of a metric or an exemplar, in most of which these are all.
    #[inline]
    fn read_labels(&mut self, message: &mut Message<'a>, budget: &Budget) -> Result<()> {
        let at = message.at();
        message.short_labels(|name, value| self.push_label((name, value), at, budget))
    }

    fn read_label(&mut self, field: Field<'a>, budget: &Budget) -> Result<()> {
        let message = field.message("label")?;
        self.push_label(label(message)?, message.at(), budget)
    }

    #[inline]
    fn push_label(&mut self, label: Label<'a>, at: usize, budget: &Budget) -> Result<()> {
        budget.check_name(label.0, at)?;
        budget.check_value(label.1, at)?;
        self.labels.push(label);
        Ok(())
    }

    /// Reads an exemplar and returns its place. Expects the fields in their order first.
    fn read_exemplar(&mut self, mut message: Message<'a>, budget: &Budget) -> Result<u32> {
        let start = self.labels.len();
        self.read_labels(&mut message, budget)?;
        let mut value = message.double(2).unwrap_or_default();
        let mut time = match message.short_message(3) {
            Some(time) => Some(timestamp(time)?),
            None => None,
        };
        while let Some(field) = message.next_field()? {
            match field.number {
                1 => self.read_label(field, budget)?,
                2 => value = field.double("value")?,
                3 => time = Some(timestamp(field.message("timestamp")?)?),
                _ => {}
            }
        }
        let labels = start..self.labels.len();
        budget.check_labels(labels.len(), message.at())?;
        self.exemplars.push(ExemplarPart {
            labels,
            value,
            timestamp: time,
        });
        Ok(self.exemplars.len() as u32 - 1)
    }
}

/// Returns the number of the field of a metric that holds a value of a type.
const fn value_field(kind: MetricType) -> u32 {
    match kind {
        MetricType::Gauge => 2,
        MetricType::Counter => 3,
        MetricType::Summary => 4,
        MetricType::GaugeHistogram | MetricType::Histogram => 7,
        _ => 5,
    }
}

/// Returns whether the values of a type are numbers with nothing else that they must have.
const fn is_number(kind: MetricType) -> bool {
    matches!(
        kind,
        MetricType::Counter | MetricType::Gauge | MetricType::Unknown
    )
}

fn label<'a>(mut message: Message<'a>) -> Result<Label<'a>> {
    let mut label = ("", "");
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => label.0 = field.text("name")?,
            2 => label.1 = field.text("value")?,
            _ => {}
        }
    }
    Ok(label)
}

fn quantile(mut message: Message<'_>) -> Result<NumberPart> {
    let mut quantile = NumberPart::default();
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => quantile.at = field.double("quantile")?,
            2 => quantile.value = field.double("value")?,
            _ => {}
        }
    }
    Ok(quantile)
}

/// Reads a message `google.protobuf.Timestamp`. Expects the fields in their order first.
fn timestamp(mut message: Message<'_>) -> Result<Timestamp> {
    let at = message.at();
    let mut seconds = message.integer(1).unwrap_or_default();
    let mut nanos = message.integer(2).unwrap_or_default();
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => seconds = field.integer("seconds")?,
            2 => nanos = field.integer("nanos")?,
            _ => {}
        }
    }
    let nanos = u32::try_from(nanos).ok();
    let time = nanos.and_then(|nanos| Timestamp::new(seconds as i64, nanos));
    let message = "expected 0 to 999,999,999 nanoseconds";
    time.ok_or_else(|| Fault::new(Rule::ProtobufMessage, at, message))
}
