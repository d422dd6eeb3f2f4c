//! Series with their values, to compare whatever the order.

use std::collections::BTreeMap;

use scout_metrics_core::Snapshot;
use scout_metrics_openmetrics::{
    Encoder, Format, MetricFamily, Mode, ParseOptions, parse_families, scout::encode_into,
};

/// The name and the sorted labels of a series.
pub(crate) type Series = (String, Vec<(String, String)>);

/// The values of series, as text, so that NaN equals NaN.
pub(crate) type Values = BTreeMap<Series, String>;

pub(crate) fn series<'l>(
    name: &str,
    labels: impl IntoIterator<Item = (&'l str, &'l str)>,
) -> Series {
    let labels = labels.into_iter();
    let mut labels: Vec<_> = labels
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    labels.sort();
    (name.to_owned(), labels)
}

/// Parses a text strictly.
pub(crate) fn families(text: &str, format: Format) -> Vec<MetricFamily> {
    let options = ParseOptions::new(format).with_mode(Mode::Strict);
    match parse_families(text.as_bytes(), &options) {
        Ok(families) => families.into_vec(),
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// Returns the samples of a text.
pub(crate) fn parsed(text: &str, format: Format) -> Values {
    let mut values = Values::new();
    for family in families(text, format) {
        for sample in family.samples() {
            let name = family.sample_name(sample);
            let series = series(&name, sample.labels());
            let earlier = values.insert(series, sample.value().to_string());
            assert_eq!(earlier, None, "{name} occurs twice");
        }
    }
    values
}

/// Returns what our encoder writes of snapshots.
pub(crate) fn encoded(snapshots: &[Snapshot], has_label: bool) -> Values {
    let label = |snapshot: &'static Snapshot| [("org", snapshot.organization().as_str())];
    // Labels are borrowed for as long as snapshots are; a test does not mind.
    let snapshots: &'static [Snapshot] = snapshots.to_vec().leak();
    let labels: &'static [_] = snapshots.iter().map(label).collect::<Vec<_>>().leak();
    let parts = snapshots.iter().zip(labels).map(|(snapshot, label)| {
        let label = if has_label { &label[..] } else { &[] };
        (snapshot, label)
    });
    let mut encoder = Encoder::new(String::new(), Format::Prometheus);
    encode_into(&mut encoder, parts).unwrap();
    parsed(&encoder.finish().unwrap(), Format::Prometheus)
}
