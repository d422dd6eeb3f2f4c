//! Lines that start with `#`: HELP, TYPE, UNIT, `# EOF` and comments.

use memchr::{memchr, memchr2};

use super::{LineKind, Result, Scanner};
use crate::{
    MetricType, Rule, TextFormat,
    error::shown,
    escape::{Escapes, Text},
    find::NameOf,
};

impl<'a> Scanner<'a, '_> {
    pub(super) fn read_prometheus_metadata(&mut self) -> Result<LineKind<'a>> {
        self.at += 1;
        let comment = self.at;
        self.skip_blanks();
        let keyword = self.take_token();
        if comment == self.at - keyword.len() || !matches!(keyword, "HELP" | "TYPE") {
            return Ok(LineKind::Comment(&self.text[comment..self.end]));
        }
        if self.text[self.at..self.end].trim_ascii().is_empty() {
            let message =
                format!("expected a metric name after {keyword}, found the end of the line");
            self.forgive(Rule::MetadataSyntax, message)?;
            return Ok(LineKind::Comment(&self.text[comment..self.end]));
        }
        self.skip_separator(Rule::MetadataSyntax, "a blank and a metric name")?;
        let name = self.read_family_name()?;
        if keyword == "TYPE" {
            self.skip_separator(Rule::MetadataSyntax, "a blank and a type")?;
            let kind = self.read_prometheus_type()?;
            self.skip_blanks();
            self.expect_end(Rule::MetadataSyntax)?;
            return Ok(LineKind::Type { name, kind });
        }
        if self.peek().is_some() {
            self.skip_separator(Rule::MetadataSyntax, "a blank and a help text")?;
        }
        let text = self.take_rest(Escapes::Help);
        Ok(LineKind::Help { name, text })
    }

    /// Returns whether a line of Prometheus text ends in any text, to which a carriage return before the line feed belongs:
    /// a comment, or HELP with a text.
    pub(super) fn is_free_text(&self) -> bool {
        let line = &self.text[self.start..self.end];
        let is_blank = [' ', '\t'];
        let Some(comment) = line.trim_start_matches(is_blank).strip_prefix('#') else {
            return false;
        };
        if self.format().is_openmetrics() {
            return false;
        }
        let text = comment.trim_start_matches(is_blank);
        let (keyword, rest) = text.split_once(is_blank).unwrap_or((text, ""));
        match keyword {
            _ if text.len() == comment.len() => true,
            "HELP" => rest.trim_start_matches(is_blank).contains(is_blank),
            "TYPE" => false,
            _ => true,
        }
    }

    pub(super) fn read_openmetrics_metadata(&mut self) -> Result<LineKind<'a>> {
        if &self.bytes[self.start..self.end] == b"# EOF" {
            self.at = self.end;
            return Ok(LineKind::End);
        }
        let keyword = self.read_keyword()?;
        self.skip_separator(Rule::MetadataSyntax, "a blank and a metric name")?;
        if matches!(self.peek(), Some(b' ' | b'\t')) {
            self.forgive_as_python(Rule::Blanks, "expected one blank, found more")?;
            self.skip_blanks();
        }
        let name = self.read_family_name()?;
        self.skip_separator(Rule::MetadataSyntax, "a blank")?;
        match keyword {
            "TYPE" => {
                self.forgive_blanks()?;
                let kind = self.read_openmetrics_type()?;
                self.expect_end(Rule::MetadataSyntax)?;
                Ok(LineKind::Type { name, kind })
            }
            "UNIT" => {
                let unit = match self.format() {
                    TextFormat::OpenMetrics2 => self.read_any_unit()?,
                    _ => self.read_unit()?,
                };
                Ok(LineKind::Unit { name, unit })
            }
            _ => {
                if self.format() == TextFormat::OpenMetrics2 {
                    self.check_escapes()?;
                }
                let text = self.take_rest(Escapes::Quoted);
                Ok(LineKind::Help { name, text })
            }
        }
    }

    fn read_unit(&mut self) -> Result<&'a str> {
        self.forgive_blanks()?;
        let unit = self.take_name(NameOf::Metric);
        self.expect_end(Rule::MetadataSyntax)?;
        Ok(unit)
    }

    /// Reads a unit of OpenMetrics 2.0. Prometheus accepts any text.
    fn read_any_unit(&mut self) -> Result<&'a str> {
        let rest = &self.text[self.at..self.end];
        self.take_name(NameOf::Metric);
        if let Some(found) = self.text[self.at..self.end].chars().next() {
            let message = format!("expected the end of the line after the unit, found {found:?}");
            self.forgive(Rule::MetadataSyntax, message)?;
            self.at = self.end;
        }
        Ok(rest)
    }

    /// Checks that the rest of a line has neither a quote that is not escaped nor a backslash that escapes nothing.
    fn check_escapes(&mut self) -> Result<()> {
        let rest = &self.bytes[self.at..self.end];
        let mut at = 0;
        while let Some(length) = memchr2(b'"', b'\\', &rest[at..]) {
            at += length;
            let message = match rest[at] {
                b'"' => r#"expected `\"` in a help text, found '"'"#,
                _ if at + 1 == rest.len() => {
                    r"expected a character after the backslash, found the end of the line"
                }
                _ => {
                    at += 2;
                    continue;
                }
            };
            return self.forgive_at(Rule::Escape, self.at + at, message);
        }
        Ok(())
    }

    /// Returns whether the line ends in a text that Prometheus does not look into, when it reads OpenMetrics 2.0.
    pub(super) fn is_of_any_text(&self) -> bool {
        let line = &self.bytes[self.start..self.end];
        line.starts_with(b"# HELP ") || line.starts_with(b"# UNIT ")
    }

    /// Reads the keyword of a line of metadata.
    fn read_keyword(&mut self) -> Result<&'a str> {
        let rest = &self.text[self.at + 1..self.end];
        let word = rest.trim_start_matches(' ');
        let blanks = rest.len() - word.len();
        let keyword = word.split([' ', '\t']).next().unwrap_or_default();
        if blanks == 0 || !matches!(keyword, "HELP" | "TYPE" | "UNIT") {
            let line = shown(&self.text[self.start..self.end]);
            let message =
                format!("expected `# TYPE`, `# HELP`, `# UNIT` or `# EOF`, found {line:?}");
            return Err(self.fault(Rule::Comment, message));
        }
        self.at += 2;
        self.forgive_blanks()?;
        self.at += keyword.len();
        Ok(keyword)
    }

    /// Skips further blanks between the tokens of metadata, which the Python parser accepts, and before the name also tabs.
    fn forgive_blanks(&mut self) -> Result<()> {
        if self.peek() == Some(b' ') {
            self.forgive_as_python(Rule::Blanks, "expected one blank, found more")?;
            let rest = &self.bytes[self.at..self.end];
            self.at += rest.iter().take_while(|byte| **byte == b' ').count();
        }
        Ok(())
    }

    fn read_family_name(&mut self) -> Result<Text<'a>> {
        let start = self.at;
        let span = if self.peek() == Some(b'"') {
            self.read_quoted_name()?
        } else {
            self.take_name(NameOf::Metric);
            if self.at == start || self.bytes[start].is_ascii_digit() {
                self.at = start;
                return Err(self.bad_metric_name("a metric name"));
            }
            self.bounded_name(start)?
        };
        if !matches!(self.peek(), None | Some(b' ' | b'\t')) {
            self.at = start;
            return Err(self.bad_metric_name("a blank after the metric name"));
        }
        Ok(self.text_of(span))
    }

    fn read_prometheus_type(&mut self) -> Result<MetricType> {
        let at = self.at;
        let word = self.take_token();
        match word {
            "untyped" => return Ok(MetricType::Unknown),
            "counter" => return Ok(MetricType::Counter),
            "gauge" => return Ok(MetricType::Gauge),
            "histogram" => return Ok(MetricType::Histogram),
            "summary" => return Ok(MetricType::Summary),
            _ => self.at = at,
        }
        let expected = "expected counter, gauge, histogram, summary or untyped";
        match odd_type(word) {
            Some(kind) => {
                self.forgive(Rule::TypeName, format!("{expected}, found {word:?}"))?;
                self.at = at + word.len();
                Ok(kind)
            }
            None => Err(self.found(Rule::TypeName, expected)),
        }
    }

    fn read_openmetrics_type(&mut self) -> Result<MetricType> {
        let at = self.at;
        let word = self.take_token();
        let kind = MetricType::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == word);
        kind.ok_or_else(|| {
            self.at = at;
            if word == "untyped" {
                let message = "expected unknown, which OpenMetrics has in place of untyped";
                return self.found(Rule::TypeName, message);
            }
            let message = "expected counter, gauge, gaugehistogram, histogram, info, stateset, summary or unknown";
            self.found(Rule::TypeName, message)
        })
    }

    fn take_rest(&mut self, escapes: Escapes) -> Text<'a> {
        let rest = &self.text[self.at..self.end];
        let escapes = match memchr(b'\\', rest.as_bytes()) {
            None => Escapes::None,
            Some(_) => escapes,
        };
        self.at = self.end;
        Text::new(rest, escapes)
    }
}

/// Returns the type that a word means to Python, which knows those of OpenMetrics, or to Prometheus' library, which does
/// not mind the case.
fn odd_type(word: &str) -> Option<MetricType> {
    if word.eq_ignore_ascii_case("gauge_histogram") {
        return Some(MetricType::GaugeHistogram);
    }
    if word.eq_ignore_ascii_case("untyped") {
        return Some(MetricType::Unknown);
    }
    let mut kinds = MetricType::ALL.iter().copied();
    kinds.find(|kind| word.eq_ignore_ascii_case(kind.as_str()))
}
