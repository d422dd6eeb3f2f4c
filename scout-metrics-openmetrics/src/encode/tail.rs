//! Writes what comes after the value of a sample.

use std::fmt::{self, Write};

use super::{Encoder, error::EncodeError, parts::write_exemplar};
use crate::{Format, Timestamp, number::write_value};

/// Writes what can come after the value of a sample, in this order: the timestamp, the start timestamp and the exemplars.
/// [`Encoder::sample`] returns it.
#[derive(Debug)]
pub struct SampleEncoder<'e, W> {
    encoder: &'e mut Encoder<W>,
    /// The last part that was written.
    last: TailPart,
}

/// The parts after the value in their order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum TailPart {
    None,
    Timestamp,
    StartTimestamp,
    Exemplar,
}

impl<'e, W: Write> SampleEncoder<'e, W> {
    pub(super) fn new(encoder: &'e mut Encoder<W>) -> Self {
        Self {
            encoder,
            last: TailPart::None,
        }
    }

    /// Writes the timestamp.
    ///
    /// # Errors
    ///
    /// If it is not a whole number of milliseconds, which Prometheus text counts, if something that comes after it has been
    /// written, or if the output fails.
    pub fn timestamp(mut self, timestamp: Timestamp) -> Result<Self, EncodeError> {
        self.advance(TailPart::Timestamp)?;
        let Encoder { out, format, .. } = &mut *self.encoder;
        let written = match format {
            Format::OpenMetrics | Format::OpenMetrics2 => write!(out, " {timestamp}"),
            Format::Prometheus | Format::Protobuf => {
                let millis = timestamp.to_millis().ok_or_else(|| {
                    let what = "a timestamp has to be whole milliseconds";
                    EncodeError::not_expressible("a sample", *format, what)
                })?;
                write!(out, " {millis}")
            }
        };
        self.written(written)
    }

    /// Writes when counting began, which only OpenMetrics 2.0 has next to the value.
    ///
    /// # Errors
    ///
    /// If the format is another one, if there is one or an exemplar already, or if the output fails.
    pub fn start_timestamp(mut self, start: Timestamp) -> Result<Self, EncodeError> {
        self.advance(TailPart::StartTimestamp)?;
        let Encoder { out, format, .. } = &mut *self.encoder;
        if *format != Format::OpenMetrics2 {
            let what = "the format has no start timestamps";
            return Err(EncodeError::not_expressible("a sample", *format, what));
        }
        let written = write!(out, " st@{start}");
        self.written(written)
    }

    /// Writes an exemplar. OpenMetrics 1.0 has one, OpenMetrics 2.0 any number of them, each with a timestamp.
    ///
    /// # Errors
    ///
    /// If the format is Prometheus text, which has no exemplars, or OpenMetrics 1.0 and there is one already, if the
    /// timestamp is missing in OpenMetrics 2.0, if the name of a label is empty, or if the output fails.
    pub fn exemplar<'l>(
        self,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
        value: f64,
        timestamp: Option<Timestamp>,
    ) -> Result<Self, EncodeError> {
        self.exemplar_with(labels, |out| write_value(out, value), timestamp)
    }

    /// Writes an exemplar, and its value with a function.
    pub(super) fn exemplar_with<N: AsRef<str>, V: AsRef<str>>(
        mut self,
        labels: impl IntoIterator<Item = (N, V)>,
        value: impl FnOnce(&mut W) -> fmt::Result,
        timestamp: Option<Timestamp>,
    ) -> Result<Self, EncodeError> {
        let has_exemplar = self.last == TailPart::Exemplar;
        let Encoder {
            out, format, names, ..
        } = &mut *self.encoder;
        let what = match format {
            Format::Prometheus => "the format has no exemplars",
            Format::OpenMetrics if has_exemplar => "a sample has at most one exemplar",
            Format::OpenMetrics2 if timestamp.is_none() => "an exemplar has to have a timestamp",
            _ => "",
        };
        if !what.is_empty() {
            return Err(EncodeError::not_expressible("a sample", *format, what));
        }
        self.last = TailPart::Exemplar;
        match write_exemplar(out, names.as_deref_mut(), labels, value, timestamp) {
            Ok(()) => Ok(self),
            Err(error) => Err(self.encoder.with_cause(error)),
        }
    }

    /// Notes that a part of which there is one comes next.
    fn advance(&mut self, part: TailPart) -> Result<(), EncodeError> {
        if self.last >= part {
            let what =
                "the timestamp, the start timestamp and the exemplars come once in this order";
            let format = self.encoder.format;
            return Err(EncodeError::not_expressible("a sample", format, what));
        }
        self.last = part;
        Ok(())
    }

    fn written(self, written: fmt::Result) -> Result<Self, EncodeError> {
        match written {
            Ok(()) => Ok(self),
            Err(error) => Err(self.encoder.output_error(error)),
        }
    }
}
