//! A source that reads an exposition from a file.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use async_trait::async_trait;
use scout_metrics_core::{Error, ErrorKind, MetricsSource, Organization, Result, Snapshot};
use tokio::io::AsyncReadExt;

use super::SnapshotReader;
use crate::Format;

/// A [`MetricsSource`] that reads a file with an exposition, anew at each scrape.
///
/// The file is Prometheus text, or OpenMetrics if it ends in the line `# EOF`, and at most
/// [`FileSource::MAX_SIZE`] long. The time of the snapshot is that of the file's last change. A last line without its
/// line feed is an error, because a file that was written halfway looks so.
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

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn error(&self, error: io::Error) -> Error {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::FileTooLarge => ErrorKind::Limit,
            _ => ErrorKind::Other,
        };
        Error::new(
            kind,
            format!("cannot read the file `{}`", self.path.display()),
        )
        .with_organization(self.organization())
        .with_source(error)
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
        let is_openmetrics = bytes.trim_ascii_end().ends_with(b"# EOF");
        let format = if is_openmetrics {
            Format::OpenMetrics
        } else {
            Format::Prometheus
        };
        let snapshot = self.reader.clone().with_format(format).read(&bytes)?;
        Ok(snapshot.with_scraped_at(modified))
    }
}
