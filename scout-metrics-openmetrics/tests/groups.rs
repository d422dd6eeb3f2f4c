//! Histograms and summaries as one value: read from families without loss, built by hand, and checked.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[path = "support/conformance.rs"]
mod conformance;
#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use std::slice;

use proptest::prelude::*;
use scout_metrics_openmetrics::{
    Bucket, Exemplar, Format, GroupError, Histogram, LabelSet, MetricFamily, MetricType,
    NativeBuckets, NativeHistogram, ParseOptions, Sample, Suffix, Summary, Timestamp,
    encode_families, parse_families,
};
use support::{
    cases::CaseFile,
    model::{Style, families},
};

/// Returns the family that its histograms or summaries make, and `None` for other types.
fn rebuilt(family: &MetricFamily) -> Option<Result<MetricFamily, GroupError>> {
    let name = family.name();
    let build = || {
        Ok(match family.kind() {
            MetricType::Histogram => MetricFamily::histogram(name, family.histograms()?)?,
            MetricType::GaugeHistogram => {
                MetricFamily::gauge_histogram(name, family.histograms()?)?
            }
            _ => MetricFamily::summary(name, family.summaries()?)?,
        })
    };
    let is_group = matches!(
        family.kind(),
        MetricType::GaugeHistogram | MetricType::Histogram | MetricType::Summary
    );
    is_group.then(build)
}

/// Returns the samples in an order that depends on nothing but them.
fn sorted(family: &MetricFamily) -> Vec<Sample> {
    let sort_labels = |sample: &Sample| {
        let labels = sample.labels().sorted();
        sample.clone().with_labels(labels)
    };
    let mut samples: Vec<_> = family.samples().iter().map(sort_labels).collect();
    samples.sort();
    samples
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn a_good_family_is_all_in_its_groups(families in families(Format::OpenMetrics, Style::Any, 1..5)) {
        for family in families {
            let Some(rebuilt) = rebuilt(&family) else {
                continue;
            };
            let rebuilt = rebuilt.unwrap();
            prop_assert_eq!(sorted(&rebuilt), sorted(&family));
            let complete = rebuilt.with_help(family.help()).with_unit(family.unit());
            prop_assert!(encode_families(&[complete], Format::OpenMetrics).is_ok());
        }
    }

    #[test]
    fn what_is_built_is_encoded_and_read_again(
        bounds in prop::collection::btree_set(-1000i32..1000, 0..8),
        counts in prop::collection::vec(0u32..100, 9),
        sum in prop::option::of(0u32..1000),
        value in support::model::text(),
        millis in prop::option::of(any::<i64>()),
    ) {
        let mut total = 0.0;
        let bounds = bounds.into_iter().map(|bound| f64::from(bound) / 8.0).chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds
            .zip(counts)
            .map(|(bound, count)| {
                total += f64::from(count);
                (bound, total)
            })
            .collect();
        let mut builder = Histogram::builder().with_labels([("a", value)]).with_buckets(buckets);
        if let Some(sum) = sum {
            builder = builder.with_sum(f64::from(sum));
        }
        if let Some(millis) = millis {
            builder = builder.with_timestamp(Timestamp::from_millis(millis));
        }
        let histogram = builder.build().unwrap();
        prop_assert_eq!(histogram.count(), total);
        let family = MetricFamily::histogram("x", [histogram.clone()]).unwrap();
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let Ok(exposition) = encode_families(std::slice::from_ref(&family), format) else {
                let has_negative_bound = histogram.buckets()[0].bound() < 0.0;
                let rule = has_negative_bound && sum.is_some() && format == Format::OpenMetrics;
                prop_assert!(rule || sum.is_none() && format == Format::Prometheus);
                continue;
            };
            let read = parse_families(exposition.body(), &ParseOptions::new(format)).unwrap();
            prop_assert_eq!(read.as_slice()[0].histograms().unwrap(), [histogram.clone()]);
        }
    }
}

#[test]
fn what_is_read_is_all_in_the_groups_or_refused() {
    let own = CaseFile::all().into_iter().flat_map(|file| file.cases);
    let own = own.map(|case| case.input);
    let (mut rebuilt_count, mut refused) = (0, 0);
    for input in own.chain(conformance::inputs()) {
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let Ok(families) = parse_families(&input, &ParseOptions::new(format)) else {
                continue;
            };
            for family in &families {
                match rebuilt(family) {
                    Some(Ok(rebuilt)) => {
                        rebuilt_count += 1;
                        assert_eq!(sorted(&rebuilt), sorted(family));
                    }
                    Some(Err(error)) => {
                        refused += 1;
                        assert_eq!(error.family(), Some(family.name()));
                    }
                    None => {}
                }
            }
        }
    }
    assert!(
        rebuilt_count > 20 && refused > 20,
        "{rebuilt_count} {refused}"
    );
}

#[test]
fn a_histogram_says_what_is_wrong_with_it() {
    let infinite = (f64::INFINITY, 10.0);
    let builder = || Histogram::builder().with_labels([("job", "a\n")]);
    for (builder, expected) in [
        (builder(), "has no bucket `+Inf`"),
        (
            builder().with_buckets([(1.0, 10.0)]),
            "has no bucket `+Inf`",
        ),
        (
            builder().with_buckets([(1.0, 5.0), (1.0, 5.0), infinite]),
            "has the bucket `1.0` after `1.0`, but bounds rise",
        ),
        (
            builder().with_buckets([infinite, (2.0, 5.0)]),
            "has the bucket `2.0` after `+Inf`, but bounds rise",
        ),
        (
            builder().with_buckets([(1.0, 5.0), (2.0, 4.0), infinite]),
            "has a bucket `2.0` that holds 4, fewer than the 5 of `1.0` before it, but buckets are cumulative",
        ),
        (
            builder().with_buckets([(f64::NAN, 5.0), infinite]),
            "has a bucket whose bound is not a number",
        ),
        (
            builder().with_buckets([(1.0, -1.0), infinite]),
            "has a bucket `1.0` that holds -1, which is not a number of events",
        ),
        (
            builder().with_buckets([(1.0, f64::NAN), infinite]),
            "has a bucket `1.0` that holds NaN, which is not a number of events",
        ),
        (
            builder().with_buckets([infinite]).with_count(9.0),
            "has a count of 9, but its bucket `+Inf` holds 10",
        ),
    ] {
        let error = builder.build().unwrap_err();
        let expected = format!("a histogram with {{job=\"a�\"}} {expected}");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn labels_are_checked_when_a_group_is_built() {
    for (labels, expected) in [
        (
            LabelSet::from([("le", "1")]),
            "a histogram with {le=\"1\"} has the label `le`, which is reserved",
        ),
        (
            LabelSet::from([("a", "1"), ("a", "2")]),
            "a histogram with {a=\"1\",a=\"2\"} has the label `a` twice",
        ),
        (
            LabelSet::from([("", "1")]),
            "a histogram with {=\"1\"} has a label without a name",
        ),
        (
            LabelSet::from([("__name__", "1")]),
            "a histogram with {__name__=\"1\"} has the label `__name__`, which is reserved",
        ),
    ] {
        let error = Histogram::builder()
            .with_labels(labels.clone())
            .with_count(1.0)
            .build();
        assert_eq!(error.unwrap_err().to_string(), expected);
        if labels.get("le").is_none() {
            let error = Summary::builder()
                .with_labels(labels)
                .with_count(1.0)
                .build();
            assert!(error.is_err());
        }
    }
}

#[test]
fn a_summary_says_what_is_wrong_with_it() {
    let builder = Summary::builder;
    for (builder, expected) in [
        (builder(), "has no quantile, count, sum or time of creation"),
        (
            builder().with_quantiles([(1.5, 1.0)]),
            "has a quantile `1.5`, which is not from 0 to 1",
        ),
        (
            builder().with_quantiles([(f64::NAN, 1.0)]),
            "has a quantile `NaN`, which is not from 0 to 1",
        ),
        (
            builder().with_quantiles([(0.5, 1.0), (0.9, 1.0), (0.5, 2.0)]),
            "has the quantile `0.5` twice",
        ),
        (
            builder().with_count(-2.0),
            "has a count of -2, which is not a number of events",
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.to_string(), format!("a summary {expected}"));
    }
}

#[test]
fn a_family_says_which_of_its_samples_are_wrong() {
    let of = |text: &str| {
        let families = parse_families(text.as_bytes(), &ParseOptions::default()).unwrap();
        let family = &families.as_slice()[0];
        match family.kind() {
            MetricType::Summary => family.summaries().unwrap_err().to_string(),
            _ => family.histograms().unwrap_err().to_string(),
        }
    };
    assert_eq!(
        of("# TYPE a gauge\na 1\n"),
        "the gauge `a` is not a histogram"
    );
    for (samples, expected) in [
        (
            "a 1",
            "has a sample with neither a suffix nor the label `le`",
        ),
        (
            "a_bucket 1",
            "has a sample that ends in `_bucket` without the label `le`",
        ),
        (
            "a_count{le=\"1\"} 1",
            "has the label `le` in a sample that ends in `_count`",
        ),
        (
            "a_bucket{le=\"x\"} 1",
            "has the label `le` with \"x\", which is not a number",
        ),
        (
            "a_count 1\na_count 2",
            "has two samples that end in `_count`",
        ),
        (
            "a_bucket{le=\"+Inf\"} 1\na_count 2",
            "has a count of 2, but its bucket `+Inf` holds 1",
        ),
        (
            "a_bucket{le=\"1\",le=\"2\"} 1",
            "has a sample with the label `le` twice",
        ),
    ] {
        let error = of(&format!("# TYPE a histogram\n{samples}\n"));
        assert_eq!(error, format!("the histogram `a` {expected}"));
    }
    assert_eq!(
        of("# TYPE a summary\na{b=\"c\",quantile=\"2\"} 1\n"),
        "the summary `a` with {b=\"c\"} has a quantile `2`, which is not from 0 to 1"
    );
}

#[test]
fn groups_of_one_family_differ() {
    let histogram = |labels: [(&str, &str); 2]| {
        let builder = Histogram::builder().with_labels(labels).with_count(1.0);
        builder.build().unwrap()
    };
    let one = histogram([("a", "1"), ("b", "2")]);
    let other = histogram([("b", "2"), ("a", "1")]);
    let error = MetricFamily::histogram("x", [one.clone(), other]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the histogram `x` with {b=\"2\",a=\"1\"} occurs twice"
    );
    let created = Histogram::builder().with_count(1.0).with_created(1.0);
    let error = MetricFamily::gauge_histogram("x", [created.build().unwrap()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the gaugehistogram `x` has a time of creation, which gauge histograms have not"
    );
}

#[test]
fn a_histogram_keeps_exemplars_bounds_as_written_and_the_time_of_creation() {
    let lines = [
        "# TYPE a histogram",
        "a_bucket{b=\"c\",le=\"1\"} 4 2 # {trace=\"x\"} 0.7 1",
        "a_bucket{b=\"c\",le=\"2.50\"} 4 2",
        "a_bucket{b=\"c\",le=\"+Inf\"} 5 2",
        "a_count{b=\"c\"} 5 2",
        "a_sum{b=\"c\"} 9 2",
        "a_created{b=\"c\"} 1520430000.123 2",
        "# EOF\n",
    ];
    let text = lines.join("\n");
    let families =
        parse_families(text.as_bytes(), &ParseOptions::new(Format::OpenMetrics)).unwrap();
    let [histogram] = &families.as_slice()[0].histograms().unwrap()[..] else {
        panic!("there is one");
    };
    assert_eq!(histogram.buckets()[1].bound_text(), "2.50");
    assert_eq!(histogram.buckets()[1].bound(), 2.5);
    assert_eq!(histogram.created(), Some(1_520_430_000.123));
    assert_eq!(histogram.sum(), Some(9.0));
    assert_eq!(histogram.timestamp(), Timestamp::new(2, 0));
    let exemplar = histogram.buckets()[0].exemplar().unwrap();
    assert_eq!(exemplar.labels().get("trace"), Some("x"));
    let family = MetricFamily::histogram("a", [histogram.clone()]).unwrap();
    let exposition = encode_families(&[family], Format::OpenMetrics).unwrap();
    assert_eq!(exposition.body(), &text);

    let labels = LabelSet::from([("trace", "x")]);
    let exemplar = Exemplar::new(labels, 0.7).with_timestamp(Timestamp::new(1, 0).unwrap());
    let built = Histogram::builder()
        .with_labels([("b", "c")])
        .with_buckets([Bucket::new(1.0, 4.0).with_exemplar(exemplar)])
        .with_count(5.0)
        .build()
        .unwrap();
    assert_eq!(built.buckets()[0].bound_text(), "1.0");
    assert_ne!(&built, histogram);
}

#[test]
fn samples_of_a_histogram_can_be_anywhere_in_the_family() {
    let text = "# TYPE a histogram\na_count{x=\"1\",y=\"2\"} 3\na_bucket{x=\"2\",y=\"2\",le=\"+Inf\"} 4\n\
                a_bucket{le=\"+Inf\",y=\"2\",x=\"1\"} 3\n";
    let families = parse_families(text.as_bytes(), &ParseOptions::default()).unwrap();
    let histograms = families.as_slice()[0].histograms().unwrap();
    let counts: Vec<f64> = histograms.iter().map(Histogram::count).collect();
    assert_eq!(counts, [3.0, 4.0]);
    assert_eq!(families.as_slice()[0].samples()[0].suffix(), Suffix::Count);
}

#[test]
fn a_native_histogram_alone_has_its_start_timestamp_in_every_form() {
    let native = NativeHistogram::new(0, NativeBuckets::from_counts([(1, 3.0)]).unwrap()).unwrap();
    let histogram = Histogram::builder()
        .with_native(native.with_sum(4.5))
        .with_start_timestamp(Timestamp::new(1, 500_000_001).unwrap());
    let histogram = histogram.build().unwrap();
    let family = MetricFamily::histogram("wait", [histogram.clone()]).unwrap();
    assert_eq!(family.histograms().unwrap(), [histogram]);
    let expected = "# TYPE wait histogram\nwait {count:3,sum:4.5,schema:0,zero_threshold:0,zero_count:0,\
                    positive_spans:[1:1],positive_buckets:[3]} st@1.500000001\n# EOF\n";
    let slice = slice::from_ref(&family);
    let exposition = encode_families(slice, Format::OpenMetrics2).unwrap();
    assert_eq!(exposition.body(), expected);
    encode_families(slice, Format::Protobuf).unwrap();
    // Seconds next to it, as in series.
    let alone = family.clone().map_samples(Sample::without_start_timestamp);
    let created = Sample::new(Suffix::Created, LabelSet::new(), 1.5);
    let folded = alone.with_sample(created).to_composite().unwrap();
    let [sample] = folded.samples() else {
        panic!("{folded:?}")
    };
    assert_eq!(sample.start_timestamp(), Some(Timestamp::from_millis(1500)));
}
