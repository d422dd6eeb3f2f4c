//! Samples of OpenMetrics 2.0: each has the name of its family, and histograms and summaries are one sample.

use super::{
    super::check::{Part, Violation},
    Collector, Stop,
};
use crate::{CompositeRef, CompositeValue, LabelSet, MetricType, Rule, Sample, SampleRef, Suffix};

impl Collector {
    /// Returns whether HELP or UNIT with this text is treated as if the line was not there, because the text is empty.
    #[inline]
    pub(super) fn skips_metadata(&mut self, name: &str, text: &str) -> bool {
        let is_skipped = text.is_empty() && self.is_openmetrics2();
        if is_skipped {
            self.forget_type_line(name);
        }
        is_skipped
    }

    /// Forgets the last line with TYPE if it is of another family, as only Prometheus does.
    fn forget_type_line(&mut self, name: &str) {
        let is_current = |place: usize| name == self.families[place].name();
        if !self.current.is_some_and(is_current) {
            self.checker.set_type_line(MetricType::Unknown);
        }
    }

    /// Goes to the family of a sample of OpenMetrics 2.0, which has its name.
    pub(super) fn go_to_family_named(&mut self, name: &str) -> Result<(), Stop> {
        let Some(place) = self.find(name) else {
            return self.add_family(name).map(drop);
        };
        if self.current != Some(place) {
            self.report_interleaved(name)?;
            self.go_to(place)?;
        }
        Ok(())
    }

    /// Checks a sample and keeps it.
    #[inline(never)]
    pub(super) fn push_openmetrics2(
        &mut self,
        sample: SampleRef<'_, '_>,
        labels: LabelSet,
    ) -> Result<(), Stop> {
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
        let mut exemplars = sample.exemplars();
        owned = match (exemplars.next(), start, composite) {
            (None, None, None) => owned,
            (Some(exemplar), None, None) if exemplars.next().is_none() => {
                owned.with_exemplar(self.read_exemplar(exemplar))
            }
            (_, start, composite) => {
                let exemplars = sample.exemplars();
                let exemplars = exemplars.map(|exemplar| self.read_exemplar(exemplar));
                owned.with_extra(exemplars.collect(), start, composite)
            }
        };
        self.samples.push(owned);
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
}
