//! The protobuf exposition of Prometheus, message by message.
//!
//! It consists of messages [`io.prometheus.client.MetricFamily`], each after its length. Prometheus prefers it to the text
//! formats when it scrapes native histograms, which no text format before OpenMetrics 2.0 can express.
//!
//! [`Parser`] reads an exposition in memory without allocations per metric: texts are borrowed from it, and the labels,
//! buckets and exemplars of a metric are in memory that is used again for the next one. For families as owned data, use
//! [`parse_families`](crate::parse_families) with [`Format::Protobuf`](crate::Format::Protobuf), and
//! [`encode_families`](crate::encode_families) to write them.
//!
//! ```
//! use scout_metrics_openmetrics::{
//!     ContentType, LabelSet, MetricFamily, MetricType, Sample, Suffix, encode_families,
//!     protobuf::{MetricValue, Parser},
//! };
//!
//! let up = Sample::new(Suffix::None, LabelSet::from([("job", "api")]), 1.0);
//! let family = MetricFamily::new("up", MetricType::Gauge).with_sample(up);
//! let exposition = encode_families(&[family], ContentType::PROTOBUF)?;
//!
//! let mut parser = Parser::new(exposition.body());
//! while let Some(mut family) = parser.next_family()? {
//!     assert_eq!(family.name(), "up");
//!     while let Some(metric) = family.next_metric()? {
//!         assert_eq!(metric.labels(), [("job", "api")]);
//!         assert!(matches!(metric.value(), MetricValue::Gauge(1.0)));
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is read
//!
//! Fields may come in any order, as protocol buffers allow; unknown ones are skipped. A field that occurs again replaces the
//! one before. A metric without the value that the type of its family demands is an error, because a missing number is not
//! zero; other values of the metric are ignored, as in Prometheus.
//!
//! [`Parser`] does not compare metrics with each other. [`parse_families`](crate::parse_families) does: in strict mode it refuses
//! duplicates and numbers that contradict each other, and in lenient mode it reports them as deviations with their
//! [`offset`](crate::Deviation::offset). Its families have [composite values](crate::CompositeValue).
//!
//! [`io.prometheus.client.MetricFamily`]: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto

mod budget;
mod encode;
mod exposition;
mod families;
mod metric;
mod native;
mod parser;
mod scratch;
mod wire;
mod write;

pub(crate) use self::{encode::has_places, exposition::encode, families::read_families};
pub use self::{
    metric::{
        BucketRef, Buckets, CounterRef, ExemplarRef, HistogramRef, MetricRef, MetricValue,
        QuantileRef, Quantiles, SummaryRef,
    },
    native::{NativeHistogramRef, SpanBuckets},
    parser::{FamilyRef, Parser},
};
