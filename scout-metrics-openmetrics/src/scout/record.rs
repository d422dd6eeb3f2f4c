//! The last good answer, kept on disk.

use std::{
    ffi::OsString,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use scout_metrics_core::{Error, ErrorKind, MetricsSource, Organization, Result, Snapshot};
use tokio::{sync::Mutex, task::spawn_blocking};
use tracing::{info, warn};

use super::{FileSource, seal::seal};

/// A source that keeps the last good snapshot of another one in a file, and serves it when that one fails.
///
/// What is recorded outlives the process: a program that is started during an outage serves what was known before.
///
/// # Behaviour and defaults
///
/// - Each new snapshot replaces the file: a temporary file beside it is written, flushed to the disk and renamed, so
///   that whoever reads sees the old record or the new one. A scrape waits for that. If it fails, a warning is logged and
///   the scrape succeeds.
/// - The record is served after any error but [`ErrorKind::Unauthorized`] and [`ErrorKind::Forbidden`], which call for
///   somebody to act; see [`with_record_if`](Self::with_record_if). The file stays as it is. A warning with the error is
///   logged when the source begins to fail, and a line when it answers again.
/// - A record is served up to the age of [25 hours](Self::with_max_age) by the system's clock, as old as a
///   [`Cached`](scout_metrics_core::Cached) source serves a snapshot. [`Snapshot::scraped_at`] tells.
/// - A record that is missing, damaged, cut short or of another organization is not served: the error is that of the
///   source, and a warning says what is wrong. [`record`](Self::record) returns it as an error.
/// - An empty snapshot is an answer like any other, and is recorded.
/// - On Unix the file can be read by its owner only. A file that is there already keeps its permissions.
///
/// # The file
///
/// Prometheus text under a comment with the organization, the time of the scrape and a checksum. [`FileSource`] reads
/// it, and so does everything else that reads Prometheus text. What an exposition cannot say is lost, as in
/// [`encode`](super::encode): the anomalies but for samples that stand in no stream, and streams with neither counts nor
/// policies.
///
/// Each path is for one source of one process.
///
/// # Concurrency
///
/// Any number of scrapes may run at once; the file is written once for each snapshot, by one after the other, and an
/// older snapshot never replaces a newer one. A clone shares all of this.
///
/// # Cancellation
///
/// Drops the scrape of the source. A file that is being written is written to its end.
///
/// # Order
///
/// Outside a [cache](scout_metrics_core::Cached) or a [poller](scout_metrics_core::Poller): there, a snapshot that they
/// repeat is not written again, theirs is preferred to the record, and no record is kept for an hour as if it were new.
///
/// # Example
///
/// ```
/// use scout_metrics_core::{
///     Error, ErrorKind, MemorySource, MetricsSource, Organization, Snapshot, Stream,
/// };
/// use scout_metrics_openmetrics::scout::RecordedExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let directory = folder.path();
/// let path = directory.join("acme.prom");
/// let acme = Organization::new("acme")?;
/// let production = Stream::new("production").with_vulnerabilities("5C 3H".parse()?);
/// let memory = MemorySource::new(Snapshot::new(acme.clone(), [production])?);
/// memory.recorded(&path).scrape().await?;
///
/// let down = MemorySource::failing(acme, Error::new(ErrorKind::Unavailable, "down"));
/// let after_a_restart = down.recorded(&path);
/// assert_eq!(after_a_restart.scrape().await?.streams()[0].name().as_str(), "production");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Recorded<S> {
    source: S,
    file: FileSource,
    max_age: Duration,
    record_if: fn(&Error) -> bool,
    /// The last snapshot that was to be written. Locked while one is.
    last: Arc<Mutex<Option<Snapshot>>>,
    is_covering: Arc<AtomicBool>,
}

impl<S: MetricsSource> Recorded<S> {
    /// Wraps a source and the path of its record. The directory has to be there, the file need not.
    pub fn new(source: S, path: impl Into<PathBuf>) -> Self {
        let file = FileSource::new(source.organization().clone(), path);
        Self {
            source,
            file,
            max_age: Duration::from_secs(25 * 60 * 60),
            record_if: |error| !error.is_denied(),
            last: Arc::default(),
            is_covering: Arc::default(),
        }
    }

    /// Sets up to which age a record is served, by the system's clock; 25 hours by default.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets over which errors the record is served; by default over all but [`ErrorKind::Unauthorized`] and
    /// [`ErrorKind::Forbidden`].
    #[must_use]
    pub fn with_record_if(mut self, is_covered: fn(&Error) -> bool) -> Self {
        self.record_if = is_covered;
        self
    }

    /// Returns the path of the record.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Reads the record, however old it is.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotFound`]: nothing has been recorded yet.
    /// - [`ErrorKind::Decode`]: the file is damaged, cut short, or no record.
    /// - [`ErrorKind::Config`]: it is a record of another organization.
    /// - [`ErrorKind::Limit`]: it is longer than [`FileSource::MAX_SIZE`], or exceeds the default limits of a reader.
    /// - [`ErrorKind::Other`]: the file cannot be read.
    pub async fn record(&self) -> Result<Snapshot> {
        self.file.read_record().await
    }

    /// Writes a snapshot to the file, unless it or a newer one was to be written before.
    async fn keep(&self, snapshot: &Snapshot) {
        let mut last = Arc::clone(&self.last).lock_owned().await;
        let is_new = last.as_ref().is_none_or(|last| {
            !last.is_same(snapshot) && last.scraped_at() <= snapshot.scraped_at()
        });
        if !is_new {
            return;
        }
        let (path, snapshot) = (self.path().to_owned(), snapshot.clone());
        // The lock goes along, so that whoever stops waiting does not let the next write begin.
        let write = spawn_blocking(move || {
            let record = seal(&snapshot);
            *last = Some(snapshot);
            replace(&path, record.as_bytes())
        });
        let written = write
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        if let Err(error) = written {
            warn!(
                organization = %self.organization(),
                error = &error as &dyn std::error::Error,
                "cannot write the record `{}`",
                self.path().display()
            );
        }
    }

    /// Returns the record in place of an answer that failed, or that error.
    async fn stand_in(&self, error: Error) -> Result<Snapshot> {
        match self.young_record().await {
            Ok(snapshot) => {
                self.log_outage(&error);
                Ok(snapshot)
            }
            Err(fault) => {
                warn!(
                    organization = %self.organization(),
                    kind = %fault.kind(),
                    error = &fault as &dyn std::error::Error,
                    "{} fails, and no record stands in",
                    self.source
                );
                Err(error)
            }
        }
    }

    async fn young_record(&self) -> Result<Snapshot> {
        let snapshot = self.record().await?;
        let age = SystemTime::now().duration_since(snapshot.scraped_at());
        // A record from the future was written before the clock was set back.
        let age = age.unwrap_or_default();
        if age <= self.max_age {
            return Ok(snapshot);
        }
        let (path, age, max) = (self.path().display(), age.as_secs(), self.max_age);
        let message = format!("the record `{path}` is {age} seconds old, more than {max:?}");
        Err(Error::new(ErrorKind::Limit, message).with_organization(self.organization()))
    }

    fn log_outage(&self, error: &Error) {
        if !self.is_covering.swap(true, Relaxed) {
            warn!(
                organization = %self.organization(),
                kind = %error.kind(),
                error = error as &dyn std::error::Error,
                "{} fails, serving the record `{}`",
                self.source,
                self.path().display()
            );
        }
    }

    fn log_recovery(&self) {
        if self.is_covering.swap(false, Relaxed) {
            info!(organization = %self.organization(), "{} answers again", self.source);
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: MetricsSource> MetricsSource for Recorded<S> {
    fn organization(&self) -> &Organization {
        self.source.organization()
    }

    async fn scrape(&self) -> Result<Snapshot> {
        match self.source.scrape().await {
            Ok(snapshot) => {
                self.log_recovery();
                self.keep(&snapshot).await;
                Ok(snapshot)
            }
            Err(error) if (self.record_if)(&error) => self.stand_in(error).await,
            Err(error) => Err(error),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Recorded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded")
            .field("source", &self.source)
            .field("path", &self.file.path())
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

impl<S: fmt::Display> fmt::Display for Recorded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Recorded({}, {})",
            self.file.path().display(),
            self.source
        )
    }
}

/// [`Recorded`] as a method, on every [`MetricsSource`].
pub trait RecordedExt: MetricsSource + Sized {
    /// Returns the source with its last good snapshot kept in a file; see [`Recorded`] for its defaults.
    fn recorded(self, path: impl Into<PathBuf>) -> Recorded<Self> {
        Recorded::new(self, path)
    }
}

impl<S: MetricsSource> RecordedExt for S {}

/// Replaces a file, or leaves it as it is.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = temporary_beside(path)?;
    let replaced = write_new(&temporary, content, path).and_then(|()| fs::rename(&temporary, path));
    if replaced.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    replaced.and_then(|()| flush_directory(path))
}

/// Returns a name beside a file that nobody else uses, and that is not one of an exposition.
fn temporary_beside(path: &Path) -> io::Result<PathBuf> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let Some(file_name) = path.file_name() else {
        return Err(io::Error::other(
            "the path does not end in the name of a file",
        ));
    };
    let mut name = OsString::from(".");
    name.push(file_name);
    name.push(format!(
        ".{}-{}.tmp",
        process::id(),
        NEXT.fetch_add(1, Relaxed)
    ));
    Ok(path.with_file_name(name))
}

/// Writes a new file to the disk, with the permissions of the one that it is to replace.
fn write_new(temporary: &Path, content: &[u8], replaced: &Path) -> io::Result<()> {
    // A process that was killed can have had the same number.
    let _ = fs::remove_file(temporary);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(temporary)?;
    match fs::metadata(replaced) {
        Ok(metadata) if metadata.is_file() => file.set_permissions(metadata.permissions())?,
        Ok(_) => return Err(io::Error::other("it is not a regular file")),
        Err(_) => {}
    }
    file.write_all(content)?;
    file.sync_all()
}

/// Writes the new name to the disk. Only Unix opens directories.
fn flush_directory(path: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let directory = path.parent().filter(|path| !path.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use scout_metrics_core::{MemorySource, MetricsSourceExt, Stream, conformance};
    use tempfile::TempDir;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn acme() -> Organization {
        Organization::new("acme").unwrap()
    }

    fn snapshot(stream: &str) -> Snapshot {
        let stream = Stream::new(stream).with_vulnerabilities("5C 3H".parse().unwrap());
        Snapshot::new(acme(), [stream]).unwrap()
    }

    fn failing(kind: ErrorKind) -> MemorySource {
        let error = Error::new(kind, "the source failed").with_organization(&acme());
        MemorySource::failing(acme(), error)
    }

    fn down() -> MemorySource {
        failing(ErrorKind::Unavailable)
    }

    /// Returns a folder with the record of a snapshot, and its path.
    async fn folder_with(snapshot: &Snapshot) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.prom");
        let source = MemorySource::new(snapshot.clone()).recorded(&path);
        assert_eq!(source.scrape().await.unwrap(), *snapshot);
        (folder, path)
    }

    fn stream(answer: Result<Snapshot>) -> String {
        answer.unwrap().streams()[0].name().to_string()
    }

    fn names(folder: &TempDir) -> Vec<OsString> {
        let entries = fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }

    /// The texts of an error and its causes, with the path left out.
    fn chain(error: &Error, path: &Path) -> String {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        text.replace(&*path.to_string_lossy(), "PATH")
    }

    #[tokio::test]
    async fn keeps_the_contract_of_a_source() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.prom");
        let memory = MemorySource::new(snapshot("production"));
        let source = memory.clone().recorded(&path);
        conformance::check(&source).await;
        conformance::check_wrapper(&source, &memory);
        let covered = down().recorded(&path);
        conformance::check(&covered).await;

        let nothing = down().recorded(folder.path().join("other.prom"));
        conformance::check_failing(&nothing, ErrorKind::Unavailable).await;
    }

    #[tokio::test]
    async fn serves_after_a_restart_what_was_known_before() {
        let before = snapshot("production").with_scraped_at(SystemTime::now() - HOUR);
        let (folder, path) = folder_with(&before).await;
        assert_eq!(down().recorded(&path).scrape().await.unwrap(), before);
        assert_eq!(names(&folder), ["acme.prom"]);

        let file = FileSource::new(acme(), &path);
        assert_eq!(file.scrape().await.unwrap(), before);
    }

    #[tokio::test]
    async fn the_source_is_preferred_whenever_it_answers() {
        let (_folder, path) = folder_with(&snapshot("1")).await;
        let memory = down();
        let source = memory.clone().recorded(&path);
        assert_eq!(stream(source.scrape().await), "1");
        memory.set(Ok(snapshot("2")));
        assert_eq!(stream(source.scrape().await), "2");
        assert_eq!(stream(source.record().await), "2");
    }

    #[tokio::test]
    async fn a_denied_source_is_not_worked_around_unless_asked_for() {
        let (_folder, path) = folder_with(&snapshot("production")).await;
        for kind in [ErrorKind::Unauthorized, ErrorKind::Forbidden] {
            let source = failing(kind).recorded(&path);
            assert_eq!(source.scrape().await.unwrap_err().kind(), kind);
            let source = source.with_record_if(|_| true);
            assert_eq!(stream(source.scrape().await), "production");
        }
    }

    #[tokio::test]
    async fn a_record_is_served_up_to_its_greatest_age() {
        let old = snapshot("production").with_scraped_at(SystemTime::now() - 26 * HOUR);
        let (_folder, path) = folder_with(&old).await;
        let source = down().recorded(&path);
        assert_eq!(
            source.scrape().await.unwrap_err().kind(),
            ErrorKind::Unavailable
        );
        assert_eq!(stream(source.record().await), "production");
        let patient = source.with_max_age(27 * HOUR);
        assert_eq!(stream(patient.scrape().await), "production");
    }

    #[tokio::test]
    async fn a_record_from_before_the_clock_was_set_back_is_served() {
        let future = snapshot("production").with_scraped_at(SystemTime::now() + 48 * HOUR);
        let (_folder, path) = folder_with(&future).await;
        assert_eq!(stream(down().recorded(&path).scrape().await), "production");
    }

    #[tokio::test]
    async fn a_record_that_was_cut_short_or_changed_is_reported_and_never_served() {
        let (_folder, path) = folder_with(&snapshot("production")).await;
        let whole = fs::read(&path).unwrap();
        let source = down().recorded(&path);
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            let error = source.scrape().await.unwrap_err();
            assert_eq!(error.to_string(), "organization `acme`: the source failed");
            assert_eq!(source.record().await.unwrap_err().kind(), ErrorKind::Decode);
        }
        let changed = String::from_utf8(whole).unwrap().replace("} 5", "} 4");
        fs::write(&path, changed).unwrap();
        assert!(source.scrape().await.is_err());
        let expected = "organization `acme`: cannot use the record `PATH`: \
                        it is damaged or was cut short: its checksum is wrong";
        assert_eq!(chain(&source.record().await.unwrap_err(), &path), expected);
        let file = FileSource::new(acme(), &path);
        assert_eq!(chain(&file.scrape().await.unwrap_err(), &path), expected);
    }

    #[tokio::test]
    async fn what_is_no_record_of_the_organization_is_refused() {
        let (folder, path) = folder_with(&snapshot("production")).await;
        let source = down().recorded(folder.path().join("other.prom"));
        let error = source.record().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);

        let other = Organization::new("other").unwrap();
        let error = Error::new(ErrorKind::Unavailable, "down").with_organization(&other);
        let source = MemorySource::failing(other, error).recorded(&path);
        assert!(source.scrape().await.is_err());
        let error = source.record().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            chain(&error, &path),
            "organization `other`: cannot use the record `PATH`: \
             it is a record of the organization `acme`"
        );

        let exposition = "scout_stream_vulnerabilities{streamName=\"a\",severity=\"HIGH\"} 3\n";
        fs::write(&path, exposition).unwrap();
        let error = down().recorded(&path).record().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(
            chain(&error, &path),
            "organization `acme`: cannot use the record `PATH`: \
             it is no record: the first line that says so is missing"
        );
    }

    #[tokio::test]
    async fn a_scrape_succeeds_where_its_record_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("acme.prom");
        fs::create_dir(&directory).unwrap();
        let missing = folder.path().join("missing").join("acme.prom");
        for path in [&directory, &missing, Path::new("/"), Path::new("")] {
            let source = MemorySource::new(snapshot("production")).recorded(path);
            assert_eq!(stream(source.scrape().await), "production");
            assert!(source.record().await.is_err());
        }
        assert_eq!(names(&folder), ["acme.prom"]);
    }

    #[tokio::test]
    async fn what_a_cache_repeats_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.prom");
        let cached = MemorySource::new(snapshot("production")).cached(HOUR);
        let source = cached.recorded(&path);
        source.scrape().await.unwrap();
        fs::remove_file(&path).unwrap();
        source.scrape().await.unwrap();
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn an_older_snapshot_does_not_replace_a_newer_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.prom");
        let memory = MemorySource::new(snapshot("newer"));
        let source = memory.clone().recorded(&path);
        source.scrape().await.unwrap();
        memory.set(Ok(
            snapshot("older").with_scraped_at(SystemTime::now() - HOUR)
        ));
        source.scrape().await.unwrap();
        assert_eq!(stream(source.record().await), "newer");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_reader_sees_whole_records_while_they_are_replaced() {
        let (folder, path) = folder_with(&snapshot("production")).await;
        let memory = MemorySource::new(snapshot("production"));
        let writer = memory.clone().recorded(&path);
        let writing = tokio::spawn(async move {
            for _ in 0..50 {
                memory.set(Ok(snapshot("production")));
                writer.scrape().await.unwrap();
            }
        });
        let reader = FileSource::new(acme(), &path);
        while !writing.is_finished() {
            assert_eq!(stream(reader.read_record().await), "production");
        }
        writing.await.unwrap();
        assert_eq!(names(&folder), ["acme.prom"]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_file_is_for_its_owner_unless_it_was_opened_to_others() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (folder, path) = folder_with(&snapshot("production")).await;
        assert_eq!(mode(&path), 0o600);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let source = MemorySource::new(snapshot("2")).recorded(&path);
        source.scrape().await.unwrap();
        assert_eq!(mode(&path), 0o644);
        assert_eq!(stream(source.record().await), "2");

        let device = folder.path().join("device");
        symlink("/dev/null", &device).unwrap();
        let source = MemorySource::new(snapshot("2")).recorded(&device);
        source.scrape().await.unwrap();
        assert_eq!(fs::read_link(&device).unwrap(), Path::new("/dev/null"));
    }

    #[tokio::test]
    async fn shows_what_it_wraps() {
        let source = down().recorded("acme.prom");
        assert_eq!(source.to_string(), "Recorded(acme.prom, Memory(acme))");
    }
}
