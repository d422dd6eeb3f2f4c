//! The proxy between the client and the server, for messages.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

/// How requests get to the server.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    Direct,
    /// Through a proxy, given without its user name and password.
    Proxy(String),
    /// As the client of `with_client` decides.
    Unknown,
}

impl Route {
    /// Returns the route to a server with the proxy variables of the environment, as reqwest understands them.
    pub(crate) fn from_env(server: &Url) -> Self {
        let proxy = || {
            let proxy = Matcher::from_system().intercept(&server.as_str().parse().ok()?)?;
            let uri = proxy.uri();
            let scheme = uri.scheme_str().unwrap_or("http");
            let port = uri.port().map_or(String::new(), |port| format!(":{port}"));
            Some(format!("{scheme}://{}{port}", uri.host()?))
        };
        proxy().map_or(Self::Direct, Self::Proxy)
    }

    /// Returns the end of a place in a message, after the server.
    pub(crate) fn suffix(&self) -> String {
        match self {
            Self::Proxy(proxy) => format!(" through the proxy `{proxy}`"),
            Self::Direct | Self::Unknown => String::new(),
        }
    }

    /// Returns the message for HTTP 407, or `None` if no proxy is used.
    pub(crate) fn authentication_message(&self) -> Option<String> {
        match self {
            Self::Direct => None,
            Self::Proxy(proxy) => Some(format!(
                "the proxy `{proxy}` requires authentication (HTTP 407): check the user name and password in the \
                 variable that sets the proxy (`HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY`)"
            )),
            Self::Unknown => Some(
                "a proxy requires authentication (HTTP 407): check the proxy of the client given to `with_client`"
                    .to_owned(),
            ),
        }
    }
}
