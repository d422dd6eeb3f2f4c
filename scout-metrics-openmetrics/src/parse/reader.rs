//! Reads line after line of a text; what the pull parser and the chunked parser have in common.
//!
//! The engine reads well-formed lines. A line that it does not read is read by the grammar from its start. Where the next
//! line is, the number of that line and the number of samples are kept here, the same for both.

use super::{
    engine::{Block, Engine, Kind, Metadata, ReaderLevel},
    event::{Event, Line, SampleRef},
    grammar::{Forgiven, LineKind, Scanner},
    options::{Mode, ParseOptions},
    parts::Parts,
};
use crate::{
    Deviation, Limit, ParseError, Rule, TextFormat,
    error::{Fault, Origin},
    escape::{Escapes, Text},
    foreign,
};

/// The state between lines. A piece of text is read from its start to its end, then comes the next piece.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    options: ParseOptions,
    format: TextFormat,
    /// No limit of the options is exceeded in lines that are not longer than this.
    short_line: u32,
    engine: Engine,
    parts: Parts,
    forgiven: Vec<Forgiven>,
    deviations: Vec<Deviation>,
    /// The number of the next line, counted from 1.
    line: u64,
    /// The number of the line that the grammar read last.
    last_line: u64,
    /// The start of the text in the exposition.
    origin: Origin,
    samples: usize,
    ended: bool,
    /// Whether the exposition ends where the text ends.
    is_whole: bool,
    /// The number of lines that the grammar read.
    grammar_lines: u64,
}

impl Reader {
    pub(crate) fn new(options: &ParseOptions) -> Self {
        Self {
            options: *options,
            format: options.text_format(),
            short_line: short_line(options),
            engine: Engine::new(),
            parts: Parts {
                format: options.format(),
                ..Parts::default()
            },
            forgiven: Vec::new(),
            deviations: Vec::new(),
            line: 1,
            last_line: 0,
            origin: Origin::default(),
            samples: 0,
            ended: false,
            is_whole: false,
            grammar_lines: 0,
        }
    }

    /// Creates a reader of a text that is a whole exposition.
    pub(crate) fn of_whole(options: &ParseOptions) -> Self {
        Self {
            is_whole: true,
            ..Self::new(options)
        }
    }

    pub(crate) fn set_level(&mut self, level: ReaderLevel) {
        self.engine.set_level(level);
    }

    /// Returns the number of lines that the grammar read and not the engine.
    pub(crate) fn grammar_lines(&self) -> u64 {
        self.grammar_lines
    }

    /// Starts with another exposition, in the same memory.
    pub(crate) fn reset(&mut self) {
        self.engine.go_to(0);
        self.line = 1;
        self.last_line = 0;
        self.origin = Origin::default();
        self.samples = 0;
        self.ended = false;
        self.grammar_lines = 0;
    }

    /// Goes on with another piece of text, of which the first byte follows the last one that was read.
    pub(crate) fn start_text(&mut self) {
        self.origin = self.origin_at();
        self.engine.go_to(0);
    }

    /// Returns where the next line starts in the text.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.engine.at()
    }

    /// Returns where in the exposition the next line starts.
    pub(crate) fn origin_at(&self) -> Origin {
        Origin {
            line: self.line,
            offset: self.origin.offset + self.at() as u64,
        }
    }

    /// Returns the block that is being read, for [`next`](Self::next).
    pub(crate) fn block<'a>(&self, text: &'a str) -> Block<'a> {
        self.engine.block(text)
    }

    /// Reads the next line that is not blank. Returns `None` at the end of the text.
    ///
    /// `block` is kept by the caller from one line to the next, because where it is in the text takes time to find.
    /// Inlined, so that what was found goes straight into the `match` of the caller.
    #[inline(always)]
    pub(crate) fn next<'p, 'a>(
        &'p mut self,
        text: &'a str,
        block: &mut Block<'a>,
    ) -> Result<Option<Line<'p, 'a>>, ParseError> {
        if self.engine.has_short_line() {
            if self.engine.first_byte(*block) == b'#' {
                if let Some(metadata) = self.read_metadata(*block) {
                    return Ok(Some(self.metadata(*block, metadata)));
                }
            } else if self.read_sample(*block) {
                return Ok(Some(self.sample(*block)));
            }
        } else if self.engine.has_line()
            && self.engine.first_byte(*block) != b'#'
            && self.read_openmetrics2_sample(*block)
        {
            return Ok(Some(self.sample(*block)));
        }
        self.next_other(text, block)
    }

    /// Reads the next line of the block, if it is a well-formed sample within the limits. The format is not OpenMetrics 2.0.
    #[inline(always)]
    fn read_sample(&mut self, block: Block<'_>) -> bool {
        let (engine, parts) = (&mut self.engine, &mut self.parts);
        let Some(next) = engine.read_sample(block, parts, self.format) else {
            return false;
        };
        if self.samples >= self.options.limits().samples || !self.is_short_or_within_limits() {
            return false;
        }
        self.engine.advance(next);
        self.samples += 1;
        self.line += 1;
        true
    }

    /// Does the same in OpenMetrics 2.0. Called and not inlined, so that the code for other formats stays small.
    #[inline(never)]
    fn read_openmetrics2_sample(&mut self, block: Block<'_>) -> bool {
        let Some(next) = self.engine.read_openmetrics2_sample(block, &mut self.parts) else {
            return false;
        };
        let samples = self.samples + self.parts.more_samples();
        if samples >= self.options.limits().samples || !self.is_short_or_within_limits() {
            return false;
        }
        self.engine.advance(next);
        self.samples = samples + 1;
        self.line += 1;
        true
    }

    #[inline(always)]
    fn is_short_or_within_limits(&self) -> bool {
        let line = self.parts.line;
        let is_short = line.end - line.start <= self.short_line
            && self.parts.labels.len() <= self.options.limits().labels;
        is_short || self.is_within_limits()
    }

    /// Returns the sample of the block that was just read.
    #[inline(always)]
    fn sample<'p, 'a>(&'p self, block: Block<'a>) -> Line<'p, 'a> {
        self.line_of_block(Event::Sample(SampleRef {
            text: block.text,
            parts: &self.parts,
        }))
    }

    /// Returns the sample that was read last, which is in a text.
    pub(crate) fn sample_in<'p, 'a>(&'p self, text: &'a str) -> SampleRef<'p, 'a> {
        let parts = &self.parts;
        SampleRef { text, parts }
    }

    /// Returns the line of the block that was just read.
    #[inline(always)]
    fn line_of_block<'p, 'a>(&self, event: Event<'p, 'a>) -> Line<'p, 'a> {
        Line {
            event,
            number: self.line - 1,
            deviations: &[],
        }
    }

    /// Reads a line that is perhaps no sample, perhaps in the next block, and perhaps not well-formed.
    #[inline(never)]
    fn next_other<'p, 'a>(
        &'p mut self,
        text: &'a str,
        block: &mut Block<'a>,
    ) -> Result<Option<Line<'p, 'a>>, ParseError> {
        let format = self.format;
        while self.engine.has_line() || self.start_block(text, block) {
            match self.engine.first_byte(*block) {
                b'#' => match self.read_metadata(*block) {
                    Some(metadata) => return Ok(Some(self.metadata(*block, metadata))),
                    None => break,
                },
                b'\n' if format == TextFormat::Prometheus => {
                    self.engine.go_on_at(text, self.at() + 1);
                    self.line += 1;
                }
                _ if format == TextFormat::OpenMetrics2 => {
                    if !self.read_openmetrics2_sample(*block) {
                        break;
                    }
                    return Ok(Some(self.sample(*block)));
                }
                _ if self.read_sample(*block) => return Ok(Some(self.sample(*block))),
                _ => break,
            }
        }
        self.next_by_grammar(text)
    }

    fn start_block<'a>(&mut self, text: &'a str, block: &mut Block<'a>) -> bool {
        let format = self.format;
        let is_started =
            !self.ended && self.has_short_way() && self.engine.start_block(text, format);
        *block = self.engine.block(text);
        is_started
    }

    /// Reads the next line of the block, which starts with `#`, if it is well-formed and within the limits.
    #[inline(always)]
    fn read_metadata(&self, block: Block<'_>) -> Option<Metadata> {
        let metadata = self.engine.read_metadata(block, self.format)?;
        self.has_good_length(&metadata).then_some(metadata)
    }

    #[inline(always)]
    fn metadata<'p, 'a>(&'p mut self, block: Block<'a>, metadata: Metadata) -> Line<'p, 'a> {
        let within = |start, end, escapes| Text::within(block.text, start, end, escapes);
        let name_escapes = match metadata.name_escaped {
            true => Escapes::Quoted,
            false => Escapes::None,
        };
        let name = || within(metadata.name.0, metadata.name.1, name_escapes);
        let text = |escapes| within(metadata.text, metadata.end, escapes);
        self.engine.advance(metadata.next);
        self.line += 1;
        let event = match metadata.kind {
            Kind::Comment => Event::Comment(text(Escapes::None).raw()),
            Kind::End => {
                self.end();
                Event::End
            }
            Kind::Help => {
                let escapes = match self.format {
                    _ if !metadata.escaped => Escapes::None,
                    TextFormat::OpenMetrics | TextFormat::OpenMetrics2 => Escapes::Quoted,
                    TextFormat::Prometheus => Escapes::Help,
                };
                let (name, text) = (name(), text(escapes));
                Event::Help { name, text }
            }
            Kind::Type(kind) => Event::Type { name: name(), kind },
            Kind::Unit => {
                let (name, unit) = (name(), text(Escapes::None).raw());
                Event::Unit { name, unit }
            }
        };
        self.line_of_block(event)
    }

    /// Leaves what comes after `# EOF` to the grammar.
    fn end(&mut self) {
        self.ended = true;
        self.engine.go_to(self.at());
    }

    #[inline(always)]
    fn has_good_length(&self, metadata: &Metadata) -> bool {
        let (name, name_end) = metadata.name;
        let limits = self.options.limits();
        (name_end - name) as usize <= limits.name_length
            && (metadata.end - metadata.start) as usize <= limits.line_length
    }

    /// Checks the parts of a long line or one with many labels.
    #[cold]
    #[inline(never)]
    fn is_within_limits(&self) -> bool {
        let limits = self.options.limits();
        let parts = &self.parts;
        let is_long = |start: u32, end: u32, most: usize| (end - start) as usize > most;
        let is_label_long = parts.labels.iter().any(|label| {
            is_long(label.name_start, label.name_end, limits.name_length)
                || is_long(label.value_start, label.value_end, limits.value_length)
        });
        !is_label_long
            && !is_long(parts.name.start, parts.name.end, limits.name_length)
            && !is_long(parts.line.start, parts.line.end, limits.line_length)
            && parts.own_labels().len() <= limits.labels
            && parts
                .exemplars()
                .all(|(labels, _)| labels.len() <= limits.labels)
    }

    fn next_by_grammar<'p, 'a>(
        &'p mut self,
        text: &'a str,
    ) -> Result<Option<Line<'p, 'a>>, ParseError> {
        self.deviations.clear();
        let (kind, start) = match self.read_any(text) {
            Ok(Some(found)) => found,
            Ok(None) if self.is_whole => return self.finish(text).map(|()| None),
            Ok(None) => return Ok(None),
            Err(fault) => return Err(self.line_error(*fault, text)),
        };
        let event = match kind {
            LineKind::Comment(text) => Event::Comment(text),
            LineKind::End => Event::End,
            LineKind::Help { name, text } => Event::Help { name, text },
            LineKind::Sample => {
                let length = self.parts.line.end as usize;
                Event::Sample(SampleRef {
                    text: &text[start..start + length],
                    parts: &self.parts,
                })
            }
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
        if self.format.is_openmetrics() && !self.ended {
            let message =
                "the exposition ends without the line `# EOF`, so a part of it may be missing";
            return Err(self.error(*Fault::incomplete(Rule::Eof, self.at(), message), text));
        }
        Ok(())
    }

    fn is_text(&self) -> bool {
        self.options.format().text().is_some()
    }

    /// Returns whether the engine knows all that the options ask for. It always reads quoted names of OpenMetrics 2.0.
    fn has_short_way(&self) -> bool {
        let is_without_quotes =
            self.format == TextFormat::OpenMetrics2 && !self.options.quoted_names();
        self.is_text() && !is_without_quotes
    }

    /// Describes what is wrong with the next line, or what else it is.
    fn line_error(&self, fault: Fault, text: &str) -> ParseError {
        let rest = &text[self.at()..];
        let line = rest.trim_start_matches([' ', '\t', '\u{feff}']);
        let start = self.at() + (rest.len() - line.len());
        let line = text[start..].lines().next().unwrap_or_default();
        let fault = match foreign::name_of_line(line, self.samples == 0) {
            Some(name) if fault.may_be_foreign() => fault.with_foreign_line(name, start),
            _ => fault,
        };
        self.error(fault, text)
    }

    pub(crate) fn error(&self, fault: Fault, text: &str) -> ParseError {
        ParseError::new(fault, text.as_bytes(), self.origin)
    }

    /// Reads up to the next line that is not blank, and returns it with its start.
    fn read_any<'a>(&mut self, text: &'a str) -> Result<Option<(LineKind<'a>, usize)>, Box<Fault>> {
        while self.at() < text.len() {
            if !self.is_text() {
                let message = "expected a format of text in the options, found protobuf, which `parse_families` and \
                               `protobuf::Parser` read";
                return Err(Fault::new(Rule::ProtobufMessage, self.at(), message));
            }
            let start = self.at() + self.byte_order_mark(text)?;
            if self.ended {
                let is_blank = text[start..].starts_with('\n');
                let found = if is_blank { "a blank line" } else { "a line" };
                let message =
                    format!("found {found} after `# EOF`, expected the end of the exposition");
                return Err(Fault::new(Rule::AfterEof, start, message));
            }
            let line = match self.read_line(text, start)? {
                Some(line) => line,
                None if self.deviations.is_empty() => continue,
                None => LineKind::Comment(""),
            };
            if matches!(line, LineKind::End) {
                self.end();
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
        self.grammar_lines += 1;
        self.forgiven.clear();
        let scanner = Scanner::new(text, start, &self.options, &mut self.forgiven);
        let scanned = scanner.read(&mut self.parts)?;
        if matches!(scanned.kind, Some(LineKind::Sample)) {
            self.count_sample()?;
            self.parts.label_names = self.engine.new_label_names();
        }
        let line = self.line;
        let forgiven = self.forgiven.drain(..);
        self.deviations.extend(forgiven.map(|forgiven| {
            let Forgiven { rule, message, at } = forgiven;
            Deviation::new(rule, message, &text[start..], at - start, line)
        }));
        self.last_line = line;
        self.line += 1 + scanned.line_breaks;
        self.engine.go_on_at(text, scanned.next);
        Ok(scanned.kind)
    }

    fn count_sample(&mut self) -> Result<(), Box<Fault>> {
        let limit = self.options.limits().samples;
        let count = self.parts.more_samples().saturating_add(1);
        if limit.saturating_sub(self.samples) < count {
            return Err(Fault::limit(self.at(), Limit::Samples, limit));
        }
        self.samples += count;
        Ok(())
    }

    /// Returns how long the byte order mark before the next line is, which is forgiven at the start of the exposition.
    fn byte_order_mark(&mut self, text: &str) -> Result<usize, Box<Fault>> {
        const MARK: &str = "\u{feff}";
        if self.at() > 0 || self.origin.offset > 0 || !text.starts_with(MARK) {
            return Ok(0);
        }
        let message = "the exposition starts with a byte order mark";
        let format = self.format;
        if self.options.mode() == Mode::Strict || format == TextFormat::OpenMetrics2 {
            return Err(Fault::new(Rule::ByteOrderMark, 0, message));
        }
        let deviation = Deviation::new(Rule::ByteOrderMark, message, text, 0, 1);
        self.deviations.push(deviation);
        Ok(MARK.len())
    }
}

/// Returns the length of lines in which nothing can be too long.
fn short_line(options: &ParseOptions) -> u32 {
    let limits = options.limits();
    let shortest = limits
        .line_length
        .min(limits.name_length)
        .min(limits.value_length);
    u32::try_from(shortest).unwrap_or(u32::MAX)
}
