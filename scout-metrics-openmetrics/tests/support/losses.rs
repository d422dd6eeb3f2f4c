//! Whether losses explain every difference between families and what another format made of them.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use scout_metrics_openmetrics::{
    Bucket, CompositeValue, Exemplar, Format, HistogramValue, LabelSet, Loss, Lost, MetricFamily,
    MetricType, NativeHistogram, Sample, Suffix, Timestamp,
};

/// Checks that each sample and all metadata came through, except what a loss names, and that nothing was added.
pub(crate) fn check(
    sources: &[MetricFamily],
    read: &[MetricFamily],
    losses: &[Loss],
    format: Format,
) -> Result<(), String> {
    let is_composite = |sample: &Sample| {
        sample.composite().is_some()
            || sample.start_timestamp().is_some()
            || sample.exemplars().len() > 1
    };
    let are_composite = sources
        .iter()
        .flat_map(MetricFamily::samples)
        .any(is_composite);
    let has_series = matches!(format, Format::OpenMetrics | Format::Prometheus) && !are_composite;
    if has_series {
        return check_normal(sources, read, losses, (format, has_series));
    }
    check_exemplars(sources, read, losses)?;
    let in_series = |family: &MetricFamily| normal(&family.to_classic());
    let complete = |family: &MetricFamily| {
        let mut family = family.clone();
        if has_native_buckets_lost(&family, losses) {
            family = without_natives(family);
        }
        in_series(&match format {
            Format::Protobuf => family,
            _ => family.map_samples(with_last_bucket),
        })
    };
    let series: Vec<_> = sources.iter().map(complete).collect();
    let read: Vec<_> = read.iter().map(in_series).collect();
    check_normal(&series, &read, losses, (format, has_series))
}

fn has_native_buckets_lost(family: &MetricFamily, losses: &[Loss]) -> bool {
    let is_native = |loss: &Loss| matches!(loss.lost, Lost::NativeHistograms { .. });
    let mut losses = losses.iter();
    losses.any(|loss| loss.family == family.name() && is_native(loss))
}

/// Returns a sample with the bucket `+Inf`, which protobuf may leave out.
fn with_last_bucket(sample: Sample) -> Sample {
    with_histogram(sample, |value| {
        let is_native_alone = value.native().is_some() && value.buckets().len() == 0;
        if is_native_alone || value.buckets().any(|(bound, _)| bound == f64::INFINITY) {
            return value;
        }
        let last = (f64::INFINITY, value.count());
        value.clone().with_buckets(value.buckets().chain([last]))
    })
}

/// Returns a family without native buckets, and without native histograms whose count is in a series as well.
fn without_natives(family: MetricFamily) -> MetricFamily {
    let is_of_point = |series: &Sample, native: &Sample| {
        let labels = series.labels().clone().without("le").sorted();
        series.suffix() != Suffix::None
            && labels == native.labels().sorted()
            && series.timestamp() == native.timestamp()
    };
    let series = family.clone();
    let mut family = family;
    family.retain(|sample| {
        let histogram = sample.composite().and_then(CompositeValue::histogram);
        let is_alone = histogram.is_some_and(|it| it.native().is_some() && it.buckets().len() == 0);
        !is_alone || !series.samples().iter().any(|it| is_of_point(it, sample))
    });
    family.map_samples(without_native)
}

/// Returns a sample without native buckets, but with the bucket `+Inf` if there were no others.
fn without_native(sample: Sample) -> Sample {
    if sample.native_histogram().is_none() {
        return sample;
    }
    with_histogram(sample, |value| {
        let is_alone = value.buckets().len() == 0;
        let last = (f64::INFINITY, value.count());
        match is_alone {
            true => value.without_native().with_buckets([last]),
            false => value.without_native(),
        }
    })
}

fn with_histogram(sample: Sample, change: impl FnOnce(HistogramValue) -> HistogramValue) -> Sample {
    let value = match sample.composite() {
        Some(CompositeValue::GaugeHistogram(value)) => {
            CompositeValue::GaugeHistogram(change(value.clone()))
        }
        Some(CompositeValue::Histogram(value)) => CompositeValue::Histogram(change(value.clone())),
        _ => return sample,
    };
    sample.with_composite(value)
}

/// Checks that no exemplar was added, and that losses say how many are left out, apart from those of samples that are left out.
fn check_exemplars(
    sources: &[MetricFamily],
    read: &[MetricFamily],
    losses: &[Loss],
) -> Result<(), String> {
    let all = |families: &[MetricFamily]| -> Vec<Exemplar> {
        let samples = families.iter().flat_map(MetricFamily::samples);
        let mut exemplars: Vec<_> = samples
            .flat_map(|it| it.exemplars().iter().cloned())
            .collect();
        exemplars.sort();
        exemplars
    };
    let (mut before, after) = (all(sources), all(read));
    for exemplar in &after {
        let Some(place) = before.iter().position(|it| it == exemplar) else {
            return Err(format!("{exemplar:?} was added"));
        };
        before.remove(place);
    }
    let claimed = losses.iter().map(|loss| match loss.lost {
        Lost::Exemplars { count } => count,
        _ => 0,
    });
    let claimed: usize = claimed.sum();
    let loses_samples = losses.iter().any(|loss| {
        matches!(
            loss.lost,
            Lost::EarlierPoints { .. }
                | Lost::InvalidLabels { .. }
                | Lost::RepeatedSeries { .. }
                | Lost::ReservedName
        )
    });
    let missing = before.len();
    if claimed == missing || loses_samples && claimed < missing {
        return Ok(());
    }
    Err(format!(
        "{missing} exemplars are missing, and {claimed} claimed"
    ))
}

/// Returns a family without what protobuf does not keep: the spelling of the numbers in labels, and the place of these labels.
fn normal(family: &MetricFamily) -> MetricFamily {
    family.clone().map_samples(|sample| {
        // There is no other time that is zero.
        let is_created = sample.name(family).ends_with("_created");
        let sample = match sample.value() == 0.0 && is_created && sample.composite().is_none() {
            true => sample.with_value(0.0),
            false => sample,
        };
        let labels = ["le", "quantile"]
            .into_iter()
            .fold(sample.labels().clone(), with_normal);
        sample.with_labels(labels)
    })
}

fn with_normal(labels: LabelSet, label: &str) -> LabelSet {
    let mut numbers = labels.iter().filter(|(name, _)| *name == label);
    let (Some((_, number)), None) = (numbers.next(), numbers.next()) else {
        return labels;
    };
    let Ok(number) = number.replace("Inf", "inf").parse() else {
        return labels;
    };
    let text = Bucket::new(number, 0.0).bound_text().to_owned();
    labels.without(label).with(label, text)
}

fn number_label(family: &MetricFamily) -> Option<&'static str> {
    match family.kind() {
        MetricType::GaugeHistogram | MetricType::Histogram => Some("le"),
        MetricType::Summary => Some("quantile"),
        _ => None,
    }
}

fn check_normal(
    sources: &[MetricFamily],
    read: &[MetricFamily],
    losses: &[Loss],
    (format, has_series): (Format, bool),
) -> Result<(), String> {
    let mut check = Check {
        read,
        losses,
        format,
        has_series,
        unmatched: HashMap::new(),
        found: Counts::default(),
        left_out: Counts::default(),
        last_family: 0,
    };
    for (family, result) in read.iter().enumerate() {
        for (place, sample) in result.samples().iter().enumerate() {
            let key = key(&result.sample_name(sample), sample);
            check
                .unmatched
                .entry(key)
                .or_default()
                .push((family, place));
        }
    }
    let matched = check.match_samples(sources);
    for (source, found) in sources.iter().zip(matched) {
        check.family(source, &found)?;
    }
    let rest = check.unmatched.values().flatten();
    let rest: Vec<_> = rest
        .filter(|place| !is_implied(&read[place.0], &read[place.0].samples()[place.1]))
        .copied()
        .collect();
    if check.is_added(&rest) {
        let rest = rest.len();
        return Err(format!("{rest} samples were added: {:?}", check.unmatched));
    }
    check.counts()
}

/// The name, the labels in their order, the bits of the value, and a native histogram.
type Key = (String, Vec<(String, String)>, u64, Option<String>);

/// The places of a family and of one of its samples.
type Place = (usize, usize);

#[derive(Debug, Default)]
struct Counts {
    /// Samples of which no other one of the same series is left.
    earlier: usize,
    exemplars: usize,
    /// Counts of histograms whose last bucket says the same. A loss may name them or not.
    implied: usize,
    invalid_labels: usize,
    repeated: usize,
    rounded: usize,
    /// Start timestamps of native histograms, which are samples in no format.
    starts: usize,
    timestamps: usize,
}

struct Check<'a> {
    read: &'a [MetricFamily],
    losses: &'a [Loss],
    format: Format,
    /// Whether the samples are the same ones before and after.
    has_series: bool,
    /// The samples that no source has been found for.
    unmatched: HashMap<Key, Vec<Place>>,
    /// The losses of samples that came through.
    found: Counts,
    /// The contents of samples that were left out.
    left_out: Counts,
    last_family: usize,
}

impl Check<'_> {
    fn lost(&self, source: &MetricFamily) -> impl Iterator<Item = &Lost> {
        let of_source = self
            .losses
            .iter()
            .filter(|loss| loss.family == source.name() || loss.family == name(source));
        of_source.map(|loss| &loss.lost)
    }

    fn has(&self, source: &MetricFamily, is_kind: impl Fn(&Lost) -> bool) -> bool {
        self.lost(source).any(is_kind)
    }

    /// Finds the sample that each sample became: first those of the same time, then those that lost theirs.
    fn match_samples(&mut self, sources: &[MetricFamily]) -> Vec<Vec<Option<Place>>> {
        let mut matched: Vec<Vec<_>> = Vec::new();
        for source in sources {
            let samples = source.samples().iter();
            matched.push(
                samples
                    .map(|sample| self.find(source, sample, is_simultaneous))
                    .collect(),
            );
        }
        for (source, matched) in sources.iter().zip(&mut matched) {
            let loses_time = self.has_any(|lost| matches!(lost, Lost::Timestamps { .. }));
            let is_similar = |found: &Sample, sample: &Sample| {
                let is_rounded = round(found.timestamp()) == round(sample.timestamp());
                is_rounded || loses_time && found.timestamp().is_none()
            };
            for (sample, place) in source.samples().iter().zip(matched) {
                if place.is_none() {
                    *place = self.find(source, sample, is_similar);
                }
            }
        }
        matched
    }

    fn family(&mut self, source: &MetricFamily, matched: &[Option<Place>]) -> Result<(), String> {
        let mut families = HashSet::new();
        for (sample, found) in source.samples().iter().zip(matched) {
            let Some((family, place)) = *found else {
                self.leave_out(source, sample);
                continue;
            };
            let result = &self.read[family];
            self.check_sample(source, sample, &result.samples()[place])?;
            families.insert(family);
            if family < self.last_family
                && !self.has_any(|lost| matches!(lost, Lost::Merged { .. }))
            {
                let is_part = |lost: &Lost| {
                    matches!(lost, Lost::Created { .. } | Lost::Split | Lost::Type { .. })
                };
                if !self.has(source, is_part) {
                    return Err(format!("family `{}` changed its place", source.name()));
                }
            }
            self.last_family = self.last_family.max(family);
        }
        let may_move = |lost: &Lost| matches!(lost, Lost::Merged { .. } | Lost::Order);
        // Protobuf has the samples of a point in one message, and a value of unknown type may be several samples.
        let is_free = !self.has_series
            && (number_label(source).is_some()
                || matches!(source.kind(), MetricType::Counter | MetricType::Unknown));
        let is_moved = |family: &usize| !is_free && !self.is_in_order(source, &self.read[*family]);
        if families.iter().any(is_moved) && !self.has_any(may_move) {
            return Err(format!("samples of `{}` changed places", source.name()));
        }
        if source.samples().is_empty() {
            self.check_empty(source)?;
        }
        Ok(())
    }

    /// Returns whether the samples of a result are samples of the source in their order.
    fn is_in_order(&self, source: &MetricFamily, result: &MetricFamily) -> bool {
        let mut samples = source.samples().iter();
        result.samples().iter().all(|found| {
            samples.any(|sample| {
                let is_timeless = found.timestamp().is_none();
                let is_same_time =
                    is_timeless || round(found.timestamp()) == round(sample.timestamp());
                key("", found) == key("", sample) && is_same_time
            })
        })
    }

    fn has_any(&self, is_kind: impl Fn(&Lost) -> bool) -> bool {
        self.losses.iter().any(|loss| is_kind(&loss.lost))
    }

    /// Takes the first sample with the name, labels and value of another one, whose family has the same metadata except losses.
    fn find(
        &mut self,
        source: &MetricFamily,
        sample: &Sample,
        is_found: impl Fn(&Sample, &Sample) -> bool,
    ) -> Option<Place> {
        let own = source.sample_name(sample);
        let renamed = self.lost(source).find_map(|lost| match lost {
            Lost::Name { before, after } if *before == own => Some(after.clone()),
            _ => None,
        });
        // The start of a series is that of the counter, or of the total if the type is given up.
        let of_total = (source.kind(), sample.suffix()) == (MetricType::Counter, Suffix::Created);
        let of_total = of_total.then(|| format!("{}_total_created", source.name()));
        for name in renamed.into_iter().chain([own]).chain(of_total) {
            let key = key(&name, sample);
            let is_match = |(family, place): &Place| {
                let result = &self.read[*family];
                is_found(&result.samples()[*place], sample)
                    && self.check_metadata(source, sample.suffix(), result).is_ok()
            };
            let places = self.unmatched.get(&key);
            let Some(index) = places.and_then(|places| places.iter().position(is_match)) else {
                continue;
            };
            return self
                .unmatched
                .get_mut(&key)
                .map(|places| places.remove(index));
        }
        None
    }

    /// Returns whether samples were added: others than sums that are not known and times of creation that are rounded.
    fn is_added(&self, rest: &[Place]) -> bool {
        let sample = |(family, place): &Place| {
            let family = &self.read[*family];
            let sample = &family.samples()[*place];
            (family.sample_name(sample), sample)
        };
        let samples = rest.iter().map(sample);
        let is_sum = |(name, sample): &(String, &Sample)| {
            sample.value().is_nan() && (name.ends_with("_sum") || name.ends_with("_gsum"))
        };
        let is_created = |(name, _): &(String, &Sample)| name.ends_with("_created");
        let sums = samples.clone().filter(is_sum).count();
        let created = samples.filter(is_created).count();
        let (mut most_sums, mut most_created) = (0, 0);
        for loss in self.losses {
            match loss.lost {
                Lost::UnknownSums { count } => most_sums += count,
                Lost::StartTimestampPrecision { count } => most_created += count,
                _ => {}
            }
        }
        sums + created < rest.len() || sums > most_sums || created > most_created
    }

    fn leave_out(&mut self, source: &MetricFamily, sample: &Sample) {
        if self.has(source, |lost| *lost == Lost::ReservedName) {
            return;
        }
        if !self.has_series && is_implied(source, sample) {
            self.left_out.implied += 1;
            return;
        }
        self.left_out.exemplars += usize::from(sample.exemplar().is_some());
        if let Some(timestamp) = sample.timestamp() {
            self.left_out.timestamps += 1;
            self.left_out.rounded += usize::from(timestamp.to_millis().is_none());
        }
        if is_invalid(sample.labels()) {
            self.left_out.invalid_labels += 1;
            return;
        }
        let name = source.sample_name(sample);
        let is_same = |family: &MetricFamily, found: &Sample| {
            let found_name = family.sample_name(found);
            let is_named = found_name == name || found_name == format!("{name}_total");
            is_named && found.labels().sorted() == sample.labels().sorted()
        };
        let mut families = self.read.iter();
        let is_repeated = families.any(|family| {
            let mut samples = family.samples().iter();
            samples.any(|found| is_same(family, found))
        });
        if is_repeated {
            self.left_out.repeated += 1;
        } else {
            self.left_out.earlier += 1;
        }
    }

    fn check_sample(
        &mut self,
        source: &MetricFamily,
        sample: &Sample,
        found: &Sample,
    ) -> Result<(), String> {
        if self.has_series && found.exemplar() != sample.exemplar() {
            let is_left_out = found.exemplar().is_none();
            let is_lost = |lost: &Lost| matches!(lost, Lost::Exemplars { .. });
            if !is_left_out || !self.has(source, is_lost) {
                return Err(format!("an exemplar of `{}` changed", source.name()));
            }
            self.found.exemplars += 1;
        }
        let is_start_lost = |lost: &Lost| matches!(lost, Lost::StartTimestamps { .. });
        match (sample.start_timestamp(), found.start_timestamp()) {
            (before, after) if before == after => {}
            (Some(_), None) if self.has(source, is_start_lost) => self.found.starts += 1,
            _ => return Err(format!("a start timestamp of `{}` changed", source.name())),
        }
        match (sample.timestamp(), found.timestamp()) {
            (before, after) if before == after => {}
            (Some(_), None) => self.found.timestamps += 1,
            (Some(before), Some(after))
                if matches!(self.format, Format::Prometheus | Format::Protobuf)
                    && round(Some(before)) == after.to_millis() =>
            {
                self.found.rounded += 1;
            }
            _ => return Err(format!("a timestamp of `{}` changed", source.name())),
        }
        Ok(())
    }

    fn check_metadata(
        &self,
        source: &MetricFamily,
        suffix: Suffix,
        result: &MetricFamily,
    ) -> Result<(), String> {
        if self.has(source, |lost| matches!(lost, Lost::Merged { .. })) {
            return Ok(());
        }
        let (before, after) = (source.kind(), result.kind());
        let is_apart = suffix == Suffix::Created
            && self.has(source, |lost| {
                *lost
                    == Lost::Created {
                        family: result.name().to_owned(),
                    }
            });
        let is_split = self.has(source, |lost| matches!(lost, Lost::Split));
        let is_renamed = self.has(source, |lost| matches!(lost, Lost::Name { .. }));
        let is_changed = self.has(source, |lost| *lost == Lost::Type { before, after })
            || is_apart
            || is_chained(self.lost(source), before, after);
        if before != after && !is_changed {
            return Err(format!("the type of `{}` became {after}", source.name()));
        }
        // A family without samples may be joined by one whose samples have the other name.
        let is_same = source.samples().is_empty() && source.name() == result.name();
        let is_named = is_same || name(source) == name(result);
        if !is_named && !is_changed && !is_split && !is_renamed {
            return Err(format!("`{}` became `{}`", source.name(), result.name()));
        }
        let is_help = |lost: &Lost| match lost {
            Lost::Help { before, after } => before == source.help() && after == result.help(),
            _ => false,
        };
        if source.help() != result.help() && !self.has(source, is_help) {
            return Err(format!("the help of `{}` changed", source.name()));
        }
        let is_unit = |lost: &Lost| {
            result.unit().is_empty()
                && *lost
                    == Lost::Unit {
                        unit: source.unit().to_owned(),
                    }
        };
        if source.unit() != result.unit() && !self.has(source, is_unit) {
            return Err(format!("the unit of `{}` changed", source.name()));
        }
        Ok(())
    }

    fn check_empty(&self, source: &MetricFamily) -> Result<(), String> {
        if self.has(source, |lost| {
            matches!(lost, Lost::Merged { .. } | Lost::ReservedName)
        }) {
            return Ok(());
        }
        // An info may have the same name in another form.
        let is_named = |result: &&MetricFamily| result.name() == source.name();
        let results = self.read.iter().filter(is_named);
        let checks = results.map(|result| self.check_metadata(source, Suffix::None, result));
        let gone = Err(format!("family `{}` is gone", source.name()));
        checks.fold(gone, |found, check| found.or(check))
    }

    /// Checks that losses count what is lost; some of it may have been on samples that were left out later.
    fn counts(&self) -> Result<(), String> {
        let mut claimed = Counts::default();
        for loss in self.losses {
            match loss.lost {
                Lost::EarlierPoints { count } => claimed.earlier += count,
                Lost::Exemplars { count } => claimed.exemplars += count,
                Lost::InvalidLabels { count } => claimed.invalid_labels += count,
                Lost::RepeatedSeries { count } => claimed.repeated += count,
                Lost::TimestampPrecision { count } => claimed.rounded += count,
                Lost::Timestamps { count } => claimed.timestamps += count,
                _ => {}
            }
        }
        let (found, left_out) = (&self.found, &self.left_out);
        let is_right = |claimed, found, left_out| (found..=found + left_out).contains(&claimed);
        if !self.has_series {
            // One sample may have been several series, so only whether there is a loss can be compared.
            let lost = self
                .losses
                .iter()
                .filter(|loss| is_of_samples(&loss.lost))
                .count();
            let implied = left_out.implied;
            let left_out = left_out.invalid_labels + left_out.repeated + left_out.earlier;
            let left_out = left_out + found.starts;
            // Two times that are not the same may be the same float.
            let is_rounded =
                |loss: &Loss| matches!(loss.lost, Lost::StartTimestampPrecision { .. });
            let is_rounded = self.losses.iter().any(is_rounded);
            // Two points without their times may have all their samples in common.
            let may_be_none = implied > 0 || claimed.timestamps > 0;
            let is_named = (lost > 0) == (left_out > 0) || left_out == 0 && may_be_none;
            return match is_named || is_rounded {
                true => Ok(()),
                false => Err(format!(
                    "{left_out} samples are missing, but {lost} losses of samples"
                )),
            };
        }
        let is_exact = claimed.invalid_labels == left_out.invalid_labels
            && claimed.repeated + claimed.earlier == left_out.repeated + left_out.earlier
            && claimed.earlier >= left_out.earlier;
        if is_exact
            && is_right(claimed.exemplars, found.exemplars, left_out.exemplars)
            && is_right(claimed.rounded, found.rounded, left_out.rounded)
            && is_right(claimed.timestamps, found.timestamps, left_out.timestamps)
        {
            return Ok(());
        }
        Err(format!(
            "claimed {claimed:?}, found {found:?} and {left_out:?}"
        ))
    }
}

/// Returns whether a loss is one of samples, or of times of creation, which are samples in some formats.
fn is_of_samples(lost: &Lost) -> bool {
    matches!(
        lost,
        Lost::EarlierPoints { .. }
            | Lost::InvalidLabels { .. }
            | Lost::RepeatedSeries { .. }
            | Lost::StartTimestamps { .. }
    )
}

/// Returns the name of a family that does not depend on the format.
fn name(family: &MetricFamily) -> Cow<'_, str> {
    match family.kind() {
        MetricType::Info => family.name_in(Format::OpenMetrics2),
        _ => family.name_in(Format::Prometheus),
    }
}

/// Returns whether a sample is the count of a histogram whose last bucket says the same.
fn is_implied(family: &MetricFamily, count: &Sample) -> bool {
    let labels = count.labels().clone().with("le", "+Inf").sorted();
    let is_bucket = |sample: &Sample| {
        sample.suffix() == Suffix::Bucket
            && sample.labels().sorted() == labels
            && sample.timestamp() == count.timestamp()
            && sample.value().to_bits() == count.value().to_bits()
    };
    matches!(count.suffix(), Suffix::Count | Suffix::GCount)
        && family.samples().iter().any(is_bucket)
}

fn is_simultaneous(one: &Sample, two: &Sample) -> bool {
    one.timestamp() == two.timestamp()
}

/// Returns whether one loss turns a type into another, and a second that one into the result.
fn is_chained<'l>(
    lost: impl Iterator<Item = &'l Lost>,
    before: MetricType,
    after: MetricType,
) -> bool {
    let steps: HashSet<_> = lost
        .filter_map(|lost| match lost {
            Lost::Type { before, after } => Some((*before, *after)),
            _ => None,
        })
        .collect();
    let leads_on =
        |(from, to): &(MetricType, MetricType)| *from == before && steps.contains(&(*to, after));
    steps.iter().any(leads_on)
}

fn key(name: &str, sample: &Sample) -> Key {
    let labels = sample.labels().iter();
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let value = sample.value();
    let value = if value.is_nan() { f64::NAN } else { value };
    let native = sample.native_histogram().map(described);
    (name.to_owned(), labels.collect(), value.to_bits(), native)
}

/// Returns what a native histogram says, whatever empty spans it has.
fn described(native: &NativeHistogram) -> String {
    let buckets = [native.negative(), native.positive()];
    let buckets = buckets.map(|buckets| buckets.iter().collect::<Vec<_>>());
    let zero = (native.zero_threshold(), native.zero_count());
    let numbers = (native.schema(), native.count(), native.sum());
    format!("{numbers:?} {zero:?} {buckets:?}")
}

fn is_invalid(labels: &LabelSet) -> bool {
    let mut names = HashSet::new();
    labels
        .iter()
        .any(|(name, _)| name == "__name__" || !names.insert(name))
}

fn round(timestamp: Option<Timestamp>) -> Option<i64> {
    timestamp?.as_nanos().div_euclid(1_000_000).try_into().ok()
}
