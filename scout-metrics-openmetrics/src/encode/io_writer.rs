//! Files, sockets and other byte outputs.

use std::{
    fmt,
    io::{self, Write},
};

use super::encoder::Encoder;
use crate::ContentType;

/// Writes text to an output of bytes, such as a file or a socket, in pieces of some kilobytes.
/// [`Encoder::from_writer`] makes it.
#[derive(Clone, Debug)]
pub struct IoWriter<W> {
    out: W,
    buffer: String,
    failure: Failure,
}

/// Whether writing failed, and why if nobody has asked yet.
#[derive(Debug, Default)]
enum Failure {
    #[default]
    None,
    New(io::Error),
    Known,
}

/// The copy of a failed writer fails too.
impl Clone for Failure {
    fn clone(&self) -> Self {
        match self {
            Self::None => Self::None,
            Self::New(_) | Self::Known => Self::Known,
        }
    }
}

impl<W: Write> Encoder<IoWriter<W>> {
    /// Creates an encoder that writes to an output of bytes. No other buffer is needed.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{Encoder, Format, MetricType};
    ///
    /// let mut encoder = Encoder::from_writer(Vec::new(), Format::Prometheus);
    /// encoder.family("up", MetricType::Gauge, "", "")?;
    /// encoder.sample("up", [("job", "api")], 1.0)?;
    /// encoder.flush()?;
    /// encoder.sample("up", [("job", "db")], 0.0)?;
    /// let written = encoder.finish()?.into_inner();
    /// assert_eq!(written, b"# TYPE up gauge\nup{job=\"api\"} 1\nup{job=\"db\"} 0\n");
    /// # Ok::<(), scout_metrics_openmetrics::EncodeError>(())
    /// ```
    ///
    /// An error of the output is the source of the [`EncodeError`](crate::EncodeError). If the encoder is dropped without
    /// [`finish`](Self::finish) or [`flush`](Self::flush), the last kilobytes are not written.
    pub fn from_writer(out: W, content_type: impl Into<ContentType>) -> Self {
        let out = IoWriter {
            out,
            buffer: String::with_capacity(IoWriter::<W>::BUFFER),
            failure: Failure::None,
        };
        Self::with_output(
            out,
            content_type.into(),
            IoWriter::flush,
            IoWriter::take_error,
        )
    }
}

impl<W> IoWriter<W> {
    const BUFFER: usize = 8 << 10;

    /// Returns the output. What has not been flushed is not in it yet.
    pub fn get_ref(&self) -> &W {
        &self.out
    }

    /// Returns the output. [`Encoder::finish`] has written everything to it.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn take_error(&mut self) -> Option<io::Error> {
        if matches!(self.failure, Failure::None) {
            return None;
        }
        match std::mem::replace(&mut self.failure, Failure::Known) {
            Failure::New(error) => Some(error),
            _ => None,
        }
    }
}

impl<W: Write> IoWriter<W> {
    fn flush(&mut self) -> fmt::Result {
        self.pass_on("")?;
        let flushed = self.out.flush();
        self.check(flushed)
    }

    /// Writes what is in the buffer, and a text after it.
    fn pass_on(&mut self, text: &str) -> fmt::Result {
        if !matches!(self.failure, Failure::None) {
            return Err(fmt::Error);
        }
        let buffered = self.out.write_all(self.buffer.as_bytes());
        let written = buffered.and_then(|()| self.out.write_all(text.as_bytes()));
        self.buffer.clear();
        self.check(written)
    }

    fn check(&mut self, result: io::Result<()>) -> fmt::Result {
        result.map_err(|error| {
            self.failure = Failure::New(error);
            fmt::Error
        })
    }
}

impl<W: Write> fmt::Write for IoWriter<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.buffer.len() + text.len() <= Self::BUFFER {
            self.buffer.push_str(text);
            return Ok(());
        }
        self.pass_on(text)
    }
}
