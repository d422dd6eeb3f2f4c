//! Parser and encoder of the text and protobuf formats of Prometheus and of OpenMetrics 1.0 and 2.0 text, for any metrics.
//!
//! ```
//! use scout_metrics_openmetrics::{Event, Format, ParseOptions, Parser};
//!
//! let exposition = b"# TYPE up gauge\nup{job=\"api\"} 1\nup{job=\"db\"} 0\n";
//! let mut parser = Parser::new(exposition, &ParseOptions::new(Format::Prometheus))?;
//! let mut sum = 0.0;
//! while let Some(event) = parser.next_event()? {
//!     if let Event::Sample(sample) = event {
//!         sum += sample.value();
//!     }
//! }
//! assert_eq!(sum, 1.0);
//! # Ok::<(), scout_metrics_openmetrics::ParseError>(())
//! ```
//!
//! # Vocabulary
//!
//! An *exposition* is the text that one *scrape* retrieves. It holds *metric families*: each has a name, a type, perhaps
//! a help text and a unit, and *samples*. A sample has a name, *labels*, a value, perhaps a timestamp and perhaps an
//! *exemplar*, which is one event that went into it. Samples that differ only in what their type
//! distinguishes, such as the buckets of a histogram, are one *metric*. OpenMetrics 2.0 and protobuf have them as one sample
//! with a *composite value*.
//!
//! # Layers
//!
//! Each can be used without those below it in the table.
//!
//! | what | how | allocations |
//! |---|---|---|
//! | line by line, borrowed from an exposition in memory | [`Parser`] | none per sample |
//! | the same for an exposition that arrives in pieces | [`ChunkedParser`] | none per sample |
//! | the family of each line | [`FamilyTracker`] | none per sample |
//! | families, with the rules about families | [`parse_families`] | none per sample with up to ten labels |
//! | histograms and summaries as one value | [`Histogram`], [`Summary`] | |
//! | series as composite values, and back | [`MetricFamily::to_composite`], [`MetricFamily::to_classic`] | |
//! | text part by part, into any output | [`Encoder`] | none |
//! | lines of a parser, with changes | [`Encoder::event`], [`Encoder::sample_ref`] | none per sample without escapes or changed labels |
//! | families to any format, checked against all rules | [`encode_families`] | |
//! | families of one format in another, with a list of what is lost | [`transcode`], [`transcode_lossy`] | |
//! | the protobuf format of Prometheus, metric by metric | [`protobuf::Parser`] | none per metric |
//! | Docker Scout's metrics to snapshots and back | [`scout`] | |
//!
//! # Serving
//!
//! A server chooses a [`ContentType`] by the `Accept` header: a [`Format`] in a version, and the [`EscapingScheme`] of names
//! that only Prometheus 3 reads as they are. An [`Exposition`] is a body with its content type. A handler for axum:
//!
//! ```
//! use axum::{http::{HeaderMap, StatusCode, header}, response::IntoResponse};
//! use scout_metrics_openmetrics::{ContentType, MetricFamily, MetricType, encode_families};
//!
//! async fn metrics(request: HeaderMap) -> Result<impl IntoResponse, StatusCode> {
//!     let families = [MetricFamily::new("jobs.running", MetricType::Gauge)];
//!     let accept = request.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
//!     let exposition = encode_families(&families, ContentType::negotiate(accept.unwrap_or("*/*")))
//!         .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
//!     let headers = [(header::CONTENT_TYPE, exposition.content_type().as_str()), (header::VARY, "Accept")];
//!     Ok((headers, exposition.into_body()))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), StatusCode> {
//! let accept = "text/plain;version=1.0.0;escaping=allow-utf-8".parse().unwrap();
//! let response = metrics(HeaderMap::from_iter([(header::ACCEPT, accept)])).await?.into_response();
//! let content_type = "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8";
//! assert_eq!(response.headers()["content-type"], content_type);
//! # Ok(())
//! # }
//! ```
//!
//! # Strict and lenient
//!
//! [`Mode::Strict`] refuses what breaks a [`Rule`]. [`Mode::Lenient`], the default, accepts what Prometheus, its library
//! `expfmt` or the Python reference parser accepts, keeps all data, and reports every broken rule as a
//! [`Deviation`]. Neither ever returns a part of an exposition as if it were the whole. [`Limits`] bound what hostile input can cost.
//!
//! ## What lenient mode forgives
//!
//! | rule | in Prometheus text | in OpenMetrics | accepted by |
//! |---|---|---|---|
//! | [`FinalNewline`](Rule::FinalNewline) | the last line without its line feed | | Prometheus, Python |
//! | [`CarriageReturn`](Rule::CarriageReturn) | at the end of a line, except in comments and help texts, to which it belongs | at the end of a line | Python and VictoriaMetrics; VictoriaMetrics |
//! | [`ByteOrderMark`](Rule::ByteOrderMark) | at the start | at the start | only this crate |
//! | [`MetadataSyntax`](Rule::MetadataSyntax) | HELP or TYPE without a name, as a comment | | Python, expfmt |
//! | [`TypeName`](Rule::TypeName) | the types of OpenMetrics; `gauge_histogram`; capitals | | Python; expfmt; expfmt |
//! | [`MetricName`](Rule::MetricName) | any name up to a blank or brace, without control characters | | VictoriaMetrics; Python before braces |
//! | [`LabelName`](Rule::LabelName) | a colon | a colon | Python |
//! | [`LabelSyntax`](Rule::LabelSyntax) | no comma between labels; one before the first | a comma after the last label | Prometheus; Python; Prometheus |
//! | [`ReservedLabel`](Rule::ReservedLabel) | the label `__name__`, also in place of a name | the same | Prometheus; Python |
//! | [`DuplicateLabel`](Rule::DuplicateLabel) | a label twice; both are kept | the same | Prometheus |
//! | [`LineBreak`](Rule::LineBreak) | a line feed within quotes | | Prometheus |
//! | [`Blanks`](Rule::Blanks) | all white space of Unicode between tokens of a sample | within braces and before them; more than one in metadata and before an exemplar | Python |
//! | [`Number`](Rule::Number) | a sign before NaN | the same | Python |
//! | [`Timestamp`](Rule::Timestamp) | a fraction of a millisecond; more than 64 bits | | Python |
//! | all of [`ParseErrorKind::Semantics`] but [`UnitSuffix`](Rule::UnitSuffix) | yes | yes | Prometheus, which does not look at them |
//!
//! Everything else is refused in both modes, including some of what a reference accepts, because accepting it would lose or
//! invent data: a number after the timestamp, a label without a value, `1e400`, and digits of other scripts, which Python
//! accepts. `tests/differential.rs` lists them all.
//!
//! ## OpenMetrics 2.0
//!
//! ```
//! use scout_metrics_openmetrics::{Event, Format, ParseOptions, Parser};
//!
//! let exposition = r#"# TYPE wait_seconds histogram
//! wait_seconds {count:3,sum:2.5,bucket:[1:2,+Inf:3]} st@1520430000.123 # {trace_id="a"} 0.7 1520430007
//! ## EOF
//! "#;
//! let mut parser = Parser::from_text(exposition, &ParseOptions::new(Format::OpenMetrics2));
//! while let Some(event) = parser.next_event()? {
//!     let Event::Sample(sample) = event else { continue };
//!     // `None` if the value is one number, which `value` returns.
//!     let histogram = sample.composite().expect("histograms have composite values");
//!     assert_eq!(histogram.buckets(), [(1.0, 2.0), (f64::INFINITY, 3.0)]);
//!     assert_eq!(sample.exemplars().count(), 1);
//! }
//! # Ok::<(), scout_metrics_openmetrics::ParseError>(())
//! ```
//!
//! Strict mode enforces every MUST of the [specification of 2.0] that one exposition can show, with the exception that the
//! specification makes: an exemplar that is malformed is left out, and reported as a deviation in strict mode too. Lenient mode
//! accepts what the parser of 2.0 accepts that Prometheus is getting, and reports it: tabs and blanks within a composite value
//! and its fields in any order, buckets that fall, a count unequal to the bucket `+Inf`, start timestamps on
//! gauges, negative counters, infos whose name does not end in `_info`, units of infos and state sets, reserved names, families
//! that are split, late or repeated metadata, and quotes in help texts. That parser refuses composite values of the type
//! unknown, and a whole exposition for one malformed exemplar, which the specification does not; these are accepted. Refused in
//! both modes, although it accepts them, are thresholds that are no number, label names that are empty, line feeds in quoted
//! names, and NUL between tokens.
//!
//! [specification of 2.0]: https://prometheus.io/docs/specs/om/open_metrics_spec_2_0/
//!
//! ## What strict mode checks in Prometheus text
//!
//! Everything that the [description of the format] says with "must": one TYPE and one HELP for a name, TYPE before the samples, all
//! lines of a metric in one group, no series twice, a bucket `+Inf` in each histogram that is equal to its count, and bounds
//! and quantiles in increasing order; also that the buckets of a histogram do not fall. DIFFERENCE: a histogram with a negative
//! or fractional bucket or count does not count events, and may lack the bucket `+Inf`, fall, or have another count, and HELP
//! may come after the samples: the reference parsers agree on both.
//!
//! [description of the format]: https://prometheus.io/docs/instrumenting/exposition_formats/
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `async-read` | no | `ChunkedParser::read_from_async`: expositions from readers of tokio |
//! | `metrics` | no | `bridge::metrics`: a publisher of current snapshots into the facade of the crate metrics |
//! | `opentelemetry` | no | `bridge::opentelemetry`: current snapshots as observable gauges |
//! | `prometheus` | no | `bridge::prometheus`: collectors of current snapshots, and of any families |
//! | `prometheus-client` | no | `bridge::prometheus_client`: the same for prometheus-client |
//! | `prometheus-parse` | no | `bridge::prometheus_parse`: conversions between families and its `Scrape` |
//! | `scout` | yes | [`scout`]: Docker Scout's metrics as the models of `scout-metrics-core` |
//! | `serde` | no | `serialize`: families as JSON or any other format of serde; deviations and errors with their fields |
//! | `stream` | no | `ChunkedParser::read_from_stream`: expositions from streams of chunks |
//!
//! # Not supported
//!
//! The protobuf format of OpenMetrics 1.0, and protobuf expositions that arrive in chunks.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(
    feature = "metrics",
    feature = "opentelemetry",
    feature = "prometheus",
    feature = "prometheus-client",
    feature = "prometheus-parse"
))]
pub mod bridge;
mod content_type;
mod encode;
mod error;
mod escape;
mod exposition;
mod family;
mod find;
mod foreign;
mod format;
mod group;
mod limit;
mod media_range;
mod model;
mod names;
mod number;
mod parse;
pub mod protobuf;
mod rule;
#[cfg(feature = "scout")]
pub mod scout;
#[cfg(feature = "serde")]
pub mod serialize;
mod transcode;

pub(crate) use crate::format::TextFormat;
#[doc(hidden)]
pub use crate::parse::ReaderLevel;
pub use crate::{
    content_type::{ContentType, UnknownContentType},
    encode::{
        EncodeError, EncodeErrorKind, Encoder, IoWriter, Loss, Lost, SampleEncoder,
        SampleRefEncoder,
    },
    error::{Deviation, Excerpt, ParseError, Position},
    escape::Text,
    exposition::Exposition,
    family::{
        Families, FamilyLimitError, FamilyRef, FamilyTracker, encode_families, parse_families,
    },
    format::Format,
    group::{Bucket, GroupError, Histogram, HistogramBuilder, Quantile, Summary, SummaryBuilder},
    limit::Limit,
    model::{
        BucketSpan, CompositeValue, Exemplar, HistogramValue, LabelSet, LabelSetIter, Metric,
        MetricFamily, MetricType, Metrics, NativeBuckets, NativeHistogram, NativeHistogramError,
        Sample, Suffix, SummaryValue,
    },
    names::{EscapingScheme, NameCollision, UnknownEscapingScheme},
    number::Timestamp,
    parse::{
        ChunkedParser, CompositeRef, Event, ExemplarRef, Labels, Limits, Line, Mode, NativeRef,
        ParseOptions, Parser, SampleRef,
    },
    rule::{ParseErrorKind, Rule},
    transcode::{transcode, transcode_lossy},
};

#[cfg(all(doctest, feature = "scout"))]
#[doc = include_str!("../README.md")]
struct Readme;
