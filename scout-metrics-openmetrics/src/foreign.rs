//! Texts that are not expositions at all, by how they look: answers of servers that people pass to a parser.

use memchr::memchr;

const UTF_16: &str = "text in UTF-16, which has to be converted to UTF-8";

/// Returns what a line is that cannot be read, if it is known to be of something else than metrics.
///
/// `is_first` says that no samples came before it.
pub(crate) fn name_of_line(line: &str, is_first: bool) -> Option<&'static str> {
    let line = line.trim();
    if is_markup(line) {
        return Some(match line {
            xml if xml.starts_with("<?xml") => "XML",
            _ => "HTML, such as an error page or a login page",
        });
    }
    if !is_first {
        return None;
    }
    if is_json(line) {
        return Some("JSON");
    }
    if is_http_head(line) {
        return Some("the head of an HTTP response, which `curl -i` prints before the body");
    }
    if is_http_error(line) {
        return Some("the text of an HTTP error");
    }
    if let [0, _, 0, _, ..] | [_, 0, _, 0, ..] = line.as_bytes() {
        return Some(UTF_16);
    }
    let is_binary = line.chars().next().is_some_and(char::is_control);
    is_binary.then_some("binary data, such as the protobuf format")
}

/// Returns what bytes are that start an exposition and end in the first that is not UTF-8, if it is known.
pub(crate) fn name_of_bytes(start: &[u8]) -> Option<&'static str> {
    match start {
        [0x1F, 0x8B] => Some("data compressed with gzip, which has to be decompressed first"),
        [0x28, 0xB5] => Some("data compressed with zstd, which has to be decompressed first"),
        [0x78, 0x9C | 0xDA] => {
            Some("data compressed with zlib, which has to be decompressed first")
        }
        [0xFE | 0xFF] => Some(UTF_16),
        [first, ..] if first.is_ascii_control() && !first.is_ascii_whitespace() => {
            Some("binary data, such as the protobuf format")
        }
        _ => None,
    }
}

/// Returns whether a line starts with a tag, a comment or a declaration of HTML or XML.
fn is_markup(line: &str) -> bool {
    let second = line.strip_prefix('<').and_then(|rest| rest.chars().next());
    second.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '!' | '/' | '?'))
}

fn is_json(line: &str) -> bool {
    let Some(inside) = line.strip_prefix('{') else {
        return line.starts_with('[');
    };
    let inside = inside.trim_start();
    let Some(key) = inside.strip_prefix('"') else {
        return matches!(inside, "" | "}");
    };
    let end = memchr(b'"', key.as_bytes());
    end.is_some_and(|end| key[end + 1..].trim_start().starts_with(':'))
}

fn is_http_head(line: &str) -> bool {
    const COMMON: [&str; 6] = [
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "date",
        "server",
    ];
    let is_header = |(name, _): (&str, &str)| {
        COMMON
            .iter()
            .any(|common| name.eq_ignore_ascii_case(common))
    };
    line.starts_with("HTTP/") || line.split_once(": ").is_some_and(is_header)
}

/// Returns whether a line is a status of HTTP with its reason, such as `404 page not found`.
fn is_http_error(line: &str) -> bool {
    let Some((status, reason)) = line.split_once([' ', ':']) else {
        return false;
    };
    let is_status = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
    is_status && status.starts_with(['4', '5']) && reason.contains(char::is_alphabetic)
}
