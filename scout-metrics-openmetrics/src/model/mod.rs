//! Metric families as owned data, to read from and to build.

mod composite;
mod label_edit;
mod label_page;
mod label_set;
mod metric_family;
mod metric_type;
mod metrics;
mod native_histogram;
mod real;
mod sample;
mod suffix;

pub(crate) use label_page::{LabelPage, LabelPageDraft};
pub use {
    composite::{CompositeValue, HistogramValue, SummaryValue},
    label_set::{LabelSet, LabelSetIter},
    metric_family::MetricFamily,
    metric_type::MetricType,
    metrics::{Metric, Metrics},
    native_histogram::{BucketSpan, NativeBuckets, NativeHistogram, NativeHistogramError},
    sample::{Exemplar, Sample},
    suffix::Suffix,
};
