//! Reads a snapshot from an exposition, whole or in chunks.

use std::time::SystemTime;

use scout_metrics_core::{Error, ErrorKind, Organization, Result, Snapshot};

use super::{builder::SnapshotBuilder, error::unreadable};
use crate::{ChunkedParser, Format, Limits, Mode, ParseError, ParseOptions, Parser};

/// The number of anomalies that an error shows, if anomalies are errors.
const SHOWN_ANOMALIES: usize = 5;

/// Reads snapshots of one organization from expositions.
///
/// Reading does not change the reader, so one reader can read any number of expositions.
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
        self.options = self.options.with_format(format);
        self
    }

    /// Sets how strictly the format is checked. Default: [`Mode::Lenient`], which reports each rule that it forgives as an
    /// anomaly.
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

    /// Sets whether anomalies are errors. Default: `false`.
    #[must_use]
    pub fn with_anomalies_as_errors(mut self, are_errors: bool) -> Self {
        self.anomalies_are_errors = are_errors;
        self
    }

    /// Sets whether a last line without a line feed is an error instead of an anomaly. Default: `false`.
    ///
    /// Set it for expositions whose end is unknown, such as an HTTP response without a length: a last line `x 12` may be
    /// the start of `x 123`. OpenMetrics marks its end, so it does not need this.
    #[must_use]
    pub fn with_required_final_newline(mut self, is_required: bool) -> Self {
        self.final_newline_is_required = is_required;
        self
    }

    /// Returns the organization of the snapshots.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Reads an exposition.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Decode`]: the exposition breaks its format, ends too early, or has a count that is not a whole
    ///   number from 0 to 2^53. The message, or that of the [`source`](std::error::Error::source), names the line.
    /// - [`ErrorKind::NotMetrics`]: it is HTML or JSON.
    /// - [`ErrorKind::Limit`]: it exceeds a limit, or has too many [anomalies](super#nothing-is-lost).
    /// - [`ErrorKind::Anomaly`]: it has anomalies, and anomalies are errors.
    pub fn read(&self, exposition: &[u8]) -> Result<Snapshot> {
        let scraped_at = SystemTime::now();
        let read = || -> Result<Snapshot, Fault> {
            let mut builder = self.builder();
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
            builder: self.builder(),
            start: Vec::new(),
            reader: self.clone(),
            scraped_at: SystemTime::now(),
        }
    }

    fn builder(&self) -> SnapshotBuilder {
        SnapshotBuilder::new(self.final_newline_is_required)
    }

    /// Describes a fault in an exposition that starts with some bytes.
    fn error(&self, fault: Fault, start: &[u8]) -> Error {
        let error = match fault {
            Fault::Model(error) => error,
            Fault::Parse(error) => match other_format(start) {
                Some(format) => {
                    let message = format!("expected an exposition, found {format}");
                    Error::new(ErrorKind::NotMetrics, message).with_source(error)
                }
                None => {
                    let format = self.options.format();
                    unreadable(error, format!("cannot read the exposition as {format}"))
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
        let message = format!("the exposition has anomalies: {}{more}", shown.join("; "));
        Err(Error::new(ErrorKind::Anomaly, message).with_organization(&self.organization))
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
    /// The first bytes, which show what the text is if it is not an exposition.
    start: Vec<u8>,
    scraped_at: SystemTime,
}

impl SnapshotDecoder {
    const START_LENGTH: usize = 256;

    /// Reads the next chunk.
    ///
    /// # Errors
    ///
    /// Those of [`SnapshotReader::read`]. Drop the decoder after an error.
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

    /// Returns the number of samples read so far, of any family. An incomplete line does not count.
    ///
    /// A snapshot of an exposition without any samples has the anomaly
    /// [`Empty`](scout_metrics_core::AnomalyKind::Empty).
    pub fn samples(&self) -> usize {
        self.builder.samples()
    }

    /// Ends the exposition and returns its snapshot.
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

/// Why an exposition cannot be read: it breaks its format, or its data is invalid.
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

/// Returns the format of a text that cannot be read as an exposition, if it is a well-known one.
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

/// Returns whether a text continues as a JSON object. A line of an exposition may start with `{"` too, but has no colon
/// after the name, and does not continue in the next line.
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
