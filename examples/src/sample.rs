//! Metrics of an organization that does not exist, for programs that run without an account.

use scout_metrics_core::{Organization, Policy, PolicyResult, Result, Snapshot, Stream};

/// The identifiers and names of the policies.
pub(crate) const POLICIES: [(&str, &str); 4] = [
    ("default-non-root-user", "Default non-root user"),
    ("no-agpl-v3", "No AGPL v3 licenses"),
    (
        "no-fixable-vulnerabilities",
        "No fixable critical or high vulnerabilities",
    ),
    ("supply-chain-attestations", "Supply chain attestations"),
];

/// Returns what Docker Scout could report about the organization `acme`.
///
/// # Errors
///
/// None: the data follows the rules of the models, which a test checks.
pub fn snapshot() -> Result<Snapshot> {
    let latest =
        Stream::new("latest-indexed").with_vulnerabilities("12C 40H 131M 310L 6?".parse()?);
    let production = Stream::new("production").with_vulnerabilities("0C 3H 6M 63L".parse()?);
    let staging = Stream::new("staging").with_vulnerabilities("5C 17H 44M 98L 1?".parse()?);
    let streams = [
        with_policies(latest, [(38, 41), (41, 41), (29, 41), (0, 0)])?,
        with_policies(production, [(12, 12), (12, 12), (12, 12), (12, 12)])?,
        with_policies(staging, [(7, 9), (9, 9), (8, 9), (0, 9)])?,
    ];
    Snapshot::new(Organization::new("acme")?, streams)
}

fn with_policies(stream: Stream, counts: [(u64, u64); 4]) -> Result<Stream> {
    POLICIES.into_iter().zip(counts).try_fold(
        stream,
        |stream, ((id, name), (compliant, evaluated))| {
            Ok(stream.with_policy(PolicyResult::new(
                Policy::new(id, name),
                compliant,
                evaluated,
            )?))
        },
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_sample_follows_the_rules_of_the_models() {
        let snapshot = super::snapshot().unwrap();
        assert_eq!(snapshot.streams().len(), 3);
        assert!(
            snapshot
                .streams()
                .iter()
                .all(|stream| stream.policies().len() == 4)
        );
    }
}
