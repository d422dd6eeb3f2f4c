//! The rules of OpenMetrics 2.0 about families.
//!
//! Every MUST of the [specification] that one exposition can show, in the order of its sections. Those about single lines,
//! such as the grammar, are checked by the parser and marked *line*.
//!
//! | section | demand | rule |
//! |---|---|---|
//! | Number | NaN and the infinities are values | *line*, accepted |
//! | Number | booleans are 1 and 0 | [`StateSetValue`](crate::Rule::StateSetValue); other booleans are not marked |
//! | CompositeValue | histograms, gauge histograms and summaries are composite, other types are numbers | [`CompositeType`](crate::Rule::CompositeType) |
//! | Timestamps | seconds, also negative | *line* [`Timestamp`](crate::Rule::Timestamp) |
//! | Strings | UTF-8, also with NULL | *line* [`Utf8`](crate::Rule::Utf8) |
//! | Label | no names that start with an underscore, except `__type__` and `__unit__` | *line* [`ReservedLabel`](crate::Rule::ReservedLabel) |
//! | LabelSet | names are unique | *line* [`DuplicateLabel`](crate::Rule::DuplicateLabel) |
//! | Exemplars | labels, a number and a timestamp, or it is dropped | *line* [`ExemplarSyntax`](crate::Rule::ExemplarSyntax) |
//! | Metric | several samples have rising timestamps | [`TimestampOrder`](crate::Rule::TimestampOrder), [`TimestampMix`](crate::Rule::TimestampMix), [`DuplicateSeries`](crate::Rule::DuplicateSeries) |
//! | MetricFamily | each metric has other labels | [`InterleavedMetrics`](crate::Rule::InterleavedMetrics): one that comes again is split |
//! | Name | unique, and that of each metric | [`InterleavedFamilies`](crate::Rule::InterleavedFamilies), [`LateMetadata`](crate::Rule::LateMetadata): one that comes again is split |
//! | Name | does not start with an underscore | [`ReservedName`](crate::Rule::ReservedName) |
//! | Gauge, Counter | a number | [`CompositeType`](crate::Rule::CompositeType) |
//! | Counter | not NaN, starts from 0 and does not fall | [`CounterValue`](crate::Rule::CounterValue); a fall shows in two expositions |
//! | Counter | the start is that of the last reset | not visible |
//! | StateSet | one metric for each state | [`StateSetLabel`](crate::Rule::StateSetLabel), [`DuplicateSeries`](crate::Rule::DuplicateSeries) |
//! | StateSet | one state of an enumeration is true | not visible: nothing says that it is one |
//! | StateSet, Info | no unit | [`UnitOnInfo`](crate::Rule::UnitOnInfo) |
//! | Info | the name ends in `_info` | [`InfoSuffix`](crate::Rule::InfoSuffix) |
//! | Histogram | count and sum | *line* [`CompositeSyntax`](crate::Rule::CompositeSyntax) |
//! | Histogram | the count is that of the measurements, the sum is theirs | not visible |
//! | Histogram | the count and buckets are not negative | [`HistogramValue`](crate::Rule::HistogramValue) |
//! | Histogram | classic buckets, native ones or both | *line* [`CompositeSyntax`](crate::Rule::CompositeSyntax) |
//! | Histogram | bounds are not NaN | *line* [`CompositeSyntax`](crate::Rule::CompositeSyntax) |
//! | Histogram | NaN and infinite measurements are in the count and the sum | [`NativeCount`](crate::Rule::NativeCount) for NaN, otherwise not visible |
//! | Histogram | no label `le` next to classic buckets | [`BucketBound`](crate::Rule::BucketBound) |
//! | Histogram | a reset sets all to zero | not visible |
//! | Classic Buckets | thresholds are unique and rise | [`BucketOrder`](crate::Rule::BucketOrder) |
//! | Classic Buckets | each counts what the lower ones count | [`BucketsCumulative`](crate::Rule::BucketsCumulative) |
//! | Classic Buckets | one is `+Inf` | *line* [`CompositeSyntax`](crate::Rule::CompositeSyntax) |
//! | Classic Buckets | that of `+Inf` is the count | [`HistogramCount`](crate::Rule::HistogramCount) |
//! | Classic Buckets | NaN is counted in `+Inf` alone | not visible |
//! | Native Buckets | schema from -4 to 8, a zero bucket, its threshold is not negative | [`NativeHistogram`](crate::Rule::NativeHistogram) |
//! | Native Buckets | none is beyond that of infinity | [`NativeHistogram`](crate::Rule::NativeHistogram) |
//! | Native Buckets | what falls into the zero bucket is in no other | [`NativeHistogram`](crate::Rule::NativeHistogram) for a bucket that lies within it |
//! | Native Buckets | the count is the sum of the buckets, and NaN | [`NativeCount`](crate::Rule::NativeCount) |
//! | GaugeHistogram | the rules of histograms, but values may be negative | as above, with exceptions (`histogram.rs`) |
//! | GaugeHistogram | stopped buckets are not exposed | not visible |
//! | Summary | count, sum and quantiles | *line* [`CompositeSyntax`](crate::Rule::CompositeSyntax) |
//! | Summary | count and sum are not NaN and not negative, the count is an integer | [`SummaryCount`](crate::Rule::SummaryCount) |
//! | Summary | no events, no value | not visible: nothing says which time quantiles are of |
//! | Summary | no label `quantile` | [`QuantileRange`](crate::Rule::QuantileRange) |
//! | Summary | quantiles are from 0 to 1, their values are not negative | [`QuantileRange`](crate::Rule::QuantileRange), [`QuantileValue`](crate::Rule::QuantileValue) |
//! | Unknown | a number or a composite value | the rules of the value's own kind |
//! | Protocol Negotiation, Design Considerations | what programs do over time and with several expositions | not visible |
//! | Text Format | invalid in its entirety | all rules are errors; but exemplars are dropped |
//! | ABNF, Overall Structure, UTF-8 Quoting, Escaping, Numbers, CompositeValues | | *line*, about twenty rules |
//! | MetricFamily | no separator, not interleaved | *line* [`BlankLine`](crate::Rule::BlankLine), [`InterleavedFamilies`](crate::Rule::InterleavedFamilies) |
//! | MetricFamily metadata | without TYPE it is unknown | read so |
//! | MetricFamily metadata | an empty UNIT or HELP is as none | read so |
//! | MetricFamily metadata | one of each | [`DuplicateMetadata`](crate::Rule::DuplicateMetadata) |
//! | MetricFamily metadata | no other lines with `#` | *line* [`Comment`](crate::Rule::Comment) |
//! | Metric | 0 without labels and timestamp is `0` | read as an example of the grammar, in which `0.0` is the same |
//! | Metric | metrics and groups of states are not interleaved | [`InterleavedMetrics`](crate::Rule::InterleavedMetrics) |
//! | Counter, Summary, Histogram | `st@` is after the timestamp and before exemplars | *line* [`SampleSyntax`](crate::Rule::SampleSyntax) |
//! | GaugeHistogram | no start timestamp | [`StartTimestamp`](crate::Rule::StartTimestamp) |
//! | StateSet | 1 or 0, and a label named as the family | [`StateSetValue`](crate::Rule::StateSetValue), [`StateSetLabel`](crate::Rule::StateSetLabel) |
//! | Info | the value is 1 | [`InfoValue`](crate::Rule::InfoValue) |
//! | Summary | quantiles rise | [`QuantileOrder`](crate::Rule::QuantileOrder) |
//! | Histogram with Classic Buckets | all buckets are present | not visible |
//! | Histogram with Native Buckets | fields in their order, spans only advance | *line* [`CompositeSyntax`](crate::Rule::CompositeSyntax) |
//! | Histogram with Native Buckets | as many buckets as the spans have | [`NativeHistogram`](crate::Rule::NativeHistogram) |
//!
//! # Lenient mode
//!
//! It forgives what Prometheus' own parser and its validation of native histograms accept. Prometheus forgets the type of a
//! family when another one comes in between, and then refuses less; `Checker::type_line` is what it knows.
//!
//! [specification]: https://prometheus.io/docs/specs/om/open_metrics_spec_2_0/

mod histogram;
mod native;
mod number;
mod order;
mod summary;

pub(super) use self::order::Before;

use self::number::is_composite;
use super::{super::labels::LabelHashes, Checker, Report, Result, place::Part};
use crate::{CompositeValue, MetricType, Rule, SampleRef, error::shown};

impl Checker {
    /// Checks the name of a new family, from the section "Name".
    pub(in crate::family) fn check_family_name(&self, name: &str, report: &mut Report) -> Result {
        if !name.starts_with('_') {
            return Ok(());
        }
        report.broken(Rule::ReservedName, || {
            let name = shown(name);
            format!("the name `{name}` starts with an underscore, so it is reserved")
        })
    }

    /// Checks the name of a family of which the type is now known, from the section "Info".
    pub(in crate::family) fn check_name_of_type(
        &self,
        name: &str,
        kind: MetricType,
        report: &mut Report,
    ) -> Result {
        if kind != MetricType::Info || name.ends_with("_info") {
            return Ok(());
        }
        report.broken(Rule::InfoSuffix, || {
            format!(
                "the name of the info `{}` does not end in `_info`",
                shown(name)
            )
        })
    }

    /// Checks a sample of the family. The value is the composite one, if it is, and the hashes are those of the labels.
    pub(in crate::family) fn check_openmetrics2(
        &mut self,
        sample: SampleRef<'_, '_>,
        value: Option<&CompositeValue>,
        labels: LabelHashes<'_>,
        report: &mut Report,
    ) -> Result {
        self.check_order(sample, labels, report)?;
        if sample.start_timestamp().is_some() {
            self.check_start_timestamp(sample, value, report)?;
        }
        let Some(value) = value else {
            return self.check_number(sample, report);
        };
        self.check_composite_type(sample, value, report)?;
        let parts = part_label(value);
        if let Some((label, rule)) = parts {
            self.check_no_part_label(sample, label, rule, report)?;
        }
        check_value(&self.name, value, &mut InSample { sample, report })
    }

    /// Checks that the type has a time at which counting began: one that counts, and unknown ones.
    fn check_start_timestamp(
        &self,
        sample: SampleRef<'_, '_>,
        value: Option<&CompositeValue>,
        report: &mut Report,
    ) -> Result {
        let kind = match (self.kind, value) {
            (MetricType::Unknown, Some(value)) => kind_of(value),
            (kind, _) => kind,
        };
        let counts = matches!(
            kind,
            MetricType::Counter | MetricType::Histogram | MetricType::Summary | MetricType::Unknown
        );
        if counts {
            return Ok(());
        }
        report.broken_in(sample, Part::StartTimestamp, Rule::StartTimestamp, || {
            let name = shown(&self.name);
            format!("the {kind} `{name}` has a start timestamp, which a sample of this type does not have")
        })
    }

    /// Checks that a composite value is of the type of the family, or the type is unknown.
    fn check_composite_type(
        &self,
        sample: SampleRef<'_, '_>,
        value: &CompositeValue,
        report: &mut Report,
    ) -> Result {
        let kind = kind_of(value);
        if self.kind == kind || self.kind == MetricType::Unknown {
            return Ok(());
        }
        let is_refused = self.type_line != kind;
        let (part, rule) = (Part::Value, Rule::CompositeType);
        report.broken_or_refused(is_refused, sample, part, rule, || {
            let expected = match self.kind {
                kind if is_composite(kind) => format!("a {kind}"),
                _ => "a number".to_owned(),
            };
            format!(
                "the {} `{}` has a {kind} as its value, expected {expected}",
                self.kind,
                shown(&self.name)
            )
        })
    }

    /// Checks that a sample does not have the label of its parts, which are series of their own in other formats.
    fn check_no_part_label(
        &self,
        sample: SampleRef<'_, '_>,
        label: &str,
        rule: Rule,
        report: &mut Report,
    ) -> Result {
        let Some(place) = sample.labels().position(|(name, _)| name == *label) else {
            return Ok(());
        };
        report.broken_in(sample, Part::Label(place), rule, || {
            let name = shown(&self.name);
            let parts = match rule {
                Rule::BucketBound => "buckets",
                _ => "quantiles",
            };
            format!("`{name}` has the label `{label}`, which its {parts} have in other formats")
        })
    }
}

/// A receiver of reports about composite values that break a rule.
pub(crate) trait Faults {
    /// Forgives the rule in lenient mode.
    fn broken(&mut self, rule: Rule, message: impl FnOnce() -> String) -> Result {
        self.broken_or_refused(false, rule, message)
    }

    /// Forgives the rule in lenient mode unless Prometheus does not when it reads text.
    fn broken_or_refused(
        &mut self,
        is_refused: bool,
        rule: Rule,
        message: impl FnOnce() -> String,
    ) -> Result;

    /// Returns whether the counts of native buckets are written as whole numbers.
    fn has_whole_buckets(&self) -> bool;
}

/// A sample of text that is being checked.
struct InSample<'s, 'r> {
    sample: SampleRef<'s, 's>,
    report: &'r mut Report,
}

impl Faults for InSample<'_, '_> {
    fn broken_or_refused(
        &mut self,
        is_refused: bool,
        rule: Rule,
        message: impl FnOnce() -> String,
    ) -> Result {
        let Self { sample, report } = self;
        report.broken_or_refused(is_refused, *sample, Part::Value, rule, message)
    }

    fn has_whole_buckets(&self) -> bool {
        let text = self.sample.value_text();
        let mut buckets = ["positive_buckets", "negative_buckets"].iter();
        buckets.all(|field| {
            let list = text.split_once(field).map_or("", |(_, list)| list);
            let list = list.split(']').next().unwrap_or_default();
            !list.contains(['.', 'e', 'E'])
        })
    }
}

/// Checks the numbers of a composite value, whatever the type of the family with the name is.
pub(crate) fn check_value(name: &str, value: &CompositeValue, faults: &mut impl Faults) -> Result {
    let is_gauge = kind_of(value) == MetricType::GaugeHistogram;
    match value {
        CompositeValue::GaugeHistogram(histogram) | CompositeValue::Histogram(histogram) => {
            let subject = histogram::Subject {
                name,
                histogram,
                is_gauge,
            };
            subject.check(faults)
        }
        CompositeValue::Summary(summary) => summary::Subject { name, summary }.check(faults),
    }
}

/// Returns the label that the series of the parts of a value have in other formats, and the rule about it.
pub(crate) fn part_label(value: &CompositeValue) -> Option<(&'static str, Rule)> {
    match value.histogram() {
        None => Some(("quantile", Rule::QuantileRange)),
        Some(histogram) if histogram.buckets().len() > 0 => Some(("le", Rule::BucketBound)),
        Some(_) => None,
    }
}

/// Returns the type of a composite value.
fn kind_of(value: &CompositeValue) -> MetricType {
    match value {
        CompositeValue::GaugeHistogram(_) => MetricType::GaugeHistogram,
        CompositeValue::Histogram(_) => MetricType::Histogram,
        CompositeValue::Summary(_) => MetricType::Summary,
    }
}
