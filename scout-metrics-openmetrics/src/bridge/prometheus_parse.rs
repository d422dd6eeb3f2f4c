//! Conversions between families and the `Scrape` of [prometheus-parse].
//!
//! For programs that have code for the one and want to read or write with the other. A `Scrape` holds less than
//! families. What becomes of the rest in [`to_scrape`]:
//!
//! - a label value or name that prometheus-parse cannot read, such as one with a comma, is an error;
//! - the order of labels is lost, and so is that of families in [`from_scrape`], which sorts by name;
//! - a sample without a timestamp gets the one of the scrape; [`from_scrape`] takes that away again;
//! - info, state set and gauge histogram become untyped, one value for each of their samples;
//! - units, exemplars, native histograms and the types of families without samples are left out;
//! - samples of one histogram or summary that differ in their timestamps alone become one, with the first timestamp.
//!
//! ```
//! use scout_metrics_openmetrics::{
//!     Format, ParseOptions, Timestamp, bridge::prometheus_parse::{from_scrape, to_scrape}, parse_families,
//! };
//!
//! let text = b"# TYPE up gauge\nup{job=\"a\"} 1\n";
//! let families = parse_families(text, &ParseOptions::new(Format::Prometheus))?;
//! let scraped_at = Timestamp::from_millis(1_700_000_000_000);
//! let scrape = to_scrape(families.as_slice(), scraped_at)?;
//! assert_eq!(scrape.samples[0].metric, "up");
//! assert_eq!(scrape.samples[0].labels.get("job"), Some("a"));
//! assert_eq!(from_scrape(&scrape, scraped_at), families.as_slice());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [prometheus-parse]: https://docs.rs/prometheus-parse

use std::{
    collections::{BTreeMap, HashMap},
    time::SystemTime,
};

use prometheus_parse::{HistogramCount, Labels, Sample as Parsed, Scrape, SummaryCount, Value};

use super::series::in_series;
use crate::{
    LabelSet, MetricFamily, MetricType, Sample, Suffix, Timestamp,
    error::shown,
    number::{parse_value, write_value},
};

/// Converts families, with a timestamp for the samples that have none.
///
/// # Errors
///
/// If prometheus-parse has no way to hold a label, or if a timestamp is beyond the calendar of its timestamps.
pub fn to_scrape(families: &[MetricFamily], scraped_at: Timestamp) -> Result<Scrape, ScrapeError> {
    let mut scrape = Scrape {
        docs: HashMap::new(),
        samples: Vec::new(),
    };
    for family in families {
        if !family.help().is_empty() {
            let (name, help) = (family.name().to_owned(), family.help().to_owned());
            scrape.docs.insert(name, help);
        }
        push_family(&mut scrape.samples, &in_series(family), scraped_at)?;
    }
    Ok(scrape)
}

/// Converts a scrape to families, sorted by name. Samples with the timestamp `scraped_at` get none.
///
/// Buckets, sum and count of a histogram come together, and so do the parts of a summary. A counter keeps its name, as in
/// Prometheus text. Documentation of what has no sample is left out.
pub fn from_scrape(scrape: &Scrape, scraped_at: Timestamp) -> Vec<MetricFamily> {
    let mut families = BTreeMap::new();
    let is_series =
        |sample: &&Parsed| matches!(sample.value, Value::Histogram(_) | Value::Summary(_));
    // prometheus-parse has them in no order.
    let mut series: Vec<&Parsed> = scrape.samples.iter().filter(is_series).collect();
    series.sort_by_cached_key(|sample| (sample.metric.clone(), sample.labels.to_string()));
    let others = scrape.samples.iter().filter(|sample| !is_series(sample));
    for sample in series.into_iter().chain(others) {
        push_parsed(&mut families, sample, scraped_at);
    }
    let documented = |(name, family): (String, MetricFamily)| match scrape.docs.get(&name) {
        Some(help) => family.with_help(help),
        None => family,
    };
    families.into_iter().map(documented).collect()
}

/// Why prometheus-parse cannot hold something.
#[derive(Clone, Debug, thiserror::Error)]
#[error("prometheus-parse cannot hold a sample of the family `{family}`: {what}")]
pub struct ScrapeError {
    family: String,
    what: &'static str,
}

fn push_family(
    samples: &mut Vec<Parsed>,
    family: &MetricFamily,
    scraped_at: Timestamp,
) -> Result<(), ScrapeError> {
    let refuse = |what| ScrapeError {
        family: shown(family.name()),
        what,
    };
    let mut places = HashMap::new();
    for sample in family.samples() {
        let bound = bound(family.kind(), sample);
        let label = bound.map(|(label, _)| label);
        let labels = labels(sample.labels(), label)
            .ok_or_else(|| refuse("a label is not what it would read"))?;
        let timestamp = system_time(sample.timestamp().unwrap_or(scraped_at))
            .ok_or_else(|| refuse("the timestamp is beyond its calendar"))?;
        let Some((_, bound)) = bound else {
            samples.push(Parsed {
                metric: family.sample_name(sample),
                value: single_value(family.kind(), sample),
                labels,
                timestamp: timestamp.into(),
            });
            continue;
        };
        let place = *places.entry(labels.to_string()).or_insert(samples.len());
        if place == samples.len() {
            samples.push(Parsed {
                metric: family.name().to_owned(),
                value: empty_series(family.kind()),
                labels,
                timestamp: timestamp.into(),
            });
        }
        push_bound(&mut samples[place].value, bound, sample.value());
    }
    Ok(())
}

/// Returns the label and the number that tell the values of one histogram or summary apart.
fn bound(kind: MetricType, sample: &Sample) -> Option<(&'static str, f64)> {
    let label = match (kind, sample.suffix()) {
        (MetricType::Histogram, Suffix::Bucket) => "le",
        (MetricType::Summary, Suffix::None) => "quantile",
        _ => return None,
    };
    let number = parse_value(sample.labels().get(label)?).ok()?;
    Some((label, number))
}

fn single_value(kind: MetricType, sample: &Sample) -> Value {
    match (kind, sample.suffix()) {
        (MetricType::Counter, Suffix::None | Suffix::Total) => Value::Counter(sample.value()),
        (MetricType::Gauge, Suffix::None) => Value::Gauge(sample.value()),
        _ => Value::Untyped(sample.value()),
    }
}

fn empty_series(kind: MetricType) -> Value {
    match kind {
        MetricType::Summary => Value::Summary(Vec::new()),
        _ => Value::Histogram(Vec::new()),
    }
}

fn push_bound(value: &mut Value, bound: f64, count: f64) {
    match value {
        Value::Histogram(counts) => counts.push(HistogramCount {
            less_than: bound,
            count,
        }),
        Value::Summary(counts) => counts.push(SummaryCount {
            quantile: bound,
            count,
        }),
        Value::Counter(_) | Value::Gauge(_) | Value::Untyped(_) => {}
    }
}

/// Makes labels in the only way there is, which is to let prometheus-parse read them, and checks what it read.
fn labels(labels: &LabelSet, without: Option<&str>) -> Option<Labels> {
    let labels = || labels.iter().filter(|(name, _)| Some(*name) != without);
    let pairs: Vec<String> = labels()
        .map(|(name, value)| format!("{name}=\"{value}\""))
        .collect();
    let line = match pairs.is_empty() {
        true => "x 0".to_owned(),
        false => format!("x{{{}}} 0", pairs.join(",")),
    };
    let read = Scrape::parse([Ok(line)].into_iter())
        .ok()?
        .samples
        .pop()?
        .labels;
    let is_same =
        read.len() == pairs.len() && labels().all(|(name, value)| read.get(name) == Some(value));
    is_same.then_some(read)
}

fn system_time(timestamp: Timestamp) -> Option<SystemTime> {
    /// Well within the years -262,143 to 262,142 of chrono, outside of which it panics.
    const MOST_SECONDS: u128 = 8_000_000_000_000;
    let is_in_calendar = timestamp.seconds().unsigned_abs() < MOST_SECONDS;
    timestamp.to_system_time().filter(|_| is_in_calendar)
}

fn push_parsed(
    families: &mut BTreeMap<String, MetricFamily>,
    parsed: &Parsed,
    scraped_at: Timestamp,
) {
    let time = &parsed.timestamp;
    let timestamp = Timestamp::new(time.timestamp(), time.timestamp_subsec_nanos());
    let timestamp = timestamp.filter(|time| *time != scraped_at);
    let name = parsed.metric.as_str();
    let part_of_series = part_of_series(families, name);
    let mut push = |name: &str, kind, suffix, bound: Option<(&str, f64)>, value| {
        let family = families
            .entry(name.to_owned())
            .or_insert_with(|| MetricFamily::new(name, kind));
        let sample = Sample::new(suffix, label_set(&parsed.labels, bound), value);
        family.push(match timestamp {
            Some(timestamp) => sample.with_timestamp(timestamp),
            None => sample,
        });
    };
    match &parsed.value {
        Value::Counter(value) => push(name, MetricType::Counter, Suffix::None, None, *value),
        Value::Gauge(value) => push(name, MetricType::Gauge, Suffix::None, None, *value),
        Value::Histogram(counts) => {
            for HistogramCount { less_than, count } in counts {
                let bound = Some(("le", *less_than));
                push(name, MetricType::Histogram, Suffix::Bucket, bound, *count);
            }
        }
        Value::Summary(counts) => {
            for SummaryCount { quantile, count } in counts {
                let bound = Some(("quantile", *quantile));
                push(name, MetricType::Summary, Suffix::None, bound, *count);
            }
        }
        Value::Untyped(value) => {
            let (name, suffix) = part_of_series.unwrap_or((name, Suffix::None));
            push(name, MetricType::Unknown, suffix, None, *value);
        }
    }
}

/// Returns the family of a sum or a count, if it is of a histogram or summary.
fn part_of_series<'n>(
    families: &BTreeMap<String, MetricFamily>,
    name: &'n str,
) -> Option<(&'n str, Suffix)> {
    [Suffix::Count, Suffix::Sum].into_iter().find_map(|suffix| {
        let family = name.strip_suffix(suffix.as_str())?;
        let kind = families.get(family)?.kind();
        let is_series = matches!(kind, MetricType::Histogram | MetricType::Summary);
        is_series.then_some((family, suffix))
    })
}

/// Returns labels sorted by name, with the bound behind them.
fn label_set(labels: &Labels, bound: Option<(&str, f64)>) -> LabelSet {
    let sorted: BTreeMap<&str, &str> = labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut number = String::new();
    let bound = bound.map(|(label, bound)| {
        // A string takes all text.
        let _ = write_value(&mut number, bound);
        (label, number.as_str())
    });
    sorted.into_iter().chain(bound).collect()
}
