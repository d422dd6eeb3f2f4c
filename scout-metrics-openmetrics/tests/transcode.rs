//! Conversions of families between formats, case by case, and of families that break rules.
//!
//! `any_format_to_any.rs` of the crate `scout-metrics-http` is the property of all formats, remote write among them.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use proptest::prelude::*;
use scout_metrics_openmetrics::{
    CompositeValue, ContentType, EncodeErrorKind, EscapingScheme, Exemplar, Format, HistogramValue,
    LabelSet, Limits, Lost, MetricFamily, MetricType, Mode, NativeBuckets, NativeHistogram,
    ParseOptions, Sample, Suffix, Timestamp, encode_families, parse_families, transcode,
    transcode_lossy,
};
use support::{
    conversion::{check, check_content_types},
    few_cases::cases,
    model::{Style, families},
    mutate::Mutator,
    new_families::new_families,
    odd_families::odd_family,
    random::number,
};

const FORMATS: [Format; 4] = [
    Format::OpenMetrics,
    Format::OpenMetrics2,
    Format::Prometheus,
    Format::Protobuf,
];

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

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn families_of_openmetrics_2_are_written_without_loss(families in new_families()) {
        let same = transcode(&families, Format::OpenMetrics2).unwrap();
        let options = ParseOptions::new(Format::OpenMetrics2)
            .with_mode(Mode::Strict)
            .with_limits(Limits::unlimited());
        let read = parse_families(same.body(), &options).unwrap();
        prop_assert_eq!(read.as_slice(), &families[..]);
        check_content_types(&families).map_err(TestCaseError::fail)?;
    }
}

proptest! {
    #![proptest_config(cases(8))]

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
    #![proptest_config(cases(20))]

    #[test]
    fn odd_families_in_any_format_are_equal_or_losses_say_why_not(families in prop::collection::vec(odd_family(), 0..6)) {
        for format in FORMATS {
            check(&families, format).map_err(TestCaseError::fail)?;
        }
        check_content_types(&families).map_err(TestCaseError::fail)?;
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
fn times_of_creation_stay_in_their_place_if_the_type_is_given_up() {
    assert_converts(
        "# TYPE a histogram\na_sum 1\na_bucket{le=\"+Inf\"} 1\n# TYPE b gauge\nb 1\n\
         # TYPE a_created gauge\na_created 1\n",
        TO_OPENMETRICS,
        "# TYPE a_sum unknown\na_sum 1\n# TYPE a_bucket unknown\na_bucket{le=\"+Inf\"} 1\n\
         # TYPE b gauge\nb 1\n# TYPE a_created gauge\na_created 1\n# EOF\n",
        &["family `a`: its type changes from histogram to unknown"],
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

/// The unit is before `_total`, so the name has to be escaped without that.
#[test]
fn a_counter_keeps_its_unit_when_dots_are_escaped() {
    let families = read(
        "# TYPE \"a.b_seconds_total\" counter\n# UNIT \"a.b_seconds_total\" seconds\n{\"a.b_seconds_total\"} 1\n# EOF\n",
        Format::OpenMetrics2,
    );
    let dots = ContentType::OPENMETRICS_1_0_0.with_escaping(EscapingScheme::Dots);
    assert_eq!(
        transcode(&families, dots).unwrap().body(),
        "# TYPE a_dot_b__seconds counter\n# UNIT a_dot_b__seconds seconds\na_dot_b__seconds_total 1\n# EOF\n"
    );
}

#[test]
fn an_info_without_samples_keeps_its_suffix_when_it_is_escaped() {
    for (scheme, name) in [
        (EscapingScheme::Dots, "a_dot_b__info"),
        (EscapingScheme::Values, "U__a_2e_b__info"),
    ] {
        let families = [MetricFamily::new("a.b_info", MetricType::Info)];
        let content_type = ContentType::OPENMETRICS_2_0_0.with_escaping(scheme);
        let exposition = transcode(&families, content_type).unwrap();
        let text = format!("# TYPE {name} info\n# EOF\n");
        assert_eq!(exposition.body(), text.as_bytes());
        let read = parse_families(text.as_bytes(), &ParseOptions::new(content_type)).unwrap();
        assert_eq!(read.unescaped(scheme).unwrap().as_slice(), families);
    }
}

#[test]
fn exemplars_of_a_native_histogram_beside_its_series_are_a_loss() {
    let native = NativeHistogram::new(0, NativeBuckets::default()).unwrap();
    let exemplar = Exemplar::new(LabelSet::new(), 0.5);
    let native = Sample::new(Suffix::None, LabelSet::new(), 0.0).with_native_histogram(native);
    let families = [MetricFamily::new("a", MetricType::Histogram)
        .with_sample(native.with_exemplar(exemplar))
        .with_sample(Sample::new(Suffix::Sum, LabelSet::new(), 1.0))];
    let (_, losses) = transcode_lossy(&families, Format::Prometheus).unwrap();
    assert!(
        losses
            .iter()
            .any(|loss| loss.lost == Lost::Exemplars { count: 1 })
    );
}

/// OpenMetrics 1.0 limits the length of the names that are written.
#[test]
fn an_exemplar_that_escaping_makes_too_long_is_left_out() {
    let name = "é".repeat(40);
    let lines = |exemplar: &str| format!("# TYPE a counter\na_total 1{exemplar}\n# EOF\n");
    let families = read(
        &lines(&format!(" # {{\"{name}\"=\"1\"}} 1")),
        Format::OpenMetrics,
    );
    let values = ContentType::OPENMETRICS_1_0_0.with_escaping(EscapingScheme::Values);
    let (exposition, losses) = transcode_lossy(&families, values).unwrap();
    assert_eq!(text(exposition.body()), lines(""));
    assert_eq!(losses[0].lost, Lost::Exemplars { count: 1 });
    assert_eq!(losses.len(), 1);
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
            "family `wait`: 1 native histogram is written without native buckets",
            "family `wait`: 1 exemplar is left out",
            "family `wait`: 1 start timestamp is rounded",
        ],
    );
    let (text, losses) = converted(input, Format::OpenMetrics2, Format::OpenMetrics2);
    assert_eq!((text.as_str(), losses.len()), (input, 0));
}

/// A scraper of the text has the same series `_count` and `_sum` whether the histogram has classic buckets as well or not.
#[test]
fn a_histogram_of_native_buckets_alone_keeps_count_and_sum_in_older_formats() {
    let native = "count:2,sum:3,schema:0,zero_threshold:0,zero_count:0,positive_spans:[0:1],positive_buckets:[2]";
    let input = format!(
        "# TYPE a histogram\na{{b=\"c\"}} {{{native}}} st@5 # {{}} 1 1 # {{}} 1 2\na{{le=\"1\"}} {{{native}}}\n\
         # TYPE b gaugehistogram\nb {{g{}}}\n# EOF\n",
        native.replace("sum", "gsum")
    );
    assert_converts(
        &input,
        (Format::OpenMetrics2, Format::OpenMetrics),
        "# TYPE a histogram\na_bucket{b=\"c\",le=\"+Inf\"} 2 # {} 1 2\na_count{b=\"c\"} 2\na_sum{b=\"c\"} 3\n\
         a_created{b=\"c\"} 5\n\
         # TYPE b gaugehistogram\nb_bucket{le=\"+Inf\"} 2\nb_gcount 2\nb_gsum 3\n# EOF\n",
        &[
            "family `a`: 2 native histograms are written without native buckets",
            "family `a`: 1 sample is left out because of invalid labels",
            "family `a`: 1 exemplar is left out",
            "family `b`: 1 native histogram is written without native buckets",
        ],
    );
    let (text, _) = converted(&input, Format::OpenMetrics2, Format::Prometheus);
    let lines = "# TYPE a histogram\na_bucket{b=\"c\",le=\"+Inf\"} 2\na_count{b=\"c\"} 2\na_sum{b=\"c\"} 3\n";
    assert!(text.starts_with(lines), "{text}");
}

#[test]
fn a_start_timestamp_of_unknown_type_becomes_a_family() {
    assert_converts(
        "# TYPE a unknown\na 1 st@5\n# EOF\n",
        (Format::OpenMetrics2, Format::OpenMetrics),
        "# TYPE a unknown\na 1\n# TYPE a_created unknown\na_created 5\n# EOF\n",
        &["family `a`: its times of creation are a family `a_created` of their own"],
    );
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

/// With fractions, text without that bucket breaks no rule.
#[test]
fn a_histogram_of_protobuf_gets_the_bucket_that_holds_all_in_text() {
    let value = HistogramValue::new(0.75)
        .with_sum(4.0)
        .with_buckets([(1.0, 0.5)]);
    let sample = Sample::new(Suffix::None, LabelSet::new(), 0.0);
    let sample = sample.with_composite(CompositeValue::Histogram(value));
    let family = MetricFamily::new("wait", MetricType::Histogram).with_sample(sample);
    let exposition = transcode(&[family], Format::Prometheus).unwrap();
    assert_eq!(
        text(exposition.body()),
        "# TYPE wait histogram\nwait_bucket{le=\"1.0\"} 0.5\nwait_bucket{le=\"+Inf\"} 0.75\nwait_count 0.75\nwait_sum 4\n"
    );
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
