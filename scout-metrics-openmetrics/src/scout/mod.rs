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
//! [`encode_into`] writes several snapshots into one exposition, [`families`] returns them as families, and [`FileSource`]
//! reads snapshots from files.
//!
//! # Nothing is lost
//!
//! Each sample of an exposition is in a stream of the snapshot, or in an [anomaly](scout_metrics_core::Anomaly) that
//! holds it as [unplaced](scout_metrics_core::Anomaly::is_unplaced), and is written again either way. Samples are
//! never merged: one with an unknown label may be a part of a count, so it is in no stream. There is one exception. If
//! a series occurs twice, with the same labels, the first value is kept and the second is in an anomaly of the kind
//! [`DuplicateSample`](scout_metrics_core::AnomalyKind::DuplicateSample), because an exposition cannot hold a series
//! twice.
//!
//! At most 100,000 anomalies, and 32 MiB of them, are kept; an exposition with more cannot be read
//! ([`ErrorKind::Limit`](scout_metrics_core::ErrorKind::Limit)).
//!
//! # Names
//!
//! All names except [`STREAM_EMPTY`] are those of
//! [Docker's documentation](https://docs.docker.com/scout/explore/metrics-exporter/).

mod anomalies;
mod builder;
mod constant_labels;
mod encode;
mod error;
mod families;
mod file;
pub(crate) mod part;
mod reader;
mod series;
mod shape;
mod unknown;
pub(crate) mod unplaced;
pub(crate) mod walk;

use scout_metrics_core::{PolicyId, Severity, StreamName};

pub use self::{
    encode::{encode, encode_into},
    families::families,
    file::FileSource,
    reader::{SnapshotDecoder, SnapshotReader},
};

/// The family that counts the vulnerabilities of each stream by severity.
pub const STREAM_VULNERABILITIES: &str = "scout_stream_vulnerabilities";

/// The family that counts the images of each stream that comply with a policy.
pub const POLICY_COMPLIANT_IMAGES: &str = "scout_policy_compliant_images";

/// The family that counts the images of each stream that were evaluated against a policy.
pub const POLICY_EVALUATED_IMAGES: &str = "scout_policy_evaluated_images";

/// The family that lists the streams without any data, with the value 1. It is ours, not Docker Scout's, and is written
/// only if there is such a stream.
pub const STREAM_EMPTY: &str = "scout_stream_empty";

/// The label that names the stream.
pub const STREAM_NAME: &str = StreamName::LABEL;

/// The label that names the severity.
pub const SEVERITY: &str = Severity::LABEL;

/// The label that identifies the policy.
pub const POLICY_ID: &str = PolicyId::LABEL;

/// The label with the policy's human-readable name.
pub const POLICY_DISPLAY_NAME: &str = "displayName";
