//! The rules about several samples of a family: types, values and order.
//!
//! The checks see one sample after another and keep only what the rules need: the metric and the point that are being
//! read, and by a hash which metrics came before them in the family.

mod counter;
mod distribution;
mod exemplar;
mod histogram;
mod info;
mod key;
mod metric;
mod number;
mod place;
mod prometheus;
mod report;
mod state_set;
mod summary;

use foldhash::quality::RandomState;
use hashbrown::{HashTable, hash_table::Entry};

pub(super) use self::report::{Report, Violation};
use self::{distribution::Distributions, key::KeyLabels, metric::Metric};
use super::labels::Values;
use crate::{Format, MetricType, ParseOptions, SampleRef, Suffix};

type Result<T = (), E = Violation> = std::result::Result<T, E>;

/// Checks the samples of one family after another.
#[derive(Debug)]
pub(crate) struct Checker {
    format: Format,
    hasher: RandomState,
    name: String,
    kind: MetricType,
    /// The labels that distinguish the metrics of a family.
    metric_labels: KeyLabels,
    /// The labels that distinguish the series of a name.
    series_labels: KeyLabels,
    /// The metrics of the family that came so far; in Prometheus text, where families may be split, the
    /// series of all families.
    ///
    /// Two that differ have the same hash of 64 bits once in some 10^7 expositions of a million samples, and nobody can
    /// choose them, because the hash is seeded.
    seen: HashTable<u64>,
    /// The metric of OpenMetrics that is being read.
    metric: Option<Metric>,
    /// The histograms and summaries of Prometheus text.
    distributions: Distributions,
}

impl Checker {
    pub(crate) fn new(options: &ParseOptions) -> Self {
        Self {
            format: options.format(),
            hasher: RandomState::default(),
            name: String::new(),
            kind: MetricType::Unknown,
            metric_labels: KeyLabels::default(),
            series_labels: KeyLabels::default(),
            seen: HashTable::new(),
            metric: None,
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
        if self.format == Format::OpenMetrics {
            self.forget_metrics();
        }
        name.clone_into(&mut self.name);
        self.kind = kind;
        self.forget_names();
        Ok(())
    }

    /// Checks what can only be checked at the end of the exposition.
    pub(crate) fn finish(&mut self, report: &mut Report) -> Result {
        self.start_family("", MetricType::Unknown, report)?;
        self.finish_pending(report)
    }

    fn forget_metrics(&mut self) {
        // Clearing takes time in proportion to the capacity, which each of many small families after a large one would pay.
        const LARGE: usize = 1024;
        if self.seen.capacity() > LARGE.max(8 * self.seen.len()) {
            self.seen = HashTable::new();
        }
        self.seen.clear();
    }

    /// Remembers a metric or series. Returns whether it is new.
    fn is_new(&mut self, key: u64) -> bool {
        match self.seen.entry(key, |known| *known == key, |key| *key) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(key);
                true
            }
        }
    }

    /// Says that the next sample has other names than the one before.
    pub(super) fn forget_names(&mut self) {
        self.metric_labels.is_known = false;
        self.series_labels.is_known = false;
    }

    /// Checks a sample of the family. The values are those of its labels.
    pub(super) fn check(
        &mut self,
        sample: SampleRef<'_, '_>,
        values: Values<'_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        if self.format == Format::Prometheus {
            self.check_series(sample, values, report)?;
            return self.check_distribution(sample, values, suffix, report);
        }
        self.check_exemplar(sample, suffix, report)?;
        self.check_metric(sample, values, report)?;
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
