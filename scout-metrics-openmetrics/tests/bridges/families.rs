//! Families of all types in the registries.

use scout_metrics_openmetrics::{
    Format, LabelSet, MetricFamily, MetricType, NativeBuckets, NativeHistogram, Sample, Suffix,
    bridge,
};

use crate::{
    hosts,
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

/// The same families with composite values, and a native histogram, which no registry has.
fn composite() -> Vec<MetricFamily> {
    let families = all_types().into_iter();
    let mut families: Vec<_> = families
        .map(|family| family.to_composite().unwrap())
        .collect();
    let native = NativeHistogram::new(0, NativeBuckets::default()).unwrap();
    let native = Sample::new(Suffix::None, LabelSet::new(), 0.0).with_native_histogram(native);
    families.push(MetricFamily::new("native", MetricType::Histogram).with_sample(native));
    families
}

/// Families with names that no registry escapes, and a histogram that is not one.
fn odd() -> Vec<MetricFamily> {
    let sample = |labels: &[(&str, &str)]| {
        let labels: LabelSet = labels.iter().copied().collect();
        Sample::new(Suffix::None, labels, 1.0)
    };
    let bucket = Sample::new(Suffix::Bucket, [("le", "+Inf")].into(), -1.5);
    vec![
        MetricFamily::new("not plain", MetricType::Gauge).with_sample(sample(&[])),
        MetricFamily::new("plain", MetricType::Gauge)
            .with_help("two\nlines")
            .with_sample(sample(&[("not plain", "x")]))
            .with_sample(sample(&[("x", "\n\"\\")])),
        MetricFamily::new("odd", MetricType::Histogram).with_sample(bucket),
    ]
}

fn names(values: &crate::series::Values) -> Vec<&str> {
    values.keys().map(|(name, _)| name.as_str()).collect()
}

/// Returns the samples of all types that both registries have.
fn expected_values() -> crate::series::Values {
    let mut values = parsed(ALL_TYPES, Format::OpenMetrics);
    values.retain(|(name, _), _| !name.ends_with("_created"));
    values
}

#[cfg(feature = "prometheus-client")]
mod prometheus_client {
    use super::*;
    use ::prometheus_client::registry::Registry;
    use bridge::prometheus_client::FamilyCollector;
    use hosts::prometheus_client::encode;

    fn collected(families: fn() -> Vec<MetricFamily>) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(FamilyCollector::new(families)));
        encode(&registry)
    }

    #[test]
    fn the_registry_has_the_types_that_it_knows() {
        // The library does not escape help texts.
        let text = collected(all_types).replace("Hits \"served\".", "Hits.");
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
        assert_eq!(parsed(&text, Format::OpenMetrics), expected_values());
    }

    #[test]
    fn composite_values_are_collected_as_their_series_are() {
        let values = parsed(&collected(composite), Format::OpenMetrics);
        assert_eq!(values, expected_values());
    }

    #[test]
    fn what_is_not_plain_does_not_break_an_exposition() {
        let values = parsed(&collected(odd), Format::OpenMetrics);
        assert_eq!(names(&values), ["odd_bucket", "plain"]);
    }
}

#[cfg(feature = "prometheus")]
mod prometheus {
    use super::*;
    use ::prometheus::Registry;
    use bridge::prometheus::FamilyCollector;
    use hosts::prometheus::encode;

    fn collected(families: fn() -> Vec<MetricFamily>) -> String {
        let registry = Registry::new();
        let collector = || Box::new(FamilyCollector::new(families));
        registry.register(collector()).unwrap();
        assert!(registry.register(collector()).is_err());
        encode(&registry)
    }

    #[test]
    fn the_registry_has_the_types_that_it_knows() {
        let text = collected(all_types);
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
        assert_eq!(parsed(&text, Format::Prometheus), expected_values());
    }

    #[test]
    fn a_summary_that_does_not_say_how_many_events_there_were_has_not_zero() {
        let text = collected(|| {
            let median = Sample::new(Suffix::None, [("quantile", "0.5")].into(), 0.25);
            let family = MetricFamily::new("pause_seconds", MetricType::Summary);
            vec![family.with_sample(median)]
        });
        let values = parsed(&text, Format::Prometheus);
        assert_eq!(names(&values), ["pause_seconds"]);
    }

    #[test]
    fn composite_values_are_collected_as_their_series_are() {
        let values = parsed(&collected(composite), Format::Prometheus);
        assert_eq!(values, expected_values());
    }

    #[test]
    fn what_is_not_plain_does_not_break_an_exposition() {
        let values = parsed(&collected(odd), Format::Prometheus);
        assert_eq!(names(&values), ["odd_bucket", "plain"]);
    }
}
