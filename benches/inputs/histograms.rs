//! OpenMetrics histograms with exemplars.

use std::{collections::HashSet, fmt::Write};

use crate::{
    numbers::{bounds, count, positive_value},
    short_families::labels,
    words::Words,
    written,
};

const SEED: u64 = 0x41570;

/// OpenMetrics with histograms in which every bucket has an exemplar, of about so many bytes.
pub fn histograms(bytes: usize) -> String {
    let mut words = Words::new(SEED);
    let mut out = String::new();
    while out.len() < bytes {
        written(push_family(&mut out, &mut words));
    }
    out.push_str("# EOF\n");
    out
}

/// Writes a family of one to two hundred histograms with the same bounds and label names.
fn push_family(out: &mut String, words: &mut Words) -> std::fmt::Result {
    let (name, help) = (format!("{}_seconds", words.metric_name()), words.help());
    writeln!(
        out,
        "# TYPE {name} histogram\n# UNIT {name} seconds\n# HELP {name} {help}"
    )?;
    let bounds = bounds(words.rng());
    let label_count = words.rng().usize(1..=3);
    let names = words.label_names(label_count);
    let mut known = HashSet::new();
    for _ in 0..words.rng().usize(1..=200) {
        let labels = labels(&names, words);
        if known.insert(labels.clone()) {
            push_histogram(out, &name, &labels, &bounds, words)?;
        }
    }
    Ok(())
}

fn push_histogram(
    out: &mut String,
    name: &str,
    labels: &str,
    bounds: &[String],
    words: &mut Words,
) -> std::fmt::Result {
    let mut events = 0;
    let mut lower = 0.0;
    for bound in bounds.iter().map(String::as_str).chain(["+Inf"]) {
        let rng = words.rng();
        events += count(rng) % 100_000;
        let upper = match bound.parse::<f64>() {
            Ok(upper) if upper.is_finite() => upper,
            _ => 2.0 * lower,
        };
        // Within the bucket, as those of every client are.
        let (trace, value) = (rng.u128(..), lower + (upper - lower) * rng.f64());
        lower = upper;
        let time = 1.7e9 + 1e8 * rng.f64();
        writeln!(
            out,
            "{name}_bucket{{{labels},le=\"{bound}\"}} {events} # {{trace_id=\"{trace:032x}\"}} {value} {time:.3}"
        )?;
    }
    let sum = positive_value(words.rng());
    writeln!(
        out,
        "{name}_count{{{labels}}} {events}\n{name}_sum{{{labels}}} {sum}"
    )
}
