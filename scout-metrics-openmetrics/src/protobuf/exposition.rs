//! Families to expositions.

use std::borrow::Cow;

use super::{encode::write_family, families::read_families};
use crate::{
    EncodeError, Format, Limits, MetricFamily, MetricType, Mode, ParseOptions, Sample, Suffix,
};

/// Writes families, and checks that strict mode reads the same.
pub(crate) fn encode(families: &[MetricFamily]) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    let mut written = Vec::new();
    for family in families {
        let composite = composite(family)?;
        write_family(&mut out, &composite).map_err(|error| error.with_family(family))?;
        written.push(composite);
    }
    let strict = ParseOptions::new(Format::Protobuf)
        .with_mode(Mode::Strict)
        .with_limits(Limits::unlimited());
    let read = read_families(&out, &strict).map_err(EncodeError::broken_rule)?;
    for ((family, written), read) in families.iter().zip(written).zip(&read) {
        if !is_same(&written, read) {
            let error = refusal("a reader would read another family");
            return Err(error.with_family(family));
        }
    }
    Ok(out)
}

/// Returns a family as the format has it.
fn composite(family: &MetricFamily) -> Result<Cow<'_, MetricFamily>, EncodeError> {
    let has_parts = matches!(
        family.kind(),
        MetricType::GaugeHistogram | MetricType::Histogram | MetricType::Summary
    );
    let is_whole = |sample: &Sample| {
        sample.suffix() == Suffix::None && has_parts == sample.composite().is_some()
    };
    if family.samples().iter().all(is_whole) {
        return Ok(Cow::Borrowed(family));
    }
    let composite = family.to_composite().map(Cow::Owned);
    composite.map_err(|error| refusal(error.to_string()).with_family(family))
}

fn refusal(what: impl Into<String>) -> EncodeError {
    EncodeError::not_expressible("", Format::Protobuf, what)
}

/// Returns whether families are the same, apart from the order of the exemplars of a histogram, which is that of the buckets.
fn is_same(family: &MetricFamily, read: &MetricFamily) -> bool {
    let mut samples = family.samples().iter().zip(read.samples());
    family.name() == read.name()
        && family.kind() == read.kind()
        && family.help() == read.help()
        && family.unit() == read.unit()
        && family.samples().len() == read.samples().len()
        && samples.all(|(sample, read)| sample == read || sorted(sample) == sorted(read))
}

fn sorted(sample: &Sample) -> Sample {
    let mut exemplars = sample.exemplars().to_vec();
    exemplars.sort();
    sample.clone().with_exemplars(exemplars)
}
