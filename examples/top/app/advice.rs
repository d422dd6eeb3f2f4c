//! Advice about errors.

use scout_metrics_core::ErrorKind;

/// Returns what a person can do about an error of this kind.
pub(crate) fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unauthorized => {
            "The token is missing, wrong or expired. Give --token-file FILE or set DOCKER_SCOUT_TOKEN, then press r."
        }
        ErrorKind::Forbidden => {
            "The token must belong to an owner of the organization, or be an access token of the organization."
        }
        ErrorKind::NotFound => {
            "Check the name of the organization, and that Docker Scout is enabled for it."
        }
        ErrorKind::RateLimited => "The server gets too many requests. Give a longer --interval.",
        ErrorKind::Timeout | ErrorKind::Unavailable => {
            "The server does not answer now. It is asked again by itself; r asks at once."
        }
        ErrorKind::Decode => "The answer is not one of Docker Scout. Check --url and --file.",
        ErrorKind::Config | ErrorKind::Invalid => "Check the options with which top was started.",
        _ => "It is tried again by itself; r tries at once.",
    }
}
