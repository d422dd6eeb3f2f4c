//! Several snapshots in one exposition.

use std::{collections::HashMap, fmt::Write};

use scout_metrics_core::Snapshot;
use scout_metrics_openmetrics::{
    EncodeError, Encoder, LabelSet, Limits, MetricFamily, ParseOptions, Sample, parse_families,
    scout,
};

pub(super) fn encode_into<'a, W: Write>(
    encoder: &mut Encoder<W>,
    snapshots: impl IntoIterator<Item = (&'a Snapshot, &'a [(&'a str, &'a str)])>,
) -> Result<(), EncodeError> {
    let mut families: Vec<MetricFamily> = Vec::new();
    let mut places = HashMap::new();
    for (snapshot, constant) in snapshots {
        let exposition = scout::encode(snapshot, encoder.format());
        let options = ParseOptions::new(encoder.format()).with_limits(Limits::unlimited());
        let Ok(parsed) = parse_families(exposition.body(), &options) else {
            continue;
        };
        for family in parsed.into_vec() {
            let place = *places.entry(family.name().to_owned()).or_insert_with(|| {
                let empty = MetricFamily::new(family.name(), family.kind());
                families.push(empty.with_help(family.help()));
                families.len() - 1
            });
            for sample in family.samples() {
                families[place].push(labelled(sample, constant));
            }
        }
    }
    for family in &families {
        encoder.family(family.name(), family.kind(), family.help(), "")?;
        for sample in family.samples() {
            encoder.sample(family.name(), sample.labels().iter(), sample.value())?;
        }
    }
    Ok(())
}

fn labelled(sample: &Sample, constant: &[(&str, &str)]) -> Sample {
    let labels = sample.labels();
    let others = labels.iter().map(|(name, value)| {
        let mut exported = name.to_owned();
        if constant.iter().any(|(taken, _)| *taken == name) {
            exported.insert_str(0, "exported_");
            while labels.get(&exported).is_some() {
                exported.insert_str(0, "exported_");
            }
        }
        (exported, value.to_owned())
    });
    let constant = constant
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let labels: LabelSet = constant.chain(others).collect();
    Sample::new(sample.suffix(), labels, sample.value())
}
