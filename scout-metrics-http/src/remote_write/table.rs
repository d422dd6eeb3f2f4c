//! Samples in the form in which they wait to be written: every text once, labels sorted by name.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    hash::{Hash, Hasher},
    ops::Range,
    sync::Arc,
};

use scout_metrics_core::{Error, ErrorKind, Result};
use scout_metrics_openmetrics::{MetricFamily, MetricType, Sample, Timestamp};

/// The label that has the name of the metric.
const METRIC_NAME: &str = "__name__";

/// The samples of a snapshot, or of any families.
#[derive(Debug, Default)]
pub(super) struct Table {
    texts: Vec<Box<str>>,
    /// Places of names and values in `texts`, in turn, for all series one after another.
    labels: Vec<u32>,
    pub(super) rows: Vec<Row>,
    families: Vec<Metadata>,
    exemplars: Vec<(u32, Exemplar)>,
}

/// A series and its sample.
#[derive(Debug)]
pub(super) struct Row {
    /// The range of its labels in `labels`.
    labels: Range<u32>,
    family: u32,
    pub(super) value: f64,
    /// Milliseconds since 1970, if the sample has a time of its own.
    pub(super) timestamp: Option<i64>,
    /// When counting began, in milliseconds since 1970; 0 if that is unknown.
    pub(super) start: i64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Metadata {
    pub(super) kind: MetricType,
    pub(super) help: u32,
    pub(super) unit: u32,
}

#[derive(Debug)]
pub(super) struct Exemplar {
    pub(super) labels: Vec<u32>,
    pub(super) value: f64,
    pub(super) timestamp: Option<i64>,
}

impl Table {
    /// Makes a table of families. Each constant label is added to the series that have no label of this name.
    pub(super) fn new(families: &[MetricFamily], constant: &[(String, String)]) -> Result<Self> {
        let mut draft = Draft::default();
        for family in families {
            draft.push_family(family, constant)?;
        }
        Ok(draft.table)
    }

    pub(super) fn text(&self, place: u32) -> &str {
        &self.texts[place as usize]
    }

    /// Returns all texts, of which each is there once.
    pub(super) fn texts(&self) -> &[Box<str>] {
        &self.texts
    }

    /// Returns the places of names and values, in turn.
    pub(super) fn label_places(&self, row: &Row) -> &[u32] {
        &self.labels[row.labels.start as usize..row.labels.end as usize]
    }

    /// Returns names and values, sorted by name.
    pub(super) fn labels(&self, row: &Row) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.label_places(row).chunks_exact(2);
        pairs.map(|pair| (self.text(pair[0]), self.text(pair[1])))
    }

    pub(super) fn metadata(&self, row: &Row) -> Metadata {
        self.families[row.family as usize]
    }

    pub(super) fn exemplars(&self, row: u32) -> impl Iterator<Item = &Exemplar> {
        let first = self.exemplars.partition_point(|(other, _)| *other < row);
        let of_row = self.exemplars[first..].iter();
        of_row
            .take_while(move |(other, _)| *other == row)
            .map(|(_, exemplar)| exemplar)
    }

    /// Returns at least as many bytes as a series takes in a request of either version, if no text is shared.
    pub(super) fn wire_size(&self, row: &Row) -> usize {
        /// Keys and lengths of a label, and of everything else in a series.
        const LABEL: usize = 16;
        const REST: usize = 64;
        let labels = self.labels(row);
        let labels = labels.map(|(name, value)| name.len() + value.len() + LABEL);
        let Metadata { help, unit, .. } = self.metadata(row);
        REST + labels.sum::<usize>() + self.text(help).len() + self.text(unit).len()
    }

    /// Returns about how many bytes of memory the table has.
    pub(super) fn memory(&self) -> usize {
        let texts = self
            .texts
            .iter()
            .map(|text| text.len() + size_of::<Box<str>>());
        let rows = self.rows.len() * size_of::<Row>();
        texts.sum::<usize>() + size_of_val(&*self.labels) + rows
    }

    /// Returns the rows whose series another table does not have.
    pub(super) fn rows_missing_in(&self, other: &Self) -> Vec<u32> {
        let known: HashSet<Series<'_>> = other.series().collect();
        let rows = self.series().zip(0..);
        let missing = rows.filter(|(series, _)| !known.contains(series));
        missing.map(|(_, row)| row).collect()
    }

    fn series(&self) -> impl Iterator<Item = Series<'_>> {
        self.rows.iter().map(|row| Series { table: self, row })
    }
}

/// Returns a time in whole milliseconds since 1970, rounded down, which is all that the protocol has.
pub(super) fn millis(time: Timestamp) -> i64 {
    let millis = time.as_nanos().div_euclid(1_000_000);
    let nearest = if millis < 0 { i64::MIN } else { i64::MAX };
    millis.try_into().unwrap_or(nearest)
}

/// The identity of a series, whatever table it is in.
struct Series<'a> {
    table: &'a Table,
    row: &'a Row,
}

impl PartialEq for Series<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.table
            .labels(self.row)
            .eq(other.table.labels(other.row))
    }
}

impl Eq for Series<'_> {}

impl Hash for Series<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.table
            .labels(self.row)
            .for_each(|label| label.hash(state));
    }
}

/// A table that is being made.
#[derive(Default)]
struct Draft {
    table: Table,
    places: HashMap<Arc<str>, u32>,
}

impl Draft {
    fn push_family(&mut self, family: &MetricFamily, constant: &[(String, String)]) -> Result<()> {
        let family = &*in_series(family)?;
        let metadata = Metadata {
            kind: family.kind(),
            help: self.place(family.help()),
            unit: self.place(family.unit()),
        };
        self.table.families.push(metadata);
        for metric in family.metrics() {
            let start = metric
                .created()
                .map_or(0, |seconds| (seconds * 1000.0) as i64);
            for sample in metric.samples() {
                self.push_sample(family, sample, start, constant)?;
            }
        }
        Ok(())
    }

    fn push_sample(
        &mut self,
        family: &MetricFamily,
        sample: &Sample,
        start: i64,
        constant: &[(String, String)],
    ) -> Result<()> {
        let name = sample.name(family);
        let labels = sorted_labels(&name, sample, constant)?;
        let begin = self.table.labels.len() as u32;
        for (name, value) in labels {
            let label = [self.place(name), self.place(value)];
            self.table.labels.extend(label);
        }
        for exemplar in sample.exemplars() {
            let mut labels: Vec<_> = exemplar.labels().iter().collect();
            labels.sort_unstable();
            let places = labels.into_iter().flat_map(|(name, value)| [name, value]);
            let exemplar = Exemplar {
                labels: places.map(|text| self.place(text)).collect(),
                value: exemplar.value(),
                timestamp: exemplar.timestamp().map(millis),
            };
            let row = self.table.rows.len() as u32;
            self.table.exemplars.push((row, exemplar));
        }
        self.table.rows.push(Row {
            labels: begin..self.table.labels.len() as u32,
            family: self.table.families.len() as u32 - 1,
            value: without_payload(sample.value()),
            timestamp: sample.timestamp().map(millis),
            start,
        });
        Ok(())
    }

    fn place(&mut self, text: &str) -> u32 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = self.table.texts.len() as u32;
        self.table.texts.push(text.into());
        self.places.insert(text.into(), place);
        place
    }
}

/// Returns a family with a series for each number, which is all that is written.
fn in_series(family: &MetricFamily) -> Result<Cow<'_, MetricFamily>> {
    let is_number =
        |sample: &Sample| sample.composite().is_none() && sample.start_timestamp().is_none();
    if family.samples().iter().all(is_number) {
        return Ok(Cow::Borrowed(family));
    }
    let series = family.to_classic();
    if series.samples().iter().all(is_number) {
        return Ok(Cow::Owned(series));
    }
    let name = family.name().escape_debug();
    Err(Error::new(
        ErrorKind::Invalid,
        format!("cannot write a sample of `{name}`: it is a native histogram"),
    ))
}

/// Returns the same value, with the usual bits for NaN: others say that a series has ended.
fn without_payload(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

/// Returns the labels of a series as both specifications require: with the name of the metric, sorted by name, none twice,
/// none empty.
fn sorted_labels<'a>(
    metric: &'a Cow<'a, str>,
    sample: &'a Sample,
    constant: &'a [(String, String)],
) -> Result<Vec<(&'a str, &'a str)>> {
    let refuse = |fault: String| {
        Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "cannot write a sample of `{}`: {fault}",
                metric.escape_debug()
            ),
        ))
    };
    if metric.is_empty() {
        return refuse("its name is empty".to_owned());
    }
    let constant = constant.iter().map(|(name, value)| (&**name, &**value));
    let constant = constant.filter(|(name, _)| !sample.labels().contains(name));
    let labels = sample.labels().iter().chain(constant);
    let mut labels: Vec<_> = labels.filter(|(_, value)| !value.is_empty()).collect();
    labels.push((METRIC_NAME, metric));
    labels.sort_unstable();
    if labels[0].0.is_empty() {
        return refuse("the name of a label is empty".to_owned());
    }
    if let Some(pair) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return refuse(format!("label `{}` occurs twice", pair[0].0.escape_debug()));
    }
    Ok(labels)
}
