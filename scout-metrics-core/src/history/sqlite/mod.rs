//! A history in one SQLite file.

mod fault;
mod read;
mod schema;
mod series;
mod time;
mod write;

use std::{
    fmt,
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use rusqlite::{Connection, MAIN_DB, OpenFlags};
use tokio::{sync::Mutex, task::spawn_blocking, time::timeout};

use self::fault::Fault;
use super::range_times;
use crate::{Error, ErrorKind, History, Organization, RecordHistory, Result, Snapshot};

/// The maximum number of values in the answer to one range, about 500 MB of snapshots.
const MAX_RANGE_VALUES: usize = 10_000_000;

/// How long a statement waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A history in one SQLite file, which other programs can query with SQL.
///
/// # Behaviour and defaults
///
/// - A new file is created with permission for its owner only (0600 on Unix). The directory must exist.
/// - Times are kept to the millisecond, rounded down. Everything else of a snapshot comes back equal.
/// - A value is stored when it changes, so a year of hourly snapshots of an organization takes a few megabytes. Space
///   of [pruned](RecordHistory::prune) snapshots is reused, not returned to the file system.
/// - A write is in the file when [`record`](RecordHistory::record) returns, and survives a crash of the process. A
///   crash of the machine may lose the last writes but does not damage the file (SQLite's `WAL` with
///   `synchronous = NORMAL`). The file must be on a local disk.
/// - Each snapshot has a checksum. A file that was damaged is refused when it is opened, or else when the damaged
///   snapshot is read, with an error of kind [`Decode`](ErrorKind::Decode).
/// - A file with a newer schema, or of another program, is refused with [`Config`](ErrorKind::Config).
/// - Disk access runs on tokio's blocking threads, at most two at a time for a history and its clones: one to read and
///   one to write. A call fails with [`Timeout`](ErrorKind::Timeout) after 30 seconds; see
///   [`with_timeout`](Self::with_timeout). The work that it began then ends by itself.
/// - Any number of processes may read the file while one writes. Writers wait for each other for up to 5 seconds.
///
/// # Schema
///
/// Two views are stable: they have one row for each time and value, and none for what was not reported at that time.
/// `time` is text in UTC such as `2026-11-22T05:34:33.000Z`, which sorts by time and which SQLite's date functions read.
///
/// | view | columns |
/// |---|---|
/// | `vulnerabilities` | `organization`, `time`, `stream`, `severity`, `count` |
/// | `policies` | `organization`, `time`, `stream`, `policy_id`, `display_name`, `compliant`, `evaluated` |
///
/// The critical vulnerabilities of production over time, and the policies that some image violates in the
/// latest results of each organization:
///
/// ```sql
/// SELECT time, count FROM vulnerabilities
/// WHERE organization = 'acme' AND stream = 'production' AND severity = 'CRITICAL' ORDER BY time;
///
/// SELECT organization, stream, display_name, evaluated - compliant AS violating FROM policies
/// WHERE (organization, time) IN (SELECT organization, max(time) FROM policies GROUP BY organization)
///   AND compliant < evaluated ORDER BY violating DESC;
/// ```
///
/// The tables may change with the schema version, which is SQLite's `user_version`.
///
/// # Example
///
/// ```
/// use scout_metrics_core::{HistoryExt, Organization, RecordHistory, Snapshot, SqliteHistory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("scout.db");
/// let acme = Organization::new("acme")?;
/// let history = SqliteHistory::open(path).await?;
/// history.record(&Snapshot::new(acme.clone(), [])?).await?;
/// assert!(history.latest(&acme).await?.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteHistory {
    path: Arc<Path>,
    timeout: Duration,
    reader: Arc<Mutex<Connection>>,
    writer: Arc<Mutex<Connection>>,
}

impl SqliteHistory {
    /// The default bound on the time of a call.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

    /// Opens a file, or creates it.
    ///
    /// An existing file is checked for damage, which reads it once.
    ///
    /// # Errors
    ///
    /// All name the path. [`NotFound`](ErrorKind::NotFound) if the directory does not exist,
    /// [`Config`](ErrorKind::Config) if the file cannot be read and written, is a directory, belongs to another
    /// program or has a newer schema, [`Decode`](ErrorKind::Decode) if it is damaged, and
    /// [`Unavailable`](ErrorKind::Unavailable) if another process has locked it.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path: Arc<Path> = path.as_ref().into();
        let opened = Arc::clone(&path);
        let (reader, writer) = joined(spawn_blocking(move || open_both(&opened)).await)??;
        Ok(Self {
            path,
            timeout: Self::DEFAULT_TIMEOUT,
            reader: Arc::new(Mutex::new(reader)),
            writer: Arc::new(Mutex::new(writer)),
        })
    }

    /// Sets the maximum time that a call waits for the disk; 30 seconds by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Returns the path that was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn run<T: Send + 'static>(
        &self,
        connection: &Arc<Mutex<Connection>>,
        work: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T> {
        let connection = Arc::clone(connection).lock_owned();
        let work = async {
            let mut connection = connection.await;
            joined(spawn_blocking(move || work(&mut connection)).await)
        };
        match timeout(self.timeout, work).await {
            Ok(done) => done?.map_err(|fault| fault.into_error(&self.path)),
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                format!(
                    "the history {:?} did not answer within {:?}",
                    self.path, self.timeout
                ),
            )),
        }
    }

    /// Returns the last snapshot later than `after` and not later than `until`.
    async fn last(
        &self,
        organization: &Organization,
        after: i64,
        until: i64,
    ) -> Result<Option<Snapshot>> {
        let name = organization.clone();
        self.run(&self.reader, move |connection| {
            read::last(connection, &name, after, until)
        })
        .await
        .map_err(|error| error.with_organization(organization))
    }
}

fn joined<T>(result: Result<T, tokio::task::JoinError>) -> Result<T> {
    result.map_err(|error| {
        let (kind, message) = match error.is_panic() {
            true => (ErrorKind::Other, "the work on a history panicked"),
            false => (ErrorKind::Unavailable, "the runtime is shutting down"),
        };
        Error::new(kind, message)
    })
}

fn open_both(path: &Path) -> Result<(Connection, Connection)> {
    // SQLite gives `:memory:` and the empty path a special meaning.
    let absolute = std::path::absolute(path).map_err(|error| cannot_open(path, error))?;
    create(&absolute).map_err(|error| cannot_open(path, error))?;
    connect(&absolute).map_err(|fault| fault.into_error(path))
}

fn cannot_open(path: &Path, error: io::Error) -> Error {
    let (kind, what) = match error.kind() {
        io::ErrorKind::InvalidData => (ErrorKind::Decode, "is damaged"),
        io::ErrorKind::NotFound => (ErrorKind::NotFound, "cannot be opened"),
        _ => (ErrorKind::Config, "cannot be opened"),
    };
    let message = format!("the history {path:?} {what}");
    Error::new(kind, message).with_source(error)
}

/// Creates the file if it does not exist. SQLite gives its other files the same permissions.
///
/// An existing file is not opened: closing it would release the locks that connections of this process have on it, and
/// another process would then delete the log that they write.
fn create(path: &PathBuf) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let metadata = std::fs::metadata(path)?;
    match metadata.len() {
        _ if !metadata.is_file() => Err(io::Error::other("not a file")),
        // SQLite would treat a file of one byte as an empty one.
        1 => Err(io::Error::new(io::ErrorKind::InvalidData, "one byte")),
        _ => Ok(()),
    }
}

fn connect(path: &Path) -> Result<(Connection, Connection), Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(connection)
    };
    let mut writer = open()?;
    // SQLite opens a file that cannot be written for reading only, without an error.
    if writer.is_readonly(MAIN_DB)? {
        return Err(Fault::read_only());
    }
    schema::prepare(&mut writer)?;
    // Only now, because a file of another program has to stay as it is.
    writer.pragma_update(None, "journal_mode", "WAL")?;
    let reader = open()?;
    reader.pragma_update(None, "query_only", true)?;
    Ok((reader, writer))
}

impl fmt::Debug for SqliteHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteHistory")
            .field("path", &self.path)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Quotes the path, so that any path is one line.
impl fmt::Display for SqliteHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqliteHistory({:?})", self.path)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl History for SqliteHistory {
    async fn organizations(&self) -> Result<Vec<Organization>> {
        self.run(&self.reader, |connection| read::organizations(connection))
            .await
    }

    async fn at(
        &self,
        organization: &Organization,
        time: SystemTime,
        tolerance: Duration,
    ) -> Result<Option<Snapshot>> {
        let until = time::millis(time);
        let after = until
            .saturating_sub(time::duration(tolerance))
            .saturating_sub(1);
        self.last(organization, after, until).await
    }

    async fn range(
        &self,
        organization: &Organization,
        start: SystemTime,
        end: SystemTime,
        step: Duration,
    ) -> Result<Vec<Snapshot>> {
        let mut snapshots = Vec::new();
        let mut values = 0;
        // One step at a time, so that other reads need not wait for all, and a dropped future ends the work.
        for time in range_times(start, end, step)? {
            let after = time.checked_sub(step).map_or(-1, time::millis);
            let Some(snapshot) = self.last(organization, after, time::millis(time)).await? else {
                continue;
            };
            values += series::entries(&snapshot).len() + snapshot.anomalies().len();
            if values > MAX_RANGE_VALUES {
                let message =
                    format!("the range has more than the limit of {MAX_RANGE_VALUES} values");
                return Err(Error::new(ErrorKind::Limit, message).with_organization(organization));
            }
            snapshots.push(snapshot);
        }
        Ok(snapshots)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl RecordHistory for SqliteHistory {
    async fn record(&self, snapshot: &Snapshot) -> Result<()> {
        let organization = snapshot.organization();
        let snapshot = snapshot.clone();
        self.run(&self.writer, move |connection| {
            write::record(connection, &snapshot)
        })
        .await
        .map_err(|error| error.with_organization(organization))
    }

    async fn prune(&self, before: SystemTime) -> Result<u64> {
        let before = time::millis(before);
        self.run(&self.writer, move |connection| {
            write::prune(connection, before)
        })
        .await
    }
}
