//! Values with a number in a label: a bucket with its bound, a quantile with its rank.

use crate::number::{parse_value, write_canonical};

/// The number in a label, and how it is written there, which is a part of the identity of a series.
#[derive(Clone, Debug)]
pub(super) struct LabelNumber {
    number: f64,
    text: Box<str>,
}

impl LabelNumber {
    pub(super) fn new(number: f64) -> Self {
        let mut text = String::new();
        write_canonical(&mut text, number);
        Self {
            number,
            text: text.into(),
        }
    }

    /// Reads a number as it is written in a label.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(Self {
            number: parse_value(text).ok()?,
            text: text.into(),
        })
    }

    pub(super) fn number(&self) -> f64 {
        self.number
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}
