//! The settings from the command line, the environment and the configuration file.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use scout_metrics_core::{Error, Organization, Result};
use scout_metrics_http::exporter::ExternalUrl;

use crate::{
    arguments::Arguments,
    configuration::{ConfigurationFile, LogOptions, ScoutOptions, StateOptions, WebOptions},
    fault,
    listen_address::ListenAddress,
    route_prefix::RoutePrefix,
    server::{TlsFiles, TlsVersion},
    web_config::WebConfigFile,
};

/// Outside the range 9100 to 9999, where every port is taken by another exporter.
const DEFAULT_PORT: u16 = 10990;

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) demo: bool,
    pub(crate) listen_addresses: Vec<ListenAddress>,
    pub(crate) bearer_token_files: Vec<PathBuf>,
    pub(crate) organization_token_files: BTreeMap<Organization, PathBuf>,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) web_config: Option<WebConfigFile>,
    pub(crate) external_url: Option<ExternalUrl>,
    pub(crate) route_prefix: RoutePrefix,
    pub(crate) state: StateOptions,
    pub(crate) log: LogOptions,
    pub(crate) organizations: BTreeMap<Organization, ScoutOptions>,
}

impl Settings {
    pub(crate) fn gather(arguments: &Arguments) -> Result<Self> {
        let file = match &arguments.config_file {
            Some(path) => ConfigurationFile::read(path)?,
            None => ConfigurationFile::default(),
        };
        let organizations = organizations(arguments, &file)?;
        let mut web = arguments.web.or(&file.web);
        if web.listen_address.is_empty() {
            web.listen_address = vec![ListenAddress::localhost(DEFAULT_PORT)];
        }
        if !arguments.organizations.is_empty() {
            // The file may list more organizations than are requested.
            web.organization_bearer_token_file
                .retain(|organization, _| organizations.contains_key(organization));
        }
        check_token_files(&web, &organizations)?;
        let web_config = web.config_file.map(WebConfigFile::open).transpose()?;
        let tls = tls_of_options(web.tls_cert_file, web.tls_key_file)?;
        let tls = one_tls(tls, web_config.as_ref())?;
        let route_prefix = match web.route_prefix {
            Some(prefix) => prefix,
            None => route_prefix_of(web.external_url.as_ref())?,
        };
        Ok(Self {
            demo: arguments.demo,
            listen_addresses: web.listen_address,
            bearer_token_files: web.bearer_token_file,
            organization_token_files: web.organization_bearer_token_file,
            tls,
            web_config,
            external_url: web.external_url,
            route_prefix,
            state: arguments.state.or(&file.state),
            log: arguments.log.or(file.log),
            organizations,
        })
    }

    /// Returns whether scrapers need a bearer token, a password or a client certificate.
    pub(crate) fn is_guarded(&self) -> bool {
        self.has_tokens() || self.has_users() || self.needs_client_certificates()
    }

    fn has_tokens(&self) -> bool {
        !self.bearer_token_files.is_empty() || !self.organization_token_files.is_empty()
    }

    fn has_users(&self) -> bool {
        let file = self.web_config.as_ref();
        file.is_some_and(|file| !file.current().users.is_empty())
    }

    fn needs_client_certificates(&self) -> bool {
        let clients = self.tls.as_ref().and_then(|tls| tls.clients.as_ref());
        clients.is_some_and(|clients| clients.are_required)
    }
}

/// Returns the files that the options for TLS name.
fn tls_of_options(certificates: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<TlsFiles>> {
    match (certificates, key) {
        (Some(certificates), Some(key)) => Ok(Some(TlsFiles {
            certificates,
            key,
            clients: None,
            min_version: TlsVersion::default(),
        })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(missing("private key", "tls-key-file")),
        (None, Some(_)) => Err(missing("certificate", "tls-cert-file")),
    }
}

/// Returns the path of the external URL.
fn route_prefix_of(url: Option<&ExternalUrl>) -> Result<RoutePrefix> {
    let path = url.map_or("", ExternalUrl::path);
    path.parse().map_err(|reason| {
        fault(format!(
            "the routes cannot be served below the path of --web.external-url, {reason}: give --web.route-prefix"
        ))
    })
}

/// Returns the files for TLS, which either options or the web configuration file name.
fn one_tls(options: Option<TlsFiles>, file: Option<&WebConfigFile>) -> Result<Option<TlsFiles>> {
    let Some(file) = file else {
        return Ok(options);
    };
    match (options, file.current().tls.clone()) {
        (Some(_), Some(_)) => Err(fault(format!(
            "TLS is configured twice: by --web.tls-cert-file and by `tls_server_config` in `{}` of --web.config.file",
            file.path().display()
        ))),
        (options, tls) => Ok(options.or(tls)),
    }
}

/// Checks that each bearer token of an organization belongs to one that is fetched.
fn check_token_files(
    web: &WebOptions,
    organizations: &BTreeMap<Organization, ScoutOptions>,
) -> Result<()> {
    let mut names = web.organization_bearer_token_file.keys();
    let Some(name) = names.find(|name| !organizations.contains_key(*name)) else {
        return Ok(());
    };
    let text = format!(
        "web.organization_bearer_token_file: `{name}` is not fetched; write [organization.{name}] into the configuration \
         file, or remove its token"
    );
    Err(fault(text))
}

/// Returns an error about a missing option for TLS.
fn missing(what: &str, option: &str) -> Error {
    let key = option.replace('-', "_");
    let variable = key.to_uppercase();
    fault(format!(
        "TLS has no {what}: give --web.{option} FILE, set SCOUT_EXPORTER_WEB_{variable}, or write web.{key} into the \
         configuration file"
    ))
}

/// Returns the options for each organization. The command line takes precedence over the organization's own table in the
/// file, and that table over `[scout]`.
fn organizations(
    arguments: &Arguments,
    file: &ConfigurationFile,
) -> Result<BTreeMap<Organization, ScoutOptions>> {
    let mut names: Vec<&Organization> = arguments.organizations.iter().collect();
    if names.is_empty() {
        names.extend(file.organization.keys());
    }
    let demo = Organization::new("acme")?;
    if names.is_empty() && arguments.demo {
        names.push(&demo);
    }
    if names.is_empty() && arguments.command.is_none() {
        let text = "no organization: give --org NAME, set SCOUT_EXPORTER_ORG, or write [organization.NAME] into the \
                    configuration file; --demo needs none";
        return Err(fault(text));
    }
    let nothing = ScoutOptions::default();
    let options = |name| {
        let own = file.organization.get(name).unwrap_or(&nothing);
        arguments.scout.or(own).or(&file.scout)
    };
    let options = names.into_iter().map(|name| (name.clone(), options(name)));
    let organizations = options.collect();
    check_scans(&organizations)?;
    Ok(organizations)
}

/// Checks that no two organizations have the same reports, as those do that inherit them.
fn check_scans(organizations: &BTreeMap<Organization, ScoutOptions>) -> Result<()> {
    let mut owners = BTreeMap::new();
    for (name, options) in organizations {
        let Some(directory) = &options.scans else {
            continue;
        };
        if let Some(other) = owners.insert(directory, name) {
            let text = format!(
                "`{other}` and `{name}` have the same reports, `{}`: give --scans with one --org, or write it into the table \
                 [organization.NAME] of each",
                directory.display()
            );
            return Err(fault(text));
        }
    }
    Ok(())
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration is valid\n  organizations:")?;
        write_list(f, self.organizations.keys())?;
        write!(f, "\n  listen addresses:")?;
        write_list(f, &self.listen_addresses)?;
        if let Some(directory) = &self.state.directory {
            write!(f, "\n  state directory: {}", directory.display())?;
        }
        if let Some(file) = &self.web_config {
            write!(f, "\n  web configuration file: {}", file.path().display())?;
            write!(f, "\n  users:")?;
            write_list(f, file.current().users.keys())?;
            let are_required = if self.needs_client_certificates() {
                "required"
            } else {
                "not required"
            };
            write!(f, "\n  client certificates: {are_required}")?;
        }
        write!(f, "\n  bearer token files:")?;
        if !self.is_guarded() {
            return write!(f, " none, everyone who can connect may scrape");
        }
        let of_organizations = self.organization_token_files.values();
        let files = self.bearer_token_files.iter().chain(of_organizations);
        write_list(f, files.map(|path| path.display()))
    }
}

fn write_list(
    f: &mut fmt::Formatter<'_>,
    items: impl IntoIterator<Item = impl fmt::Display>,
) -> fmt::Result {
    let mut separator = " ";
    for item in items {
        write!(f, "{separator}{item}")?;
        separator = ", ";
    }
    if separator == " " {
        write!(f, " none")?;
    }
    Ok(())
}
