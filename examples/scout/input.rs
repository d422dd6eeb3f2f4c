//! Where snapshots come from.

use std::{
    collections::HashSet,
    error::Error,
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::{ArgGroup, Args};

use scout_metrics_core::{
    ErrorKind, History, LocalScans, MetricsSource, Organization, Result as CoreResult, Snapshot,
};
use scout_metrics_examples::{
    connection::Connection,
    demo::Demo,
    history::latest as latest_of,
    sample,
    snapshot_file::{self, FileFormat},
    terminal,
};

use crate::{
    past::{Past, Server},
    status::{Status, Usage, usage_if_invalid},
};

/// A snapshot, or the reason why there is none, for each organization.
pub(crate) type Answers = Vec<(Organization, CoreResult<Snapshot>)>;

/// Options with which nothing is fetched. A variable that is set for Docker Scout must not limit them to an organization.
pub(crate) const LOCAL: &[&str] = &["demo", "file", "history", "prometheus", "scans"];

/// Docker Scout, files, reports of scanners or sample data.
#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct Source {
    /// Organization to fetch from Docker Scout, or of the file, reports or sample data; repeatable
    #[arg(
        id = "org",
        long,
        value_name = "NAME",
        env = "DOCKER_SCOUT_ORG",
        value_delimiter = ','
    )]
    organizations: Vec<Organization>,

    #[command(flatten)]
    connection: Connection,

    /// File to read instead: an exposition, or snapshots as JSON; - is standard input; repeatable
    #[arg(id = "file", long, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Format of expositions in files
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = FileFormat::Openmetrics)]
    file_format: FileFormat,

    /// Directory of scanners' reports to read instead: a directory for each stream, with a SARIF file for each image
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    scans: Option<PathBuf>,

    /// Use sample data, which needs no account and no network
    #[arg(long, conflicts_with_all = ["file", "scans"])]
    demo: bool,
}

impl Source {
    /// Returns the current snapshots.
    pub(crate) async fn answers(&self) -> Result<Answers, Box<dyn Error>> {
        if self.demo {
            return self.sample();
        }
        if !self.files.is_empty() {
            return self.read_files();
        }
        if let Some(directory) = &self.scans {
            return self.read_scans(directory).await;
        }
        let organizations = self.organizations()?;
        if organizations.is_empty() {
            let fault = "no --org, --file, --scans or --demo given: try --help";
            return Err(Usage(fault.to_owned()).into());
        }
        let client = self.connection.client().map_err(usage_if_invalid)?;
        let sources = client.organizations(organizations)?;
        let answers = terminal::waiting_for("waiting for Docker Scout", sources.scrape_all()).await;
        Ok(answers.into_iter().collect())
    }

    /// Returns the organizations, each of which is given once.
    fn organizations(&self) -> Result<&[Organization], Usage> {
        let mut seen = HashSet::new();
        match self.organizations.iter().find(|name| !seen.insert(*name)) {
            Some(twice) => Err(Usage(format!("--org names `{twice}` twice"))),
            None => Ok(&self.organizations),
        }
    }

    fn sample(&self) -> Result<Answers, Box<dyn Error>> {
        let demo = demo();
        let organizations = match self.organizations()? {
            [] => vec![sample::snapshot()?.organization().clone()],
            organizations => organizations.to_vec(),
        };
        let answers = organizations.into_iter().map(|organization| {
            let answer = demo.snapshot_at(&organization, demo.now());
            (organization, answer)
        });
        Ok(answers.collect())
    }

    /// Returns the history of 90 days of the sample data, of all its organizations unless some are given, or `None`
    /// without `--demo`.
    pub(crate) fn past(&self) -> Result<Option<Vec<Snapshot>>, Usage> {
        if !self.demo {
            return Ok(None);
        }
        let demo = demo();
        let organizations = match self.organizations()? {
            [] => demo.organizations(),
            organizations => organizations.to_vec(),
        };
        let past = organizations
            .iter()
            .flat_map(|organization| demo.snapshots(organization));
        Ok(Some(past.collect()))
    }

    fn read_files(&self) -> Result<Answers, Box<dyn Error>> {
        let organization = match self.organizations()? {
            [] => None,
            [organization] if self.files.len() == 1 => Some(organization),
            _ => {
                let fault = "with --file, --org names the organization of one file: give both once";
                return Err(Usage(fault.to_owned()).into());
            }
        };
        let mut answers = Answers::new();
        for path in &self.files {
            answers.extend(self.read_file(path, organization)?);
        }
        let mut seen = HashSet::new();
        match answers.iter().find(|(name, _)| !seen.insert(name)) {
            Some((twice, _)) => Err(format!("there are several snapshots of `{twice}`").into()),
            None => Ok(answers),
        }
    }

    /// Returns the snapshots in a file. If it cannot be read, that is the answer of the organization that it is named for.
    fn read_file(
        &self,
        path: &Path,
        organization: Option<&Organization>,
    ) -> Result<Answers, Box<dyn Error>> {
        match snapshot_file::read(path, self.file_format, organization) {
            Ok(snapshots) => {
                let named = |snapshot: Snapshot| (snapshot.organization().clone(), Ok(snapshot));
                Ok(snapshots.into_iter().map(named).collect())
            }
            Err(error) => {
                let error = scout_metrics_core::Error::new(ErrorKind::Other, error.to_string());
                let name = match organization {
                    Some(name) => name.clone(),
                    None => snapshot_file::organization_of(path)?,
                };
                Ok(vec![(name, Err(error))])
            }
        }
    }

    async fn read_scans(&self, directory: &Path) -> Result<Answers, Box<dyn Error>> {
        let organization = match self.organizations()? {
            [] => snapshot_file::organization_of(directory)?,
            [organization] => organization.clone(),
            _ => {
                let fault =
                    "with --scans, --org names the organization of the reports: give it once";
                return Err(Usage(fault.to_owned()).into());
            }
        };
        let scans = LocalScans::new(organization.clone(), directory);
        let answer = terminal::waiting_for("reading reports", scans.scrape()).await;
        Ok(vec![(organization, answer)])
    }
}

fn demo() -> Demo {
    Demo::new(Demo::SEED, SystemTime::now())
}

/// A [`Source`], or the latest snapshots of a history.
#[derive(Args, Debug)]
#[group(skip)]
#[command(group = ArgGroup::new("input").args(["org", "file", "scans", "demo", "history", "prometheus"]).required(true).multiple(true))]
pub(crate) struct Input {
    #[command(flatten)]
    source: Source,

    /// SQLite file to read the latest snapshots from instead, of all organizations unless --org is given
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "scans", "demo", "token_file", "url", "prometheus"])]
    history: Option<PathBuf>,

    #[command(flatten)]
    server: Server,
}

impl Input {
    /// Returns the history from which the snapshots are, if they are from one.
    pub(crate) fn history(&self) -> Option<Past<'_>> {
        let of_file = self.history.as_deref().map(Past::File);
        of_file.or(self.server.past())
    }

    /// Returns the format of expositions in files.
    pub(crate) fn file_format(&self) -> FileFormat {
        self.source.file_format
    }

    /// Returns the current snapshots, at least one.
    pub(crate) async fn answers(&self) -> Result<Answers, Box<dyn Error>> {
        match self.history() {
            None => self.source.answers().await,
            Some(past) => latest(past, self.source.organizations()?).await,
        }
    }

    /// Returns the snapshots that could be read or fetched, and complains about the others.
    pub(crate) async fn snapshots(&self) -> Result<(Vec<Snapshot>, Status), Box<dyn Error>> {
        let mut status = Status::Done;
        let mut snapshots = Vec::new();
        for (_, answer) in self.answers().await? {
            match answer {
                Ok(snapshot) => snapshots.push(snapshot),
                Err(error) => {
                    terminal::complain(&error);
                    status = Status::Incomplete;
                }
            }
        }
        Ok((snapshots, status))
    }
}

async fn latest(past: Past<'_>, wanted: &[Organization]) -> Result<Answers, Box<dyn Error>> {
    let history = past.open().await?;
    let organizations = match wanted {
        [] => history.organizations().await?,
        wanted => wanted.to_vec(),
    };
    if organizations.is_empty() {
        return Err(format!("{} has no snapshots", past.name()).into());
    }
    let mut answers = Answers::new();
    for organization in organizations {
        let searching = latest_of(&*history, &organization);
        let answer = terminal::waiting_for("reading the history", searching).await;
        answers.push((organization, answer));
    }
    Ok(answers)
}
