//! From snapshots to families.

use scout_metrics_core::{Error, ErrorKind, Result, Snapshot};

use super::encode_into;
use crate::{Encoder, Format, Limits, MetricFamily, ParseOptions, parse_families};

/// Returns several snapshots as families, each with constant labels in front of its own labels.
///
/// The families have the samples that [`encode_into`] writes, in the same order: they are read from what it writes.
///
/// ```
/// use scout_metrics_core::{Organization, Snapshot, Stream};
/// use scout_metrics_openmetrics::scout::families;
///
/// let production = Stream::new("production").with_vulnerabilities("5C".parse()?);
/// let acme = Snapshot::new(Organization::new("acme")?, [production])?;
/// let families = families([(&acme, &[("org", "acme")][..])])?;
/// let sample = &families[0].samples()[0];
/// assert_eq!(families[0].name(), "scout_stream_vulnerabilities");
/// assert_eq!(sample.labels().get("org"), Some("acme"));
/// assert_eq!(sample.value(), 5.0);
/// # Ok::<(), scout_metrics_core::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Invalid`] if a constant label has an empty name or the name `__name__`, or if one occurs twice.
pub fn families<'a>(
    snapshots: impl IntoIterator<Item = (&'a Snapshot, &'a [(&'a str, &'a str)])>,
) -> Result<Vec<MetricFamily>> {
    let mut encoder = Encoder::new(String::new(), Format::Prometheus);
    let encoded = encode_into(&mut encoder, snapshots).and_then(|()| encoder.finish());
    let text = encoded.map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
    // The snapshots are in memory already, so limits would protect nothing.
    let options = ParseOptions::new(Format::Prometheus).with_limits(Limits::unlimited());
    Ok(parse_families(text.as_bytes(), &options)?.into_vec())
}
