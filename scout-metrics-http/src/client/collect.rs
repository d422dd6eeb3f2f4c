//! Collects a body as text or as a snapshot.

use scout_metrics_core::{Result, Snapshot};
use scout_metrics_openmetrics::{
    ContentType, Exposition, Format,
    scout::{SnapshotDecoder, SnapshotReader},
};

/// Consumes a body part by part, and returns a result at its end.
pub(crate) trait Collect: Send {
    type Output: Send;

    fn feed(&mut self, part: &[u8]) -> Result<()>;

    /// Returns the number of samples read so far, if the body is parsed.
    fn samples(&self) -> Option<usize>;

    /// Returns whether the body so far has neither samples nor an end mark.
    fn is_blank(&self) -> bool;

    fn finish(self) -> Result<Self::Output>;
}

/// The properties of a body that its headers state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyKind {
    pub(crate) content_type: ContentType,
    /// Whether a truncated body is detected. If not, the body ends where the connection ends.
    pub(crate) has_known_end: bool,
}

/// Collects the text of a body.
pub(crate) struct TextCollector {
    content_type: ContentType,
    body: Vec<u8>,
}

impl TextCollector {
    pub(crate) fn new(kind: BodyKind) -> Self {
        Self {
            content_type: kind.content_type,
            body: Vec::new(),
        }
    }
}

impl Collect for TextCollector {
    type Output = Exposition;

    fn feed(&mut self, part: &[u8]) -> Result<()> {
        self.body.extend_from_slice(part);
        Ok(())
    }

    fn samples(&self) -> Option<usize> {
        None
    }

    fn is_blank(&self) -> bool {
        let is_openmetrics = self.content_type.format() == Format::OpenMetrics;
        let mut lines = self.body.split(|byte| *byte == b'\n');
        !lines.any(|line| {
            let has_end_mark = is_openmetrics && line == b"# EOF";
            let line = line.trim_ascii();
            has_end_mark || !line.is_empty() && line[0] != b'#'
        })
    }

    fn finish(self) -> Result<Exposition> {
        Ok(Exposition::new(self.content_type, self.body))
    }
}

/// Parses a body as it arrives.
pub(crate) struct SnapshotCollector {
    format: Format,
    decoder: SnapshotDecoder,
}

impl SnapshotCollector {
    pub(crate) fn new(reader: &SnapshotReader, kind: BodyKind) -> Self {
        let decoder = reader
            .clone()
            .with_format(kind.content_type.format())
            .with_required_final_newline(!kind.has_known_end)
            .decoder();
        Self {
            format: kind.content_type.format(),
            decoder,
        }
    }
}

impl Collect for SnapshotCollector {
    type Output = Snapshot;

    fn feed(&mut self, part: &[u8]) -> Result<()> {
        self.decoder.feed(part)
    }

    fn samples(&self) -> Option<usize> {
        Some(self.decoder.samples())
    }

    fn is_blank(&self) -> bool {
        // OpenMetrics cannot be read without its end mark.
        self.format != Format::OpenMetrics && self.decoder.samples() == 0
    }

    fn finish(self) -> Result<Snapshot> {
        self.decoder.finish()
    }
}
