//! Why a request got no answer.

use std::{error::Error as StdError, iter::successors};

use super::{error::HttpError, proxy::Route};

/// How the HTTP library reports that a proxy answered `CONNECT` with HTTP 407. The type of that error is private there.
const PROXY_AUTHENTICATION: &str = "tunnel error: proxy authorization required";

/// Explains why a request got no answer, and whether another attempt may help.
pub(crate) fn explain(error: reqwest::Error, server: &str, route: &Route) -> HttpError {
    let place = format!("`{server}`{}", route.suffix());
    if !error.is_connect() {
        return HttpError::Exchange {
            place,
            source: error,
        };
    }
    if let Some(message) = route.authentication_message()
        && is_proxy_authentication(&error)
    {
        return HttpError::ProxyAuthentication {
            message,
            source: Some(error),
        };
    }
    if error.is_timeout() {
        return HttpError::ConnectTimeout {
            place,
            source: error,
        };
    }
    #[cfg(feature = "rustls")]
    if let Some(cause) = find_cause::<rustls::Error>(&error) {
        return HttpError::Connect {
            place,
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
        place,
        hint: hint.to_owned(),
        is_transient: true,
        source: error,
    }
}

fn is_proxy_authentication(error: &reqwest::Error) -> bool {
    let first: Option<&(dyn StdError + 'static)> = Some(error);
    successors(first, |error| (**error).source())
        .any(|error| error.to_string() == PROXY_AUTHENTICATION)
}

/// Finds an error in a chain of sources, and in the I/O errors there, which do not return what they wrap as their source.
#[cfg(feature = "rustls")]
fn find_cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let io = error.downcast_ref::<std::io::Error>();
    match io.and_then(std::io::Error::get_ref) {
        Some(wrapped) => find_cause(wrapped),
        None => error.source().and_then(find_cause),
    }
}
