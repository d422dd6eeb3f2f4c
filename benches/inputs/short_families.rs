//! Many short families, as a machine's or a Go program's exporter writes them.

use std::{collections::HashSet, fmt::Write};

use scout_metrics_openmetrics::Format;

use crate::{
    numbers::{positive_value, value},
    words::Words,
    written,
};

const SEED: u64 = 0x5F0A7;

const FAMILIES: usize = 8000;

/// 8,000 families with unique names. Half of them have one sample without labels, the others one to ten with labels.
pub fn short_families(format: Format) -> String {
    let mut words = Words::new(SEED);
    let mut out = String::new();
    for _ in 0..FAMILIES {
        written(push_family(&mut out, &mut words, format));
    }
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

fn push_family(out: &mut String, words: &mut Words, format: Format) -> std::fmt::Result {
    let (name, help) = (words.metric_name(), words.help());
    let is_counter = words.rng().u8(0..10) < 4;
    let kind = if is_counter { "counter" } else { "gauge" };
    let sample_name = if is_counter {
        format!("{name}_total")
    } else {
        name.clone()
    };
    let family_name = match format {
        Format::OpenMetrics => &name,
        _ => &sample_name,
    };
    writeln!(
        out,
        "# HELP {family_name} {help}\n# TYPE {family_name} {kind}"
    )?;
    let draw_value = if is_counter { positive_value } else { value };
    if words.rng().bool() {
        return writeln!(out, "{sample_name} {}", draw_value(words.rng()));
    }
    let count = words.rng().usize(1..=3);
    let names = words.label_names(count);
    let mut known = HashSet::new();
    for _ in 0..words.rng().usize(1..=10) {
        let labels = labels(&names, words);
        if known.insert(labels.clone()) {
            writeln!(out, "{sample_name}{{{labels}}} {}", draw_value(words.rng()))?;
        }
    }
    Ok(())
}

/// Returns labels with these names and drawn values, without braces.
pub(crate) fn labels(names: &[String], words: &mut Words) -> String {
    let labels = names
        .iter()
        .map(|name| format!("{name}=\"{}\"", words.label_value()));
    labels.collect::<Vec<_>>().join(",")
}
