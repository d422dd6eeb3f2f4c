//! How many bytes and samples a second are read, by us and by the peers on the same input?

use std::hint::black_box;

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use scout_metrics_benches::{all_types, histograms, many_escapes, many_labels, scout};
use scout_metrics_core::Organization;
use scout_metrics_openmetrics::{
    ChunkedParser, Event, Format, Limits, Mode, ParseOptions, Parser, SampleRef, parse_families,
    scout::SnapshotReader,
};

const MEGABYTE: usize = 1 << 20;

fn options(format: Format) -> ParseOptions {
    ParseOptions::new(format).with_limits(Limits::unlimited())
}

/// Looks at everything that a sample says. Inlined, as in a program that reads in one place: a call for each sample
/// would take a third of the time, and none of it is the parser's.
#[inline(always)]
fn weigh(sample: SampleRef<'_, '_>) -> usize {
    let labels = |(name, value): (
        scout_metrics_openmetrics::Text<'_>,
        scout_metrics_openmetrics::Text<'_>,
    )| { name.decode().len() + value.decode().len() };
    let exemplar = sample
        .exemplar()
        .map_or(0, |exemplar| exemplar.labels().map(labels).sum());
    sample.name().decode().len()
        + sample.labels().map(labels).sum::<usize>()
        + exemplar
        + sample.value() as usize % 2
}

/// Reads with the pull parser; returns how many samples there are and what they weigh.
fn pull(text: &str, options: &ParseOptions) -> (usize, usize) {
    let mut parser = Parser::new(text.as_bytes(), options).expect("the input is UTF-8");
    let (mut samples, mut weight) = (0, 0);
    while let Some(event) = parser.next_event().expect("the input is good") {
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
        while let Some(event) = parser.next_event().expect("the input is good") {
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
    let families = parse_families(text.as_bytes(), options).expect("the input is good");
    families.iter().map(|family| family.samples().len()).sum()
}

fn prometheus_parse(text: &str) -> usize {
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    prometheus_parse::Scrape::parse(lines)
        .expect("the input is good")
        .samples
        .len()
}

fn prom_text_format_parser(text: &str) -> usize {
    let scrape = prom_text_format_parser::Scrape::parse(text).expect("the input is good");
    let samples = scrape.metrics.iter().map(|metric| metric.samples.len());
    samples.sum()
}

fn group<'a>(criterion: &'a mut Criterion, name: &str, text: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::ElementsAndBytes {
        elements: count_samples(text) as u64,
        bytes: text.len() as u64,
    });
    group.sample_size(10);
    group
}

fn count_samples(text: &str) -> usize {
    text.lines().filter(|line| !line.starts_with('#')).count()
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

fn bench_scout(criterion: &mut Criterion) {
    for samples in [145, 20_000, 200_000] {
        let text = scout(samples);
        let mut group = group(criterion, &format!("scout-{samples}"), &text);
        let lenient = options(Format::Prometheus);
        let strict = lenient.with_mode(Mode::Strict);
        assert_eq!(pull(&text, &lenient).0, samples);
        assert_eq!(pull_chunks(&text, &lenient), pull(&text, &lenient));
        assert_eq!(families(&text, &strict), samples);
        assert_eq!(prometheus_parse(&text), samples);
        group.bench_function("pull", |b| b.iter(|| pull(black_box(&text), &lenient)));
        group.bench_function("pull, chunks of 16 KiB", |b| {
            b.iter(|| pull_chunks(black_box(&text), &lenient))
        });
        group.bench_function("families, lenient", |b| {
            b.iter(|| families(black_box(&text), &lenient))
        });
        group.bench_function("families, strict", |b| {
            b.iter(|| families(black_box(&text), &strict))
        });
        let reader = SnapshotReader::new(Organization::new("acme").expect("the name is valid"));
        group.bench_function("snapshot", |b| {
            b.iter(|| {
                reader
                    .read(black_box(text.as_bytes()))
                    .expect("the input is good")
            })
        });
        group.bench_function("peer: prometheus-parse", |b| {
            b.iter(|| prometheus_parse(black_box(&text)))
        });
        assert_eq!(prom_text_format_parser(&text), samples);
        group.bench_function("peer: prom_text_format_parser", |b| {
            b.iter(|| prom_text_format_parser(black_box(&text)))
        });
        bench_bounds(&mut group, &text);
        group.finish();
    }
}

fn bench_text(criterion: &mut Criterion) {
    let inputs = [
        ("all-types", all_types(20 * MEGABYTE)),
        ("10-labels", many_labels(10, 20 * MEGABYTE)),
        ("10000-labels", many_labels(10_000, 20 * MEGABYTE)),
        ("escapes", many_escapes(20 * MEGABYTE)),
    ];
    for (name, text) in inputs {
        let mut group = group(criterion, name, &text);
        let lenient = options(Format::Prometheus);
        assert_eq!(pull(&text, &lenient).0, count_samples(&text));
        assert_eq!(families(&text, &lenient), count_samples(&text));
        group.bench_function("pull", |b| b.iter(|| pull(black_box(&text), &lenient)));
        group.bench_function("families, lenient", |b| {
            b.iter(|| families(black_box(&text), &lenient))
        });
        if name != "10000-labels" {
            group.bench_function("peer: prometheus-parse", |b| {
                b.iter(|| prometheus_parse(black_box(&text)))
            });
        }
        group.finish();
    }
}

fn bench_openmetrics(criterion: &mut Criterion) {
    let text = histograms(20 * MEGABYTE);
    let mut group = group(criterion, "histograms", &text);
    let lenient = options(Format::OpenMetrics);
    let strict = lenient.with_mode(Mode::Strict);
    assert_eq!(pull(&text, &lenient).0, count_samples(&text));
    assert_eq!(families(&text, &strict), count_samples(&text));
    group.bench_function("pull", |b| b.iter(|| pull(black_box(&text), &lenient)));
    group.bench_function("families, lenient", |b| {
        b.iter(|| families(black_box(&text), &lenient))
    });
    group.bench_function("families, strict", |b| {
        b.iter(|| families(black_box(&text), &strict))
    });
    group.bench_function("peer: prometheus-parse", |b| {
        b.iter(|| prometheus_parse(black_box(&text)))
    });
    group.finish();
}

/// Does a byte cost the same in a small and in a large exposition, and in a line with few and with many labels?
fn bench_scaling(criterion: &mut Criterion) {
    const KILOBYTE: usize = 1000;
    let lenient = options(Format::Prometheus);
    let bench = |group: &mut BenchmarkGroup<'_, WallTime>, text: &str| {
        assert_eq!(pull(text, &lenient).0, count_samples(text));
        group.bench_function("pull", |b| b.iter(|| pull(black_box(text), &lenient)));
        group.bench_function("families, lenient", |b| {
            b.iter(|| families(black_box(text), &lenient))
        });
    };
    let bytes_per_sample = scout(20_000).len() / 20_000;
    for kilobytes in [20, 200, 2_000, 20_000, 200_000] {
        let text = scout(kilobytes * KILOBYTE / bytes_per_sample);
        let mut group = group(criterion, &format!("size-{kilobytes}-kB"), &text);
        bench(&mut group, &text);
    }
    for labels in [1, 10, 100, 1_000, 10_000] {
        let text = many_labels(labels, 2 * MEGABYTE);
        let mut group = group(criterion, &format!("labels-{labels}"), &text);
        bench(&mut group, &text);
    }
}

criterion_group!(
    benches,
    bench_scout,
    bench_text,
    bench_openmetrics,
    bench_scaling
);
criterion_main!(benches);
