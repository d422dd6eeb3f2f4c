//! Composite values.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{native::Buckets, number::Value};
use crate::{CompositeValue, HistogramValue, SummaryValue};

#[derive(Deserialize, Serialize)]
#[serde(rename = "CompositeValue", rename_all = "lowercase")]
enum Fields {
    GaugeHistogram(Histogram),
    Histogram(Histogram),
    Summary(Summary),
}

/// The native buckets have the count and the sum of the histogram.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename = "HistogramValue")]
struct Histogram {
    count: Value,
    sum: Option<Value>,
    buckets: Vec<(Value, Value)>,
    native: Option<Buckets>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename = "SummaryValue")]
struct Summary {
    count: Option<Value>,
    sum: Option<Value>,
    quantiles: Vec<(Value, Value)>,
}

impl From<&HistogramValue> for Histogram {
    fn from(histogram: &HistogramValue) -> Self {
        Self {
            count: Value(histogram.count()),
            sum: histogram.sum().map(Value),
            buckets: values(histogram.buckets()),
            native: histogram.native().map(Buckets::from),
        }
    }
}

impl Histogram {
    fn to_value<E: serde::de::Error>(&self) -> Result<HistogramValue, E> {
        let mut histogram = HistogramValue::new(self.count.0).with_buckets(numbers(&self.buckets));
        if let Some(sum) = self.sum {
            histogram = histogram.with_sum(sum.0);
        }
        Ok(match &self.native {
            Some(native) => histogram.with_native(native.to_native()?),
            None => histogram,
        })
    }
}

impl From<&SummaryValue> for Summary {
    fn from(summary: &SummaryValue) -> Self {
        Self {
            count: summary.count().map(Value),
            sum: summary.sum().map(Value),
            quantiles: values(summary.quantiles()),
        }
    }
}

impl Summary {
    fn to_value(&self) -> SummaryValue {
        let mut summary = SummaryValue::new().with_quantiles(numbers(&self.quantiles));
        if let Some(count) = self.count {
            summary = summary.with_count(count.0);
        }
        if let Some(sum) = self.sum {
            summary = summary.with_sum(sum.0);
        }
        summary
    }
}

fn values(pairs: impl Iterator<Item = (f64, f64)>) -> Vec<(Value, Value)> {
    pairs
        .map(|(first, second)| (Value(first), Value(second)))
        .collect()
}

fn numbers(pairs: &[(Value, Value)]) -> impl Iterator<Item = (f64, f64)> + '_ {
    pairs.iter().map(|(first, second)| (first.0, second.0))
}

impl Serialize for CompositeValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = match self {
            Self::GaugeHistogram(histogram) => Fields::GaugeHistogram(histogram.into()),
            Self::Histogram(histogram) => Fields::Histogram(histogram.into()),
            Self::Summary(summary) => Fields::Summary(summary.into()),
        };
        fields.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CompositeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Fields::deserialize(deserializer)? {
            Fields::GaugeHistogram(histogram) => Self::GaugeHistogram(histogram.to_value()?),
            Fields::Histogram(histogram) => Self::Histogram(histogram.to_value()?),
            Fields::Summary(summary) => Self::Summary(summary.to_value()),
        })
    }
}
