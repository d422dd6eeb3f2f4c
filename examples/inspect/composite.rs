//! Composite values: histograms and summaries as the value of one sample.

use serde_json::{Map, Value, json};

use scout_metrics_openmetrics::{
    CompositeValue, HistogramValue, NativeBuckets, NativeHistogram, SummaryValue,
};

/// Returns a composite value as an object with the fields of OpenMetrics 2.0 that it has.
pub(crate) fn json(value: &CompositeValue) -> Value {
    let mut fields = Map::new();
    match value {
        CompositeValue::GaugeHistogram(histogram) => add_histogram(&mut fields, "g", histogram),
        CompositeValue::Histogram(histogram) => add_histogram(&mut fields, "", histogram),
        CompositeValue::Summary(summary) => add_summary(&mut fields, summary),
        _ => {}
    }
    Value::Object(fields)
}

/// Returns a number as text, because JSON has no NaN.
pub(crate) fn number(value: f64) -> Value {
    Value::String(match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => format!("{value:?}"),
    })
}

fn add_histogram(fields: &mut Map<String, Value>, prefix: &str, histogram: &HistogramValue) {
    fields.insert(format!("{prefix}count"), number(histogram.count()));
    if let Some(sum) = histogram.sum() {
        fields.insert(format!("{prefix}sum"), number(sum));
    }
    if let Some(native) = histogram.native() {
        add_native(fields, native);
    }
    if histogram.buckets().len() > 0 {
        fields.insert("bucket".to_owned(), pairs(histogram.buckets()));
    }
}

fn add_native(fields: &mut Map<String, Value>, native: &NativeHistogram) {
    fields.insert("schema".to_owned(), json!(native.schema()));
    let threshold = number(native.zero_threshold());
    fields.insert("zero_threshold".to_owned(), threshold);
    fields.insert("zero_count".to_owned(), number(native.zero_count()));
    for (sign, buckets) in [
        ("negative", native.negative()),
        ("positive", native.positive()),
    ] {
        add_side(fields, sign, buckets);
    }
}

fn add_side(fields: &mut Map<String, Value>, sign: &str, buckets: &NativeBuckets) {
    if buckets.spans().is_empty() {
        return;
    }
    let spans = buckets.spans().iter();
    let spans: Value = spans
        .map(|span| json!([span.offset, span.length]))
        .collect();
    fields.insert(format!("{sign}_spans"), spans);
    let counts = buckets.counts().iter().copied().map(number);
    fields.insert(format!("{sign}_buckets"), counts.collect());
}

fn add_summary(fields: &mut Map<String, Value>, summary: &SummaryValue) {
    for (field, value) in [("count", summary.count()), ("sum", summary.sum())] {
        if let Some(value) = value {
            fields.insert(field.to_owned(), number(value));
        }
    }
    fields.insert("quantile".to_owned(), pairs(summary.quantiles()));
}

fn pairs(pairs: impl Iterator<Item = (f64, f64)>) -> Value {
    pairs
        .map(|(first, second)| json!([number(first), number(second)]))
        .collect()
}
