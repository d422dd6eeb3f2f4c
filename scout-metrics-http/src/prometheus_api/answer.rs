//! The JSON of the query API, read straight into what is needed of it.
//!
//! See <https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview>.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};

/// An answer. Fields that are not listed are ignored.
#[derive(Deserialize)]
pub(super) struct Answer<T> {
    pub(super) status: Status,
    pub(super) data: Option<T>,
    #[serde(default)]
    pub(super) error: String,
    #[serde(default, rename = "errorType")]
    pub(super) error_type: String,
    #[serde(default)]
    pub(super) warnings: Vec<String>,
    #[serde(default)]
    pub(super) infos: Vec<String>,
    /// The word of a cluster of VictoriaMetrics for an answer without some of its nodes.
    #[serde(default, rename = "isPartial")]
    pub(super) is_partial: bool,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Error,
    Success,
}

/// Series with values: what `query_range` returns, and `query` for one time or for all samples of a window.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    #[serde(rename = "resultType")]
    _type: ResultType,
    pub(super) result: Vec<Series>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ResultType {
    Matrix,
    Vector,
}

#[derive(Debug, Deserialize)]
#[serde(from = "WireSeries")]
pub(super) struct Series {
    pub(super) metric: BTreeMap<String, String>,
    pub(super) values: Vec<Point>,
}

/// A series of a matrix, which has `values`, or of a vector, which has a `value`.
#[derive(Deserialize)]
struct WireSeries {
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<Point>,
    value: Option<Point>,
}

impl From<WireSeries> for Series {
    fn from(wire: WireSeries) -> Self {
        let mut values = wire.values;
        values.extend(wire.value);
        Self {
            metric: wire.metric,
            values,
        }
    }
}

/// A time in milliseconds, which is rounded, and a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) time: i64,
    pub(super) value: f64,
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(PointVisitor)
    }
}

struct PointVisitor;

impl<'de> Visitor<'de> for PointVisitor {
    type Value = Point;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time and a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Point, A::Error> {
        let missing = |length| de::Error::invalid_length(length, &self);
        let time: f64 = seq.next_element()?.ok_or_else(|| missing(0))?;
        let Number(value) = seq.next_element()?.ok_or_else(|| missing(1))?;
        Ok(Point {
            time: millis(time),
            value,
        })
    }
}

/// Returns the seconds of a time or a value as milliseconds. A float has the microseconds of this century exactly enough.
pub(super) fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// A number in a string.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number in a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
        let number = text.trim_start_matches('+').parse();
        let number = number.map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))?;
        Ok(Number(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(result: &str) -> Result<Vec<Series>, String> {
        let text =
            format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":{result}}}}}"#);
        let answer: serde_json::Result<Answer<Found>> = serde_json::from_str(&text);
        let answer = answer.map_err(|error| error.to_string())?;
        Ok(answer.data.unwrap().result)
    }

    #[test]
    fn numbers_are_read_as_prometheus_writes_them() {
        let values = r#"[{"metric":{"a":"b"},"values":[[1,"2"],[1700000000.123,"NaN"],[2,"+Inf"],[3,"-1e3"]]}]"#;
        let series = matrix(values).unwrap();
        let points: Vec<(i64, String)> = series[0]
            .values
            .iter()
            .map(|point| (point.time, point.value.to_string()))
            .collect();
        let expected = [
            (1000, "2"),
            (1_700_000_000_123, "NaN"),
            (2000, "inf"),
            (3000, "-1000"),
        ];
        assert_eq!(
            points,
            expected.map(|(time, value)| (time, value.to_owned()))
        );
    }

    #[test]
    fn a_vector_has_a_value_for_each_series() {
        let text = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]}}"#;
        let answer: Answer<Found> = serde_json::from_str(text).unwrap();
        let point = Point {
            time: 1000,
            value: 2.0,
        };
        assert_eq!(answer.data.unwrap().result[0].values, [point]);
    }

    #[test]
    fn what_is_no_series_is_named() {
        let error = |result: &str| matrix(result).unwrap_err();
        let told = error(r#"[{"metric":{},"values":[[1,2]]}]"#);
        assert!(
            told.starts_with("invalid type: integer `2`, expected a number in a string"),
            "{told}"
        );
        let told = error(r#"[{"metric":{},"values":[[1,"x"]]}]"#);
        assert!(
            told.starts_with(r#"invalid value: string "x", expected a number in a string"#),
            "{told}"
        );
        let told = error(r#"[{"metric":{},"values":[[1]]}]"#);
        assert!(told.starts_with("invalid length 1"), "{told}");
        let text = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#;
        let scalar: serde_json::Result<Answer<Found>> = serde_json::from_str(text);
        let told = scalar.err().unwrap().to_string();
        assert!(
            told.starts_with("unknown variant `scalar`, expected `matrix` or `vector`"),
            "{told}"
        );
    }
}
