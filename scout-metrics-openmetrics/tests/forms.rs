//! Families with a series for each number and with composite values: both say the same.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use proptest::prelude::*;
use scout_metrics_openmetrics::{
    CompositeValue, Exemplar, Format, Histogram, HistogramValue, LabelSet, MetricFamily,
    MetricType, NativeBuckets, NativeHistogram, ParseOptions, Sample, Suffix, Summary,
    SummaryValue, Timestamp, parse_families,
};
use support::model::{Style, families};

fn read(text: &str) -> MetricFamily {
    let text = format!("{text}# EOF\n");
    let options = ParseOptions::new(Format::OpenMetrics);
    let families = parse_families(text.as_bytes(), &options).unwrap();
    families.into_vec().remove(0)
}

fn exemplar(value: f64, seconds: i64) -> Exemplar {
    let labels = LabelSet::from([("trace_id", "a")]);
    Exemplar::new(labels, value).with_timestamp(Timestamp::new(seconds, 0).unwrap())
}

fn composite(value: CompositeValue) -> Sample {
    Sample::new(Suffix::None, LabelSet::new(), 0.0).with_composite(value)
}

fn native() -> NativeHistogram {
    let positive = NativeBuckets::from_counts([(0, 3.0), (2, 2.0)]).unwrap();
    NativeHistogram::new(0, positive).unwrap().with_sum(7.5)
}

#[test]
fn the_series_of_a_histogram_are_one_value() {
    let classic = read(
        "# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\n# HELP wait_seconds Help.\n\
         wait_seconds_bucket{a=\"b\",le=\"1.0\"} 4 # {trace_id=\"a\"} 0.5 3\n\
         wait_seconds_bucket{a=\"b\",le=\"+Inf\"} 6 # {trace_id=\"a\"} 8 4\n\
         wait_seconds_count{a=\"b\"} 6\nwait_seconds_sum{a=\"b\"} 12.5\nwait_seconds_created{a=\"b\"} 1520430000.123\n",
    );
    let value = HistogramValue::new(6.0)
        .with_sum(12.5)
        .with_buckets([(1.0, 4.0), (f64::INFINITY, 6.0)]);
    let sample = composite(CompositeValue::Histogram(value))
        .with_label("a", "b")
        .with_exemplars([exemplar(0.5, 3), exemplar(8.0, 4)])
        .with_start_timestamp(Timestamp::from_millis(1_520_430_000_123));
    let expected = MetricFamily::new("wait_seconds", MetricType::Histogram)
        .with_help("Help.")
        .with_unit("seconds")
        .with_sample(sample);
    assert_eq!(classic.to_composite().unwrap(), expected);
    assert_eq!(expected.to_classic(), classic);
    assert_eq!(expected.to_composite().unwrap(), expected);
    assert_eq!(classic.to_classic(), classic);
    assert_eq!(
        expected.histograms().unwrap(),
        classic.histograms().unwrap()
    );
}

#[test]
fn the_series_of_a_summary_and_a_gauge_histogram_are_one_value() {
    let summary =
        read("# TYPE s summary\ns{quantile=\"0.5\"} 2.0\ns_count 17\ns_sum 42\ns_created 1.5\n");
    let value = SummaryValue::new()
        .with_count(17.0)
        .with_sum(42.0)
        .with_quantiles([(0.5, 2.0)]);
    let sample = composite(CompositeValue::Summary(value));
    let sample = sample.with_start_timestamp(Timestamp::from_millis(1500));
    let folded = summary.to_composite().unwrap();
    assert_eq!(folded.samples(), [sample]);
    assert_eq!(folded.to_classic(), summary);
    assert_eq!(folded.summaries().unwrap(), summary.summaries().unwrap());

    let gauge = read("# TYPE g gaugehistogram\ng_bucket{le=\"+Inf\"} 2.0\ng_gcount 2\ng_gsum -1\n");
    let value = HistogramValue::new(2.0)
        .with_sum(-1.0)
        .with_buckets([(f64::INFINITY, 2.0)]);
    let folded = gauge.to_composite().unwrap();
    assert_eq!(
        folded.samples(),
        [composite(CompositeValue::GaugeHistogram(value))]
    );
    assert_eq!(folded.to_classic(), gauge);
    assert_eq!(folded.histograms().unwrap(), gauge.histograms().unwrap());
}

#[test]
fn counters_and_info_get_whole_names() {
    let counter =
        read("# TYPE hits counter\nhits_total 17 2\nhits_created 1.25 2\nhits_total{a=\"b\"} 1\n");
    let folded = counter.to_composite().unwrap();
    assert_eq!(folded.name(), "hits_total");
    let first = Sample::new(Suffix::None, LabelSet::new(), 17.0)
        .with_timestamp(Timestamp::from_millis(2000))
        .with_start_timestamp(Timestamp::from_millis(1250));
    assert_eq!(folded.samples()[0], first);
    assert_eq!(folded.samples()[1].start_timestamp(), None);
    assert_eq!(folded.to_classic(), counter);
    let metric = folded.metrics().next().unwrap();
    assert_eq!(metric.created(), Some(1.25));

    let info = read("# TYPE build info\nbuild_info{v=\"1\"} 1\n");
    let folded = info.to_composite().unwrap();
    assert_eq!(folded.name(), "build_info");
    assert_eq!(folded.samples()[0].suffix(), Suffix::None);
    assert_eq!(folded.to_classic(), info);
    assert_eq!(info.name_in(Format::OpenMetrics2), "build_info");
    assert_eq!(folded.name_in(Format::OpenMetrics), "build");
}

#[test]
fn native_buckets_stay_one_value() {
    let alone = MetricFamily::new("a", MetricType::Histogram)
        .with_sample(composite(CompositeValue::Histogram(native().into())));
    assert_eq!(alone.to_classic(), alone);
    assert_eq!(alone.to_composite().unwrap(), alone);

    let value = HistogramValue::new(5.0)
        .with_sum(7.5)
        .with_buckets([(f64::INFINITY, 5.0)])
        .with_native(native());
    let sample = composite(CompositeValue::Histogram(value))
        .with_exemplars([exemplar(1.0, 1), exemplar(1.0, 2)])
        .with_start_timestamp(Timestamp::from_millis(1500));
    let both = MetricFamily::new("a", MetricType::Histogram).with_sample(sample);
    let classic = both.to_classic();
    let suffixes: Vec<_> = classic.samples().iter().map(Sample::suffix).collect();
    assert_eq!(
        suffixes,
        [
            Suffix::Bucket,
            Suffix::Count,
            Suffix::Sum,
            Suffix::Created,
            Suffix::None
        ]
    );
    // The bucket keeps the latest exemplar, and the native histogram the others.
    assert_eq!(classic.samples()[0].exemplars(), [exemplar(1.0, 2)]);
    assert_eq!(classic.samples()[4].exemplars(), [exemplar(1.0, 1)]);
    assert_eq!(classic.to_composite().unwrap().to_classic(), classic);
    assert_eq!(both.histograms().unwrap(), classic.histograms().unwrap());
}

#[test]
fn values_of_unknown_type_become_series_and_are_read_again() {
    let histogram = HistogramValue::new(1.0)
        .with_sum(0.5)
        .with_buckets([(f64::INFINITY, 1.0)]);
    let summary = SummaryValue::new().with_count(1.0).with_sum(0.5);
    for value in [
        CompositeValue::Histogram(histogram.clone()),
        CompositeValue::GaugeHistogram(histogram),
        CompositeValue::Summary(summary.with_quantiles([(0.5, 0.5)])),
    ] {
        let family = MetricFamily::new("a", MetricType::Unknown).with_sample(composite(value));
        let classic = family.to_classic();
        assert_eq!(classic.samples().len(), 3);
        assert_eq!(classic.to_composite().unwrap(), family);
    }
    // Nothing says what these are.
    let odd = MetricFamily::new("a", MetricType::Unknown)
        .with_sample(Sample::new(Suffix::None, LabelSet::new(), 1.0))
        .with_sample(Sample::new(Suffix::Count, LabelSet::new(), 1.0));
    assert_eq!(odd.to_composite().unwrap(), odd);
}

#[test]
fn exemplars_without_a_bucket_stay_with_the_value() {
    let histogram = Histogram::builder()
        .with_buckets([(1.0, 2.0), (f64::INFINITY, 2.0)])
        .with_sum(1.5)
        .with_start_timestamp(Timestamp::new(1, 123_456_789).unwrap())
        .with_other_exemplars([exemplar(0.5, 1), exemplar(0.6, 3), exemplar(0.7, 2)])
        .build()
        .unwrap();
    let family = MetricFamily::histogram("a", [histogram]).unwrap();
    assert_eq!(family.samples().len(), 1);
    let read = &family.histograms().unwrap()[0];
    // The first bucket keeps the latest one, and the next one, which is free, another one.
    assert_eq!(read.buckets()[0].exemplar(), Some(&exemplar(0.6, 3)));
    assert_eq!(read.buckets()[1].exemplar(), Some(&exemplar(0.5, 1)));
    assert_eq!(read.other_exemplars(), [exemplar(0.7, 2)]);
    assert_eq!(read.start_timestamp(), Timestamp::new(1, 123_456_789));

    let summary = Summary::builder()
        .with_count(1.0)
        .with_exemplars([exemplar(0.5, 1)])
        .build()
        .unwrap();
    let family = MetricFamily::summary("a", [summary.clone()]).unwrap();
    assert_eq!(family.summaries().unwrap(), [summary]);
}

#[track_caller]
fn assert_refused(text: &str, message: &str) {
    assert_eq!(read(text).to_composite().unwrap_err().to_string(), message);
}

#[test]
fn series_that_are_no_value_are_refused() {
    assert_refused(
        "# TYPE a histogram\na_bucket{b=\"c\",le=\"1\"} 4\n",
        r#"the histogram `a` with {b="c"} has neither a count nor a bucket `+Inf`"#,
    );
    assert_refused(
        "# TYPE a counter\na_created 4\n",
        "the counter `a` has a time of creation without a value",
    );
    assert_refused(
        "# TYPE a counter\na_total 4\na_created NaN\n",
        "the counter `a` has a time of creation NaN, which is not a point in time",
    );
    let mixed = MetricFamily::new("a", MetricType::Counter)
        .with_sample(Sample::new(Suffix::None, LabelSet::new(), 1.0))
        .with_sample(Sample::new(Suffix::Total, LabelSet::new(), 1.0));
    assert_eq!(
        mixed.to_composite().unwrap_err().to_string(),
        "the counter `a` has samples with two names"
    );
    let two = MetricFamily::new("a", MetricType::Histogram)
        .with_sample(composite(CompositeValue::Histogram(native().into())))
        .with_sample(Sample::new(Suffix::Count, LabelSet::new(), 6.0));
    assert_eq!(
        two.to_composite().unwrap_err().to_string(),
        "the histogram `a` has a native histogram with another count or sum"
    );
}

/// A sample's name, labels with their numbers as numbers, value and timestamp.
type Content = (String, Vec<(String, String)>, u64, Option<Timestamp>);

/// Returns what a family says, except for times of creation, which may be rounded, and counts of histograms, which are also
/// those of the last bucket.
fn contents(family: &MetricFamily) -> Vec<Content> {
    let is_kept = |sample: &&Sample| {
        !matches!(
            sample.suffix(),
            Suffix::Created | Suffix::Count | Suffix::GCount
        )
    };
    let number = |(name, value): (&str, &str)| {
        let number = value.replace("Inf", "inf").parse::<f64>();
        let is_number = matches!(name, "le" | "quantile");
        let value = match number.ok().filter(|_| is_number) {
            Some(number) => format!("{number:?}"),
            None => value.to_owned(),
        };
        (name.to_owned(), value)
    };
    let content = |sample: &Sample| {
        let labels = sample.labels().sorted();
        let value = if sample.value().is_nan() {
            f64::NAN
        } else {
            sample.value()
        };
        (
            family.sample_name(sample),
            labels.iter().map(number).collect(),
            value.to_bits(),
            sample.timestamp(),
        )
    };
    let mut contents: Vec<Content> = family
        .samples()
        .iter()
        .filter(is_kept)
        .map(content)
        .collect();
    contents.sort();
    contents
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn both_forms_of_a_family_say_the_same(
        openmetrics in families(Format::OpenMetrics, Style::Any, 0..5),
        prometheus in families(Format::Prometheus, Style::Any, 0..5),
    ) {
        for family in openmetrics.iter().chain(&prometheus) {
            // A time of creation may be any number in OpenMetrics 1.0.
            let Ok(folded) = family.to_composite() else { continue };
            let classic = folded.to_classic();
            prop_assert_eq!(contents(&classic), contents(family));
            prop_assert_eq!(classic.kind(), family.kind());
            prop_assert_eq!((classic.unit(), classic.help()), (family.unit(), family.help()));
            prop_assert_eq!(&classic.to_classic(), &classic);
            prop_assert_eq!(&folded.to_composite().unwrap(), &folded);
            prop_assert_eq!(&classic.to_composite().unwrap().to_classic(), &classic);
        }
    }
}
