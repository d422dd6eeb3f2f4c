//! The start of a body, for errors, and to recognize bodies that are not metrics.

use scout_metrics_core::Error;

use super::{error::Excerpt, redact::Secrets};

/// The number of bytes of a body that are kept for errors. An error itself keeps [`Error::MAX_BODY_CHARS`] characters.
pub(crate) const EXCERPT_BYTES: usize = 8 * 1024;

/// Appends as much of a part of the body to its start as there is room for.
pub(crate) fn extend_start(start: &mut Vec<u8>, part: &[u8]) {
    let missing = EXCERPT_BYTES.saturating_sub(start.len());
    start.extend_from_slice(&part[..missing.min(part.len())]);
}

/// Describes a body that is labelled as metrics but starts as no exposition does.
pub(crate) fn not_metrics(start: &[u8]) -> Option<&'static str> {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    match start.trim_ascii_start() {
        [b'<', ..] => Some("is labelled as metrics but is HTML or XML"),
        [b'[', ..] => Some("is labelled as metrics but is JSON"),
        [b'{', rest @ ..] if is_json_object(rest) => Some("is labelled as metrics but is JSON"),
        [0x1f, 0x8b, ..] => Some("is gzip without `Content-Encoding: gzip`"),
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => Some("is UTF-16, expected UTF-8"),
        _ => None,
    }
}

/// Returns whether `{` and these bytes start a JSON object, and not a sample with a quoted name: `{"a.b"} 1`.
fn is_json_object(rest: &[u8]) -> bool {
    match rest.trim_ascii_start() {
        [b'}', ..] => true,
        [b'"', key @ ..] => {
            let end = key.iter().position(|b| *b == b'"');
            end.is_some_and(|end| key[end + 1..].trim_ascii_start().starts_with(b":"))
        }
        _ => false,
    }
}

/// Returns the start of a body as text, without secrets and without characters that a terminal would act on.
pub(crate) fn excerpt(start: &[u8], secrets: &Secrets) -> Excerpt {
    let is_shown = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let text = String::from_utf8_lossy(start);
    let text: String = text.chars().filter(is_shown).collect();
    let text = secrets.redact(&text);
    Excerpt(text.chars().take(Error::MAX_BODY_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguishes_json_from_quoted_names() {
        for json in [
            r#"{"a": 1}"#,
            "{}",
            " [1]",
            "{ \n \"a\"\t: {",
            "\u{feff}{\"a\":",
        ] {
            assert!(not_metrics(json.as_bytes()).is_some(), "{json}");
        }
        for exposition in [
            r#"{"a.b"} 1"#,
            r#"{"a.b",c="d"} 1"#,
            r#"{"a.b", "#,
            r#"{a="b"} 1"#,
            "a 1",
            "# HELP a {}",
            "",
        ] {
            assert_eq!(not_metrics(exposition.as_bytes()), None, "{exposition}");
        }
    }
}
