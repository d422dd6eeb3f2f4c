//! Advice about errors.

use scout_metrics_core::{Error, ErrorKind};

/// Returns a sentence that says what to do about the error of a source.
pub(super) fn of(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::Unauthorized => {
            "Renew the access token for Docker Scout: it is wrong, expired or revoked."
        }
        ErrorKind::Forbidden => {
            "Use the token of an owner of the organization, and enrol the organization in Docker Scout."
        }
        ErrorKind::NotFound => {
            "Check the name of the organization, and whether it is enrolled in Docker Scout."
        }
        ErrorKind::RateLimited => {
            "Wait: the exporter tries again by itself. If this lasts, fetch less often."
        }
        ErrorKind::Timeout | ErrorKind::Transport | ErrorKind::Unavailable => {
            "Check the network between the exporter and Docker Scout. The exporter tries again by itself."
        }
        ErrorKind::Decode => {
            "Check what answers in place of Docker Scout, for example a proxy. The log has the whole error."
        }
        ErrorKind::Config | ErrorKind::Invalid => {
            "Correct the configuration of the exporter. The log has the whole error."
        }
        _ => "Look into the log of the exporter, which has the whole error.",
    }
}
