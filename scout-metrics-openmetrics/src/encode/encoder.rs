//! Writes an exposition part by part.

use std::{
    fmt::{self, Write},
    io, mem,
};

use super::{
    composite::{check_composite, write_composite},
    error::EncodeError,
    names::EscapedNames,
    parts::{write_metadata, write_series},
    tail::SampleEncoder,
};
use crate::{
    CompositeValue, ContentType, EscapingScheme, Format, MetricType, Suffix,
    error::shown,
    escape::{write_help_text, write_quoted},
    number::write_value,
};

/// Writes an exposition part by part into anything that accepts text, without allocating.
///
/// Text is escaped, and names that are not plain are quoted as Prometheus 3 does. Each part is checked by
/// itself: what the format cannot express is an error. Rules about several parts, such as that the samples of a family
/// are together, are left to the caller; [`encode_families`](crate::encode_families) checks them all.
///
/// ```
/// use scout_metrics_openmetrics::{Encoder, Format, MetricType, Timestamp};
///
/// let mut encoder = Encoder::new(String::new(), Format::OpenMetrics);
/// encoder.family("http_requests", MetricType::Counter, "Requests \"served\".", "")?;
/// encoder
///     .sample("http_requests_total", [("code", "200")], 1027.0)?
///     .timestamp(Timestamp::from_millis(1_700_000_000_500))?
///     .exemplar([("trace_id", "4bf9")], 1.0, None)?;
/// encoder.sample("http_requests_total", [("code", "500")], 3.0)?;
/// let lines = [
///     "# TYPE http_requests counter",
///     r#"# HELP http_requests Requests \"served\"."#,
///     r##"http_requests_total{code="200"} 1027 1700000000.5 # {trace_id="4bf9"} 1"##,
///     r#"http_requests_total{code="500"} 3"#,
///     "# EOF\n",
/// ];
/// assert_eq!(encoder.finish()?, lines.join("\n"));
/// # Ok::<(), scout_metrics_openmetrics::EncodeError>(())
/// ```
///
/// With a [`ContentType`] instead of a [`Format`], names that are not plain are escaped by its [`EscapingScheme`]. The
/// names of all metrics are then remembered, because two that become the same are an error.
///
/// ```
/// use scout_metrics_openmetrics::{ContentType, Encoder, EscapingScheme, MetricType};
///
/// let content_type = ContentType::TEXT_0_0_4.with_escaping(EscapingScheme::Values);
/// let mut encoder = Encoder::new(String::new(), content_type);
/// encoder.family("jobs.running", MetricType::Gauge, "", "")?;
/// encoder.sample("jobs.running", [("host name", "a")], 1.0)?;
/// let lines = "# TYPE U__jobs_2e_running gauge\nU__jobs_2e_running{U__host_20_name=\"a\"} 1\n";
/// assert_eq!(encoder.finish()?, lines);
/// # Ok::<(), scout_metrics_openmetrics::EncodeError>(())
/// ```
///
/// A `String` and a `BytesMut` can be written to, and so can a `&mut` to either; [`from_writer`](Self::from_writer) writes to
/// files and sockets. After an error the output may end in the middle of a part and must be discarded.
///
/// [`event`](Self::event) and [`sample_ref`](Self::sample_ref) write the lines that a parser reads.
#[derive(Clone, Debug)]
#[must_use = "`finish` writes the end of the exposition"]
pub struct Encoder<W> {
    pub(super) out: W,
    content_type: ContentType,
    pub(super) format: Format,
    /// None if names are written as they are.
    pub(super) names: Option<Box<EscapedNames>>,
    /// A sample stays open for its timestamp and exemplar until the next part.
    line_is_open: bool,
    flush: fn(&mut W) -> fmt::Result,
    /// Returns the reason why the output accepts no more text, if it knows.
    take_error: fn(&mut W) -> Option<io::Error>,
    pub(super) last_type: LastType,
}

impl<W: Write> Encoder<W> {
    /// Creates an encoder that appends to `out`, in a [`ContentType`] or a [`Format`].
    pub fn new(out: W, content_type: impl Into<ContentType>) -> Self {
        Self::with_output(out, content_type.into(), |_| Ok(()), |_| None)
    }

    pub(super) fn with_output(
        out: W,
        content_type: ContentType,
        flush: fn(&mut W) -> fmt::Result,
        take_error: fn(&mut W) -> Option<io::Error>,
    ) -> Self {
        let names = match content_type.escaping() {
            EscapingScheme::AllowUtf8 => None,
            scheme => Some(Box::new(EscapedNames::new(scheme))),
        };
        Self {
            out,
            content_type,
            format: content_type.format(),
            names,
            line_is_open: false,
            flush,
            take_error,
            last_type: LastType::default(),
        }
    }

    /// Returns the content type of what is written.
    pub fn content_type(&self) -> ContentType {
        self.content_type
    }

    /// Returns whether a name has been escaped. Otherwise the output is the same in all schemes.
    pub fn has_escaped_names(&self) -> bool {
        self.names.as_ref().is_some_and(|names| names.has_escaped())
    }

    /// Returns the format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Writes the metadata of a family. An empty help text or unit is the same as none.
    ///
    /// The name is written as it is given. That of a counter ends in `_total` in Prometheus text and OpenMetrics 2.0, and in
    /// OpenMetrics 1.0 the names of its samples do.
    ///
    /// # Errors
    ///
    /// If the name is empty, the help text ends in a carriage return, which readers consider a part of the line's end, or
    /// the output fails; in Prometheus text for types that it does not have, for units, and for a help text that starts
    /// with a blank; in OpenMetrics 1.0 if the unit is not the end of the name, and in 2.0 if it has other characters than a
    /// name; and if another family has become the same name by escaping.
    pub fn family(
        &mut self,
        name: &str,
        kind: MetricType,
        help: &str,
        unit: &str,
    ) -> Result<(), EncodeError> {
        self.check_text()?;
        self.check_family(name, kind, help, unit)?;
        let Some(mut names) = self.names.take() else {
            let written = self.write_family(name, kind, help, unit);
            return written.map_err(|error| self.output_error(error));
        };
        let escaped = names.family(name, kind, unit, self.format);
        let written = escaped.map(|(name, unit)| self.write_family(name, kind, help, &unit));
        self.names = Some(names);
        written?.map_err(|error| self.output_error(error))
    }

    fn write_family(
        &mut self,
        name: &str,
        kind: MetricType,
        help: &str,
        unit: &str,
    ) -> fmt::Result {
        match self.format {
            Format::OpenMetrics | Format::OpenMetrics2 => {
                self.write_type(name, kind)?;
                if !unit.is_empty() {
                    self.write_unit(name, unit)?;
                }
                if !help.is_empty() {
                    self.write_help(name, help)?;
                }
            }
            Format::Prometheus | Format::Protobuf => {
                if !help.is_empty() {
                    self.write_help(name, help)?;
                }
                self.write_type(name, kind)?;
            }
        }
        Ok(())
    }

    pub(super) fn write_type(&mut self, name: &str, kind: MetricType) -> fmt::Result {
        self.close_line()?;
        let word = match (kind, self.format) {
            (MetricType::Unknown, Format::Prometheus) => "untyped",
            _ => kind.as_str(),
        };
        write_metadata(&mut self.out, "TYPE", name, |out| out.write_str(word))
    }

    pub(super) fn write_unit(&mut self, name: &str, unit: &str) -> fmt::Result {
        self.close_line()?;
        write_metadata(&mut self.out, "UNIT", name, |out| out.write_str(unit))
    }

    pub(super) fn write_help(&mut self, name: &str, help: &str) -> fmt::Result {
        self.close_line()?;
        let format = self.format;
        write_metadata(&mut self.out, "HELP", name, |out| match format {
            Format::OpenMetrics | Format::OpenMetrics2 => write_quoted(out, help),
            Format::Prometheus | Format::Protobuf => write_help_text(out, help),
        })
    }

    pub(super) fn write_comment(&mut self, text: &str) -> fmt::Result {
        self.close_line()?;
        self.out.write_char('#')?;
        self.out.write_str(text)?;
        self.out.write_char('\n')
    }

    /// Writes a sample. The returned encoder writes its timestamps and its exemplars, if it has them.
    ///
    /// # Errors
    ///
    /// If the name or that of a label is empty, if the output fails, or if two names become the same by escaping.
    #[inline]
    pub fn sample<'l>(
        &mut self,
        name: &str,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
        value: f64,
    ) -> Result<SampleEncoder<'_, W>, EncodeError> {
        self.sample_of(name, Suffix::None, labels, value)
    }

    /// Writes a sample whose value is a histogram or a summary, which only OpenMetrics 2.0 has. Counts are whole numbers where
    /// they can be, and thresholds have as few digits as possible.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{
    ///     CompositeValue, Encoder, Format, HistogramValue, MetricType, Timestamp,
    /// };
    ///
    /// let wait = HistogramValue::new(10.0).with_sum(4.2).with_buckets([(0.5, 8.0), (f64::INFINITY, 10.0)]);
    /// let mut encoder = Encoder::new(String::new(), Format::OpenMetrics2);
    /// encoder.family("wait_seconds", MetricType::Histogram, "", "seconds")?;
    /// encoder
    ///     .composite_sample("wait_seconds", [("job", "api")], &CompositeValue::Histogram(wait))?
    ///     .start_timestamp(Timestamp::from_millis(1_700_000_000_500))?
    ///     .exemplar([("trace_id", "4bf9")], 0.3, Some(Timestamp::from_millis(1_700_000_007_000)))?
    ///     .exemplar([("trace_id", "52ca")], 0.7, Some(Timestamp::from_millis(1_700_000_009_000)))?;
    /// let lines = [
    ///     "# TYPE wait_seconds histogram",
    ///     "# UNIT wait_seconds seconds",
    ///     "wait_seconds{job=\"api\"} {count:10,sum:4.2,bucket:[0.5:8,+Inf:10]} st@1700000000.5 # \
    ///      {trace_id=\"4bf9\"} 0.3 1700000007 # {trace_id=\"52ca\"} 0.7 1700000009",
    ///     "# EOF\n",
    /// ];
    /// assert_eq!(encoder.finish()?, lines.join("\n"));
    /// # Ok::<(), scout_metrics_openmetrics::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`sample`](Self::sample); and if the format is another one, or if the grammar has no way to write the value:
    /// without a sum, without buckets, without a bucket `+Inf` as the last one, with a threshold or quantile that is not a
    /// number, or for a summary without a count.
    pub fn composite_sample<'l>(
        &mut self,
        name: &str,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
        value: &CompositeValue,
    ) -> Result<SampleEncoder<'_, W>, EncodeError> {
        self.composite_sample_of(name, Suffix::None, labels, value)
    }

    /// Ends the exposition, with `# EOF` in OpenMetrics, and returns the output.
    ///
    /// # Errors
    ///
    /// If the output fails.
    pub fn finish(mut self) -> Result<W, EncodeError> {
        self.check_text()?;
        let ended = self.close_line().and_then(|()| match self.format {
            Format::OpenMetrics | Format::OpenMetrics2 => self.out.write_str("# EOF\n"),
            Format::Prometheus | Format::Protobuf => Ok(()),
        });
        ended.map_err(|error| self.output_error(error))?;
        self.finish_part()
    }

    /// Ends the last line and returns the output without the end of the exposition, so that another encoder can continue it.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{Encoder, Format, MetricType};
    ///
    /// let mut encoder = Encoder::new(String::new(), Format::OpenMetrics);
    /// encoder.family("a", MetricType::Gauge, "", "")?;
    /// encoder.sample("a", [], 1.0)?;
    /// let part = encoder.finish_part()?;
    /// assert_eq!(part, "# TYPE a gauge\na 1\n");
    ///
    /// let mut encoder = Encoder::new(part, Format::OpenMetrics);
    /// encoder.family("b", MetricType::Gauge, "", "")?;
    /// assert_eq!(encoder.finish()?, "# TYPE a gauge\na 1\n# TYPE b gauge\n# EOF\n");
    /// # Ok::<(), scout_metrics_openmetrics::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the output fails.
    pub fn finish_part(mut self) -> Result<W, EncodeError> {
        self.flush()?;
        Ok(self.out)
    }

    /// Ends the last line and, where the output is one of bytes, writes all that was encoded to it and flushes it.
    ///
    /// # Errors
    ///
    /// If the output fails.
    pub fn flush(&mut self) -> Result<(), EncodeError> {
        let flushed = self.close_line().and_then(|()| (self.flush)(&mut self.out));
        flushed.map_err(|error| self.output_error(error))
    }

    /// Ends the last line and returns the output so far, before the end of the exposition. What follows goes into an
    /// empty one, so an exposition of any length can be sent in pieces.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{Encoder, Format};
    ///
    /// let mut encoder = Encoder::new(String::new(), Format::OpenMetrics);
    /// encoder.sample("up", [("job", "api")], 1.0)?;
    /// assert_eq!(encoder.take_output()?, "up{job=\"api\"} 1\n");
    /// encoder.sample("up", [("job", "db")], 0.0)?;
    /// assert_eq!(encoder.finish()?, "up{job=\"db\"} 0\n# EOF\n");
    /// # Ok::<(), scout_metrics_openmetrics::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the output fails.
    pub fn take_output(&mut self) -> Result<W, EncodeError>
    where
        W: Default,
    {
        self.flush()?;
        Ok(mem::take(&mut self.out))
    }

    /// Returns the output so far. The line of the last sample is still without its end.
    pub fn output(&self) -> &W {
        &self.out
    }

    /// Writes a sample of a family.
    pub(crate) fn sample_of<N: AsRef<str>, V: AsRef<str>>(
        &mut self,
        family: &str,
        suffix: Suffix,
        labels: impl IntoIterator<Item = (N, V)>,
        value: f64,
    ) -> Result<SampleEncoder<'_, W>, EncodeError> {
        self.sample_with(family, suffix, labels, |out| write_value(out, value))
    }

    /// Writes a sample of a family whose value is composite.
    pub(crate) fn composite_sample_of<N: AsRef<str>, V: AsRef<str>>(
        &mut self,
        family: &str,
        suffix: Suffix,
        labels: impl IntoIterator<Item = (N, V)>,
        value: &CompositeValue,
    ) -> Result<SampleEncoder<'_, W>, EncodeError> {
        let checked = match self.format {
            Format::OpenMetrics2 => check_composite(value),
            _ if value.histogram().is_some_and(|it| it.native().is_some()) => {
                Err("the format has no native histograms")
            }
            _ => Err("the format has no composite values"),
        };
        match checked {
            Ok(()) => self.sample_with(family, suffix, labels, |out| write_composite(out, value)),
            Err(what) => {
                let subject = format!("the sample `{}{suffix}`", shown(family));
                Err(EncodeError::not_expressible(&subject, self.format, what))
            }
        }
    }

    /// Writes a sample of a family, and its value with a function.
    pub(super) fn sample_with<N: AsRef<str>, V: AsRef<str>>(
        &mut self,
        family: &str,
        suffix: Suffix,
        labels: impl IntoIterator<Item = (N, V)>,
        value: impl FnOnce(&mut W) -> fmt::Result,
    ) -> Result<SampleEncoder<'_, W>, EncodeError> {
        match self.write_sample(family, suffix, labels, value) {
            Ok(()) => Ok(SampleEncoder::new(self)),
            Err(error) => Err(self.with_cause(error)),
        }
    }

    fn write_sample<N: AsRef<str>, V: AsRef<str>>(
        &mut self,
        family: &str,
        suffix: Suffix,
        labels: impl IntoIterator<Item = (N, V)>,
        value: impl FnOnce(&mut W) -> fmt::Result,
    ) -> Result<(), EncodeError> {
        self.check_text()?;
        self.close_line()?;
        write_series(
            &mut self.out,
            self.names.as_deref_mut(),
            family,
            suffix,
            labels,
        )?;
        self.out.write_char(' ')?;
        value(&mut self.out)?;
        self.line_is_open = true;
        Ok(())
    }

    #[inline]
    pub(super) fn close_line(&mut self) -> fmt::Result {
        if mem::take(&mut self.line_is_open) {
            self.out.write_char('\n')?;
        }
        Ok(())
    }

    /// Returns the error of an output that accepts no more text.
    #[cold]
    pub(super) fn output_error(&mut self, error: fmt::Error) -> EncodeError {
        match (self.take_error)(&mut self.out) {
            Some(error) => error.into(),
            None => error.into(),
        }
    }

    /// Returns an error with the cause that the output knows.
    #[cold]
    pub(super) fn with_cause(&mut self, error: EncodeError) -> EncodeError {
        (self.take_error)(&mut self.out).map_or(error, EncodeError::from)
    }
}

/// The last `# TYPE` that came as an event.
#[derive(Clone, Debug, Default)]
pub(super) struct LastType {
    pub(super) name: String,
    pub(super) kind: MetricType,
}
