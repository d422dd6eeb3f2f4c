//! The samples that are in no stream.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use foldhash::quality::RandomState;
use scout_metrics_core::{Anomaly, RawSample};

use super::{constant_labels::ConstantLabels, part::Part, series::SeriesKey, walk::Samples};

/// The samples that are in no stream, by name, because an exposition keeps the samples of one name together.
#[derive(Default)]
pub(crate) struct Unplaced<'a> {
    names: Vec<&'a str>,
    samples: HashMap<&'a str, Vec<UnplacedSample<'a>>, RandomState>,
}

#[derive(Clone, Copy)]
struct UnplacedSample<'a> {
    constant_labels: &'a ConstantLabels<'a>,
    sample: &'a RawSample,
}

impl<'a> Unplaced<'a> {
    pub(crate) fn new(parts: &'a [Part<'a>]) -> Self {
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

    /// Returns the names of samples that have not been passed on, in the order of the snapshots.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        let names = self.names.iter().copied();
        names.filter(|name| self.has(name))
    }

    /// Returns whether there are samples of a name that have not been passed on.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.samples.contains_key(name)
    }

    /// Passes on the samples of one name, once.
    pub(crate) fn walk<S: Samples<'a>>(
        &mut self,
        name: &str,
        samples: &mut S,
    ) -> Result<(), S::Error> {
        let mut of_name = self.samples.remove(name).into_iter().flatten();
        of_name.try_for_each(|unplaced| unplaced.pass_to(samples))
    }
}

impl<'a> UnplacedSample<'a> {
    fn pass_to<S: Samples<'a>>(self, samples: &mut S) -> Result<(), S::Error> {
        let own = self.sample.labels();
        let mut names: Vec<Cow<'a, str>> = own.iter().map(|(name, _)| name.into()).collect();
        self.constant_labels.rename(&mut names);
        let constant = self.constant_labels.iter();
        let constant = constant.map(|(name, value)| (name.into(), value));
        let own = own.iter().map(|(_, value)| value.as_str());
        let labels: Vec<_> = constant.chain(names.into_iter().zip(own)).collect();
        samples.unplaced(&labels, self.sample.value())
    }
}

/// Returns whether the metric and all labels have names, and no two labels the same.
fn can_be_written(sample: &RawSample) -> bool {
    let mut names = HashSet::with_hasher(RandomState::default());
    let mut labels = sample.labels().iter();
    !sample.name().is_empty() && labels.all(|(name, _)| !name.is_empty() && names.insert(name))
}
