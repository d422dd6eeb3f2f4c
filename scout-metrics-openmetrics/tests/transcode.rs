//! Families of any format in any other: equal, or each difference is a named loss.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use std::{env, slice};

use proptest::{prelude::*, test_runner::RngSeed};
use scout_metrics_openmetrics::{
    CompositeValue, ContentType, EncodeError, EncodeErrorKind, EscapingScheme, Exemplar, Format,
    HistogramValue, LabelSet, Limits, Loss, Lost, MetricFamily, MetricType, Mode, NativeBuckets,
    NativeHistogram, ParseOptions, Sample, Suffix, SummaryValue, Timestamp, encode_families,
    parse_families, transcode, transcode_lossy,
};
use support::{
    losses,
    model::{Style, families},
    mutate::Mutator,
    random::number,
};

const FORMATS: [Format; 4] = [
    Format::OpenMetrics,
    Format::OpenMetrics2,
    Format::Prometheus,
    Format::Protobuf,
];

/// Converts families, and checks that they come through or that losses say what does not.
fn check(families: &[MetricFamily], format: Format) -> Result<(), String> {
    let (exposition, losses) =
        transcode_lossy(families, format).map_err(|error| format!("{error:?}"))?;
    let read = parse_families(exposition.body(), &unlimited(format));
    let read = read.map_err(|error| error.to_string())?;
    losses::check(families, read.as_slice(), &losses, format)
        .map_err(|error| format!("{error}\n{losses:#?}\n{}", text(exposition.body())))?;
    match transcode(families, format) {
        Ok(exact) if losses.is_empty() && exact == exposition => Ok(()),
        Err(error) if !losses.is_empty() && error.losses() == losses => Ok(()),
        other => Err(format!("{other:?} but {losses:?}")),
    }
}

/// Longer expositions take time with all escaping schemes, and find nothing more.
const LONG: usize = 4000;

/// Checks each version and escaping scheme: names apart, all is as in the format, and each name that differs is a loss.
fn check_content_types(families: &[MetricFamily]) -> Result<(), String> {
    for content_type in ContentType::ALL {
        let (plain, plain_losses) = transcode_lossy(families, content_type.format()).unwrap();
        if plain.body().len() > LONG {
            continue;
        }
        for scheme in EscapingScheme::ALL {
            let content_type = content_type.with_escaping(*scheme);
            let (exposition, losses) = match transcode_lossy(families, content_type) {
                Ok(written) => written,
                // Names or series that become the same are an error.
                Err(error)
                    if *scheme != EscapingScheme::AllowUtf8
                        && matches!(
                            error.kind(),
                            EncodeErrorKind::BrokenRule | EncodeErrorKind::NameCollision
                        )
                        || makes_reserved_names(content_type, &error) =>
                {
                    continue;
                }
                Err(error) => return Err(format!("{error:?}")),
            };
            if exposition.content_type() != content_type {
                return Err(format!(
                    "{:?} is not {content_type:?}",
                    exposition.content_type()
                ));
            }
            let is_name = |loss: &&Loss| matches!(loss.lost, Lost::Escaped { .. });
            let (names, others): (Vec<_>, Vec<_>) = losses.iter().partition(is_name);
            if others != plain_losses.iter().collect::<Vec<_>>() {
                return Err(format!("{others:?} are not {plain_losses:?}"));
            }
            let [expected, read] = [&plain, &exposition].map(|exposition| {
                let options = ParseOptions::new(exposition.content_type());
                let options = options
                    .with_limits(Limits::unlimited())
                    .with_mode(Mode::Strict);
                let read = parse_families(exposition.body(), &options).unwrap();
                read.unescaped(exposition.content_type().escaping())
                    .unwrap()
            });
            let is_lost = |before: &str, after: &str| {
                let (before, after) = (before.to_owned(), after.to_owned());
                let lost = Lost::Escaped { before, after };
                names.iter().any(|loss| loss.lost == lost)
            };
            check_names(expected.as_slice(), read.as_slice(), is_lost)?;
        }
    }
    Ok(())
}

/// Returns whether underscores in place of other characters reserve the name of an exemplar's label.
fn makes_reserved_names(content_type: ContentType, error: &EncodeError) -> bool {
    content_type.format() == Format::OpenMetrics2
        && matches!(
            content_type.escaping(),
            EscapingScheme::Dots | EscapingScheme::Underscores
        )
        && error.kind() == EncodeErrorKind::NotExpressible
}

/// Checks that families are equal, except for names that are lost.
fn check_names(
    expected: &[MetricFamily],
    read: &[MetricFamily],
    is_lost: impl Fn(&str, &str) -> bool,
) -> Result<(), String> {
    let is_same = |before: &str, after: &str| before == after || is_lost(before, after);
    let restored = |labels: &LabelSet, original: &LabelSet| -> Option<LabelSet> {
        let pairs = original.iter().zip(labels.iter());
        let restore =
            |((before, _), (after, value))| is_same(before, after).then_some((before, value));
        pairs.map(restore).collect()
    };
    assert_eq!(expected.len(), read.len());
    for (expected, read) in expected.iter().zip(read) {
        let mut samples = Vec::new();
        for (sample, original) in read.samples().iter().zip(expected.samples()) {
            let mut sample = sample.clone();
            let labels = restored(sample.labels(), original.labels());
            sample = sample.with_labels(labels.ok_or("the name of a label changed")?);
            let mut exemplars = Vec::new();
            for (found, original) in sample.exemplars().iter().zip(original.exemplars()) {
                let labels = restored(found.labels(), original.labels());
                let labels = labels.ok_or("the name of a label of an exemplar changed")?;
                let exemplar = Exemplar::new(labels, found.value());
                exemplars.push(match found.timestamp() {
                    Some(timestamp) => exemplar.with_timestamp(timestamp),
                    None => exemplar,
                });
            }
            sample = sample.with_exemplars(exemplars);
            samples.push(sample);
        }
        if !is_same(expected.name(), read.name()) {
            return Err(format!("`{}` became `{}`", expected.name(), read.name()));
        }
        let is_equal = samples == expected.samples()
            && is_same(expected.unit(), read.unit())
            && (read.kind(), read.help()) == (expected.kind(), expected.help());
        if !is_equal {
            return Err(format!("{read:?}\nis not\n{expected:?}"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(4))]

    #[test]
    fn every_format_is_converted_into_every_other_one_and_back(
        old in families(Format::OpenMetrics, Style::Any, 0..4),
        text in families(Format::Prometheus, Style::Any, 0..4),
        new in new_families(),
    ) {
        for families in [old, text, new] {
            for first in FORMATS {
                let (exposition, _) = transcode_lossy(&families, first).unwrap();
                let read = parse_families(exposition.body(), &unlimited(first)).unwrap();
                for second in FORMATS {
                    check(&families, second).map_err(TestCaseError::fail)?;
                    check(read.as_slice(), second).map_err(TestCaseError::fail)?;
                    let (there, _) = transcode_lossy(read.as_slice(), second).unwrap();
                    let there = parse_families(there.body(), &unlimited(second)).unwrap();
                    check(there.as_slice(), first).map_err(TestCaseError::fail)?;
                }
            }
        }
    }

    #[test]
    fn families_of_openmetrics_2_are_written_without_loss(families in new_families()) {
        let same = transcode(&families, Format::OpenMetrics2).unwrap();
        let read = parse_families(same.body(), &unlimited(Format::OpenMetrics2)).unwrap();
        prop_assert_eq!(read.as_slice(), &families[..]);
        check_content_types(&families).map_err(TestCaseError::fail)?;
    }
}

fn unlimited(format: Format) -> ParseOptions {
    ParseOptions::new(format)
        .with_mode(Mode::Strict)
        .with_limits(Limits::unlimited())
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}

fn read(text: &str, format: Format) -> Vec<MetricFamily> {
    parse_families(text.as_bytes(), &ParseOptions::new(format))
        .unwrap()
        .into_vec()
}

/// Converts an exposition. Returns the text and the losses.
fn converted(input: &str, from: Format, to: Format) -> (String, Vec<String>) {
    let families = read(input, from);
    check(&families, to).unwrap();
    let (exposition, losses) = transcode_lossy(&families, to).unwrap();
    let losses = losses.iter().map(ToString::to_string).collect();
    (text(exposition.body()), losses)
}

#[track_caller]
fn assert_converts(input: &str, (from, to): (Format, Format), output: &str, losses: &[&str]) {
    let (found, found_losses) = converted(input, from, to);
    assert_eq!(found, output);
    assert_eq!(found_losses, losses);
}

const TO_OPENMETRICS: (Format, Format) = (Format::Prometheus, Format::OpenMetrics);
const TO_PROMETHEUS: (Format, Format) = (Format::OpenMetrics, Format::Prometheus);

/// Few cases, and the same ones each time, unless `PROPTEST_CASES` says how many: all tests together have to be quick.
fn config(few: u32) -> ProptestConfig {
    let few = match env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig {
            rng_seed: RngSeed::Fixed(20),
            ..ProptestConfig::with_cases(few)
        },
    };
    ProptestConfig {
        failure_persistence: None,
        ..few
    }
}

proptest! {
    #![proptest_config(config(8))]

    #[test]
    fn any_families_in_any_format_are_equal_or_losses_say_why_not(
        openmetrics in families(Format::OpenMetrics, Style::Any, 0..4),
        prometheus in families(Format::Prometheus, Style::Any, 0..4),
    ) {
        for (families, from) in [(openmetrics, Format::OpenMetrics), (prometheus, Format::Prometheus)] {
            for format in FORMATS {
                check(&families, format).map_err(TestCaseError::fail)?;
            }
            check_content_types(&families).map_err(TestCaseError::fail)?;
            // Families that the format of origin expresses are equal.
            let same = transcode(&families, from).unwrap();
            prop_assert_eq!(same, encode_families(&families, from).unwrap());
        }
    }

}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn odd_families_in_any_format_are_equal_or_losses_say_why_not(families in prop::collection::vec(odd_family(), 0..6)) {
        for format in FORMATS {
            check(&families, format).map_err(TestCaseError::fail)?;
        }
        check_content_types(&families).map_err(TestCaseError::fail)?;
    }
}

/// A family with any type and any samples, of few names, so that names clash.
fn odd_family() -> impl Strategy<Value = MetricFamily> {
    let name = prop::sample::select(
        &[
            "a",
            "a_total",
            "a_created",
            "a_sum",
            "a_bucket",
            "a_info",
            "a_seconds",
            "a.b",
            "_total",
        ][..],
    );
    let help = prop::sample::select(&["", "help", " blank", "return\r", "\r"][..]);
    let unit = prop::sample::select(&["", "", "seconds", "b", "total", "\n"][..]);
    let kind = prop::sample::select(MetricType::ALL);
    let samples = prop::collection::vec(odd_sample(), 0..8);
    (name, kind, help, unit, samples, any::<bool>()).prop_map(
        |(name, kind, help, unit, samples, is_fitting)| {
            let mut family = MetricFamily::new(name, kind)
                .with_help(help)
                .with_unit(unit);
            let suffixes = suffixes(kind);
            for (place, sample) in samples.into_iter().enumerate() {
                let suffix = suffixes[place % suffixes.len()];
                let sample = with_values_of(kind, sample);
                family.push(if is_fitting && sample.composite().is_none() {
                    sample.with_suffix(suffix)
                } else {
                    sample
                });
            }
            family
        },
    )
}

/// Returns a sample whose value and start timestamp are what its type can have.
fn with_values_of(kind: MetricType, sample: Sample) -> Sample {
    let is_of_type = match sample.composite() {
        None => true,
        Some(CompositeValue::Summary(_)) => {
            matches!(kind, MetricType::Summary | MetricType::Unknown)
        }
        Some(_) => matches!(
            kind,
            MetricType::GaugeHistogram | MetricType::Histogram | MetricType::Unknown
        ),
    };
    let sample = match is_of_type {
        true => sample,
        false => sample.with_value(1.0),
    };
    let is_number_of_distribution = sample.composite().is_none()
        && matches!(
            kind,
            MetricType::GaugeHistogram | MetricType::Histogram | MetricType::Summary
        );
    let has_start = sample.suffix() == Suffix::None
        && !is_number_of_distribution
        && !matches!(kind, MetricType::Info | MetricType::StateSet);
    match has_start {
        true => sample,
        false => sample.without_start_timestamp(),
    }
}

fn suffixes(kind: MetricType) -> &'static [Suffix] {
    match kind {
        MetricType::Counter => &[Suffix::Total, Suffix::Created],
        MetricType::GaugeHistogram => &[Suffix::Bucket, Suffix::GSum, Suffix::GCount],
        MetricType::Histogram => &[Suffix::Bucket, Suffix::Sum, Suffix::Count, Suffix::Created],
        MetricType::Info => &[Suffix::Info],
        MetricType::Summary => &[Suffix::None, Suffix::Sum, Suffix::Count, Suffix::Created],
        _ => &[Suffix::None],
    }
}

fn odd_sample() -> impl Strategy<Value = Sample> {
    let suffix = prop::sample::select(
        &[
            Suffix::None,
            Suffix::None,
            Suffix::None,
            Suffix::Total,
            Suffix::Bucket,
            Suffix::Count,
            Suffix::Created,
            Suffix::GCount,
            Suffix::GSum,
            Suffix::Info,
            Suffix::Sum,
        ][..],
    );
    let label = (
        prop::sample::select(&["le", "le", "quantile", "a", "b", "b.c", "b_c", "__name__"][..]),
        prop::sample::select(&["+Inf", "+Inf", "1", "0.5", "x"][..]),
    );
    let labels = prop::collection::vec(label, 0..3);
    let value =
        prop::sample::select(&[0.0, 1.0, 1.0, 1.0, 2.0, -1.0, 0.5, f64::NAN, f64::INFINITY][..]);
    let nanos = prop::sample::select(&[0, 1_000_000, 1_500_000, -1, 2_000_000_000][..]);
    let timestamp = prop::option::weighted(0.3, nanos);
    let start = prop::option::weighted(0.2, odd_start());
    let composite = prop::option::weighted(0.2, odd_composite());
    (
        suffix,
        labels,
        value,
        timestamp,
        odd_exemplars(),
        start,
        composite,
    )
        .prop_map(
            |(suffix, labels, value, timestamp, exemplars, start, composite)| {
                let mut sample = Sample::new(suffix, labels.into_iter().collect(), value);
                if let Some(nanos) = timestamp {
                    sample = sample.with_timestamp(Timestamp::from_nanos(nanos).unwrap());
                }
                if let Some(start) = start {
                    sample = sample.with_start_timestamp(start);
                }
                if let Some(composite) = composite {
                    sample = sample.with_suffix(Suffix::None).with_composite(composite);
                }
                sample.with_exemplars(exemplars)
            },
        )
}

fn odd_start() -> impl Strategy<Value = Timestamp> {
    let nanos = prop::sample::select(&[0, 1_500_000_000, -1, 1_700_000_000_123_456_789][..]);
    nanos.prop_map(|nanos| Timestamp::from_nanos(nanos).unwrap())
}

fn odd_exemplars() -> impl Strategy<Value = Vec<Exemplar>> {
    let length = prop::sample::select(&[1usize, 1, 128, 129][..]);
    let name = prop::sample::select(&["x", "x", "_x"][..]);
    let value = prop::sample::select(&[0.5, 1.0, 3.0, f64::NAN][..]);
    let timestamp = prop::option::of(odd_start());
    let exemplar = (name, length, value, timestamp).prop_map(|(name, length, value, timestamp)| {
        let labels = LabelSet::from([(name, "é".repeat(length - 1))]);
        let exemplar = Exemplar::new(labels, value);
        match timestamp {
            Some(timestamp) => exemplar.with_timestamp(timestamp),
            None => exemplar,
        }
    });
    prop_oneof![
        4 => Just(Vec::new()),
        1 => prop::collection::vec(exemplar, 1..4),
    ]
}

/// A composite value that may break any rule.
fn odd_composite() -> impl Strategy<Value = CompositeValue> {
    let number = || prop::sample::select(&[0.0, 1.0, 1.0, 2.0, 3.0, -1.0, 0.5, f64::NAN][..]);
    let bound = prop::sample::select(&[-1.0, 0.5, 1.0, f64::NAN][..]);
    let pairs = prop::collection::vec((bound, number()), 0..3);
    let infinite = prop::option::weighted(0.8, number());
    let sum = prop::option::weighted(0.8, number());
    let has_native = prop::bool::weighted(0.3);
    let parts = (number(), sum, pairs, infinite, has_native, 0..3_usize);
    parts.prop_map(|(count, sum, mut pairs, infinite, has_native, kind)| {
        if kind == 2 {
            let mut summary = SummaryValue::new().with_quantiles(pairs);
            // Of a summary something is known.
            summary = match infinite.is_some() || sum.is_none() {
                true => summary.with_count(count),
                false => summary,
            };
            return CompositeValue::Summary(match sum {
                Some(sum) => summary.with_sum(sum),
                None => summary,
            });
        }
        pairs.extend(infinite.map(|count| (f64::INFINITY, count)));
        let mut histogram = HistogramValue::new(count).with_buckets(pairs);
        if let Some(sum) = sum {
            histogram = histogram.with_sum(sum);
        }
        if has_native {
            let buckets = NativeBuckets::from_counts([(0, 1.0), (3, 1.0)]).unwrap();
            histogram = histogram.with_native(NativeHistogram::new(0, buckets).unwrap());
        }
        match kind {
            0 => CompositeValue::Histogram(histogram),
            _ => CompositeValue::GaugeHistogram(histogram),
        }
    })
}

/// Good families of OpenMetrics 2.0, with native histograms, start timestamps and several exemplars.
fn new_families() -> impl Strategy<Value = Vec<MetricFamily>> {
    let old = families(Format::OpenMetrics, Style::Any, 0..5);
    let more = prop::collection::vec(prop::option::of(odd_start()), 16);
    (old, more).prop_map(|(old, more)| {
        let folded = old.iter().filter(|family| !family.name().starts_with('_'));
        let folded = folded.filter_map(|family| family.to_composite().ok());
        let families = folded.map(|family| {
            let kind = family.kind();
            let mut more = more.iter().cycle();
            family.map_samples(|sample| with_more(sample, kind, *more.next().unwrap()))
        });
        let is_good = |family: &MetricFamily| {
            encode_families(slice::from_ref(family), Format::OpenMetrics2).is_ok()
        };
        families.filter(is_good).collect()
    })
}

/// Returns a sample with native buckets, a start timestamp and one more exemplar, where the type has them.
fn with_more(sample: Sample, kind: MetricType, start: Option<Timestamp>) -> Sample {
    let exemplars = sample.exemplars().iter().cloned();
    let mut exemplars: Vec<_> = exemplars
        .map(|exemplar| match exemplar.timestamp() {
            Some(_) => exemplar,
            None => exemplar.with_timestamp(Timestamp::UNIX_EPOCH),
        })
        .collect();
    let has_start = matches!(
        kind,
        MetricType::Counter | MetricType::Histogram | MetricType::Summary | MetricType::Unknown
    );
    let Some(start) = start.filter(|_| has_start) else {
        return sample.with_exemplars(exemplars);
    };
    exemplars.push(Exemplar::new(LabelSet::new(), 7.5).with_timestamp(start));
    let native = match sample.composite() {
        Some(CompositeValue::Histogram(value)) => {
            let buckets = NativeBuckets::from_counts([(-1, value.count())]).unwrap();
            let native = NativeHistogram::new(2, buckets).unwrap();
            Some(value.clone().with_sum(1.5).with_native(native))
        }
        _ => None,
    };
    let sample = sample.with_exemplars(exemplars).with_start_timestamp(start);
    match native {
        Some(native) => sample.with_composite(CompositeValue::Histogram(native)),
        None => sample,
    }
}

#[test]
fn expositions_with_mistakes_are_equal_or_losses_say_why_not() {
    let mut mutator = Mutator::new(number("SCOUT_METRICS_FUZZ_SEED", 1));
    let mut converted = 0;
    for _ in 0..number("SCOUT_METRICS_FUZZ_RUNS", 300) {
        let document = mutator.next();
        let options = ParseOptions::new(document.format).with_limits(Limits::unlimited());
        let Ok(families) = parse_families(document.text.as_bytes(), &options) else {
            continue;
        };
        for format in FORMATS {
            if let Err(error) = check(families.as_slice(), format) {
                panic!("{error}\n{}", document.text);
            }
        }
        converted += 1;
    }
    assert!(converted > 100);
}

#[test]
fn a_gauge_beside_a_counter_with_total_keeps_its_name() {
    let input = "# HELP go_memstats_alloc_bytes Bytes in use.\n\
        # TYPE go_memstats_alloc_bytes gauge\n\
        go_memstats_alloc_bytes 4.54e+06\n\
        # HELP go_memstats_alloc_bytes_total Bytes allocated.\n\
        # TYPE go_memstats_alloc_bytes_total counter\n\
        go_memstats_alloc_bytes_total 1.86e+08\n";
    assert_converts(
        input,
        TO_OPENMETRICS,
        "# TYPE go_memstats_alloc_bytes gauge\n\
         # HELP go_memstats_alloc_bytes Bytes in use.\n\
         go_memstats_alloc_bytes 4540000\n\
         # TYPE go_memstats_alloc_bytes_total unknown\n\
         # HELP go_memstats_alloc_bytes_total Bytes allocated.\n\
         go_memstats_alloc_bytes_total 186000000\n\
         # EOF\n",
        &["family `go_memstats_alloc_bytes_total`: its type changes from counter to unknown"],
    );
}

#[test]
fn a_counter_gets_the_name_that_openmetrics_demands() {
    assert_converts(
        "# HELP http_requests Total.\n# TYPE http_requests counter\nhttp_requests{m=\"GET\"} 4 1500\n",
        TO_OPENMETRICS,
        "# TYPE http_requests counter\n# HELP http_requests Total.\n\
         http_requests_total{m=\"GET\"} 4 1.5\n# EOF\n",
        &[
            "family `http_requests`: its samples `http_requests` are renamed to `http_requests_total`",
        ],
    );
    // Unless another family has that name.
    assert_converts(
        "# TYPE a counter\na 1\n# TYPE a_total gauge\na_total 2\n",
        TO_OPENMETRICS,
        "# TYPE a unknown\na 1\n# TYPE a_total gauge\na_total 2\n# EOF\n",
        &["family `a`: its type changes from counter to unknown"],
    );
}

#[test]
fn times_of_creation_join_the_family_that_they_are_about() {
    let prometheus = "# HELP lat Latency\n\
        # TYPE lat histogram\n\
        lat_bucket{le=\"1.0\"} 0\n\
        lat_bucket{le=\"+Inf\"} 0\n\
        lat_count 0\n\
        lat_sum 0\n\
        # HELP lat_created Latency\n\
        # TYPE lat_created gauge\n\
        lat_created 1623691804.097139\n\
        # HELP req_total Requests\n\
        # TYPE req_total counter\n\
        req_total{m=\"GET\"} 4\n\
        req_total{m=\"PUT\"} 1\n\
        # HELP req_total_created Requests\n\
        # TYPE req_total_created gauge\n\
        req_total_created 1\n\
        # HELP req_created Requests\n\
        # TYPE req_created gauge\n\
        req_created{m=\"GET\"} 1600000000\n\
        req_created{m=\"PUT\"} 1600000001\n";
    let openmetrics = "# TYPE lat histogram\n\
        # HELP lat Latency\n\
        lat_bucket{le=\"1.0\"} 0\n\
        lat_bucket{le=\"+Inf\"} 0\n\
        lat_count 0\n\
        lat_sum 0\n\
        lat_created 1623691804.097139\n\
        # TYPE req counter\n\
        # HELP req Requests\n\
        req_total{m=\"GET\"} 4\n\
        req_created{m=\"GET\"} 1600000000\n\
        req_total{m=\"PUT\"} 1\n\
        req_created{m=\"PUT\"} 1600000001\n\
        # TYPE req_total_created gauge\n\
        # HELP req_total_created Requests\n\
        req_total_created 1\n\
        # EOF\n";
    assert_converts(
        prometheus,
        TO_OPENMETRICS,
        openmetrics,
        &[
            "family `lat_created`: its samples are part of family `lat`",
            "family `req_created`: its samples are part of family `req`",
        ],
    );
    let back = prometheus.replace(
        "# HELP req_total_created Requests\n# TYPE req_total_created gauge\nreq_total_created 1\n",
        "",
    ) + "# HELP req_total_created Requests\n# TYPE req_total_created gauge\nreq_total_created 1\n";
    assert_converts(
        openmetrics,
        TO_PROMETHEUS,
        &back,
        &[
            "family `lat`: its times of creation are a family `lat_created` of their own",
            "family `req`: its times of creation are a family `req_created` of their own",
        ],
    );
}

#[test]
fn times_of_creation_of_other_metrics_cost_the_type() {
    assert_converts(
        "# TYPE a_total counter\na_total{m=\"GET\"} 4\n# TYPE a_created gauge\na_created{m=\"PUT\"} 1.5\n",
        TO_OPENMETRICS,
        "# TYPE a_total unknown\na_total{m=\"GET\"} 4\n# TYPE a_created gauge\na_created{m=\"PUT\"} 1.5\n# EOF\n",
        &["family `a_total`: its type changes from counter to unknown"],
    );
}

#[test]
fn a_type_is_given_up_where_its_rules_are_broken() {
    assert_converts(
        "# HELP h Help.\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_sum 3\nh_count 2\n",
        TO_OPENMETRICS,
        "# TYPE h_bucket unknown\n# HELP h_bucket Help.\nh_bucket{le=\"1\"} 2\n\
         # TYPE h_sum unknown\n# HELP h_sum Help.\nh_sum 3\n\
         # TYPE h_count unknown\n# HELP h_count Help.\nh_count 2\n# EOF\n",
        &["family `h`: its type changes from histogram to unknown"],
    );
    assert_converts(
        "# TYPE c_total counter\nc_total -1\n# TYPE t summary\nt{quantile=\"2\"} 3\n",
        TO_OPENMETRICS,
        "# TYPE c_total unknown\nc_total -1\n# TYPE t unknown\nt{quantile=\"2\"} 3\n# EOF\n",
        &[
            "family `c_total`: its type changes from counter to unknown",
            "family `t`: its type changes from summary to unknown",
        ],
    );
}

#[test]
fn a_histogram_keeps_the_count_that_another_family_repeats() {
    let new = "a_count 1\n# TYPE a histogram\na {count:1,sum:2,bucket:[+Inf:1]}\n# EOF\n";
    let families = read(new, Format::OpenMetrics2);
    let (exposition, losses) = transcode_lossy(&families, Format::Prometheus).unwrap();
    assert_eq!(
        text(exposition.body()),
        "# TYPE a_count untyped\n\
         # TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 1\na_sum 2\n"
    );
    let [loss] = &losses[..] else {
        panic!("one loss is expected: {losses:?}")
    };
    let repeated = Lost::RepeatedSeries { count: 1 };
    assert_eq!((&*loss.family, &loss.lost), ("a_count", &repeated));
}

#[test]
fn a_counter_and_a_family_with_its_name_become_one_in_protobuf() {
    let text = "# HELP a_total Help.\n# TYPE a counter\na_total 1\n# EOF\n";
    let (_, losses) = converted(text, Format::OpenMetrics, Format::Protobuf);
    assert!(
        losses.contains(&"family `a`: its type changes from counter to unknown".to_owned()),
        "{losses:?}"
    );
}

#[test]
fn samples_of_a_metric_come_together() {
    assert_converts(
        "# TYPE t summary\nt_sum{m=\"a\"} 1\nt_sum{m=\"b\"} 2\nt_count{m=\"a\"} 3\nt_count{m=\"b\"} 4\n",
        TO_OPENMETRICS,
        "# TYPE t summary\nt_sum{m=\"a\"} 1\nt_count{m=\"a\"} 3\nt_sum{m=\"b\"} 2\nt_count{m=\"b\"} 4\n# EOF\n",
        &["family `t`: its samples are in another order"],
    );
    assert_converts(
        "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_bucket{le=\"1\"} 1\n",
        TO_OPENMETRICS,
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n# EOF\n",
        &["family `h`: its samples are in another order"],
    );
}

#[test]
fn prometheus_text_has_no_types_for_some_metrics() {
    assert_converts(
        "# TYPE build info\n# HELP build Help.\nbuild_info{v=\"1\"} 1\n\
         # TYPE door stateset\ndoor{door=\"open\"} 1\ndoor{door=\"shut\"} 0\n\
         # TYPE size gaugehistogram\nsize_bucket{le=\"+Inf\"} 2\nsize_gcount 2\nsize_gsum -1\n# EOF\n",
        TO_PROMETHEUS,
        "# HELP build_info Help.\n# TYPE build_info gauge\nbuild_info{v=\"1\"} 1\n\
         # TYPE door gauge\ndoor{door=\"open\"} 1\ndoor{door=\"shut\"} 0\n\
         # TYPE size_bucket gauge\nsize_bucket{le=\"+Inf\"} 2\n\
         # TYPE size_gcount gauge\nsize_gcount 2\n# TYPE size_gsum gauge\nsize_gsum -1\n",
        &[
            "family `build`: its type changes from info to gauge",
            "family `door`: its type changes from stateset to gauge",
            "family `size`: its type changes from gaugehistogram to gauge",
        ],
    );
}

#[test]
fn prometheus_text_counts_milliseconds_and_has_one_point() {
    assert_converts(
        "# TYPE a gauge\na 1 1.0004\na 2 1.0005\na{b=\"c\"} 3 -0.0001\na{b=\"d\"} 4 10000000000000000\n# EOF\n",
        TO_PROMETHEUS,
        "# TYPE a gauge\na 2 1000\na{b=\"c\"} 3 -1\na{b=\"d\"} 4\n",
        &[
            "family `a`: 1 sample is left out in favor of the latest point",
            "family `a`: 2 timestamps are rounded down to milliseconds",
            "family `a`: 1 timestamp is left out",
        ],
    );
    // No point is made of two: the sum of the first is not that of the second.
    assert_converts(
        "# TYPE t summary\nt_sum 1 1\nt_count 1 1\nt_count 2 2\n# EOF\n",
        TO_PROMETHEUS,
        "# TYPE t summary\nt_count 2 2000\n",
        &["family `t`: 2 samples are left out in favor of the latest point"],
    );
}

#[test]
fn a_sample_with_a_contradiction_is_left_out() {
    for to in [Format::OpenMetrics, Format::Prometheus] {
        let (output, losses) = converted("a{b=\"1\",b=\"2\"} 1\na 2\n", Format::Prometheus, to);
        assert!(
            output.contains("\na 2\n") && !output.contains('{'),
            "{output}"
        );
        assert_eq!(
            losses,
            ["family `a`: 1 sample is left out because of invalid labels"]
        );
    }
}

#[test]
fn an_error_lists_the_losses_of_all_families() {
    let families: Vec<_> = ["a", "b", "c", "d", "e"]
        .map(|name| {
            let sample = Sample::new(Suffix::None, LabelSet::new(), 1.0);
            MetricFamily::new(name, MetricType::Counter).with_sample(sample)
        })
        .into();
    let error = transcode(&families, Format::OpenMetrics).unwrap_err();
    assert_eq!(error.kind(), EncodeErrorKind::NotExpressible);
    assert_eq!(error.losses().len(), 5);
    assert_eq!(
        error.to_string(),
        "openmetrics-1.0 cannot express everything: \
         family `a`: its samples `a` are renamed to `a_total`; \
         family `b`: its samples `b` are renamed to `b_total`; \
         family `c`: its samples `c` are renamed to `c_total`; and 2 more"
    );
    let nameless = [MetricFamily::new("", MetricType::Gauge)];
    let error = transcode_lossy(&nameless, Format::OpenMetrics).unwrap_err();
    assert_eq!(error.kind(), EncodeErrorKind::EmptyName);
}

#[test]
fn names_that_a_scheme_does_not_keep_are_lost() {
    let families = read(
        "# TYPE \"a.b\" gauge\n{\"a.b\",\"c.d\"=\"1\"} 1\n",
        Format::Prometheus,
    );
    let (exposition, losses) = transcode_lossy(&families, ContentType::TEXT_0_0_4).unwrap();
    assert_eq!(exposition.body(), "# TYPE a_b gauge\na_b{c_d=\"1\"} 1\n");
    let losses: Vec<_> = losses.iter().map(ToString::to_string).collect();
    assert_eq!(
        losses,
        [
            "family `a.b`: the name `a.b` is escaped as `a_b`",
            "family `a.b`: the name `c.d` is escaped as `c_d`",
        ]
    );
    let values = ContentType::TEXT_0_0_4.with_escaping(EscapingScheme::Values);
    assert_eq!(
        transcode(&families, values).unwrap().body(),
        "# TYPE U__a_2e_b gauge\nU__a_2e_b{U__c_2e_d=\"1\"} 1\n"
    );
}

#[test]
fn openmetrics_2_loses_what_its_rules_do_not_allow() {
    assert_converts(
        "# TYPE c counter\nc_total 1 # {a=\"b\"} 1\nc_created 1e-10\n\
         # TYPE h histogram\nh_bucket{le=\"-1.0\"} 2\nh_bucket{le=\"+Inf\"} 3\n\
         # TYPE s summary\ns{quantile=\"0.5\"} 1\n\
         # TYPE _x gauge\n_x 1\n\
         # TYPE y gauge\ny{_z=\"1\"} 1\ny 2\n# EOF\n",
        (Format::OpenMetrics, Format::OpenMetrics2),
        "# TYPE c_total counter\nc_total 1 st@0\n\
         # TYPE h histogram\nh {count:3,sum:NaN,bucket:[-1:2,+Inf:3]}\n\
         # TYPE s unknown\ns{quantile=\"0.5\"} 1\n\
         # TYPE y gauge\ny 2\n# EOF\n",
        &[
            "family `c`: 1 exemplar is left out",
            "family `c`: 1 start timestamp is rounded",
            "family `h`: 1 unknown sum is written as NaN",
            "family `s`: its type changes from summary to unknown",
            "family `_x`: it is left out because its name is reserved",
            "family `y`: 1 sample is left out because of invalid labels",
        ],
    );
}

#[test]
fn older_formats_lose_what_only_openmetrics_2_has() {
    let input = "# TYPE wait histogram\n\
        wait {count:3,sum:5,schema:0,zero_threshold:0,zero_count:0,positive_spans:[1:1],positive_buckets:[3],bucket:[2:3,+Inf:3]} \
        st@1700000000.123456789 # {} 1.5 1 # {} 1.5 2 # {} 1.5 3\n# EOF\n";
    assert_converts(
        input,
        (Format::OpenMetrics2, Format::OpenMetrics),
        "# TYPE wait histogram\nwait_bucket{le=\"2.0\"} 3 # {} 1.5 3\nwait_bucket{le=\"+Inf\"} 3 # {} 1.5 1\n\
         wait_count 3\nwait_sum 5\nwait_created 1700000000.1234567\n# EOF\n",
        &[
            "family `wait`: 1 native histogram is left out",
            "family `wait`: 1 exemplar is left out",
            "family `wait`: 1 start timestamp is rounded",
        ],
    );
    let (text, losses) = converted(input, Format::OpenMetrics2, Format::OpenMetrics2);
    assert_eq!((text.as_str(), losses.len()), (input, 0));
}

/// client_golang writes no bucket `+Inf` in protobuf.
#[test]
fn a_histogram_of_protobuf_gets_the_bucket_that_holds_all() {
    let value = HistogramValue::new(3.0)
        .with_sum(4.0)
        .with_buckets([(1.0, 1.0), (2.5, 2.0)]);
    let empty = HistogramValue::new(2.0).with_sum(1.0);
    let exemplar = Exemplar::new(LabelSet::new(), 7.0).with_timestamp(Timestamp::from_millis(5000));
    let sample = |value, place: &str| {
        Sample::new(Suffix::None, LabelSet::from_iter([("place", place)]), 0.0)
            .with_composite(CompositeValue::Histogram(value))
    };
    let family = MetricFamily::new("wait", MetricType::Histogram)
        .with_sample(sample(value, "a").with_exemplars([exemplar]))
        .with_sample(sample(empty, "b"));
    let families = [family];
    let texts = [
        (
            Format::OpenMetrics2,
            "# TYPE wait histogram\n\
             wait{place=\"a\"} {count:3,sum:4,bucket:[1:1,2.5:2,+Inf:3]} # {} 7 5\n\
             wait{place=\"b\"} {count:2,sum:1,bucket:[+Inf:2]}\n# EOF\n",
        ),
        (
            Format::OpenMetrics,
            "# TYPE wait histogram\nwait_bucket{place=\"a\",le=\"1.0\"} 1\n\
             wait_bucket{place=\"a\",le=\"2.5\"} 2\nwait_bucket{place=\"a\",le=\"+Inf\"} 3 # {} 7 5\n\
             wait_count{place=\"a\"} 3\nwait_sum{place=\"a\"} 4\n\
             wait_bucket{place=\"b\",le=\"+Inf\"} 2\nwait_count{place=\"b\"} 2\nwait_sum{place=\"b\"} 1\n# EOF\n",
        ),
    ];
    for (format, expected) in texts {
        check(&families, format).unwrap();
        let exposition = transcode(&families, format).unwrap();
        assert_eq!(text(exposition.body()), expected);
    }
}

/// Whether there is a start timestamp must not decide which name the series have.
#[test]
fn a_counter_without_total_gets_it_with_a_time_of_creation_as_well() {
    assert_converts(
        "# TYPE c counter\nc{a=\"1\"} 1 st@5 # {} 1 1\nc{a=\"2\"} 2\n# EOF\n",
        (Format::OpenMetrics2, Format::OpenMetrics),
        "# TYPE c counter\nc_total{a=\"1\"} 1 # {} 1 1\nc_created{a=\"1\"} 5\nc_total{a=\"2\"} 2\n# EOF\n",
        &["family `c`: its samples `c` are renamed to `c_total`"],
    );
}

/// A histogram without events may have spans without buckets.
#[test]
fn spans_without_buckets_do_not_cost_the_histogram_in_protobuf() {
    let native = "{count:0,sum:0,schema:3,zero_threshold:0,zero_count:0";
    for spans in [
        ",positive_spans:[0:0],positive_buckets:[]",
        ",negative_spans:[5:0,1:0],negative_buckets:[]",
    ] {
        let input = format!("# TYPE wait histogram\nwait {native}{spans}}}\n# EOF\n");
        let families = read(&input, Format::OpenMetrics2);
        let exposition = transcode(&families, Format::Protobuf).unwrap();
        let read = parse_families(exposition.body(), &ParseOptions::new(Format::Protobuf)).unwrap();
        let again = transcode(read.as_slice(), Format::OpenMetrics2).unwrap();
        let expected = format!("# TYPE wait histogram\nwait {native}}}\n# EOF\n");
        assert_eq!(text(again.body()), expected);
    }
}
