//! Writes families. Each part appends to a string and knows nothing of the others.

use std::fmt;

use crate::{
    Exemplar, Exposition, Format, LabelSet, Limits, MetricFamily, MetricType, Mode, ParseError,
    ParseOptions, Sample, Suffix, Timestamp,
    error::shown,
    escape::{push_help_text, push_quoted},
    number::push_value,
    parse_families,
};

/// Writes families as an exposition.
///
/// Nothing is lost: what the format cannot express is an error. To be sure, what is written is read back in strict mode
/// and compared before it is returned.
///
/// OpenMetrics names a counter without `_total` and its sample with it; Prometheus text gives both the same name. A
/// counter is written in the way of the format, so `http_requests` of OpenMetrics is `http_requests_total` of Prometheus
/// text and the other way round.
///
/// ```
/// use scout_metrics_openmetrics::{Format, LabelSet, MetricFamily, MetricType, Sample, Suffix, encode_families};
///
/// let up = MetricFamily::new("up", MetricType::Gauge)
///     .with_sample(Sample::new(Suffix::None, LabelSet::from([("job", "a")]), 1.0));
/// let exposition = encode_families(&[up], Format::OpenMetrics)?;
/// assert_eq!(exposition.body(), "# TYPE up gauge\nup{job=\"a\"} 1\n# EOF\n");
/// # Ok::<(), scout_metrics_openmetrics::EncodeError>(())
/// ```
///
/// # Errors
///
/// If the format has no way to say something, such as an exemplar in Prometheus text, if the families together break one
/// of its rules, or if a reader would take them for other families, as it would a gauge with a sample `_bucket`.
pub fn encode_families(
    families: &[MetricFamily],
    format: Format,
) -> Result<Exposition, EncodeError> {
    let mut out = String::new();
    for family in families {
        push_family(&mut out, family, format)?;
    }
    if format == Format::OpenMetrics {
        push_eof(&mut out);
    }
    let strict = ParseOptions::new(format)
        .with_mode(Mode::Strict)
        .with_limits(Limits::unlimited());
    let read = parse_families(out.as_bytes(), &strict).map_err(EncodeError::broken_rule)?;
    check_same(families, &read, format)?;
    Ok(Exposition::new(format, out))
}

/// Why families cannot be written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct EncodeError {
    message: String,
    source: Option<ParseError>,
}

impl EncodeError {
    fn not_expressible(family: &MetricFamily, format: Format, what: impl fmt::Display) -> Self {
        let message = format!(
            "the family `{}` cannot be written as {format}: {what}",
            shown(family.name())
        );
        Self {
            message,
            source: None,
        }
    }

    fn broken_rule(error: ParseError) -> Self {
        let message = "the families break a rule of the format".to_owned();
        Self {
            message,
            source: Some(error),
        }
    }
}

// Families.

fn push_family(out: &mut String, family: &MetricFamily, format: Format) -> Result<(), EncodeError> {
    check_expressible(family, format)?;
    let name = family_name(family, format)?;
    if format == Format::Prometheus && !family.help().is_empty() {
        push_help(out, name.as_ref(), family.help(), format);
    }
    push_type(out, name.as_ref(), family.kind(), format);
    if !family.unit().is_empty() {
        push_unit(out, name.as_ref(), family.unit());
    }
    if format == Format::OpenMetrics && !family.help().is_empty() {
        push_help(out, name.as_ref(), family.help(), format);
    }
    for sample in family.samples() {
        push_sample(out, family, sample, format)?;
    }
    Ok(())
}

fn check_expressible(family: &MetricFamily, format: Format) -> Result<(), EncodeError> {
    if format == Format::OpenMetrics {
        return Ok(());
    }
    let refuse = |what: &str| Err(EncodeError::not_expressible(family, format, what));
    if matches!(
        family.kind(),
        MetricType::GaugeHistogram | MetricType::Info | MetricType::StateSet
    ) {
        return refuse(&format!("there is no type {}", family.kind()));
    }
    if !family.unit().is_empty() {
        return refuse("there are no units");
    }
    if family
        .samples()
        .iter()
        .any(|sample| sample.suffix() == Suffix::Created)
    {
        return refuse("there is no time of creation");
    }
    Ok(())
}

/// Returns the name in the way that the format names counters.
fn family_name(
    family: &MetricFamily,
    format: Format,
) -> Result<std::borrow::Cow<'_, str>, EncodeError> {
    let name = family.name();
    let is_counter = family.kind() == MetricType::Counter;
    let has = |suffix| {
        family
            .samples()
            .iter()
            .any(|sample| sample.suffix() == suffix)
    };
    match format {
        Format::OpenMetrics if is_counter && has(Suffix::None) => match name.strip_suffix("_total")
        {
            Some(name) if !has(Suffix::Total) => Ok(name.into()),
            _ => Err(EncodeError::not_expressible(
                family,
                format,
                "the name of a counter ends in `_total`",
            )),
        },
        Format::Prometheus if is_counter && has(Suffix::Total) => match has(Suffix::None) {
            false => Ok(format!("{name}_total").into()),
            true => Err(EncodeError::not_expressible(
                family,
                format,
                "the samples of a counter have one name",
            )),
        },
        _ => Ok(name.into()),
    }
}

/// Checks that what was read back is what was written.
fn check_same(
    families: &[MetricFamily],
    read: &[MetricFamily],
    format: Format,
) -> Result<(), EncodeError> {
    for (index, family) in families.iter().enumerate() {
        let name = family_name(family, format)?;
        let read = read.get(index).filter(|read| read.name() == name);
        if !read.is_some_and(|read| is_same(family, read, format)) {
            let what = "it would be read as another";
            return Err(EncodeError::not_expressible(family, format, what));
        }
    }
    Ok(())
}

/// Returns whether all but the name is the same.
fn is_same(family: &MetricFamily, read: &MetricFamily, format: Format) -> bool {
    let mut samples = family.samples().iter().zip(read.samples());
    family.kind() == read.kind()
        && family.help() == read.help()
        && family.unit() == read.unit()
        && family.samples().len() == read.samples().len()
        && samples.all(|(sample, read)| {
            written_suffix(family, sample, format) == read.suffix() && sample.says_the_same(read)
        })
}

/// Returns the suffix in the way that the format names the samples of counters.
fn written_suffix(family: &MetricFamily, sample: &Sample, format: Format) -> Suffix {
    match (family.kind(), format, sample.suffix()) {
        (MetricType::Counter, Format::OpenMetrics, Suffix::None) => Suffix::Total,
        (MetricType::Counter, Format::Prometheus, Suffix::Total) => Suffix::None,
        (_, _, suffix) => suffix,
    }
}

fn push_sample(
    out: &mut String,
    family: &MetricFamily,
    sample: &Sample,
    format: Format,
) -> Result<(), EncodeError> {
    push_series(out, &family.sample_name(sample), sample.labels().iter());
    out.push(' ');
    push_value(out, sample.value());
    if let Some(timestamp) = sample.timestamp() {
        out.push(' ');
        push_timestamp(out, timestamp, format).ok_or_else(|| {
            EncodeError::not_expressible(family, format, "timestamps are whole milliseconds")
        })?;
    }
    if let Some(exemplar) = sample.exemplar() {
        if format == Format::Prometheus {
            return Err(EncodeError::not_expressible(
                family,
                format,
                "there are no exemplars",
            ));
        }
        push_exemplar(out, exemplar);
    }
    out.push('\n');
    Ok(())
}

fn push_timestamp(out: &mut String, timestamp: Timestamp, format: Format) -> Option<()> {
    match format {
        Format::OpenMetrics => out.push_str(&timestamp.to_string()),
        Format::Prometheus => out.push_str(itoa::Buffer::new().format(timestamp.to_millis()?)),
    }
    Some(())
}

fn push_exemplar(out: &mut String, exemplar: &Exemplar) {
    out.push_str(" # {");
    push_labels(out, exemplar.labels());
    out.push_str("} ");
    push_value(out, exemplar.value());
    if let Some(timestamp) = exemplar.timestamp() {
        out.push(' ');
        out.push_str(&timestamp.to_string());
    }
}

fn push_labels(out: &mut String, labels: &LabelSet) {
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_label(out, name, value);
    }
}

// Parts.

/// Writes `# TYPE name type`.
pub(crate) fn push_type(out: &mut String, name: &str, kind: MetricType, format: Format) {
    let word = match (format, kind) {
        (Format::Prometheus, MetricType::Unknown) => "untyped",
        _ => kind.as_str(),
    };
    push_metadata_start(out, "TYPE", name);
    out.push_str(word);
    out.push('\n');
}

/// Writes `# HELP name text`.
pub(crate) fn push_help(out: &mut String, name: &str, help: &str, format: Format) {
    push_metadata_start(out, "HELP", name);
    match format {
        Format::OpenMetrics => push_quoted(out, help),
        Format::Prometheus => push_help_text(out, help),
    }
    out.push('\n');
}

/// Writes `# UNIT name unit`.
fn push_unit(out: &mut String, name: &str, unit: &str) {
    push_metadata_start(out, "UNIT", name);
    out.push_str(unit);
    out.push('\n');
}

/// Writes the line that ends an exposition of OpenMetrics.
pub(crate) fn push_eof(out: &mut String) {
    out.push_str("# EOF\n");
}

fn push_metadata_start(out: &mut String, keyword: &str, name: &str) {
    out.push_str("# ");
    out.push_str(keyword);
    out.push(' ');
    if is_plain_name(name, true) {
        out.push_str(name);
    } else {
        out.push('"');
        push_quoted(out, name);
        out.push('"');
    }
    out.push(' ');
}

/// Writes a sample's name and labels. A name that is not plain goes in quotes among the labels.
pub(crate) fn push_series<'a>(
    out: &mut String,
    name: &str,
    labels: impl IntoIterator<Item = (&'a str, &'a str)>,
) {
    let is_plain = is_plain_name(name, true);
    let mut separator = '{';
    if is_plain {
        out.push_str(name);
    } else {
        out.push_str("{\"");
        push_quoted(out, name);
        out.push('"');
        separator = ',';
    }
    for (name, value) in labels {
        out.push(separator);
        separator = ',';
        push_label(out, name, value);
    }
    if separator == ',' {
        out.push('}');
    }
}

fn push_label(out: &mut String, name: &str, value: &str) {
    if is_plain_name(name, false) {
        out.push_str(name);
    } else {
        out.push('"');
        push_quoted(out, name);
        out.push('"');
    }
    out.push_str("=\"");
    push_quoted(out, value);
    out.push('"');
}

/// Writes a sample's value and ends the line.
#[cfg(feature = "scout")]
pub(crate) fn push_value_line(out: &mut String, value: f64) {
    out.push(' ');
    push_value(out, value);
    out.push('\n');
}

/// Returns whether a name needs no quotes: `[a-zA-Z_:][a-zA-Z0-9_:]*`, without colons for a label.
fn is_plain_name(name: &str, is_metric: bool) -> bool {
    let is_part =
        |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || is_metric && byte == b':';
    name.bytes().all(is_part)
        && name
            .bytes()
            .next()
            .is_some_and(|first| !first.is_ascii_digit())
}
