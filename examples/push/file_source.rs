//! A file with snapshots as a source, read again at each scrape.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use tokio::task::spawn_blocking;

use scout_metrics_core::{Error, ErrorKind, MetricsSource, Organization, Result, Snapshot};
use scout_metrics_examples::snapshot_file::{self, FileFormat};

/// The snapshot of one organization in a file of any kind that `snapshot_file` reads.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotFile {
    path: PathBuf,
    format: FileFormat,
    organization: Organization,
}

impl SnapshotFile {
    pub(crate) fn new(path: &Path, format: FileFormat, organization: Organization) -> Self {
        Self {
            path: path.to_owned(),
            format,
            organization,
        }
    }
}

#[async_trait]
impl MetricsSource for SnapshotFile {
    fn organization(&self) -> &Organization {
        &self.organization
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let (path, format) = (self.path.clone(), self.format);
        let organization = self.organization.clone();
        let read = move || {
            let snapshot = snapshot_file::read_one(&path, format, Some(&organization));
            snapshot.map_err(|error| Error::new(ErrorKind::Other, error.to_string()))
        };
        let snapshot = spawn_blocking(read).await;
        snapshot.map_err(|error| Error::new(ErrorKind::Other, error.to_string()))?
    }
}

impl fmt::Display for SnapshotFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SnapshotFile({})", self.path.display())
    }
}
