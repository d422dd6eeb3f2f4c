//! Native histograms.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::number::Value;
use crate::{BucketSpan, NativeBuckets, NativeHistogram};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename = "NativeHistogram")]
struct Fields {
    schema: i8,
    count: Value,
    sum: Value,
    zero_threshold: Value,
    zero_count: Value,
    positive: Side,
    negative: Side,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename = "NativeBuckets")]
struct Side {
    /// Offsets and lengths.
    spans: Vec<(i32, u32)>,
    counts: Vec<Value>,
}

impl From<&NativeBuckets> for Side {
    fn from(buckets: &NativeBuckets) -> Self {
        let spans = buckets
            .spans()
            .iter()
            .map(|span| (span.offset, span.length));
        Self {
            spans: spans.collect(),
            counts: buckets.counts().iter().copied().map(Value).collect(),
        }
    }
}

impl Side {
    fn to_buckets<E: serde::de::Error>(&self) -> Result<NativeBuckets, E> {
        let spans = self
            .spans
            .iter()
            .map(|(offset, length)| BucketSpan::new(*offset, *length));
        let counts = self.counts.iter().map(|count| count.0);
        NativeBuckets::new(spans.collect::<Vec<_>>(), counts.collect::<Vec<_>>()).map_err(E::custom)
    }
}

impl Serialize for NativeHistogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = Fields {
            schema: self.schema(),
            count: Value(self.count()),
            sum: Value(self.sum()),
            zero_threshold: Value(self.zero_threshold()),
            zero_count: Value(self.zero_count()),
            positive: self.positive().into(),
            negative: self.negative().into(),
        };
        fields.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NativeHistogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        let histogram =
            Self::new(fields.schema, fields.positive.to_buckets()?).map_err(D::Error::custom)?;
        let histogram = histogram
            .with_negative(fields.negative.to_buckets()?)
            .with_zero_bucket(fields.zero_threshold.0, fields.zero_count.0);
        let histogram = histogram.map_err(D::Error::custom)?;
        Ok(histogram.with_count(fields.count.0).with_sum(fields.sum.0))
    }
}
