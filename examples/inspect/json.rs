//! The canonical JSON: one line, keys sorted, and every number as text, because JSON has no NaN.
//!
//! It is that of the library with the name of each sample in place of its suffix, times in the unit of the format, the
//! values of a label that occurs more than once as a list, composite values with the fields of OpenMetrics 2.0, and several
//! exemplars as a list.

use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::{Map, Value, json};

use scout_metrics_openmetrics::{
    Deviation, Exemplar, Families, Format, LabelSet, MetricFamily, ParseError, Sample, Timestamp,
};

use super::composite;

/// Returns the families, or the error if they could not be read, as one line of JSON.
pub(crate) fn line(
    read: &Result<Families, ParseError>,
    format: Format,
) -> serde_json::Result<String> {
    match read {
        Ok(families) => serde_json::to_string(&Success {
            deviation_count: families.deviation_count(),
            deviations: families.deviations().iter().map(deviation).collect(),
            families: families
                .iter()
                .map(|family| Canonical { family, format })
                .collect(),
            format,
            ok: true,
        }),
        Err(error) => {
            let mut fields = serde_json::to_value(error)?;
            fields["error"] = json!(error.to_string());
            fields["format"] = json!(format);
            fields["ok"] = json!(false);
            serde_json::to_string(&fields)
        }
    }
}

fn deviation(deviation: &Deviation) -> Value {
    json!({"line": deviation.line, "rule": deviation.rule})
}

/// The fields are sorted by name, because they are written in this order. `Value` sorts its own.
#[derive(Serialize)]
struct Success<'a> {
    deviation_count: u64,
    deviations: Vec<Value>,
    families: Vec<Canonical<'a>>,
    format: Format,
    ok: bool,
}

/// A family, converted when it is written: all families as [`Value`] would need far more memory than the exposition.
struct Canonical<'a> {
    family: &'a MetricFamily,
    format: Format,
}

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serde_json::to_value(self.family).map_err(S::Error::custom)?;
        if let Value::Array(samples) = &mut fields["samples"] {
            for (fields, sample) in samples.iter_mut().zip(self.family.samples()) {
                self.change_sample(fields, sample);
            }
        }
        fields.serialize(serializer)
    }
}

impl Canonical<'_> {
    fn change_sample(&self, fields: &mut Value, sample: &Sample) {
        if let Value::Object(fields) = fields {
            for field in ["suffix", "more_exemplars", "start_timestamp", "composite"] {
                fields.remove(field);
            }
        }
        fields["name"] = json!(self.family.sample_name(sample));
        fields["labels"] = labels(sample.labels());
        fields["timestamp"] = self.time(sample.timestamp());
        fields["exemplar"] = match sample.exemplars() {
            [] => Value::Null,
            [exemplar] => self.exemplar(exemplar),
            exemplars => exemplars
                .iter()
                .map(|exemplar| self.exemplar(exemplar))
                .collect(),
        };
        if matches!(self.format, Format::OpenMetrics2 | Format::Protobuf) {
            fields["start"] = json!(sample.start_timestamp());
        }
        if let Some(value) = sample.composite() {
            fields["value"] = composite::json(value);
        }
    }

    fn exemplar(&self, exemplar: &Exemplar) -> Value {
        json!({
            "labels": labels(exemplar.labels()),
            "timestamp": self.time(exemplar.timestamp()),
            "value": composite::number(exemplar.value()),
        })
    }

    /// Returns milliseconds for Prometheus text and seconds for OpenMetrics, as the formats write them.
    fn time(&self, timestamp: Option<Timestamp>) -> Value {
        match (timestamp, self.format) {
            (Some(timestamp), Format::Prometheus) => Value::String(millis(timestamp)),
            (timestamp, _) => json!(timestamp),
        }
    }
}

fn labels(labels: &LabelSet) -> Value {
    let mut fields = Map::new();
    for (name, value) in labels.iter() {
        match fields.get_mut(name) {
            None => {
                fields.insert(name.to_owned(), json!(value));
            }
            Some(Value::Array(values)) => values.push(json!(value)),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    Value::Object(fields)
}

/// Returns milliseconds with as many decimals as there are.
fn millis(timestamp: Timestamp) -> String {
    const NANOS_PER_MILLI: u128 = 1_000_000;
    let nanos = timestamp.as_nanos();
    let sign = if nanos < 0 { "-" } else { "" };
    let (whole, fraction) = (
        nanos.unsigned_abs() / NANOS_PER_MILLI,
        nanos.unsigned_abs() % NANOS_PER_MILLI,
    );
    let text = format!("{sign}{whole}.{fraction:06}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_have_as_many_decimals_as_there_are() {
        for (seconds, nanos, text) in [
            (1, 500_000_000, "1500"),
            (1, 500_500_000, "1500.5"),
            (0, 0, "0"),
            (0, 1, "0.000001"),
            (-1, 999_000_000, "-1"),
            (-1, 999_999_999, "-0.000001"),
            (i64::MAX, 0, "9223372036854775807000"),
        ] {
            assert_eq!(millis(Timestamp::new(seconds, nanos).unwrap()), text);
        }
    }
}
