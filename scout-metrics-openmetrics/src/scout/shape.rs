//! Which family a sample belongs to, and what its labels mean.

use std::borrow::Cow;

use super::{
    POLICY_COMPLIANT_IMAGES, POLICY_DISPLAY_NAME, POLICY_EVALUATED_IMAGES, POLICY_ID, SEVERITY,
    STREAM_EMPTY, STREAM_NAME, STREAM_VULNERABILITIES,
};
use crate::SampleRef;

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Family {
    CompliantImages,
    EmptyStream,
    EvaluatedImages,
    #[default]
    Unknown,
    Vulnerabilities,
}

impl Family {
    pub(super) fn of(name: &str) -> Self {
        match name {
            POLICY_COMPLIANT_IMAGES => Self::CompliantImages,
            POLICY_EVALUATED_IMAGES => Self::EvaluatedImages,
            STREAM_EMPTY => Self::EmptyStream,
            STREAM_VULNERABILITIES => Self::Vulnerabilities,
            _ => Self::Unknown,
        }
    }

    /// Returns the labels that samples of the family have.
    fn labels(self) -> &'static [Label] {
        match self {
            Self::CompliantImages | Self::EvaluatedImages => {
                &[Label::PolicyId, Label::DisplayName, Label::StreamName]
            }
            Self::EmptyStream => &[Label::StreamName],
            Self::Unknown => &[],
            Self::Vulnerabilities => &[Label::StreamName, Label::Severity],
        }
    }
}

/// A label of Docker Scout's metrics.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Label {
    DisplayName,
    PolicyId,
    Severity,
    StreamName,
}

impl Label {
    const COUNT: usize = 4;

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::DisplayName => POLICY_DISPLAY_NAME,
            Self::PolicyId => POLICY_ID,
            Self::Severity => SEVERITY,
            Self::StreamName => STREAM_NAME,
        }
    }
}

/// The family of a sample, and where its labels are. Most samples have the shape of the sample before.
#[derive(Debug, Default)]
pub(super) struct Shape {
    family: Family,
    /// The places of the known labels.
    places: [Option<usize>; Label::COUNT],
    has_unknown_label: bool,
}

impl Shape {
    pub(super) fn learn(&mut self, sample: SampleRef<'_, '_>) {
        *self = Self {
            family: Family::of(&sample.name().decode()),
            ..Self::default()
        };
        for (place, (name, _)) in sample.labels().enumerate() {
            match self.known(&name.decode()) {
                Some(label) => {
                    self.places[label as usize].get_or_insert(place);
                }
                None => self.has_unknown_label = true,
            }
        }
    }

    /// Returns the label of the family that has a name.
    fn known(&self, name: &str) -> Option<Label> {
        let mut labels = self.family.labels().iter().copied();
        labels.find(|label| label.name() == name)
    }

    pub(super) fn family(&self) -> Family {
        self.family
    }

    /// Returns the value of a known label. An empty label is an absent one (OpenMetrics 1.0, section Label).
    #[inline(always)]
    pub(super) fn value<'a>(
        &self,
        sample: SampleRef<'_, 'a>,
        label: Label,
    ) -> Option<Cow<'a, str>> {
        let place = self.places[label as usize]?;
        let value = sample.label_value(place).decode();
        Some(value).filter(|value| !value.is_empty())
    }

    /// Returns the name of the first unknown label that is not empty.
    #[inline]
    pub(super) fn unknown_label<'a>(&self, sample: SampleRef<'_, 'a>) -> Option<Cow<'a, str>> {
        if !self.has_unknown_label {
            return None;
        }
        let mut labels = sample.labels();
        let is_unknown = |name: &str| self.known(name).is_none();
        let (name, _) = labels
            .find(|(name, value)| is_unknown(&name.decode()) && !value.decode().is_empty())?;
        Some(name.decode())
    }
}
