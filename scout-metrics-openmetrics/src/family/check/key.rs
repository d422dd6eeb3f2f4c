//! Which metric or series a sample belongs to.

use std::{
    borrow::Cow,
    hash::{BuildHasher, Hasher},
    mem,
};

use foldhash::quality::RandomState;

use super::{super::labels::Values, Checker, place::Part};
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
    /// Returns the name of the label that distinguishes the samples of one point.
    pub(super) fn point_label(&self) -> &str {
        match self.kind {
            MetricType::GaugeHistogram | MetricType::Histogram => "le",
            MetricType::StateSet => &self.name,
            MetricType::Summary => "quantile",
            _ => "",
        }
    }

    /// Returns a hash of the labels except that of the point, whatever their order is.
    pub(super) fn metric_key(&mut self, sample: SampleRef<'_, '_>, values: Values<'_>) -> u64 {
        if !self.metric_labels.is_known {
            let mut labels = mem::take(&mut self.metric_labels);
            // A family of Prometheus text may go on after another one.
            let scope = match self.format {
                Format::OpenMetrics => "",
                Format::Prometheus => &self.name,
            };
            labels.learn(sample, scope, self.point_label(), &self.hasher);
            self.metric_labels = labels;
        }
        self.metric_labels.hash(values, &self.hasher)
    }

    /// Returns a hash of the name and all labels, whatever their order is.
    pub(super) fn series_key(&mut self, sample: SampleRef<'_, '_>, values: Values<'_>) -> u64 {
        if !self.series_labels.is_known {
            let name = sample.name().decode();
            self.series_labels.learn(sample, &name, "", &self.hasher);
        }
        self.series_labels.hash(values, &self.hasher)
    }

    /// Returns the label of the point of the sample whose metric was asked for last: its place and its value.
    pub(super) fn point_value<'a>(
        &self,
        sample: SampleRef<'_, 'a>,
    ) -> Option<(Part, Cow<'a, str>)> {
        let place = self.metric_labels.point?;
        Some((Part::Label(place), sample.label_value(place).decode()))
    }
}

impl KeyLabels {
    /// Returns a hash of the values, and of the names that are known.
    fn hash(&mut self, values: Values<'_>, hasher: &RandomState) -> u64 {
        let Self {
            hash_of_names,
            places,
            run,
            joined,
            ..
        } = self;
        let mut hasher = hasher.build_hasher();
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

    /// Learns the names of the labels of a sample. `scope` is the name of what has to be distinguished by them.
    fn learn(
        &mut self,
        sample: SampleRef<'_, '_>,
        scope: &str,
        point_label: &str,
        hasher: &RandomState,
    ) {
        let places = &mut self.places;
        let name = |place: &usize| sample.label_name(*place).decode();
        places.clear();
        places.extend(0..sample.labels().len());
        self.point = places.iter().position(|place| name(place) == point_label);
        places.retain(|place| name(place) != point_label);
        places.sort_by(|one, two| name(one).cmp(&name(two)));
        self.run = run(places);
        let mut hasher = hasher.build_hasher();
        write_text(&mut hasher, scope);
        for place in places {
            write_text(&mut hasher, &name(place));
        }
        self.hash_of_names = hasher.finish();
        self.is_known = true;
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
