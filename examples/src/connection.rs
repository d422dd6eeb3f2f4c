//! The options of programs that fetch from Docker Scout.

use std::path::PathBuf;

use clap::Args;

use scout_metrics_core::Result;
use scout_metrics_http::ScoutClient;

use crate::terminal;

/// The token and the server. The program that uses them has an option `--org`.
#[derive(Args, Debug)]
#[non_exhaustive]
pub struct Connection {
    /// File that holds the access token
    #[arg(long, value_name = "FILE", requires = "org")]
    pub token_file: Option<PathBuf>,

    /// Server to use instead of https://api.scout.docker.com
    #[arg(long, requires = "org")]
    pub url: Option<String>,
}

impl Connection {
    /// Returns a client with the token of the file, or else of the environment, or else of `docker login`. The last is
    /// said on standard error.
    ///
    /// # Errors
    ///
    /// Returns the errors of the builder of the client.
    pub fn client(&self) -> Result<ScoutClient> {
        let builder = match &self.token_file {
            Some(path) => ScoutClient::builder().with_token_file(path),
            None => ScoutClient::builder().with_token_from_env(),
        };
        let builder = match &self.url {
            Some(url) => builder.with_base_url(url),
            None => builder,
        };
        let client = builder.with_docker_login().build()?;
        if client.uses_docker_login() {
            terminal::say(
                "no --token-file, and none of DOCKER_SCOUT_TOKEN_FILE, DOCKER_SCOUT_TOKEN and DOCKER_SCOUT_HUB_PASSWORD is \
                 set: using the credentials of `docker login`",
            );
        }
        Ok(client)
    }
}
