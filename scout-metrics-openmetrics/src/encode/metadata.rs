//! Checks that a format can express the metadata of a family.

use std::fmt::Write;

use super::{Encoder, error::EncodeError};
use crate::{Format, MetricType, error::shown, find::NameOf, format::TextFormat};

impl<W: Write> Encoder<W> {
    pub(super) fn check_family(
        &self,
        name: &str,
        kind: MetricType,
        help: &str,
        unit: &str,
    ) -> Result<(), EncodeError> {
        if name.is_empty() {
            return Err(EncodeError::empty_name("a family"));
        }
        self.check_help(name, help)?;
        self.check_type(name, kind)?;
        self.check_unit(name, unit)
    }

    pub(super) fn check_help(&self, name: &str, help: &str) -> Result<(), EncodeError> {
        if self.format.text().is_some_and(TextFormat::is_openmetrics) && help.ends_with('\r') {
            return Err(self.refusal(name, "a help text cannot end in a carriage return"));
        }
        if self.format == Format::Prometheus && help.starts_with([' ', '\t']) {
            return Err(self.refusal(name, "a help text cannot start with a blank"));
        }
        Ok(())
    }

    pub(super) fn check_type(&self, name: &str, kind: MetricType) -> Result<(), EncodeError> {
        use MetricType::{GaugeHistogram, Info, StateSet};

        match self.format {
            Format::Prometheus if matches!(kind, GaugeHistogram | Info | StateSet) => {
                Err(self.refusal(name, format!("the format has no type {kind}")))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_unit(&self, name: &str, unit: &str) -> Result<(), EncodeError> {
        if unit.is_empty() {
            return Ok(());
        }
        if self.format == Format::Prometheus {
            return Err(self.refusal(name, "the format has no units"));
        }
        let before_unit = name.strip_suffix(unit);
        let is_suffix = before_unit.is_some_and(|start| start.ends_with('_'));
        if self.format == Format::OpenMetrics2 {
            return match NameOf::Metric.has_all(unit.as_bytes()) {
                true => Ok(()),
                false => Err(self.refusal(name, "its unit has other characters than a name")),
            };
        }
        if !is_suffix || !NameOf::Metric.has_all(unit.as_bytes()) {
            return Err(self.refusal(name, "its unit is not the end of its name"));
        }
        Ok(())
    }

    /// Checks that the format is text.
    pub(super) fn check_text(&self) -> Result<(), EncodeError> {
        match self.format.text() {
            Some(_) => Ok(()),
            None => {
                let what = "an `Encoder` writes text; `encode_families` writes this format";
                Err(EncodeError::not_expressible(
                    "an exposition",
                    self.format,
                    what,
                ))
            }
        }
    }

    /// Returns the error of a family that the format cannot express.
    pub(super) fn refusal(&self, name: &str, what: impl Into<String>) -> EncodeError {
        let subject = format!("the family `{}`", shown(name));
        EncodeError::not_expressible(&subject, self.format, what)
    }
}
