//! From series to composite values.

use std::collections::HashMap;

use super::{is_native_alone, kind_of, suffixes, with_samples};
use crate::{
    CompositeValue, GroupError, HistogramValue, LabelSet, MetricFamily, MetricType,
    NativeHistogram, Sample, Suffix, SummaryValue, Timestamp,
    group::{
        family::{read_number, refusal},
        histogram::{BOUND, composite},
        points::{Point, points},
        summary::RANK,
    },
};

/// A family without suffixes, and what that form does not keep.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) family: MetricFamily,
    /// The number of times of creation that are rounded.
    pub(crate) rounded: usize,
}

/// Returns a family without suffixes.
pub(crate) fn fold(family: &MetricFamily) -> Result<Folded, GroupError> {
    let folded = folded(family)?;
    let rounded = match has(&folded, Suffix::Created) {
        true => 0,
        false => count_rounded(family),
    };
    Ok(Folded {
        family: folded,
        rounded,
    })
}

/// Returns the number of times of creation that a timestamp does not hold.
fn count_rounded(family: &MetricFamily) -> usize {
    let samples = family.samples().iter();
    let created = samples.filter(|sample| sample.suffix() == Suffix::Created);
    let is_rounded = |sample: &&Sample| {
        let start = Timestamp::from_seconds(sample.value());
        start.map(Timestamp::to_seconds) != Some(sample.value())
    };
    created.filter(is_rounded).count()
}

fn folded(family: &MetricFamily) -> Result<MetricFamily, GroupError> {
    match family.kind() {
        MetricType::Counter => fold_counter(family),
        MetricType::GaugeHistogram | MetricType::Histogram | MetricType::Summary => {
            fold_points(family, family.kind())
        }
        MetricType::Info => Ok(fold_info(family)),
        MetricType::StateSet => Ok(family.clone()),
        // Their suffixes mean something, or they are parts of names that some program chose.
        MetricType::Gauge | MetricType::Unknown => {
            Ok(fold_unknown(family).unwrap_or_else(|| family.clone()))
        }
    }
}

fn has(family: &MetricFamily, suffix: Suffix) -> bool {
    let mut samples = family.samples().iter();
    samples.any(|sample| sample.suffix() == suffix)
}

fn fold_counter(family: &MetricFamily) -> Result<MetricFamily, GroupError> {
    if has(family, Suffix::Total) && has(family, Suffix::None) {
        let fault = "has samples with two names".to_owned();
        return Err(refusal(family, &LabelSet::new(), fault));
    }
    let name = match has(family, Suffix::Total) {
        true => format!("{}{}", family.name(), Suffix::Total),
        false => family.name().to_owned(),
    };
    let samples = fold_numbers(family, &[Suffix::None, Suffix::Total])?;
    Ok(with_samples(family, name, samples))
}

fn fold_info(family: &MetricFamily) -> MetricFamily {
    let mut samples = family.samples().iter();
    let is_named = samples.all(|sample| sample.suffix() == Suffix::Info);
    if !is_named || family.samples().is_empty() {
        return family.clone();
    }
    let name = format!("{}{}", family.name(), Suffix::Info);
    let samples = family.samples().iter().cloned();
    let bare = samples.map(|sample| sample.with_suffix(Suffix::None));
    with_samples(family, name, bare.collect())
}

/// Returns a family of which suffixes do not belong to the type, if they can only mean one thing.
fn fold_unknown(family: &MetricFamily) -> Option<MetricFamily> {
    let has = |suffix| has(family, suffix);
    let is_gauge = has(Suffix::GCount) || has(Suffix::GSum);
    if family
        .samples()
        .iter()
        .all(|it| it.suffix() == Suffix::None)
    {
        return None;
    }
    let kind = match has(Suffix::Bucket) {
        true if is_gauge => MetricType::GaugeHistogram,
        true => MetricType::Histogram,
        false if has(Suffix::Count) || has(Suffix::Sum) => MetricType::Summary,
        false => {
            let samples = fold_numbers(family, &[Suffix::None]).ok()?;
            return Some(with_samples(family, family.name().to_owned(), samples));
        }
    };
    fold_points(family, kind)
        .ok()
        .filter(|_| family.kind() == MetricType::Unknown)
}

type Key<'f> = (Vec<(&'f str, &'f str)>, Option<Timestamp>);

/// Returns the samples that are values, each with the time of creation that is next to it.
fn fold_numbers(family: &MetricFamily, values: &[Suffix]) -> Result<Vec<Sample>, GroupError> {
    let mut created: HashMap<Key<'_>, &Sample> = HashMap::new();
    let refuse = |sample: &Sample, fault: String| Err(refusal(family, sample.labels(), fault));
    for sample in family.samples() {
        if sample.suffix() == Suffix::Created {
            if let Err(fault) = check_created(sample) {
                return refuse(sample, fault);
            }
            if created.insert(key(sample), sample).is_some() {
                return refuse(sample, "has two times of creation".to_owned());
            }
        } else if !values.contains(&sample.suffix()) {
            let fault = format!("has a sample that ends in `{}`", sample.suffix());
            return refuse(sample, fault);
        }
    }
    let mut samples = Vec::new();
    for sample in family.samples() {
        if sample.suffix() == Suffix::Created {
            continue;
        }
        let folded = sample.clone().with_suffix(Suffix::None);
        let Some(created) = created.remove(&key(sample)) else {
            samples.push(folded);
            continue;
        };
        match with_created(folded, created.value()) {
            Ok(sample) => samples.push(sample),
            Err(fault) => return refuse(sample, fault),
        }
    }
    match created.into_values().next() {
        Some(sample) => refuse(sample, "has a time of creation without a value".to_owned()),
        None => Ok(samples),
    }
}

fn key(sample: &Sample) -> Key<'_> {
    let mut labels: Vec<_> = sample.labels().iter().collect();
    labels.sort_unstable();
    (labels, sample.timestamp())
}

fn check_created(sample: &Sample) -> Result<(), String> {
    match sample.exemplar().is_some() || sample.start_timestamp().is_some() {
        true => Err("has a time of creation with an exemplar or another one".to_owned()),
        false => Ok(()),
    }
}

/// Returns a sample with a time of creation as its start timestamp.
fn with_created(sample: Sample, seconds: f64) -> Result<Sample, String> {
    if sample.start_timestamp().is_some() {
        return Err("has two times of creation".to_owned());
    }
    match Timestamp::from_seconds(seconds) {
        Some(start) => Ok(sample.with_start_timestamp(start)),
        None => Err(format!(
            "has a time of creation {seconds}, which is not a point in time"
        )),
    }
}

/// Returns a family with one sample for each histogram or summary.
fn fold_points(family: &MetricFamily, kind: MetricType) -> Result<MetricFamily, GroupError> {
    let samples = family.samples();
    let folded = if samples.iter().all(|sample| sample.composite().is_some()) {
        samples.iter().map(of_kind(kind)).collect()
    } else {
        let (label, suffix) = match kind {
            MetricType::Summary => (RANK, Suffix::None),
            _ => (BOUND, Suffix::Bucket),
        };
        let points = points(family, family.kind().as_str(), label, suffix)?.into_iter();
        let folded = points.map(|mut point| {
            fold_point(&mut point, kind).map_err(|fault| refusal(family, &point.labels, fault))
        });
        folded.collect::<Result<_, _>>()?
    };
    Ok(with_samples(family, family.name().to_owned(), folded))
}

/// Returns a function that makes a histogram one of the kind that the type of the family says.
fn of_kind(family: MetricType) -> impl Fn(&Sample) -> Sample {
    move |sample| {
        let value = sample.composite().and_then(|value| {
            let histogram = value.histogram()?;
            Some(composite(kind_of(family, value), histogram.clone()))
        });
        match value {
            Some(value) => sample.clone().with_composite(value),
            None => sample.clone(),
        }
    }
}

fn fold_point(point: &mut Point<'_>, kind: MetricType) -> Result<Sample, String> {
    let native = match point.composite() {
        Some((sample, value)) => match value.histogram().filter(|it| is_native_alone(it)) {
            Some(_) if point.is_alone_but_for(Suffix::Created) => {
                let sample = of_kind(kind)(sample);
                return match point.take(Suffix::Created) {
                    Some(created) => with_created(sample, created),
                    None => Ok(sample),
                };
            }
            Some(value) => value.native().map(|native| (sample, native)),
            None => {
                point.check_alone()?;
                return Ok(of_kind(kind)(sample));
            }
        },
        None => None,
    };
    if kind == MetricType::Summary && native.is_some() {
        return Err("has a histogram as its value".to_owned());
    }
    let exemplars: Vec<_> = (point.numbered.iter().map(|(_, sample)| *sample))
        .chain(native.map(|(sample, _)| sample))
        .flat_map(|sample| sample.exemplars().iter().cloned())
        .collect();
    if point
        .numbered
        .iter()
        .any(|(_, sample)| sample.start_timestamp().is_some())
    {
        return Err("has a bucket or quantile with a start timestamp".to_owned());
    }
    let value = match kind {
        MetricType::Summary => fold_summary(point)?,
        _ => composite(
            kind,
            fold_histogram(point, kind, native.map(|(_, native)| native))?,
        ),
    };
    let mut sample = Sample::new(Suffix::None, point.labels.clone(), 0.0)
        .with_composite(value)
        .with_exemplars(exemplars);
    if let Some(timestamp) = point.timestamp {
        sample = sample.with_timestamp(timestamp);
    }
    if let Some(start) = native.and_then(|(sample, _)| sample.start_timestamp()) {
        sample = sample.with_start_timestamp(start);
    }
    if let Some(created) = point.take(Suffix::Created) {
        sample = with_created(sample, created)?;
    }
    point.check_used()?;
    Ok(sample)
}

fn numbers(point: &Point<'_>, label: &str) -> Result<Vec<(f64, f64)>, String> {
    let number =
        |(text, sample): &(&str, &Sample)| Ok((read_number(text, label)?.number(), sample.value()));
    point.numbered.iter().map(number).collect()
}

fn fold_histogram(
    point: &mut Point<'_>,
    kind: MetricType,
    native: Option<&NativeHistogram>,
) -> Result<HistogramValue, String> {
    let (count, sum) = suffixes(kind);
    let buckets = numbers(point, BOUND)?;
    let mut infinite = buckets.iter().filter(|(bound, _)| *bound == f64::INFINITY);
    let infinite = infinite.next().map(|(_, count)| *count);
    let Some(count) = point.take(count).or(infinite) else {
        return Err("has neither a count nor a bucket `+Inf`".to_owned());
    };
    let mut value = HistogramValue::new(count).with_buckets(buckets);
    let sum = point.take(sum);
    if let Some(sum) = sum.or(native.map(NativeHistogram::sum).filter(|sum| !sum.is_nan())) {
        value = value.with_sum(sum);
    }
    let Some(native) = native else {
        return Ok(value);
    };
    let is_same = |one: f64, two: f64| one == two || one.is_nan() && two.is_nan();
    if !is_same(native.count(), count) || sum.is_some_and(|sum| !is_same(native.sum(), sum)) {
        return Err("has a native histogram with another count or sum".to_owned());
    }
    Ok(value.with_native(native.clone()))
}

fn fold_summary(point: &mut Point<'_>) -> Result<CompositeValue, String> {
    let mut value = SummaryValue::new().with_quantiles(numbers(point, RANK)?);
    if point
        .numbered
        .iter()
        .any(|(_, sample)| sample.exemplar().is_some())
    {
        return Err("has a quantile with an exemplar".to_owned());
    }
    if let Some(count) = point.take(Suffix::Count) {
        value = value.with_count(count);
    }
    if let Some(sum) = point.take(Suffix::Sum) {
        value = value.with_sum(sum);
    }
    Ok(CompositeValue::Summary(value))
}
