//! Faults of expositions as the errors of sources.

use scout_metrics_core::{Error, ErrorKind};

use crate::{ParseError, ParseErrorKind};

/// Makes an error of the kind [`Limit`](ErrorKind::Limit) or [`Decode`](ErrorKind::Decode), whose source is the
/// [`ParseError`], so that a source of metrics can use `?` on what this crate's parsers return.
///
/// The source shows text of the exposition, which can contain anything that a server sends.
impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        unreadable(error, "cannot read the exposition")
    }
}

pub(super) fn unreadable(error: ParseError, message: impl Into<String>) -> Error {
    let kind = match error.kind() {
        ParseErrorKind::Limit => ErrorKind::Limit,
        _ => ErrorKind::Decode,
    };
    Error::new(kind, message).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, ParseOptions, parse_families};

    #[test]
    fn a_parse_error_becomes_an_error_of_its_kind() {
        let read = |text: &[u8], options: ParseOptions| -> Result<(), Error> {
            parse_families(text, &options)?;
            Ok(())
        };
        let options = ParseOptions::default();
        let limited = options.with_limits(Limits::default().with_samples(0));
        assert_eq!(read(b"a {", options).unwrap_err().kind(), ErrorKind::Decode);
        assert_eq!(
            read(b"a 1\n", limited).unwrap_err().kind(),
            ErrorKind::Limit
        );
        let error = read(b"a 1 x\n", options).unwrap_err();
        assert_eq!(error.message(), "cannot read the exposition");
        assert!(std::error::Error::source(&error).is_some());
    }
}
