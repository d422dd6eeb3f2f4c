//! Families to expositions.

use super::{encode::write_family, families::read_families};
use crate::{EncodeError, Format, Limits, MetricFamily, Mode, ParseOptions, Sample};

/// Writes families in composite form, and checks that strict mode reads the same.
pub(crate) fn encode(families: &[MetricFamily]) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    for family in families {
        let written = write_family(&mut out, family);
        written.map_err(|error| error.with_family(family))?;
    }
    let strict = ParseOptions::new(Format::Protobuf)
        .with_mode(Mode::Strict)
        .with_limits(Limits::unlimited());
    let read = read_families(&out, &strict).map_err(EncodeError::broken_rule)?;
    for (family, read) in families.iter().zip(&read) {
        if !is_same(family, read) {
            let what = "a reader would read another family";
            let refused = EncodeError::not_expressible("", Format::Protobuf, what);
            return Err(refused.with_family(family));
        }
    }
    Ok(out)
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
