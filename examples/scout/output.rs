//! The destination of the data.

use std::{
    error::Error,
    fs,
    io::{self, Write},
    path::PathBuf,
};

use anstream::adapter::strip_str;
use clap::Args;

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

    fn save(&self, path: &PathBuf, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        let name = printable(&path.to_string_lossy());
        Ok(fs::write(path, bytes).map_err(|error| format!("cannot write `{name}`: {error}"))?)
    }
}
