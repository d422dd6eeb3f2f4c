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
    fn labels(self) -> &'static [&'static str] {
        match self {
            Self::CompliantImages | Self::EvaluatedImages => {
                &[POLICY_ID, POLICY_DISPLAY_NAME, STREAM_NAME]
            }
            Self::EmptyStream => &[STREAM_NAME],
            Self::Unknown => &[],
            Self::Vulnerabilities => &[STREAM_NAME, SEVERITY],
        }
    }
}

/// The family and the labels of a sample. Most samples have the shape of the sample before.
#[derive(Debug, Default)]
pub(super) struct Shape {
    family: Family,
    /// The names of the labels, `None` for an unknown one.
    labels: Vec<Option<&'static str>>,
}

impl Shape {
    pub(super) fn learn(&mut self, sample: SampleRef<'_, '_>) {
        self.family = Family::of(&sample.name().decode());
        let known = self.family.labels();
        let labels = sample.labels().map(|(name, _)| {
            let name = name.decode();
            known.iter().copied().find(|known| *known == name)
        });
        self.labels.clear();
        self.labels.extend(labels);
    }

    pub(super) fn family(&self) -> Family {
        self.family
    }

    /// Returns the value of a known label. An empty label is an absent one (OpenMetrics 1.0, section Label).
    #[inline]
    pub(super) fn value<'a>(&self, sample: SampleRef<'_, 'a>, name: &str) -> Option<Cow<'a, str>> {
        let place = self.labels.iter().position(|known| *known == Some(name))?;
        let value = sample.label_value(place).decode();
        Some(value).filter(|value| !value.is_empty())
    }

    /// Returns the name of the first unknown label that is not empty.
    #[inline]
    pub(super) fn unknown_label<'a>(&self, sample: SampleRef<'_, 'a>) -> Option<Cow<'a, str>> {
        if self.labels.iter().all(Option::is_some) {
            return None;
        }
        let mut labels = sample.labels().zip(&self.labels);
        let ((name, _), _) =
            labels.find(|((_, value), known)| known.is_none() && !value.decode().is_empty())?;
        Some(name.decode())
    }
}
