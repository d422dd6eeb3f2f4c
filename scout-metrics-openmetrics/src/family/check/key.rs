//! The identity of the metric or series that a sample belongs to.

use std::{
    borrow::Cow,
    hash::{BuildHasher, Hasher},
};

use super::{super::labels::LabelHashes, Checker, place::Part};
use crate::{MetricType, SampleRef};

/// The part of an identity that does not depend on the values of labels. It is the same for samples that have the same
/// names.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyNames {
    /// A hash of the name that metrics or series are distinguished within.
    hash: u64,
    /// The place of a label that does not count.
    point: Option<usize>,
}

/// The hashes of a group of states and of its first label. Neither is ever the hash of a metric.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    pub(super) key: u64,
    pub(super) start: u64,
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

    /// Returns a hash of the family and of the labels except that of the point, whatever their order is.
    #[inline]
    pub(super) fn metric_key(&mut self, sample: SampleRef<'_, '_>, labels: LabelHashes<'_>) -> u64 {
        self.key_names(sample).key(labels)
    }

    /// Returns the part of the identity of the sample's metric that does not depend on the values of labels.
    #[inline]
    pub(super) fn key_names(&mut self, sample: SampleRef<'_, '_>) -> KeyNames {
        self.metric_names.unwrap_or_else(|| {
            let label = self.point_label();
            let mut labels = sample.labels();
            let names = KeyNames {
                hash: self.hash(&self.name),
                point: labels.position(|(name, _)| !label.is_empty() && name == *label),
            };
            *self.metric_names.insert(names)
        })
    }

    /// Returns a hash of the name and all labels, whatever their order is.
    #[inline]
    pub(super) fn series_key(&mut self, sample: SampleRef<'_, '_>, labels: LabelHashes<'_>) -> u64 {
        let names = self.series_names.unwrap_or_else(|| {
            let names = KeyNames {
                hash: self.hash(&sample.name().decode()),
                point: None,
            };
            *self.series_names.insert(names)
        });
        names.key(labels)
    }

    /// Returns the label of the point of the sample whose metric was asked for last: its place and its value.
    pub(super) fn point_value<'a>(
        &self,
        sample: SampleRef<'_, 'a>,
    ) -> Option<(Part, Cow<'a, str>)> {
        let place = self.metric_names?.point?;
        Some((Part::Label(place), sample.label_value(place).decode()))
    }

    fn hash(&self, name: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name.as_bytes());
        hasher.finish()
    }
}

impl KeyNames {
    /// Returns the hashes of the labels except that of the point, and of the first one of them.
    pub(super) fn group(self, labels: LabelHashes<'_>) -> Group {
        const THIRD: u32 = u64::BITS / 3;
        let hashes = labels.iter().enumerate();
        let mut others = hashes.filter(|(place, _)| self.point != Some(*place));
        let first = others.next().map(|(_, (name, value))| mixed(name, value));
        Group {
            key: self.key(labels).rotate_left(THIRD),
            start: self
                .hash
                .wrapping_add(first.unwrap_or_default())
                .rotate_right(THIRD),
        }
    }

    /// Returns a hash of all labels.
    #[inline]
    pub(super) fn whole_key(self, labels: LabelHashes<'_>) -> u64 {
        Self {
            point: None,
            ..self
        }
        .key(labels)
    }

    #[inline]
    fn key(self, labels: LabelHashes<'_>) -> u64 {
        let hashes = labels.iter().enumerate();
        hashes.fold(self.hash, |key, (place, (name, value))| {
            if self.point == Some(place) {
                key
            } else {
                // A sum does not depend on the order.
                key.wrapping_add(mixed(name, value))
            }
        })
    }
}

/// Mixes two hashes, of which both bits and order matter.
#[inline]
fn mixed(name: u64, value: u64) -> u64 {
    const NAME: u64 = 0x9E37_79B9_7F4A_7C15;
    const VALUE: u64 = 0xD1B5_4A32_D192_ED03;
    let product = u128::from(name ^ NAME) * u128::from(value ^ VALUE);
    product as u64 ^ (product >> 64) as u64
}
