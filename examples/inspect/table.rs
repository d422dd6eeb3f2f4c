//! Families as tables for people.

use std::io::{Result, Write};

use anstyle::Style;

use scout_metrics_examples::terminal::{fit, pad_end, pad_start, width};
use scout_metrics_openmetrics::{Exemplar, LabelSet, MetricFamily, Sample, Timestamp};

use super::parts::{Part, parts};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// The maximum width of a help text.
const MAX_HELP: usize = 160;

/// The maximum number of labels that have a column each. Every sample may have different labels.
const MAX_LABEL_COLUMNS: usize = 12;

/// The maximum width of a cell.
const MAX_CELL: usize = 60;

/// Writes one table for each family.
pub(crate) fn write(out: &mut impl Write, families: &[MetricFamily]) -> Result<()> {
    if families.is_empty() {
        return writeln!(out, "no families");
    }
    for (index, family) in families.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_title(out, family)?;
        Table::new(family).write(out)?;
    }
    Ok(())
}

fn write_title(out: &mut impl Write, family: &MetricFamily) -> Result<()> {
    let name = fit(family.name(), MAX_HELP);
    write!(out, "{BOLD}{name}{BOLD:#}  {}", family.kind())?;
    if !family.unit().is_empty() {
        write!(out, " in {}", fit(family.unit(), MAX_CELL))?;
    }
    writeln!(out)?;
    if !family.help().is_empty() {
        writeln!(out, "{DIM}{}{DIM:#}", fit(family.help(), MAX_HELP))?;
    }
    Ok(())
}

/// The samples of a family as cells: one column for each label, and one for each other part that any sample has.
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// The column of the values, which are right-aligned.
    value: usize,
}

/// A row of a table: a sample, or a part of the composite value of one. What all parts have is shown with the first one.
struct Row<'s> {
    sample: &'s Sample,
    part: Part,
    is_first: bool,
}

impl Row<'_> {
    fn once(&self, cell: impl Fn(&Sample) -> String) -> String {
        match self.is_first {
            true => cell(self.sample),
            false => String::new(),
        }
    }
}

impl Table {
    fn new(family: &MetricFamily) -> Self {
        let rows: Vec<Row<'_>> = family.samples().iter().flat_map(rows).collect();
        let mut table = Self {
            header: Vec::new(),
            rows: vec![Vec::new(); rows.len()],
            value: 0,
        };
        let has_parts = rows.len() > family.samples().len();
        if !has_parts {
            table.add("", &rows, |row| row.part.name.clone());
        }
        match label_names(family.samples()) {
            Some(names) => {
                for name in names {
                    table.add(name, &rows, |row| {
                        row.once(|sample| shown_label(sample.labels(), name))
                    });
                }
            }
            None => table.add("labels", &rows, |row| {
                row.once(|sample| shown_labels(sample.labels()))
            }),
        }
        if has_parts {
            table.add("", &rows, |row| row.part.name.clone());
        }
        table.value = table.header.len();
        table.add("value", &rows, |row| row.part.value.clone());
        table.add("time", &rows, |row| {
            row.once(|sample| shown_time(sample.timestamp()))
        });
        table.add("start", &rows, |row| {
            row.once(|sample| shown_time(sample.start_timestamp()))
        });
        table.add("exemplar", &rows, |row| row.part.exemplar.clone());
        table
    }

    /// Adds a column, unless all of its cells are empty.
    fn add(&mut self, header: &str, rows: &[Row<'_>], cell: impl Fn(&Row<'_>) -> String) {
        let cells: Vec<String> = rows.iter().map(|row| fit(&cell(row), MAX_CELL)).collect();
        if cells.iter().all(String::is_empty) {
            return;
        }
        self.header.push(fit(header, MAX_CELL));
        for (row, cell) in self.rows.iter_mut().zip(cells) {
            row.push(cell);
        }
    }

    fn write(&self, out: &mut impl Write) -> Result<()> {
        if self.rows.is_empty() {
            return writeln!(out, "  no samples");
        }
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| {
                let cells = self.rows.iter().map(|row| width(&row[column]));
                cells.max().unwrap_or(0).max(width(&self.header[column]))
            })
            .collect();
        let header = self.line(&self.header, &widths);
        writeln!(out, "{DIM}{header}{DIM:#}")?;
        self.rows
            .iter()
            .try_for_each(|row| writeln!(out, "{}", self.line(row, &widths)))
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (column, (cell, &width)) in cells.iter().zip(widths).enumerate() {
            let pad = if column == self.value {
                pad_start
            } else {
                pad_end
            };
            line.push_str("  ");
            line.push_str(&pad(cell, width));
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// Returns the rows of a sample. A composite value may have fewer parts than exemplars, which get rows without a part.
fn rows(sample: &Sample) -> impl Iterator<Item = Row<'_>> {
    let parts = parts(sample).into_iter().enumerate();
    parts.map(move |(place, part)| Row {
        sample,
        part,
        is_first: place == 0,
    })
}

/// Returns the names of all labels in order of first appearance, unless there are too many for columns.
fn label_names(samples: &[Sample]) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    for (name, _) in samples.iter().flat_map(|sample| sample.labels().iter()) {
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() > MAX_LABEL_COLUMNS {
            return None;
        }
    }
    Some(names)
}

/// Returns a label's value, or all of them in quotes if it occurs more than once. An empty value is shown in quotes, an absent
/// one is not.
fn shown_label(labels: &LabelSet, name: &str) -> String {
    let found = labels.iter().filter(|(found, _)| *found == name);
    let values: Vec<&str> = found.map(|(_, value)| value).collect();
    match values[..] {
        [] => String::new(),
        [value] if !value.is_empty() => value.to_owned(),
        _ => {
            let quoted: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
            quoted.join(",")
        }
    }
}

fn shown_labels(labels: &LabelSet) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!("{{{}}}", pairs.join(","))
}

fn shown_time(timestamp: Option<Timestamp>) -> String {
    timestamp.map_or_else(String::new, |timestamp| timestamp.to_string())
}

pub(crate) fn shown_exemplar(exemplar: &Exemplar) -> String {
    let time = exemplar
        .timestamp()
        .map(|timestamp| format!(" at {timestamp}"))
        .unwrap_or_default();
    format!(
        "{} {}{time}",
        shown_labels(exemplar.labels()),
        shown_value(exemplar.value())
    )
}

/// Returns a value in its shortest readable form.
pub(crate) fn shown_value(value: f64) -> String {
    match value.abs() {
        f64::INFINITY if value > 0.0 => "+Inf".to_owned(),
        f64::INFINITY => "-Inf".to_owned(),
        0.0 | 1e-5..1e15 => value.to_string(),
        _ => format!("{value:?}"),
    }
}
