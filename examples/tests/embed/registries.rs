//! Each registry has Docker Scout's metrics among the others.

#[path = "../support/poll.rs"]
mod poll;

use scout_metrics_core::{MemorySource, Snapshot};
use scout_metrics_openmetrics::Format;

use crate::{
    embed::{Embed, PATIENCE},
    program::serve,
    values::{Values, encoded, nasty, of_scout, parsed},
};

const TEXT: &str = "content-type: text/plain; charset=utf-8";
const OPENMETRICS: &str =
    "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";

const PATHS: [(&str, Format, &str); 4] = [
    ("/metrics/prometheus", Format::Prometheus, TEXT),
    (
        "/metrics/prometheus-client",
        Format::OpenMetrics,
        OPENMETRICS,
    ),
    ("/metrics/opentelemetry", Format::Prometheus, TEXT),
    ("/metrics/facade", Format::Prometheus, TEXT),
];

fn served(embed: &Embed, (path, format, content_type): (&str, Format, &str)) -> Values {
    let (head, body) = embed.get(path);
    assert!(head.contains(content_type), "{head}");
    parsed(&body, format)
}

#[test]
fn each_registry_has_the_metrics_of_all_organizations() {
    let snapshots = [nasty("acme"), nasty("apex")];
    let url = serve(snapshots.clone().map(MemorySource::new));
    let embed = Embed::start(&["--org", "acme", "--org", "apex", "--url", &url]);
    let expected = encoded(&snapshots);
    assert_eq!(expected.len(), 2 * (5 * 5 + 2 * 5 + 1));
    for path in PATHS {
        // The facade gets values at an interval, and all of them after the first scrapes.
        let values = poll::until(PATIENCE, path.0, || {
            let values = served(&embed, path);
            (of_scout(values.clone()).len() == expected.len()).then_some(values)
        });
        let has_own = values
            .keys()
            .any(|(name, _)| name == "embed_requests_total");
        assert!(has_own, "{}: {values:?}", path.0);
        assert_eq!(of_scout(values), expected, "{}", path.0);
    }
}

#[test]
fn two_registries_have_the_metrics_of_the_exporter() {
    let embed = Embed::start(&[]);
    embed.get("/scout/metrics");
    let page = embed.get("/").1;
    for path in &PATHS[..2] {
        assert!(page.contains(path.0), "{page}");
        let values = served(&embed, *path);
        let value = |name: &str, label: Option<(&str, &str)>| {
            let has_label = |labels: &std::collections::BTreeMap<String, String>| {
                label.is_none_or(|(name, value)| {
                    labels.get(name).is_some_and(|found| found == value)
                })
            };
            let mut found = values.iter();
            found
                .find(|((found, labels), _)| found == name && has_label(labels))
                .map(|(_, value)| *value)
        };
        for organization in ["acme", "apex"] {
            let up = value("scout_exporter_up", Some(("org", organization)));
            assert!(up.is_some(), "{values:?}");
        }
        let infinite = Some(("le", "+Inf"));
        let name = "scout_exporter_fetch_duration_seconds";
        let count = value(&format!("{name}_count"), None);
        assert_eq!(value(&format!("{name}_bucket"), infinite), count);
        let requests = value("scout_exporter_http_requests_total", Some(("code", "200")));
        assert_eq!(requests, Some(1.0), "{values:?}");
    }
}

#[test]
fn without_a_snapshot_nothing_is_served() {
    use scout_metrics_core::{Error, ErrorKind, Organization};

    let acme = Organization::new("acme").unwrap();
    let down = MemorySource::failing(acme, Error::new(ErrorKind::Unavailable, "down"));
    let url = serve([down]);
    let embed = Embed::start(&["--org", "acme", "--url", &url]);
    for path in PATHS {
        assert_eq!(of_scout(served(&embed, path)), encoded(&[] as &[Snapshot]));
    }
}
