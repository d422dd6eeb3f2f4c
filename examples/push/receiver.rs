//! The options of the receiver.

use std::{error::Error, path::PathBuf};

use clap::{Args, ValueEnum};

use scout_metrics_http::{
    remote_write::{ProtocolVersion, RemoteWrite, RemoteWriteBuilder},
    reqwest::Url,
};

#[derive(Args, Debug)]
pub(crate) struct ReceiverArguments {
    /// URL of the receiver, such as http://localhost:9090/api/v1/write
    #[arg(long, value_name = "URL")]
    to: String,

    /// File that holds the receiver's token or password
    #[arg(long, value_name = "FILE")]
    to_token_file: Option<PathBuf>,

    /// User whose password the token is, as in Grafana Cloud
    #[arg(long, value_name = "NAME", requires = "to_token_file")]
    to_user: Option<String>,

    /// Header to send to the receiver, such as X-Scope-OrgID=security; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_pair)]
    to_header: Vec<(String, String)>,

    /// PEM file with the certificates of the receiver's own authority
    #[arg(long, value_name = "FILE")]
    to_ca_file: Option<PathBuf>,

    /// Allow plain http to another machine although a token or header is sent
    #[arg(long)]
    to_insecure_http: bool,

    /// Version of the protocol [default: 2.0, and 1.0 if the receiver does not understand it]
    #[arg(long, value_name = "VERSION")]
    protocol: Option<Version>,

    /// Label to add to all samples, such as job=scout; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_pair)]
    label: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Version {
    #[value(name = "1.0")]
    V1,
    #[value(name = "2.0")]
    V2,
}

impl ReceiverArguments {
    pub(crate) fn builder(&self) -> Result<RemoteWriteBuilder, Box<dyn Error>> {
        let mut builder =
            RemoteWrite::builder(&self.to).with_allow_insecure_http(self.to_insecure_http);
        if let Some(path) = &self.to_token_file {
            builder = builder.with_token_file(path);
        }
        if let Some(user) = &self.to_user {
            builder = builder.with_user(user);
        }
        if let Some(path) = &self.to_ca_file {
            builder = builder.with_ca_file(path);
        }
        if let Some(version) = self.protocol {
            builder = builder.with_version(match version {
                Version::V1 => ProtocolVersion::V1,
                Version::V2 => ProtocolVersion::V2,
            });
        }
        for (name, value) in &self.to_header {
            builder = builder.with_header(name, value);
        }
        for (name, value) in &self.label {
            builder = builder.with_label(name, value);
        }
        Ok(builder)
    }

    /// Returns scheme, host and port, without secrets.
    pub(crate) fn server(&self) -> String {
        let url = Url::parse(&self.to);
        url.map_or_else(
            |_| "the receiver".to_owned(),
            |url| url.origin().ascii_serialization(),
        )
    }
}

fn parse_pair(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}
