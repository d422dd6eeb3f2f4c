//! How the names of what organizations report are written for a client.
//!
//! All names that this version knows are plain. Others can only be in unplaced samples.

use scout_metrics_core::{Anomaly, RawSample, Snapshot};
use scout_metrics_openmetrics::{ContentType, EncodeError, EncodeErrorKind, EscapingScheme};

/// Returns whether a snapshot has the same text in all escaping schemes.
pub(super) fn are_plain(snapshot: &Snapshot) -> bool {
    let anomalies = snapshot.anomalies().iter();
    let mut unplaced = anomalies
        .filter(|anomaly| anomaly.is_unplaced())
        .filter_map(Anomaly::sample);
    unplaced.all(has_plain_names)
}

fn has_plain_names(sample: &RawSample) -> bool {
    let scheme = EscapingScheme::Underscores;
    let mut labels = sample.labels().iter();
    scheme.escape_metric_name(sample.name()) == sample.name()
        && labels.all(|(name, _)| scheme.escape_label_name(name) == *name)
}

/// Encodes with the escaping scheme of a content type, or with `values` if names become the same, or reserved in OpenMetrics 2.0:
/// a scrape that fails would lose all samples because of one. Returns the content type that was used.
pub(super) fn encode<T>(
    content_type: ContentType,
    encode: impl Fn(ContentType) -> Result<T, EncodeError>,
) -> Result<(ContentType, T), EncodeError> {
    let error = match encode(content_type) {
        Err(error) if is_about_names(&error, content_type) => error,
        encoded => return Ok((content_type, encoded?)),
    };
    tracing::warn!(%error, "names are escaped with the scheme `values` instead");
    let values = content_type.with_escaping(EscapingScheme::Values);
    Ok((values, encode(values)?))
}

/// Returns whether another scheme may be able to write the names.
fn is_about_names(error: &EncodeError, content_type: ContentType) -> bool {
    match content_type.escaping() {
        EscapingScheme::Dots | EscapingScheme::Underscores => matches!(
            error.kind(),
            EncodeErrorKind::BrokenRule | EncodeErrorKind::NameCollision
        ),
        _ => error.kind() == EncodeErrorKind::NameCollision,
    }
}
