//! A sample: its parts, and its numbers.

use super::{
    super::parts::{ExemplarParts, LabelList, Number, NumberKind, Parts},
    Result, Scanner,
};
use crate::{
    Rule, TextFormat, Timestamp,
    error::{Fault, shown},
    number::{self, NumberFault},
};

impl Scanner<'_, '_> {
    pub(super) fn read_sample(&mut self, parts: &mut Parts) -> Result<()> {
        parts.labels.clear();
        parts.timestamp = None;
        parts.start = None;
        parts.exemplar = None;
        let mut name = None;
        if self.peek() != Some(b'{') {
            name = Some(self.read_metric_name()?);
        }
        // A sign or a point ends a name, so that no blank is needed.
        let blank = self.format() == TextFormat::Prometheus
            && (self.skip_space()? || matches!(self.peek(), Some(b'+' | b'-' | b'.')));
        self.forgive_blank_before_labels()?;
        let has_braces = self.peek() == Some(b'{');
        if has_braces {
            self.read_labels(&mut parts.labels, Some(&mut name))?;
            self.check_reserved_label(&mut parts.labels, &mut name)?;
        }
        let message = "expected a quoted metric name among the labels, found none";
        parts.name = name.ok_or_else(|| self.fault(Rule::SampleSyntax, message))?;
        parts.own_labels = parts.labels.len() as u32;
        match self.format() {
            TextFormat::OpenMetrics | TextFormat::OpenMetrics2 => {
                self.skip_one_blank(Rule::SampleSyntax, "a blank and a value")?
            }
            TextFormat::Prometheus if has_braces => {
                self.skip_space()?;
            }
            TextFormat::Prometheus if blank => {}
            TextFormat::Prometheus => {
                return Err(self.expected(Rule::SampleSyntax, "a blank and a value"));
            }
        }
        self.read_tail(parts)?;
        // At the end of the text, a carriage return may have no line feed.
        let line = self.text[self.start..self.end].trim_end_matches('\r');
        parts.line = self.span(self.start, self.start + line.len(), false);
        Ok(())
    }

    /// Reads what comes after the labels: the value, a timestamp, an exemplar.
    fn read_tail(&mut self, parts: &mut Parts) -> Result<()> {
        if self.format() == TextFormat::OpenMetrics2 {
            return self.read_openmetrics2_tail(parts);
        }
        parts.value = self.read_value()?;
        match self.format() {
            TextFormat::Prometheus => self.read_prometheus_tail(parts),
            TextFormat::OpenMetrics | TextFormat::OpenMetrics2 => self.read_openmetrics_tail(parts),
        }
    }

    fn read_prometheus_tail(&mut self, parts: &mut Parts) -> Result<()> {
        let is_separated = self.skip_space()?;
        self.refuse_exemplar()?;
        if self.peek().is_some() && is_separated {
            parts.timestamp = Some(self.read_millis()?);
            self.skip_space()?;
            self.refuse_exemplar()?;
        }
        self.expect_end(Rule::SampleSyntax)
    }

    /// Refuses an exemplar, or what looks like a comment, at the end of a sample of Prometheus text.
    fn refuse_exemplar(&self) -> Result<()> {
        if self.peek() != Some(b'#') {
            return Ok(());
        }
        let rest = &self.text[self.at + 1..self.end];
        let message = match rest.trim_start().starts_with('{') {
            true => "expected the end of the line, found an exemplar, which only OpenMetrics has",
            false => "expected the end of the line, found '#'; a comment has a line of its own",
        };
        Err(self.fault(Rule::SampleSyntax, message))
    }

    fn read_openmetrics_tail(&mut self, parts: &mut Parts) -> Result<()> {
        self.forgive_blank_before_exemplar()?;
        if !self.skip_to_optional(Rule::SampleSyntax)? {
            return Ok(());
        }
        if self.peek() != Some(b'#') {
            parts.timestamp = Some(self.read_seconds()?);
            if !self.skip_to_optional(Rule::SampleSyntax)? {
                return Ok(());
            }
        }
        parts.exemplar = Some(self.read_exemplar(&mut parts.labels)?);
        self.expect_end(Rule::ExemplarSyntax)
    }

    /// Skips a second blank between a value and an exemplar, which the Python parser accepts.
    fn forgive_blank_before_exemplar(&mut self) -> Result<()> {
        if self.text[self.at..self.end].starts_with("  #") {
            self.at += 1;
            self.forgive(Rule::Blanks, "expected one blank, found more")?;
        }
        Ok(())
    }

    fn read_exemplar(&mut self, labels: &mut LabelList) -> Result<ExemplarParts> {
        const RULE: Rule = Rule::ExemplarSyntax;
        if self.peek() != Some(b'#') {
            return Err(self.expected(RULE, "'#' and an exemplar"));
        }
        self.at += 1;
        self.skip_one_blank(RULE, "a blank")?;
        if self.peek() != Some(b'{') {
            return Err(self.expected(RULE, "'{' and the labels of the exemplar"));
        }
        self.read_labels(labels, None)?;
        self.skip_one_blank(RULE, "a blank and the value of the exemplar")?;
        let value = self.read_value()?.text;
        let mut timestamp = None;
        if self.skip_to_optional(RULE)? {
            let start = self.at;
            self.read_seconds()?;
            timestamp = Some(self.span(start, self.at, false));
        }
        Ok(ExemplarParts {
            labels_end: labels.len() as u32,
            value,
            timestamp,
        })
    }

    pub(super) fn read_value(&mut self) -> Result<Number> {
        let at = self.at;
        let token = self.take_number();
        let text = self.span(at, self.at, false);
        let value = match number::parse_value(token) {
            Ok(value) => value,
            Err(fault) => {
                self.at = at;
                self.read_odd_value(token, fault)?
            }
        };
        let kind = NumberKind::Other;
        Ok(Number { value, text, kind })
    }

    /// Reads NaN with a sign, which the Python parser accepts.
    fn read_odd_value(&mut self, token: &str, fault: NumberFault) -> Result<f64> {
        if fault == NumberFault::Range {
            let message = format!("the value {} does not fit a 64-bit float", shown(token));
            return Err(self.fault(Rule::NumberRange, message));
        }
        if token.len() == 4
            && token.starts_with(['+', '-'])
            && token[1..].eq_ignore_ascii_case("nan")
        {
            self.forgive_as_python(
                Rule::Number,
                format!("expected NaN without a sign, found {token:?}"),
            )?;
            self.at += token.len();
            return Ok(f64::NAN);
        }
        if token.contains(',') && number::parse_value(&token.replacen(',', ".", 1)).is_ok() {
            let token = shown(token);
            let message = format!("expected a value with a decimal point, found {token:?}");
            return Err(self.fault(Rule::Number, message));
        }
        let expected = "expected a value (a decimal number, NaN, +Inf or -Inf)";
        Err(self.found(Rule::Number, expected))
    }

    fn read_millis(&mut self) -> Result<Timestamp> {
        let at = self.at;
        let token = self.take_number();
        match number::parse_millis(token) {
            Ok(timestamp) => Ok(timestamp),
            Err(fault) => self.read_odd_millis(at, token, fault),
        }
    }

    /// Reads any number as a timestamp, as the Python parser does: also a fraction of a millisecond and a number beyond 64
    /// bits.
    fn read_odd_millis(&mut self, at: usize, token: &str, fault: NumberFault) -> Result<Timestamp> {
        let Ok(timestamp) = number::parse_float_millis(token) else {
            return Err(self.timestamp_fault(at, fault));
        };
        self.at = at;
        let word = shown(token);
        let message = match fault {
            NumberFault::Malformed if is_in_seconds(timestamp) => format!(
                "expected a timestamp in whole milliseconds, found {word:?}, which looks like seconds"
            ),
            NumberFault::Malformed => {
                format!("expected a timestamp in whole milliseconds, found {word:?}")
            }
            NumberFault::Range => format!("the timestamp {word} does not fit 64 bits"),
        };
        self.forgive(Rule::Timestamp, message)?;
        self.at += token.len();
        Ok(timestamp)
    }

    pub(super) fn read_seconds(&mut self) -> Result<Timestamp> {
        let at = self.at;
        let token = self.take_token();
        number::parse_seconds(token).map_err(|fault| self.timestamp_fault(at, fault))
    }

    fn timestamp_fault(&mut self, at: usize, fault: NumberFault) -> Box<Fault> {
        self.at = at;
        let expected = match self.format() {
            TextFormat::OpenMetrics | TextFormat::OpenMetrics2 => "expected a timestamp in seconds",
            TextFormat::Prometheus => "expected a timestamp in milliseconds",
        };
        match fault {
            NumberFault::Malformed => self.found(Rule::Timestamp, expected),
            NumberFault::Range => {
                let token = self.text[at..self.end].split([' ', '\t']).next();
                let token = shown(token.unwrap_or_default());
                self.fault(
                    Rule::Timestamp,
                    format!("the timestamp {token} is too large"),
                )
            }
        }
    }
}

/// Returns whether a time would be one of our days if its milliseconds were seconds.
fn is_in_seconds(timestamp: Timestamp) -> bool {
    // From 1973 to 5138.
    (100_000_000..100_000_000_000).contains(&(timestamp.as_nanos() / 1_000_000))
}
