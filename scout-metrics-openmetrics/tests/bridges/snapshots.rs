//! Snapshots that are hard to carry.

use scout_metrics_core::{
    Anomaly, AnomalyKind, Organization, Policy, PolicyResult, RawSample, Severity, Snapshot,
    Stream, VulnerabilityCounts,
};

pub(crate) const NASTY: [&str; 6] = [
    "say \"hi\"",
    r"C:\new\",
    "two\nlines",
    "日本 🚢",
    "a,b=\"{}\" # 1",
    " ",
];

pub(crate) fn organization(name: &str) -> Organization {
    Organization::new(name).unwrap()
}

/// A snapshot with nasty names, extreme counts, a stream without data, unrecognized severities and unplaced samples.
pub(crate) fn nasty(name: &str) -> Snapshot {
    let streams = NASTY.iter().enumerate().map(|(place, name)| {
        let counts = VulnerabilityCounts::new()
            .with(Severity::Critical, Snapshot::MAX_COUNT)
            .unwrap()
            .with(Severity::Low, 0)
            .unwrap()
            .with_unrecognized(name, 7)
            .unwrap();
        // Two policies in changing order, so that a place has not always the same one.
        let policy = |id: &str, display_name: &str| {
            let result = PolicyResult::new(Policy::new(id, display_name), place as u64, 9);
            result.unwrap()
        };
        let mut policies = vec![policy(name, ""), policy("no-copyleft", name)];
        policies.rotate_left(place % 2);
        Stream::new(*name)
            .with_vulnerabilities(counts)
            .with_policies(policies)
    });
    let streams = streams.chain([Stream::new("empty \"one\"")]);
    Snapshot::new(organization(name), streams)
        .unwrap()
        .with_anomalies(unplaced())
}

fn unplaced() -> Vec<Anomaly> {
    let sample = |name: &str, labels: &[(&str, &str)], value| {
        let labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let sample = RawSample::new(name, labels.collect(), value);
        Anomaly::new(AnomalyKind::Other, "for a test").with_unplaced(sample)
    };
    let known = "scout_stream_vulnerabilities";
    vec![
        sample(known, &[("streamName", "a"), ("packageType", "npm\n")], 3.0),
        sample(known, &[("streamName", ""), ("org", "\"theirs\"")], 4.0),
        sample("scout_later", &[("x", "y")], 0.25),
        sample("scout_later", &[], 2.0),
        // No registry escapes names.
        sample("scout_later", &[("not plain", "y")], 1.0),
        sample("scout.later", &[], 1.0),
        // These could be metrics of the program.
        sample("process_start_time_seconds", &[], 1.0),
        sample("scout_exporter_up", &[("org", "acme")], 1.0),
    ]
}

pub(crate) fn small(name: &str, streams: &[&str]) -> Snapshot {
    let stream = |name: &&str| Stream::new(*name).with_vulnerabilities("5C 3H".parse().unwrap());
    Snapshot::new(organization(name), streams.iter().map(stream)).unwrap()
}
