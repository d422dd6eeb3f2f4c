//! Names, and texts in quotes.

use memchr::memchr2;

use super::{
    super::{options::Mode, parts::Span},
    Result, Scanner, is_other_space, is_space,
};
use crate::{
    Limit, Rule, TextFormat,
    error::{Fault, shown},
    find::NameOf,
    number,
};

impl<'a> Scanner<'a, '_> {
    pub(super) fn read_metric_name(&mut self) -> Result<Span> {
        let start = self.at;
        if self.peek() == Some(b'"') {
            let message = "found a metric name in quotes outside of braces, expected it inside, as in `{\"a.b\"} 1`";
            return Err(self.fault(Rule::MetricName, message));
        }
        let name = self.take_name(NameOf::Metric);
        let is_plain = !name.is_empty() && !name.as_bytes()[0].is_ascii_digit();
        let is_ended = match self.peek() {
            None | Some(b' ' | b'\t' | b'{') => true,
            Some(b'+' | b'-' | b'.') => self.is_value_next(),
            _ => {
                let rest = &self.text[self.at..self.end];
                self.format() == TextFormat::Prometheus && rest.starts_with(is_other_space)
            }
        };
        if is_plain && is_ended {
            return self.bounded_name(start);
        }
        if self.format() == TextFormat::Prometheus
            && self.options.mode() == Mode::Lenient
            && let Some(length) = self.odd_name_length(start)
        {
            let message = self.odd_name(start, length);
            self.add_forgiven(Rule::MetricName, start, message);
            self.at = start + length;
            return self.bounded_name(start);
        }
        let after_name = std::mem::replace(&mut self.at, start);
        if is_plain && self.odd_name_length(start).is_none() {
            self.at = after_name;
            return Err(self.expected(Rule::MetricName, "'{' or a blank after the metric name"));
        }
        Err(self.bad_metric_name("a metric name"))
    }

    /// The fault of a word that should be the name of a metric, and is next.
    pub(super) fn bad_metric_name(&self, expected: &'static str) -> Box<Fault> {
        match self.odd_name_length(self.at) {
            Some(length) => self.fault(Rule::MetricName, self.odd_name(self.at, length)),
            None => self.expected(Rule::MetricName, expected),
        }
    }

    fn odd_name(&self, start: usize, length: usize) -> String {
        let name = shown(&self.text[start..start + length]);
        let quoted = match self.options.quoted_names() {
            true => ", so it has to be in quotes",
            false => "",
        };
        format!("the metric name {name:?} is not of the form `[a-zA-Z_:][a-zA-Z0-9_:]*`{quoted}")
    }

    /// Returns whether a value follows the name. Prometheus text separates them only if they would merge.
    fn is_value_next(&self) -> bool {
        let rest = &self.text[self.at..self.end];
        let token = rest.split([' ', '\t']).next().unwrap_or_default();
        self.format() == TextFormat::Prometheus && number::parse_value(token).is_ok()
    }

    /// Returns the length of a name that only the Python parser accepts, which reads up to a blank or a brace. Control
    /// characters and those that the grammar needs are refused all the same.
    fn odd_name_length(&self, start: usize) -> Option<usize> {
        let rest = &self.text[start..self.end];
        let is_end = |c: char| c == '{' || is_space(c);
        let length = rest.find(is_end).unwrap_or(rest.len());
        let is_refused = |c: char| c.is_control() || matches!(c, '"' | '#' | '=' | ',' | '}');
        (length > 0 && !rest[..length].contains(is_refused)).then_some(length)
    }

    pub(super) fn read_quoted_name(&mut self) -> Result<Span> {
        if !self.options.quoted_names() {
            return Err(self.fault(
                Rule::QuotedName,
                "expected a name without quotes, found '\"' (`ParseOptions::with_quoted_names` allows quotes)",
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

    /// Checks the length of the name that ends here, and returns it. Always inlined, see
    /// [`read_quoted`](Self::read_quoted).
    #[inline(always)]
    pub(super) fn bounded_name(&self, start: usize) -> Result<Span> {
        self.check_name_length(start, self.at)?;
        Ok(self.span(start, self.at, false))
    }

    #[inline]
    pub(super) fn check_name_length(&self, start: usize, end: usize) -> Result<()> {
        let limit = self.options.limits().name_length;
        if end - start > limit {
            return Err(Fault::limit(start, Limit::NameLength, limit));
        }
        Ok(())
    }

    pub(super) fn take_name(&mut self, of: NameOf) -> &'a str {
        let start = self.at;
        // The line ends with a byte that is in no name.
        self.at += of.length(&self.bytes[start..]);
        &self.text[start..self.at]
    }

    /// Reads a text in quotes, the first of which is next.
    ///
    /// Always inlined, because a span that is returned in memory is loaded with another width than it was stored with. The
    /// processor waited for that in half of the time that many labels took.
    #[inline(always)]
    pub(super) fn read_quoted(&mut self, limit: usize) -> Result<Span> {
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
                    // Prometheus accepts a line feed here, but not after a backslash.
                    if at > self.end && self.bytes.get(self.end) != Some(&b'\r') {
                        return Err(self.unclosed(start));
                    }
                    at = at.min(self.end);
                }
            }
        }
        if at - start > limit {
            return Err(Fault::limit(start, Limit::ValueLength, limit));
        }
        self.at = at + 1;
        Ok(self.span(start, at, escaped))
    }

    /// Makes the next line a part of this one: Prometheus accepts a line feed in quotes.
    fn continue_after_line_break(&mut self, quote: usize) -> Result<()> {
        let is_last = self.end >= self.bytes.len();
        let is_forgiving =
            self.format() == TextFormat::Prometheus && self.options.mode() == Mode::Lenient;
        if is_last || !is_forgiving {
            return Err(self.unclosed(quote));
        }
        self.line_breaks += 1;
        let message = "a text in quotes contains a line feed, expected `\\n`";
        self.add_forgiven(Rule::LineBreak, self.end, message);
        let mut line_feed = self.end;
        if self.bytes[line_feed] == b'\r' {
            // It is inside the quotes, so it belongs to the text.
            let (rule, at) = (Rule::CarriageReturn, self.end);
            self.forgiven
                .retain(|forgiven| (forgiven.rule, forgiven.at) != (rule, at));
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
}
