//! The parts of the metric that was read last, in memory that is used again.

use std::{mem, ops::Range};

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
    /// The labels of the metric before, which mostly differ in few of their texts.
    labels_before: Vec<Label<'a>>,
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
    pub(super) exemplar: Option<usize>,
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
    pub(super) exemplar: Option<usize>,
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
        let at = message.at();
        budget.add_samples(1, at)?;
        self.clear(kind);
        self.at = at;
        let mut value = None;
        let value_field = value_field(kind);
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
        self.own_labels = self.labels.len();
        budget.check_labels(self.own_labels, at)?;
        match value {
            Some(field) => self.read_value(field.message(kind.as_str())?, kind, budget),
            None => {
                let expected =
                    format!("expected a value of the type {kind} in the metric, found none");
                Err(Fault::new(Rule::ProtobufValue, at, expected))
            }
        }
    }

    fn clear(&mut self, kind: MetricType) {
        mem::swap(&mut self.labels, &mut self.labels_before);
        self.labels.clear();
        self.exemplars.clear();
        self.numbers.clear();
        self.native.clear();
        self.timestamp = None;
        self.point = Point {
            kind,
            ..Point::default()
        };
    }

    fn read_value(
        &mut self,
        message: Message<'a>,
        kind: MetricType,
        budget: &mut Budget,
    ) -> Result<()> {
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
                2 => self.point.exemplar = Some(self.read_exemplar(field, budget)?),
                3 => self.point.created = timestamp(field, "created_timestamp")?,
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
                4 => self.point.created = timestamp(field, "created_timestamp")?,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_histogram(&mut self, mut message: Message<'a>, budget: &mut Budget) -> Result<()> {
        let mut float_count = 0.0;
        while let Some(field) = message.next_field()? {
            match field.number {
                1 => self.set_count(field.integer("sample_count")?),
                2 => self.point.sum = Some(field.double("sample_sum")?),
                3 => {
                    let bucket = self.read_bucket(field.message("bucket")?, budget)?;
                    budget.add_samples(1, message.at())?;
                    self.numbers.push(bucket);
                }
                4 => float_count = field.double("sample_count_float")?,
                15 => self.point.created = timestamp(field, "created_timestamp")?,
                16 => {
                    let exemplar = self.read_exemplar(field, budget)?;
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

    fn read_bucket(&mut self, mut message: Message<'a>, budget: &Budget) -> Result<NumberPart> {
        if let Some((count, bound)) = message.integer_and_double() {
            return Ok(NumberPart {
                at: bound,
                value: count as f64,
                exemplar: None,
            });
        }
        let mut bucket = NumberPart::default();
        let mut float_count = 0.0;
        while let Some(field) = message.next_field()? {
            match field.number {
                1 => bucket.value = field.integer("cumulative_count")? as f64,
                2 => bucket.at = field.double("upper_bound")?,
                3 => bucket.exemplar = Some(self.read_exemplar(field, budget)?),
                4 => float_count = field.double("cumulative_count_float")?,
                _ => {}
            }
        }
        if float_count > 0.0 {
            bucket.value = float_count;
        }
        Ok(bucket)
    }

    #[inline]
    fn read_label(&mut self, field: Field<'a>, budget: &Budget) -> Result<()> {
        let message = field.message("label")?;
        let before = self.labels_before.get(self.labels.len());
        let before = before.copied().unwrap_or_default();
        let label = match message.two_short_texts() {
            Some((name, value)) => (name.text("name", before.0)?, value.text("value", before.1)?),
            None => label(message)?,
        };
        budget.check_name(label.0, message.at())?;
        budget.check_value(label.1, message.at())?;
        self.labels.push(label);
        Ok(())
    }

    /// Reads an exemplar and returns its place.
    fn read_exemplar(&mut self, field: Field<'a>, budget: &Budget) -> Result<usize> {
        let mut message = field.message("exemplar")?;
        let start = self.labels.len();
        let mut value = 0.0;
        let mut time = None;
        while let Some(field) = message.next_field()? {
            match field.number {
                1 => self.read_label(field, budget)?,
                2 => value = field.double("value")?,
                3 => time = timestamp(field, "timestamp")?,
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
        Ok(self.exemplars.len() - 1)
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

/// Reads a message `google.protobuf.Timestamp`.
fn timestamp(field: Field<'_>, name: &str) -> Result<Option<Timestamp>> {
    let mut message = field.message(name)?;
    let at = message.at();
    let (mut seconds, mut nanos) = (0, 0);
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => seconds = field.integer("seconds")? as i64,
            2 => nanos = field.integer("nanos")?,
            _ => {}
        }
    }
    let nanos = u32::try_from(nanos).ok();
    let time = nanos.and_then(|nanos| Timestamp::new(seconds, nanos));
    let message = "expected 0 to 999,999,999 nanoseconds";
    time.map(Some)
        .ok_or_else(|| Fault::new(Rule::ProtobufMessage, at, message))
}
