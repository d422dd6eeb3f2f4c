//! The canonical JSON: one line, keys sorted, and every number as text, because JSON has no NaN.

use std::collections::BTreeMap;

use serde::Serialize;

use scout_metrics_openmetrics::{
    Exemplar, Families, Format, LabelSet, MetricFamily, ParseError, Sample, Timestamp,
};

/// Returns the families, or the error if they could not be read, as one line of JSON.
pub(crate) fn line(
    read: &Result<Families, ParseError>,
    format: Format,
) -> serde_json::Result<String> {
    match read {
        Ok(families) => serde_json::to_string(&Success {
            families: families
                .iter()
                .map(|family| Family::new(family, format))
                .collect(),
            format: format.name(),
            ok: true,
        }),
        Err(error) => serde_json::to_string(&Failure {
            error: error.to_string(),
            format: format.name(),
            ok: false,
        }),
    }
}

// The fields are sorted by name, because they are written in this order.

#[derive(Serialize)]
struct Success<'a> {
    families: Vec<Family<'a>>,
    format: &'static str,
    ok: bool,
}

#[derive(Serialize)]
struct Failure {
    error: String,
    format: &'static str,
    ok: bool,
}

#[derive(Serialize)]
struct Family<'a> {
    help: &'a str,
    name: &'a str,
    samples: Vec<Point<'a>>,
    r#type: &'static str,
    unit: &'a str,
}

#[derive(Serialize)]
struct Point<'a> {
    exemplar: Option<Trace<'a>>,
    labels: BTreeMap<&'a str, &'a str>,
    name: String,
    timestamp: Option<String>,
    value: String,
}

#[derive(Serialize)]
struct Trace<'a> {
    labels: BTreeMap<&'a str, &'a str>,
    timestamp: Option<String>,
    value: String,
}

impl<'a> Family<'a> {
    fn new(family: &'a MetricFamily, format: Format) -> Self {
        let point = |sample| Point::new(family, sample, format);
        Self {
            help: family.help(),
            name: family.name(),
            samples: family.samples().iter().map(point).collect(),
            r#type: family.kind().as_str(),
            unit: family.unit(),
        }
    }
}

impl<'a> Point<'a> {
    fn new(family: &MetricFamily, sample: &'a Sample, format: Format) -> Self {
        Self {
            exemplar: sample
                .exemplar()
                .map(|exemplar| Trace::new(exemplar, format)),
            labels: sorted(sample.labels()),
            name: family.sample_name(sample),
            timestamp: sample.timestamp().map(|timestamp| time(timestamp, format)),
            value: number(sample.value()),
        }
    }
}

impl<'a> Trace<'a> {
    fn new(exemplar: &'a Exemplar, format: Format) -> Self {
        Self {
            labels: sorted(exemplar.labels()),
            timestamp: exemplar
                .timestamp()
                .map(|timestamp| time(timestamp, format)),
            value: number(exemplar.value()),
        }
    }
}

fn sorted(labels: &LabelSet) -> BTreeMap<&str, &str> {
    labels.iter().collect()
}

/// Returns milliseconds for Prometheus text and seconds for OpenMetrics, as the formats write them.
fn time(timestamp: Timestamp, format: Format) -> String {
    match timestamp.to_millis() {
        Some(millis) if format == Format::Prometheus => millis.to_string(),
        _ => timestamp.to_string(),
    }
}

fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    format!("{value:?}")
}
