//! Reads line after line of a text; what the pull parser and the chunked parser have in common.

use memchr::memchr;

use crate::{
    Deviation, Event, Format, Line, Mode, ParseError, ParseOptions, Rule,
    error::{Fault, Origin},
    event::{Parts, SampleRef, Span},
    layout::Layout,
    line::{Forgiven, LineKind, Scanner},
    number::small_integer_line,
};

/// The state between lines. A piece of text is read from its start to its end, then comes the next piece.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    options: ParseOptions,
    parts: Parts,
    /// The shape of the line before.
    layout: Layout,
    /// Whether the line before was a sample.
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
            layout: Layout::default(),
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
        self.skip_byte_order_mark(text)?;
        while self.at < text.len() {
            let start = self.at;
            if self.ended {
                return Err(Fault::new(
                    Rule::AfterEof,
                    start,
                    "expected nothing after `# EOF`",
                ));
            }
            let Some(line) = self.read_line(text)? else {
                continue;
            };
            match line {
                LineKind::End => self.ended = true,
                LineKind::Sample => {
                    self.layout.learn(&text.as_bytes()[start..], &self.parts);
                    self.follows_sample = true;
                }
                _ => {}
            }
            return Ok(Some((line, start)));
        }
        Ok(None)
    }

    /// Reads a line and goes to the next. Returns `None` for a blank one.
    fn read_line<'a>(&mut self, text: &'a str) -> Result<Option<LineKind<'a>>, Box<Fault>> {
        self.follows_sample = false;
        self.forgiven.clear();
        let scanner = Scanner::new(text, self.at, &self.options, &mut self.forgiven);
        let (line, next) = scanner.read(&mut self.parts)?;
        if matches!(line, Some(LineKind::Sample)) {
            self.count_sample()?;
        }
        let mut lines = 1;
        for (rule, _) in self.forgiven.drain(..) {
            lines += u64::from(rule == Rule::LineBreak);
            self.deviations.push(Deviation {
                rule,
                line: self.line,
            });
        }
        self.last_line = self.line;
        self.line += lines;
        self.at = next;
        Ok(line)
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

    fn skip_byte_order_mark(&mut self, text: &str) -> Result<(), Box<Fault>> {
        const MARK: &str = "\u{feff}";
        if self.at > 0 || self.origin.offset > 0 || !text.starts_with(MARK) {
            return Ok(());
        }
        if self.options.mode() == Mode::Strict {
            let message = "expected a line, found a byte order mark";
            return Err(Fault::new(Rule::ByteOrderMark, 0, message));
        }
        self.deviations.push(Deviation {
            rule: Rule::ByteOrderMark,
            line: 1,
        });
        self.at = MARK.len();
        Ok(())
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
        let number = self.layout.read(bytes, start, &mut self.parts)?;
        let end = self.read_number(text, start, number)?;
        let limits = self.options.limits();
        if end - start > limits.line_length.min(limits.value_length)
            || self.samples >= limits.samples
        {
            return None;
        }
        self.parts.same_names = true;
        self.samples += 1;
        self.last_line = self.line;
        self.line += 1;
        self.at = end + 1;
        Some((start, end))
    }

    /// Reads what comes after the labels, and returns where the line ends.
    #[inline]
    fn read_number(&mut self, text: &str, start: usize, at: usize) -> Option<usize> {
        self.parts.timestamp = None;
        self.parts.exemplar = None;
        if let Some((value, length)) = small_integer_line(&text.as_bytes()[at..]) {
            let end = at + length;
            self.parts.value.value = value;
            self.parts.value.text = Span::new(at - start, end - start, false);
            return Some(end);
        }
        self.read_tail(text, start, at)
    }

    fn read_tail(&mut self, text: &str, start: usize, at: usize) -> Option<usize> {
        let end = at + memchr(b'\n', &text.as_bytes()[at..])?;
        self.parts.labels.truncate(self.parts.own_labels);
        // A line that is forgiven something is read again from its start, where that is recorded.
        let read = Scanner::new(text, start, &self.options, &mut self.forgiven)
            .behind_labels(at, end)
            .read_tail(&mut self.parts);
        let is_clean = read.is_ok() && self.forgiven.is_empty();
        self.forgiven.clear();
        is_clean.then_some(end)
    }
}
