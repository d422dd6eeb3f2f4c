//! The histograms and summaries of Prometheus text, of which the samples need not follow each other: some exporters write
//! the buckets of all metrics of a family first, and then the counts.

use std::{mem, sync::Arc};

use hashbrown::{HashTable, hash_table::Entry};

use super::{Checker, Report, Result, metric::Point, place::Place};
use crate::{MetricType, Rule, error::shown};

/// The metrics that may not be complete.
#[derive(Debug, Default)]
pub(super) struct Distributions {
    /// Those of the family that is being read.
    open: HashTable<Distribution>,
    /// Those that broke a rule when another family came. Their own may go on, so they are reported when the exposition
    /// ends.
    pending: HashTable<Pending>,
}

/// A histogram or summary: what is known of the samples that have the same labels except `le` or `quantile`.
#[derive(Debug, Default)]
pub(super) struct Distribution {
    /// The hash of the name of the family and the labels.
    key: u64,
    /// The last line.
    line: u64,
    pub(super) point: Point,
    pub(super) fall: Option<Fall>,
    /// Whether a bucket or the count is negative, NaN or not whole.
    ///
    /// A histogram with such a value does not count events. Rates and differences of histograms look like that, and once
    /// they are rounded they are neither cumulative nor equal to the count. All reference parsers accept fractions without
    /// a bucket `+Inf`, and some accept negative values.
    pub(super) is_no_count: bool,
}

/// The first bucket that holds fewer than the one before.
#[derive(Debug)]
pub(super) struct Fall {
    pub(super) place: Place,
    /// How many it holds.
    pub(super) value: String,
}

#[derive(Debug)]
struct Pending {
    name: Arc<str>,
    kind: MetricType,
    metric: Distribution,
}

impl Distributions {
    /// Returns the metric with a key, of which another line is being read.
    pub(super) fn open(&mut self, key: u64, line: u64) -> &mut Distribution {
        let is_same = |known: &Distribution| known.key == key;
        let metric = match self.open.entry(key, is_same, |known| known.key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let pending = self
                    .pending
                    .find_entry(key, |pending| pending.metric.key == key);
                let metric = match pending {
                    Ok(pending) => pending.remove().0.metric,
                    Err(_) => Distribution::new(key),
                };
                place.insert(metric).into_mut()
            }
        };
        metric.line = line;
        metric
    }

    fn set_pending(&mut self, pending: Pending) {
        let key = pending.metric.key;
        self.pending
            .insert_unique(key, pending, |known| known.metric.key);
    }

    /// Removes the metrics of the family that ends, and returns those that break a rule.
    fn close(&mut self, kind: MetricType) -> Vec<Distribution> {
        if self.open.is_empty() {
            return Vec::new();
        }
        // Clearing takes time in proportion to the capacity, which each of many small families after a large one would pay.
        const LARGE: usize = 1024;
        let is_large = self.open.capacity() > LARGE.max(8 * self.open.len());
        let mut broken: Vec<_> = match is_large {
            true => mem::take(&mut self.open).into_iter().collect(),
            false => self.open.drain().collect(),
        };
        broken.retain(|metric| metric.is_broken(kind));
        broken
    }
}

impl Distribution {
    fn new(key: u64) -> Self {
        Self {
            key,
            ..Self::default()
        }
    }

    fn is_broken(&self, kind: MetricType) -> bool {
        let Point {
            infinite, count, ..
        } = self.point;
        let is_complete = count.is_some() || kind == MetricType::GaugeHistogram;
        let is_equal = count.is_none() || count == infinite;
        let is_good = self.fall.is_none() && infinite.is_some() && is_complete && is_equal;
        kind != MetricType::Summary && !self.is_no_count && !is_good
    }
}

impl Checker {
    /// Checks the metrics of the family that ends.
    pub(super) fn finish_distributions(&mut self) {
        let kind = self.kind;
        let broken = self.distributions.close(kind);
        if broken.is_empty() {
            return;
        }
        let name: Arc<str> = self.name.as_str().into();
        for metric in broken {
            let name = Arc::clone(&name);
            let pending = Pending { name, kind, metric };
            self.distributions.set_pending(pending);
        }
    }

    /// Reports the metrics that break a rule and did not go on.
    pub(super) fn finish_pending(&mut self, report: &mut Report) -> Result {
        let mut broken: Vec<_> = mem::take(&mut self.distributions.pending)
            .into_iter()
            .collect();
        broken.sort_by_key(|pending| pending.metric.line);
        for pending in broken {
            pending.name.as_ref().clone_into(&mut self.name);
            self.kind = pending.kind;
            self.report_distribution(&pending.metric, report)?;
        }
        Ok(())
    }

    fn report_distribution(&self, metric: &Distribution, report: &mut Report) -> Result {
        let line = metric.line;
        let Point {
            infinite, count, ..
        } = metric.point;
        if let Some(Fall { place, value }) = &metric.fall {
            report.broken_at(*place, Rule::BucketsCumulative, || {
                self.describe_fall(value)
            })?;
        }
        if infinite.is_none() {
            self.report_no_infinite_bucket(line, report)?;
        }
        match (count, infinite) {
            (Some(count), Some(infinite)) if count != infinite => {
                self.report_count(count, infinite, line, report)
            }
            (None, _) if self.kind == MetricType::Histogram => {
                report.broken_at(Place::start_of(line), Rule::HistogramCount, || {
                    let name = shown(&self.name);
                    format!("the histogram `{name}` has no count `{name}_count`")
                })
            }
            _ => Ok(()),
        }
    }
}
