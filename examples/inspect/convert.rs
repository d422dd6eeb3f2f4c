//! Families in another format.

use std::{
    error::Error,
    io::{self, Write},
};

use scout_metrics_examples::terminal::printable;
use scout_metrics_openmetrics::{
    EncodeError, Exposition, Format, Loss, MetricFamily, transcode, transcode_lossy,
};

/// The maximum number of losses that are listed when nothing is written because of them. The rest is only counted.
const MAX_LOSSES: usize = 20;

/// Writes families in a format to standard output, and losses to standard error.
///
/// Data goes to `io::stdout`: `anstream` would remove control characters that are part of it.
pub(crate) fn write(
    families: &[MetricFamily],
    to: Format,
    is_lossy: bool,
) -> Result<io::Result<()>, Box<dyn Error>> {
    let exposition = if is_lossy {
        lossy(families, to)?
    } else {
        transcode(families, to).map_err(|error| with_losses(error, to))?
    };
    Ok(io::stdout().write_all(exposition.body()))
}

fn lossy(families: &[MetricFamily], to: Format) -> Result<Exposition, EncodeError> {
    let (exposition, losses) = transcode_lossy(families, to)?;
    list(&losses);
    Ok(exposition)
}

/// Lists the losses that are the reason of an error, and names the option that accepts them.
fn with_losses(error: EncodeError, to: Format) -> Box<dyn Error> {
    let losses = error.losses();
    if losses.is_empty() {
        return error.into();
    }
    list(&losses[..losses.len().min(MAX_LOSSES)]);
    let rest = losses.len().saturating_sub(MAX_LOSSES);
    if rest > 0 {
        eprintln!("loss: {rest} more");
    }
    format!("{to} cannot express everything; --lossy accepts these losses").into()
}

fn list(losses: &[Loss]) {
    for loss in losses {
        eprintln!("loss: {}", printable(&loss.to_string()));
    }
}
