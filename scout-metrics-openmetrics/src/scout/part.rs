//! One of the snapshots of an exposition.

use scout_metrics_core::Snapshot;

use super::constant_labels::ConstantLabels;
use crate::{EncodeError, Format};

/// A snapshot and the labels that are written in front of its own.
pub(super) struct Part<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) constant_labels: ConstantLabels<'a>,
}

impl<'a> Part<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        labels: &'a [(&'a str, &'a str)],
        format: Format,
    ) -> Result<Self, EncodeError> {
        Ok(Self {
            snapshot,
            constant_labels: ConstantLabels::new(labels, format)?,
        })
    }
}
