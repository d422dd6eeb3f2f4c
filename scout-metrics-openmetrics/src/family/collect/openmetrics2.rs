//! Samples of OpenMetrics 2.0: each has the name of its family, and histograms and summaries are one sample.

use super::{
    super::check::{Part, Violation},
    Collector, Stop,
};
use crate::{
    CompositeRef, CompositeValue, Exemplar, LabelSet, Labels, Rule, Sample, SampleRef, Suffix,
    Text, error::shown,
};

impl Collector {
    /// Goes to the family of a sample of OpenMetrics 2.0, which has its name.
    pub(super) fn go_to_family_named(&mut self, name: &str) -> Result<(), Stop> {
        let place = match self.find(name) {
            Some(place) => place,
            None => return self.add_family(name).map(drop),
        };
        if self.current != Some(place) {
            self.report_interleaved(name)?;
            self.go_to(place)?;
        }
        Ok(())
    }

    /// Checks a sample and keeps it.
    pub(super) fn push_openmetrics2(
        &mut self,
        sample: SampleRef<'_, '_>,
        labels: LabelSet,
        same_names: bool,
    ) -> Result<(), Stop> {
        if !same_names {
            self.has_reserved_label = has_reserved(sample.labels());
        }
        if self.has_reserved_label {
            self.report_reserved_label(sample)?;
        }
        let composite = sample.composite();
        let composite = composite.map(|composite| self.read_composite(sample, composite));
        let composite = composite.transpose()?;
        let hashes = self.labels.hashes();
        self.checker
            .check_openmetrics2(sample, composite.as_ref(), hashes, &mut self.report)?;
        let mut owned = Sample::new(Suffix::None, labels, sample.value());
        if let Some(timestamp) = sample.timestamp() {
            owned = owned.with_timestamp(timestamp);
        }
        let start = sample.start_timestamp();
        if composite.is_some() || start.is_some() || sample.exemplar().is_some() {
            owned = owned.with_extra(self.read_exemplars(sample), start, composite);
        }
        self.samples.push(owned);
        Ok(())
    }

    fn report_reserved_label(&mut self, sample: SampleRef<'_, '_>) -> Result<(), Stop> {
        for (place, (name, _)) in sample.labels().enumerate() {
            if is_reserved(name) {
                let part = Part::LabelName(place);
                self.report
                    .broken_in(sample, part, Rule::ReservedLabel, || {
                        describe_reserved(name)
                    })?;
            }
        }
        Ok(())
    }

    /// Reads a composite value. The error is of native buckets that are none, which Prometheus refuses as well.
    fn read_composite(
        &self,
        sample: SampleRef<'_, '_>,
        composite: CompositeRef<'_>,
    ) -> Result<CompositeValue, Violation> {
        composite.to_value().map_err(|error| {
            let (part, rule) = (Part::Value, Rule::NativeHistogram);
            self.report.violation(sample, part, rule, error.to_string())
        })
    }

    /// Reads all exemplars, except those with a reserved label, which are left out.
    fn read_exemplars(&mut self, sample: SampleRef<'_, '_>) -> Vec<Exemplar> {
        let mut exemplars = Vec::new();
        for exemplar in sample.exemplars() {
            let mut labels = exemplar.labels();
            match labels.find(|(name, _)| is_reserved(*name)) {
                None => exemplars.push(self.read_exemplar(exemplar)),
                Some((name, _)) => {
                    let (part, rule) = (Part::Exemplar, Rule::ReservedLabel);
                    self.report
                        .dropped_in(sample, part, rule, || describe_reserved(name));
                }
            }
        }
        exemplars
    }
}

/// Returns whether a label has a name that OpenMetrics 2.0 keeps for itself. Its section "Label" permits two of them in place
/// of metadata, and the parser looks for `__name__`.
fn is_reserved(name: Text<'_>) -> bool {
    const PERMITTED: [&str; 3] = ["__name__", "__type__", "__unit__"];
    name.raw().starts_with('_') && !PERMITTED.iter().any(|permitted| name == **permitted)
}

fn has_reserved(mut labels: Labels<'_, '_>) -> bool {
    labels.any(|(name, _)| is_reserved(name))
}

fn describe_reserved(name: Text<'_>) -> String {
    let name = shown(&name.decode());
    format!("the label name {name:?} starts with an underscore, so it is reserved")
}
