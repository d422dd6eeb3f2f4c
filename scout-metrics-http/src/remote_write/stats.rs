//! Counts of the samples that were sent, dropped and retried.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, SystemTime},
};

use scout_metrics_core::{Error, ErrorKind};
use scout_metrics_openmetrics::{LabelSet, MetricFamily, MetricType, Sample, Suffix};

use super::ProtocolVersion;

/// Why samples were not written.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum DropReason {
    /// The queue needed their memory for newer ones.
    QueueFull,
    /// The receiver refused them, or did not count them as written.
    Refused,
    /// They were still waiting when the task was shut down.
    Shutdown,
    /// They waited longer than the maximum age.
    TooOld,
}

impl DropReason {
    /// All reasons.
    pub const ALL: &'static [Self] =
        &[Self::QueueFull, Self::Refused, Self::Shutdown, Self::TooOld];

    /// Returns a stable name in lower case with underscores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Refused => "refused",
            Self::Shutdown => "shutdown",
            Self::TooOld => "too_old",
        }
    }
}

/// Writes the stable name.
impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The counts of a [`RemoteWrite`](super::RemoteWrite) so far.
///
/// Samples are those that were queued: each is sent, dropped or still waiting. The markers that end a series count as
/// samples.
#[derive(Clone, Debug, Default)]
pub struct RemoteWriteStats {
    pub(super) sent: u64,
    pub(super) dropped: BTreeMap<DropReason, u64>,
    pub(super) requests: u64,
    pub(super) retries: BTreeMap<&'static str, u64>,
    pub(super) queued: u64,
    pub(super) queue_bytes: u64,
    pub(super) queue_age: Option<Duration>,
    pub(super) last_success: Option<SystemTime>,
    pub(super) last_error: Option<Error>,
    pub(super) version: Option<ProtocolVersion>,
}

impl RemoteWriteStats {
    /// Returns how many samples the receiver has accepted.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns how many samples were dropped for a reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped.get(&reason).copied().unwrap_or_default()
    }

    /// Returns how many samples wait to be sent, including those of the request that is on its way.
    pub fn queued(&self) -> u64 {
        self.queued
    }

    /// Returns about how many bytes of memory the waiting samples need.
    pub fn queue_bytes(&self) -> u64 {
        self.queue_bytes
    }

    /// Returns how long the oldest waiting sample has waited, or `None` if none waits.
    pub fn queue_age(&self) -> Option<Duration> {
        self.queue_age
    }

    /// Returns how many requests were sent, including those that failed. A request that was sent once more with a new token
    /// counts once.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Returns how often a request had to be sent again because the one before failed, by the
    /// [kind](scout_metrics_core::ErrorKind) of that failure.
    pub fn retries(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.retries.iter().map(|(kind, count)| (*kind, *count))
    }

    /// Returns when the receiver last accepted samples.
    pub fn last_success(&self) -> Option<SystemTime> {
        self.last_success
    }

    /// Returns the error of the last request, or `None` if it succeeded.
    pub fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }

    /// Returns the version of the protocol in use, or `None` as long as that is not known.
    pub fn version(&self) -> Option<ProtocolVersion> {
        self.version
    }

    /// Returns the numbers as metric families, whose names begin with `scout_remote_write_`.
    ///
    /// An exporter can serve them, and a program can write them to the same receiver.
    pub fn families(&self) -> Vec<MetricFamily> {
        let counter = |name: &str, help: &str| {
            MetricFamily::new(format!("scout_remote_write_{name}"), MetricType::Counter)
                .with_help(help)
        };
        let gauge = |name: &str, help: &str, value: f64| {
            let name = format!("scout_remote_write_{name}");
            let family = MetricFamily::new(name, MetricType::Gauge).with_help(help);
            family.with_sample(Sample::new(Suffix::None, LabelSet::new(), value))
        };
        let total = |labels: LabelSet, value: u64| Sample::new(Suffix::Total, labels, value as f64);
        let mut dropped = counter(
            "dropped_samples",
            "Samples that were not written, by reason.",
        );
        for reason in DropReason::ALL {
            let labels = LabelSet::from([("reason", reason.as_str())]);
            dropped.push(total(labels, self.dropped(*reason)));
        }
        let mut retries = counter(
            "retries",
            "Requests that were sent again, by the kind of failure.",
        );
        for (kind, count) in self.retries() {
            retries.push(total(LabelSet::from([("kind", kind)]), count));
        }
        let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH);
        let success = self.last_success.and_then(|time| seconds(time).ok());
        let mut families = vec![
            counter("sent_samples", "Samples that the receiver accepted.")
                .with_sample(total(LabelSet::new(), self.sent)),
            dropped,
            counter(
                "requests",
                "Requests that were sent, including those that failed.",
            )
            .with_sample(total(LabelSet::new(), self.requests)),
            retries,
            gauge(
                "queued_samples",
                "Samples that wait to be sent.",
                self.queued as f64,
            ),
            gauge(
                "queue_bytes",
                "Memory of the samples that wait.",
                self.queue_bytes as f64,
            ),
            gauge(
                "queue_age_seconds",
                "Time that the oldest waiting sample has waited.",
                self.queue_age.unwrap_or_default().as_secs_f64(),
            ),
        ];
        if let Some(success) = success {
            families.push(gauge(
                "last_success_timestamp_seconds",
                "Time at which the receiver last accepted samples.",
                success.as_secs_f64(),
            ));
        }
        families
    }

    pub(super) fn drop_samples(&mut self, reason: DropReason, samples: usize) {
        if samples > 0 {
            *self.dropped.entry(reason).or_default() += samples as u64;
        }
    }

    pub(super) fn retry(&mut self, kind: ErrorKind) {
        *self.retries.entry(kind.as_str()).or_default() += 1;
    }
}
