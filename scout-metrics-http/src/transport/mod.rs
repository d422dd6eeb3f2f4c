//! How requests get to a server and answers back: credentials, TLS, proxies, deadlines, bounds and errors. Everything in
//! this crate that sends requests uses it.

pub(crate) mod answer;
pub(crate) mod attempts;
#[cfg(any(feature = "prometheus-api", feature = "remote-write"))]
pub(crate) mod authorization;
pub(crate) mod body;
pub(crate) mod connect;
pub(crate) mod credentials;
pub(crate) mod deadline;
#[cfg(feature = "docker-login")]
pub(crate) mod docker_login;
pub(crate) mod error;
pub(crate) mod excerpt;
pub(crate) mod exchange;
pub(crate) mod http_client;
pub(crate) mod proxy;
pub(crate) mod redact;
pub(crate) mod retry;
pub(crate) mod server_url;
#[cfg(feature = "rustls")]
mod tls;
pub(crate) mod token_origin;

use self::redact::Secrets;

/// Returns a text of the server for a message: escaped, shortened, and without secrets.
pub(crate) fn shown(value: &[u8], secrets: &Secrets) -> String {
    const MAX_CHARS: usize = 200;
    let text = String::from_utf8_lossy(value);
    secrets
        .redact(&text)
        .chars()
        .take(MAX_CHARS)
        .flat_map(char::escape_debug)
        .collect()
}
