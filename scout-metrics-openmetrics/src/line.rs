//! The grammar of one line, for both formats and both modes.
//!
//! One scanner reads all four combinations: where the formats differ it asks for the format, and where a text breaks a
//! rule that lenient mode forgives it calls [`Scanner::forgive`], which is an error in strict mode. Every byte of a line is
//! looked at a bounded number of times, so reading is linear in the input.

use std::{borrow::Cow, collections::HashSet};

use memchr::{memchr, memchr2};

use crate::{
    Format, MetricType, Mode, ParseOptions, Rule, Timestamp,
    error::{Fault, shown},
    escape::{Escapes, Text},
    event::{ExemplarParts, LabelSpan, Number, Parts, Span},
    find::NameOf,
    number::{self, NumberFault},
};

type Result<T> = std::result::Result<T, Box<Fault>>;

/// What a line is. The parts of a sample stand in [`Parts`].
#[derive(Debug)]
pub(crate) enum LineKind<'a> {
    Comment(&'a str),
    End,
    Help { name: Text<'a>, text: Text<'a> },
    Sample,
    Type { name: Text<'a>, kind: MetricType },
    Unit { name: Text<'a>, unit: &'a str },
}

/// A rule that was forgiven, and the byte of the text where it was broken.
pub(crate) type Forgiven = (Rule, usize);

/// Reads one line of a text.
pub(crate) struct Scanner<'a, 's> {
    text: &'a str,
    bytes: &'a [u8],
    options: &'s ParseOptions,
    forgiven: &'s mut Vec<Forgiven>,
    /// Where the line starts and ends, its line feed not counted.
    start: usize,
    end: usize,
    /// The byte to be read next.
    at: usize,
}

impl<'a, 's> Scanner<'a, 's> {
    /// Starts at the line that starts at `start`.
    pub(crate) fn new(
        text: &'a str,
        start: usize,
        options: &'s ParseOptions,
        forgiven: &'s mut Vec<Forgiven>,
    ) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            options,
            forgiven,
            start,
            end: start,
            at: start,
        }
    }

    /// Reads the line and returns it, `None` if it is blank, with the place where the next one starts.
    pub(crate) fn read(mut self, parts: &mut Parts) -> Result<(Option<LineKind<'a>>, usize)> {
        self.go_to_line_end(self.start)?;
        let line = match self.format() {
            Format::OpenMetrics => Some(self.read_openmetrics(parts)?),
            Format::Prometheus => self.read_prometheus(parts)?,
        };
        let next = if self.bytes.get(self.end) == Some(&b'\r') {
            self.end + 2
        } else {
            self.end + 1
        };
        Ok((line, next.min(self.bytes.len())))
    }

    /// Returns the part of the text that is the line of a sample, without its end, once it is read.
    pub(crate) fn line(text: &'a str, start: usize, next: usize) -> &'a str {
        let line = &text[start..next];
        let line = line.strip_suffix('\n').unwrap_or(line);
        line.strip_suffix('\r').unwrap_or(line)
    }

    fn read_prometheus(&mut self, parts: &mut Parts) -> Result<Option<LineKind<'a>>> {
        self.skip_space()?;
        match self.peek() {
            None => Ok(None),
            Some(b'#') => self.read_prometheus_metadata().map(Some),
            Some(_) => {
                self.read_sample(parts)?;
                Ok(Some(LineKind::Sample))
            }
        }
    }

    fn read_openmetrics(&mut self, parts: &mut Parts) -> Result<LineKind<'a>> {
        match self.peek() {
            None => Err(self.fault(Rule::BlankLine, "unexpected blank line")),
            Some(b'#') => self.read_openmetrics_metadata(),
            Some(_) => {
                self.read_sample(parts)?;
                Ok(LineKind::Sample)
            }
        }
    }

    // Lines and blanks.

    fn find_line_end(&self, from: usize) -> Result<usize> {
        let limit = self.options.limits().line_length;
        let longest = self
            .start
            .saturating_add(limit)
            .saturating_add(1)
            .min(self.bytes.len());
        if let Some(length) = memchr(b'\n', self.bytes.get(from..longest).unwrap_or_default()) {
            return Ok(from + length);
        }
        if self.bytes.len() - self.start > limit {
            let message = format!("the line is longer than the limit of {limit} bytes");
            return Err(Fault::limit(self.start, message));
        }
        Ok(self.bytes.len())
    }

    /// Goes on to the end of the line that starts at `from`, and checks how it ends.
    fn go_to_line_end(&mut self, from: usize) -> Result<()> {
        self.end = self.find_line_end(from)?;
        if self.end == from {
            return Ok(());
        }
        if self.end == self.bytes.len() {
            return self.check_final_newline();
        }
        if self.bytes[self.end - 1] == b'\r' {
            self.end -= 1;
            let at = std::mem::replace(&mut self.at, self.end);
            let message = "expected a line feed, found a carriage return";
            self.forgive(Rule::CarriageReturn, message)?;
            self.at = at;
        }
        Ok(())
    }

    fn check_final_newline(&mut self) -> Result<()> {
        if self.format() == Format::OpenMetrics {
            return Ok(());
        }
        if self.options.mode() == Mode::Strict {
            let message = "expected a line feed at the end of the last line";
            return Err(Fault::incomplete(Rule::FinalNewline, self.end, message));
        }
        self.forgiven.push((Rule::FinalNewline, self.end));
        Ok(())
    }

    fn skip_blanks(&mut self) -> bool {
        let rest = &self.bytes[self.at..self.end];
        let blanks = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        self.at += blanks;
        blanks > 0
    }

    /// Skips what stands between the tokens of a sample of Prometheus text, where the Python parser takes all white space.
    /// Returns whether there was a blank or a tab.
    fn skip_space(&mut self) -> Result<bool> {
        let has_blank = !self.is_at_word() && self.skip_blanks();
        let rest = &self.text[self.at..self.end];
        if self.is_at_word() || !rest.starts_with(is_other_space) {
            return Ok(has_blank);
        }
        self.forgive(
            Rule::Blanks,
            "expected a blank or a tab, found other white space",
        )?;
        let word = rest.trim_start_matches(|c| matches!(c, ' ' | '\t') || is_other_space(c));
        let space = &rest[..rest.len() - word.len()];
        self.at += space.len();
        Ok(has_blank || space.contains([' ', '\t']))
    }

    /// Returns whether the next character is known to be no white space, as nearly every one is.
    fn is_at_word(&self) -> bool {
        self.peek().is_some_and(|byte| byte.is_ascii_graphic())
    }

    /// Skips the blanks between two tokens: any number in Prometheus text, exactly one in OpenMetrics.
    fn skip_separator(&mut self, rule: Rule, before: &'static str) -> Result<()> {
        match self.format() {
            Format::OpenMetrics if self.peek() == Some(b' ') => {
                self.at += 1;
                Ok(())
            }
            Format::Prometheus if self.skip_blanks() => Ok(()),
            _ => Err(self.expected(rule, before)),
        }
    }

    /// Skips the blank between two tokens of a sample of OpenMetrics.
    fn skip_one_blank(&mut self, rule: Rule, before: &'static str) -> Result<()> {
        self.skip_separator(rule, before)?;
        if matches!(self.peek(), Some(b' ' | b'\t')) {
            return Err(self.fault(Rule::Blanks, "expected one blank, found more"));
        }
        Ok(())
    }

    /// Skips the blank before a token of OpenMetrics that need not be there. Returns whether there is one.
    fn skip_to_optional(&mut self, rule: Rule) -> Result<bool> {
        if self.peek().is_none() {
            return Ok(false);
        }
        self.skip_one_blank(rule, "a blank or the end of the line")?;
        if self.peek().is_none() {
            let message = "expected the end of the line, found ' '";
            return Err(Fault::new(Rule::Blanks, self.at - 1, message));
        }
        Ok(true)
    }

    // Metadata.

    fn read_prometheus_metadata(&mut self) -> Result<LineKind<'a>> {
        self.at += 1;
        let comment = self.at;
        self.skip_blanks();
        let keyword = self.take_token();
        if comment == self.at - keyword.len() || !matches!(keyword, "HELP" | "TYPE") {
            return Ok(LineKind::Comment(&self.text[comment..self.end]));
        }
        if self.text[self.at..self.end].trim_ascii().is_empty() {
            self.forgive(
                Rule::MetadataSyntax,
                "expected a metric name, found the end of the line",
            )?;
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

    fn read_openmetrics_metadata(&mut self) -> Result<LineKind<'a>> {
        if &self.bytes[self.start..self.end] == b"# EOF" {
            self.at = self.end;
            return Ok(LineKind::End);
        }
        let keyword = self.read_keyword()?;
        self.skip_separator(Rule::MetadataSyntax, "a blank and a metric name")?;
        if matches!(self.peek(), Some(b' ' | b'\t')) {
            self.forgive(Rule::Blanks, "expected one blank, found more")?;
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
                self.forgive_blanks()?;
                let unit = self.take_name(NameOf::Metric);
                self.expect_end(Rule::MetadataSyntax)?;
                Ok(LineKind::Unit { name, unit })
            }
            _ => Ok(LineKind::Help {
                name,
                text: self.take_rest(Escapes::Quoted),
            }),
        }
    }

    /// Reads the word that says what stands in a line of metadata.
    fn read_keyword(&mut self) -> Result<&'a str> {
        let rest = &self.text[self.at + 1..self.end];
        let word = rest.trim_start_matches(' ');
        let blanks = rest.len() - word.len();
        let keyword = word.split([' ', '\t']).next().unwrap_or_default();
        if blanks == 0 || !matches!(keyword, "HELP" | "TYPE" | "UNIT") {
            let message = "expected `# TYPE`, `# HELP`, `# UNIT` or `# EOF`; OpenMetrics has no other comments";
            return Err(self.fault(Rule::Comment, message));
        }
        self.at += 2;
        self.forgive_blanks()?;
        self.at += keyword.len();
        Ok(keyword)
    }

    /// The Python parser takes more than one blank between the tokens of metadata, and before the name also tabs.
    fn forgive_blanks(&mut self) -> Result<()> {
        if self.peek() == Some(b' ') {
            self.forgive(Rule::Blanks, "expected one blank, found more")?;
            let rest = &self.bytes[self.at..self.end];
            self.at += rest.iter().take_while(|byte| **byte == b' ').count();
        }
        Ok(())
    }

    fn read_family_name(&mut self) -> Result<Text<'a>> {
        let span = if self.peek() == Some(b'"') {
            self.read_quoted_name()?
        } else {
            self.read_plain_name(NameOf::Metric, Rule::MetricName, "a metric name")?
        };
        if !matches!(self.peek(), None | Some(b' ' | b'\t')) {
            return Err(self.expected(Rule::MetricName, "a blank after the metric name"));
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
        let message = "expected counter, gauge, histogram, summary or untyped";
        match odd_type(word) {
            Some(kind) => {
                self.forgive(Rule::TypeName, message)?;
                self.at = at + word.len();
                Ok(kind)
            }
            None => Err(self.found(Rule::TypeName, message)),
        }
    }

    fn read_openmetrics_type(&mut self) -> Result<MetricType> {
        let at = self.at;
        let word = self.take_token();
        let kind = MetricType::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word);
        kind.ok_or_else(|| {
            self.at = at;
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

    // Samples.

    fn read_sample(&mut self, parts: &mut Parts) -> Result<()> {
        parts.labels.clear();
        parts.timestamp = None;
        parts.exemplar = None;
        parts.same_names = false;
        let mut name = None;
        if self.peek() != Some(b'{') {
            name = Some(self.read_metric_name()?);
        }
        // A sign or a point ends a name, so that no blank is needed.
        let blank = self.format() == Format::Prometheus
            && (self.skip_space()? || matches!(self.peek(), Some(b'+' | b'-' | b'.')));
        self.forgive_blank_before_labels()?;
        let has_braces = self.peek() == Some(b'{');
        if has_braces {
            self.read_labels(&mut parts.labels, Some(&mut name))?;
            self.check_reserved_label(&mut parts.labels, &mut name)?;
        }
        let message = "expected a quoted metric name among the labels, found none";
        parts.name = name.ok_or_else(|| self.fault(Rule::SampleSyntax, message))?;
        parts.own_labels = parts.labels.len();
        match self.format() {
            Format::OpenMetrics => {
                self.skip_one_blank(Rule::SampleSyntax, "a blank and a value")?
            }
            Format::Prometheus if has_braces => {
                self.skip_space()?;
            }
            Format::Prometheus if blank => {}
            Format::Prometheus => {
                return Err(self.expected(Rule::SampleSyntax, "a blank and a value"));
            }
        }
        self.read_tail(parts)
    }

    /// Reads what comes after the labels: the value, a timestamp, an exemplar.
    fn read_tail(&mut self, parts: &mut Parts) -> Result<()> {
        parts.value = self.read_value()?;
        match self.format() {
            Format::Prometheus => self.read_prometheus_tail(parts),
            Format::OpenMetrics => self.read_openmetrics_tail(parts),
        }
    }

    fn read_prometheus_tail(&mut self, parts: &mut Parts) -> Result<()> {
        let is_separated = self.skip_space()?;
        if self.peek().is_some() && is_separated {
            parts.timestamp = Some(self.read_millis()?);
            self.skip_space()?;
        }
        self.expect_end(Rule::SampleSyntax)
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

    /// The Python parser takes two blanks between a value and an exemplar.
    fn forgive_blank_before_exemplar(&mut self) -> Result<()> {
        if self.text[self.at..self.end].starts_with("  #") {
            self.at += 1;
            self.forgive(Rule::Blanks, "expected one blank, found more")?;
        }
        Ok(())
    }

    fn read_exemplar(&mut self, labels: &mut Vec<LabelSpan>) -> Result<ExemplarParts> {
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
        let value = self.read_value()?;
        let mut timestamp = None;
        if self.skip_to_optional(RULE)? {
            timestamp = Some(self.read_seconds()?);
        }
        Ok(ExemplarParts { value, timestamp })
    }

    // Names.

    fn read_metric_name(&mut self) -> Result<Span> {
        let start = self.at;
        let name = self.take_name(NameOf::Metric);
        let is_plain = !name.is_empty() && !name.as_bytes()[0].is_ascii_digit();
        let is_ended = match self.peek() {
            None | Some(b' ' | b'\t' | b'{') => true,
            Some(b'+' | b'-' | b'.') => self.is_value_next(),
            _ => {
                let rest = &self.text[self.at..self.end];
                self.format() == Format::Prometheus && rest.starts_with(is_other_space)
            }
        };
        if is_plain && is_ended {
            return self.bounded_name(start);
        }
        if self.format() == Format::Prometheus && self.options.mode() == Mode::Lenient {
            if let Some(length) = self.odd_name_length(start) {
                self.forgiven.push((Rule::MetricName, start));
                self.at = start + length;
                return self.bounded_name(start);
            }
        }
        if is_plain {
            return Err(self.expected(Rule::MetricName, "'{' or a blank after the metric name"));
        }
        self.at = start;
        Err(self.expected(Rule::MetricName, "a metric name"))
    }

    /// Returns whether what stands behind a name is a value, which Prometheus text does not separate from it unless they
    /// would merge.
    fn is_value_next(&self) -> bool {
        let rest = &self.text[self.at..self.end];
        let token = rest.split([' ', '\t']).next().unwrap_or_default();
        self.format() == Format::Prometheus && number::parse_value(token).is_ok()
    }

    /// The Python parser takes any name up to a blank or a brace; control characters and those that the grammar needs
    /// are refused all the same.
    fn odd_name_length(&self, start: usize) -> Option<usize> {
        let rest = &self.text[start..self.end];
        let is_end = |c: char| matches!(c, ' ' | '\t' | '{') || is_other_space(c);
        let length = rest.find(is_end).unwrap_or(rest.len());
        let is_refused = |c: char| c.is_control() || matches!(c, '"' | '#' | '=' | ',' | '}');
        (length > 0 && !rest[..length].contains(is_refused)).then_some(length)
    }

    fn read_plain_name(&mut self, of: NameOf, rule: Rule, what: &'static str) -> Result<Span> {
        let start = self.at;
        let name = self.take_name(of);
        if name.is_empty() || name.as_bytes()[0].is_ascii_digit() {
            self.at = start;
            return Err(self.expected(rule, what));
        }
        self.bounded_name(start)
    }

    fn read_quoted_name(&mut self) -> Result<Span> {
        if !self.options.quoted_names() {
            return Err(self.fault(
                Rule::QuotedName,
                "expected a name, found a quote; quoted names are turned off",
            ));
        }
        let span = self.read_quoted(usize::MAX)?;
        let start = self.start + span.start as usize;
        if span.start == span.end {
            let message = "expected a name between the quotes, found nothing";
            return Err(Fault::new(Rule::MetricName, start, message));
        }
        self.check_name_length(start, self.start + span.end as usize)?;
        Ok(span)
    }

    /// Checks the length of the name that ends here, and returns it.
    fn bounded_name(&self, start: usize) -> Result<Span> {
        self.check_name_length(start, self.at)?;
        Ok(self.span(start, self.at, false))
    }

    fn check_name_length(&self, start: usize, end: usize) -> Result<()> {
        let limit = self.options.limits().name_length;
        if end - start > limit {
            let message = format!("the name is longer than the limit of {limit} bytes");
            return Err(Fault::limit(start, message));
        }
        Ok(())
    }

    fn take_name(&mut self, of: NameOf) -> &'a str {
        let start = self.at;
        // The line ends with a byte that stands in no name.
        self.at += of.length(&self.bytes[start..]);
        &self.text[start..self.at]
    }

    // Labels.

    /// Reads `{name="value",...}`, and a quoted metric name among them where one may stand.
    fn read_labels(
        &mut self,
        labels: &mut Vec<LabelSpan>,
        mut name: Option<&mut Option<Span>>,
    ) -> Result<()> {
        let first = labels.len();
        let mut count = 0;
        self.at += 1;
        self.skip_leading_comma()?;
        loop {
            self.skip_label_blanks()?;
            if self.peek() == Some(b'}') {
                if count > 0 && self.format() == Format::OpenMetrics {
                    self.forgive(Rule::LabelSyntax, "expected a label after ',', found '}'")?;
                }
                break;
            }
            if let Some(label) = self.read_label(name.as_deref_mut())? {
                self.check_label_count(labels.len() - first)?;
                labels.push(label);
            }
            count += 1;
            self.skip_label_blanks()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                Some(byte) if self.may_start_label(byte) => {
                    self.forgiven.push((Rule::LabelSyntax, self.at));
                }
                _ => return Err(self.expected(Rule::LabelSyntax, "',' or '}' after a label")),
            }
        }
        self.at += 1;
        self.check_label_names(&labels[first..])
    }

    /// Prometheus takes labels without a comma between them in its text format, which is forgiven.
    fn may_start_label(&self, byte: u8) -> bool {
        let is_forgiving =
            self.format() == Format::Prometheus && self.options.mode() == Mode::Lenient;
        let is_part = NameOf::Label.has(byte);
        is_forgiving && (byte == b'"' || is_part && !byte.is_ascii_digit())
    }

    /// Skips blanks within braces. OpenMetrics has none there; the Python parser takes them, and its encoder writes them
    /// behind a comma.
    fn skip_label_blanks(&mut self) -> Result<()> {
        if self.is_at_word() {
            return Ok(());
        }
        if self.format() == Format::Prometheus {
            return self.skip_space().map(drop);
        }
        let rest = &self.text[self.at..self.end];
        let word = rest.trim_start_matches(|c| matches!(c, ' ' | '\t') || is_other_space(c));
        if word.len() < rest.len() {
            self.forgive(
                Rule::Blanks,
                "expected no blank among the labels, found one",
            )?;
            self.at += rest.len() - word.len();
        }
        Ok(())
    }

    /// The Python parser takes a comma before the first label of Prometheus text.
    fn skip_leading_comma(&mut self) -> Result<()> {
        if self.format() == Format::OpenMetrics {
            return Ok(());
        }
        self.skip_space()?;
        if self.peek() == Some(b',') {
            self.forgive(Rule::LabelSyntax, "expected a label name or '}', found ','")?;
            self.at += 1;
        }
        Ok(())
    }

    /// Reads a label, or the quoted metric name, which is put into `metric` and gives `None`.
    fn read_label(&mut self, metric: Option<&mut Option<Span>>) -> Result<Option<LabelSpan>> {
        let start = self.at;
        let is_quoted = self.peek() == Some(b'"');
        let name = if is_quoted {
            self.read_quoted_name()?
        } else {
            self.read_label_name()?
        };
        self.skip_label_blanks()?;
        if self.peek() == Some(b'=') {
            self.at += 1;
            return self.read_label_value(name).map(Some);
        }
        match metric {
            Some(metric @ None) if is_quoted => {
                *metric = Some(name);
                Ok(None)
            }
            Some(Some(_)) if is_quoted => {
                self.at = start;
                Err(self.fault(Rule::SampleSyntax, "found a second metric name"))
            }
            _ => {
                let name = shown(self.text_of(name).raw());
                Err(self.expected(
                    Rule::LabelSyntax,
                    format!("'=' after the label name {name:?}"),
                ))
            }
        }
    }

    /// Reads a label's name without quotes. The Python parser takes colons in it.
    fn read_label_name(&mut self) -> Result<Span> {
        let start = self.at;
        let colon = start + NameOf::Label.length(&self.bytes[start..]);
        if self.bytes.get(colon) == Some(&b':') && !self.bytes[start].is_ascii_digit() {
            let end = colon + NameOf::Metric.length(&self.bytes[colon..]);
            let is_end = |c: char| matches!(c, '=' | ' ' | '\t') || is_other_space(c);
            if self.text[end..self.end].starts_with(is_end) {
                self.at = colon;
                self.forgive(Rule::LabelName, "expected a label name without a colon")?;
                self.at = end;
                return self.bounded_name(start);
            }
        }
        self.read_plain_name(NameOf::Label, Rule::LabelName, "a label name or '}'")
    }

    fn read_label_value(&mut self, name: Span) -> Result<LabelSpan> {
        self.skip_label_blanks()?;
        if self.peek() != Some(b'"') {
            return Err(self.expected(Rule::LabelSyntax, "'\"' and the value of the label"));
        }
        let value = self.read_quoted(self.options.limits().value_length)?;
        Ok(LabelSpan::new(name, value))
    }

    /// The Python parser takes blanks between a name and the labels.
    fn forgive_blank_before_labels(&mut self) -> Result<()> {
        let rest = &self.text[self.at..self.end];
        let labels = rest.trim_start_matches([' ', '\t']);
        if labels.len() < rest.len() && labels.starts_with('{') {
            self.forgive(
                Rule::Blanks,
                "expected no blank before the labels, found one",
            )?;
            self.skip_blanks();
        }
        Ok(())
    }

    /// Prometheus' own parser does not look for the label `__name__`; the Python parser takes it in place of a name.
    fn check_reserved_label(
        &mut self,
        labels: &mut Vec<LabelSpan>,
        name: &mut Option<Span>,
    ) -> Result<()> {
        let is_reserved = |label: &LabelSpan| self.text_of(label.name()).raw() == "__name__";
        let Some(place) = labels.iter().position(is_reserved) else {
            return Ok(());
        };
        let start = labels[place].name().start as usize;
        let after = std::mem::replace(&mut self.at, self.start + start);
        self.forgive(
            Rule::ReservedLabel,
            "found the label `__name__`, which is the name of the metric",
        )?;
        self.at = after;
        let value = labels[place].value();
        if name.is_none() && value.start < value.end {
            self.check_name_length(value.start as usize, value.end as usize)?;
            labels.remove(place);
            *name = Some(value);
        }
        Ok(())
    }

    /// Reads a text in quotes, the first of which is next.
    fn read_quoted(&mut self, limit: usize) -> Result<Span> {
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            match memchr2(b'"', b'\\', &self.bytes[at..self.end]) {
                None => {
                    at = self.end;
                    self.continue_after_line_break(start)?;
                }
                Some(length) if self.bytes[at + length] == b'"' => {
                    at += length;
                    break;
                }
                Some(length) => {
                    escaped = true;
                    at += length + 2;
                    // Prometheus takes a line feed as it stands, but none behind a backslash.
                    if at > self.end && self.bytes.get(self.end) != Some(&b'\r') {
                        return Err(self.unclosed(start));
                    }
                    at = at.min(self.end);
                }
            }
        }
        if at - start > limit {
            let message = format!("the label value is longer than the limit of {limit} bytes");
            return Err(Fault::limit(start, message));
        }
        self.at = at + 1;
        Ok(self.span(start, at, escaped))
    }

    /// Takes the next line as a part of this one: Prometheus reads a line feed in quotes as it stands.
    fn continue_after_line_break(&mut self, quote: usize) -> Result<()> {
        let is_last = self.end >= self.bytes.len();
        let is_forgiving =
            self.format() == Format::Prometheus && self.options.mode() == Mode::Lenient;
        if is_last || !is_forgiving {
            return Err(self.unclosed(quote));
        }
        self.forgiven.push((Rule::LineBreak, self.end));
        let mut line_feed = self.end;
        if self.bytes[line_feed] == b'\r' {
            // It is inside the quotes, so it belongs to the text.
            let here = (Rule::CarriageReturn, self.end);
            self.forgiven.retain(|forgiven| *forgiven != here);
            line_feed += 1;
        }
        self.go_to_line_end(line_feed + 1)
    }

    /// The fault of a text whose quotes open before `start` and do not close in their line.
    fn unclosed(&self, start: usize) -> Box<Fault> {
        let message = "expected a closing quote, found the end of the line";
        let fault = if self.end >= self.bytes.len() {
            Fault::incomplete
        } else {
            Fault::new
        };
        fault(Rule::LineBreak, start - 1, message)
    }

    fn check_label_count(&self, before: usize) -> Result<()> {
        let limit = self.options.limits().labels;
        if before >= limit {
            return Err(Fault::limit(
                self.at,
                format!("there are more labels than the limit of {limit}"),
            ));
        }
        Ok(())
    }

    fn check_label_names(&mut self, labels: &[LabelSpan]) -> Result<()> {
        let Some(duplicate) = self.find_duplicate(labels) else {
            return Ok(());
        };
        let name = shown(self.text_of(duplicate.name()).raw());
        let after = std::mem::replace(&mut self.at, self.start + duplicate.name().start as usize);
        self.forgive(
            Rule::DuplicateLabel,
            format!("the label name {name:?} occurs twice"),
        )?;
        self.at = after;
        Ok(())
    }

    fn find_duplicate(&self, labels: &[LabelSpan]) -> Option<LabelSpan> {
        // Comparing all pairs is quickest for the few labels that a sample has, and quadratic.
        const FEW: usize = 12;
        let name = |label: &LabelSpan| self.text_of(label.name()).decode();
        if labels.len() > FEW {
            let mut seen = HashSet::with_capacity(labels.len());
            return labels
                .iter()
                .find(|label| !seen.insert(name(label)))
                .copied();
        }
        let mut rest = labels;
        while let Some((label, before)) = rest.split_last() {
            if before.iter().any(|other| name(other) == name(label)) {
                return Some(*label);
            }
            rest = before;
        }
        None
    }

    // Numbers.

    fn read_value(&mut self) -> Result<Number> {
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
        let is_count = false;
        Ok(Number {
            value,
            text,
            is_count,
        })
    }

    /// The Python parser takes a sign before NaN.
    fn read_odd_value(&mut self, token: &str, fault: NumberFault) -> Result<f64> {
        if fault == NumberFault::Range {
            return Err(self.fault(Rule::NumberRange, "the value does not fit a 64-bit float"));
        }
        if token.len() == 4
            && token.starts_with(['+', '-'])
            && token[1..].eq_ignore_ascii_case("nan")
        {
            self.forgive(Rule::Number, "expected NaN without a sign")?;
            self.at += token.len();
            return Ok(f64::NAN);
        }
        Err(self.found(Rule::Number, "expected a value"))
    }

    fn read_millis(&mut self) -> Result<Timestamp> {
        let at = self.at;
        let token = self.take_number();
        match number::parse_millis(token) {
            Ok(timestamp) => Ok(timestamp),
            Err(fault) => self.read_odd_millis(at, token, fault),
        }
    }

    /// The Python parser takes any number, also a fraction of a millisecond and what does not fit 64 bits.
    fn read_odd_millis(&mut self, at: usize, token: &str, fault: NumberFault) -> Result<Timestamp> {
        let Ok(timestamp) = number::parse_float_millis(token) else {
            return Err(self.timestamp_fault(at, fault));
        };
        self.at = at;
        let message = match fault {
            NumberFault::Malformed => "expected a timestamp in whole milliseconds",
            NumberFault::Range => "the timestamp is too large",
        };
        self.forgive(Rule::Timestamp, message)?;
        self.at += token.len();
        Ok(timestamp)
    }

    fn read_seconds(&mut self) -> Result<Timestamp> {
        let at = self.at;
        let token = self.take_token();
        number::parse_seconds(token).map_err(|fault| self.timestamp_fault(at, fault))
    }

    fn timestamp_fault(&mut self, at: usize, fault: NumberFault) -> Box<Fault> {
        self.at = at;
        match fault {
            NumberFault::Malformed => self.found(Rule::Timestamp, "expected a timestamp"),
            NumberFault::Range => self.fault(Rule::Timestamp, "the timestamp is too large"),
        }
    }

    // Small parts.

    fn format(&self) -> Format {
        self.options.format()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes[..self.end].get(self.at).copied()
    }

    fn take_token(&mut self) -> &'a str {
        let rest = &self.bytes[self.at..self.end];
        let length = memchr2(b' ', b'\t', rest).unwrap_or(rest.len());
        let token = &self.text[self.at..self.at + length];
        self.at += length;
        token
    }

    /// Takes a token that in Prometheus text ends at all white space.
    fn take_number(&mut self) -> &'a str {
        let token = self.take_token();
        let has_no_space = token.bytes().all(|byte| byte.is_ascii_graphic());
        if has_no_space || self.format() == Format::OpenMetrics {
            return token;
        }
        let length = token.find(is_other_space).unwrap_or(token.len());
        self.at -= token.len() - length;
        &token[..length]
    }

    fn span(&self, start: usize, end: usize, escaped: bool) -> Span {
        Span::new(start - self.start, end - self.start, escaped)
    }

    fn text_of(&self, span: Span) -> Text<'a> {
        span.of(&self.text[self.start..])
    }

    fn expect_end(&self, rule: Rule) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.expected(rule, "the end of the line")),
        }
    }

    // Faults.

    /// Records that a rule is broken here, or in strict mode fails.
    fn forgive(&mut self, rule: Rule, message: impl Into<Cow<'static, str>>) -> Result<()> {
        if self.options.mode() == Mode::Strict {
            return Err(Fault::new(rule, self.at, message));
        }
        self.forgiven.push((rule, self.at));
        Ok(())
    }

    fn fault(&self, rule: Rule, message: impl Into<Cow<'static, str>>) -> Box<Fault> {
        Fault::new(rule, self.at, message)
    }

    /// "expected WHAT, found" the next character.
    fn expected(&self, rule: Rule, what: impl std::fmt::Display) -> Box<Fault> {
        match self.text[self.at..self.end].chars().next() {
            Some(c) => self.fault(rule, format!("expected {what}, found {c:?}")),
            None => self.fault(rule, format!("expected {what}, found the end of the line")),
        }
    }

    /// MESSAGE, "found" the next token.
    fn found(&self, rule: Rule, message: &str) -> Box<Fault> {
        let rest = &self.text[self.at..self.end];
        let token = rest.split([' ', '\t']).next().unwrap_or_default();
        match token {
            "" => self.fault(rule, format!("{message}, found the end of the line")),
            token => self.fault(rule, format!("{message}, found {:?}", shown(token))),
        }
    }
}

/// Returns whether Python, but no format, takes a character for white space.
fn is_other_space(c: char) -> bool {
    let is_separator = ('\x1c'..='\x1f').contains(&c);
    (c.is_whitespace() || is_separator) && !matches!(c, ' ' | '\t' | '\n')
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
    let mut kinds = MetricType::ALL.into_iter();
    kinds.find(|kind| word.eq_ignore_ascii_case(kind.as_str()))
}
