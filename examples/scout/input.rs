//! Where snapshots come from.

use std::{
    collections::HashSet,
    error::Error,
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args};

use scout_metrics_core::{
    ErrorKind, History, HistoryExt, LocalScans, MetricsSource, Organization, Result as CoreResult,
    Snapshot, SqliteHistory,
};
use scout_metrics_examples::{
    connection::Connection,
    sample,
    snapshot_file::{self, FileFormat},
    terminal,
};

use crate::status::{Status, Usage};

/// A snapshot, or the reason why there is none, for each organization.
pub(crate) type Answers = Vec<(Organization, CoreResult<Snapshot>)>;

/// Options with which nothing is fetched. A variable that is set for Docker Scout must not limit them to an organization.
pub(crate) const LOCAL: &[&str] = &["demo", "file", "history", "scans"];

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
        let sample = sample::snapshot()?;
        let organizations = match self.organizations()? {
            [] => std::slice::from_ref(sample.organization()),
            organizations => organizations,
        };
        let snapshots = organizations.iter().map(|organization| {
            let snapshot = Snapshot::new(organization.clone(), sample.streams().to_vec())?;
            Ok((organization.clone(), Ok(snapshot)))
        });
        snapshots.collect()
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
            for snapshot in snapshot_file::read(path, self.file_format, organization)? {
                let organization = snapshot.organization().clone();
                if answers.iter().any(|(name, _)| *name == organization) {
                    return Err(format!("there are several snapshots of `{organization}`").into());
                }
                answers.push((organization, Ok(snapshot)));
            }
        }
        Ok(answers)
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

/// Returns an error of the command line if an option has a value that cannot be used, such as a URL.
fn usage_if_invalid(error: scout_metrics_core::Error) -> Box<dyn Error> {
    match error.kind() {
        ErrorKind::Config => Usage(error.chain().to_string()).into(),
        _ => error.into(),
    }
}

/// A [`Source`], or the latest snapshots of a history.
#[derive(Args, Debug)]
#[group(skip)]
#[command(group = ArgGroup::new("input").args(["org", "file", "scans", "demo", "history"]).required(true).multiple(true))]
pub(crate) struct Input {
    #[command(flatten)]
    source: Source,

    /// SQLite file to read the latest snapshots from instead, of all organizations unless --org is given
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "scans", "demo", "token_file", "url"])]
    history: Option<PathBuf>,
}

impl Input {
    /// Returns the path of the history.
    pub(crate) fn history(&self) -> Option<&Path> {
        self.history.as_deref()
    }

    /// Returns the format of expositions in files.
    pub(crate) fn file_format(&self) -> FileFormat {
        self.source.file_format
    }

    /// Returns the current snapshots, at least one.
    pub(crate) async fn answers(&self) -> Result<Answers, Box<dyn Error>> {
        match &self.history {
            None => self.source.answers().await,
            Some(path) => latest(path, self.source.organizations()?).await,
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

async fn latest(path: &Path, wanted: &[Organization]) -> Result<Answers, Box<dyn Error>> {
    let history = open(path).await?;
    let organizations = match wanted {
        [] => history.organizations().await?,
        wanted => wanted.to_vec(),
    };
    if organizations.is_empty() {
        let path = terminal::printable(&path.to_string_lossy());
        return Err(format!("the history `{path}` has no snapshots").into());
    }
    let mut answers = Answers::new();
    for organization in organizations {
        let missing = || {
            let error = scout_metrics_core::Error::new(
                ErrorKind::NotFound,
                "the history has no snapshot of it",
            );
            error.with_organization(&organization)
        };
        let answer = history.latest(&organization).await;
        let answer = answer.and_then(|snapshot| snapshot.ok_or_else(missing));
        answers.push((organization, answer));
    }
    Ok(answers)
}

/// Opens a history that exists.
pub(crate) async fn open(path: &Path) -> Result<SqliteHistory, Box<dyn Error>> {
    if !path.exists() {
        let path = terminal::printable(&path.to_string_lossy());
        return Err(
            format!("there is no history `{path}`: `scout history import` makes one").into(),
        );
    }
    let opened = terminal::waiting_for("checking the history", SqliteHistory::open(path)).await;
    Ok(opened?)
}
