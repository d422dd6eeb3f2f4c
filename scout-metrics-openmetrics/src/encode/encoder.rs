//! Writes an exposition part by part. The only place that knows how the parts of a line are put together.

use std::fmt::{self, Write};

use super::error::EncodeError;
use crate::{
    Format, MetricType, Suffix, Timestamp,
    error::shown,
    escape::{write_help_text, write_quoted},
    find::NameOf,
    number::write_value,
};

/// Writes an exposition part by part into anything that accepts text, without allocating.
///
/// Text is escaped, and names that the formats do not know are quoted as Prometheus 3 does. Each part is checked by
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
/// A `String` and a `BytesMut` can be written to, and so can a `&mut` to either. After an error the output ends
/// somewhere in a part and is of no more use.
#[derive(Clone, Debug)]
#[must_use = "`finish` writes the end of the exposition"]
pub struct Encoder<W> {
    out: W,
    format: Format,
    /// A sample stays open for its timestamp and exemplar until the next part.
    line_is_open: bool,
}

impl<W: Write> Encoder<W> {
    /// Creates an encoder that appends to `out`.
    pub fn new(out: W, format: Format) -> Self {
        Self {
            out,
            format,
            line_is_open: false,
        }
    }

    /// Returns the format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Writes the metadata of a family. An empty help text or unit is the same as none.
    ///
    /// The name is written as it is given. That of a counter ends in `_total` in Prometheus text, and in OpenMetrics the
    /// names of its samples do.
    ///
    /// # Errors
    ///
    /// If the name is empty, the help text ends in a carriage return, which readers consider a part of the line's end, or
    /// the output fails; in Prometheus text for types that it does not have, for units, and for a help text that starts
    /// with a blank; in OpenMetrics if the unit is not the end of the name.
    pub fn family(
        &mut self,
        name: &str,
        kind: MetricType,
        help: &str,
        unit: &str,
    ) -> Result<(), EncodeError> {
        self.check_family(name, kind, help, unit)?;
        self.close_line()?;
        match self.format {
            Format::OpenMetrics => {
                write_metadata(&mut self.out, "TYPE", name, |out| {
                    out.write_str(kind.as_str())
                })?;
                if !unit.is_empty() {
                    write_metadata(&mut self.out, "UNIT", name, |out| out.write_str(unit))?;
                }
                if !help.is_empty() {
                    write_metadata(&mut self.out, "HELP", name, |out| write_quoted(out, help))?;
                }
            }
            Format::Prometheus => {
                if !help.is_empty() {
                    write_metadata(&mut self.out, "HELP", name, |out| {
                        write_help_text(out, help)
                    })?;
                }
                let kind = match kind {
                    MetricType::Unknown => "untyped",
                    kind => kind.as_str(),
                };
                write_metadata(&mut self.out, "TYPE", name, |out| out.write_str(kind))?;
            }
        }
        Ok(())
    }

    /// Writes a sample. The returned encoder writes its timestamp and its exemplar, if it has them.
    ///
    /// # Errors
    ///
    /// If the name or that of a label is empty, or if the output fails.
    #[inline]
    pub fn sample<'l>(
        &mut self,
        name: &str,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
        value: f64,
    ) -> Result<SampleEncoder<'_, W>, EncodeError> {
        self.sample_of(name, Suffix::None, labels, value)
    }

    /// Ends the exposition, with `# EOF` in OpenMetrics, and returns the output.
    ///
    /// # Errors
    ///
    /// If the output fails.
    pub fn finish(mut self) -> Result<W, EncodeError> {
        self.close_line()?;
        if self.format == Format::OpenMetrics {
            self.out.write_str("# EOF\n")?;
        }
        Ok(self.out)
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
        self.close_line()?;
        Ok(self.out)
    }

    /// Writes a sample of a family.
    pub(crate) fn sample_of<'l>(
        &mut self,
        family: &str,
        suffix: Suffix,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
        value: f64,
    ) -> Result<SampleEncoder<'_, W>, EncodeError> {
        self.close_line()?;
        write_series(&mut self.out, family, suffix, labels)?;
        self.out.write_char(' ')?;
        write_value(&mut self.out, value)?;
        self.line_is_open = true;
        Ok(SampleEncoder { encoder: self })
    }

    #[inline]
    fn close_line(&mut self) -> fmt::Result {
        if std::mem::take(&mut self.line_is_open) {
            self.out.write_char('\n')?;
        }
        Ok(())
    }

    fn check_family(
        &self,
        name: &str,
        kind: MetricType,
        help: &str,
        unit: &str,
    ) -> Result<(), EncodeError> {
        if name.is_empty() {
            return Err(EncodeError::empty_name("a family"));
        }
        let refuse = |what: &str| {
            let subject = format!("the family `{}`", shown(name));
            Err(EncodeError::not_expressible(&subject, self.format, what))
        };
        match self.format {
            Format::OpenMetrics => {
                if help.ends_with('\r') {
                    return refuse("a help text cannot end in a carriage return");
                }
                let is_suffix = name
                    .strip_suffix(unit)
                    .is_some_and(|start| start.ends_with('_'));
                let is_unit = is_suffix && NameOf::Metric.has_all(unit.as_bytes());
                if !unit.is_empty() && !is_unit {
                    return refuse("its unit is not the end of its name");
                }
            }
            Format::Prometheus => {
                if matches!(
                    kind,
                    MetricType::GaugeHistogram | MetricType::Info | MetricType::StateSet
                ) {
                    return refuse(&format!("the format has no type {kind}"));
                }
                if !unit.is_empty() {
                    return refuse("the format has no units");
                }
                if help.starts_with([' ', '\t']) {
                    return refuse("a help text cannot start with a blank");
                }
            }
        }
        Ok(())
    }
}

/// Writes what can come after the value of a sample. [`Encoder::sample`] returns it.
#[derive(Debug)]
pub struct SampleEncoder<'e, W> {
    encoder: &'e mut Encoder<W>,
}

impl<W: Write> SampleEncoder<'_, W> {
    /// Writes the timestamp.
    ///
    /// # Errors
    ///
    /// If it is not a whole number of milliseconds, which Prometheus text counts, or if the output fails.
    pub fn timestamp(self, timestamp: Timestamp) -> Result<Self, EncodeError> {
        let Encoder { out, format, .. } = &mut *self.encoder;
        match format {
            Format::OpenMetrics => write!(out, " {timestamp}")?,
            Format::Prometheus => {
                let millis = timestamp.to_millis().ok_or_else(|| {
                    let what = "a timestamp has to be whole milliseconds";
                    EncodeError::not_expressible("a sample", *format, what)
                })?;
                write!(out, " {millis}")?;
            }
        }
        Ok(self)
    }

    /// Writes the exemplar, which ends the sample.
    ///
    /// # Errors
    ///
    /// If the format is Prometheus text, which has no exemplars, if the name of a label is empty, or if the output
    /// fails.
    pub fn exemplar<'l>(
        self,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
        value: f64,
        timestamp: Option<Timestamp>,
    ) -> Result<(), EncodeError> {
        let Encoder { out, format, .. } = self.encoder;
        if *format == Format::Prometheus {
            let what = "the format has no exemplars";
            return Err(EncodeError::not_expressible("a sample", *format, what));
        }
        out.write_str(" # {")?;
        for (index, label) in labels.into_iter().enumerate() {
            write_label(out, if index > 0 { "," } else { "" }, label)?;
        }
        out.write_str("} ")?;
        write_value(out, value)?;
        if let Some(timestamp) = timestamp {
            write!(out, " {timestamp}")?;
        }
        Ok(())
    }
}

/// Writes `# KEYWORD name text`.
fn write_metadata<W: Write>(
    out: &mut W,
    keyword: &str,
    name: &str,
    write_text: impl FnOnce(&mut W) -> fmt::Result,
) -> fmt::Result {
    write!(out, "# {keyword} ")?;
    if NameOf::Metric.is(name) {
        out.write_str(name)?;
    } else {
        out.write_char('"')?;
        write_quoted(out, name)?;
        out.write_char('"')?;
    }
    out.write_char(' ')?;
    write_text(out)?;
    out.write_char('\n')
}

/// Writes a sample's name and labels. A name that is not plain goes in quotes among the labels.
fn write_series<'l, W: Write>(
    out: &mut W,
    family: &str,
    suffix: Suffix,
    labels: impl IntoIterator<Item = (&'l str, &'l str)>,
) -> Result<(), EncodeError> {
    let mut separator = "{";
    if NameOf::Metric.is(family) {
        out.write_str(family)?;
        out.write_str(suffix.as_str())?;
    } else if family.is_empty() {
        return Err(EncodeError::empty_name("a sample"));
    } else {
        out.write_str("{\"")?;
        write_quoted(out, family)?;
        out.write_str(suffix.as_str())?;
        out.write_char('"')?;
        separator = ",";
    }
    for label in labels {
        write_label(out, separator, label)?;
        separator = ",";
    }
    if separator == "," {
        out.write_char('}')?;
    }
    Ok(())
}

fn write_label<W: Write>(
    out: &mut W,
    separator: &str,
    (name, value): (&str, &str),
) -> Result<(), EncodeError> {
    out.write_str(separator)?;
    if NameOf::Label.is(name) {
        out.write_str(name)?;
        out.write_str("=\"")?;
    } else if name.is_empty() {
        return Err(EncodeError::empty_name("a label"));
    } else {
        out.write_char('"')?;
        write_quoted(out, name)?;
        out.write_str("\"=\"")?;
    }
    write_quoted(out, value)?;
    Ok(out.write_char('"')?)
}

/// A series up to the value of its last label, written once for all samples that differ only in that value.
#[cfg(feature = "scout")]
#[derive(Debug, Default)]
pub(crate) struct SeriesStart(String);

#[cfg(feature = "scout")]
impl SeriesStart {
    /// Holds most series without growing.
    const CAPACITY: usize = 160;

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn set<'l>(
        &mut self,
        name: &str,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
        last_label: &'l str,
    ) -> Result<(), EncodeError> {
        self.0.clear();
        self.0.reserve(Self::CAPACITY);
        let labels = labels.into_iter().chain([(last_label, "")]);
        write_series(&mut self.0, name, Suffix::None, labels)?;
        self.0.truncate(self.0.len() - "\"}".len());
        Ok(())
    }
}

/// The rest of a series after a [`SeriesStart`]: the value of the last label, and the end of the labels.
#[cfg(feature = "scout")]
#[derive(Debug, Default)]
pub(crate) struct SeriesEnd(String);

#[cfg(feature = "scout")]
impl SeriesEnd {
    pub(crate) fn new(value: &str) -> Result<Self, EncodeError> {
        let mut end = Self::default();
        end.set(value)?;
        Ok(end)
    }

    pub(crate) fn set(&mut self, value: &str) -> fmt::Result {
        self.0.clear();
        self.0.reserve(value.len() + "\"} ".len());
        write_quoted(&mut self.0, value)?;
        self.0.push_str("\"} ");
        Ok(())
    }
}

#[cfg(feature = "scout")]
impl<W: Write> Encoder<W> {
    /// Writes a sample of a known series.
    #[inline]
    pub(crate) fn count(
        &mut self,
        start: &SeriesStart,
        end: &SeriesEnd,
        count: u64,
    ) -> fmt::Result {
        self.close_line()?;
        self.out.write_str(&start.0)?;
        self.out.write_str(&end.0)?;
        self.out.write_str(itoa::Buffer::new().format(count))?;
        self.out.write_char('\n')
    }
}
