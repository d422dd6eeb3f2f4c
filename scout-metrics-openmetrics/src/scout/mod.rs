//! Docker Scout's metrics: expositions to [`Snapshot`](scout_metrics_core::Snapshot)s and back.
//!
//! ```
//! use scout_metrics_core::{Organization, Severity};
//! use scout_metrics_openmetrics::{Format, scout::{SnapshotReader, encode}};
//!
//! let text = b"# TYPE scout_stream_vulnerabilities gauge
//! scout_stream_vulnerabilities{streamName=\"production\",severity=\"HIGH\"} 3
//! ";
//! let reader = SnapshotReader::new(Organization::new("acme")?);
//! let snapshot = reader.read(text)?;
//! assert_eq!(snapshot.streams()[0].vulnerabilities()[Severity::High], 3);
//!
//! let again = reader.read(encode(&snapshot, Format::Prometheus).body())?;
//! assert_eq!(again.streams(), snapshot.streams());
//! # Ok::<(), scout_metrics_core::Error>(())
//! ```
//!
//! [`FileSource`] reads a snapshot from a file, or those of a directory; [`Recorded`] writes one, for the next outage.
//!
//! The names are those of [Docker's documentation](https://docs.docker.com/scout/explore/metrics-exporter/).

mod builder;
mod encode;
mod file;
mod reader;
mod record;
mod seal;

pub use self::{
    encode::encode,
    file::FileSource,
    reader::{RememberingReader, SnapshotDecoder, SnapshotReader},
    record::{Recorded, RecordedExt},
};

/// The family that counts the vulnerabilities of each stream by severity.
pub const STREAM_VULNERABILITIES: &str = "scout_stream_vulnerabilities";

/// The family that counts the images of each stream that comply with a policy.
pub const POLICY_COMPLIANT_IMAGES: &str = "scout_policy_compliant_images";

/// The family that counts the images of each stream that were evaluated against a policy.
pub const POLICY_EVALUATED_IMAGES: &str = "scout_policy_evaluated_images";

/// The label that names the stream.
pub const STREAM_NAME: &str = "streamName";

/// The label that names the severity.
pub const SEVERITY: &str = "severity";

/// The label that identifies the policy.
pub const POLICY_ID: &str = "id";

/// The label with the policy's name for people.
pub const POLICY_DISPLAY_NAME: &str = "displayName";
