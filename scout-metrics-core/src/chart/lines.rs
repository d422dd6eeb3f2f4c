//! Several numbers over time.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use super::{
    axis,
    canvas::{Canvas, Colour, Draw, FONT, Medium, ROUND, Svg},
    escape::visible,
    path::Path,
    short::Short,
    sparkline::summary,
    table::Table,
};
use crate::Severity;

/// The width of a character of 13 units, on the safe side of common fonts.
const CHARACTER: u32 = 8;

/// The height of a row of text.
const ROW: u32 = 18;

/// The maximum number of characters of a title or a name in the picture.
const MAX_NAME: usize = 60;

/// A name and its values, at the times of a [`LineChart`].
#[derive(Clone, Debug)]
pub struct Series {
    name: String,
    severity: Option<Severity>,
    values: Vec<Option<u64>>,
}

impl Series {
    /// Creates a series. `None` is a gap.
    pub fn new(name: impl Into<String>, values: impl IntoIterator<Item = Option<u64>>) -> Self {
        Self {
            name: name.into(),
            severity: None,
            values: values.into_iter().collect(),
        }
    }

    /// Creates the series of the counts of a severity, in its colour.
    pub fn of_severity(severity: Severity, values: impl IntoIterator<Item = Option<u64>>) -> Self {
        Self {
            severity: Some(severity),
            ..Self::new(severity.as_str().to_ascii_lowercase(), values)
        }
    }
}

/// Lines of values over time, from 0 to a round number above the largest, with dates in UTC.
///
/// A missing value is a gap, and a value between two gaps is a dot, as is the last one. The lines also differ in their
/// dashes. The picture keeps its shape, and its text is as large as that of a page if it is about 480 pixels wide.
#[derive(Clone, Debug)]
pub struct LineChart {
    title: String,
    times: Vec<SystemTime>,
    series: Vec<Series>,
    size: (u32, u32),
}

impl LineChart {
    /// The maximum number of series that are drawn. More could not be distinguished.
    pub const MAX_SERIES: usize = 6;

    /// Creates a chart without series. The title says what is counted.
    ///
    /// The times are ascending.
    pub fn new(title: impl Into<String>, times: impl IntoIterator<Item = SystemTime>) -> Self {
        Self {
            title: title.into(),
            times: times.into_iter().collect(),
            series: Vec::new(),
            size: (480, 180),
        }
    }

    /// Adds a series with a value for each time. Missing values at the end are gaps, and values without a time are left
    /// out. After the first [`MAX_SERIES`](Self::MAX_SERIES), series are in the table only.
    #[must_use]
    pub fn with_series(mut self, mut series: Series) -> Self {
        series.values.resize(self.times.len(), None);
        self.series.push(series);
        self
    }

    /// Sets the width, at least 200, and the height without the legend, at least 100; both are at most 10,000. The default
    /// is 480 and 180.
    #[must_use]
    pub fn with_size(mut self, width: u32, height: u32) -> Self {
        self.size = (width.clamp(200, 10_000), height.clamp(100, 10_000));
        self
    }

    /// Returns a value whose `Display` writes a file, with the title above the lines.
    pub fn standalone(&self) -> impl fmt::Display + '_ {
        Svg(self, Medium::File)
    }

    /// Returns a value whose `Display` writes the values as an HTML table, the latest first, with at most this many rows.
    ///
    /// If there are more times, the rows have the same number of times between them.
    pub fn table(&self, max_rows: usize) -> impl fmt::Display + '_ {
        let stride = self.times.len().div_ceil(max_rows.max(1)).max(1);
        let places = (0..self.times.len()).rev().step_by(stride);
        let row = |place: usize| {
            let values = self.series.iter().map(|series| series.values[place]);
            (axis::full(self.times[place]), values.collect())
        };
        let names = self.series.iter().map(|series| series.name.as_str());
        Table {
            caption: &self.title,
            columns: ["Time (UTC)"].into_iter().chain(names).collect(),
            rows: places.map(row).collect(),
        }
    }

    fn drawn(&self) -> &[Series] {
        &self.series[..self.series.len().min(Self::MAX_SERIES)]
    }

    fn colour(&self, place: usize) -> Colour {
        const OTHERS: [Colour; 3] = [Colour::Ink, Colour::Fine, Colour::Dim];
        match self.series[place].severity {
            Some(severity) => Colour::Severity(severity),
            None => OTHERS[place % OTHERS.len()],
        }
    }
}

impl fmt::Display for LineChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Svg(self, Medium::Page).fmt(f)
    }
}

/// The dashes of a line at a place among others.
fn dashes(place: usize) -> &'static str {
    ["", "7 4", "2 4", "10 4 2 4", "5 6", "1 6"][place % LineChart::MAX_SERIES]
}

/// The place for the lines, between the axes.
struct Plot {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
    start: SystemTime,
    length: Duration,
    largest: u64,
}

impl Plot {
    fn x(&self, time: SystemTime) -> u32 {
        let width = u128::from(self.right - self.left);
        let since = time
            .duration_since(self.start)
            .unwrap_or_default()
            .min(self.length);
        let place = (since.as_nanos() * width).checked_div(self.length.as_nanos());
        // At most the width, so it fits. All times are the same if there is no length.
        self.left + place.unwrap_or(width / 2) as u32
    }

    fn y(&self, value: u64) -> u32 {
        let height = u128::from(self.bottom - self.top) * u128::from(value.min(self.largest));
        // At most the height of the plot, so it fits.
        self.bottom - (height / u128::from(self.largest)) as u32
    }
}

impl Draw for LineChart {
    const CLASS: &str = "chart-lines";
    const ATTRIBUTES: &[&str] = &[ROUND, FONT];

    fn size(&self, medium: Medium) -> (u32, u32) {
        let title = u32::from(medium == Medium::File);
        let legend = self.legend().last().map_or(0, |entry| entry.row + 1);
        (self.size.0, self.size.1 + (title + legend) * ROW)
    }

    fn title(&self) -> Option<String> {
        Some(self.title.clone())
    }

    fn description(&self) -> Option<String> {
        let courses = self
            .series
            .iter()
            .map(|series| format!("{}: {}", series.name, summary(&series.values)));
        Some(courses.collect::<Vec<_>>().join(". "))
    }

    fn draw(&self, canvas: &mut Canvas<'_>) -> fmt::Result {
        let (width, height) = self.size(canvas.medium);
        let mut top = 0;
        if canvas.medium == Medium::File {
            let title = cut(&self.title, (width - 8) / CHARACTER);
            canvas.text(Colour::Ink, (4, ROW - 4), "start", &title)?;
            top = ROW;
        }
        self.draw_legend(canvas, top)?;
        let known = || {
            self.drawn()
                .iter()
                .flat_map(|series| &series.values)
                .flatten()
        };
        let numbers = axis::numbers(known().max().copied().unwrap_or(0));
        let labels: Vec<String> = numbers
            .iter()
            .map(|number| Short::new(*number).to_string())
            .collect();
        let label_width = labels
            .iter()
            .map(|label| label.len() as u32 * CHARACTER)
            .max();
        let start = self
            .times
            .first()
            .copied()
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let end = self.times.iter().max().copied().unwrap_or(start);
        let plot = Plot {
            left: label_width.unwrap_or(0) + 8,
            top: height - self.size.1 + 8,
            right: width - 6,
            bottom: height - ROW - 4,
            start,
            length: end.duration_since(start).unwrap_or_default(),
            largest: numbers.last().copied().unwrap_or(1),
        };
        draw_grid(canvas, &plot, &numbers, &labels)?;
        draw_times(canvas, &plot, end)?;
        for (place, series) in self.drawn().iter().enumerate() {
            let values = self.times.iter().zip(&series.values);
            let path =
                Path::new(values.map(|(time, value)| Some((plot.x(*time), plot.y((*value)?)))));
            canvas.line(self.colour(place), "2", dashes(place), &path)?;
            canvas.line(self.colour(place), "5", "", &path.dots())?;
        }
        match known().next() {
            Some(_) => Ok(()),
            None => {
                let middle = ((plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2);
                canvas.text(Colour::Dim, middle, "middle", "no values")
            }
        }
    }
}

/// The length of the line before a name in the legend.
const SAMPLE: u32 = 24;

/// A name in the legend.
struct Entry {
    x: u32,
    row: u32,
    name: String,
}

impl LineChart {
    /// Returns the names of the series, in as many rows as they need.
    fn legend(&self) -> Vec<Entry> {
        let (mut x, mut row) = (4, 0);
        let entry = |series: &Series| {
            let name = cut(&series.name, (self.size.0 - SAMPLE - 16) / CHARACTER);
            let width = SAMPLE + 6 + name.chars().count() as u32 * CHARACTER;
            if x > 4 && x + width > self.size.0 {
                (x, row) = (4, row + 1);
            }
            let entry = Entry { x, row, name };
            x += width + 14;
            entry
        };
        self.drawn().iter().map(entry).collect()
    }

    fn draw_legend(&self, canvas: &mut Canvas<'_>, top: u32) -> fmt::Result {
        for (place, Entry { x, row, name }) in self.legend().into_iter().enumerate() {
            let y = top + (row + 1) * ROW;
            let sample = Path::new([Some((x, y - 8)), Some((x + SAMPLE, y - 8))]);
            canvas.line(self.colour(place), "3", dashes(place), &sample)?;
            canvas.text(Colour::Ink, (x + SAMPLE + 6, y - 4), "start", &name)?;
        }
        Ok(())
    }
}

/// Draws the dates that fit below the plot.
fn draw_times(canvas: &mut Canvas<'_>, plot: &Plot, end: SystemTime) -> fmt::Result {
    let mut free = 0;
    let mut marks = Vec::new();
    for (time, label) in axis::times(plot.start, end, u64::from(plot.right - plot.left) / 64) {
        let (x, half) = (plot.x(time), label.len() as u32 * CHARACTER / 2);
        if x < free + half || x + half > plot.right {
            continue;
        }
        free = x + half + 6;
        marks.extend([Some((x, plot.bottom)), Some((x, plot.bottom + 4)), None]);
        canvas.text(Colour::Dim, (x, plot.bottom + ROW), "middle", &label)?;
    }
    canvas.line(Colour::Dim, "1", "", &Path::new(marks))
}

fn draw_grid(
    canvas: &mut Canvas<'_>,
    plot: &Plot,
    numbers: &[u64],
    labels: &[String],
) -> fmt::Result {
    let line = |number: &u64| {
        let y = plot.y(*number);
        [Some((plot.left, y)), Some((plot.right, y)), None]
    };
    let lines = Path::new(numbers.iter().flat_map(line));
    canvas.line(Colour::Line, "1", "", &lines)?;
    for (number, label) in numbers.iter().zip(labels) {
        let y = plot.y(*number);
        canvas.text(Colour::Dim, (plot.left - 6, y + 4), "end", label)?;
    }
    Ok(())
}

/// Returns a text without hidden characters, cut to a number of characters.
fn cut(text: &str, characters: u32) -> String {
    let characters = MAX_NAME.min(characters as usize);
    let text = visible(text);
    if text.chars().nth(characters).is_none() {
        return text;
    }
    text.chars().take(characters - 1).chain(['…']).collect()
}
