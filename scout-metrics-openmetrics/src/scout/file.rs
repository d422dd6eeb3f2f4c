//! A source that reads an exposition from a file.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use async_trait::async_trait;
use scout_metrics_core::{Error, ErrorKind, MetricsSource, Organization, Result, Snapshot};
use tokio::io::AsyncReadExt;

use super::{
    SnapshotReader,
    seal::{self, SealFault},
};
use crate::Format;

/// A [`MetricsSource`] that reads a file with an exposition, anew at each scrape.
///
/// The file is Prometheus text, or OpenMetrics if it ends in the line `# EOF`, and at most
/// [`FileSource::MAX_SIZE`] long. The time of the snapshot is that of the file's last change. A last line without its
/// line feed is an error, because a file that was written halfway looks so.
///
/// A file that a [`Recorded`](super::Recorded) source wrote says more: the time is that of its scrape, and it is refused
/// if it is damaged, cut short anywhere, or of another organization.
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
    /// The most bytes that a file may have: 64 MiB, as much as the client takes from Docker Scout.
    pub const MAX_SIZE: u64 = 64 << 20;

    /// Creates a source of an organization's data. The file is not looked at before the first scrape.
    pub fn new(organization: Organization, path: impl Into<PathBuf>) -> Self {
        Self::with_reader(SnapshotReader::new(organization), path)
    }

    /// Creates a source that reads with a reader's mode and limits. Its format is not used.
    pub fn with_reader(reader: SnapshotReader, path: impl Into<PathBuf>) -> Self {
        Self {
            reader: reader.with_required_final_newline(true),
            path: path.into(),
        }
    }

    /// Returns a source for each file `<organization>.prom` in a directory, in the order of the names.
    ///
    /// The directory is looked at once, now; other files in it are left out.
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
    /// - [`ErrorKind::Invalid`]: a file `<name>.prom` is named after what cannot be an organization.
    pub fn in_directory(path: impl AsRef<Path>) -> Result<Vec<Self>> {
        let directory = path.as_ref();
        let failed = |error: io::Error| {
            let message = format!("cannot read the directory `{}`", directory.display());
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

    fn error(&self, error: io::Error) -> Error {
        let message = format!("cannot read the file `{}`", self.path.display());
        Error::new(kind_of(&error), message)
            .with_organization(self.organization())
            .with_source(error)
    }

    fn seal_error(&self, fault: SealFault) -> Error {
        let kind = match fault {
            SealFault::Organization(_) => ErrorKind::Config,
            SealFault::Checksum | SealFault::Line | SealFault::Missing => ErrorKind::Decode,
        };
        let message = format!("cannot use the record `{}`", self.path.display());
        Error::new(kind, message)
            .with_organization(self.organization())
            .with_source(fault)
    }

    /// Reads the file, which has to be a record.
    pub(super) async fn read_record(&self) -> Result<Snapshot> {
        let (bytes, _) = self.read().await.map_err(|error| self.error(error))?;
        self.read_sealed(&bytes)
    }

    fn read_sealed(&self, bytes: &[u8]) -> Result<Snapshot> {
        let scraped_at =
            seal::check(bytes, self.organization()).map_err(|fault| self.seal_error(fault))?;
        let reader = self.reader.clone().with_format(Format::Prometheus);
        Ok(reader.read(bytes)?.with_scraped_at(scraped_at))
    }

    async fn read(&self) -> io::Result<(Vec<u8>, SystemTime)> {
        // Looked at before it is opened, because opening a pipe waits for its writer.
        let metadata = tokio::fs::metadata(&self.path).await?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        let file = tokio::fs::File::open(&self.path).await?;
        file.take(Self::MAX_SIZE + 1)
            .read_to_end(&mut bytes)
            .await?;
        if bytes.len() as u64 > Self::MAX_SIZE {
            let message = format!("it is longer than {} bytes", Self::MAX_SIZE);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok((bytes, metadata.modified()?))
    }
}

impl fmt::Display for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({}, {})", self.organization(), self.path.display())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MetricsSource for FileSource {
    fn organization(&self) -> &Organization {
        self.reader.organization()
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let (bytes, modified) = self.read().await.map_err(|error| self.error(error))?;
        if seal::is_sealed(&bytes) {
            return self.read_sealed(&bytes);
        }
        let last_line = bytes.trim_ascii_end().rsplit(|byte| *byte == b'\n').next();
        let format = if last_line == Some(b"# EOF") {
            Format::OpenMetrics
        } else {
            Format::Prometheus
        };
        let snapshot = self.reader.clone().with_format(format).read(&bytes)?;
        Ok(snapshot.with_scraped_at(modified))
    }
}

fn kind_of(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::FileTooLarge => ErrorKind::Limit,
        _ => ErrorKind::Other,
    }
}

/// Returns the organization that a file is named after.
fn organization_of(path: &Path) -> Result<Organization> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Organization::new(&name).map_err(|error| {
        let message = format!(
            "the file `{}` is not named after an organization",
            path.display()
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
