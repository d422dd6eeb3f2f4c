//! How often is memory asked for, and how much is held?

use std::fmt::Write;

use allocation_counter::{AllocationInfo, measure};
use scout_metrics_benches::{
    all_types, count_samples, histograms, many_labels, scout, short_families,
};
use scout_metrics_openmetrics::{
    ChunkedParser, Encoder, Event, Format, Limits, MetricFamily, ParseOptions, Parser,
    parse_families,
};

const MEGABYTE: usize = 1 << 20;

/// The allocations that a reader or writer may make, however long the exposition is.
const ONCE: u64 = 100;

fn options(format: Format) -> ParseOptions {
    ParseOptions::new(format).with_limits(Limits::unlimited())
}

fn inputs() -> [(&'static str, Format, String); 5] {
    [
        ("scout", Format::Prometheus, scout(20_000)),
        (
            "all types",
            Format::Prometheus,
            all_types(Format::Prometheus, MEGABYTE),
        ),
        (
            "short families",
            Format::Prometheus,
            short_families(Format::Prometheus),
        ),
        ("10 labels", Format::Prometheus, many_labels(10, MEGABYTE)),
        ("histograms", Format::OpenMetrics, histograms(MEGABYTE)),
    ]
}

fn samples(text: &str) -> u64 {
    count_samples(text) as u64
}

fn families(text: &str, format: Format) -> Vec<MetricFamily> {
    let families = parse_families(text.as_bytes(), &options(format));
    families.expect("the input is good").into_vec()
}

/// Runs something and returns what it gave and what it cost.
fn measured<T>(run: impl FnOnce() -> T) -> (T, AllocationInfo) {
    let mut result = None;
    let info = measure(|| result = Some(run()));
    (result.expect("it has run"), info)
}

#[test]
fn the_pull_parser_allocates_nothing_for_a_sample() {
    for (name, format, text) in inputs() {
        let (count, info) = measured(|| {
            let mut parser = Parser::new(text.as_bytes(), &options(format)).expect("it is UTF-8");
            let mut count = 0;
            while let Some(event) = parser.next_event().expect("the input is good") {
                if let Event::Sample(sample) = event {
                    count += 1;
                    assert!(sample.labels().all(|(name, _)| !name.raw().is_empty()));
                }
            }
            count
        });
        assert_eq!(count, samples(&text));
        assert!(info.count_total < ONCE, "{name}: {info:?}");
        assert!(info.bytes_max < 24 << 10, "{name}: {info:?}");
    }
}

#[test]
fn the_chunked_parser_allocates_nothing_for_a_sample() {
    for (name, format, text) in inputs() {
        let (count, info) = measured(|| {
            let mut parser = ChunkedParser::new(&options(format));
            let mut count = 0;
            let mut take = |parser: &mut ChunkedParser| {
                while let Some(event) = parser.next_event().expect("the input is good") {
                    count += u64::from(matches!(event, Event::Sample(_)));
                }
            };
            for chunk in text.as_bytes().chunks(16 << 10) {
                parser.feed(chunk).expect("the input is UTF-8");
                take(&mut parser);
            }
            parser.finish().expect("the input is whole");
            take(&mut parser);
            count
        });
        assert_eq!(count, samples(&text));
        assert!(info.count_total < ONCE, "{name}: {info:?}");
        assert!(info.bytes_max < 72 << 10, "{name}: {info:?}");
    }
}

#[test]
fn families_cost_hardly_an_allocation_for_a_sample_and_little_more_than_the_text() {
    // Two values whose random hashes collide are written again and again, so now and then it is a tenth more.
    let bounds = [
        ("scout", 0.02, 0.7),
        // Families have allocations of their own.
        ("all types", 0.3, 0.8),
        ("short families", 1.0, 1.3),
        ("10 labels", 0.05, 1.1),
        // An exemplar is an allocation.
        ("histograms", 0.95, 0.9),
    ];
    for ((name, format, text), (same_name, allocations, multiple)) in
        inputs().into_iter().zip(bounds)
    {
        assert_eq!(name, same_name);
        let (families, info) = measured(|| families(&text, format));
        let count: usize = families.iter().map(|family| family.samples().len()).sum();
        assert_eq!(count as u64, samples(&text));
        let per_sample = info.count_total as f64 / count as f64;
        let held = info.bytes_current as f64 / text.len() as f64;
        println!("{name}: {per_sample:.2} allocations for a sample, {held:.2} times the text");
        assert!(per_sample < allocations, "{name}: {per_sample}");
        assert!(held < multiple, "{name}: {held}");
    }
}

/// Sixteen times the text costs some sixteen times the allocations and the memory. Vectors and tables grow in steps, so
/// that it may be half as much again.
#[test]
fn a_composite_value_costs_an_allocation_for_each_list_and_at_most_three_more() {
    let exposition = |value: &str| {
        let mut text = String::new();
        for host in 0..1_000 {
            writeln!(text, "a{{host=\"{host}\"}} {value}").expect("a string accepts all");
        }
        text.push_str("# EOF\n");
        text
    };
    for (name, value, most) in [
        ("a number", "1.5 1520879607.789", 0),
        ("a start timestamp", "1 st@1520430000.123", 1),
        // The label set of the exemplar is on a page with others.
        ("an exemplar", "1 # {id=\"1\"} 0.5 1520879607.789", 1),
        ("classic buckets", "{count:2,sum:3,bucket:[1:1,+Inf:2]}", 3),
        (
            "quantiles",
            "{count:2,sum:3,quantile:[0.5:1,0.9:2]} st@1",
            3,
        ),
        (
            "native buckets",
            "{count:2,sum:3,schema:0,zero_threshold:0,zero_count:1,positive_spans:[0:1],positive_buckets:[1]}",
            5,
        ),
    ] {
        let text = exposition(value);
        let (read, info) = measured(|| families(&text, Format::OpenMetrics2));
        assert_eq!(read[0].samples().len(), 1_000);
        let per_sample = info.count_total as f64 / 1_000.0;
        println!("{name}: {per_sample:.2} allocations for a sample");
        assert!(info.count_total <= most * 1_000 + ONCE, "{name}: {info:?}");
    }
}

#[test]
fn families_cost_the_same_for_a_sample_of_a_large_exposition() {
    const MORE: usize = 16;
    const LENGTH: usize = 256 << 10;
    type Text = fn(usize) -> String;
    let texts: [(&str, Format, Text); 5] = [
        ("scout", Format::Prometheus, |factor| scout(2_000 * factor)),
        ("all types", Format::Prometheus, |factor| {
            all_types(Format::Prometheus, LENGTH * factor)
        }),
        ("all types", Format::OpenMetrics, |factor| {
            all_types(Format::OpenMetrics, LENGTH * factor)
        }),
        ("10 labels", Format::Prometheus, |factor| {
            many_labels(10, LENGTH * factor)
        }),
        ("histograms", Format::OpenMetrics, |factor| {
            histograms(LENGTH * factor)
        }),
    ];
    for (name, format, text) in texts {
        let [small, large] = [1, MORE].map(|factor| {
            let text = text(factor);
            let (families, info) = measured(|| families(&text, format));
            let count: usize = families.iter().map(|family| family.samples().len()).sum();
            assert_eq!(count as u64, samples(&text));
            let costs = [info.count_total, info.bytes_total, info.bytes_max];
            costs.map(|cost| cost as f64 / count as f64)
        });
        for (small, large) in small.into_iter().zip(large) {
            assert!(large < 1.5 * small, "{name}: {small} and {large}");
        }
    }
}

#[test]
fn the_encoder_allocates_nothing_for_a_sample() {
    for (name, format, text) in inputs() {
        let families = families(&text, format);
        let mut out = String::with_capacity(2 * text.len());
        let mut name_of_sample = String::with_capacity(256);
        let run = || encode(&families, format, &mut out, &mut name_of_sample);
        let ((), info) = measured(run);
        assert!(out.len() > text.len() / 2);
        assert_eq!(info.count_total, 0, "{name}: {info:?}");
    }
}

fn encode(families: &[MetricFamily], format: Format, out: &mut String, sample_name: &mut String) {
    let mut encoder = Encoder::new(out, format);
    for family in families {
        let written = encoder.family(family.name(), family.kind(), family.help(), family.unit());
        written.expect("it was read from this format");
        for sample in family.samples() {
            sample_name.clear();
            write!(sample_name, "{}{}", family.name(), sample.suffix()).expect("it is a string");
            let labels = sample.labels().iter();
            let written = encoder.sample(sample_name, labels, sample.value());
            let written = written.expect("it was read from this format");
            if let Some(exemplar) = sample.exemplar() {
                let labels = exemplar.labels().iter();
                let written = written.exemplar(labels, exemplar.value(), exemplar.timestamp());
                written.expect("it was read from this format");
            }
        }
    }
    encoder.finish().expect("it is a string");
}
