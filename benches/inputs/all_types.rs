//! Families of all types of a format.

use std::{collections::HashSet, fmt::Write};

use fastrand::Rng;
use scout_metrics_openmetrics::Format;

use crate::{
    numbers::{bounds, count, magnitude, positive_value, value},
    short_families::labels,
    words::Words,
    written,
};

const SEED: u64 = 0xA1177;

/// Families of all types that the format has, of about so many bytes.
///
/// In OpenMetrics some have a unit, a time of creation, exemplars or timestamps.
pub fn all_types(format: Format, bytes: usize) -> String {
    let mut writer = Writer {
        out: String::new(),
        words: Words::new(SEED),
        format,
        end: "",
    };
    while writer.out.len() < bytes {
        written(writer.push_family());
    }
    if format == Format::OpenMetrics {
        writer.out.push_str("# EOF\n");
    }
    writer.out
}

struct Writer {
    out: String,
    words: Words,
    format: Format,
    /// The text after each value of the family: nothing or a timestamp.
    end: &'static str,
}

/// The name and the labels that all samples of a metric share.
struct Metric<'a> {
    name: &'a str,
    labels: &'a str,
}

impl Writer {
    fn push_family(&mut self) -> std::fmt::Result {
        let is_openmetrics = self.is_openmetrics();
        let kinds: &[&str] = if is_openmetrics {
            &[
                "counter",
                "counter",
                "gauge",
                "gauge",
                "gaugehistogram",
                "histogram",
                "info",
                "stateset",
                "summary",
                "unknown",
            ]
        } else {
            &[
                "counter",
                "counter",
                "gauge",
                "gauge",
                "histogram",
                "summary",
                "untyped",
            ]
        };
        let kind = kinds[self.words.rng().usize(..kinds.len())];
        self.end = match self.words.rng().u8(0..16) {
            0 if is_openmetrics => " 1732605127.125",
            0 => " 1732605127125",
            _ => "",
        };
        let name = self.push_metadata(kind)?;
        let label_count = self.words.rng().usize(0..=4);
        let names = self.words.label_names(label_count);
        let metrics = match names.len() {
            0 => 1,
            _ => self.words.rng().usize(1..=12),
        };
        let mut known = HashSet::new();
        for _ in 0..metrics {
            let labels = labels(&names, &mut self.words);
            if known.insert(labels.clone()) {
                let metric = Metric {
                    name: &name,
                    labels: &labels,
                };
                self.push_metric(kind, &metric)?;
            }
        }
        Ok(())
    }

    fn is_openmetrics(&self) -> bool {
        self.format == Format::OpenMetrics
    }

    /// Writes the metadata and returns the name that sample names start with.
    fn push_metadata(&mut self, kind: &str) -> Result<String, std::fmt::Error> {
        let (mut name, help) = (self.words.metric_name(), self.words.help());
        let has_unit = !matches!(kind, "info" | "stateset") && self.words.rng().u8(0..3) == 0;
        if has_unit {
            name.push_str("_seconds");
        }
        let is_counter_of_prometheus = kind == "counter" && !self.is_openmetrics();
        let family = match is_counter_of_prometheus {
            true => format!("{name}_total"),
            false => name.clone(),
        };
        writeln!(self.out, "# HELP {family} {help}\n# TYPE {family} {kind}")?;
        if has_unit && self.is_openmetrics() {
            writeln!(self.out, "# UNIT {family} seconds")?;
        }
        Ok(name)
    }

    fn push_metric(&mut self, kind: &str, metric: &Metric<'_>) -> std::fmt::Result {
        match kind {
            "counter" => self.push_counter(metric),
            "gaugehistogram" => self.push_histogram(metric, ["_gcount", "_gsum"]),
            "histogram" => self.push_histogram(metric, ["_count", "_sum"]),
            "info" => self.push(metric, "_info", "", "1"),
            "stateset" => self.push_states(metric),
            "summary" => self.push_summary(metric),
            _ => {
                let value = value(self.words.rng());
                self.push(metric, "", "", &value)
            }
        }
    }

    fn push_counter(&mut self, metric: &Metric<'_>) -> std::fmt::Result {
        let value = positive_value(self.words.rng());
        if self.draws_exemplar() {
            let value = format!("{value}{}{}", self.end, exemplar(self.words.rng()));
            let end = std::mem::take(&mut self.end);
            self.push(metric, "_total", "", &value)?;
            self.end = end;
        } else {
            self.push(metric, "_total", "", &value)?;
        }
        self.push_created(metric)
    }

    fn push_histogram(&mut self, metric: &Metric<'_>, suffixes: [&str; 2]) -> std::fmt::Result {
        let mut events = 0;
        let bounds = bounds(self.words.rng());
        for bound in bounds.iter().map(String::as_str).chain(["+Inf"]) {
            events += count(self.words.rng()) % 100_000;
            let value = events.to_string();
            let own = format!("le=\"{bound}\"");
            if self.draws_exemplar() {
                let value = format!("{value}{}{}", self.end, exemplar(self.words.rng()));
                let end = std::mem::take(&mut self.end);
                self.push(metric, "_bucket", &own, &value)?;
                self.end = end;
            } else {
                self.push(metric, "_bucket", &own, &value)?;
            }
        }
        let [count, sum] = suffixes;
        let value = positive_value(self.words.rng());
        self.push(metric, sum, "", &value)?;
        self.push(metric, count, "", &events.to_string())?;
        match count {
            "_count" => self.push_created(metric),
            _ => Ok(()),
        }
    }

    fn push_summary(&mut self, metric: &Metric<'_>) -> std::fmt::Result {
        let quantiles = ["0", "0.25", "0.5", "0.9", "0.99", "0.999", "1"];
        for quantile in &quantiles[self.words.rng().usize(0..5)..] {
            let value = positive_value(self.words.rng());
            self.push(metric, "", &format!("quantile=\"{quantile}\""), &value)?;
        }
        let value = positive_value(self.words.rng());
        self.push(metric, "_sum", "", &value)?;
        let value = count(self.words.rng()).to_string();
        self.push(metric, "_count", "", &value)?;
        self.push_created(metric)
    }

    fn push_states(&mut self, metric: &Metric<'_>) -> std::fmt::Result {
        let states = self.words.rng().usize(2..=6);
        let current = self.words.rng().usize(..states);
        for (place, state) in self.words.label_names(states).iter().enumerate() {
            let own = format!("{}=\"{state}\"", metric.name);
            let value = if place == current { "1" } else { "0" };
            self.push(metric, "", &own, value)?;
        }
        Ok(())
    }

    fn push_created(&mut self, metric: &Metric<'_>) -> std::fmt::Result {
        if !self.is_openmetrics() || self.words.rng().bool() {
            return Ok(());
        }
        let created = format!("{:.3}", 1.7e9 + 1e8 * self.words.rng().f64());
        self.push(metric, "_created", "", &created)
    }

    fn draws_exemplar(&mut self) -> bool {
        self.is_openmetrics() && self.words.rng().u8(0..5) == 0
    }

    /// Writes a sample with the labels of its metric and, unless it is empty, one of its own.
    fn push(
        &mut self,
        metric: &Metric<'_>,
        suffix: &str,
        own: &str,
        value: &str,
    ) -> std::fmt::Result {
        let Metric { name, labels } = metric;
        write!(self.out, "{name}{suffix}")?;
        match (labels.is_empty(), own.is_empty()) {
            (true, true) => {}
            (false, false) => write!(self.out, "{{{labels},{own}}}")?,
            _ => write!(self.out, "{{{labels}{own}}}")?,
        }
        writeln!(self.out, " {value}{}", self.end)
    }
}

/// Returns an exemplar with the ` # ` in front of it.
fn exemplar(rng: &mut Rng) -> String {
    let value = magnitude(rng, -4.0, 2.0);
    let trace = format!("trace_id=\"{:032x}\"", rng.u128(..));
    match rng.u8(0..4) {
        0 => format!(" # {{{trace}}} {value}"),
        1 => {
            let span = format!("span_id=\"{:016x}\"", rng.u64(..));
            format!(" # {{{trace},{span}}} {value:.3} {}", time(rng))
        }
        _ => format!(" # {{{trace}}} {value} {}", time(rng)),
    }
}

fn time(rng: &mut Rng) -> String {
    format!("{:.*}", rng.usize(0..=6), 1.7e9 + 1e8 * rng.f64())
}
