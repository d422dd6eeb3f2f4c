//! How the last scrape of each window is found.
//!
//! A query at the end of each window returns the series of the last scrape before it, as far as the server looks back:
//! that is enough if the server scrapes often, or lets the request say how far it looks back. Windows for which this finds
//! nothing are counted, because the server may have looked back too little, or may have marked all series as stale after
//! the last scrape. From those with samples, the samples themselves are read.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Mutex, PoisonError},
};

use futures_util::future::try_join_all;
use scout_metrics_core::{Error, ErrorKind, Organization, Result, Snapshot};
use tokio::task::spawn_blocking;

use super::{
    answer::{Found, Series, millis},
    api::{Api, MAX_WARNINGS, Parameter},
    promql::{FAMILIES, Matchers},
    scrapes::Scrapes,
    window::{Part, Window, duration, seconds, step_parameter},
};
use crate::transport::{deadline::Deadline, redact::Secrets};

const DAY: i64 = 24 * 3_600_000;

/// The maximum time that a query at the end of a window looks back: it makes the server read that much of each series.
const MAX_LOOKBACK: i64 = DAY;

/// The maximum number of samples that are read to find the last scrape: a few megabytes.
const MAX_SAMPLES: f64 = 200_000.0;

/// The lengths of the ends of a window that are counted before the whole window, which may be all that the server has.
const ENDS: [i64; 3] = [DAY, 30 * DAY, 365 * DAY];

/// Into how many parts a window with too many samples is divided.
const DIVISIONS: i64 = 100;

/// A search for the snapshots of one organization.
pub(super) struct Search<'a> {
    pub(super) api: &'a Api,
    pub(super) matchers: Matchers,
    /// The labels that are not of Docker Scout's metrics.
    pub(super) foreign: &'a HashSet<String>,
    pub(super) deadline: &'a Deadline,
    pub(super) told: Mutex<Told>,
}

/// Remarks of answers besides their data.
#[derive(Default)]
pub(super) struct Told {
    warnings: BTreeSet<String>,
    secrets: Secrets,
}

impl Search<'_> {
    /// Returns the snapshots of the last scrapes of windows, which are asked for in parts.
    pub(super) async fn snapshots(
        self,
        organization: &Organization,
        windows: &[Window],
        parts: Vec<Part>,
    ) -> Result<Vec<Snapshot>> {
        let scrapes = self.scrapes(windows, parts).await;
        let told = self.told.into_inner();
        let Told { warnings, secrets } = told.unwrap_or_else(PoisonError::into_inner);
        let warnings: Vec<String> = warnings.into_iter().collect();
        let organization = organization.clone();
        // Ten million values take a second or two.
        let make =
            move || scrapes.and_then(|scrapes| scrapes.into_snapshots(&organization, &warnings));
        let made = match spawn_blocking(make).await {
            Ok(made) => made,
            Err(aborted) => {
                let message = "the snapshots were not made of the answers";
                Err(Error::new(ErrorKind::Other, message).with_source(aborted))
            }
        };
        made.map_err(|error| secrets.redact_error(error))
    }

    async fn scrapes(&self, windows: &[Window], mut parts: Vec<Part>) -> Result<Scrapes> {
        let mut scrapes = Scrapes::new(windows.len());
        while let Some(part) = parts.pop() {
            let found = match self.last_scrapes(&part, windows).await {
                Err(error) if error.kind() == ErrorKind::Limit => match part.halves(windows) {
                    Some(halves) => {
                        parts.extend(halves);
                        continue;
                    }
                    None => return Err(error),
                },
                found => found?,
            };
            let missing = self.collect(found, &part, windows, &mut scrapes)?;
            self.search(&part, &missing, windows, &mut scrapes).await?;
        }
        Ok(scrapes)
    }

    /// Asks for the last scrape before the end of each window of a part, family by family.
    async fn last_scrapes(&self, part: &Part, windows: &[Window]) -> Result<Vec<Vec<Series>>> {
        let lookback = duration(part.reach(windows).min(MAX_LOOKBACK));
        let of_family = FAMILIES.map(|family| {
            let query = self.matchers.last_scrape(family);
            // Prometheus and Thanos know the first of them, VictoriaMetrics the second.
            let lookback = [
                ("lookback_delta", lookback.clone()),
                ("max_lookback", lookback.clone()),
            ];
            self.range(query, part.start, part.end(), part.step, lookback)
        });
        try_join_all(of_family).await
    }

    /// Sorts what [`last_scrapes`](Self::last_scrapes) returned, and returns the places of the windows without a scrape.
    fn collect(
        &self,
        families: Vec<Vec<Series>>,
        part: &Part,
        windows: &[Window],
        scrapes: &mut Scrapes,
    ) -> Result<Vec<usize>> {
        let families: Vec<LastScrapes> = families
            .into_iter()
            .map(|series| LastScrapes::new(series, part))
            .collect();
        let is_told = |place: &usize| {
            let mut families = families.iter();
            families.all(|family| family.tells(*place, windows[*place]))
        };
        let told: HashSet<usize> = part.places.clone().filter(is_told).collect();
        let mut found = HashSet::new();
        for (family, LastScrapes { times, series, .. }) in families.into_iter().enumerate() {
            for Series { metric, values } in series {
                let series = scrapes.series(family, metric, self.foreign);
                let places = values
                    .iter()
                    .map(|point| (part.place(point.time), point.value));
                for (place, value) in places {
                    let Some(place) = place.filter(|place| told.contains(place)) else {
                        continue;
                    };
                    let time = times.get(&place).copied();
                    if let Some(time) = time.filter(|time| windows[place].has(*time)) {
                        scrapes.add(place, time, series, value)?;
                        found.insert(place);
                    }
                }
            }
        }
        let missing = part.places.clone().filter(|place| !found.contains(place));
        Ok(missing.collect())
    }

    /// Reads the samples of windows for which the server found no scrape at their end.
    async fn search(
        &self,
        part: &Part,
        missing: &[usize],
        windows: &[Window],
        scrapes: &mut Scrapes,
    ) -> Result<()> {
        if part.places.len() == 1 {
            for place in missing {
                self.search_one(*place, windows[*place], scrapes).await?;
            }
            return Ok(());
        }
        let counts = self.counts(part, missing, windows).await?;
        let mut group: Vec<(usize, Window)> = Vec::new();
        let mut samples = 0.0;
        for (place, count) in counts {
            let is_next = group.last().is_none_or(|(last, _)| last + 1 == place);
            if !is_next || samples + count > MAX_SAMPLES {
                self.read(&group, scrapes).await?;
                group.clear();
                samples = 0.0;
            }
            if count > MAX_SAMPLES {
                self.search_one(place, windows[place], scrapes).await?;
            } else {
                group.push((place, windows[place]));
                samples += count;
            }
        }
        self.read(&group, scrapes).await
    }

    async fn search_one(&self, place: usize, window: Window, scrapes: &mut Scrapes) -> Result<()> {
        match self.narrow(window).await? {
            Some(narrowed) => self.read(&[(place, narrowed)], scrapes).await,
            None => Ok(()),
        }
    }

    /// Returns the places of those windows that have samples, with their number, or a few more.
    async fn counts(
        &self,
        part: &Part,
        places: &[usize],
        windows: &[Window],
    ) -> Result<Vec<(usize, f64)>> {
        let ([first, ..], [.., last]) = (places, places) else {
            return Ok(Vec::new());
        };
        let (start, end) = (part.time(*first), part.time(*last));
        let counts = self
            .count(part.reach(windows), start, end, part.step)
            .await?;
        let counts = counts.into_iter();
        let counts = counts.filter_map(|(time, count)| Some((part.place(time)?, count)));
        let counts = counts.filter(|(place, _)| places.binary_search(place).is_ok());
        Ok(counts.collect())
    }

    /// Returns the end of a window that has its last samples, and not too many of them, or `None` if the window has none.
    async fn narrow(&self, window: Window) -> Result<Option<Window>> {
        let Some((mut window, mut samples)) = self.end_with_samples(window).await? else {
            return Ok(None);
        };
        while samples > MAX_SAMPLES && window.length() >= DIVISIONS {
            let length = (window.length() - 1) / DIVISIONS + 1;
            let start = window.until - (DIVISIONS - 1) * length;
            let counts = self.count(length, start, window.until, length).await?;
            let Some((end, count)) = counts.last_key_value() else {
                return Ok(None);
            };
            let found = Window {
                after: window.after,
                until: *end,
            };
            (window, samples) = (found.counted(length), *count);
        }
        Ok(Some(window))
    }

    async fn end_with_samples(&self, window: Window) -> Result<Option<(Window, f64)>> {
        let shorter = ENDS.into_iter().filter(|length| *length < window.length());
        for length in shorter.chain([window.length()]) {
            let end = window.last(length);
            let counts = self.count(end.length(), end.until, end.until, 1).await?;
            if let Some((_, count)) = counts.first_key_value() {
                return Ok(Some((window.counted(length), *count)));
            }
        }
        Ok(None)
    }

    /// Returns the numbers of samples that are not zero, by the time at which they were counted.
    async fn count(
        &self,
        length: i64,
        start: i64,
        end: i64,
        step: i64,
    ) -> Result<BTreeMap<i64, f64>> {
        let query = self.matchers.count(length);
        let series = self.range(query, start, end, step, []).await?;
        let points = series.into_iter().flat_map(|series| series.values);
        let points = points.filter(|point| point.value > 0.0);
        Ok(points.map(|point| (point.time, point.value)).collect())
    }

    /// Reads all samples of windows, each of which follows the one before.
    async fn read(&self, windows: &[(usize, Window)], scrapes: &mut Scrapes) -> Result<()> {
        let ([(_, first), ..], [.., (_, last)]) = (windows, windows) else {
            return Ok(());
        };
        let of_family = FAMILIES.map(|family| {
            let query = self.matchers.samples(family, last.until - first.after);
            let time = ("time", seconds(last.until));
            self.ask("query", query, [time].into())
        });
        let families = try_join_all(of_family).await?;
        for (family, series) in families.into_iter().enumerate() {
            for Series { metric, values } in series {
                let series = scrapes.series(family, metric, self.foreign);
                for point in values {
                    let next = windows.partition_point(|(_, window)| window.until < point.time);
                    let window = windows
                        .get(next)
                        .filter(|(_, window)| window.has(point.time));
                    // VictoriaMetrics returns staleness markers.
                    if let Some((place, _)) = window
                        && !point.value.is_nan()
                    {
                        scrapes.add(*place, point.time, series, point.value)?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn range<const N: usize>(
        &self,
        query: String,
        start: i64,
        end: i64,
        step: i64,
        more: [Parameter; N],
    ) -> Result<Vec<Series>> {
        let series = if start == end {
            let parameters = more.into_iter().chain([("time", seconds(end))]);
            self.ask("query", query, parameters.collect()).await?
        } else {
            let times = [
                ("start", seconds(start)),
                ("end", seconds(end)),
                ("step", step_parameter(step)),
            ];
            let parameters = more.into_iter().chain(times).collect();
            self.ask("query_range", query, parameters).await?
        };
        let is_asked =
            |time: i64| (start..=end).contains(&time) && (time - start).rem_euclid(step) == 0;
        let mut times = series.iter().flat_map(|series| &series.values);
        match times.find(|point| !is_asked(point.time)) {
            None => Ok(series),
            Some(point) => Err(other_time(point.time)),
        }
    }

    async fn ask(
        &self,
        path: &str,
        query: String,
        mut parameters: Vec<Parameter>,
    ) -> Result<Vec<Series>> {
        parameters.push(("query", query));
        let answer = self.api.get(path, &parameters, self.deadline).await?;
        let found: Found = answer.data;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for warning in answer.warnings {
            tracing::warn!(
                warning,
                "the server warned that its answer may be incomplete"
            );
            if told.warnings.len() < MAX_WARNINGS {
                told.warnings.insert(warning);
            }
        }
        told.secrets = answer.secrets;
        Ok(found.result)
    }
}

/// A query frontend of Thanos rounds times to multiples of the step unless it is told not to.
fn other_time(time: i64) -> Error {
    let message = format!(
        "the server answered for the time {}, which was not asked for: if it is a query frontend, turn the alignment of \
         queries off",
        seconds(time)
    );
    Error::new(ErrorKind::Decode, message)
}

/// The last scrapes of a family, by the place of the window.
struct LastScrapes {
    /// The values of the series without labels.
    times: BTreeMap<usize, i64>,
    series: Vec<Series>,
    /// The places at which one of the series has a value.
    with_values: HashSet<usize>,
}

impl LastScrapes {
    fn new(series: Vec<Series>, part: &Part) -> Self {
        let (times, series): (Vec<_>, Vec<_>) = series
            .into_iter()
            .partition(|series| series.metric.is_empty());
        let points = times.iter().flat_map(|series| &series.values);
        let times = points.filter_map(|point| Some((part.place(point.time)?, millis(point.value))));
        let values = series.iter().flat_map(|series| &series.values);
        Self {
            times: times.collect(),
            with_values: values.filter_map(|point| part.place(point.time)).collect(),
            series,
        }
    }

    /// Returns whether the answer settles what the last scrape of a window has of the family.
    ///
    /// It does not if a scrape is after the end of the window, because the time of evaluation is rounded up, or if there is
    /// a scrape without values: VictoriaMetrics returns the time of samples before a staleness marker, but not the samples.
    fn tells(&self, place: usize, window: Window) -> bool {
        self.times.get(&place).is_none_or(|time| {
            let is_before = *time <= window.after;
            is_before || window.has(*time) && self.with_values.contains(&place)
        })
    }
}
