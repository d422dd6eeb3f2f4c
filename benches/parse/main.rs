//! How many bytes and samples a second are read, by us and by the peers on the same input?

use std::hint::black_box;

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use peers::{prom_text_format_parser, prometheus_parse};
use scout_metrics_benches::{Input, inputs, many_labels, scout, weigh, weigh_bytes};
use scout_metrics_core::Organization;
use scout_metrics_openmetrics::{
    ChunkedParser, Event, Format, Limits, Mode, ParseOptions, Parser, SampleRef, parse_families,
    scout::SnapshotReader,
};

mod peers;

const MEGABYTE: usize = 1 << 20;

fn options(format: Format) -> ParseOptions {
    ParseOptions::new(format).with_limits(Limits::unlimited())
}

/// Reads with the pull parser; returns how many samples there are and what they weigh.
fn pull(text: &str, options: &ParseOptions) -> (usize, usize) {
    pull_and(text, options, weigh)
}

fn pull_bytes(text: &str, options: &ParseOptions) -> (usize, usize) {
    pull_and(text, options, weigh_bytes)
}

#[inline(always)]
fn pull_and(
    text: &str,
    options: &ParseOptions,
    weigh: impl Fn(SampleRef<'_, '_>) -> usize,
) -> (usize, usize) {
    let mut parser = Parser::new(text.as_bytes(), options).expect("the input is UTF-8");
    let (mut samples, mut weight) = (0, 0);
    while let Some(event) = parser.next_event().expect("the input is valid") {
        if let Event::Sample(sample) = event {
            samples += 1;
            weight += weigh(sample);
        }
    }
    (samples, weight)
}

fn pull_chunks(text: &str, options: &ParseOptions) -> (usize, usize) {
    let mut parser = ChunkedParser::new(options);
    let (mut samples, mut weight) = (0, 0);
    let mut chunks = text.as_bytes().chunks(16 << 10);
    loop {
        while let Some(event) = parser.next_event().expect("the input is valid") {
            if let Event::Sample(sample) = event {
                samples += 1;
                weight += weigh(sample);
            }
        }
        match chunks.next() {
            Some(chunk) => parser.feed(chunk).expect("the input is UTF-8"),
            None => break,
        }
    }
    (samples, weight)
}

fn families(text: &str, options: &ParseOptions) -> usize {
    let families = parse_families(text.as_bytes(), options).expect("the input is valid");
    families.iter().map(|family| family.samples().len()).sum()
}

fn group<'a>(criterion: &'a mut Criterion, input: &Input) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(input.name);
    group.throughput(Throughput::ElementsAndBytes {
        elements: input.samples() as u64,
        bytes: input.text.len() as u64,
    });
    group.sample_size(10);
    group
}

fn bench_inputs(criterion: &mut Criterion) {
    let large = Input::new("scout-200000", Format::Prometheus, scout(200_000));
    for input in inputs().into_iter().chain([large]) {
        let mut group = group(criterion, &input);
        bench_ours(&mut group, &input);
        if input.name.starts_with("scout") {
            bench_snapshot(&mut group, &input);
        }
        bench_peers(&mut group, &input);
        bench_bounds(&mut group, &input.text);
        group.finish();
    }
}

fn bench_ours(group: &mut BenchmarkGroup<'_, WallTime>, input: &Input) {
    let (text, lenient) = (&input.text, options(input.format));
    let strict = lenient.with_mode(Mode::Strict);
    let samples = input.samples();
    assert_eq!(pull(text, &lenient).0, samples, "{}", input.name);
    assert_eq!(pull_bytes(text, &lenient), pull(text, &lenient));
    assert_eq!(pull_chunks(text, &lenient), pull(text, &lenient));
    assert_eq!(families(text, &strict), samples, "{}", input.name);
    group.bench_function("pull", |b| b.iter(|| pull(black_box(text), &lenient)));
    group.bench_function("pull, as bytes", |b| {
        b.iter(|| pull_bytes(black_box(text), &lenient))
    });
    group.bench_function("pull, chunks of 16 KiB", |b| {
        b.iter(|| pull_chunks(black_box(text), &lenient))
    });
    group.bench_function("families, lenient", |b| {
        b.iter(|| families(black_box(text), &lenient))
    });
    group.bench_function("families, strict", |b| {
        b.iter(|| families(black_box(text), &strict))
    });
}

fn bench_snapshot(group: &mut BenchmarkGroup<'_, WallTime>, input: &Input) {
    let reader = SnapshotReader::new(Organization::new("acme").expect("the name is valid"))
        .with_limits(Limits::unlimited());
    group.bench_function("snapshot", |b| {
        b.iter(|| {
            reader
                .read(black_box(input.text.as_bytes()))
                .expect("the input is valid")
        })
    });
}

/// Measures the peers, after a check that they read the same. Neither decodes escapes, so there the samples are counted.
fn bench_peers(group: &mut BenchmarkGroup<'_, WallTime>, input: &Input) {
    let text = &input.text;
    let has_escapes = text.contains('\\');
    if has_escapes {
        assert_eq!(prometheus_parse(text), input.samples());
    } else {
        peers::check_prometheus_parse(input);
    }
    group.bench_function("peer: prometheus-parse", |b| {
        b.iter(|| prometheus_parse(black_box(text)))
    });
    let is_read = if has_escapes {
        prom_text_format_parser(text) == Some(input.samples())
    } else {
        peers::check_prom_text_format_parser(input)
    };
    // It knows no OpenMetrics.
    assert!(
        is_read || input.format == Format::OpenMetrics,
        "{}",
        input.name
    );
    if is_read {
        group.bench_function("peer: prom_text_format_parser", |b| {
            b.iter(|| prom_text_format_parser(black_box(text)))
        });
    }
}

/// The limits of what any reader could reach: is it UTF-8, and where do its lines end?
fn bench_bounds(group: &mut BenchmarkGroup<'_, WallTime>, text: &str) {
    group.bench_function("bound: utf-8 validation", |b| {
        b.iter(|| std::str::from_utf8(black_box(text.as_bytes())).is_ok());
    });
    group.bench_function("bound: memchr newlines", |b| {
        b.iter(|| memchr::memchr_iter(b'\n', black_box(text.as_bytes())).count());
    });
}

/// Does a byte cost the same in a small and in a large exposition, and in a line with few and with many labels?
fn bench_scaling(criterion: &mut Criterion) {
    const KILOBYTE: usize = 1000;
    let bytes_per_sample = scout(20_000).len() / 20_000;
    for (name, kilobytes) in [
        ("size-20-kB", 20),
        ("size-200-kB", 200),
        ("size-2-MB", 2_000),
        ("size-20-MB", 20_000),
        ("size-200-MB", 200_000),
    ] {
        let text = scout(kilobytes * KILOBYTE / bytes_per_sample);
        bench_one_size(criterion, &Input::new(name, Format::Prometheus, text));
    }
    for (name, labels) in [
        ("labels-1", 1),
        ("labels-10", 10),
        ("labels-100", 100),
        ("labels-1000", 1_000),
        ("labels-10000", 10_000),
    ] {
        let text = many_labels(labels, 2 * MEGABYTE);
        bench_one_size(criterion, &Input::new(name, Format::Prometheus, text));
    }
}

fn bench_one_size(criterion: &mut Criterion, input: &Input) {
    let (text, lenient) = (&input.text, options(input.format));
    assert_eq!(pull(text, &lenient).0, input.samples());
    let mut group = group(criterion, input);
    group.bench_function("pull", |b| b.iter(|| pull(black_box(text), &lenient)));
    group.bench_function("families, lenient", |b| {
        b.iter(|| families(black_box(text), &lenient))
    });
    group.finish();
}

criterion_group!(benches, bench_inputs, bench_scaling);
criterion_main!(benches);
