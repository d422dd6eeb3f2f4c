//! Families of all types in the registries.

use prometheus::Registry;
use scout_metrics_openmetrics::{
    Format, LabelSet, MetricFamily, MetricType, Sample, Suffix,
    bridge::{prometheus::FamilyCollector, prometheus_client},
};

use crate::{
    hosts::{encode_client, encode_prometheus},
    series::{families, parsed},
};

const ALL_TYPES: &str = r##"# HELP hits Hits "served".
# TYPE hits counter
hits_total{code="200"} 9007199254740992
hits_created{code="200"} 1700000000
hits_total{code="say \"hi\"\n"} 0.5
# HELP temperature Of the room.
# TYPE temperature gauge
temperature{host=""} -3.5
temperature NaN
# HELP latency_seconds Latencies.
# TYPE latency_seconds histogram
# UNIT latency_seconds seconds
latency_seconds_bucket{path="/a\\b",le="0.5"} 1
latency_seconds_bucket{path="/a\\b",le="+Inf"} 4
latency_seconds_sum{path="/a\\b"} 3.25
latency_seconds_count{path="/a\\b"} 4
# HELP pause_seconds Pauses.
# TYPE pause_seconds summary
pause_seconds{quantile="0.5"} 0.25
pause_seconds_sum 10
pause_seconds_count 12
# HELP build Version.
# TYPE build info
build_info{version="1"} 1
# HELP mode Which.
# TYPE mode stateset
mode{mode="on"} 1
mode{mode="off"} 0
# HELP load What.
# TYPE load unknown
load 7
# EOF
"##;

/// Returns the families of a text that a registry writes, by name: the type and the number of samples.
fn types(text: &str, format: Format) -> Vec<(String, MetricType, usize)> {
    let shape = |family: &MetricFamily| {
        let name = family.name_in(Format::OpenMetrics).into_owned();
        (name, family.kind(), family.samples().len())
    };
    families(text, format).iter().map(shape).collect()
}

fn all_types() -> Vec<MetricFamily> {
    families(ALL_TYPES, Format::OpenMetrics)
}

#[test]
fn a_registry_of_prometheus_client_has_the_types_that_it_knows() {
    let mut registry = ::prometheus_client::registry::Registry::default();
    let collector = prometheus_client::FamilyCollector::new(all_types);
    registry.register_collector(Box::new(collector));
    let text = encode_client(&registry).replace("Hits \"served\".", "Hits.");
    let expected = [
        ("hits", MetricType::Counter, 2),
        ("temperature", MetricType::Gauge, 2),
        ("latency_seconds", MetricType::Histogram, 4),
        ("pause_seconds", MetricType::Unknown, 1),
        ("pause_seconds_sum", MetricType::Unknown, 1),
        ("pause_seconds_count", MetricType::Unknown, 1),
        ("build", MetricType::Info, 1),
        ("mode", MetricType::Unknown, 2),
        ("load", MetricType::Unknown, 1),
    ];
    let expected = expected.map(|(name, kind, count)| (name.to_owned(), kind, count));
    assert_eq!(types(&text, Format::OpenMetrics), expected);
    let mut values = parsed(ALL_TYPES, Format::OpenMetrics);
    values.retain(|(name, _), _| !name.ends_with("_created"));
    assert_eq!(parsed(&text, Format::OpenMetrics), values);
}

#[test]
fn a_registry_of_prometheus_has_the_types_that_it_knows() {
    let registry = Registry::new();
    let collector = || Box::new(FamilyCollector::new(all_types));
    registry.register(collector()).unwrap();
    assert!(registry.register(collector()).is_err());
    let text = encode_prometheus(&registry);
    // The library sorts by name.
    let expected = [
        ("build_info", MetricType::Gauge, 1),
        ("hits", MetricType::Counter, 2),
        ("latency_seconds", MetricType::Histogram, 4),
        ("load", MetricType::Gauge, 1),
        ("mode", MetricType::Gauge, 2),
        ("pause_seconds", MetricType::Summary, 3),
        ("temperature", MetricType::Gauge, 2),
    ];
    let expected = expected.map(|(name, kind, count)| (name.to_owned(), kind, count));
    assert_eq!(types(&text, Format::Prometheus), expected);
    let mut values = parsed(ALL_TYPES, Format::OpenMetrics);
    values.retain(|(name, _), _| !name.ends_with("_created"));
    assert_eq!(parsed(&text, Format::Prometheus), values);
}

#[test]
fn what_is_not_plain_does_not_break_an_exposition() {
    let families = || {
        let sample = |labels: &[(&str, &str)]| {
            Sample::new(
                Suffix::None,
                labels.iter().copied().collect::<LabelSet>(),
                1.0,
            )
        };
        vec![
            MetricFamily::new("not plain", MetricType::Gauge).with_sample(sample(&[])),
            MetricFamily::new("plain", MetricType::Gauge)
                .with_help("two\nlines")
                .with_sample(sample(&[("not plain", "x")]))
                .with_sample(sample(&[("x", "\n\"\\")])),
            // More events below a bound than below a higher one.
            MetricFamily::new("odd", MetricType::Histogram).with_sample(Sample::new(
                Suffix::Bucket,
                [("le", "+Inf")].into(),
                -1.5,
            )),
        ]
    };
    let mut client = ::prometheus_client::registry::Registry::default();
    client.register_collector(Box::new(prometheus_client::FamilyCollector::new(families)));
    let registry = Registry::new();
    registry
        .register(Box::new(FamilyCollector::new(families)))
        .unwrap();
    for values in [
        parsed(&encode_client(&client), Format::OpenMetrics),
        parsed(&encode_prometheus(&registry), Format::Prometheus),
    ] {
        let names: Vec<&str> = values.keys().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["odd_bucket", "plain"]);
    }
}
