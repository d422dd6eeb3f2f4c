//! Rules in a TOML file.

use super::Gate;
use crate::{Error, ErrorKind, Result};

impl Gate {
    /// Reads the text of a rules file, which the [module](super) describes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the text is not TOML, has an unknown key or a value of the wrong type, or has no rule. The
    /// message says the line and the key.
    pub fn from_toml(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            let place = place(text, &error);
            let message = format!("{place}: {}", error.message());
            Error::new(ErrorKind::Config, message)
        })
    }
}

/// Returns the line of an error, and the key if it is known.
fn place(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start);
    let line = 1 + text.bytes().take(start).filter(|b| *b == b'\n').count();
    let mut short = error.clone();
    // Without the input, an error is shown as its message and its key.
    short.set_input(None);
    match short.to_string().trim_end().rsplit_once("\nin ") {
        Some((_, key)) => format!("line {line}, {key}"),
        None => format!("line {line}"),
    }
}
