//! Reads line after line of a text; what the pull parser and the chunked parser have in common.

use super::{
    event::{Event, ExemplarParts, Line, Number, Parts, SampleRef, Span},
    grammar::{Forgiven, LineKind, Scanner},
    layout::Shapes,
    options::{Mode, ParseOptions},
};
use crate::{
    Deviation, Format, ParseError, Rule, Timestamp,
    error::{Fault, Origin},
    number::{
        decimal::{Decimal, read_integer, read_small_count},
        parse_long,
    },
};

/// The state between lines. A piece of text is read from its start to its end, then comes the next piece.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    options: ParseOptions,
    parts: Parts,
    shapes: Shapes,
    /// Whether the line before was a sample that broke no rule.
    follows_sample: bool,
    forgiven: Vec<Forgiven>,
    deviations: Vec<Deviation>,
    /// Where the next line starts in the text.
    at: usize,
    /// The number of that line, counted from 1.
    line: u64,
    /// The number of the line that was read last.
    last_line: u64,
    /// Where the text starts in the exposition.
    origin: Origin,
    samples: usize,
    ended: bool,
}

impl Reader {
    pub(crate) fn new(options: &ParseOptions) -> Self {
        Self {
            options: *options,
            parts: Parts::default(),
            shapes: Shapes::default(),
            follows_sample: false,
            forgiven: Vec::new(),
            deviations: Vec::new(),
            at: 0,
            line: 1,
            last_line: 0,
            origin: Origin::default(),
            samples: 0,
            ended: false,
        }
    }

    /// Goes on with another piece of text, of which the first byte follows the last one that was read.
    pub(crate) fn start_text(&mut self) {
        self.origin = self.origin_at();
        self.at = 0;
    }

    /// Returns where the next line starts in the text.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Returns where in the exposition the next line starts.
    pub(crate) fn origin_at(&self) -> Origin {
        Origin {
            line: self.line,
            offset: self.origin.offset + self.at as u64,
        }
    }

    /// Reads the next line that is not blank. Returns `None` at the end of the text.
    #[inline]
    pub(crate) fn next<'p, 'a>(
        &'p mut self,
        text: &'a str,
    ) -> Result<Option<Line<'p, 'a>>, ParseError> {
        if !self.deviations.is_empty() {
            self.deviations.clear();
        }
        if let Some((start, end)) = self.read_like_previous(text) {
            return Ok(Some(self.sample(&text[start..end])));
        }
        self.next_of_any_shape(text)
    }

    fn sample<'p, 'a>(&'p self, line: &'a str) -> Line<'p, 'a> {
        Line {
            event: Event::Sample(SampleRef {
                line,
                parts: &self.parts,
            }),
            number: self.last_line,
            deviations: &self.deviations,
        }
    }

    fn next_of_any_shape<'p, 'a>(
        &'p mut self,
        text: &'a str,
    ) -> Result<Option<Line<'p, 'a>>, ParseError> {
        let (kind, start) = match self.read_any(text) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(fault) => return Err(self.error(*fault, text)),
        };
        let event = match kind {
            LineKind::Comment(text) => Event::Comment(text),
            LineKind::End => Event::End,
            LineKind::Help { name, text } => Event::Help { name, text },
            LineKind::Sample => return Ok(Some(self.sample(Scanner::line(text, start, self.at)))),
            LineKind::Type { name, kind } => Event::Type { name, kind },
            LineKind::Unit { name, unit } => Event::Unit { name, unit },
        };
        Ok(Some(Line {
            event,
            number: self.last_line,
            deviations: &self.deviations,
        }))
    }

    /// Checks what can only be checked at the end of the exposition.
    pub(crate) fn finish(&self, text: &str) -> Result<(), ParseError> {
        if self.options.format() == Format::OpenMetrics && !self.ended {
            let message = "expected the line `# EOF`, found the end of the exposition";
            return Err(self.error(*Fault::incomplete(Rule::Eof, self.at, message), text));
        }
        Ok(())
    }

    pub(crate) fn error(&self, fault: Fault, text: &str) -> ParseError {
        ParseError::new(fault, text.as_bytes(), self.origin)
    }

    /// Reads up to the next line that is not blank, and returns it with its start.
    fn read_any<'a>(&mut self, text: &'a str) -> Result<Option<(LineKind<'a>, usize)>, Box<Fault>> {
        while self.at < text.len() {
            let start = self.at + self.byte_order_mark(text)?;
            if self.ended {
                return Err(Fault::new(
                    Rule::AfterEof,
                    start,
                    "expected nothing after `# EOF`",
                ));
            }
            let line = match self.read_line(text, start)? {
                Some(line) => line,
                None if self.deviations.is_empty() => continue,
                None => LineKind::Comment(""),
            };
            match line {
                LineKind::End => self.ended = true,
                // What is forgiven is read from scratch each time, so that it is reported each time, and so is a name
                // among the labels, which moves with the values before it.
                LineKind::Sample if self.deviations.is_empty() && self.parts.name_is_first() => {
                    self.follows_sample = true;
                    self.shapes.learn(&text.as_bytes()[start..], &self.parts);
                }
                _ => {}
            }
            return Ok(Some((line, start)));
        }
        Ok(None)
    }

    /// Reads the line that starts at `start` and goes to the next. Returns `None` for a blank one.
    fn read_line<'a>(
        &mut self,
        text: &'a str,
        start: usize,
    ) -> Result<Option<LineKind<'a>>, Box<Fault>> {
        self.follows_sample = false;
        self.forgiven.clear();
        let scanner = Scanner::new(text, start, &self.options, &mut self.forgiven);
        let scanned = scanner.read(&mut self.parts)?;
        if matches!(scanned.kind, Some(LineKind::Sample)) {
            self.count_sample()?;
        }
        let line = self.line;
        let deviations = self.forgiven.drain(..);
        self.deviations
            .extend(deviations.map(|(rule, _)| Deviation { rule, line }));
        self.last_line = line;
        self.line += 1 + scanned.line_breaks;
        self.at = scanned.next;
        Ok(scanned.kind)
    }

    fn count_sample(&mut self) -> Result<(), Box<Fault>> {
        let limit = self.options.limits().samples;
        if self.samples >= limit {
            let message = format!("there are more samples than the limit of {limit}");
            return Err(Fault::limit(self.at, message));
        }
        self.samples += 1;
        Ok(())
    }

    /// Returns how long the byte order mark before the next line is, which is forgiven at the start of the exposition.
    fn byte_order_mark(&mut self, text: &str) -> Result<usize, Box<Fault>> {
        const MARK: &str = "\u{feff}";
        if self.at > 0 || self.origin.offset > 0 || !text.starts_with(MARK) {
            return Ok(0);
        }
        if self.options.mode() == Mode::Strict {
            let message = "expected a line, found a byte order mark";
            return Err(Fault::new(Rule::ByteOrderMark, 0, message));
        }
        self.deviations.push(Deviation {
            rule: Rule::ByteOrderMark,
            line: 1,
        });
        Ok(MARK.len())
    }

    /// Reads a sample that has the shape of the sample before, as most samples have.
    ///
    /// Returns start and end of the line, or `None` if it is anything else; then `parts` are in disorder.
    #[inline]
    fn read_like_previous(&mut self, text: &str) -> Option<(usize, usize)> {
        if !self.follows_sample {
            return None;
        }
        let bytes = text.as_bytes();
        let start = self.at;
        let number = self.shapes.read(bytes, start, &mut self.parts)?;
        self.parts.timestamp = None;
        self.parts.exemplar = None;
        let end = self.read_tail(text, start, number)?;
        let limits = self.options.limits();
        if end - start > limits.line_length.min(limits.value_length)
            || self.samples >= limits.samples
        {
            return None;
        }
        self.samples += 1;
        self.last_line = self.line;
        self.line += 1;
        self.at = end + 1;
        Some((start, end))
    }

    /// Reads what comes after the labels, and returns where the line ends.
    #[inline]
    fn read_tail(&mut self, text: &str, start: usize, at: usize) -> Option<usize> {
        let (number, end) = read_number(text, start, at)?;
        self.parts.value = number;
        match text.as_bytes().get(end) {
            Some(b'\n') => Some(end),
            _ => self.read_details(text, start, end),
        }
    }

    /// Reads timestamp and exemplar behind the value that ends at `at`.
    fn read_details(&mut self, text: &str, start: usize, at: usize) -> Option<usize> {
        if self.options.format() != Format::OpenMetrics {
            let (timestamp, end) = read_millis(text.as_bytes(), at)?;
            self.parts.timestamp = Some(timestamp);
            return (text.as_bytes().get(end) == Some(&b'\n')).then_some(end);
        }
        let (timestamp, at) = read_optional_seconds(text.as_bytes(), at)?;
        self.parts.timestamp = timestamp;
        if text.as_bytes().get(at) == Some(&b'\n') {
            return Some(at);
        }
        let number = self
            .shapes
            .read_exemplar(text.as_bytes(), start, at, &mut self.parts)?;
        let (value, end) = read_number(text, start, number)?;
        let (timestamp, end) = read_optional_seconds(text.as_bytes(), end)?;
        self.parts.exemplar = Some(ExemplarParts { value, timestamp });
        (text.as_bytes().get(end) == Some(&b'\n')).then_some(end)
    }
}

/// Reads a number and returns it with its end.
#[inline]
fn read_number(text: &str, start: usize, at: usize) -> Option<(Number, usize)> {
    let rest = text.as_bytes().get(at..)?;
    let count = read_small_count(rest);
    let (value, length) = match count {
        Some(count) => count,
        None => read_float(&text[at..])?,
    };
    let end = at + length;
    let number = Number {
        value,
        text: Span::new(at - start, end - start, false),
        is_count: count.is_some(),
    };
    Some((number, end))
}

/// Reads a number that a text starts with, and returns it with its length.
#[inline]
fn read_float(text: &str) -> Option<(f64, usize)> {
    let decimal = Decimal::read(text.as_bytes())?;
    let value = match decimal.to_float() {
        Some(value) => value,
        None => parse_long(&text[..decimal.length]).ok()?,
    };
    Some((value, decimal.length))
}

/// Reads a blank and milliseconds, and returns them with their end.
fn read_millis(bytes: &[u8], at: usize) -> Option<(Timestamp, usize)> {
    let rest = bytes.get(at..)?.strip_prefix(b" ")?;
    let (millis, length) = read_integer(rest)?;
    Some((Timestamp::from_millis(millis), at + 1 + length))
}

/// Reads a blank and seconds, unless an exemplar or the end of the line comes, and returns them with their end.
#[inline]
fn read_optional_seconds(bytes: &[u8], at: usize) -> Option<(Option<Timestamp>, usize)> {
    match bytes.get(at..)? {
        [b'\n', ..] | [b' ', b'#', ..] => Some((None, at)),
        [b' ', rest @ ..] => {
            let decimal = Decimal::read(rest)?;
            let timestamp = Timestamp::from_nanos(decimal.to_scaled(9)?)?;
            Some((Some(timestamp), at + 1 + decimal.length))
        }
        _ => None,
    }
}
