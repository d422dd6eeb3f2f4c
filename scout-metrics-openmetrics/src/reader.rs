//! Reads line after line of a text; what the pull parser and the chunked parser have in common.

use crate::{
    Deviation, Event, Format, Line, Mode, ParseError, ParseOptions, Rule,
    error::{Fault, Origin},
    event::{Parts, SampleRef, Span},
    index::Index,
    line::{Forgiven, LineKind, Scanner},
    number::parse_small_integer,
};

/// The state between lines. A piece of text is read from its start to its end, then comes the next piece.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    options: ParseOptions,
    parts: Parts,
    /// Where the sample that `parts` describes starts in the text, if it is in this text.
    previous: Option<usize>,
    index: Index,
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
            previous: None,
            index: Index::default(),
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
        self.previous = None;
        self.index.restart(0);
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
        let (kind, start, end) = if let Some((start, end)) = self.read_like_previous(text) {
            (LineKind::Sample, start, end)
        } else {
            match self.read_any(text) {
                Ok(Some((kind, start))) => (kind, start, self.at),
                Ok(None) => return Ok(None),
                Err(fault) => return Err(self.error(*fault, text)),
            }
        };
        let event = match kind {
            LineKind::Comment(text) => Event::Comment(text),
            LineKind::End => Event::End,
            LineKind::Help { name, text } => Event::Help { name, text },
            LineKind::Sample => Event::Sample(SampleRef {
                line: Scanner::line(text, start, end),
                parts: &self.parts,
            }),
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
                LineKind::Sample => self.previous = Some(start),
                _ => {}
            }
            return Ok(Some((line, start)));
        }
        Ok(None)
    }

    /// Reads a line and goes to the next. Returns `None` for a blank one.
    fn read_line<'a>(&mut self, text: &'a str) -> Result<Option<LineKind<'a>>, Box<Fault>> {
        self.previous = None;
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

    /// Reads a sample whose name, label names and punctuation are those of the sample before.
    ///
    /// Most samples are such. Then nothing is searched for: the index says where the values end, and what stands
    /// between them is compared with the line before. Returns start and end of the line, or `None` if it is
    /// anything else, and then leaves `parts` in disorder.
    #[inline]
    fn read_like_previous(&mut self, text: &str) -> Option<(usize, usize)> {
        let previous = self.previous?;
        let bytes = text.as_bytes();
        let start = self.at;
        let own_labels = self.parts.own_labels;
        let (marks, base) = self.index.marks_from(bytes, start, 2 * own_labels + 1);
        let (quotes, marks) = marks.split_at_checked(2 * own_labels)?;

        let (old, new) = (bytes.get(previous..)?, bytes.get(start..)?);
        let (mut old_at, mut new_at) = (0, 0);
        let limit = self.options.limits().value_length;
        for (label, quotes) in self.parts.labels[..own_labels]
            .iter_mut()
            .zip(quotes.chunks_exact(2))
        {
            let opening = (quotes[0] as usize + base).wrapping_sub(start);
            let closing = (quotes[1] as usize + base).wrapping_sub(start);
            let value = opening + 1;
            let old_value = label.value.start as usize;
            if new.get(closing) != Some(&b'"')
                || closing - value > limit
                || old.get(old_at..old_value)? != new.get(new_at..value)?
            {
                return None;
            }
            let shift = (new_at as u32).wrapping_sub(old_at as u32);
            label.name.start = label.name.start.wrapping_add(shift);
            label.name.end = label.name.end.wrapping_add(shift);
            old_at = label.value.end as usize;
            new_at = closing;
            label.value = Span::new(value, closing, false);
        }
        let old_number = self.parts.value.text.start as usize;
        let number = new_at + (old_number - old_at);
        if old.get(old_at..old_number)? != new.get(new_at..number)? {
            return None;
        }
        let behind = marks
            .iter()
            .position(|mark| bytes[*mark as usize + base] == b'\n')?;
        let end = marks[behind] as usize + base;
        if end - start > self.options.limits().line_length
            || self.samples >= self.options.limits().samples
        {
            return None;
        }
        self.index.consume(2 * own_labels + behind + 1);
        self.read_number(text, start, start + number, end)?;
        self.parts.same_names = true;
        self.previous = Some(start);
        self.samples += 1;
        self.last_line = self.line;
        self.line += 1;
        self.at = end + 1;
        Some((start, end))
    }

    /// Reads what comes after the labels in the line from `start` to `end`.
    #[inline]
    fn read_number(&mut self, text: &str, start: usize, at: usize, end: usize) -> Option<()> {
        self.parts.timestamp = None;
        self.parts.exemplar = None;
        if let Some(value) = parse_small_integer(text.as_bytes().get(at..end)?) {
            self.parts.value.value = value;
            self.parts.value.text = Span::new(at - start, end - start, false);
            return Some(());
        }
        self.parts.labels.truncate(self.parts.own_labels);
        // A line that is forgiven something is read again from its start, where that is recorded.
        let read = Scanner::new(text, start, &self.options, &mut self.forgiven)
            .behind_labels(at, end)
            .read_tail(&mut self.parts);
        let is_clean = read.is_ok() && self.forgiven.is_empty();
        self.forgiven.clear();
        is_clean.then_some(())
    }
}
