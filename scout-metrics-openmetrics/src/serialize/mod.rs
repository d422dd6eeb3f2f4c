//! The form of families in JSON and in other formats of serde.
//!
//! ```
//! use scout_metrics_openmetrics::{Format, MetricFamily, ParseOptions, parse_families};
//!
//! let text = b"# TYPE up gauge\nup{job=\"api\"} NaN 1500\n";
//! let families = parse_families(text, &ParseOptions::new(Format::Prometheus))?;
//! let json = r#"{
//!   "name": "up",
//!   "type": "gauge",
//!   "help": "",
//!   "unit": "",
//!   "samples": [
//!     {
//!       "suffix": "",
//!       "labels": {
//!         "job": "api"
//!       },
//!       "value": "NaN",
//!       "timestamp": "1.5",
//!       "exemplar": null
//!     }
//!   ]
//! }"#;
//! assert_eq!(serde_json::to_string_pretty(&families.as_slice()[0])?, json);
//! assert_eq!(serde_json::from_str::<MetricFamily>(json)?, families.as_slice()[0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`MetricFamily`](crate::MetricFamily), [`Sample`](crate::Sample), [`Exemplar`](crate::Exemplar),
//! [`CompositeValue`](crate::CompositeValue), [`NativeHistogram`](crate::NativeHistogram), [`LabelSet`](crate::LabelSet), [`MetricType`](crate::MetricType), [`Suffix`](crate::Suffix) and
//! [`Timestamp`](crate::Timestamp) read back as they were. [`Families`](crate::Families), [`Deviation`](crate::Deviation),
//! [`ParseError`](crate::ParseError), [`ParseErrorKind`](crate::ParseErrorKind), [`Rule`](crate::Rule) and
//! [`Format`](crate::Format) are written only, because they describe a text that is not in the JSON.
//!
//! # Form
//!
//! - A **value** is text, because JSON has neither NaN nor infinities, and because many readers of JSON round large numbers:
//!   the shortest decimal number that reads back as the same float, such as `"1027.0"` or `"9007199254740992.0"`, or
//!   `"NaN"`, `"+Inf"` or `"-Inf"`. Numbers are accepted as well.
//! - A **timestamp** is text: decimal seconds since the Unix epoch, exact to the nanosecond, whatever the unit of the
//!   format was that it came from. Absent is `null`.
//! - **Labels** are an object with their order kept. If a name occurs more than once, which only [`Mode::Lenient`](crate::Mode::Lenient)
//!   lets through, they are a list of pairs: `[["a","1"],["a","2"]]`. Both are accepted. Formats that people do not read
//!   always have the list.
//! - `more_exemplars`, `start_timestamp` and `composite` of a sample are there if it has them. A composite value is an object
//!   with its type, such as `{"histogram":{...}}`. Its `buckets` are pairs of a threshold and a count, its `quantiles` pairs of a
//!   rank and a value. Its `native` buckets have, for positive and negative values, the `spans`, each an offset and a length,
//!   and the `counts` of the buckets in them.
//! - A **type** is its word in OpenMetrics, a **suffix** has its underscore, and a **rule** is its [`id`](crate::Rule::id).
//! - The **families** of an exposition are an object with `families`, `deviations`, of which each has `rule`, `line`, `column`
//!   and `message`, and `deviation_count`. A `ParseError` has `kind`, `rule`, `line`, `column`, `offset` and `message`.
//!
//! # Checks
//!
//! Reading refuses what no exposition can contain: a family or a label without a name, a value or timestamp that is not a
//! number or too large, an unknown type or suffix, and fields that this version does not know, which would otherwise be
//! lost in silence. The rules of the formats are checked when families are written, by
//! [`encode_families`](crate::encode_families).

mod composite;
mod families;
mod labels;
mod native;
mod number;
mod reports;
mod words;
