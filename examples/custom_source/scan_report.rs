//! A source of your own: one trait to implement.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;

use scout_metrics_core::{Error, ErrorKind, MetricsSource, Organization, Result, Snapshot, Stream};

/// A text file with one line for each stream: its name, a colon, and its counts in Docker's shorthand.
#[derive(Debug)]
pub(crate) struct ScanReport {
    organization: Organization,
    path: PathBuf,
}

impl ScanReport {
    pub(crate) fn new(organization: Organization, path: impl Into<PathBuf>) -> Self {
        Self {
            organization,
            path: path.into(),
        }
    }
}

#[async_trait]
impl MetricsSource for ScanReport {
    fn organization(&self) -> &Organization {
        &self.organization
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let path = self.path.clone();
        let organization = self.organization.clone();
        // Reading and parsing a file blocks, so it must not run on a thread that runs other tasks.
        let parsed = tokio::task::spawn_blocking(move || parse(organization, &path)).await;
        parsed
            .unwrap_or_else(|cause| {
                let message = "the parser of the scan report panicked";
                Err(Error::new(ErrorKind::Other, message).with_source(cause))
            })
            // Every error must name the organization.
            .map_err(|error| error.with_organization(&self.organization))
    }
}

fn parse(organization: Organization, path: &Path) -> Result<Snapshot> {
    let text = fs::read_to_string(path).map_err(|cause| {
        let message = "cannot read the scan report";
        Error::new(kind_of(&cause), message).with_source(cause)
    })?;
    let streams: Result<Vec<_>> = (1..)
        .zip(text.lines())
        .map(|(number, line)| stream(number, line))
        .collect();
    Snapshot::new(organization, streams?).map_err(|cause| {
        let message = "the scan report breaks a rule of snapshots";
        Error::new(ErrorKind::Decode, message).with_source(cause)
    })
}

/// The kind tells callers whether a retry can help; see [`ErrorKind`].
fn kind_of(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::InvalidData => ErrorKind::Decode,
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
        _ => ErrorKind::Unavailable,
    }
}

fn stream(number: u64, line: &str) -> Result<Stream> {
    let (name, counts) = line.split_once(':').ok_or_else(|| {
        let message = format!("line {number}: expected a colon after the stream, found {line:?}");
        Error::new(ErrorKind::Decode, message)
    })?;
    let counts = counts.parse().map_err(|cause| {
        let message = format!("line {number}: invalid counts of stream {name:?}");
        Error::new(ErrorKind::Decode, message).with_source(cause)
    })?;
    Ok(Stream::new(name).with_vulnerabilities(counts))
}

impl fmt::Display for ScanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScanReport({})", self.organization)
    }
}
