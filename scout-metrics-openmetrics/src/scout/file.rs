//! A source that reads an exposition from a file.

use std::{
    error::Error as StdError,
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use async_trait::async_trait;
use scout_metrics_core::{Error, ErrorKind, MetricsSource, Organization, Result, Snapshot};

use super::SnapshotReader;
use crate::{Format, error::printable};

/// A [`MetricsSource`] that reads an exposition from a file at each scrape.
///
/// The file is Prometheus text, or OpenMetrics if its last line is `# EOF`, and has at most
/// [`FileSource::MAX_SIZE`] bytes. The time of the snapshot is the time of the file's last modification. An empty file
/// and a last line without a line feed are errors, because a file that is still being written looks the same.
///
/// Files are read and parsed on tokio's threads for blocking work ([`spawn_blocking`](tokio::task::spawn_blocking)).
///
/// ```
/// use scout_metrics_core::{MetricsSource, Organization};
/// use scout_metrics_openmetrics::scout::FileSource;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("acme.prom");
/// std::fs::write(&path, "scout_stream_vulnerabilities{streamName=\"production\",severity=\"HIGH\"} 3\n")?;
///
/// let source = FileSource::new(Organization::new("acme")?, &path);
/// assert_eq!(source.scrape().await?.streams()[0].vulnerabilities().to_string(), "3H");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FileSource {
    reader: SnapshotReader,
    path: PathBuf,
}

impl FileSource {
    /// The maximum size of a file in bytes: 64 MiB, the limit of the client for the body of a response.
    pub const MAX_SIZE: u64 = 64 << 20;

    /// Creates a source of an organization's data. Does not open the file.
    pub fn new(organization: Organization, path: impl Into<PathBuf>) -> Self {
        Self::with_reader(SnapshotReader::new(organization), path)
    }

    /// Creates a source that uses the options of a reader, except its format.
    pub fn with_reader(reader: SnapshotReader, path: impl Into<PathBuf>) -> Self {
        Self {
            reader: reader.with_required_final_newline(true),
            path: path.into(),
        }
    }

    /// Returns a source for each file `<organization>.prom` in a directory, sorted by name.
    ///
    /// Reads the directory once and ignores other files.
    ///
    /// ```
    /// use scout_metrics_core::MetricsSource;
    /// use scout_metrics_openmetrics::scout::FileSource;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let directory = folder.path();
    /// std::fs::write(directory.join("acme.prom"), "")?;
    /// std::fs::write(directory.join("acme-labs.prom"), "")?;
    /// std::fs::write(directory.join("README.md"), "")?;
    ///
    /// let sources = FileSource::in_directory(directory)?;
    /// let organizations: Vec<_> = sources.iter().map(|source| source.organization().as_str()).collect();
    /// assert_eq!(organizations, ["acme", "acme-labs"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotFound`] or [`ErrorKind::Other`]: the directory cannot be read.
    /// - [`ErrorKind::Invalid`]: the name of a file `<name>.prom` is not a valid name of an organization.
    pub fn in_directory(path: impl AsRef<Path>) -> Result<Vec<Self>> {
        let directory = path.as_ref();
        let failed = |error: io::Error| {
            let message = format!("cannot read the directory `{}`", shown_path(directory));
            Error::new(kind_of(&error), message).with_source(error)
        };
        let mut sources = Vec::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let is_exposition = path
                .extension()
                .is_some_and(|extension| extension == "prom");
            if is_exposition && path.is_file() {
                sources.push(Self::new(organization_of(&path)?, path));
            }
        }
        sources.sort_by(|a, b| a.organization().cmp(b.organization()));
        Ok(sources)
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn error(&self, kind: ErrorKind, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        let message = format!("cannot read the file `{}`", shown_path(&self.path));
        Error::new(kind, message)
            .with_organization(self.organization())
            .with_source(cause)
    }

    fn read(&self) -> Result<Snapshot> {
        let (bytes, modified) = self
            .read_bytes()
            .map_err(|error| self.error(kind_of(&error), error))?;
        let text = bytes.trim_ascii_end();
        if text.is_empty() {
            return Err(self.error(ErrorKind::Decode, "the file is empty"));
        }
        let last_line = text.rsplit(|byte| *byte == b'\n').next();
        let format = if last_line == Some(b"# EOF") {
            Format::OpenMetrics
        } else {
            Format::Prometheus
        };
        let snapshot = self.reader.clone().with_format(format).read(&bytes)?;
        Ok(snapshot.with_scraped_at(modified))
    }

    fn read_bytes(&self) -> io::Result<(Vec<u8>, SystemTime)> {
        // Checked before the file is opened, because opening a pipe waits for its writer.
        let metadata = fs::metadata(&self.path)?;
        if !metadata.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut bytes = Vec::new();
        let file = fs::File::open(&self.path)?;
        file.take(Self::MAX_SIZE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > Self::MAX_SIZE {
            let message = format!("larger than the limit of {} bytes", Self::MAX_SIZE);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok((bytes, metadata.modified()?))
    }
}

impl fmt::Display for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "File({}, {})",
            self.organization(),
            shown_path(&self.path)
        )
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MetricsSource for FileSource {
    fn organization(&self) -> &Organization {
        self.reader.organization()
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let source = self.clone();
        tokio::task::spawn_blocking(move || source.read())
            .await
            .unwrap_or_else(|error| Err(self.error(ErrorKind::Other, error)))
    }
}

fn kind_of(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::FileTooLarge => ErrorKind::Limit,
        _ => ErrorKind::Other,
    }
}

/// Returns a path without what a terminal would act on.
fn shown_path(path: &Path) -> String {
    path.to_string_lossy().chars().map(printable).collect()
}

/// Returns the organization that a file is named after.
fn organization_of(path: &Path) -> Result<Organization> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Organization::new(&name).map_err(|error| {
        let message = format!(
            "the file `{}` is not named after an organization",
            shown_path(path)
        );
        Error::new(ErrorKind::Invalid, message).with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_named_after_an_organization_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("folder.prom")).unwrap();
        fs::write(folder.path().join(".acme.prom.1-0.tmp"), "").unwrap();
        assert!(FileSource::in_directory(folder.path()).unwrap().is_empty());

        let path = folder.path().join("Acme.prom");
        fs::write(&path, "").unwrap();
        let error = FileSource::in_directory(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let expected = format!(
            "the file `{}` is not named after an organization",
            path.display()
        );
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing");
        let error = FileSource::in_directory(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let expected = format!("cannot read the directory `{}`", path.display());
        assert_eq!(error.to_string(), expected);
    }
}
