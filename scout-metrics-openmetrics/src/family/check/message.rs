//! The rules about families of the protobuf format.
//!
//! Its definition says little about what messages hold together, so they are those that the other formats have in common:
//! names occur once, a metric comes once with a timestamp, and the numbers of histograms, summaries and counters are what they
//! can be. A histogram need not have a bucket `+Inf`, and neither it nor a summary need have a sum.
//!
//! Lenient mode forgives them all, as Prometheus does when it reads messages.

use std::{collections::HashSet, hash::BuildHasher};

use foldhash::quality::RandomState;

use super::{
    Report, Result, Seen,
    histogram::describe_fall,
    number::{Shown, is_natural},
    openmetrics2::{Faults, check_value, part_label},
    place::Place,
};
use crate::{
    Exemplar, Families, HistogramValue, MetricFamily, MetricType, Mode, ParseError, Rule, Sample,
    error::{Fault, shown},
    protobuf::{self, MetricRef},
};

/// Checks the metrics of one family after another.
#[derive(Debug)]
pub(crate) struct MessageChecker {
    report: Report,
    hasher: RandomState,
    /// The names of all families.
    names: Seen,
    /// The metrics of the family that is being read, each with its timestamp.
    metrics: Seen,
}

impl MessageChecker {
    pub(crate) fn new(mode: Mode) -> Self {
        Self {
            report: Report::new(mode),
            hasher: RandomState::default(),
            names: Seen::table(),
            metrics: Seen::table(),
        }
    }

    /// Goes to another family, whose message starts at a byte.
    pub(crate) fn start_family(&mut self, name: &str, at: usize) -> Result<(), ParseError> {
        self.metrics.forget();
        if self.names.insert(self.hasher.hash_one(name)) {
            return Ok(());
        }
        let report = self
            .report
            .broken_at(Place::in_bytes(at), Rule::NameClash, || {
                format!("a second family has the name `{}`", shown(name))
            });
        report.map_err(ParseError::from_message)
    }

    /// Checks a sample of a family that was read from a message, of which `key` is a hash of the labels. The label sets of the
    /// sample need not be readable yet.
    pub(crate) fn check(
        &mut self,
        family: &MetricFamily,
        sample: &Sample,
        (message, key): (MetricRef<'_, '_>, u64),
    ) -> Result<(), ParseError> {
        let key = self.hasher.hash_one((key, sample.timestamp()));
        let is_new = self.metrics.insert(key);
        let mut metric = Metric {
            name: family.name(),
            kind: family.kind(),
            place: Place::in_bytes(message.at()),
            report: &mut self.report,
        };
        let checked = metric.check(sample, message, is_new);
        checked.map_err(ParseError::from_message)
    }

    /// Returns the families with the rules that they break.
    pub(crate) fn finish(mut self, families: Vec<MetricFamily>) -> Families {
        Families::new(families, self.report.take_deviations())
    }
}

/// The metric that is being checked.
struct Metric<'m> {
    /// The name of the family.
    name: &'m str,
    kind: MetricType,
    place: Place,
    report: &'m mut Report,
}

impl Faults for Metric<'_> {
    fn broken_or_refused(
        &mut self,
        _: bool,
        rule: Rule,
        message: impl FnOnce() -> String,
    ) -> Result {
        self.report.broken_at(self.place, rule, message)
    }

    fn has_whole_buckets(&self) -> bool {
        false
    }
}

impl Metric<'_> {
    fn check(&mut self, sample: &Sample, message: MetricRef<'_, '_>, is_new: bool) -> Result {
        let name = self.name;
        let labels = message.labels();
        self.check_labels(labels)?;
        for exemplar in message.exemplars() {
            self.check_labels(exemplar.labels())?;
        }
        if !is_new {
            self.broken(Rule::DuplicateSeries, || {
                format!("`{}` has a second metric with these labels", shown(name))
            })?;
        }
        let is_counter = self.kind == MetricType::Counter;
        if is_counter && !is_natural(sample.value()) {
            self.broken(Rule::CounterValue, || {
                let (value, name) = (Shown(sample.value()), shown(name));
                format!("the counter `{name}` has the value {value}, expected zero or more")
            })?;
        }
        if self.kind == MetricType::GaugeHistogram && sample.start_timestamp().is_some() {
            self.broken(Rule::StartTimestamp, || {
                let name = shown(name);
                format!("the gauge histogram `{name}` has a time of creation, which its type does not have")
            })?;
        }
        let Some(value) = sample.composite() else {
            return Ok(());
        };
        if let Some((label, rule)) = part_label(value)
            && labels.iter().any(|(found, _)| *found == label)
        {
            self.broken(rule, || {
                let name = shown(name);
                format!("`{name}` has the label `{label}`, which its parts have in other formats")
            })?;
        }
        if let Some(histogram) = value.histogram() {
            self.check_bounds(histogram)?;
            self.check_places(sample.exemplars(), histogram)?;
        }
        check_value(name, value, self)
    }

    fn check_labels(&mut self, labels: &[(&str, &str)]) -> Result {
        /// So many are compared with each other.
        const FEW: usize = 16;
        let name = self.name;
        let mut names = HashSet::new();
        for (place, (label, _)) in labels.iter().enumerate() {
            let is_repeated = match labels.len() {
                ..=FEW => labels[..place].iter().any(|(other, _)| other == label),
                _ => !names.insert(label),
            };
            if is_repeated {
                self.broken(Rule::DuplicateLabel, || {
                    let (label, name) = (shown(label), shown(name));
                    format!("`{name}` has the label `{label}` twice")
                })?;
            }
            if label.is_empty() {
                self.broken(Rule::LabelName, || {
                    format!("`{}` has a label without a name", shown(name))
                })?;
            }
            if *label == "__name__" {
                self.broken(Rule::ReservedLabel, || {
                    format!(
                        "`{}` has the label `__name__`, which is reserved",
                        shown(name)
                    )
                })?;
            }
        }
        Ok(())
    }

    /// Checks that each bucket has a bound, and that there is room for the bucket `+Inf` if it is left out.
    fn check_bounds(&mut self, histogram: &HistogramValue) -> Result {
        let name = self.name;
        let buckets = histogram.buckets();
        if buckets.clone().any(|(bound, _)| bound.is_nan()) {
            self.broken(Rule::BucketBound, || {
                format!("the bound of a bucket of `{}` is not a number", shown(name))
            })?;
        }
        match buckets.last() {
            Some((bound, last)) if bound < f64::INFINITY && histogram.count() < last => self
                .broken(Rule::BucketsCumulative, || {
                    describe_fall(name, &Shown(histogram.count()).to_string())
                }),
            _ => Ok(()),
        }
    }

    /// Checks that there are no more exemplars than what holds them: buckets, or a native histogram.
    fn check_places(&mut self, exemplars: &[Exemplar], histogram: &HistogramValue) -> Result {
        if protobuf::has_places(exemplars, histogram) {
            return Ok(());
        }
        let name = self.name;
        self.broken(Rule::ExemplarPlace, || {
            format!("`{}` has an exemplar that no bucket holds", shown(name))
        })
    }
}

impl ParseError {
    fn from_message(violation: super::Violation) -> Self {
        Self::in_bytes(*Fault::new(violation.rule, violation.at, violation.message))
    }
}
