//! The settings from the command line, the environment and the configuration file.

use std::{collections::BTreeMap, error::Error, fmt, path::PathBuf};

use scout_metrics_core::Organization;

use crate::{
    arguments::Arguments,
    configuration::{
        ConfigurationFile, ListenAddress, LogOptions, ScoutOptions, StateOptions, WebOptions,
    },
    external_url::{ExternalUrl, RoutePrefix},
    fault,
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
    pub(crate) fn gather(arguments: &Arguments) -> Result<Self, Box<dyn Error>> {
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
        let tls = match (web.tls_cert_file, web.tls_key_file) {
            (Some(certificates), Some(key)) => Some(TlsFiles {
                certificates,
                key,
                clients: None,
                min_version: TlsVersion::default(),
            }),
            (None, None) => None,
            (Some(_), None) => return Err(missing("private key", "tls-key-file").into()),
            (None, Some(_)) => return Err(missing("certificate", "tls-cert-file").into()),
        };
        let web_config = web.config_file.map(WebConfigFile::open).transpose()?;
        let tls = one_tls(tls, web_config.as_ref())?;
        let route_prefix = web.route_prefix.unwrap_or_else(|| {
            let external_url = web.external_url.as_ref();
            external_url.map_or_else(RoutePrefix::default, ExternalUrl::path)
        });
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

/// Returns the files for TLS, which either options or the web configuration file name.
fn one_tls(
    options: Option<TlsFiles>,
    file: Option<&WebConfigFile>,
) -> Result<Option<TlsFiles>, scout_metrics_core::Error> {
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
) -> Result<(), Box<dyn Error>> {
    let mut names = web.organization_bearer_token_file.keys();
    let Some(name) = names.find(|name| !organizations.contains_key(*name)) else {
        return Ok(());
    };
    let text = format!(
        "web.organization_bearer_token_file: `{name}` is not fetched; write [organization.{name}] into the configuration \
         file, or remove its token"
    );
    Err(fault(text).into())
}

/// Returns an error about a missing option for TLS.
fn missing(what: &str, option: &str) -> scout_metrics_core::Error {
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
) -> Result<BTreeMap<Organization, ScoutOptions>, Box<dyn Error>> {
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
        return Err(fault(text).into());
    }
    let nothing = ScoutOptions::default();
    let options = |name| {
        let own = file.organization.get(name).unwrap_or(&nothing);
        arguments.scout.or(own).or(&file.scout)
    };
    Ok(names
        .into_iter()
        .map(|name| (name.clone(), options(name)))
        .collect())
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
