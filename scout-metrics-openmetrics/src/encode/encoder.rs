//! Writes an exposition part by part. The only place that knows how the parts of a line are put together.

use std::fmt::{self, Write};

use super::{error::EncodeError, names::EscapedNames};
use crate::{
    ContentType, EscapingScheme, Format, MetricType, Suffix, Timestamp,
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
/// A `String` and a `BytesMut` can be written to, and so can a `&mut` to either. After an error the output ends
/// somewhere in a part and is of no more use.
#[derive(Clone, Debug)]
#[must_use = "`finish` writes the end of the exposition"]
pub struct Encoder<W> {
    out: W,
    content_type: ContentType,
    format: Format,
    /// None if names are written as they are.
    names: Option<Box<EscapedNames>>,
    /// A sample stays open for its timestamp and exemplar until the next part.
    line_is_open: bool,
}

impl<W: Write> Encoder<W> {
    /// Creates an encoder that appends to `out`, in a [`ContentType`] or a [`Format`].
    pub fn new(out: W, content_type: impl Into<ContentType>) -> Self {
        let content_type = content_type.into();
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
    /// The name is written as it is given. That of a counter ends in `_total` in Prometheus text, and in OpenMetrics the
    /// names of its samples do.
    ///
    /// # Errors
    ///
    /// If the name is empty, the help text ends in a carriage return, which readers consider a part of the line's end, or
    /// the output fails; in Prometheus text for types that it does not have, for units, and for a help text that starts
    /// with a blank; in OpenMetrics if the unit is not the end of the name; and if another family has become the same name
    /// by escaping.
    pub fn family(
        &mut self,
        name: &str,
        kind: MetricType,
        help: &str,
        unit: &str,
    ) -> Result<(), EncodeError> {
        self.check_family(name, kind, help, unit)?;
        self.close_line()?;
        let (name, unit) = match &mut self.names {
            Some(names) => names.family(name, kind, unit, self.format)?,
            None => (name, unit.into()),
        };
        match self.format {
            Format::OpenMetrics => {
                write_metadata(&mut self.out, "TYPE", name, |out| {
                    out.write_str(kind.as_str())
                })?;
                if !unit.is_empty() {
                    write_metadata(&mut self.out, "UNIT", name, |out| out.write_str(&unit))?;
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
        write_series(
            &mut self.out,
            self.names.as_deref_mut(),
            family,
            suffix,
            labels,
        )?;
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
        if help.ends_with('\r') {
            return refuse("a help text cannot end in a carriage return");
        }
        match self.format {
            Format::OpenMetrics => {
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
        let Encoder {
            out, format, names, ..
        } = self.encoder;
        if *format == Format::Prometheus {
            let what = "the format has no exemplars";
            return Err(EncodeError::not_expressible("a sample", *format, what));
        }
        out.write_str(" # {")?;
        write_labels(out, names.as_deref_mut(), "", labels)?;
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

/// Writes a sample's name and labels. A name that is not plain goes in quotes among the labels, unless it is escaped.
#[inline]
fn write_series<'l, W: Write>(
    out: &mut W,
    mut names: Option<&mut EscapedNames>,
    family: &str,
    suffix: Suffix,
    labels: impl IntoIterator<Item = (&'l str, &'l str)>,
) -> Result<(), EncodeError> {
    let mut separator = "{";
    if family.is_empty() {
        return Err(EncodeError::empty_name("a sample"));
    } else if let Some(names) = &mut names {
        out.write_str(names.sample(family, suffix)?)?;
    } else if NameOf::Metric.is(family) {
        out.write_str(family)?;
        out.write_str(suffix.as_str())?;
    } else {
        out.write_str("{\"")?;
        write_quoted(out, family)?;
        out.write_str(suffix.as_str())?;
        out.write_char('"')?;
        separator = ",";
    }
    if write_labels(out, names, separator, labels)? || separator == "," {
        out.write_char('}')?;
    }
    Ok(())
}

/// Writes labels with a separator before the first one. Returns whether there is any.
#[inline]
fn write_labels<'l, W: Write>(
    out: &mut W,
    names: Option<&mut EscapedNames>,
    first_separator: &str,
    labels: impl IntoIterator<Item = (&'l str, &'l str)>,
) -> Result<bool, EncodeError> {
    let mut separator = first_separator;
    let mut is_first = true;
    let Some(names) = names else {
        for label in labels {
            write_label(out, separator, label)?;
            (separator, is_first) = (",", false);
        }
        return Ok(!is_first);
    };
    names.start_labels();
    for (name, value) in labels {
        write_label(out, separator, (&names.label(name), value))?;
        (separator, is_first) = (",", false);
    }
    names.end_labels()?;
    Ok(!is_first)
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

    pub(crate) fn set<'l, W>(
        &mut self,
        encoder: &mut Encoder<W>,
        name: &str,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
        last_label: &'l str,
    ) -> Result<(), EncodeError> {
        self.0.clear();
        self.0.reserve(Self::CAPACITY);
        let labels = labels.into_iter().chain([(last_label, "")]);
        let names = encoder.names.as_deref_mut();
        write_series(&mut self.0, names, name, Suffix::None, labels)?;
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
