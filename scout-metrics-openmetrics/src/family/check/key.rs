//! The identity of the metric or series that a sample belongs to.

use std::{
    borrow::Cow,
    hash::{BuildHasher, Hasher},
};

use super::{super::labels::LabelHashes, Checker};
use crate::{Format, MetricType, SampleRef};

/// The part of a sample's identity that does not depend on the values of its labels. It is the same for samples that have
/// the same names.
#[derive(Debug, Default)]
pub(super) struct KeyNames {
    /// Whether those of the sample before are known.
    pub(super) is_known: bool,
    /// A hash of the name that distinguishes series or families.
    hash: u64,
    /// The place of the label of the point.
    point: Option<usize>,
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
    #[inline]
    pub(super) fn key(&mut self, sample: SampleRef<'_, '_>, labels: LabelHashes<'_>) -> u64 {
        if !self.key_names.is_known {
            self.learn_key_names(sample);
        }
        let KeyNames { hash, point, .. } = self.key_names;
        let hashes = labels.names.iter().zip(labels.values).enumerate();
        hashes.fold(hash, |key, (place, (name, value))| {
            if point == Some(place) {
                key
            } else {
                // A sum does not depend on the order.
                key.wrapping_add(mixed(*name, *value))
            }
        })
    }

    /// Returns the value of the label of the point of the sample whose key was asked for last.
    pub(super) fn point_value<'a>(&self, sample: SampleRef<'_, 'a>) -> Option<Cow<'a, str>> {
        let place = self.key_names.point?;
        Some(sample.label_value(place).decode())
    }

    fn learn_key_names(&mut self, sample: SampleRef<'_, '_>) {
        let mut hasher = self.hasher.build_hasher();
        let mut point = None;
        match self.format {
            // The series of all families are distinguished.
            Format::Prometheus => hasher.write(sample.name().decode().as_bytes()),
            Format::OpenMetrics => {
                hasher.write(self.name.as_bytes());
                let label = self.point_label();
                if !label.is_empty() {
                    point = sample.labels().position(|(name, _)| name == *label);
                }
            }
        }
        self.key_names = KeyNames {
            is_known: true,
            hash: hasher.finish(),
            point,
        };
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
