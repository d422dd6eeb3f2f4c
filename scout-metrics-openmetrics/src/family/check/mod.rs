//! The rules that span several samples of a family: types, values and order.
//!
//! The checks see one sample after another and keep only what the rules need: the metric and the point that are being
//! read, and by a hash which metrics came before them in the family.

use std::{
    collections::HashSet,
    hash::{BuildHasher, Hasher},
};

use foldhash::quality::RandomState;

use crate::{
    Deviation, Format, MetricType, Mode, ParseOptions, Rule, SampleRef, Suffix, Text, Timestamp,
    error::shown, number::parse_value,
};

/// A rule that is broken and not forgiven.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) rule: Rule,
    pub(crate) line: u64,
    pub(crate) message: String,
}

type Result<T = (), E = Violation> = std::result::Result<T, E>;

/// Where broken rules are reported.
#[derive(Debug)]
pub(crate) struct Report {
    mode: Mode,
    deviations: Vec<Deviation>,
    /// The line that is being read.
    pub(crate) line: u64,
}

impl Report {
    pub(crate) fn new(mode: Mode) -> Self {
        Self {
            mode,
            deviations: Vec::new(),
            line: 0,
        }
    }

    /// Records that the line which is being read breaks a rule, or in strict mode fails.
    pub(crate) fn broken(&mut self, rule: Rule, message: impl FnOnce() -> String) -> Result {
        self.broken_at(self.line, rule, message)
    }

    /// Records that a line before breaks a rule, or in strict mode fails.
    fn broken_at(&mut self, line: u64, rule: Rule, message: impl FnOnce() -> String) -> Result {
        match self.mode {
            Mode::Lenient => {
                self.deviations.push(Deviation { rule, line });
                Ok(())
            }
            Mode::Strict => Err(Violation {
                rule,
                line,
                message: message(),
            }),
        }
    }

    pub(crate) fn extend(&mut self, deviations: &[Deviation]) {
        self.deviations.extend_from_slice(deviations);
    }

    pub(crate) fn into_deviations(self) -> Vec<Deviation> {
        self.deviations
    }
}

/// Checks the samples of one family after another.
#[derive(Debug)]
pub(crate) struct Checker {
    format: Format,
    hasher: RandomState,
    name: String,
    kind: MetricType,
    key_labels: KeyLabels,
    /// The metrics of the family that came so far; in Prometheus text, where families need not stand together, the
    /// series of all families.
    ///
    /// Two that differ have the same hash of 64 bits once in some 10^7 expositions of a million samples, and nobody can
    /// choose them, because the hash is seeded.
    seen: HashSet<u64, RandomState>,
    metric: Option<Metric>,
}

/// The metric that is being read.
#[derive(Debug)]
struct Metric {
    key: u64,
    timestamp: Option<Timestamp>,
    line: u64,
    point: Point,
}

/// The labels that tell metrics apart. They are the same for samples that have the same names.
#[derive(Debug, Default)]
struct KeyLabels {
    /// Whether those of the sample before are known.
    is_known: bool,
    /// Their places in the sample, by the order of their names.
    places: Vec<usize>,
    hash_of_names: u64,
}

/// The point that is being read, as far as it is known.
#[derive(Debug, Default)]
struct Point {
    /// Bound and value of the last bucket.
    bucket: Option<(f64, f64)>,
    has_negative_bound: bool,
    /// The value of the bucket `+Inf`.
    infinite: Option<f64>,
    count: Option<f64>,
    sum: Option<f64>,
    has_total: bool,
}

impl Checker {
    pub(crate) fn new(options: &ParseOptions) -> Self {
        Self {
            format: options.format(),
            hasher: RandomState::default(),
            name: String::new(),
            kind: MetricType::Unknown,
            key_labels: KeyLabels::default(),
            seen: HashSet::default(),
            metric: None,
        }
    }

    /// Goes to another family. The last metric of the one before has to be complete.
    pub(crate) fn start_family(
        &mut self,
        name: &str,
        kind: MetricType,
        report: &mut Report,
    ) -> Result {
        self.finish_point(report)?;
        self.metric = None;
        if self.format == Format::OpenMetrics {
            self.forget_metrics();
        }
        name.clone_into(&mut self.name);
        self.kind = kind;
        self.key_labels.is_known = false;
        Ok(())
    }

    fn forget_metrics(&mut self) {
        // Clearing a table takes time by its size, which many small families after a large one would pay again and again.
        const LARGE: usize = 1024;
        if self.seen.capacity() > LARGE.max(8 * self.seen.len()) {
            self.seen = HashSet::default();
        }
        self.seen.clear();
    }

    /// Checks a sample of the family.
    pub(crate) fn check(
        &mut self,
        sample: SampleRef<'_, '_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        if self.format == Format::Prometheus {
            self.check_number_labels(sample, suffix, report)?;
            return self.check_series(sample, report);
        }
        self.check_exemplar(sample, suffix, report)?;
        self.check_metric(sample, report)?;
        match self.kind {
            MetricType::Counter => self.check_counter(sample, suffix, report),
            MetricType::Gauge | MetricType::Unknown => Ok(()),
            MetricType::GaugeHistogram | MetricType::Histogram => {
                self.check_histogram(sample, suffix, report)
            }
            MetricType::Info => self.check_info(sample, suffix, report),
            MetricType::StateSet => self.check_state_set(sample, report),
            MetricType::Summary => self.check_summary(sample, suffix, report),
        }
    }

    // Prometheus text.

    fn check_number_labels(
        &self,
        sample: SampleRef<'_, '_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        let name = match (self.kind, suffix) {
            (MetricType::GaugeHistogram | MetricType::Histogram, Suffix::Bucket) => "le",
            (MetricType::Summary, Suffix::None) => "quantile",
            _ => return Ok(()),
        };
        match label(sample, name) {
            Some(value) if parse_value(&value).is_err() => {
                report.broken(Rule::LabelValueNumber, || {
                    format!(
                        "expected a number in the label `{name}`, found {:?}",
                        shown(&value)
                    )
                })
            }
            _ => Ok(()),
        }
    }

    fn check_series(&mut self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        let key = self.key(sample);
        if self.seen.insert(key) {
            return Ok(());
        }
        report.broken(Rule::DuplicateSeries, || {
            format!(
                "the series of `{}` with these labels occurs in an earlier line",
                shown(&sample.name().decode())
            )
        })
    }

    // Metrics and points of OpenMetrics.

    fn check_metric(&mut self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        let key = self.key(sample);
        let timestamp = sample.timestamp();
        match &mut self.metric {
            Some(metric) if metric.key == key => {
                let before = metric.timestamp;
                if before.is_some() != timestamp.is_some() {
                    report.broken(Rule::TimestampMix, || {
                        "some samples of the metric have a timestamp and some have none".to_owned()
                    })?;
                }
                if timestamp < before && timestamp.is_some() {
                    report.broken(Rule::TimestampOrder, || {
                        "the timestamp is earlier than that of the sample before".to_owned()
                    })?;
                }
                if timestamp != before {
                    self.finish_point(report)?;
                }
            }
            _ => {
                self.finish_point(report)?;
                if !self.seen.insert(key) {
                    report.broken(Rule::InterleavedMetrics, || {
                        "samples of the metric stand in earlier lines, with others in between"
                            .to_owned()
                    })?;
                }
                self.metric = None;
            }
        }
        let metric = self.metric.get_or_insert(Metric {
            key,
            timestamp,
            line: report.line,
            point: Point::default(),
        });
        metric.timestamp = timestamp;
        metric.line = report.line;
        Ok(())
    }

    /// Checks that a point is complete and starts the next.
    fn finish_point(&mut self, report: &mut Report) -> Result {
        let Some(metric) = &mut self.metric else {
            return Ok(());
        };
        let line = metric.line;
        let point = std::mem::take(&mut metric.point);
        match self.kind {
            MetricType::Counter if !point.has_total => {
                report.broken_at(line, Rule::CounterTotal, || {
                    format!(
                        "the counter `{}` has no sample `{}_total`",
                        shown(&self.name),
                        shown(&self.name)
                    )
                })
            }
            MetricType::GaugeHistogram | MetricType::Histogram => {
                self.finish_histogram(&point, line, report)
            }
            _ => Ok(()),
        }
    }

    fn finish_histogram(&self, point: &Point, line: u64, report: &mut Report) -> Result {
        if point.infinite.is_none() {
            report.broken_at(line, Rule::InfiniteBucket, || {
                format!(
                    "a metric of the histogram `{}` has no bucket `+Inf`",
                    shown(&self.name)
                )
            })?;
        }
        if point.count.is_some() != point.sum.is_some() {
            report.broken_at(line, Rule::HistogramCount, || {
                format!(
                    "a metric of the histogram `{}` has a count or a sum and not both",
                    shown(&self.name)
                )
            })?;
        }
        if point.count.is_some() && point.infinite.is_some() && point.count != point.infinite {
            report.broken_at(line, Rule::HistogramCount, || {
                format!(
                    "the count of the histogram `{}` is not that of its bucket `+Inf`",
                    shown(&self.name)
                )
            })?;
        }
        let Some(sum) = point.sum else {
            return Ok(());
        };
        let (is_wrong, what) = match self.kind {
            MetricType::GaugeHistogram => (
                sum < 0.0 && !point.has_negative_bound,
                "a negative sum and no negative bound",
            ),
            _ => (point.has_negative_bound, "a sum and a negative bound"),
        };
        if is_wrong {
            report.broken_at(line, Rule::HistogramSum, || {
                format!(
                    "a metric of the histogram `{}` has {what}",
                    shown(&self.name)
                )
            })?;
        }
        Ok(())
    }

    // Types of OpenMetrics.

    fn check_counter(
        &mut self,
        sample: SampleRef<'_, '_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        if suffix != Suffix::Total {
            return Ok(());
        }
        if let Some(metric) = &mut self.metric {
            metric.point.has_total = true;
        }
        if is_natural(sample.value()) {
            return Ok(());
        }
        report.broken(Rule::CounterValue, || {
            format!(
                "expected a counter that is not negative, found {}",
                shown(sample.value_text())
            )
        })
    }

    fn check_histogram(
        &mut self,
        sample: SampleRef<'_, '_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        let value = sample.value();
        let is_good = match suffix {
            Suffix::Bucket | Suffix::Count | Suffix::GCount => is_count(value),
            Suffix::Sum => is_natural(value),
            Suffix::GSum => !value.is_nan(),
            _ => true,
        };
        if !is_good {
            report.broken(Rule::HistogramValue, || {
                format!(
                    "`{}` cannot have the value {}",
                    shown(&sample.name().decode()),
                    shown(sample.value_text())
                )
            })?;
        }
        if suffix == Suffix::Bucket {
            return self.check_bucket(sample, report);
        }
        if label(sample, "le").is_some() {
            report.broken(Rule::BucketBound, || {
                let name = sample.name().decode();
                format!("`{}` is no bucket and has the label `le`", shown(&name))
            })?;
        }
        let Some(metric) = &mut self.metric else {
            return Ok(());
        };
        match suffix {
            Suffix::Count | Suffix::GCount => metric.point.count = Some(value),
            Suffix::Sum | Suffix::GSum => metric.point.sum = Some(value),
            _ => {}
        }
        Ok(())
    }

    fn check_bucket(&mut self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        let bound_text = label(sample, "le");
        let bound = bound_text
            .as_deref()
            .and_then(|text| parse_value(text).ok());
        let Some(bound) = bound.filter(|bound| !bound.is_nan()) else {
            return report.broken(Rule::BucketBound, || match bound_text {
                Some(text) => format!(
                    "expected a number in the label `le`, found {:?}",
                    shown(&text)
                ),
                None => "expected a label `le`, the bound of the bucket".to_owned(),
            });
        };
        if bound == f64::INFINITY && bound_text.as_deref() != Some("+Inf") {
            report.broken(Rule::InfiniteBucket, || {
                format!(
                    "expected `+Inf` in the label `le`, found {:?}",
                    shown(bound_text.as_deref().unwrap_or_default())
                )
            })?;
        }
        let Some(Metric { point, .. }) = &mut self.metric else {
            return Ok(());
        };
        let before = point.bucket.replace((bound, sample.value()));
        point.has_negative_bound |= bound < 0.0;
        if bound == f64::INFINITY {
            point.infinite = Some(sample.value());
        }
        let Some((bound_before, value_before)) = before else {
            return Ok(());
        };
        if bound <= bound_before {
            report.broken(Rule::BucketOrder, || {
                format!(
                    "the bound {:?} is not above that of the bucket before",
                    shown(bound_text.as_deref().unwrap_or_default())
                )
            })?;
        }
        if sample.value() < value_before {
            report.broken(Rule::BucketsCumulative, || {
                format!(
                    "the bucket holds {}, fewer than the bucket before",
                    shown(sample.value_text())
                )
            })?;
        }
        Ok(())
    }

    fn check_info(&self, sample: SampleRef<'_, '_>, suffix: Suffix, report: &mut Report) -> Result {
        if suffix != Suffix::Info || sample.value() == 1.0 {
            return Ok(());
        }
        report.broken(Rule::InfoValue, || {
            format!(
                "expected 1, the value of an info, found {}",
                shown(sample.value_text())
            )
        })
    }

    fn check_state_set(&self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        if label(sample, &self.name).is_none() {
            report.broken(Rule::StateSetLabel, || {
                format!(
                    "expected a label `{}`, which names the state",
                    shown(&self.name)
                )
            })?;
        }
        if sample.value() == 0.0 || sample.value() == 1.0 {
            return Ok(());
        }
        report.broken(Rule::StateSetValue, || {
            format!(
                "expected 0 or 1, the value of a state, found {}",
                shown(sample.value_text())
            )
        })
    }

    fn check_summary(
        &self,
        sample: SampleRef<'_, '_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        let value = sample.value();
        let is_good = match suffix {
            Suffix::Count => is_count(value),
            Suffix::Sum => is_natural(value),
            Suffix::None => return self.check_quantile(sample, report),
            _ => true,
        };
        if label(sample, "quantile").is_some() {
            report.broken(Rule::QuantileRange, || {
                let name = sample.name().decode();
                format!(
                    "`{}` is no quantile and has the label `quantile`",
                    shown(&name)
                )
            })?;
        }
        if is_good {
            return Ok(());
        }
        report.broken(Rule::SummaryCount, || {
            format!(
                "`{}` cannot have the value {}",
                shown(&sample.name().decode()),
                shown(sample.value_text())
            )
        })
    }

    fn check_quantile(&self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        let text = label(sample, "quantile");
        let quantile = text.as_deref().and_then(|text| parse_value(text).ok());
        if !quantile.is_some_and(|quantile| (0.0..=1.0).contains(&quantile)) {
            report.broken(Rule::QuantileRange, || match text {
                Some(text) => {
                    format!(
                        "expected a number from 0 to 1 in the label `quantile`, found {:?}",
                        shown(&text)
                    )
                }
                None => format!(
                    "expected a label `quantile` or one of the suffixes of the summary `{}`",
                    shown(&self.name)
                ),
            })?;
        }
        if sample.value() < 0.0 {
            report.broken(Rule::QuantileValue, || {
                format!(
                    "expected a quantile that is not negative, found {}",
                    shown(sample.value_text())
                )
            })?;
        }
        Ok(())
    }

    // Exemplars.

    fn check_exemplar(
        &self,
        sample: SampleRef<'_, '_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        const LONGEST: usize = 128;
        let Some(exemplar) = sample.exemplar() else {
            return Ok(());
        };
        let is_here = matches!(
            (self.kind, suffix),
            (MetricType::Counter, Suffix::Total)
                | (
                    MetricType::GaugeHistogram | MetricType::Histogram,
                    Suffix::Bucket
                )
        );
        if !is_here {
            report.broken(Rule::ExemplarPlace, || {
                format!(
                    "`{}` cannot have an exemplar, only a counter's total and buckets can",
                    shown(&sample.name().decode())
                )
            })?;
        }
        let sum = |length: fn(&str) -> usize| -> usize {
            let labels = exemplar.labels();
            let lengths =
                labels.map(|(name, value)| length(&name.decode()) + length(&value.decode()));
            lengths.sum()
        };
        // There are never more characters than bytes, which need not be counted.
        if sum(str::len) <= LONGEST {
            return Ok(());
        }
        let length = sum(|text| text.chars().count());
        if length > LONGEST {
            report.broken(Rule::ExemplarLength, || {
                format!("the labels of the exemplar have {length} characters, at most {LONGEST} are allowed")
            })?;
        }
        Ok(())
    }

    // Labels.

    /// Returns the label that tells the samples of one point of OpenMetrics apart.
    fn point_label(&self) -> &str {
        match self.kind {
            _ if self.format == Format::Prometheus => "",
            MetricType::GaugeHistogram | MetricType::Histogram => "le",
            MetricType::StateSet => &self.name,
            MetricType::Summary => "quantile",
            _ => "",
        }
    }

    /// Returns a hash of the labels but that of the point, whatever their order is.
    fn key(&mut self, sample: SampleRef<'_, '_>) -> u64 {
        if !sample.parts.same_names || !self.key_labels.is_known {
            self.learn_key_labels(sample);
        }
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(self.key_labels.hash_of_names);
        for place in &self.key_labels.places {
            write_text(&mut hasher, sample.label_value(*place));
        }
        hasher.finish()
    }

    fn learn_key_labels(&mut self, sample: SampleRef<'_, '_>) {
        let mut places = std::mem::take(&mut self.key_labels.places);
        let name = |place: &usize| sample.label_name(*place).decode();
        places.clear();
        places.extend(0..sample.labels().len());
        places.retain(|place| name(place) != self.point_label());
        places.sort_by(|one, two| name(one).cmp(&name(two)));
        let mut hasher = self.hasher.build_hasher();
        if self.format == Format::Prometheus {
            // Series of all families are told apart, not the metrics of one.
            write_text(&mut hasher, sample.name());
        }
        for place in &places {
            write_text(&mut hasher, sample.label_name(*place));
        }
        self.key_labels = KeyLabels {
            is_known: true,
            places,
            hash_of_names: hasher.finish(),
        };
    }
}

/// Hashes a text so that it is told from one that goes on.
fn write_text(hasher: &mut impl Hasher, text: Text<'_>) {
    hasher.write(text.decode().as_bytes());
    hasher.write_u8(0xff);
}

/// Returns whether a number is zero or positive, and so no NaN.
fn is_natural(value: f64) -> bool {
    value >= 0.0
}

/// Returns whether a number is whole and not negative, and so not infinite.
fn is_count(value: f64) -> bool {
    is_natural(value) && value.fract() == 0.0
}

fn label<'a>(sample: SampleRef<'_, 'a>, name: &str) -> Option<std::borrow::Cow<'a, str>> {
    sample
        .labels()
        .find(|(found, _)| *found == *name)
        .map(|(_, value)| value.decode())
}
