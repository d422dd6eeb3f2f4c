//! Writes families.

use std::borrow::Cow;

use super::{families::parse_families, names::escape};
use crate::{
    CompositeValue, ContentType, EncodeError, Encoder, Exposition, Format, Limits, MetricFamily,
    MetricType, Mode, ParseOptions, Sample, Suffix,
    group::{CountWithoutSum, Folded, fold, unfold},
    names::is_reserved_label,
    protobuf,
};

/// Writes families as an exposition.
///
/// Nothing is lost: what the format cannot express is an error. The text is read back in strict mode and compared before it
/// is returned.
///
/// A [`Format`] keeps all names, in quotes where they are not plain. A [`ContentType`] has them as its
/// [`EscapingScheme`](crate::EscapingScheme) writes them, which [`Families::unescaped`](crate::Families::unescaped)
/// undoes.
///
/// OpenMetrics 1.0 names a counter without `_total` and its sample with it; the other formats give both the same name. A
/// counter is written in the way of the format, so `http_requests` of OpenMetrics 1.0 is `http_requests_total` of Prometheus
/// text and the other way round. Histograms, summaries and times of creation are also written in the way of the format, as
/// [`MetricFamily::to_composite`] and [`MetricFamily::to_classic`] do it: OpenMetrics 2.0 and protobuf have composite values.
///
/// These have the bounds of buckets and the quantiles as numbers, so how a label spells them is not kept, and neither is the
/// order of the samples of one histogram or summary. In protobuf, exemplars are those of buckets, so their order is not kept
/// either.
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
/// of its rules, if a reader would read other families, as it would read a gauge with a sample `_bucket`, or if two names
/// become the same by escaping.
pub fn encode_families(
    families: &[MetricFamily],
    content_type: impl Into<ContentType>,
) -> Result<Exposition, EncodeError> {
    let content_type = content_type.into();
    let format = content_type.format();
    let families = &*in_form(families, format)?;
    let families = &*escape(families, content_type.escaping())?;
    if format == Format::Protobuf {
        return Ok(Exposition::new(content_type, protobuf::encode(families)?));
    }
    let out = encode_text(families, format)?;
    let strict = ParseOptions::new(format)
        .with_mode(Mode::Strict)
        .with_limits(Limits::unlimited());
    let read = parse_families(out.as_bytes(), &strict).map_err(EncodeError::broken_rule)?;
    check_same(families, read.as_slice(), format)?;
    Ok(Exposition::new(content_type, out.into_bytes()))
}

/// Returns families in the form that a format has: with composite values or with series.
fn in_form(
    families: &[MetricFamily],
    format: Format,
) -> Result<Cow<'_, [MetricFamily]>, EncodeError> {
    let is_changed = |family: &MetricFamily| match format {
        Format::OpenMetrics2 | Format::Protobuf => !is_composite(family),
        Format::OpenMetrics | Format::Prometheus => !family.is_classic(),
    };
    if !families.iter().any(is_changed) {
        return Ok(families.into());
    }
    let changed = families.iter().map(|family| match format {
        _ if !is_changed(family) => Ok(family.clone()),
        Format::OpenMetrics2 | Format::Protobuf => composite(family, format),
        Format::OpenMetrics | Format::Prometheus => classic(family, format),
    });
    changed.collect()
}

/// Returns whether a family says everything without suffixes.
fn is_composite(family: &MetricFamily) -> bool {
    let mut samples = family.samples().iter();
    samples.all(|sample| {
        let is_number = sample.composite().is_none();
        let has_value = match family.kind() {
            MetricType::GaugeHistogram => {
                matches!(sample.composite(), Some(CompositeValue::GaugeHistogram(_)))
            }
            MetricType::Histogram => {
                matches!(sample.composite(), Some(CompositeValue::Histogram(_)))
            }
            MetricType::Summary => matches!(sample.composite(), Some(CompositeValue::Summary(_))),
            MetricType::Unknown => true,
            _ => is_number,
        };
        sample.suffix() == Suffix::None && has_value
    })
}

fn composite(family: &MetricFamily, format: Format) -> Result<MetricFamily, EncodeError> {
    let refuse = |what: String| {
        let refused = EncodeError::not_expressible("", format, what);
        Err(refused.with_family(family))
    };
    match fold(family) {
        Ok(Folded { family, rounded: 0 }) => Ok(family),
        Ok(_) => refuse("a time of creation has more digits than nanoseconds".to_owned()),
        Err(error) => refuse(error.to_string()),
    }
}

fn classic(family: &MetricFamily, format: Format) -> Result<MetricFamily, EncodeError> {
    let count_without_sum = match format {
        Format::OpenMetrics => CountWithoutSum::LeftOut,
        _ => CountWithoutSum::Written,
    };
    let unfolded = unfold(family, count_without_sum);
    let what = match (unfolded.clashes, unfolded.exemplars, unfolded.rounded) {
        (0, 0, 0) => return Ok(unfolded.family),
        (1.., _, _) => "a label is that of its buckets or quantiles",
        (_, 0, _) => "a start timestamp has more digits than a number of seconds",
        _ => "an exemplar has no bucket of its own",
    };
    Err(EncodeError::not_expressible("", format, what).with_family(family))
}

fn encode_text(families: &[MetricFamily], format: Format) -> Result<String, EncodeError> {
    let mut encoder = Encoder::new(String::new(), format);
    for family in families {
        let encoded = encode_family(&mut encoder, family);
        encoded.map_err(|error| error.with_family(family))?;
    }
    encoder.finish()
}

fn encode_family(encoder: &mut Encoder<String>, family: &MetricFamily) -> Result<(), EncodeError> {
    let format = encoder.format();
    let name = family_name(family, format)?;
    encoder.family(&name, family.kind(), family.help(), family.unit())?;
    for sample in family.samples() {
        encode_sample(encoder, family, sample)?;
    }
    Ok(())
}

/// Returns the name in the way that the format names counters.
fn family_name(family: &MetricFamily, format: Format) -> Result<Cow<'_, str>, EncodeError> {
    let name = family.name();
    let is_counter = family.kind() == MetricType::Counter;
    let has = |suffix| {
        let mut samples = family.samples().iter();
        samples.any(|sample| sample.suffix() == suffix)
    };
    let refuse = |what| Err(EncodeError::not_expressible(name, format, what));
    let has_two_names = has(Suffix::None) && has(Suffix::Total);
    match format {
        Format::OpenMetrics
            if is_counter && has(Suffix::None) && (has_two_names || !name.ends_with("_total")) =>
        {
            refuse("the name of a counter has to end in `_total`")
        }
        Format::Prometheus if has(Suffix::Created) => refuse("the format has no time of creation"),
        Format::Prometheus if is_counter && has_two_names => {
            refuse("the samples of a counter have to have one name")
        }
        _ => Ok(family.name_in(format)),
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
        let read = read.get(index).filter(|read| read.name_in(format) == name);
        if !read.is_some_and(|read| is_same(family, read, format)) {
            let what = "a reader would read another family";
            let refused = EncodeError::not_expressible("", format, what);
            return Err(refused.with_family(family));
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

fn encode_sample(
    encoder: &mut Encoder<String>,
    family: &MetricFamily,
    sample: &Sample,
) -> Result<(), EncodeError> {
    let format = encoder.format();
    let labels = sample.labels().iter();
    let (name, suffix) = (family.name(), sample.suffix());
    let mut encoded = match sample.composite() {
        Some(value) => encoder.composite_sample_of(name, suffix, labels, value)?,
        None => encoder.sample_of(name, suffix, labels, sample.value())?,
    };
    if let Some(timestamp) = sample.timestamp() {
        encoded = encoded.timestamp(timestamp)?;
    }
    if let Some(start) = sample.start_timestamp() {
        encoded = encoded.start_timestamp(start)?;
    }
    for exemplar in sample.exemplars() {
        let mut names = exemplar.labels().iter().map(|(name, _)| name);
        if format == Format::OpenMetrics2 && names.any(is_reserved_label) {
            let what = "a reader leaves out an exemplar with a reserved label";
            return Err(EncodeError::not_expressible("", format, what));
        }
        let labels = exemplar.labels().iter();
        encoded = encoded.exemplar(labels, exemplar.value(), exemplar.timestamp())?;
    }
    Ok(())
}
