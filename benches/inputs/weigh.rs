//! The uses of a sample that are measured.

use scout_metrics_openmetrics::SampleRef;

/// Looks at all texts of a sample and of its exemplar, and at its value. Inlined, as in a program that reads in one place:
/// a call for each sample would take a third of the time, and none of it is the parser's.
#[inline(always)]
pub fn weigh(sample: SampleRef<'_, '_>) -> usize {
    let mut weight = sample.name().decode().len() + sample.value() as usize % 2;
    for (name, value) in sample.labels() {
        weight += name.decode().len() + value.decode().len();
    }
    if let Some(exemplar) = sample.exemplar() {
        for (name, value) in exemplar.labels() {
            weight += name.decode().len() + value.decode().len();
        }
    }
    weight
}

/// The same without a check that texts start and end with whole characters.
#[inline(always)]
pub fn weigh_bytes(sample: SampleRef<'_, '_>) -> usize {
    let mut weight = sample.name().decode_bytes().len() + sample.value() as usize % 2;
    for (name, value) in sample.labels() {
        weight += name.decode_bytes().len() + value.decode_bytes().len();
    }
    if let Some(exemplar) = sample.exemplar() {
        for (name, value) in exemplar.labels() {
            weight += name.decode_bytes().len() + value.decode_bytes().len();
        }
    }
    weight
}
