//! Which metric or series a sample belongs to.

use std::{
    borrow::Cow,
    hash::{BuildHasher, Hasher},
};

use super::{super::labels::Values, Checker};
use crate::{Format, MetricType, SampleRef};

/// The labels that distinguish metrics. They are the same for samples that have the same names.
#[derive(Debug, Default)]
pub(super) struct KeyLabels {
    /// Whether those of the sample before are known.
    pub(super) is_known: bool,
    /// Their places in the sample, by the order of their names.
    places: Vec<usize>,
    /// Those places, if they follow each other: where they start and end.
    run: Option<(usize, usize)>,
    hash_of_names: u64,
    /// The place of the label of the point.
    point: Option<usize>,
    /// Memory for the values in the order of their names.
    joined: Vec<u8>,
}

impl Checker {
    /// Returns the name of the label that distinguishes the samples of one point of OpenMetrics.
    pub(super) fn point_label(&self) -> &str {
        match self.kind {
            _ if self.format == Format::Prometheus => "",
            MetricType::GaugeHistogram | MetricType::Histogram => "le",
            MetricType::StateSet => &self.name,
            MetricType::Summary => "quantile",
            _ => "",
        }
    }

    /// Returns a hash of the labels except that of the point, whatever their order is.
    pub(super) fn key(&mut self, sample: SampleRef<'_, '_>, values: Values<'_>) -> u64 {
        if !self.key_labels.is_known {
            self.learn_key_labels(sample);
        }
        let KeyLabels {
            hash_of_names,
            places,
            run,
            joined,
            ..
        } = &mut self.key_labels;
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(*hash_of_names);
        let text = match run {
            Some((start, end)) => values.between(*start, *end),
            None => {
                joined.clear();
                for place in places.iter() {
                    joined.extend_from_slice(values.between(*place, *place + 1));
                }
                joined
            }
        };
        hasher.write(text);
        // The lengths, so that `ab`, `c` and `a`, `bc` differ.
        let lengths = places.iter().map(|place| values.length(*place));
        if places.len() <= 4 && text.len() <= usize::from(u16::MAX) {
            hasher.write_u64(lengths.fold(0, |packed, length| packed << 16 | u64::from(length)));
        } else {
            lengths.for_each(|length| hasher.write_u32(length));
        }
        hasher.finish()
    }

    /// Returns the value of the label of the point of the sample whose key was asked for last.
    pub(super) fn point_value<'a>(&self, sample: SampleRef<'_, 'a>) -> Option<Cow<'a, str>> {
        let place = self.key_labels.point?;
        Some(sample.label_value(place).decode())
    }

    fn learn_key_labels(&mut self, sample: SampleRef<'_, '_>) {
        let mut labels = std::mem::take(&mut self.key_labels);
        let places = &mut labels.places;
        let name = |place: &usize| sample.label_name(*place).decode();
        places.clear();
        places.extend(0..sample.labels().len());
        labels.point = places
            .iter()
            .position(|place| name(place) == self.point_label());
        places.retain(|place| name(place) != self.point_label());
        places.sort_by(|one, two| name(one).cmp(&name(two)));
        labels.run = run(places);
        let mut hasher = self.hasher.build_hasher();
        if self.format == Format::Prometheus {
            // The series of all families are distinguished, not the metrics of one.
            write_text(&mut hasher, &sample.name().decode());
        }
        for place in places {
            write_text(&mut hasher, &name(place));
        }
        labels.hash_of_names = hasher.finish();
        labels.is_known = true;
        self.key_labels = labels;
    }
}

/// Returns the places as a range, if they are one.
fn run(places: &[usize]) -> Option<(usize, usize)> {
    let start = *places.first().unwrap_or(&0);
    let is_run = places.iter().copied().eq(start..start + places.len());
    is_run.then_some((start, start + places.len()))
}

/// Hashes a text so that one that continues has another hash.
fn write_text(hasher: &mut impl Hasher, text: &str) {
    hasher.write(text.as_bytes());
    hasher.write_u8(0xff);
}
