//! Edited families: label sets keep what they promise, and what is encoded is what was edited.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use std::{
    cmp::Ordering,
    hash::{BuildHasher, RandomState},
};

use proptest::prelude::*;
use scout_metrics_openmetrics::{
    Families, Format, LabelSet, Limits, MetricFamily, MetricType, ParseOptions, Sample, Suffix,
    encode_families, parse_families,
};
use support::model::{Style, families, text, value};

const FORMATS: [Format; 2] = [Format::OpenMetrics, Format::Prometheus];

/// Few, because all tests together have to be quick.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(40)
    }
}

fn format() -> impl Strategy<Value = Format> {
    prop::sample::select(&FORMATS[..])
}

fn format_and_families() -> impl Strategy<Value = (Format, Vec<MetricFamily>)> {
    format().prop_flat_map(|format| (Just(format), families(format, Style::Any, 0..4)))
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]", text()]
}

fn labels() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec((name(), text()), 0..6)
}

fn sample() -> impl Strategy<Value = Sample> {
    let suffix = prop::sample::select(&[Suffix::None, Suffix::Bucket, Suffix::Total][..]);
    let labels = prop::collection::vec(("[ab]", "[ab]?"), 0..3);
    (suffix, labels, value()).prop_map(|(suffix, labels, value)| {
        Sample::new(suffix, labels.into_iter().collect(), value)
    })
}

/// Encodes families that have been edited. If that works, a reader has to find them and nothing else.
fn check_encoded(format: Format, edited: &[MetricFamily]) -> Result<bool, TestCaseError> {
    let Ok(exposition) = encode_families(edited, format) else {
        return Ok(false);
    };
    let options = ParseOptions::new(format).with_limits(Limits::unlimited());
    let read = parse_families(exposition.body(), &options).unwrap();
    prop_assert_eq!(read.deviations(), []);
    prop_assert_eq!(read.as_slice(), edited);
    Ok(true)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_label_is_set_once_and_the_others_stay(labels in labels(), name in name(), value in text()) {
        let set: LabelSet = labels.iter().map(|(name, value)| (name, value)).collect();
        let others = |set: &LabelSet| -> Vec<(String, String)> {
            let others = set.iter().filter(|(found, _)| *found != name);
            others.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let place = labels.iter().position(|(found, _)| *found == name);

        let with = set.clone().with(&name, &value);
        prop_assert_eq!(others(&with), others(&set));
        let found: Vec<_> = with.iter().enumerate().filter(|(_, (found, _))| *found == name).collect();
        let expected = place.unwrap_or(labels.len());
        prop_assert_eq!(found, [(expected, (&*name, &*value))]);

        let without = set.clone().without(&name);
        prop_assert!(!without.contains(&name));
        prop_assert_eq!(others(&without), others(&set));
        prop_assert_eq!(without.len(), others(&set).len());
    }

    #[test]
    fn sorting_changes_nothing_but_the_order(labels in labels()) {
        let set: LabelSet = labels.iter().map(|(name, value)| (name, value)).collect();
        let mut expected: Vec<_> = set.iter().collect();
        expected.sort_by_key(|(name, _)| *name);
        prop_assert!(set.sorted().iter().eq(expected));
        prop_assert!(set.iter().rev().eq(set.into_iter().collect::<Vec<_>>().into_iter().rev()));
    }

    #[test]
    fn samples_are_equal_hash_alike_and_compare_equal_together(one in sample(), other in sample()) {
        let hasher = RandomState::new();
        prop_assert_eq!(one == other, one.cmp(&other) == Ordering::Equal);
        prop_assert_eq!(one.cmp(&other), other.cmp(&one).reverse());
        prop_assert_eq!(one == other, hasher.hash_one(&one) == hasher.hash_one(&other));
        prop_assert_eq!(one.labels() == other.labels(), one.labels().cmp(other.labels()) == Ordering::Equal);
    }

    #[test]
    fn a_label_for_all_samples_is_always_encoded((format, families) in format_and_families(), value in text()) {
        let edited: Vec<_> = families
            .into_iter()
            .map(|family| family.map_samples(|sample| sample.with_label("cluster", &value)))
            .collect();
        prop_assert!(check_encoded(format, &edited)?);
    }

    #[test]
    fn a_renamed_family_is_always_encoded((format, families) in format_and_families()) {
        let rename = |(number, family): (usize, MetricFamily)| {
            let name = format!("renamed_{number}_{}", family.unit());
            family.with_name(name)
        };
        let edited: Vec<_> = families.into_iter().enumerate().map(rename).collect();
        prop_assert!(check_encoded(format, &edited)?);
    }

    #[test]
    fn any_edit_is_encoded_as_it_was_made_or_refused(
        (format, families) in format_and_families(),
        name in name(),
        label in prop_oneof![name(), Just("le".to_owned()), Just("__name__".to_owned())],
        value in text(),
        number in value(),
        kept in any::<u64>(),
    ) {
        let edits: [&dyn Fn(MetricFamily) -> MetricFamily; 6] = [
            &|family| family.with_name(name.clone()),
            &|family| family.map_samples(|sample| sample.with_label(&label, &value)),
            &|family| family.map_samples(|sample| sample.without_label("le").without_label("metric")),
            &|family| family.map_samples(|sample| sample.with_value(number).without_exemplar()),
            &|family| family.map_samples(|sample| sample.with_suffix(Suffix::Count)),
            &|mut family| {
                let mut place = 0;
                family.retain(|_| {
                    place += 1;
                    kept >> (place % 64) & 1 == 1
                });
                family
            },
        ];
        for edit in edits {
            let edited: Vec<_> = families.iter().cloned().map(edit).collect();
            check_encoded(format, &edited)?;
        }
    }
}

#[test]
fn families_are_edited_in_place() {
    let text = b"# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# HELP a late\n";
    let mut families = parse_families(text, &ParseOptions::new(Format::Prometheus)).unwrap();
    families.retain(|family| family.name() != "b");
    for family in &mut families {
        for sample in family {
            *sample = sample.clone().with_value(2.0);
        }
    }
    families.get_mut("a").unwrap().extend([Sample::new(
        Suffix::None,
        LabelSet::from([("x", "y")]),
        3.0,
    )]);
    let exposition = encode_families(families.as_ref(), Format::Prometheus).unwrap();
    assert_eq!(
        exposition.body(),
        "# HELP a late\n# TYPE a gauge\na 2\na{x=\"y\"} 3\n"
    );
    let renamed = |family: MetricFamily| family.with_name("c");
    let families: Families = families.into_iter().map(renamed).collect();
    assert_eq!(families.get("c").unwrap().help(), "late");
    assert_eq!(families.deviations(), []);
}

#[test]
fn a_counter_has_one_name_in_each_format() {
    let counter = |name: &str, suffix| {
        let sample = Sample::new(suffix, LabelSet::new(), 1.0);
        MetricFamily::new(name, MetricType::Counter).with_sample(sample)
    };
    for (family, openmetrics, prometheus) in [
        (counter("a", Suffix::Total), "a", "a_total"),
        (counter("a_total", Suffix::None), "a", "a_total"),
        (counter("a", Suffix::None), "a", "a"),
        (
            counter("a_total", Suffix::Total),
            "a_total",
            "a_total_total",
        ),
    ] {
        assert_eq!(family.name_in(Format::OpenMetrics), openmetrics);
        assert_eq!(family.name_in(Format::Prometheus), prometheus);
    }
    let gauge = MetricFamily::new("a_total", MetricType::Gauge);
    assert_eq!(gauge.name_in(Format::OpenMetrics), "a_total");
}
