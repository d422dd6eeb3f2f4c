//! A source that reads the reports of scanners.

mod directory;
mod file;
mod policies;
mod sarif;
mod stream;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;

use self::{file::shown, stream::Reading};
use crate::{Error, ErrorKind, MetricsSource, Organization, PolicyId, Result, Snapshot};

/// A [`MetricsSource`] that reads the reports of scanners from a directory at each scrape.
///
/// Whoever has no subscription of Docker Scout gets the same snapshots, and so the same gates, histories and dashboards, from
/// the reports of `docker scout cves`, Trivy, Grype or any other tool that writes [SARIF].
///
/// [SARIF]: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
///
/// # Files
///
/// The directory has a directory for each stream, which has two files for each image, and nothing else:
///
/// ```text
/// scans/
///   production/
///     nginx.sarif            docker scout cves --format sarif --output scans/production/nginx.sarif nginx
///     nginx.policy.json      docker scout policy --result-file scans/production/nginx.policy.json nginx
///     redis.sarif            trivy image --format sarif --output scans/production/redis.sarif redis
///   staging/
///     api.sarif.json         grype api --output sarif=scans/staging/api.sarif.json
/// ```
///
/// - The name of a report ends with `.sarif` or `.sarif.json`. The result of the policies of the same image, if there is one,
///   ends with `.policy.json` after the same name.
/// - A directory without files is a stream of which nothing is reported. A stream of each image is a directory for each.
/// - Hidden files, whose names start with a dot, are ignored. Write a report to one and rename it, so that it is never read
///   half written. Symbolic links are followed.
/// - Anything else is an error, because an image that was saved under another name would count as having no vulnerabilities.
///
/// # What is counted
///
/// A vulnerability is counted once for each image and package, however often a report repeats it. A package in two versions
/// is two packages. If repetitions differ in severity, the worst counts.
///
/// | scanner (name of the driver) | what counts | package |
/// |---|---|---|
/// | Docker Scout (`docker scout`) | all results | the rule's `purl` and `purls` |
/// | Grype (`grype`) | all results | package and version in the message of the result |
/// | Trivy (`Trivy`) | results whose rule has the tag `vulnerability`, so no secrets, misconfigurations or licences | `Package` and `Installed Version` in the message of the result |
/// | any other | all results | `purl` and `purls` of the result and the rule |
///
/// If the package or the identifier of a result is not known, the result counts by itself. Results that SARIF calls passed, informational, not
/// applicable, absent or suppressed do not count.
///
/// The severity is the first of these that is there. A word wins over a number, because scanners write a number for severities
/// that they do not know.
///
/// | where | written by | values |
/// |---|---|---|
/// | the line `Severity: ...` in the message of the result | Trivy | words |
/// | `properties.cvssV3_severity`, of the result or else of the rule | Docker Scout | words |
/// | `properties.tags` | Docker Scout, Trivy | the first that is such a word |
/// | `properties.security-severity` | all three, and others for GitHub | a score from 0.0 to 10.0 |
///
/// | word, in any case | score | severity |
/// |---|---|---|
/// | `CRITICAL` | 9.0 and more | [`Critical`](crate::Severity::Critical) |
/// | `HIGH` | 7.0 to 8.9 | [`High`](crate::Severity::High) |
/// | `MEDIUM` | 4.0 to 6.9 | [`Medium`](crate::Severity::Medium) |
/// | `LOW` | 0.1 to 3.9 | [`Low`](crate::Severity::Low) |
/// | `UNSPECIFIED`, `UNKNOWN`, `NONE` | 0.0 | [`Unspecified`](crate::Severity::Unspecified) |
///
/// The bands are those of [CVSS 3.1, section 5](https://www.first.org/cvss/v3.1/specification-document). Grype writes only the
/// score, so a vulnerability may have another severity here than in its table, which shows what the distribution says.
///
/// An image was evaluated against a policy if its result file has the identifier of the policy, and complies with it if `pass`
/// is true there. Result files have no names for people, so the name of a policy is its identifier unless
/// [`with_display_name`](Self::with_display_name) sets one.
///
/// # What is not counted as zero
///
/// A report that is damaged, half written or not SARIF, a run that failed or has no results, and a result file of policies
/// without a report of the image fail the scrape with an error that names the file.
///
/// Two things are counted as well as possible, with an anomaly of kind [`Deviation`](crate::AnomalyKind::Deviation) that keeps
/// [gates](crate::gate) of the stream from passing:
///
/// - A report of one of the three scanners with rules but no results, as Docker Scout 0.24 writes it. Its rules are counted,
///   which are the vulnerabilities that were found, though maybe not in all packages.
/// - Vulnerabilities without a severity, which are counted as unspecified.
///
/// Words that are no severity are [unrecognized](crate::VulnerabilityCounts::unrecognized) severities, with an anomaly of kind
/// [`UnknownSeverity`](crate::AnomalyKind::UnknownSeverity).
///
/// A scanner that was told to leave out vulnerabilities does not say so in its report. Scan without filters.
///
/// # Age
///
/// The time of the snapshot is the time of the last modification of the oldest file, so that one image that is no longer
/// scanned makes the snapshot old for [`MaxAge`](crate::MaxAge) and gates. Remove the files of images that are gone. Without
/// any file, the time is that of the scrape.
///
/// # Limits
///
/// A file has at most [`MAX_FILE_SIZE`](Self::MAX_FILE_SIZE), all together [`MAX_TOTAL_SIZE`](Self::MAX_TOTAL_SIZE) bytes; there
/// are at most [`MAX_FILES`](Self::MAX_FILES) files and directories, and [`MAX_POLICIES`](Self::MAX_POLICIES) policies in a file.
/// A file has at most a million JSON objects, and the results of a report name at most a million packages. One file at a time
/// is in memory. Files are read and parsed on tokio's threads for blocking work
/// ([`spawn_blocking`](tokio::task::spawn_blocking)). A scrape that is dropped stops after the current file.
///
/// # Example
///
/// ```
/// use scout_metrics_core::{LocalScans, MetricsSource, Organization};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let scans = directory.path();
/// std::fs::create_dir(scans.join("production"))?;
/// std::fs::write(
///     scans.join("production/nginx.sarif"),
///     r#"{"version": "2.1.0", "runs": [{
///         "tool": {"driver": {"name": "docker scout", "rules": [{
///             "id": "CVE-2026-0001",
///             "properties": {"cvssV3_severity": "HIGH", "purls": ["pkg:deb/debian/openssl@3.0.11"]}
///         }]}},
///         "results": [{"ruleId": "CVE-2026-0001", "ruleIndex": 0}]
///     }]}"#,
/// )?;
/// std::fs::write(
///     scans.join("production/nginx.policy.json"),
///     r#"{"no-root": {"pass": true, "violations": [], "metrics": {}}}"#,
/// )?;
///
/// let source = LocalScans::new(Organization::new("acme")?, scans).with_display_name("no-root", "Default non-root user");
/// let snapshot = source.scrape().await?;
/// let production = snapshot.stream("production").expect("the directory exists");
/// assert_eq!(production.vulnerabilities().to_string(), "0C 1H 0M 0L");
/// let policy = production.policy("no-root").expect("the image was evaluated against it");
/// assert_eq!((policy.compliant(), policy.evaluated()), (1, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct LocalScans {
    organization: Organization,
    directory: PathBuf,
    display_names: BTreeMap<PolicyId, String>,
}

impl LocalScans {
    /// The maximum size of a file in bytes: 64 MiB. A report of Trivy has about 6 KiB for each vulnerability.
    pub const MAX_FILE_SIZE: u64 = 64 << 20;

    /// The maximum size of all files together in bytes: 1 GiB.
    pub const MAX_TOTAL_SIZE: u64 = 1 << 30;

    /// The maximum number of files and directories.
    pub const MAX_FILES: usize = 10_000;

    /// The maximum number of policies in a file.
    pub const MAX_POLICIES: usize = 10_000;

    /// Creates a source of an organization's reports. Does not read the directory.
    pub fn new(organization: Organization, directory: impl Into<PathBuf>) -> Self {
        Self {
            organization,
            directory: directory.into(),
            display_names: BTreeMap::new(),
        }
    }

    /// Sets the name to show to people for a policy; its identifier by default.
    #[must_use]
    pub fn with_display_name(mut self, id: impl Into<PolicyId>, name: impl Into<String>) -> Self {
        self.display_names.insert(id.into(), name.into());
        self
    }

    /// Returns the directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn read(&self, is_dropped: &AtomicBool) -> Result<Snapshot> {
        let mut reading = Reading::new(&self.display_names);
        for (name, images) in directory::streams(&self.directory)? {
            let mut stream = reading.stream(&name);
            for image in images {
                if is_dropped.load(Ordering::Relaxed) {
                    return Err(Error::new(ErrorKind::Other, "the scrape was dropped"));
                }
                stream.add(&image)?;
            }
            stream.finish()?;
        }
        reading.into_snapshot(&self.organization)
    }
}

impl fmt::Display for LocalScans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let directory = shown(&self.directory);
        write!(f, "LocalScans({}, {directory})", self.organization)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MetricsSource for LocalScans {
    fn organization(&self) -> &Organization {
        &self.organization
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let guard = SetOnDrop(Arc::default());
        let is_dropped = Arc::clone(&guard.0);
        let source = self.clone();
        tokio::task::spawn_blocking(move || source.read(&is_dropped))
            .await
            .unwrap_or_else(|error| {
                let message = "the task that reads the reports failed";
                Err(Error::new(ErrorKind::Other, message).with_source(error))
            })
            .map_err(|error| error.with_organization(&self.organization))
    }
}

/// Tells a blocking task, which cannot be aborted, that nobody waits for it.
struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
