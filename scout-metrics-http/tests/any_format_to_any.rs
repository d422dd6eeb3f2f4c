//! Families of each of the seven formats in each of the others: equal, or each difference is a named loss.
//!
//! Six formats are expositions: text 0.0.4 and 1.0.0, OpenMetrics 0.0.1, 1.0.0 and 2.0, and protobuf. Each is written from
//! the families that are read from each other one. Remote write is the seventh. It is only a target: a message of it is a
//! list of series without families, which nothing here reads. The test reads the messages with declarations of its own and
//! prost, and expects the series of the families. Remote write has no list of losses: it refuses native histograms.

#![cfg(feature = "remote-write")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

/// Helpers of the tests of `scout-metrics-openmetrics`.
#[expect(dead_code, reason = "no test uses all of it")]
mod support {
    #[path = "../../../scout-metrics-openmetrics/tests/support/conversion.rs"]
    pub(crate) mod conversion;
    #[path = "../../../scout-metrics-openmetrics/tests/support/few_cases.rs"]
    pub(crate) mod few_cases;
    #[path = "../../../scout-metrics-openmetrics/tests/support/losses.rs"]
    pub(crate) mod losses;
    #[path = "../../../scout-metrics-openmetrics/tests/support/model.rs"]
    pub(crate) mod model;
    #[path = "../../../scout-metrics-openmetrics/tests/support/new_families.rs"]
    pub(crate) mod new_families;
}

use std::time::SystemTime;

use proptest::prelude::*;
use prost::Message;
use scout_metrics_http::remote_write::{ProtocolVersion, encode};
use scout_metrics_openmetrics::{
    ContentType, EscapingScheme, Exemplar, Format, LabelSet, MetricFamily, MetricType, Sample,
    Timestamp,
};
use support::{
    conversion::check,
    few_cases::cases,
    model::{Style, families},
    new_families::new_families,
};

/// The formats of expositions, with schemes that keep all names. The older two have no others.
const EXPOSITIONS: [ContentType; 6] = [
    ContentType::TEXT_0_0_4.with_escaping(EscapingScheme::Values),
    ContentType::TEXT_1_0_0.with_escaping(EscapingScheme::AllowUtf8),
    ContentType::OPENMETRICS_0_0_1.with_escaping(EscapingScheme::Values),
    ContentType::OPENMETRICS_1_0_0.with_escaping(EscapingScheme::AllowUtf8),
    ContentType::OPENMETRICS_2_0_0.with_escaping(EscapingScheme::AllowUtf8),
    ContentType::PROTOBUF.with_escaping(EscapingScheme::AllowUtf8),
];

proptest! {
    #![proptest_config(cases(2))]

    #[test]
    fn families_of_any_format_are_equal_in_any_other_or_losses_say_why_not(
        old in families(Format::OpenMetrics, Style::Any, 0..4),
        text in families(Format::Prometheus, Style::Any, 0..4),
        new in new_families(),
    ) {
        for families in [old, text, new] {
            for from in EXPOSITIONS {
                let read = check(&families, from).map_err(TestCaseError::fail)?;
                for to in EXPOSITIONS {
                    check(&read, to).map_err(TestCaseError::fail)?;
                }
                check_remote_write(&read).map_err(TestCaseError::fail)?;
            }
        }
    }
}

/// Checks that a message has the series of families and nothing else, or that there is none because of a native histogram.
fn check_remote_write(families: &[MetricFamily]) -> Result<(), String> {
    let series: Vec<_> = families.iter().map(MetricFamily::to_classic).collect();
    let samples = || series.iter().flat_map(MetricFamily::samples);
    let has_native = samples().any(|sample| sample.composite().is_some());
    let message = match encode(families, ProtocolVersion::V2, SystemTime::UNIX_EPOCH) {
        Ok(message) if !has_native => message,
        Err(_) if has_native => return Ok(()),
        other => return Err(format!("{other:?}")),
    };
    let request = Request::decode(&*message).map_err(|error| error.to_string())?;
    let found: Vec<_> = request
        .timeseries
        .iter()
        .map(|it| request.series(it))
        .collect();
    let expected: Vec<_> = series.iter().flat_map(series_of).collect();
    match found == expected {
        true => Ok(()),
        false => Err(format!("{found:#?}\nis not\n{expected:#?}")),
    }
}

/// A series with its sample and the metadata of its family.
#[derive(Debug, PartialEq)]
struct Series {
    labels: Labels,
    value: u64,
    timestamp: i64,
    start: i64,
    exemplars: Vec<(Labels, u64, i64)>,
    kind: i32,
    help: String,
    unit: String,
}

/// Names and values, sorted by name.
type Labels = Vec<(String, String)>;

/// Returns the series that a family is to have in a message.
fn series_of(family: &MetricFamily) -> Vec<Series> {
    let metrics = family.metrics();
    let series = metrics.flat_map(|metric| {
        let start = metric
            .created()
            .map_or(0, |seconds| (seconds * 1000.0) as i64);
        let samples = metric.samples().iter();
        samples.map(move |sample| Series {
            start,
            ..of_sample(family, sample)
        })
    });
    series.collect()
}

fn of_sample(family: &MetricFamily, sample: &Sample) -> Series {
    // Samples without a time are of the time of the write, which is 0 here.
    let timestamp = sample.timestamp().map_or(0, millis);
    let exemplar = |exemplar: &Exemplar| {
        let time = exemplar.timestamp().map_or(timestamp, millis);
        (sorted(exemplar.labels()), exemplar.value().to_bits(), time)
    };
    let mut labels = sorted(sample.labels());
    labels.retain(|(_, value)| !value.is_empty());
    labels.push(("__name__".to_owned(), family.sample_name(sample)));
    labels.sort();
    Series {
        labels,
        value: bits(sample.value()),
        timestamp,
        start: 0,
        exemplars: sample.exemplars().iter().map(exemplar).collect(),
        kind: match family.kind() {
            MetricType::Counter => 1,
            MetricType::Gauge => 2,
            MetricType::Histogram => 3,
            MetricType::GaugeHistogram => 4,
            MetricType::Summary => 5,
            MetricType::Info => 6,
            MetricType::StateSet => 7,
            _ => 0,
        },
        help: family.help().to_owned(),
        unit: family.unit().to_owned(),
    }
}

fn sorted(labels: &LabelSet) -> Labels {
    let labels = labels.iter();
    let mut labels: Labels = labels
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    labels.sort();
    labels
}

/// Returns the bits of a value. Those of one NaN mean the end of a series, so all are the usual one.
fn bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN } else { value }.to_bits()
}

fn millis(timestamp: Timestamp) -> i64 {
    let millis = timestamp.as_nanos().div_euclid(1_000_000);
    millis.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// `io.prometheus.write.v2.Request`.
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(string, repeated, tag = "4")]
    symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(uint32, repeated, tag = "1")]
    labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<WrittenSample>,
    #[prost(message, repeated, tag = "4")]
    exemplars: Vec<WrittenExemplar>,
    #[prost(message, required, tag = "5")]
    metadata: Metadata,
}

#[derive(Clone, PartialEq, Message)]
struct WrittenSample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
    #[prost(int64, tag = "3")]
    start_timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
struct WrittenExemplar {
    #[prost(uint32, repeated, tag = "1")]
    labels_refs: Vec<u32>,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(int64, tag = "3")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(uint32, tag = "3")]
    help_ref: u32,
    #[prost(uint32, tag = "4")]
    unit_ref: u32,
}

impl Request {
    fn series(&self, series: &TimeSeries) -> Series {
        let [sample] = &series.samples[..] else {
            panic!("a series has one sample: {series:?}")
        };
        let exemplars = series.exemplars.iter().map(|exemplar| {
            let labels = self.labels(&exemplar.labels_refs);
            (labels, exemplar.value.to_bits(), exemplar.timestamp)
        });
        Series {
            labels: self.labels(&series.labels_refs),
            value: sample.value.to_bits(),
            timestamp: sample.timestamp,
            start: sample.start_timestamp,
            exemplars: exemplars.collect(),
            kind: series.metadata.kind,
            help: self.symbol(series.metadata.help_ref),
            unit: self.symbol(series.metadata.unit_ref),
        }
    }

    fn labels(&self, places: &[u32]) -> Labels {
        let pairs = places.chunks(2);
        pairs
            .map(|pair| (self.symbol(pair[0]), self.symbol(pair[1])))
            .collect()
    }

    fn symbol(&self, place: u32) -> String {
        self.symbols[place as usize].clone()
    }
}
