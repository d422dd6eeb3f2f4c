//! The destination of the data.

use std::{
    error::Error,
    fs::{self, Metadata},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use anstream::adapter::strip_str;
use clap::Args;
use tempfile::NamedTempFile;

use scout_metrics_examples::terminal::{self, printable};

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct Output {
    /// File to write to instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Output {
    /// Writes a text, with its styles only on a terminal.
    ///
    /// The text has no control characters but those of the styles.
    pub(crate) fn write(&self, text: &str) -> Result<(), Box<dyn Error>> {
        let Some(path) = &self.output else {
            let mut out = anstream::stdout().lock();
            let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            return Ok(terminal::unless_closed(written)?);
        };
        self.save(path, strip_str(text).to_string().as_bytes())
    }

    /// Writes bytes as they are.
    pub(crate) fn write_raw(&self, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        let Some(path) = &self.output else {
            let mut out = io::stdout().lock();
            let written = out.write_all(bytes).and_then(|()| out.flush());
            return Ok(terminal::unless_closed(written)?);
        };
        self.save(path, bytes)
    }

    fn save(&self, path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        let name = printable(&path.to_string_lossy());
        Ok(save(path, bytes).map_err(|error| format!("cannot write `{name}`: {error}"))?)
    }
}

/// Writes a file as a whole where that is possible, so that nobody finds a part of it.
fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let existing = fs::metadata(path).ok();
    let can_be_replaced = existing
        .as_ref()
        .is_none_or(|file| file.is_file() && !file.permissions().readonly());
    if !can_be_replaced {
        return fs::write(path, bytes);
    }
    match replace(path, existing, bytes) {
        // A file in a directory that cannot be written, or that is a mount of its own in a container.
        Err(error) if is_about_the_directory(&error) => fs::write(path, bytes),
        replaced => replaced,
    }
}

fn replace(path: &Path, existing: Option<Metadata>, bytes: &[u8]) -> io::Result<()> {
    // The target of a link, and not the link, is replaced.
    let path = match existing {
        Some(_) => fs::canonicalize(path)?,
        None => path.to_owned(),
    };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = new_file(directory, existing)?;
    file.write_all(bytes)?;
    file.persist(&path)?;
    Ok(())
}

/// Creates a file with the permissions of the existing one, or else with those that the process gives.
fn new_file(directory: &Path, existing: Option<Metadata>) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(directory)?;
    if let Some(existing) = existing {
        file.as_file().set_permissions(existing.permissions())?;
    }
    Ok(file)
}

fn is_about_the_directory(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::ResourceBusy
    )
}
