//! Samples as messages.

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use prost::Message;
use scout_metrics_core::Result;
use scout_metrics_openmetrics::{EscapingScheme, MetricFamily, MetricType, Timestamp};
use tokio::time::Instant;

use super::{
    ProtocolVersion,
    batch::{Batch, Part, Point, Rows, Write},
    message::{v1, v2},
    table::Table,
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
/// # Errors
///
/// [`ErrorKind::Invalid`](scout_metrics_core::ErrorKind::Invalid) if the name of a sample or a label is empty, or a sample
/// has a label twice or one named `__name__`.
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
        at: millis(time),
        group: 0,
        queued: Instant::now(),
        is_repeat: false,
    };
    Ok(encode_parts(&[Part::whole(write)], version))
}

/// Returns a time in milliseconds since 1970.
pub(super) fn millis(time: SystemTime) -> i64 {
    Timestamp::from(time).to_millis().unwrap_or(i64::MAX)
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
            value: point.value,
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
    let exemplar = table.exemplar(point.number).filter(|_| !is_stale(point));
    let exemplars = exemplar.map(|exemplar| v2::Exemplar {
        labels_refs: exemplar
            .labels
            .iter()
            .map(|place| symbols.symbol(table, *place))
            .collect(),
        value: exemplar.value,
        timestamp: exemplar.timestamp.unwrap_or(point.timestamp),
    });
    v2::TimeSeries {
        labels_refs,
        samples: vec![v2::Sample {
            value: point.value,
            timestamp: point.timestamp,
            start_timestamp: point.row.start,
        }],
        exemplars: exemplars.into_iter().collect(),
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
