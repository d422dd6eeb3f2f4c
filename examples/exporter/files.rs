//! Files that are read again and again while the program runs.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// The maximum size of a file in bytes, as much as a `ConfigMap` of Kubernetes holds.
const MAX_BYTES: u64 = 1024 * 1024;

/// Reads a regular file. Blocks this thread.
///
/// # Errors
///
/// If the file is larger than [`MAX_BYTES`] or is no regular file: a pipe without a writer would block the thread for
/// ever.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    read_bounded(path)
}

/// Reads a regular file as text. Blocks this thread.
///
/// # Errors
///
/// As [`read`] does, and if the file is not UTF-8.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    text(read(path)?)
}

/// Reads a file or a pipe, such as that of `<(...)` in a shell, as text. Blocks this thread.
///
/// # Errors
///
/// If it is larger than [`MAX_BYTES`], or not UTF-8.
pub(crate) fn read_text_or_pipe(path: &Path) -> io::Result<String> {
    text(read_bounded(path)?)
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut content)?;
    if content.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(content)
}

fn text(content: Vec<u8>) -> io::Result<String> {
    String::from_utf8(content).map_err(|_| io::Error::other("it is not UTF-8"))
}
