//! Reads a snapshot out of an exposition, whole or in chunks.

use std::time::SystemTime;

use bytes::Bytes;
use scout_metrics_core::{Error, ErrorKind, Organization, Result, Snapshot};

use super::builder::SnapshotBuilder;
use crate::{
    ChunkedParser, Format, Limits, Mode, ParseError, ParseErrorKind, ParseOptions, Parser,
};

/// How many anomalies an error names, when they are errors.
const SHOWN_ANOMALIES: usize = 5;

/// Reads snapshots of one organization out of expositions.
///
/// A clone has the same options; reading changes nothing, so one reader serves any number of expositions.
#[derive(Clone, Debug)]
pub struct SnapshotReader {
    organization: Organization,
    options: ParseOptions,
    anomalies_are_errors: bool,
    final_newline_is_required: bool,
}

impl SnapshotReader {
    /// Creates a reader of Prometheus text, lenient and with default limits.
    pub fn new(organization: Organization) -> Self {
        Self {
            organization,
            options: ParseOptions::default(),
            anomalies_are_errors: false,
            final_newline_is_required: false,
        }
    }

    /// Sets the format. Default: [`Format::Prometheus`].
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.options = ParseOptions::new(format)
            .with_mode(self.options.mode())
            .with_limits(*self.options.limits());
        self
    }

    /// Sets how exactly the exposition has to keep to its format. Default: [`Mode::Lenient`], with each forgiven rule
    /// as an anomaly.
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.options = self.options.with_mode(mode);
        self
    }

    /// Sets the limits. Default: [`Limits::default`].
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.options = self.options.with_limits(limits);
        self
    }

    /// Sets whether anomalies make reading fail. Default: `false`.
    #[must_use]
    pub fn with_anomalies_as_errors(mut self, are_errors: bool) -> Self {
        self.anomalies_are_errors = are_errors;
        self
    }

    /// Sets whether a last line without its line feed makes reading fail, and not only an anomaly. Default: `false`.
    ///
    /// For expositions of which it is not known otherwise that they are whole: a last line `x 12` may have been
    /// `x 123`. OpenMetrics says where it ends, so it needs no such rule.
    #[must_use]
    pub fn with_required_final_newline(mut self, is_required: bool) -> Self {
        self.final_newline_is_required = is_required;
        self
    }

    /// Returns the organization that the snapshots are of.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Reads an exposition.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Decode`]: it breaks its format, ends too early, or has a count that is none. The message, or that
    ///   of the [`source`](std::error::Error::source), says where.
    /// - [`ErrorKind::NotMetrics`]: it is HTML or JSON.
    /// - [`ErrorKind::Limit`]: it exceeds a limit.
    /// - [`ErrorKind::Anomaly`]: it has anomalies, and they are errors.
    pub fn read(&self, exposition: &[u8]) -> Result<Snapshot> {
        let scraped_at = SystemTime::now();
        let read = || -> Result<Snapshot, Fault> {
            let mut builder = SnapshotBuilder::new(self.final_newline_is_required);
            let mut parser = Parser::new(exposition, &self.options)?;
            while let Some(line) = parser.next_line()? {
                builder.push(line)?;
            }
            Ok(builder.finish(&self.organization, scraped_at)?)
        };
        let snapshot = read().map_err(|fault| self.error(fault, exposition))?;
        self.check_anomalies(snapshot)
    }

    /// Starts to read an exposition that arrives in chunks.
    pub fn decoder(&self) -> SnapshotDecoder {
        SnapshotDecoder {
            parser: ChunkedParser::new(&self.options),
            builder: SnapshotBuilder::new(self.final_newline_is_required),
            start: Vec::new(),
            reader: self.clone(),
            scraped_at: SystemTime::now(),
        }
    }

    /// Turns a fault into an error, for an exposition that starts with some bytes.
    fn error(&self, fault: Fault, start: &[u8]) -> Error {
        let error = match fault {
            Fault::Model(error) => error,
            Fault::Parse(error) => match other_format(start) {
                Some(format) => {
                    let message = format!("expected an exposition, found {format}");
                    Error::new(ErrorKind::NotMetrics, message).with_source(error)
                }
                None => {
                    let kind = match error.kind() {
                        ParseErrorKind::Limit => ErrorKind::Limit,
                        _ => ErrorKind::Decode,
                    };
                    let message =
                        format!("cannot read the exposition as {}", self.options.format());
                    Error::new(kind, message).with_source(error)
                }
            },
        };
        error.with_organization(&self.organization)
    }

    fn check_anomalies(&self, snapshot: Snapshot) -> Result<Snapshot> {
        let anomalies = snapshot.anomalies();
        if !self.anomalies_are_errors || anomalies.is_empty() {
            return Ok(snapshot);
        }
        let shown: Vec<String> = anomalies
            .iter()
            .take(SHOWN_ANOMALIES)
            .map(ToString::to_string)
            .collect();
        let more = match anomalies.len().saturating_sub(SHOWN_ANOMALIES) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let message = format!(
            "found anomalies, which are errors here: {}{more}",
            shown.join("; ")
        );
        Err(Error::new(ErrorKind::Anomaly, message).with_organization(&self.organization))
    }
}

/// Reads expositions one after another, and gives the last snapshot again where the bytes are the same again.
///
/// Docker Scout computes its metrics once an hour, so most scrapes return the bytes of the one before. Comparing them is
/// far quicker than reading them, and a snapshot that [`is_same`](Snapshot::is_same) as the last one tells everybody
/// behind that nothing has changed.
///
/// The snapshot is shared, so [`scraped_at`](Snapshot::scraped_at) stays when these bytes were first read; who needs the
/// time of each scrape sets it with [`with_scraped_at`](Snapshot::with_scraped_at), which costs a copy. The last
/// exposition is kept in memory as long as the reader. An error changes nothing in what is remembered.
///
/// ```
/// use bytes::Bytes;
/// use scout_metrics_core::Organization;
/// use scout_metrics_openmetrics::scout::{RememberingReader, SnapshotReader};
///
/// let body = Bytes::from("scout_stream_vulnerabilities{streamName=\"a\",severity=\"HIGH\"} 3\n");
/// let mut reader = RememberingReader::new(SnapshotReader::new(Organization::new("acme")?));
/// let first = reader.read(&body)?;
/// let again = reader.read(&Bytes::copy_from_slice(&body))?;
/// assert!(again.is_same(&first));
/// # Ok::<(), scout_metrics_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RememberingReader {
    reader: SnapshotReader,
    last: Option<(Bytes, Snapshot)>,
}

impl RememberingReader {
    /// Creates a reader that remembers nothing yet.
    pub fn new(reader: SnapshotReader) -> Self {
        Self { reader, last: None }
    }

    /// Reads an exposition, unless it is the last one that could be read.
    ///
    /// # Errors
    ///
    /// Those of [`SnapshotReader::read`].
    pub fn read(&mut self, exposition: &Bytes) -> Result<Snapshot> {
        match &self.last {
            Some((last, snapshot)) if last == exposition => Ok(snapshot.clone()),
            _ => {
                let snapshot = self.reader.read(exposition)?;
                self.last = Some((exposition.clone(), snapshot.clone()));
                Ok(snapshot)
            }
        }
    }
}

/// Reads one exposition that arrives in chunks.
///
/// ```
/// use scout_metrics_core::{Organization, Severity};
/// use scout_metrics_openmetrics::scout::SnapshotReader;
///
/// let mut decoder = SnapshotReader::new(Organization::new("acme")?).decoder();
/// decoder.feed(b"scout_stream_vulnerabilities{streamName=\"prod")?;
/// assert_eq!(decoder.samples(), 0);
/// decoder.feed(b"uction\",severity=\"HIGH\"} 3\n")?;
/// assert_eq!(decoder.samples(), 1);
/// let snapshot = decoder.finish()?;
/// assert_eq!(snapshot.streams()[0].vulnerabilities()[Severity::High], 3);
/// # Ok::<(), scout_metrics_core::Error>(())
/// ```
#[derive(Debug)]
pub struct SnapshotDecoder {
    reader: SnapshotReader,
    parser: ChunkedParser,
    builder: SnapshotBuilder,
    /// The first bytes, to tell what it is when it is no exposition.
    start: Vec<u8>,
    scraped_at: SystemTime,
}

impl SnapshotDecoder {
    const START_LENGTH: usize = 256;

    /// Reads the next chunk.
    ///
    /// # Errors
    ///
    /// Those of [`SnapshotReader::read`]. After an error the decoder is of no more use.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<()> {
        let missing = Self::START_LENGTH - self.start.len();
        self.start
            .extend_from_slice(&chunk[..missing.min(chunk.len())]);
        let fed = self
            .parser
            .feed(chunk)
            .map_err(Fault::Parse)
            .and_then(|()| self.read());
        fed.map_err(|fault| self.reader.error(fault, &self.start))
    }

    /// Returns how many samples have been read so far. A line counts once it has ended.
    pub fn samples(&self) -> usize {
        self.builder.samples()
    }

    /// Says that the exposition is complete, and returns what it says.
    ///
    /// # Errors
    ///
    /// Those of [`SnapshotReader::read`].
    pub fn finish(mut self) -> Result<Snapshot> {
        let finished = self
            .parser
            .finish()
            .map_err(Fault::Parse)
            .and_then(|()| self.read());
        let organization = &self.reader.organization;
        let builder = self.builder;
        let snapshot = finished
            .and_then(|()| Ok(builder.finish(organization, self.scraped_at)?))
            .map_err(|fault| self.reader.error(fault, &self.start))?;
        self.reader.check_anomalies(snapshot)
    }

    fn read(&mut self) -> Result<(), Fault> {
        while let Some(line) = self.parser.next_line()? {
            self.builder.push(line)?;
        }
        Ok(())
    }
}

/// Why an exposition cannot be read: it breaks its format, or what it says cannot be.
enum Fault {
    Model(Error),
    Parse(ParseError),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Model(error)
    }
}

impl From<ParseError> for Fault {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

/// Returns what a text is that could not be read as an exposition, if it is something well known.
fn other_format(start: &[u8]) -> Option<&'static str> {
    let start = start
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(start)
        .trim_ascii_start();
    match start {
        [b'<', ..] => Some("HTML or XML"),
        [b'[', ..] => Some("JSON"),
        [b'{', rest @ ..] if is_json_object(rest) => Some("JSON"),
        _ => None,
    }
}

/// Returns whether a text goes on as a JSON object does. A line of an exposition may start with `{"` too, but has no
/// colon behind the name, and does not go on in the next line.
fn is_json_object(rest: &[u8]) -> bool {
    let members = rest.trim_ascii_start();
    let blanks = &rest[..rest.len() - members.len()];
    if blanks.contains(&b'\n') {
        return true;
    }
    match members {
        [b'}', rest @ ..] => rest.trim_ascii().is_empty(),
        [b'"', rest @ ..] => {
            let mut after_name = rest.splitn(2, |byte| *byte == b'"').skip(1);
            after_name
                .next()
                .is_some_and(|rest| rest.trim_ascii_start().starts_with(b":"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(count: u64) -> Bytes {
        let labels = "streamName=\"a\",severity=\"HIGH\"";
        format!("scout_stream_vulnerabilities{{{labels}}} {count}\n").into()
    }

    #[test]
    fn the_same_bytes_again_give_the_same_snapshot() {
        let reader = SnapshotReader::new(Organization::new("acme").unwrap());
        let mut reader = RememberingReader::new(reader);
        let first = reader.read(&body(1)).unwrap();
        let again = reader.read(&body(1)).unwrap();
        assert!(again.is_same(&first));
        assert_eq!(again.scraped_at(), first.scraped_at());
        let other = reader.read(&body(2)).unwrap();
        assert!(!other.is_same(&first));
        assert_ne!(other.streams(), first.streams());
        assert!(!reader.read(&body(1)).unwrap().is_same(&first));
    }

    #[test]
    fn an_error_does_not_make_a_reader_forget() {
        let reader = SnapshotReader::new(Organization::new("acme").unwrap());
        let mut reader = RememberingReader::new(reader);
        let first = reader.read(&body(1)).unwrap();
        for _ in 0..2 {
            reader.read(&Bytes::from("<html>")).unwrap_err();
        }
        assert!(reader.read(&body(1)).unwrap().is_same(&first));
    }
}
