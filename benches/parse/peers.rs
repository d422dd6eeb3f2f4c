//! Other parsers, and whether they read an exposition as we do.

use prom_text_format_parser::{Type, ValueType};
use prometheus_parse::Value;
use scout_metrics_benches::Input;
use scout_metrics_openmetrics::{Event, Format, Limits, ParseOptions, Parser, SampleRef};

/// Reads with prometheus-parse; returns the number of what it calls samples.
pub(crate) fn prometheus_parse(text: &str) -> usize {
    scrape(text).samples.len()
}

fn scrape(text: &str) -> prometheus_parse::Scrape {
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    prometheus_parse::Scrape::parse(lines).expect("no line is an error")
}

/// Reads with prom_text_format_parser; returns the number of samples, or `None` if it refuses the exposition.
pub(crate) fn prom_text_format_parser(text: &str) -> Option<usize> {
    let scrape = prom_text_format_parser::Scrape::parse(text).ok()?;
    let samples = scrape.metrics.iter().map(|metric| metric.samples.len());
    Some(samples.sum())
}

/// A sample as every reader can describe it. Bounds and quantiles are numbers, because prometheus-parse does not keep
/// their text.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: u64,
}

impl Sample {
    fn new<'l>(
        name: String,
        labels: impl Iterator<Item = (&'l str, &'l str)>,
        own: Option<(&str, f64)>,
        value: f64,
    ) -> Self {
        let labels = labels.map(|(name, value)| (name.to_owned(), normal(name, value)));
        let own = own.map(|(name, value)| (name.to_owned(), value.to_string()));
        let mut labels: Vec<_> = labels.chain(own).collect();
        labels.sort();
        let value = if value.is_nan() { f64::NAN } else { value };
        Self {
            name,
            labels,
            value: value.to_bits(),
        }
    }
}

/// Returns a label's value, or that of a bound or quantile as every reader writes it.
fn normal(name: &str, value: &str) -> String {
    match value.parse::<f64>() {
        Ok(number) if matches!(name, "le" | "quantile") => number.to_string(),
        _ => value.to_owned(),
    }
}

/// Checks that prometheus-parse reads the samples that we read: names, labels and values, in any order.
pub(crate) fn check_prometheus_parse(input: &Input) {
    let mut samples = Vec::new();
    for sample in scrape(&input.text).samples {
        let (name, labels) = (sample.metric, sample.labels.iter());
        let labels = labels.map(|(name, value)| (&**name, &**value));
        match sample.value {
            Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => {
                samples.push(Sample::new(name, labels, None, value));
            }
            Value::Histogram(buckets) => samples.extend(buckets.iter().map(|bucket| {
                let (name, own) = (format!("{name}_bucket"), ("le", bucket.less_than));
                Sample::new(name, labels.clone(), Some(own), bucket.count)
            })),
            Value::Summary(quantiles) => samples.extend(quantiles.iter().map(|quantile| {
                let own = ("quantile", quantile.quantile);
                Sample::new(name.clone(), labels.clone(), Some(own), quantile.count)
            })),
        }
    }
    assert_same("prometheus-parse", input, samples);
}

/// Checks that prom_text_format_parser reads the samples that we read. Returns whether it reads the exposition at all.
pub(crate) fn check_prom_text_format_parser(input: &Input) -> bool {
    let Ok(scrape) = prom_text_format_parser::Scrape::parse(&input.text) else {
        return false;
    };
    let mut samples = Vec::new();
    for metric in scrape.metrics {
        for sample in &metric.samples {
            let suffix = match (metric.kind, sample.value.value_type) {
                (_, ValueType::Count) => "_count",
                (_, ValueType::Sum) => "_sum",
                (Type::Histogram, ValueType::Sample) => "_bucket",
                _ => "",
            };
            let labels = sample.labels.iter();
            let labels = labels.map(|label| (&*label.key, &*label.value));
            let (name, value) = (format!("{}{suffix}", metric.name), &sample.value.value);
            samples.push(Sample::new(name, labels, None, value.as_f64()));
        }
    }
    assert_same("prom_text_format_parser", input, samples);
    true
}

fn assert_same(peer: &str, input: &Input, mut samples: Vec<Sample>) {
    let mut ours = our_samples(&input.text, input.format);
    ours.sort();
    samples.sort();
    assert_eq!(samples.len(), ours.len(), "{peer}: {}", input.name);
    for (sample, ours) in samples.iter().zip(&ours) {
        assert_eq!(sample, ours, "{peer}: {}", input.name);
    }
}

fn our_samples(text: &str, format: Format) -> Vec<Sample> {
    let options = ParseOptions::new(format).with_limits(Limits::unlimited());
    let mut parser = Parser::new(text.as_bytes(), &options).expect("the input is UTF-8");
    let mut samples = Vec::new();
    while let Some(event) = parser.next_event().expect("the input is valid") {
        if let Event::Sample(sample) = event {
            samples.push(our_sample(sample));
        }
    }
    samples
}

fn our_sample(sample: SampleRef<'_, '_>) -> Sample {
    // No input whose peers are compared has escapes.
    let labels = sample.labels();
    let labels = labels.map(|(name, value)| (name.raw(), value.raw()));
    let name = sample.name().raw().to_owned();
    Sample::new(name, labels, None, sample.value())
}
