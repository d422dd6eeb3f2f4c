//! Where the data comes from.

use std::{
    error::Error as StdError,
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use clap::Args;
use tokio::task::spawn_blocking;

use scout_metrics_core::{
    Error, ErrorKind, History, HistoryExt, MetricsSource, Organization, PollerSet, Result, Snapshot,
};
use scout_metrics_examples::{
    connection::Connection,
    demo::Demo,
    history,
    snapshot_file::{self, FileFormat},
    time::parse_interval,
};

/// How often invented metrics change.
const DEMO_INTERVAL: Duration = Duration::from_secs(15);

/// How often files and histories are read again.
const LOCAL_INTERVAL: Duration = Duration::from_secs(60);

/// Options with which nothing is fetched. A variable that is set for Docker Scout must not limit them to an organization.
pub(crate) const LOCAL: &[&str] = &["demo", "file", "history"];

/// Docker Scout, files, a history or invented metrics.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Organization to fetch from Docker Scout, or of the file or the history; repeatable
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

    /// File to show instead: an exposition, or snapshots as JSON; it is read again every minute; repeatable
    #[arg(id = "file", long, value_name = "FILE", conflicts_with_all = ["token_file", "url"])]
    files: Vec<PathBuf>,

    /// Format of the expositions in files
    #[arg(
        long,
        value_enum,
        default_value = "openmetrics",
        value_name = "FORMAT",
        requires = "file"
    )]
    file_format: FileFormat,

    /// Show invented metrics of several organizations with a history
    #[arg(long, conflicts_with_all = ["org", "file", "history"])]
    demo: bool,

    /// SQLite file that the exporter or `scout history import` records in: for trends, and without --live and --file
    /// also for the latest metrics, of all organizations unless --org is given
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,

    /// With --history, fetch the latest metrics from Docker Scout
    #[arg(long, requires_all = ["org", "history"], conflicts_with = "file")]
    live: bool,

    /// Time between two fetches, at least 1s [default: 60m, with --demo 15s, with --file and --history 60s]
    #[arg(long, value_name = "TIME", value_parser = parse_interval)]
    interval: Option<Duration>,
}

/// The sources that are shown, and how often they are read.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) sources: Vec<Arc<dyn MetricsSource>>,
    pub(crate) history: Option<Arc<dyn History>>,
    interval: Option<Duration>,
}

impl Options {
    /// Opens what the options name. This fetches nothing.
    pub(crate) async fn open(&self) -> Result<Sources, Box<dyn StdError>> {
        if self.demo {
            return self.demo().await;
        }
        let history: Option<Arc<dyn History>> = match &self.history {
            Some(path) => Some(Arc::new(history::open(path).await?)),
            None => None,
        };
        let (sources, interval) = if !self.files.is_empty() {
            (self.files()?, Some(LOCAL_INTERVAL))
        } else if let Some(history) = history.as_ref().filter(|_| !self.live) {
            (self.latest(history).await?, Some(LOCAL_INTERVAL))
        } else {
            (self.docker_scout()?, None)
        };
        Ok(Sources {
            sources,
            history,
            interval: self.interval.or(interval),
        })
    }

    async fn demo(&self) -> Result<Sources, Box<dyn StdError>> {
        let demo = Demo::new(Demo::SEED, SystemTime::now());
        let sources = demo.sources().into_iter();
        Ok(Sources {
            sources: sources.map(|source| Arc::new(source) as _).collect(),
            history: Some(Arc::new(demo.history().await?)),
            interval: self.interval.or(Some(DEMO_INTERVAL)),
        })
    }

    fn docker_scout(&self) -> Result<Vec<Arc<dyn MetricsSource>>, Box<dyn StdError>> {
        if self.organizations.is_empty() {
            return Err("no --org, --file, --history or --demo given: try --help".into());
        }
        let client = self.connection.client()?;
        let sources = self.organizations.iter();
        let sources = sources.map(|organization| {
            let source = client.organization(organization)?;
            Ok::<Arc<dyn MetricsSource>, Error>(Arc::new(source))
        });
        Ok(sources.collect::<Result<_>>()?)
    }

    fn files(&self) -> Result<Vec<Arc<dyn MetricsSource>>, Box<dyn StdError>> {
        let organization = match self.organizations.as_slice() {
            [] => None,
            [organization] if self.files.len() == 1 => Some(organization),
            _ => {
                return Err(
                    "with --file, --org names the organization of one file: give both once".into(),
                );
            }
        };
        if self.files.iter().any(|path| path.as_os_str() == "-") {
            return Err(
                "--file - is standard input, which cannot be read again: give a file".into(),
            );
        }
        let mut sources: Vec<Arc<dyn MetricsSource>> = Vec::new();
        for path in &self.files {
            for snapshot in snapshot_file::read(path, self.file_format, organization)? {
                sources.push(Arc::new(InFile {
                    organization: snapshot.organization().clone(),
                    given: organization.cloned(),
                    path: path.clone(),
                    format: self.file_format,
                }));
            }
        }
        Ok(sources)
    }

    async fn latest(
        &self,
        history: &Arc<dyn History>,
    ) -> Result<Vec<Arc<dyn MetricsSource>>, Box<dyn StdError>> {
        let organizations = match self.organizations.as_slice() {
            [] => history.organizations().await?,
            organizations => organizations.to_vec(),
        };
        if organizations.is_empty() {
            return Err("the history has no snapshots".into());
        }
        let sources = organizations.into_iter().map(|organization| {
            let history = Arc::clone(history);
            Arc::new(LatestOf {
                organization,
                history,
            }) as _
        });
        Ok(sources.collect())
    }
}

impl Sources {
    pub(crate) fn organizations(&self) -> impl Iterator<Item = Organization> {
        self.sources
            .iter()
            .map(|source| source.organization().clone())
    }

    /// Starts to poll the sources, each with the latest snapshot of the history.
    pub(crate) async fn poll(&self) -> Result<PollerSet> {
        // The user waits for the first snapshots, so none of them is delayed.
        let pollers = PollerSet::builder().with_spread(Duration::ZERO);
        let mut pollers = pollers.with_sources(self.sources.iter().map(Arc::clone))?;
        if let Some(interval) = self.interval {
            pollers = pollers.with_interval(interval);
        }
        if let Some(history) = &self.history {
            for organization in self.organizations() {
                // If the history cannot be read, its trends are missing, but the metrics can still be fetched.
                if let Ok(Some(latest)) = history.latest(&organization).await {
                    pollers = pollers.with_initial(latest);
                }
            }
        }
        Ok(pollers.spawn())
    }
}

/// The latest snapshot of a history that another program records.
#[derive(Debug)]
struct LatestOf {
    organization: Organization,
    history: Arc<dyn History>,
}

#[async_trait]
impl MetricsSource for LatestOf {
    fn organization(&self) -> &Organization {
        &self.organization
    }

    async fn scrape(&self) -> Result<Snapshot> {
        history::latest(&*self.history, &self.organization).await
    }
}

impl fmt::Display for LatestOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LatestOf({}, {})", self.organization, self.history)
    }
}

/// A snapshot in a file, which is read again for each scrape.
#[derive(Debug)]
struct InFile {
    organization: Organization,
    /// The organization that an exposition belongs to, if it was given.
    given: Option<Organization>,
    path: PathBuf,
    format: FileFormat,
}

#[async_trait]
impl MetricsSource for InFile {
    fn organization(&self) -> &Organization {
        &self.organization
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let (path, format, given) = (self.path.clone(), self.format, self.given.clone());
        let read = spawn_blocking(move || {
            snapshot_file::read(&path, format, given.as_ref()).map_err(|fault| fault.to_string())
        });
        let fault = |fault: String| Error::new(ErrorKind::Unavailable, fault);
        let snapshots = read.await.map_err(|stopped| fault(stopped.to_string()))?;
        let snapshots = snapshots.map_err(fault)?;
        let found = snapshots
            .into_iter()
            .find(|found| *found.organization() == self.organization);
        found.ok_or_else(|| {
            let fault = Error::new(
                ErrorKind::NotFound,
                "the file has no snapshot of it any more",
            );
            fault.with_organization(&self.organization)
        })
    }
}

impl fmt::Display for InFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InFile({}, {})", self.organization, self.path.display())
    }
}
