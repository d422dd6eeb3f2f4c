//! The limits of OpenTelemetry that its bridge documents.

use crate::{
    hosts::{Host, opentelemetry::OpenTelemetry},
    series::{encoded, series},
    snapshots::small,
};

#[test]
fn a_view_raises_the_limit_of_series() {
    let names: Vec<String> = (0..1200).map(|number| format!("stream {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let snapshots = vec![small("acme", &names)];
    let expected = encoded(&snapshots, true);
    assert_eq!(expected.len(), 3600);

    let read = snapshots.clone();
    let values = OpenTelemetry::new(move || read.clone(), false).values();
    let overflow = series(
        "scout_stream_vulnerabilities",
        [("otel.metric.overflow", "true")],
    );
    assert_eq!(values.len(), 2001);
    assert!(values.contains_key(&overflow));

    let read = snapshots.clone();
    let mut host = OpenTelemetry::with_limit(move || read.clone(), false, Some(10_000));
    assert_eq!(host.values(), expected);
}
