//! `--state-dir`: a directory that keeps the metrics over a restart.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use tokio::{
    sync::Mutex,
    task::{JoinSet, spawn_blocking},
    time::{sleep, timeout},
};

use scout_metrics_core::{
    Error, ErrorKind, History, Organization, RecordHistory, Result, Snapshot, SqliteHistory,
};

use crate::fault;

/// How often the snapshots that are too old are removed.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How long the start of an organization waits for its last snapshot.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The history in the state directory.
///
/// If the file cannot be opened because the disk is full, each later call tries again. A file that is removed or replaced
/// while the program runs is opened again, because SQLite would go on writing to a file that nobody can find.
#[derive(Clone, Debug)]
pub(crate) struct State {
    path: Arc<Path>,
    opened: Arc<Mutex<Option<Opened>>>,
}

#[derive(Debug)]
struct Opened {
    history: SqliteHistory,
    file: Option<FileId>,
}

/// The device and the number of a file, which differ between two files at one path.
type FileId = (u64, u64);

impl State {
    /// Opens the history, and creates the directory if it is missing. A damaged file is moved aside.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the directory cannot be written.
    pub(crate) async fn open(directory: &Path, is_demo: bool) -> Result<Self> {
        let created = directory.to_owned();
        let created = spawn_blocking(move || create(&created)).await;
        created
            .unwrap_or_else(|panic| Err(io::Error::other(panic)))
            .map_err(|cause| unusable(directory, cause))?;
        // Invented metrics must not be served as real ones.
        let name = if is_demo {
            "demo.sqlite"
        } else {
            "history.sqlite"
        };
        let state = Self {
            path: directory.join(name).into(),
            opened: Arc::default(),
        };
        let opened = match state.history().await {
            Err(error) if error.kind() == ErrorKind::Decode => {
                move_aside(&state.path, &error).map_err(|cause| unusable(directory, cause))?;
                state.history().await
            }
            opened => opened,
        };
        match opened {
            Ok(_) => Ok(state),
            Err(error) if error.is_retryable() => {
                tracing::warn!(
                    error = %error.chain(),
                    "cannot open the state directory; the exporter serves without it and tries again after each fetch"
                );
                Ok(state)
            }
            Err(error) => Err(unusable(directory, error)),
        }
    }

    async fn history(&self) -> Result<SqliteHistory> {
        let mut opened = self.opened.lock().await;
        let file = self.file().await;
        if let Some(opened) = opened.as_ref().filter(|opened| opened.file == file) {
            return Ok(opened.history.clone());
        }
        if opened.take().is_some() {
            tracing::warn!(
                path = %self.path.display(),
                "the file of the state directory was removed or replaced; the exporter goes on with the one that is there"
            );
            let directory = self.path.parent().map(Path::to_owned);
            // If this fails, so does opening the file, with a better reason.
            let _ = spawn_blocking(move || directory.map(|directory| create(&directory))).await;
        }
        let history = SqliteHistory::open(&self.path).await?;
        *opened = Some(Opened {
            history: history.clone(),
            file: self.file().await,
        });
        Ok(history)
    }

    /// Returns which file is at the path now, if there is one.
    async fn file(&self) -> Option<FileId> {
        let path = Arc::clone(&self.path);
        let file = spawn_blocking(move || file_id(&path)).await;
        file.ok().flatten()
    }

    /// Returns the last snapshot of an organization, if it is at most this old.
    pub(crate) async fn last(
        &self,
        organization: &Organization,
        max_age: Duration,
    ) -> Option<Snapshot> {
        let read = self.at(organization, SystemTime::now(), max_age);
        let error = match timeout(READ_TIMEOUT, read).await {
            Ok(Ok(snapshot)) => return snapshot,
            Ok(Err(error)) => error.chain().to_string(),
            Err(_) => format!("no answer within {READ_TIMEOUT:?}"),
        };
        tracing::warn!(%organization, error, "cannot read the last metrics from the state directory");
        None
    }

    /// Removes the snapshots that are older than the retention, now and then regularly, until the set is dropped.
    pub(crate) fn prune_regularly(&self, retention: Duration) -> JoinSet<()> {
        let state = self.clone();
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                state.prune_once(retention).await;
                sleep(PRUNE_INTERVAL).await;
            }
        });
        task
    }

    async fn prune_once(&self, retention: Duration) {
        let before = SystemTime::now().checked_sub(retention);
        match self.prune(before.unwrap_or(SystemTime::UNIX_EPOCH)).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "removed old metrics from the state directory"),
            Err(error) => tracing::warn!(
                error = %error.chain(),
                "cannot remove old metrics from the state directory"
            ),
        }
    }
}

#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;

    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Returns nothing, because an open file can neither be removed nor replaced.
#[cfg(not(unix))]
fn file_id(_: &Path) -> Option<FileId> {
    None
}

/// Creates the directory, for its owner only.
fn create(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn unusable(directory: &Path, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let text = format!("cannot use the state directory `{}`", directory.display());
    fault(text).with_source(cause)
}

/// Moves a damaged file aside, replacing an earlier one, so that damage again and again does not fill the disk.
fn move_aside(path: &Path, error: &Error) -> io::Result<()> {
    let with_suffix = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    for suffix in ["", "-wal", "-shm"] {
        let moved = fs::rename(
            with_suffix(suffix),
            with_suffix(&format!("{suffix}.damaged")),
        );
        match moved {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    tracing::warn!(
        error = %error.chain(),
        moved_to = %with_suffix(".damaged").display(),
        "the state directory is damaged; the exporter goes on with an empty one"
    );
    Ok(())
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State({:?})", self.path)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl History for State {
    async fn organizations(&self) -> Result<Vec<Organization>> {
        self.history().await?.organizations().await
    }

    async fn at(
        &self,
        organization: &Organization,
        time: SystemTime,
        tolerance: Duration,
    ) -> Result<Option<Snapshot>> {
        self.history()
            .await?
            .at(organization, time, tolerance)
            .await
    }

    async fn range(
        &self,
        organization: &Organization,
        start: SystemTime,
        end: SystemTime,
        step: Duration,
    ) -> Result<Vec<Snapshot>> {
        self.history()
            .await?
            .range(organization, start, end, step)
            .await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl RecordHistory for State {
    async fn record(&self, snapshot: &Snapshot) -> Result<()> {
        self.history().await?.record(snapshot).await
    }

    async fn prune(&self, before: SystemTime) -> Result<u64> {
        self.history().await?.prune(before).await
    }
}
