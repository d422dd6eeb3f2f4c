//! Samples that a server returned, sorted into scrapes, and scrapes as snapshots.

use std::collections::{BTreeMap, HashMap, HashSet};

use scout_metrics_core::{
    Anomaly, AnomalyKind, Error, ErrorKind, Organization, Result, Snapshot, Stream,
};
use scout_metrics_openmetrics::{Encoder, Format, scout::SnapshotReader};

use super::{
    promql::FAMILIES,
    window::{from_millis, seconds},
};

/// The maximum number of values of an answer, as in `SqliteHistory`.
const MAX_VALUES: usize = 10_000_000;

/// The last scrape of each window. The samples of a scrape have the same time; those of earlier ones are dropped.
pub(super) struct Scrapes {
    series: Vec<SeriesName>,
    places: HashMap<SeriesName, u32>,
    last: Vec<Option<Scrape>>,
    values: usize,
}

/// A family, by its place in [`FAMILIES`], and labels.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
struct SeriesName {
    family: usize,
    labels: BTreeMap<String, String>,
}

#[derive(Default)]
struct Scrape {
    time: i64,
    samples: Vec<(u32, f64)>,
}

impl Scrapes {
    pub(super) fn new(windows: usize) -> Self {
        Self {
            series: Vec::new(),
            places: HashMap::new(),
            last: (0..windows).map(|_| None).collect(),
            values: 0,
        }
    }

    /// Returns the number of a series, without labels that Docker Scout's metrics do not have.
    pub(super) fn series(
        &mut self,
        family: usize,
        mut labels: BTreeMap<String, String>,
        foreign: &HashSet<String>,
    ) -> u32 {
        labels.retain(|name, _| name != "__name__" && !foreign.contains(name));
        let name = SeriesName { family, labels };
        let next = self.series.len() as u32;
        let place = *self.places.entry(name.clone()).or_insert(next);
        if place == next {
            self.series.push(name);
        }
        place
    }

    /// Adds a sample to a window, unless the window has a later scrape.
    ///
    /// # Errors
    ///
    /// `Decode` if the value is not a count, `Limit` if there are too many values.
    pub(super) fn add(&mut self, window: usize, time: i64, series: u32, value: f64) -> Result<()> {
        if !(0.0..=Snapshot::MAX_COUNT as f64).contains(&value) || value.fract() != 0.0 {
            return Err(self.not_a_count(time, series, value));
        }
        let scrape = self.last[window].get_or_insert_default();
        if time < scrape.time {
            return Ok(());
        }
        if time > scrape.time {
            self.values -= scrape.samples.len();
            scrape.samples.clear();
            scrape.time = time;
        }
        scrape.samples.push((series, value));
        self.values += 1;
        if self.values > MAX_VALUES {
            let message = format!("the answer has more than the limit of {MAX_VALUES} values");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        Ok(())
    }

    fn not_a_count(&self, time: i64, series: u32, value: f64) -> Error {
        let SeriesName { family, labels } = &self.series[series as usize];
        let labels = labels
            .iter()
            .map(|(name, value)| format!("{name}={value:?}"));
        let series = format!(
            "{}{{{}}}",
            FAMILIES[*family],
            labels.collect::<Vec<_>>().join(",")
        );
        let shown: String = series.chars().take(300).collect();
        let message = format!(
            "`{shown}` has the value {value} at {}, expected a whole number from 0 to 2^53",
            seconds(time)
        );
        Error::new(ErrorKind::Decode, message)
    }

    /// Returns the snapshots by time. Each has the warnings as anomalies.
    pub(super) fn into_snapshots(
        self,
        organization: &Organization,
        warnings: &[String],
    ) -> Result<Vec<Snapshot>> {
        let order = self.order();
        let reader = SnapshotReader::new(organization.clone());
        let mut snapshots = Vec::new();
        for mut scrape in self.last.into_iter().flatten() {
            scrape
                .samples
                .sort_by_key(|(series, _)| order[*series as usize]);
            let text = exposition(&scrape, &self.series)?;
            let snapshot = reader.read(text.as_bytes())?;
            snapshots.push(finished(snapshot, scrape.time, warnings)?);
        }
        Ok(snapshots)
    }

    /// Returns the rank of each series by family, stream and labels: servers return them in any order.
    fn order(&self) -> Vec<usize> {
        let mut by_name: Vec<usize> = (0..self.series.len()).collect();
        by_name.sort_by(|a, b| self.series[*a].cmp(&self.series[*b]));
        let mut order = vec![0; by_name.len()];
        for (rank, series) in by_name.into_iter().enumerate() {
            order[series] = rank;
        }
        order
    }
}

fn exposition(scrape: &Scrape, series: &[SeriesName]) -> Result<String> {
    let mut encoder = Encoder::new(String::new(), Format::Prometheus);
    for (place, value) in &scrape.samples {
        let SeriesName { family, labels } = &series[*place as usize];
        let labels = labels.iter().map(|(name, value)| (&**name, &**value));
        encoder
            .sample(FAMILIES[*family], labels, *value)
            .map_err(unwritable)?;
    }
    encoder.finish().map_err(unwritable)
}

fn unwritable(error: scout_metrics_openmetrics::EncodeError) -> Error {
    Error::new(ErrorKind::Decode, "the answer has an invalid series").with_source(error)
}

/// Sorts streams and policies, sets the time, and removes the lines of anomalies, because nobody has the exposition.
fn finished(snapshot: Snapshot, time: i64, warnings: &[String]) -> Result<Snapshot> {
    let mut streams: Vec<Stream> = snapshot
        .streams()
        .iter()
        .map(with_sorted_policies)
        .collect();
    streams.sort_by(|a, b| a.name().cmp(b.name()));
    let warnings = warnings.iter().map(|warning| {
        let message = format!("the server warned that its answer may be incomplete: {warning}");
        Anomaly::new(AnomalyKind::Other, message)
    });
    let anomalies = snapshot
        .anomalies()
        .iter()
        .map(without_line)
        .chain(warnings);
    let anomalies = anomalies.collect();
    Ok(Snapshot::new(snapshot.organization().clone(), streams)?
        .with_scraped_at(from_millis(time))
        .with_anomalies(anomalies))
}

fn with_sorted_policies(stream: &Stream) -> Stream {
    let mut policies = stream.policies().to_vec();
    policies.sort_by(|a, b| a.policy().id().cmp(b.policy().id()));
    Stream::new(stream.name().clone())
        .with_vulnerabilities(stream.vulnerabilities().clone())
        .with_policies(policies)
}

fn without_line(anomaly: &Anomaly) -> Anomaly {
    let new = Anomaly::new(anomaly.kind(), anomaly.message());
    match anomaly.sample() {
        Some(sample) if anomaly.is_unplaced() => new.with_unplaced(sample.clone()),
        Some(sample) => new.with_sample(sample.clone()),
        None => new,
    }
}
