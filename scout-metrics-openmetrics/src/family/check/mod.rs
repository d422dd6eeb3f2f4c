//! The rules about several samples of a family: types, values and order.
//!
//! The checks see one sample after another and keep only what the rules need: the metric and the point that are being
//! read, and by hashes the metrics before them (`seen.rs`).

mod counter;
mod distribution;
mod exemplar;
mod histogram;
mod info;
mod key;
mod message;
mod metric;
mod number;
mod openmetrics2;
mod place;
mod prometheus;
mod report;
mod seen;
mod state_set;
mod summary;

use foldhash::quality::RandomState;

pub(crate) use self::message::MessageChecker;
use self::{distribution::Distributions, key::KeyNames, metric::Metric, openmetrics2::Before};
pub(super) use self::{
    place::Part,
    report::{Report, Violation},
    seen::Seen,
};
use super::labels::LabelHashes;
use crate::{MetricType, ParseOptions, SampleRef, Suffix, TextFormat};

type Result<T = (), E = Violation> = std::result::Result<T, E>;

/// Checks the samples of one family after another.
#[derive(Debug)]
pub(crate) struct Checker {
    format: TextFormat,
    hasher: RandomState,
    name: String,
    kind: MetricType,
    /// The part of the identity of metrics that is the same as for the sample before, if it is known.
    metric_names: Option<KeyNames>,
    /// The same for the identity of series.
    series_names: Option<KeyNames>,
    /// The metrics of the family that came so far; in Prometheus text, where families may be split, the
    /// series of all families.
    seen: Seen,
    /// The metric of OpenMetrics that is being read.
    metric: Option<Metric>,
    /// The sample of OpenMetrics 2.0 before.
    before: Before,
    /// The type of the last line with TYPE if no other family came since. It is what Prometheus takes for the type of
    /// a family of OpenMetrics 2.0.
    type_line: MetricType,
    /// The histograms and summaries of Prometheus text.
    distributions: Distributions,
}

impl Checker {
    pub(crate) fn new(options: &ParseOptions, seen: Seen) -> Self {
        Self {
            format: options.text_format(),
            hasher: RandomState::default(),
            name: String::new(),
            kind: MetricType::Unknown,
            metric_names: None,
            series_names: None,
            seen,
            metric: None,
            before: Before::default(),
            type_line: MetricType::Unknown,
            distributions: Distributions::default(),
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
        self.finish_distributions();
        self.metric = None;
        self.before = Before::default();
        if self.format.is_openmetrics() {
            self.seen.forget();
        }
        name.clone_into(&mut self.name);
        self.kind = kind;
        self.forget_names();
        Ok(())
    }

    /// Remembers the type of a line with TYPE, or that lines of another family come now.
    pub(crate) fn set_type_line(&mut self, kind: MetricType) {
        self.type_line = kind;
    }

    /// Checks what can only be checked at the end of the exposition.
    pub(crate) fn finish(&mut self, report: &mut Report) -> Result {
        self.start_family("", MetricType::Unknown, report)?;
        self.finish_pending(report)
    }

    /// Returns whether a metric or series may have come twice, if that was left to be found out now.
    pub(super) fn may_have_repeats(&mut self) -> bool {
        self.seen.has_repeats()
    }

    /// Says that the next sample has other names than the one before.
    pub(super) fn forget_names(&mut self) {
        self.metric_names = None;
        self.series_names = None;
    }

    /// Checks a sample of the family. The hashes are those of its labels.
    pub(super) fn check(
        &mut self,
        sample: SampleRef<'_, '_>,
        labels: LabelHashes<'_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        if self.format == TextFormat::Prometheus {
            self.check_series(sample, labels, report)?;
            return self.check_distribution(sample, labels, suffix, report);
        }
        self.check_exemplar(sample, suffix, report)?;
        self.check_metric(sample, labels, report)?;
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
}
