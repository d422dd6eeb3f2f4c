//! Snapshots with their times, in the form in which servers import them.

use std::collections::BTreeMap;

use scout_metrics_core::Snapshot;
use scout_metrics_openmetrics::{
    Encoder, Format, MetricFamily, ParseOptions, Sample, Timestamp, parse_families, scout,
};

/// Writes snapshots into one exposition: all samples of a family together, those of a series one after another.
pub(super) fn exposition(snapshots: &[Snapshot], format: Format) -> String {
    let mut families: BTreeMap<String, MetricFamily> = BTreeMap::new();
    for snapshot in snapshots {
        for family in families_of(snapshot) {
            let all = families
                .entry(family.name().to_owned())
                .or_insert_with(|| MetricFamily::new(family.name(), family.kind()));
            family
                .into_samples()
                .into_iter()
                .for_each(|sample| all.push(sample));
        }
    }
    let mut encoder = Encoder::new(String::new(), format);
    for family in families.into_values().map(by_series) {
        encoder
            .family(family.name(), family.kind(), "", "")
            .unwrap();
        for sample in family.samples() {
            let (labels, value) = (sample.labels().iter(), sample.value());
            let written = encoder.sample(family.name(), labels, value).unwrap();
            written.timestamp(sample.timestamp().unwrap()).unwrap();
        }
    }
    encoder.finish().unwrap()
}

fn families_of(snapshot: &Snapshot) -> Vec<MetricFamily> {
    let mut encoder = Encoder::new(String::new(), Format::OpenMetrics);
    let organization = [("org", snapshot.organization().as_str())];
    scout::encode_into(&mut encoder, [(snapshot, &organization[..])]).unwrap();
    let text = encoder.finish().unwrap();
    let families = parse_families(text.as_bytes(), &ParseOptions::new(Format::OpenMetrics));
    let time = Timestamp::from(snapshot.scraped_at());
    let stamp = |family: MetricFamily| family.map_samples(|sample| sample.with_timestamp(time));
    families.unwrap().into_iter().map(stamp).collect()
}

fn by_series(family: MetricFamily) -> MetricFamily {
    let mut sorted = MetricFamily::new(family.name(), family.kind());
    let mut samples = family.into_samples();
    samples.sort_by_cached_key(|sample| (labels(sample), sample.timestamp().unwrap().as_nanos()));
    samples.into_iter().for_each(|sample| sorted.push(sample));
    sorted
}

fn labels(sample: &Sample) -> Vec<(String, String)> {
    let labels = sample.labels().iter();
    labels
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
