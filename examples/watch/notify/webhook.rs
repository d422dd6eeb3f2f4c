//! A URL that messages are posted to.

use std::{
    error::Error,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};

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

/// The maximum size of the file with the URL in bytes.
const MAX_FILE_SIZE: u64 = 64 << 10;

#[derive(Debug)]
pub(super) struct Webhook {
    address: Address,
    format: Format,
}

/// The URL, which no error and no `Debug` shows.
#[derive(Debug)]
enum Address {
    Given(SecretString),
    InFile(PathBuf),
}

impl Webhook {
    /// Reads the URL from a file for each delivery, because secrets are replaced while the program runs.
    pub(super) fn from_file(path: &Path, format: Format) -> Result<Self, Box<dyn Error>> {
        Self::checked(Address::InFile(path.to_owned()), format)
    }

    pub(super) fn new(url: SecretString, format: Format) -> Result<Self, Box<dyn Error>> {
        Self::checked(Address::Given(url), format)
    }

    fn checked(address: Address, format: Format) -> Result<Self, Box<dyn Error>> {
        client(&address.url()?)?;
        Ok(Self { address, format })
    }

    /// Posts a message. The host is the only part of the URL that errors show, because the rest is a secret.
    pub(super) async fn post(&self, message: &Message<'_>) -> Result<(), Failure> {
        let failed = |error: Box<dyn Error>| Failure::transient(error.to_string());
        let url = self.address.url().map_err(failed)?;
        let request = client(&url)
            .map_err(failed)?
            .post(url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(message.body(self.format));
        let host = url.host_str().unwrap_or_default();
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(refusal(host, &response)),
            Err(error) => Err(disconnection(host, error)),
        }
    }
}

impl Address {
    fn url(&self) -> Result<Url, Box<dyn Error>> {
        let url = match self {
            Self::Given(url) => Url::parse(url.expose_secret()),
            Self::InFile(path) => Url::parse(read(path)?.expose_secret().trim()),
        };
        let url = url.map_err(|_| "the webhook is not a URL such as https://...")?;
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err("the webhook is not https, which exposes its URL on the network".into());
        }
        Ok(url)
    }
}

fn read(path: &Path) -> Result<SecretString, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE_SIZE).read_to_string(&mut text));
    read.map_err(|error| {
        let name = printable(&path.to_string_lossy());
        format!("cannot read --webhook-file `{name}`: {error}")
    })?;
    Ok(text.into())
}

/// Returns a client for one delivery. Deliveries are rare, and certificates may change.
fn client(url: &Url) -> Result<Client, Box<dyn Error>> {
    let builder = Client::builder()
        .timeout(TIMEOUT)
        .redirect(Policy::none())
        .tls_backend_preconfigured(tls::client_config()?);
    // A request to this machine must not leave it.
    let builder = if is_loopback(url) {
        builder.no_proxy()
    } else {
        builder
    };
    let built = builder.build();
    Ok(built.map_err(|_| "cannot set up the client of the webhook")?)
}

fn refusal(host: &str, response: &Response) -> Failure {
    let status = response.status();
    let is_transient = status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
        );
    let seconds = response.headers().get(RETRY_AFTER);
    let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
    Failure {
        reason: format!("{host} answered {status}"),
        is_transient,
        retry_after: seconds.map(Duration::from_secs),
    }
}

fn disconnection(host: &str, error: reqwest::Error) -> Failure {
    let cause = chain(&error.without_url());
    Failure::transient(format!("{host}: {cause}"))
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
