//! `--once`: scrapes everything once and prints it to standard output.

use std::{error::Error, io::Write};

use scout_metrics_core::{Snapshot, SourceSet};
use scout_metrics_examples::terminal;
use scout_metrics_openmetrics::{EncodeError, Encoder, Exposition, Format, scout};

use crate::sources::Source;

/// Prints what the endpoint would serve: one organization as Docker Scout does, several with the label `org`.
pub(crate) async fn run(sources: Vec<Source>) -> Result<(), Box<dyn Error>> {
    let sources = SourceSet::from_sources(sources.into_iter().map(|source| source.metrics))?;
    let mut snapshots = Vec::new();
    for (_, answer) in sources.scrape_all().await {
        snapshots.push(answer?);
    }
    let exposition = match snapshots.as_slice() {
        [snapshot] => scout::encode(snapshot, Format::Prometheus),
        snapshots => encode(snapshots)?,
    };
    Ok(terminal::unless_closed(
        std::io::stdout().write_all(exposition.body()),
    )?)
}

fn encode(snapshots: &[Snapshot]) -> Result<Exposition, EncodeError> {
    let labels: Vec<_> = snapshots
        .iter()
        .map(|snapshot| [("org", snapshot.organization().as_str())])
        .collect();
    let labelled = snapshots
        .iter()
        .zip(labels.iter().map(|labels| &labels[..]));
    let mut encoder = Encoder::new(String::new(), Format::Prometheus);
    scout::encode_into(&mut encoder, labelled)?;
    Ok(Exposition::new(Format::Prometheus, encoder.finish()?))
}
