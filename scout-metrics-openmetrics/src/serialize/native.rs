//! Native histograms.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number::Value;
use crate::{BucketSpan, NativeBuckets, NativeHistogram};

/// A native histogram without its count and its sum.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename = "NativeHistogram")]
pub(super) struct Buckets {
    schema: i8,
    zero_threshold: Value,
    zero_count: Value,
    positive: Side,
    negative: Side,
}

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

impl From<&NativeHistogram> for Buckets {
    fn from(native: &NativeHistogram) -> Self {
        Self {
            schema: native.schema(),
            zero_threshold: Value(native.zero_threshold()),
            zero_count: Value(native.zero_count()),
            positive: native.positive().into(),
            negative: native.negative().into(),
        }
    }
}

impl Buckets {
    pub(super) fn to_native<E: serde::de::Error>(&self) -> Result<NativeHistogram, E> {
        let native =
            NativeHistogram::new(self.schema, self.positive.to_buckets()?).map_err(E::custom)?;
        native
            .with_negative(self.negative.to_buckets()?)
            .with_zero_bucket(self.zero_threshold.0, self.zero_count.0)
            .map_err(E::custom)
    }
}

impl Serialize for NativeHistogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Buckets {
            schema,
            zero_threshold,
            zero_count,
            positive,
            negative,
        } = self.into();
        let fields = Fields {
            schema,
            count: Value(self.count()),
            sum: Value(self.sum()),
            zero_threshold,
            zero_count,
            positive,
            negative,
        };
        fields.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NativeHistogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Fields {
            schema,
            count,
            sum,
            zero_threshold,
            zero_count,
            positive,
            negative,
        } = Fields::deserialize(deserializer)?;
        let buckets = Buckets {
            schema,
            zero_threshold,
            zero_count,
            positive,
            negative,
        };
        let native: Self = buckets.to_native()?;
        Ok(native.with_count(count.0).with_sum(sum.0))
    }
}
