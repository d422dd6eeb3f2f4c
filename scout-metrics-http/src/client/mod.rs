//! The Docker Scout client.

mod builder;
mod collect;
mod content_type;
mod fetch;
mod source;
mod url;

use std::{fmt, sync::Arc, time::Duration};

use scout_metrics_core::{Organization, Result, SourceSet};

use self::url::UrlTemplate;
pub use self::{builder::ScoutClientBuilder, source::ScoutSource};
use crate::{
    token::Token,
    transport::{
        credentials::Credentials, deadline::Deadline, error::HttpError, proxy::Route,
        retry::RetryPolicy,
    },
};

/// A client for the metrics endpoint of Docker Scout.
///
/// It holds credentials, options and connections; [`organization`](Self::organization) returns the source of one
/// organization's metrics. A clone shares everything with the original.
///
/// # Examples
///
/// ```no_run
/// use scout_metrics_http::{MetricsSource, ScoutClient};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> scout_metrics_http::Result<()> {
/// let scout = ScoutClient::builder()
///     .with_token_file("/run/secrets/docker_pat")
///     .build()?;
/// let acme = scout.organization("acme")?;
/// for stream in acme.scrape().await?.streams() {
///     println!("{:<20} {}", stream.name(), stream.vulnerabilities());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ScoutClient(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    urls: UrlTemplate,
    route: Route,
    credentials: Credentials,
    timeout: Duration,
    body_limit: u64,
    retry: RetryPolicy,
}

impl ScoutClient {
    /// Returns a builder with the defaults, which requires only a token.
    pub fn builder() -> ScoutClientBuilder {
        ScoutClientBuilder::new()
    }

    /// Returns the source of an organization's metrics. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](scout_metrics_core::ErrorKind::Invalid) if the name is not that of an organization.
    pub fn organization(&self, name: impl AsRef<str>) -> Result<ScoutSource> {
        Ok(ScoutSource::new(self.clone(), Organization::new(name)?))
    }

    /// Returns the sources of several organizations' metrics, to be scraped together. Nothing is fetched yet.
    ///
    /// Use [`organization`](Self::organization) for each if the sources need decorators.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](scout_metrics_core::ErrorKind::Invalid) if a name is not that of an organization, or is
    /// given twice.
    ///
    /// # Examples
    ///
    /// ```
    /// use scout_metrics_http::ScoutClient;
    ///
    /// let scout = ScoutClient::builder().with_token("dckr_pat_example").build()?;
    /// let sources = scout.organizations(["acme", "apex"])?;
    /// assert_eq!(sources.sources().len(), 2);
    /// assert!(scout.organizations(["acme", "acme"]).is_err());
    /// # Ok::<(), scout_metrics_http::Error>(())
    /// ```
    pub fn organizations(
        &self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<SourceSet> {
        names.into_iter().try_fold(SourceSet::new(), |set, name| {
            set.with_source(self.organization(name)?)
        })
    }

    /// Returns whether the token is that of `docker login`, because no other was given; see
    /// [`with_docker_login`](ScoutClientBuilder::with_docker_login).
    #[cfg(feature = "docker-login")]
    pub fn uses_docker_login(&self) -> bool {
        matches!(self.0.credentials, Credentials::DockerLogin(_))
    }

    fn inner(&self) -> &Inner {
        &self.0
    }

    /// Reads the token and checks that it can be sent. No request is made, so the server may still refuse it.
    ///
    /// Call it when a program starts, so that a missing token file is reported before the first scrape. A token file is
    /// read as for a scrape: if it cannot be read, the client tries again for half a second, within its timeout.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](scout_metrics_core::ErrorKind::Config) if the token file cannot be read or contains no
    /// token, with the path and the reason in the [source](std::error::Error::source);
    /// [`ErrorKind::Timeout`](scout_metrics_core::ErrorKind::Timeout) if reading it takes longer than the timeout.
    ///
    /// # Examples
    ///
    /// ```
    /// use scout_metrics_http::{ErrorKind, ScoutClient};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> scout_metrics_http::Result<()> {
    /// let scout = ScoutClient::builder().with_token_file("/nowhere/token").build()?;
    /// let error = scout.check_token().await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Config);
    /// assert_eq!(error.to_string(), "cannot use the token file");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check_token(&self) -> Result<()> {
        self.0.token(&Deadline::after(self.0.timeout)).await?;
        Ok(())
    }
}

impl Inner {
    async fn token(&self, deadline: &Deadline) -> Result<Token, HttpError> {
        let stage = || format!("reading the token {}", self.credentials.origin());
        deadline.bound(self.credentials.token(), stage).await?
    }
}

impl fmt::Debug for ScoutClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScoutClient")
            .field("server", &self.0.urls.server().server())
            .field("credentials", &self.0.credentials)
            .field("timeout", &self.0.timeout)
            .field("body_limit", &self.0.body_limit)
            .field("max_attempts", &self.0.retry.max_attempts)
            .finish_non_exhaustive()
    }
}
