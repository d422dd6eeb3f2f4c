//! The identity of a finding, by which CI services recognize it in the next run.

use std::fmt::Write;

use ring::digest::{SHA256, digest};

use scout_metrics_core::{Organization, gate::Finding};

/// Returns a hexadecimal hash of what the finding is about. It stays the same when only the counts change.
pub(super) fn fingerprint(organization: &Organization, finding: &Finding) -> String {
    // The display name of a policy may change.
    let subject = match finding.policy() {
        Some(policy) => Some(policy.id().to_string()),
        None => finding.subject().map(ToString::to_string),
    };
    let parts = [
        organization.as_str(),
        finding.stream().map_or("", |stream| stream.as_str()),
        subject.as_deref().unwrap_or_default(),
        finding.reason().as_str(),
        finding.rule(),
    ];
    let mut text = String::new();
    for byte in digest(&SHA256, parts.join("\0").as_bytes()).as_ref() {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
