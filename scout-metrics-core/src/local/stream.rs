//! From the files of images to streams and a snapshot.

use std::{collections::BTreeMap, path::Path, time::SystemTime};

use super::{
    directory::Image,
    file::{Budget, Content, damaged, shown},
    policies::PolicyOutcomes,
    sarif::{Log, Rating, Vulnerabilities},
};
use crate::{
    Anomaly, AnomalyKind, Organization, Policy, PolicyId, PolicyResult, RawSample, Result,
    Severity, Snapshot, Stream, StreamName, VulnerabilityCounts, text::quoted,
};

/// A scrape that is under way.
pub(super) struct Reading<'a> {
    display_names: &'a BTreeMap<PolicyId, String>,
    budget: Budget,
    oldest: Option<SystemTime>,
    streams: Vec<Stream>,
    anomalies: Vec<Anomaly>,
}

/// A stream of which some images have been read.
pub(super) struct StreamReading<'a, 'b> {
    reading: &'b mut Reading<'a>,
    name: &'b str,
    images: u64,
    severities: BTreeMap<Severity, u64>,
    unrecognized: BTreeMap<String, u64>,
    policies: BTreeMap<String, Evaluation>,
}

#[derive(Default)]
struct Evaluation {
    compliant: u64,
    evaluated: u64,
}

impl<'a> Reading<'a> {
    pub(super) fn new(display_names: &'a BTreeMap<PolicyId, String>) -> Self {
        Self {
            display_names,
            budget: Budget::default(),
            oldest: None,
            streams: Vec::new(),
            anomalies: Vec::new(),
        }
    }

    pub(super) fn stream<'b>(&'b mut self, name: &'b str) -> StreamReading<'a, 'b> {
        StreamReading {
            reading: self,
            name,
            images: 0,
            severities: BTreeMap::new(),
            unrecognized: BTreeMap::new(),
            policies: BTreeMap::new(),
        }
    }

    pub(super) fn into_snapshot(self, organization: &Organization) -> Result<Snapshot> {
        let snapshot = Snapshot::new(organization.clone(), self.streams)?;
        let snapshot = snapshot.with_anomalies(self.anomalies);
        Ok(match self.oldest {
            Some(oldest) => snapshot.with_scraped_at(oldest),
            None => snapshot,
        })
    }

    fn read(&mut self, path: &Path) -> Result<Content> {
        let content = Content::read(path, &mut self.budget)?;
        let oldest = self.oldest.unwrap_or(content.modified);
        self.oldest = Some(oldest.min(content.modified));
        Ok(content)
    }
}

impl StreamReading<'_, '_> {
    pub(super) fn add(&mut self, image: &Image) -> Result<()> {
        self.images += 1;
        self.add_report(&image.report)?;
        match &image.policies {
            Some(path) => self.add_policies(path),
            None => Ok(()),
        }
    }

    fn add_report(&mut self, path: &Path) -> Result<()> {
        let content = self.reading.read(path)?;
        let log: Log = content.parse(path)?;
        let found = Vulnerabilities::of(&log).map_err(|fault| damaged(path, fault))?;
        for rating in found.ratings() {
            match rating {
                Rating::Missing => *self.severities.entry(Severity::Unspecified).or_default() += 1,
                Rating::Known(severity) => *self.severities.entry(*severity).or_default() += 1,
                Rating::Unrecognized(word) => {
                    *self.unrecognized.entry(word.clone()).or_default() += 1;
                }
            }
        }
        for doubt in &found.doubts {
            let message = format!("{}: {doubt}", shown(path));
            let sample = self.sample(&[], found.ratings().count() as u64);
            let anomaly = Anomaly::new(AnomalyKind::Deviation, message).with_sample(sample);
            self.reading.anomalies.push(anomaly);
        }
        Ok(())
    }

    fn add_policies(&mut self, path: &Path) -> Result<()> {
        let content = self.reading.read(path)?;
        let PolicyOutcomes(outcomes) = content.parse(path)?;
        for (id, complies) in outcomes {
            let evaluation = self.policies.entry(id).or_default();
            evaluation.evaluated += 1;
            evaluation.compliant += u64::from(complies);
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<()> {
        let counts = self.counts()?;
        let names = self.reading.display_names;
        let policies = self.policies.iter().map(|(id, evaluation)| {
            let name = names.get(id.as_str()).unwrap_or(id);
            let policy = Policy::new(id.as_str(), name);
            PolicyResult::new(policy, evaluation.compliant, evaluation.evaluated)
        });
        let policies = policies.collect::<Result<Vec<_>>>()?;
        let stream = Stream::new(self.name)
            .with_vulnerabilities(counts)
            .with_policies(policies);
        self.reading.streams.push(stream);
        Ok(())
    }

    /// Returns the counts, none if no image was scanned.
    fn counts(&mut self) -> Result<VulnerabilityCounts> {
        let mut counts = VulnerabilityCounts::new();
        if self.images == 0 {
            return Ok(counts);
        }
        for severity in Severity::ALL {
            let count = self.severities.get(&severity).copied();
            counts.set(severity, count.unwrap_or_default())?;
        }
        for (name, count) in &self.unrecognized {
            counts = counts.with_unrecognized(name, *count)?;
            let message = format!(
                "unknown severity {} in the reports of the stream {}",
                quoted(name),
                quoted(self.name)
            );
            let sample = self.sample(&[(Severity::LABEL, name)], *count);
            let anomaly = Anomaly::new(AnomalyKind::UnknownSeverity, message).with_sample(sample);
            self.reading.anomalies.push(anomaly);
        }
        Ok(counts)
    }

    /// Returns the sample that an exposition would have, which tells gates what an anomaly is about.
    fn sample(&self, labels: &[(&str, &str)], count: u64) -> RawSample {
        let stream = [(StreamName::LABEL, self.name)];
        let labels = stream.iter().chain(labels);
        let labels = labels.map(|&(name, value)| (name.to_owned(), value.to_owned()));
        RawSample::new(SAMPLE_NAME, labels.collect(), count as f64)
    }
}

/// The name of Docker Scout's family.
const SAMPLE_NAME: &str = "scout_stream_vulnerabilities";
