//! Reading a file whole, within bounds.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
    time::SystemTime,
};

use serde::Deserialize;

use super::LocalScans;
use crate::{Error, ErrorKind, Result, text::OneLine};

/// The maximum number of objects in a file, each of which takes some hundred bytes of memory. Scanners write more than 60
/// bytes for each.
const MAX_OBJECTS: usize = 1_000_000;

/// The remaining bounds of one scrape.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            bytes: LocalScans::MAX_TOTAL_SIZE,
        }
    }
}

/// A file in memory.
#[derive(Debug)]
pub(super) struct Content {
    bytes: Vec<u8>,
    pub(super) modified: SystemTime,
}

impl Content {
    pub(super) fn read(path: &Path, budget: &mut Budget) -> Result<Self> {
        let content = read_bounded(path).map_err(|error| cannot_read(path, error))?;
        let size = content.bytes.len() as u64;
        let Some(left) = budget.bytes.checked_sub(size) else {
            let message = format!(
                "the reports are larger than the limit of {} bytes in total, reached at `{}`",
                LocalScans::MAX_TOTAL_SIZE,
                shown(path)
            );
            return Err(Error::new(ErrorKind::Limit, message));
        };
        budget.bytes = left;
        Ok(content)
    }

    /// Parses the file as JSON, with or without a byte order mark.
    pub(super) fn parse<'a, T: Deserialize<'a>>(&'a self, path: &Path) -> Result<T> {
        let text = self.bytes.strip_prefix(b"\xef\xbb\xbf");
        let text = text.unwrap_or(&self.bytes);
        if text.trim_ascii().is_empty() {
            return Err(damaged(path, "the file is empty"));
        }
        if text.iter().filter(|byte| **byte == b'{').count() > MAX_OBJECTS {
            let fault = format!("it has more than the limit of {MAX_OBJECTS} JSON objects");
            return Err(cannot_read(path, too_large(fault)));
        }
        serde_json::from_slice(text).map_err(|error| damaged(path, error))
    }
}

fn read_bounded(path: &Path) -> io::Result<Content> {
    // Checked before the file is opened, because opening a pipe waits for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let file = File::open(path)?;
    let modified = file.metadata()?.modified()?;
    let mut bytes = Vec::new();
    file.take(LocalScans::MAX_FILE_SIZE + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LocalScans::MAX_FILE_SIZE {
        let message = format!(
            "larger than the limit of {} bytes",
            LocalScans::MAX_FILE_SIZE
        );
        return Err(too_large(message));
    }
    Ok(Content { bytes, modified })
}

fn too_large(fault: String) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, fault)
}

/// Returns the error of a file or directory that the system does not let us read.
pub(super) fn cannot_read(path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::FileTooLarge => ErrorKind::Limit,
        _ => ErrorKind::Other,
    };
    Error::new(kind, format!("cannot read `{}`", shown(path))).with_source(error)
}

/// Returns the error of a file whose content is not what its name says.
pub(super) fn damaged(
    path: &Path,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    let message = format!("cannot read `{}`", shown(path));
    Error::new(ErrorKind::Decode, message).with_source(cause)
}

/// Returns a path on one line.
pub(super) fn shown(path: &Path) -> String {
    OneLine(path.display()).to_string()
}
