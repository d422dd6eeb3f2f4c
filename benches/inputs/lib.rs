//! Expositions to measure with, the same at every run: each is generated from a seed. [`weigh`] and [`weigh_bytes`] use their samples.
//!
//! A text that repeats itself is read faster than any real one, because the processor learns how its branches go. So names,
//! label sets, the length of texts and the digits of values are drawn at random, with fixed seeds.

mod all_types;
mod escapes;
mod histograms;
mod numbers;
mod scout;
mod short_families;
mod weigh;
mod wide;
mod words;

use scout_metrics_openmetrics::Format;

pub use crate::{
    all_types::all_types,
    escapes::many_escapes,
    histograms::histograms,
    scout::scout,
    short_families::short_families,
    weigh::{weigh, weigh_bytes},
    wide::many_labels,
};

const MEGABYTE: usize = 1 << 20;

/// A named exposition.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Input {
    /// A short name in lower case with hyphens.
    pub name: &'static str,
    /// The format of the text.
    pub format: Format,
    /// The exposition. Strict mode accepts it.
    pub text: String,
}

impl Input {
    /// Names an exposition.
    pub fn new(name: &'static str, format: Format, text: String) -> Self {
        Self { name, format, text }
    }

    /// Returns the number of samples.
    pub fn samples(&self) -> usize {
        count_samples(&self.text)
    }
}

/// Returns one exposition of each kind. None is larger than 6 MB.
pub fn inputs() -> Vec<Input> {
    use Format::{OpenMetrics, Prometheus};
    vec![
        Input::new("short-families", Prometheus, short_families(Prometheus)),
        Input::new(
            "short-families-openmetrics",
            OpenMetrics,
            short_families(OpenMetrics),
        ),
        Input::new("all-types", Prometheus, all_types(Prometheus, 4 * MEGABYTE)),
        Input::new(
            "all-types-openmetrics",
            OpenMetrics,
            all_types(OpenMetrics, 4 * MEGABYTE),
        ),
        Input::new("histograms", OpenMetrics, histograms(4 * MEGABYTE)),
        Input::new("scout-145", Prometheus, scout(145)),
        Input::new("scout-20000", Prometheus, scout(20_000)),
        Input::new("escapes", Prometheus, many_escapes(4 * MEGABYTE)),
    ]
}

/// Returns the number of samples of an exposition that has no line feeds in label values and no blank lines.
pub fn count_samples(text: &str) -> usize {
    text.lines().filter(|line| !line.starts_with('#')).count()
}

/// Unwraps the result of writing to a string, which never fails.
fn written(result: std::fmt::Result) {
    debug_assert!(result.is_ok(), "writing to a string never fails");
}
