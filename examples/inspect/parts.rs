//! The rows of a table that a sample needs: one, or one for each number of a composite value.

use scout_metrics_openmetrics::{
    CompositeValue, Exemplar, HistogramValue, NativeBuckets, NativeHistogram, Sample, SummaryValue,
};

use super::table::{shown_exemplar, shown_value};

/// One number of a sample.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// The suffix of the name, or which number of a composite value it is.
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) exemplar: String,
}

impl Part {
    fn new(name: impl Into<String>, value: f64) -> Self {
        Self {
            name: name.into(),
            value: shown_value(value),
            exemplar: String::new(),
        }
    }
}

/// Returns all numbers of a sample. Its exemplars are next to the first ones, and may need more rows than there are numbers.
pub(crate) fn parts(sample: &Sample) -> Vec<Part> {
    let Some(composite) = sample.composite() else {
        let exemplars: Vec<_> = sample.exemplars().iter().map(shown_exemplar).collect();
        return vec![Part {
            exemplar: exemplars.join(" "),
            ..Part::new(sample.suffix().as_str(), sample.value())
        }];
    };
    let mut parts = match composite {
        CompositeValue::GaugeHistogram(histogram) | CompositeValue::Histogram(histogram) => {
            of_histogram(histogram)
        }
        CompositeValue::Summary(summary) => of_summary(summary),
        _ => vec![Part::new("", sample.value())],
    };
    put_exemplars(&mut parts, sample.exemplars());
    parts
}

fn put_exemplars(parts: &mut Vec<Part>, exemplars: &[Exemplar]) {
    if parts.len() < exemplars.len() {
        parts.resize_with(exemplars.len(), Part::default);
    }
    for (part, exemplar) in parts.iter_mut().zip(exemplars) {
        part.exemplar = shown_exemplar(exemplar);
    }
}

fn of_histogram(histogram: &HistogramValue) -> Vec<Part> {
    let mut parts = vec![Part::new("count", histogram.count())];
    parts.extend(histogram.sum().map(|sum| Part::new("sum", sum)));
    let buckets = histogram.buckets();
    parts.extend(
        buckets.map(|(threshold, count)| Part::new(format!("≤ {}", shown_value(threshold)), count)),
    );
    if let Some(native) = histogram.native() {
        push_native(&mut parts, native);
    }
    parts
}

/// Adds the buckets of a native histogram from the smallest to the greatest numbers.
fn push_native(parts: &mut Vec<Part>, native: &NativeHistogram) {
    let bounds = |buckets: &NativeBuckets| -> Vec<(f64, f64, f64)> {
        let buckets = buckets.iter();
        let bound = |index| native.upper_bound(index);
        buckets
            .map(|(index, count)| (bound(index.saturating_sub(1)), bound(index), count))
            .collect()
    };
    for (near, far, count) in bounds(native.negative()).into_iter().rev() {
        let [near, far] = [near, far].map(|bound| shown_bound(-bound));
        parts.push(Part::new(format!("[{far}, {near})"), count));
    }
    let threshold = native.zero_threshold();
    let [low, high] = [-threshold, threshold].map(shown_value);
    let name = match threshold {
        0.0 => "0".to_owned(),
        _ => format!("[{low}, {high}]"),
    };
    parts.push(Part::new(name, native.zero_count()));
    for (near, far, count) in bounds(native.positive()) {
        let [near, far] = [near, far].map(shown_bound);
        parts.push(Part::new(format!("({near}, {far}]"), count));
    }
}

/// Returns the bound of a native bucket with so many digits that neighbours differ.
fn shown_bound(bound: f64) -> String {
    let rounded = format!("{bound:.5e}").parse();
    shown_value(rounded.unwrap_or(bound))
}

fn of_summary(summary: &SummaryValue) -> Vec<Part> {
    let totals = [("count", summary.count()), ("sum", summary.sum())];
    let totals = totals.into_iter();
    let totals = totals.filter_map(|(name, value)| Some(Part::new(name, value?)));
    let quantiles = summary.quantiles();
    let quantiles = quantiles.map(|(rank, value)| Part::new(shown_value(rank), value));
    let parts: Vec<_> = totals.chain(quantiles).collect();
    match parts.is_empty() {
        true => vec![Part::default()],
        false => parts,
    }
}
