//! Writes the samples that are in no stream.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fmt::Write,
};

use foldhash::quality::RandomState;
use scout_metrics_core::{Anomaly, RawSample};

use super::{constant_labels::ConstantLabels, part::Part, series::SeriesKey};
use crate::{EncodeError, Encoder};

/// The samples that are in no stream, by name, because an exposition keeps the samples of one name together.
#[derive(Default)]
pub(super) struct Unplaced<'a> {
    names: Vec<&'a str>,
    samples: HashMap<&'a str, Vec<UnplacedSample<'a>>, RandomState>,
}

#[derive(Clone, Copy)]
struct UnplacedSample<'a> {
    constant_labels: &'a ConstantLabels<'a>,
    sample: &'a RawSample,
}

impl<'a> Unplaced<'a> {
    pub(super) fn new(parts: &'a [Part<'a>]) -> Self {
        let mut unplaced = Self::default();
        let mut left_out = 0;
        for part in parts {
            let mut seen: HashSet<SeriesKey<'_>, RandomState> = HashSet::default();
            let anomalies = part.snapshot.anomalies().iter();
            for sample in anomalies
                .filter(|anomaly| anomaly.is_unplaced())
                .filter_map(Anomaly::sample)
            {
                if can_be_written(sample) && seen.insert(sample.into()) {
                    unplaced.push(&part.constant_labels, sample);
                } else {
                    left_out += 1;
                }
            }
        }
        if left_out > 0 {
            tracing::warn!(left_out, "samples that no exposition can hold are left out");
        }
        unplaced
    }

    fn push(&mut self, constant_labels: &'a ConstantLabels<'a>, sample: &'a RawSample) {
        let samples = self.samples.entry(sample.name()).or_default();
        if samples.is_empty() {
            self.names.push(sample.name());
        }
        samples.push(UnplacedSample {
            constant_labels,
            sample,
        });
    }

    /// Writes the samples of one name, once.
    pub(super) fn encode_family<W: Write>(
        &mut self,
        encoder: &mut Encoder<W>,
        name: &str,
    ) -> Result<(), EncodeError> {
        for unplaced in self.samples.remove(name).into_iter().flatten() {
            unplaced.encode(encoder)?;
        }
        Ok(())
    }

    pub(super) fn encode_rest<W: Write>(
        mut self,
        encoder: &mut Encoder<W>,
    ) -> Result<(), EncodeError> {
        for name in std::mem::take(&mut self.names) {
            self.encode_family(encoder, name)?;
        }
        Ok(())
    }
}

impl UnplacedSample<'_> {
    fn encode<W: Write>(self, encoder: &mut Encoder<W>) -> Result<(), EncodeError> {
        let labels = self.sample.labels();
        let mut names: Vec<Cow<'_, str>> = labels.iter().map(|(name, _)| name.into()).collect();
        self.constant_labels.rename(&mut names);
        let own = names
            .iter()
            .zip(labels)
            .map(|(name, (_, value))| (&**name, value.as_str()));
        let labels = self.constant_labels.iter().chain(own);
        encoder.sample(self.sample.name(), labels, self.sample.value())?;
        Ok(())
    }
}

/// Returns whether the metric and all labels have names, and no two labels the same.
fn can_be_written(sample: &RawSample) -> bool {
    let mut names = HashSet::with_hasher(RandomState::default());
    let mut labels = sample.labels().iter();
    !sample.name().is_empty() && labels.all(|(name, _)| !name.is_empty() && names.insert(name))
}
