//! Histograms and summaries as one value each, instead of a sample for each of their numbers.

mod convert;
mod error;
mod exemplars;
mod family;
mod histogram;
mod numbered;
mod points;
mod start;
mod summary;

pub(crate) use {
    convert::{CountWithoutSum, Folded, Unfolded, fold, unfold},
    exemplars::place,
};
pub use {
    error::GroupError,
    histogram::{Bucket, Histogram, HistogramBuilder},
    summary::{Quantile, Summary, SummaryBuilder},
};
