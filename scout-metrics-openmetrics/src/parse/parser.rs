//! The pull parser: one event per line, borrowed from the exposition.

use super::{
    engine::{Block, ReaderLevel},
    event::{Event, Line, SampleRef},
    options::ParseOptions,
    reader::Reader,
};
use crate::{
    ParseError,
    error::{Fault, Origin},
};

/// Reads an exposition that is in memory, line by line.
///
/// Nothing is allocated per sample: events borrow from the exposition, and the places of a sample's labels are in memory
/// that the parser uses again for the next sample. The parser checks each line; what lines say together is
/// checked by [`parse_families`](crate::parse_families).
///
/// ```
/// use scout_metrics_openmetrics::{Event, Format, ParseOptions, Parser};
///
/// let text = b"# TYPE up gauge\nup{job=\"a\"} 1\nup{job=\"b\"} 0\n";
/// let mut parser = Parser::new(text, &ParseOptions::new(Format::Prometheus))?;
/// let mut down = Vec::new();
/// while let Some(event) = parser.next_event()? {
///     if let Event::Sample(sample) = event {
///         if sample.name() == "up" && sample.value() == 0.0 {
///             down.extend(sample.labels().map(|(_, value)| value.decode()));
///         }
///     }
/// }
/// assert_eq!(down, ["b"]);
/// # Ok::<(), scout_metrics_openmetrics::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Parser<'a> {
    text: &'a str,
    block: Block<'a>,
    reader: Reader,
}

impl<'a> Parser<'a> {
    /// Starts to read an exposition.
    ///
    /// # Errors
    ///
    /// [`ParseErrorKind::Encoding`](crate::ParseErrorKind::Encoding) if it is not UTF-8.
    pub fn new(exposition: &'a [u8], options: &ParseOptions) -> Result<Self, ParseError> {
        Ok(Self::from_text(utf8(exposition)?, options))
    }

    /// Starts to read an exposition that is known to be UTF-8.
    pub fn from_text(exposition: &'a str, options: &ParseOptions) -> Self {
        Self {
            text: exposition,
            block: Block::default(),
            reader: Reader::of_whole(options),
        }
    }

    /// Starts to read another exposition in the memory of this parser, with the same options.
    ///
    /// A parser has some 20 KB of memory, so this saves a tenth of the time for an exposition of about that size.
    ///
    /// # Errors
    ///
    /// [`ParseErrorKind::Encoding`](crate::ParseErrorKind::Encoding) if the exposition is not UTF-8.
    pub fn reset<'b>(self, exposition: &'b [u8]) -> Result<Parser<'b>, ParseError> {
        let text = utf8(exposition)?;
        let mut reader = self.reader;
        reader.reset();
        Ok(Parser {
            text,
            block: Block::default(),
            reader,
        })
    }

    /// Sets the instructions that lines are found with.
    #[doc(hidden)]
    pub fn set_level(&mut self, level: ReaderLevel) {
        self.reader.set_level(level);
    }

    /// Returns the number of lines so far that were not as well-formed as most.
    #[doc(hidden)]
    pub fn grammar_lines(&self) -> u64 {
        self.reader.grammar_lines()
    }

    /// Reads the next line that is not blank. Returns `None` at the end of the exposition.
    ///
    /// # Errors
    ///
    /// Any [`ParseErrorKind`](crate::ParseErrorKind) but `Semantics`. The same error is returned when it is called
    /// again.
    #[inline(always)]
    pub fn next_event(&mut self) -> Result<Option<Event<'_, 'a>>, ParseError> {
        Ok(self.next_line()?.map(Line::event))
    }

    /// Reads up to the next sample, and leaves out what comes before it. Returns `None` at the end of the exposition.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{ParseOptions, Parser};
    ///
    /// let text = "# TYPE up gauge\nup{job=\"api\"} 1\nup{job=\"db\"} 0\n";
    /// let mut parser = Parser::from_text(text, &ParseOptions::default());
    /// let mut up = Vec::new();
    /// while let Some(sample) = parser.next_sample()? {
    ///     if sample.value() == 1.0 {
    ///         up.extend(sample.label("job").map(String::from));
    ///     }
    /// }
    /// assert_eq!(up, ["api"]);
    /// # Ok::<(), scout_metrics_openmetrics::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`next_event`](Self::next_event).
    pub fn next_sample(&mut self) -> Result<Option<SampleRef<'_, 'a>>, ParseError> {
        let text = loop {
            match self.next_event()? {
                Some(Event::Sample(sample)) => break sample.text,
                Some(_) => {}
                None => return Ok(None),
            }
        };
        Ok(Some(self.reader.sample_in(text)))
    }

    /// Reads the next line that is not blank, as [`next_event`](Self::next_event) does, and returns the event with
    /// its line number and the deviations that were forgiven.
    ///
    /// # Errors
    ///
    /// Those of [`next_event`](Self::next_event).
    #[inline(always)]
    pub fn next_line(&mut self) -> Result<Option<Line<'_, 'a>>, ParseError> {
        self.reader.next(self.text, &mut self.block)
    }
}

/// Checks that bytes are UTF-8.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, ParseError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let is_cut = error.error_len().is_none();
        let fault = Fault::encoding(at, bytes[at], &bytes[..=at], is_cut);
        ParseError::new(*fault, bytes, Origin::default())
    })
}
