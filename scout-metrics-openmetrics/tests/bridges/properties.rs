//! Any snapshot is collected as it is written.

use proptest::prelude::*;
use scout_metrics_core::{Policy, PolicyResult, Severity, Snapshot, Stream, VulnerabilityCounts};

use crate::{
    hosts::{self, Host},
    series::encoded,
    snapshots::organization,
};

fn counts() -> impl Strategy<Value = VulnerabilityCounts> {
    let known = prop::collection::vec(prop::option::of(0..=Snapshot::MAX_COUNT), 5);
    let unrecognized = prop::collection::vec(("[a-z\"\\\\\n]{1,4}", 0..9u64), 0..3);
    (known, unrecognized).prop_map(|(known, unrecognized)| {
        let mut counts = VulnerabilityCounts::new();
        for (severity, count) in Severity::ALL.into_iter().zip(known) {
            if let Some(count) = count {
                counts.set(severity, count).unwrap();
            }
        }
        for (name, count) in unrecognized {
            counts = counts.with_unrecognized(&name, count).unwrap();
        }
        counts
    })
}

fn policies() -> impl Strategy<Value = Vec<PolicyResult>> {
    let policy = ("[ab\"]{1,2}", "\\PC{0,4}", 0..=Snapshot::MAX_COUNT, 0..9u64);
    prop::collection::btree_map("[abc]", policy, 0..4).prop_map(|policies| {
        let result =
            |(key, (id, name, compliant, evaluated)): (String, (String, String, u64, u64))| {
                let policy = Policy::new(format!("{key}{id}"), name);
                PolicyResult::new(policy, compliant, evaluated).unwrap()
            };
        policies.into_iter().map(result).collect()
    })
}

fn snapshots() -> impl Strategy<Value = Vec<Snapshot>> {
    let streams = prop::collection::btree_map("(?s).{1,4}", (counts(), policies()), 0..5);
    prop::collection::vec(streams, 0..3).prop_map(|organizations| {
        let snapshot = |(number, streams): (usize, std::collections::BTreeMap<String, _>)| {
            let stream = |(name, (counts, policies)): (String, (VulnerabilityCounts, Vec<_>))| {
                Stream::new(name)
                    .with_vulnerabilities(counts)
                    .with_policies(policies)
            };
            let streams = streams.into_iter().map(stream);
            Snapshot::new(organization(&format!("org{number}")), streams).unwrap()
        };
        organizations
            .into_iter()
            .enumerate()
            .map(snapshot)
            .collect()
    })
}

fn values<H: Host>(snapshots: &[Snapshot]) -> crate::series::Values {
    let snapshots = snapshots.to_vec();
    H::new(move || snapshots.clone(), false).values()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_snapshots_are_collected_as_they_are_written(snapshots in snapshots()) {
        let expected = encoded(&snapshots, true);
        #[cfg(feature = "metrics")]
        prop_assert_eq!(&values::<hosts::facade::Facade>(&snapshots), &expected);
        #[cfg(feature = "opentelemetry")]
        prop_assert_eq!(&values::<hosts::opentelemetry::OpenTelemetry>(&snapshots), &expected);
        #[cfg(feature = "prometheus")]
        prop_assert_eq!(&values::<hosts::prometheus::Prometheus>(&snapshots), &expected);
        #[cfg(feature = "prometheus-client")]
        prop_assert_eq!(&values::<hosts::prometheus_client::PrometheusClient>(&snapshots), &expected);
    }
}
