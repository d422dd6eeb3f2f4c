//! How fast is OpenMetrics 2.0 read, compared with OpenMetrics 1.0 text of the same data, for each byte and for each number?

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scout_metrics_benches::{all_types, histograms, scout};
use scout_metrics_openmetrics::{
    Event, Format, Limits, MetricFamily, MetricType, ParseOptions, Parser, encode_families,
    parse_families, transcode_lossy,
};

fn options(format: Format) -> ParseOptions {
    ParseOptions::new(format).with_limits(Limits::unlimited())
}

/// Reads line by line and looks at each number. Returns the number of lines and of numbers.
fn pull(text: &str, options: &ParseOptions) -> (usize, usize) {
    let mut parser = Parser::from_text(text, options);
    let (mut lines, mut numbers) = (0, 0);
    while let Some(event) = parser.next_event().expect("the input is valid") {
        let Event::Sample(sample) = event else {
            continue;
        };
        lines += 1;
        numbers += match sample.composite() {
            None => 1,
            // The count and the sum are numbers of their own in the older format.
            Some(composite) => 2 + composite.buckets().len() + composite.quantiles().len(),
        };
        black_box(sample.value());
    }
    (lines, numbers)
}

fn families(text: &str, options: &ParseOptions) -> usize {
    let families = parse_families(text.as_bytes(), options).expect("the input is valid");
    families.iter().map(|family| family.samples().len()).sum()
}

fn read(format: Format, text: &str) -> Vec<MetricFamily> {
    let families = parse_families(text.as_bytes(), &options(format));
    families.expect("the input is valid").into_vec()
}

/// Returns the families whose samples have composite values in OpenMetrics 2.0.
fn composites(families: &[MetricFamily]) -> Vec<MetricFamily> {
    use MetricType::{GaugeHistogram, Histogram, Summary};
    let families = families.iter();
    let composites =
        families.filter(|family| matches!(family.kind(), GaugeHistogram | Histogram | Summary));
    composites.cloned().collect()
}

fn openmetrics2(criterion: &mut Criterion) {
    const MEGABYTE: usize = 1 << 20;
    let all_types = read(
        Format::OpenMetrics,
        &all_types(Format::OpenMetrics, MEGABYTE),
    );
    for (name, read) in [
        ("scout-20000", read(Format::Prometheus, &scout(20_000))),
        ("composites of all-types", composites(&all_types)),
        ("all-types", all_types),
        (
            "histograms",
            read(Format::OpenMetrics, &histograms(MEGABYTE)),
        ),
    ] {
        let mut group = criterion.benchmark_group(format!("openmetrics2/{name}"));
        for (version, format) in [("1.0", Format::OpenMetrics), ("2.0", Format::OpenMetrics2)] {
            let (exposition, _) = transcode_lossy(&read, format).expect("names are not empty");
            let text = std::str::from_utf8(exposition.body()).expect("it is text");
            let options = options(format);
            let written = parse_families(text.as_bytes(), &options);
            let written = written.expect("it was written by us").into_vec();
            let (lines, numbers) = pull(text, &options);
            println!(
                "{name}, {version}: {} bytes, {lines} lines, {numbers} numbers",
                text.len()
            );
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(format!("{version}: pull"), |bencher| {
                bencher.iter(|| pull(black_box(text), &options));
            });
            group.bench_function(format!("{version}: families"), |bencher| {
                bencher.iter(|| families(black_box(text), &options));
            });
            group.bench_function(format!("{version}: families to text"), |bencher| {
                bencher.iter(|| encode_families(black_box(&written), format));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, openmetrics2);
criterion_main!(benches);
