//! The pull parser for an exposition that arrives piece by piece.

use memchr::memrchr;

use super::{
    event::{Event, Line},
    options::ParseOptions,
    reader::Reader,
};
use crate::{ParseError, ParseErrorKind, Rule, error::Fault};

/// Reads an exposition that arrives in chunks, such as from a network.
///
/// Yields what [`Parser`](crate::Parser) yields for the whole. Besides the chunk that is being read, no more than one
/// incomplete line is kept.
///
/// ```
/// use scout_metrics_openmetrics::{ChunkedParser, Event, Format, ParseOptions};
///
/// let mut parser = ChunkedParser::new(&ParseOptions::new(Format::Prometheus));
/// let mut sum = 0.0;
/// for chunk in ["up{job=\"a\"", "} 1\nup{job=\"b\"} 1", "\n"] {
///     parser.feed(chunk.as_bytes())?;
///     while let Some(event) = parser.next_event()? {
///         if let Event::Sample(sample) = event {
///             sum += sample.value();
///         }
///     }
/// }
/// parser.finish()?;
/// assert!(parser.next_event()?.is_none());
/// assert_eq!(sum, 2.0);
/// # Ok::<(), scout_metrics_openmetrics::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ChunkedParser {
    reader: Reader,
    /// How long what has not been read can be without a line in it that is too long: a byte order mark and a line.
    longest_line: usize,
    /// The text read since the last chunk arrived, followed by the text not read yet.
    text: String,
    /// How much of `text` are complete lines; all of it once the exposition is finished.
    complete: usize,
    /// The first bytes of a character of which the rest has not arrived.
    partial: Vec<u8>,
    /// How much has to be complete before a quoted text that goes on over lines is looked at again.
    ///
    /// The searched length doubles each time, so that a quote that is never closed costs no more than time linear in the
    /// input.
    retry: usize,
    /// Why a chunk was refused.
    refused: Option<ParseError>,
    finished: bool,
}

impl ChunkedParser {
    /// Creates a parser that has read nothing.
    pub fn new(options: &ParseOptions) -> Self {
        Self {
            reader: Reader::new(options),
            longest_line: options
                .limits()
                .line_length
                .saturating_add("\u{feff}".len()),
            text: String::new(),
            complete: 0,
            partial: Vec::new(),
            retry: 0,
            refused: None,
            finished: false,
        }
    }

    /// Accepts the next chunk. Its events, and those that were not asked for yet, come from
    /// [`next_event`](Self::next_event).
    ///
    /// # Errors
    ///
    /// [`ParseErrorKind::Encoding`] if the chunk is not UTF-8; it may begin and end within a character. The parser keeps
    /// the error: each later call returns it again, so that nothing after a refused chunk is read as if it followed what
    /// came before. [`next_event`](Self::next_event) first returns the events of the lines that were complete.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), ParseError> {
        self.check_refused()?;
        let fed = self.push(chunk);
        self.refused = fed.as_ref().err().cloned();
        fed
    }

    fn check_refused(&self) -> Result<(), ParseError> {
        self.refused.clone().map_or(Ok(()), Err)
    }

    fn push(&mut self, chunk: &[u8]) -> Result<(), ParseError> {
        self.drop_read();
        let searched = self.text.len();
        let chunk = self.complete_character(chunk)?;
        let (text, partial) = split_partial(chunk);
        let (text, is_good) = match std::str::from_utf8(text) {
            Ok(text) => (text, may_be_completed(partial)),
            Err(error) => {
                let valid = std::str::from_utf8(&text[..error.valid_up_to()]);
                (valid.unwrap_or_default(), false)
            }
        };
        let error = (!is_good).then(|| self.encoding_error(chunk, text.len()));
        self.text.push_str(text);
        self.partial.extend_from_slice(partial);
        if let Some(newline) = memrchr(b'\n', &self.text.as_bytes()[searched..]) {
            self.complete = searched + newline + 1;
        }
        error.map_or(Ok(()), Err)
    }

    /// Says that no more chunks come.
    ///
    /// # Errors
    ///
    /// [`ParseErrorKind::Encoding`] if the last chunk ended within a character, or the error of a chunk that was refused.
    pub fn finish(&mut self) -> Result<(), ParseError> {
        self.check_refused()?;
        self.drop_read();
        if !self.partial.is_empty() {
            return Err(self.encoding_error(&self.partial, 0));
        }
        self.complete = self.text.len();
        self.retry = 0;
        self.finished = true;
        Ok(())
    }

    /// Reads the next line that is not blank.
    ///
    /// Returns `None` when another chunk is needed, and after [`finish`](Self::finish) at the end of the exposition.
    ///
    /// # Errors
    ///
    /// Any [`ParseErrorKind`] but `Semantics`.
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<Event<'_, '_>>, ParseError> {
        Ok(self.next_line()?.map(Line::event))
    }

    /// Reads the next line that is not blank, as [`next_event`](Self::next_event) does, and returns the event with
    /// its line number and the deviations that were forgiven.
    ///
    /// # Errors
    ///
    /// Those of [`next_event`](Self::next_event).
    #[inline]
    pub fn next_line(&mut self) -> Result<Option<Line<'_, '_>>, ParseError> {
        let at = self.reader.at();
        let end = if at < self.complete && self.complete >= self.retry {
            self.complete
        } else if self.finished {
            self.reader.finish(&self.text)?;
            return Ok(None);
        } else if self.text.len() - at > self.longest_line {
            // The reader finds out which line it is that is too long.
            self.text.len()
        } else {
            self.check_refused()?;
            return Ok(None);
        };
        self.retry = 0;
        let text = &self.text[..end];
        let mut block = self.reader.block(text);
        match self.reader.next(text, &mut block) {
            Err(error) if !self.finished && is_open_quote(&error) => {
                self.retry = self.complete + (self.complete - at);
                Ok(None)
            }
            result => result,
        }
    }

    /// Forgets what has been read.
    fn drop_read(&mut self) {
        let read = self.reader.at();
        self.reader.start_text();
        self.text.drain(..read);
        self.complete -= read;
        self.retry = self.retry.saturating_sub(read);
    }

    /// Adds to the character that is waiting for its last bytes. Returns the rest of the chunk.
    fn complete_character<'c>(&mut self, chunk: &'c [u8]) -> Result<&'c [u8], ParseError> {
        let Some(&first) = self.partial.first() else {
            return Ok(chunk);
        };
        let missing = utf8_length(first).saturating_sub(self.partial.len());
        let (head, rest) = chunk.split_at(missing.min(chunk.len()));
        self.partial.extend_from_slice(head);
        match std::str::from_utf8(&self.partial) {
            Ok(character) => self.text.push_str(character),
            Err(error) if error.error_len().is_none() => return Ok(rest),
            Err(_) => return Err(self.encoding_error(&self.partial, 0)),
        }
        self.partial.clear();
        Ok(rest)
    }

    /// Describes bytes that are not UTF-8 and follow the text.
    fn encoding_error(&self, bytes: &[u8], at: usize) -> ParseError {
        let read = self.reader.at();
        let shown = [&self.text.as_bytes()[read..], bytes].concat();
        let origin = self.reader.origin_at();
        let at = self.text.len() - read + at;
        let is_cut = str::from_utf8(&shown[at..]).is_err_and(|error| error.error_len().is_none());
        let start = match origin.offset {
            0 => &shown[..=at],
            _ => &[],
        };
        let fault = Fault::encoding(at, shown[at], start, is_cut);
        ParseError::new(*fault, &shown, origin)
    }
}

fn is_open_quote(error: &ParseError) -> bool {
    error.kind() == ParseErrorKind::Incomplete && error.rule() == Some(Rule::LineBreak)
}

/// Splits off the first bytes of a character that the chunk does not hold whole.
fn split_partial(chunk: &[u8]) -> (&[u8], &[u8]) {
    let tail = &chunk[chunk.len().saturating_sub(3)..];
    let lead = tail.iter().rposition(|&byte| byte >= 0xC0);
    let partial = match lead {
        Some(lead) if utf8_length(tail[lead]) > tail.len() - lead => tail.len() - lead,
        _ => 0,
    };
    chunk.split_at(chunk.len() - partial)
}

/// Returns whether more bytes can make characters of these.
fn may_be_completed(partial: &[u8]) -> bool {
    std::str::from_utf8(partial).map_or_else(|error| error.error_len().is_none(), str::is_empty)
}

/// Returns how many bytes a character has that starts with a byte.
fn utf8_length(first: u8) -> usize {
    match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}
