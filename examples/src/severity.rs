//! Severities on command lines.

use scout_metrics_core::Severity;

/// Parses a severity in upper or lower case.
///
/// # Errors
///
/// Returns what was expected.
pub fn parse(text: &str) -> Result<Severity, &'static str> {
    text.to_ascii_uppercase()
        .parse()
        .map_err(|_| "expected critical, high, medium, low or unspecified")
}
