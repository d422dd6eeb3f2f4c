//! Samples as messages.

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use prost::Message;
use scout_metrics_core::Result;
use scout_metrics_openmetrics::{EscapingScheme, MetricFamily, MetricType};
use tokio::time::Instant;

use super::{
    ProtocolVersion,
    batch::{Batch, Part, Point, Rows, Write},
    message::{double, v1, v2},
    table::{Table, millis},
};

/// The scheme for names that 1.0 cannot hold. It is the only one that never makes two names the same.
const NAMES_OF_1_0: EscapingScheme = EscapingScheme::Values;

/// Returns families as the message of a write request, before compression.
///
/// Samples without a timestamp get `time`. Labels are sorted by name, and empty ones left out. 2.0 also has the type, help
/// and unit of each family, exemplars, and the time of a `_created` sample as the start of its series. 1.0 has none of
/// these, and no names other than plain ones, so others are written with the escaping scheme
/// [`Values`](EscapingScheme::Values).
///
/// A histogram or summary that is the value of one sample is written as series, and a start timestamp as a series `_created`, as
/// [`MetricFamily::to_classic`] does it. So a bucket has one exemplar.
///
/// # Errors
///
/// [`ErrorKind::Invalid`](scout_metrics_core::ErrorKind::Invalid) if the name of a sample or a label is empty, or a sample
/// has a label twice or one named `__name__`, or if the value of a sample is a native histogram.
///
/// # Examples
///
/// ```
/// use std::time::SystemTime;
///
/// use scout_metrics_http::{
///     openmetrics::{LabelSet, MetricFamily, MetricType, Sample, Suffix},
///     remote_write::{ProtocolVersion, encode},
/// };
///
/// let sample = Sample::new(Suffix::None, LabelSet::from([("job", "api")]), 1.0);
/// let up = MetricFamily::new("up", MetricType::Gauge).with_sample(sample);
/// let message = encode(&[up], ProtocolVersion::V2, SystemTime::now())?;
/// let mut texts = message.windows(2);
/// assert!(texts.any(|text| text == b"up"));
/// # Ok::<(), scout_metrics_http::Error>(())
/// ```
pub fn encode(
    families: &[MetricFamily],
    version: ProtocolVersion,
    time: SystemTime,
) -> Result<Vec<u8>> {
    let table = Table::new(families, &[])?;
    let write = Write {
        table: Arc::new(table),
        rows: Rows::All,
        at: millis(time.into()),
        group: 0,
        queued: Instant::now(),
        is_repeat: false,
    };
    Ok(encode_parts(&[Part::whole(write)], version))
}

/// Returns the body of a request.
pub(super) fn body(batch: &Batch, version: ProtocolVersion) -> Vec<u8> {
    let message = encode_parts(&batch.parts, version);
    let compressed = snap::raw::Encoder::new().compress_vec(&message);
    compressed.expect("a batch is smaller than the 4 GiB that snappy can hold")
}

fn encode_parts(parts: &[Part], version: ProtocolVersion) -> Vec<u8> {
    let points = parts.iter().flat_map(Part::points);
    match version {
        ProtocolVersion::V1 => v1::WriteRequest {
            timeseries: points.map(|point| series_of_1_0(&point)).collect(),
        }
        .encode_to_vec(),
        ProtocolVersion::V2 => request_of_2_0(parts).encode_to_vec(),
    }
}

fn series_of_1_0(point: &Point<'_>) -> v1::TimeSeries {
    let labels = point.table.labels(point.row).map(|(name, value)| {
        let value = match name {
            "__name__" => NAMES_OF_1_0.escape_metric_name(value),
            _ => value.into(),
        };
        v1::Label {
            name: NAMES_OF_1_0.escape_label_name(name).into_owned(),
            value: value.into_owned(),
        }
    });
    let mut labels: Vec<v1::Label> = labels.collect();
    // Escaping may have changed the order.
    labels.sort_by(|one, other| one.name.cmp(&other.name));
    v1::TimeSeries {
        labels,
        samples: vec![v1::Sample {
            value: double(point.value),
            timestamp: point.timestamp,
        }],
    }
}

fn request_of_2_0(parts: &[Part]) -> v2::Request {
    let mut symbols = Symbols::default();
    let mut timeseries = Vec::new();
    for part in parts {
        symbols.start_table(&part.write.table);
        timeseries.extend(
            part.points()
                .map(|point| series_of_2_0(&point, &mut symbols)),
        );
    }
    v2::Request {
        symbols: symbols.into_texts(),
        timeseries,
    }
}

fn series_of_2_0<'a>(point: &Point<'a>, symbols: &mut Symbols<'a>) -> v2::TimeSeries {
    let table = point.table;
    let labels = table.label_places(point.row).iter();
    let labels_refs = labels.map(|place| symbols.symbol(table, *place)).collect();
    let metadata = table.metadata(point.row);
    let exemplars = table.exemplars(point.number).filter(|_| !is_stale(point));
    let exemplars = exemplars.map(|exemplar| v2::Exemplar {
        labels_refs: exemplar
            .labels
            .iter()
            .map(|place| symbols.symbol(table, *place))
            .collect(),
        value: double(exemplar.value),
        timestamp: exemplar.timestamp.unwrap_or(point.timestamp),
    });
    let exemplars = exemplars.collect();
    v2::TimeSeries {
        labels_refs,
        samples: vec![v2::Sample {
            value: double(point.value),
            timestamp: point.timestamp,
            start_timestamp: point.row.start,
        }],
        exemplars,
        metadata: Some(v2::Metadata {
            r#type: metric_type(metadata.kind).into(),
            help_ref: symbols.symbol(table, metadata.help),
            unit_ref: symbols.symbol(table, metadata.unit),
        }),
    }
}

fn is_stale(point: &Point<'_>) -> bool {
    point.value.to_bits() == super::batch::STALE.to_bits()
}

fn metric_type(kind: MetricType) -> v2::MetricType {
    match kind {
        MetricType::Counter => v2::MetricType::Counter,
        MetricType::Gauge => v2::MetricType::Gauge,
        MetricType::GaugeHistogram => v2::MetricType::GaugeHistogram,
        MetricType::Histogram => v2::MetricType::Histogram,
        MetricType::Info => v2::MetricType::Info,
        MetricType::StateSet => v2::MetricType::StateSet,
        MetricType::Summary => v2::MetricType::Summary,
        _ => v2::MetricType::Unspecified,
    }
}

/// The texts of a request, each once. The first one is empty.
#[derive(Default)]
struct Symbols<'a> {
    texts: Vec<&'a str>,
    places: HashMap<&'a str, u32>,
    /// The symbols of the current table's texts, as far as they are known.
    of_table: Vec<Option<u32>>,
}

impl<'a> Symbols<'a> {
    fn start_table(&mut self, table: &Table) {
        self.of_table.clear();
        self.of_table.resize(table.texts().len(), None);
    }

    fn symbol(&mut self, table: &'a Table, place: u32) -> u32 {
        let known = self.of_table[place as usize];
        known.unwrap_or_else(|| {
            let symbol = self.place(table.text(place));
            self.of_table[place as usize] = Some(symbol);
            symbol
        })
    }

    fn place(&mut self, text: &'a str) -> u32 {
        if self.texts.is_empty() {
            self.texts.push("");
            self.places.insert("", 0);
        }
        let next = self.texts.len() as u32;
        let place = *self.places.entry(text).or_insert(next);
        if place == next {
            self.texts.push(text);
        }
        place
    }

    fn into_texts(mut self) -> Vec<String> {
        self.place("");
        self.texts.into_iter().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ProtocolVersion::{V1, V2};
    use proptest::{collection, prelude::*};
    use scout_metrics_openmetrics::{
        Exemplar, LabelSet, NativeBuckets, NativeHistogram, Sample, Suffix, Timestamp,
    };

    use super::{super::testing::read_message, *};

    const TIME: SystemTime = SystemTime::UNIX_EPOCH;

    fn gauge(name: &str, labels: &[(&str, &str)], value: f64) -> MetricFamily {
        let labels: LabelSet = labels.iter().copied().collect();
        let sample = Sample::new(Suffix::None, labels, value);
        MetricFamily::new(name, MetricType::Gauge).with_sample(sample)
    }

    fn request(families: &[MetricFamily]) -> v2::Request {
        let message = encode(families, V2, TIME + Duration::from_micros(5_500)).unwrap();
        v2::Request::decode(&*message).unwrap()
    }

    fn labels(family: MetricFamily, version: ProtocolVersion) -> String {
        let message = encode(&[family], version, TIME).unwrap();
        read_message(&message, version).remove(0).labels
    }

    #[test]
    fn a_request_of_2_0_has_each_text_once_and_metadata() {
        let hits = MetricFamily::new("hits", MetricType::Counter)
            .with_help("Requests.")
            .with_sample(Sample::new(
                Suffix::Total,
                LabelSet::from([("job", "up")]),
                2.0,
            ))
            .with_sample(Sample::new(
                Suffix::Created,
                LabelSet::from([("job", "up")]),
                1.5,
            ));
        let request = request(&[hits, gauge("up", &[("job", "up")], 1.0)]);
        assert_eq!(
            request.symbols,
            [
                "",
                "__name__",
                "hits_total",
                "job",
                "up",
                "Requests.",
                "hits_created"
            ]
        );
        let hits = &request.timeseries[0];
        assert_eq!(hits.labels_refs, [1, 2, 3, 4]);
        assert_eq!(
            hits.samples,
            [v2::Sample {
                value: Some(2.0),
                timestamp: 5,
                start_timestamp: 1500
            }]
        );
        let metadata = v2::Metadata {
            r#type: 1,
            help_ref: 5,
            unit_ref: 0,
        };
        assert_eq!(hits.metadata, Some(metadata));
        let up = &request.timeseries[2];
        assert_eq!(up.labels_refs, [1, 4, 3, 4]);
        let metadata = v2::Metadata {
            r#type: 2,
            help_ref: 0,
            unit_ref: 0,
        };
        assert_eq!(up.metadata, Some(metadata));
    }

    #[test]
    fn a_request_without_samples_has_the_empty_text() {
        assert_eq!(request(&[]).symbols, [""]);
        assert!(encode(&[], V1, TIME).unwrap().is_empty());
    }

    #[test]
    fn times_and_exemplars_of_samples_are_kept() {
        let exemplar = Exemplar::new(LabelSet::from([("trace_id", "a")]), 0.5);
        let seconds = |seconds| Timestamp::from(TIME + Duration::from_secs(seconds));
        let sample = Sample::new(Suffix::Bucket, LabelSet::from([("le", "1")]), 3.0)
            .with_timestamp(seconds(7))
            .with_exemplar(exemplar.with_timestamp(seconds(6)));
        let family = MetricFamily::new("size", MetricType::Histogram).with_sample(sample);
        let request = request(&[family]);
        let series = &request.timeseries[0];
        assert_eq!(series.samples[0].timestamp, 7000);
        let text = |place: &u32| &*request.symbols[*place as usize];
        let exemplar = &series.exemplars[0];
        let texts: Vec<&str> = exemplar.labels_refs.iter().map(text).collect();
        assert_eq!(texts, ["trace_id", "a"]);
        assert_eq!((exemplar.value(), exemplar.timestamp), (0.5, 6000));
    }

    #[test]
    fn labels_are_sorted_and_empty_ones_left_out() {
        let labels_of = |version| {
            labels(
                gauge("a", &[("b", "1"), ("Z", "2"), ("c", "")], 1.0),
                version,
            )
        };
        assert_eq!(labels_of(V1), "Z=2,__name__=a,b=1");
        assert_eq!(labels_of(V2), "Z=2,__name__=a,b=1");
    }

    #[test]
    fn names_that_1_0_does_not_know_are_escaped_there() {
        let family = || gauge("http.size", &[("b", "1"), ("é", "2")], 1.0);
        assert_eq!(labels(family(), V2), "__name__=http.size,b=1,é=2");
        assert_eq!(
            labels(family(), V1),
            "U___e9_=2,__name__=U__http_2e_size,b=1"
        );
    }

    #[test]
    fn samples_that_no_receiver_accepts_are_refused() {
        let message = |family: MetricFamily| encode(&[family], V2, TIME).unwrap_err().to_string();
        assert_eq!(
            message(gauge("", &[], 1.0)),
            "cannot write a sample of ``: its name is empty"
        );
        for (name, fault) in [
            ("a", "label `a` occurs twice"),
            ("__name__", "label `__name__` occurs twice"),
        ] {
            let labels = LabelSet::from([("a", "1"), (name, "2")]);
            let sample = Sample::new(Suffix::None, labels, 1.0);
            let family = MetricFamily::new("up", MetricType::Gauge).with_sample(sample);
            assert_eq!(
                message(family),
                format!("cannot write a sample of `up`: {fault}")
            );
        }
        assert_eq!(
            message(gauge("up", &[("", "1")], 1.0)),
            "cannot write a sample of `up`: the name of a label is empty"
        );
    }

    #[test]
    fn all_exemplars_of_a_counter_are_written() {
        let exemplar = |value| Exemplar::new(LabelSet::new(), value);
        let sample = Sample::new(Suffix::None, LabelSet::new(), 1.0);
        let hits = MetricFamily::new("hits_total", MetricType::Counter)
            .with_sample(sample.clone().with_exemplar(exemplar(1.0)))
            .with_sample(sample.with_exemplars([exemplar(2.0), exemplar(3.0)]));
        let series = request(&[hits]).timeseries;
        let values = series.iter().map(|series| {
            let exemplars = series.exemplars.iter();
            exemplars.map(v2::Exemplar::value).collect::<Vec<_>>()
        });
        assert!(values.eq([vec![1.0], vec![2.0, 3.0]]));
    }

    #[test]
    fn a_native_histogram_is_refused() {
        let native = NativeHistogram::new(0, NativeBuckets::default()).unwrap();
        let sample = Sample::new(Suffix::None, LabelSet::new(), 0.0).with_native_histogram(native);
        let family = MetricFamily::new("wait", MetricType::Histogram).with_sample(sample);
        assert_eq!(
            encode(&[family], V2, TIME).unwrap_err().to_string(),
            "cannot write a sample of `wait`: it is a native histogram"
        );
    }

    #[test]
    fn a_zero_keeps_its_sign() {
        for version in [V1, V2] {
            let encoded = |value| encode(&[gauge("a", &[], value)], version, TIME).unwrap();
            let seen = read_message(&encoded(-0.0), version);
            assert!(seen[0].value.is_some_and(f64::is_sign_negative));
            assert!(encoded(0.0).len() < encoded(-0.0).len());
        }
    }

    #[test]
    fn not_a_number_does_not_end_a_series() {
        for bits in [0x7ff0_0000_0000_0002, 0x7ff8_0000_0000_0000, u64::MAX] {
            let message = encode(&[gauge("a", &[], f64::from_bits(bits))], V1, TIME).unwrap();
            let seen = read_message(&message, V1);
            assert!(seen[0].value.is_some_and(f64::is_nan));
        }
    }

    proptest! {
        #[test]
        fn both_versions_say_the_same(
            values in collection::vec((".{0,9}", ".{0,9}", -9.0..9.0f64), 0..20)
        ) {
            let families: Vec<_> = values
                .iter()
                .enumerate()
                .map(|(place, (one, other, value))| {
                    gauge(&format!("m{}", place % 3), &[("b", one), ("a", other)], *value)
                })
                .collect();
            let seen = |version| read_message(&encode(&families, version, TIME).unwrap(), version);
            prop_assert_eq!(seen(V1), seen(V2));
            let expected = values.iter().enumerate().map(|(place, (one, other, value))| {
                let mut labels = vec![format!("__name__=m{}", place % 3)];
                labels.extend([("a", other), ("b", one)].iter().filter(|(_, text)| !text.is_empty())
                    .map(|(name, text)| format!("{name}={text}")));
                (labels.join(","), Some(*value))
            });
            let seen = seen(V2).into_iter().map(|seen| (seen.labels, seen.value));
            prop_assert!(seen.eq(expected));
        }
    }
}
