//! Writes families.

use std::borrow::Cow;

use super::{families::parse_families, names::escape};
use crate::{
    ContentType, EncodeError, Encoder, Exposition, Format, Limits, MetricFamily, MetricType, Mode,
    ParseOptions, Sample, Suffix, protobuf,
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
/// OpenMetrics names a counter without `_total` and its sample with it; Prometheus text gives both the same name. A
/// counter is written in the way of the format, so `http_requests` of OpenMetrics is `http_requests_total` of Prometheus
/// text and the other way round.
///
/// In the protobuf format, histograms and summaries are one value each, as in
/// [`to_composite`](MetricFamily::to_composite), which says what that does not keep. Exemplars are those of buckets, so their
/// order is not kept either.
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
    let families = &*escape(families, content_type.escaping())?;
    let format = content_type.format();
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
        let read = read.get(index).filter(|read| read.name() == name);
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
    let what = match sample.exemplars().len() {
        _ if sample.native_histogram().is_some() => "the format has no native histograms",
        0 | 1 => "",
        _ => "a sample has at most one exemplar",
    };
    if !what.is_empty() {
        return Err(EncodeError::not_expressible("", encoder.format(), what));
    }
    let labels = sample.labels().iter();
    let mut encoded = encoder.sample_of(family.name(), sample.suffix(), labels, sample.value())?;
    if let Some(timestamp) = sample.timestamp() {
        encoded = encoded.timestamp(timestamp)?;
    }
    if let Some(exemplar) = sample.exemplar() {
        let labels = exemplar.labels().iter();
        encoded.exemplar(labels, exemplar.value(), exemplar.timestamp())?;
    }
    Ok(())
}
