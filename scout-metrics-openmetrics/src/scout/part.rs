//! One of the snapshots of an exposition.

use std::borrow::Cow;

use scout_metrics_core::Snapshot;

use super::{
    POLICY_DISPLAY_NAME, POLICY_ID, SEVERITY, STREAM_NAME, constant_labels::ConstantLabels,
    walk::Text,
};
use crate::{EncodeError, Format};

/// A snapshot and the labels that are written in front of its own.
pub(crate) struct Part<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) constant_labels: ConstantLabels<'a>,
    pub(super) names: LabelNames,
}

/// The names of labels, renamed where a constant label has the name.
pub(super) struct LabelNames {
    pub(super) display_name: Cow<'static, str>,
    pub(super) id: Cow<'static, str>,
    pub(super) severity: Cow<'static, str>,
    pub(super) stream_name: Cow<'static, str>,
}

impl<'a> Part<'a> {
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        labels: &'a [(&'a str, &'a str)],
        format: Format,
    ) -> Result<Self, EncodeError> {
        let constant_labels = ConstantLabels::new(labels, format)?;
        let names = [POLICY_DISPLAY_NAME, POLICY_ID, SEVERITY, STREAM_NAME];
        let [display_name, id, severity, stream_name] = constant_labels.free_names(names);
        Ok(Self {
            snapshot,
            constant_labels,
            names: LabelNames {
                display_name,
                id,
                severity,
                stream_name,
            },
        })
    }

    /// Returns the constant labels, and then others.
    pub(super) fn labels<const N: usize>(
        &self,
        own: [(Text<'a>, Text<'a>); N],
    ) -> impl Iterator<Item = (Text<'a>, Text<'a>)> + use<'a, N> {
        let constant = self.constant_labels.iter();
        let constant = constant.map(|(name, value)| (Text::Borrowed(name), Text::Borrowed(value)));
        constant.chain(own)
    }
}
