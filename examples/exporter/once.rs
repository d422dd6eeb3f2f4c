//! `--once`: one scrape of everything, on standard output.

use std::{error::Error, io::Write};

use scout_metrics_core::{Merged, Organization, Snapshot};
use scout_metrics_examples::terminal;
use scout_metrics_openmetrics::{
    Format, LabelSet, MetricFamily, ParseOptions, Sample, encode_families, parse_families, scout,
};

use crate::sources::Source;

/// Prints what the endpoint would serve: one organization as Docker Scout does, several with a label `org`.
pub(crate) async fn run(sources: Vec<Source>) -> Result<(), Box<dyn Error>> {
    let merged = Merged::new(sources.into_iter().map(|source| source.metrics))?;
    let mut snapshots = Vec::new();
    for (_, answer) in merged.scrape_all().await {
        snapshots.push(answer?);
    }
    let exposition = match snapshots.as_slice() {
        [snapshot] => scout::encode(snapshot, Format::Prometheus),
        snapshots => encode_families(&with_organizations(snapshots)?, Format::Prometheus)?,
    };
    Ok(terminal::unless_closed(
        std::io::stdout().write_all(exposition.body()),
    )?)
}

fn with_organizations(snapshots: &[Snapshot]) -> Result<Vec<MetricFamily>, Box<dyn Error>> {
    let mut families: Vec<MetricFamily> = Vec::new();
    for snapshot in snapshots {
        let exposition = scout::encode(snapshot, Format::Prometheus);
        let options = ParseOptions::new(Format::Prometheus);
        for family in parse_families(exposition.body(), &options)?.into_vec() {
            let samples = family.samples().iter();
            let samples = samples.map(|sample| labelled(sample, snapshot.organization()));
            match families
                .iter_mut()
                .find(|known| known.name() == family.name())
            {
                Some(known) => samples.for_each(|sample| known.push(sample)),
                None => {
                    let empty = MetricFamily::new(family.name(), family.kind());
                    families.push(
                        samples.fold(empty.with_help(family.help()), MetricFamily::with_sample),
                    );
                }
            }
        }
    }
    Ok(families)
}

fn labelled(sample: &Sample, organization: &Organization) -> Sample {
    let labels: LabelSet = [("org", organization.as_str())]
        .into_iter()
        .chain(sample.labels().iter())
        .collect();
    Sample::new(sample.suffix(), labels, sample.value())
}
