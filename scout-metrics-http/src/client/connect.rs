//! Why no answer came: what to say about it, and whether to try again.

use super::error::HttpError;

/// Explains why a request got no answer.
pub(crate) fn explain(error: reqwest::Error, server: String) -> HttpError {
    if !error.is_connect() {
        return HttpError::Exchange {
            server,
            source: error,
        };
    }
    if error.is_timeout() {
        return HttpError::ConnectTimeout {
            server,
            source: error,
        };
    }
    #[cfg(feature = "rustls")]
    if let Some(cause) = find_cause::<rustls::Error>(&error) {
        return HttpError::Connect {
            server,
            hint: format!(": {}", super::tls::hint(cause)),
            is_transient: false,
            source: error,
        };
    }
    let hint = if error.is_dns() {
        ": its name cannot be resolved"
    } else {
        ""
    };
    HttpError::Connect {
        server,
        hint: hint.to_owned(),
        is_transient: true,
        source: error,
    }
}

/// Looks for an error in a chain of sources, and in the I/O errors there, which hide what they wrap.
#[cfg(feature = "rustls")]
fn find_cause<'a, E: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a E> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let io = error.downcast_ref::<std::io::Error>();
    match io.and_then(std::io::Error::get_ref) {
        Some(wrapped) => find_cause(wrapped),
        None => error.source().and_then(find_cause),
    }
}
