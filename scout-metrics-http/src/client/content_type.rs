//! The content type of an answer.

use reqwest::header::HeaderValue;
use scout_metrics_openmetrics::{ContentType, Format};

use crate::transport::{redact::Secrets, shown};

/// Returns the content type of an answer, or what is wrong with it. A missing or empty one means the Prometheus text
/// format, as in Prometheus 2.
pub(crate) fn content_type(
    content_type: Option<&HeaderValue>,
    secrets: &Secrets,
) -> Result<ContentType, String> {
    let Some(value) = content_type.filter(|value| !value.is_empty()) else {
        return Ok(Format::Prometheus.into());
    };
    let content_type = value.to_str().ok().and_then(|value| value.parse().ok());
    let is_text = |content_type: &ContentType| {
        matches!(
            content_type.format(),
            Format::OpenMetrics | Format::Prometheus
        )
    };
    content_type.filter(is_text).ok_or_else(|| {
        format!(
            "has the content type `{}`, expected Prometheus text 0.0.4 or OpenMetrics 1.0",
            shown(value.as_bytes(), secrets)
        )
    })
}
