//! Which metric or series a sample belongs to.

use std::hash::{BuildHasher, Hasher};

use super::Checker;
use crate::{Format, MetricType, SampleRef, Text};

/// The labels that tell metrics apart. They are the same for samples that have the same names.
#[derive(Debug, Default)]
pub(super) struct KeyLabels {
    /// Whether those of the sample before are known.
    pub(super) is_known: bool,
    /// Their places in the sample, by the order of their names.
    pub(super) places: Vec<usize>,
    pub(super) hash_of_names: u64,
}

impl Checker {
    /// Returns the label that tells the samples of one point of OpenMetrics apart.
    pub(super) fn point_label(&self) -> &str {
        match self.kind {
            _ if self.format == Format::Prometheus => "",
            MetricType::GaugeHistogram | MetricType::Histogram => "le",
            MetricType::StateSet => &self.name,
            MetricType::Summary => "quantile",
            _ => "",
        }
    }

    /// Returns a hash of the labels but that of the point, whatever their order is.
    pub(super) fn key(&mut self, sample: SampleRef<'_, '_>) -> u64 {
        if !self.key_labels.is_known {
            self.learn_key_labels(sample);
        }
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(self.key_labels.hash_of_names);
        for place in &self.key_labels.places {
            write_text(&mut hasher, sample.label_value(*place));
        }
        hasher.finish()
    }

    pub(super) fn learn_key_labels(&mut self, sample: SampleRef<'_, '_>) {
        let mut places = std::mem::take(&mut self.key_labels.places);
        let name = |place: &usize| sample.label_name(*place).decode();
        places.clear();
        places.extend(0..sample.labels().len());
        places.retain(|place| name(place) != self.point_label());
        places.sort_by(|one, two| name(one).cmp(&name(two)));
        let mut hasher = self.hasher.build_hasher();
        if self.format == Format::Prometheus {
            // Series of all families are told apart, not the metrics of one.
            write_text(&mut hasher, sample.name());
        }
        for place in &places {
            write_text(&mut hasher, sample.label_name(*place));
        }
        self.key_labels = KeyLabels {
            is_known: true,
            places,
            hash_of_names: hasher.finish(),
        };
    }
}

/// Hashes a text so that it is told from one that goes on.
fn write_text(hasher: &mut impl Hasher, text: Text<'_>) {
    hasher.write(text.decode().as_bytes());
    hasher.write_u8(0xff);
}
