//! The grammar of one line, for all formats of text and both modes.
//!
//! One scanner reads all six combinations: where the formats differ it asks for the format, and where a text breaks a
//! rule that lenient mode forgives it calls [`Scanner::forgive`], which is an error in strict mode. Every byte of a line is
//! looked at a bounded number of times, so reading is linear in the input. Here are lines, blanks and faults; what a line is
//! made of is in the modules.

mod composite;
mod labels;
mod metadata;
mod name;
mod sample;
mod tail;

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use super::{
    options::{Mode, ParseOptions},
    parts::{Parts, Span},
};
use crate::{
    Limit, MetricType, Rule, TextFormat,
    error::{Fault, shown},
    escape::Text,
};

type Result<T> = std::result::Result<T, Box<Fault>>;

/// The kind of a line. The parts of a sample are in [`Parts`].
#[derive(Debug)]
pub(crate) enum LineKind<'a> {
    Comment(&'a str),
    End,
    Help { name: Text<'a>, text: Text<'a> },
    Sample,
    Type { name: Text<'a>, kind: MetricType },
    Unit { name: Text<'a>, unit: &'a str },
}

/// A rule that was forgiven.
#[derive(Clone, Debug)]
pub(crate) struct Forgiven {
    pub(crate) rule: Rule,
    pub(crate) message: Cow<'static, str>,
    /// The byte of the text where it was broken.
    pub(crate) at: usize,
}

/// A line that was read.
pub(crate) struct ScannedLine<'a> {
    /// `None` for a blank line.
    pub(crate) kind: Option<LineKind<'a>>,
    /// The start of the next line.
    pub(crate) next: usize,
    /// How many line feeds the line has inside quotes.
    pub(crate) line_breaks: u64,
}

/// Reads one line of a text.
pub(crate) struct Scanner<'a, 's> {
    text: &'a str,
    bytes: &'a [u8],
    options: &'s ParseOptions,
    forgiven: &'s mut Vec<Forgiven>,
    /// How many line feeds the line has inside quotes.
    line_breaks: u64,
    /// The start and the end of the line, without its line feed.
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
            line_breaks: 0,
            start,
            end: start,
            at: start,
        }
    }

    /// Reads the line and returns it.
    pub(crate) fn read(mut self, parts: &mut Parts) -> Result<ScannedLine<'a>> {
        self.go_to_line_end(self.start)?;
        let kind = match self.format() {
            TextFormat::OpenMetrics | TextFormat::OpenMetrics2 => {
                Some(self.read_openmetrics(parts)?)
            }
            TextFormat::Prometheus => self.read_prometheus(parts)?,
        };
        let next = if self.bytes.get(self.end) == Some(&b'\r') {
            self.end + 2
        } else {
            self.end + 1
        };
        Ok(ScannedLine {
            kind,
            next: next.min(self.bytes.len()),
            line_breaks: self.line_breaks,
        })
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
            None => Err(self.fault(
                Rule::BlankLine,
                "found a blank line, which OpenMetrics does not have",
            )),
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
            return Err(Fault::limit(self.start, Limit::LineLength, limit));
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
        if self.bytes[self.end - 1] == b'\r' && !self.is_free_text() {
            self.end -= 1;
            let at = std::mem::replace(&mut self.at, self.end);
            let message =
                "the line ends in a carriage return and a line feed, expected a line feed alone";
            if self.is_of_any_text() {
                self.forgive(Rule::CarriageReturn, message)?;
            } else {
                self.forgive_as_python(Rule::CarriageReturn, message)?;
            }
            self.at = at;
        }
        Ok(())
    }

    fn check_final_newline(&mut self) -> Result<()> {
        if self.format().is_openmetrics() {
            return Ok(());
        }
        let message = "the last line does not end in a line feed, so a part of it may be missing";
        if self.options.mode() == Mode::Strict {
            return Err(Fault::incomplete(Rule::FinalNewline, self.end, message));
        }
        self.add_forgiven(Rule::FinalNewline, self.end, message);
        Ok(())
    }

    #[inline]
    fn skip_blanks(&mut self) -> bool {
        let start = self.at;
        while let Some(b' ' | b'\t') = self.peek() {
            self.at += 1;
        }
        self.at > start
    }

    /// Skips blanks between the tokens of a sample of Prometheus text, where the Python parser accepts any white space.
    /// Returns whether there was a blank or a tab.
    #[inline]
    fn skip_space(&mut self) -> Result<bool> {
        if self.is_at_word() {
            return Ok(false);
        }
        let has_blank = self.skip_blanks();
        if self.is_at_word() {
            return Ok(has_blank);
        }
        let has_other_blank = self.forgive_other_space()?;
        Ok(has_blank || has_other_blank)
    }

    fn forgive_other_space(&mut self) -> Result<bool> {
        let rest = &self.text[self.at..self.end];
        if !rest.starts_with(is_other_space) {
            return Ok(false);
        }
        let message = || {
            let space = rest.chars().next().unwrap_or(' ');
            format!("expected a blank or a tab, found {space:?}")
        };
        self.forgive(Rule::Blanks, message())?;
        let word = rest.trim_start_matches(is_space);
        let space = &rest[..rest.len() - word.len()];
        self.at += space.len();
        Ok(space.contains([' ', '\t']))
    }

    /// Returns whether the next character is known to be no white space, as nearly every one is.
    fn is_at_word(&self) -> bool {
        self.peek().is_some_and(|byte| byte.is_ascii_graphic())
    }

    /// Skips the blanks between two tokens: any number in Prometheus text, exactly one in OpenMetrics.
    fn skip_separator(&mut self, rule: Rule, before: &'static str) -> Result<()> {
        match self.format() {
            TextFormat::OpenMetrics | TextFormat::OpenMetrics2 if self.peek() == Some(b' ') => {
                self.at += 1;
                Ok(())
            }
            TextFormat::Prometheus if self.skip_blanks() => Ok(()),
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

    // Small parts.

    fn format(&self) -> TextFormat {
        self.options.text_format()
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

    /// Takes a token, which in Prometheus text ends at any white space.
    fn take_number(&mut self) -> &'a str {
        let token = self.take_token();
        let has_no_space = token.bytes().all(|byte| byte.is_ascii_graphic());
        if has_no_space || self.format().is_openmetrics() {
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
        self.add_forgiven(rule, self.at, message);
        Ok(())
    }

    /// Records that a rule is broken at a place, or in strict mode fails.
    fn forgive_at(
        &mut self,
        rule: Rule,
        at: usize,
        message: impl Into<Cow<'static, str>>,
    ) -> Result<()> {
        let before = std::mem::replace(&mut self.at, at);
        let forgiven = self.forgive(rule, message);
        self.at = before;
        forgiven
    }

    /// Records that a rule is broken that only the Python parser forgives. It does not read OpenMetrics 2.0, where this fails
    /// in both modes.
    fn forgive_as_python(
        &mut self,
        rule: Rule,
        message: impl Into<Cow<'static, str>>,
    ) -> Result<()> {
        match self.format() {
            TextFormat::OpenMetrics2 => Err(self.fault(rule, message)),
            _ => self.forgive(rule, message),
        }
    }

    /// Records a forgiven rule once for each line, so that a line with a million line feeds inside quotes costs no more
    /// memory than its text.
    fn add_forgiven(&mut self, rule: Rule, at: usize, message: impl Into<Cow<'static, str>>) {
        if self.forgiven.iter().all(|known| known.rule != rule) {
            let message = message.into();
            self.forgiven.push(Forgiven { rule, message, at });
        }
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

/// Returns whether a character is white space in Python, except a line feed.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t') || is_other_space(c)
}

/// Returns whether a character is white space in Python but in no format.
fn is_other_space(c: char) -> bool {
    let is_separator = ('\x1c'..='\x1f').contains(&c);
    (c.is_whitespace() || is_separator) && !matches!(c, ' ' | '\t' | '\n')
}
