//! A URL that messages are posted to.

use std::{error::Error, fmt, fs, path::Path, time::Duration};

use scout_metrics_examples::{terminal::printable, tls};
use scout_metrics_http::reqwest::{
    self, Client, Response, StatusCode, Url,
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect::Policy,
};

use super::{
    Failure,
    message::{Format, Message},
};

/// How long a post may take.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Webhook {
    url: Url,
    format: Format,
    client: Client,
}

impl Webhook {
    /// Reads the URL from a file.
    pub(super) fn from_file(path: &Path, format: Format) -> Result<Self, Box<dyn Error>> {
        let name = printable(&path.to_string_lossy());
        let url = fs::read_to_string(path)
            .map_err(|error| format!("cannot read --webhook-file `{name}`: {error}"))?;
        Self::new(url.trim(), format)
    }

    /// Uses a URL, which no error and no `Debug` shows.
    pub(super) fn new(url: &str, format: Format) -> Result<Self, Box<dyn Error>> {
        let url = Url::parse(url).map_err(|_| "the webhook is not a URL such as https://...")?;
        let is_local = is_loopback(&url);
        if url.scheme() != "https" && !(url.scheme() == "http" && is_local) {
            return Err("the webhook is not https, which exposes its URL on the network".into());
        }
        let builder = Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .tls_backend_preconfigured(tls::client_config()?);
        // A request to this machine must not leave it.
        let builder = if is_local {
            builder.no_proxy()
        } else {
            builder
        };
        let client = builder
            .build()
            .map_err(|_| "cannot set up the client of the webhook")?;
        Ok(Self {
            url,
            format,
            client,
        })
    }

    /// Posts a message. The host is the only part of the URL that errors show, because the rest is a secret.
    pub(super) async fn post(&self, message: &Message<'_>) -> Result<(), Failure> {
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(message.body(self.format));
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(self.refusal(&response)),
            Err(error) => Err(self.disconnection(error)),
        }
    }

    fn refusal(&self, response: &Response) -> Failure {
        let status = response.status();
        let is_transient = status.is_server_error()
            || matches!(
                status,
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
            );
        let seconds = response.headers().get(RETRY_AFTER);
        let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
        Failure {
            reason: format!("{} answered {status}", self.host()),
            is_transient,
            retry_after: seconds.map(Duration::from_secs),
        }
    }

    fn disconnection(&self, error: reqwest::Error) -> Failure {
        let cause = chain(&error.without_url());
        Failure::transient(format!("{}: {cause}", self.host()))
    }

    fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
