//! One organization at one time.

use std::time::{Duration, SystemTime};

use scout_metrics_core::{
    Anomaly, AnomalyKind, Error, ErrorKind, Policy, PolicyResult, RawSample, Result, Severity,
    Stream, VulnerabilityCounts,
};
use scout_metrics_openmetrics::scout::{SEVERITY, STREAM_NAME, STREAM_VULNERABILITIES};

use super::{
    HOUR, keyframes,
    live::{Live, noise},
    story::{GAP_HOURS, HISTORY_HOURS, Story, StreamStory},
};

/// A time in a story: before the end of the history, or since then.
pub(super) struct Moment {
    seed: u64,
    story: &'static Story,
    ago: Duration,
    live: Live,
}

impl Moment {
    pub(super) fn new(seed: u64, story: &'static Story, now: SystemTime, time: SystemTime) -> Self {
        Self {
            seed,
            story,
            ago: now.duration_since(time).unwrap_or_default(),
            live: Live::new(time.duration_since(now).unwrap_or_default()),
        }
    }

    pub(super) fn check_answers(&self) -> Result<()> {
        let silent = self.story.silent_hours;
        let fault = if self.ago > HOUR * HISTORY_HOURS {
            "the invented history begins later"
        } else if GAP_HOURS.contains(&(self.ago.as_secs() / HOUR.as_secs())) {
            "the invented history has a gap"
        } else if silent.is_some_and(|hours| self.ago < HOUR * hours) {
            "503 Service Unavailable (this organization of the demo never answers)"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Unavailable, fault))
    }

    pub(super) fn streams(&self) -> Result<Vec<Stream>> {
        let streams = self.story.streams.iter().zip(0..);
        let streams = streams.filter_map(|(stream, place)| self.stream(stream, place).transpose());
        streams.collect()
    }

    fn stream(&self, stream: &StreamStory, place: u64) -> Result<Option<Stream>> {
        let Some(counts) = keyframes::while_there(stream.counts, self.ago) else {
            return Ok(None);
        };
        let mut vulnerabilities = VulnerabilityCounts::new();
        for ((severity, count), nth) in Severity::ALL.into_iter().zip(counts).zip(1..) {
            let come = self
                .live
                .wave((place + 3) * nth, self.story.unrest + count / 8);
            let count = noise([self.seed, place, nth], count, self.ago);
            vulnerabilities.set(severity, count + come)?;
        }
        if let Some((name, count)) = self.unrecognized(stream) {
            vulnerabilities = vulnerabilities.with_unrecognized(name, count)?;
        }
        let stream_now = Stream::new(stream.name).with_vulnerabilities(vulnerabilities);
        Ok(Some(stream_now.with_policies(self.results(stream, place)?)))
    }

    fn results(&self, stream: &StreamStory, place: u64) -> Result<Vec<PolicyResult>> {
        let results = self.story.policies.iter().zip(stream.policies).zip(2..);
        let results = results.map(|((&(id, name), keyframes), nth)| {
            let [compliant, evaluated] = keyframes::at(keyframes, self.ago);
            let violating = self.live.wave((place + 3) * nth, self.story.unrest);
            let compliant = compliant.saturating_sub(violating);
            PolicyResult::new(Policy::new(id, name), compliant, evaluated)
        });
        results.collect()
    }

    fn unrecognized(&self, stream: &StreamStory) -> Option<(&'static str, u64)> {
        let (since, name, count) = stream.unrecognized?;
        (self.ago <= HOUR * since).then_some((name, count))
    }

    /// Returns an anomaly for each severity with an unknown name, as the reader of expositions makes it.
    pub(super) fn anomalies(&self) -> Vec<Anomaly> {
        let unknown = self.story.streams.iter().filter_map(|stream| {
            let (name, count) = self.unrecognized(stream)?;
            let labels = [(STREAM_NAME, stream.name), (SEVERITY, name)];
            let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let sample = RawSample::new(STREAM_VULNERABILITIES, labels.into(), count as f64);
            let message = format!("unknown severity `{name}`");
            let anomaly = Anomaly::new(AnomalyKind::UnknownSeverity, message);
            Some(anomaly.with_sample(sample))
        });
        unknown.collect()
    }
}
