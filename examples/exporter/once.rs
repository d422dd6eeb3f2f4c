//! `--once`: fetches everything once and prints it to standard output.

use std::io::{self, Write};

use scout_metrics_core::SourceSet;
use scout_metrics_examples::terminal;
use scout_metrics_http::exporter::Exporter;
use scout_metrics_openmetrics::{Exposition, Format, scout};

use crate::{Failure, sources::Source};

/// Prints what the exporter would serve: one organization as Docker Scout does, several as `/metrics` does.
///
/// The organizations that cannot be fetched are missing in the output, and each has an error on standard error.
pub(crate) async fn run(sources: Vec<Source>) -> Result<(), Failure> {
    let is_single = sources.len() == 1;
    let exporter = Exporter::new();
    let sources = sources
        .into_iter()
        .map(|source| exporter.observe(source.metrics));
    let sources = SourceSet::from_sources(sources).map_err(Failure::configuration)?;
    let mut snapshots = Vec::new();
    let mut errors = Vec::new();
    for (_, answer) in sources.scrape_all().await {
        match answer {
            Ok(snapshot) => snapshots.push(snapshot),
            Err(error) => errors.push(error),
        }
    }
    let printed = if !is_single {
        let exposition = exporter.encode(snapshots, Format::Prometheus);
        exposition.map_err(Failure::other).and_then(print)
    } else if let [snapshot] = &snapshots[..] {
        print(scout::encode(snapshot, Format::Prometheus))
    } else {
        Ok(())
    };
    // The caller writes the error that it gets.
    let last = match printed {
        Ok(()) => errors.pop().map(Failure::other),
        Err(failure) => Some(failure),
    };
    for error in &errors {
        terminal::complain(error);
    }
    last.map_or(Ok(()), Err)
}

fn print(exposition: Exposition) -> Result<(), Failure> {
    let written = io::stdout().write_all(exposition.body());
    terminal::unless_closed(written).map_err(Failure::output)
}
