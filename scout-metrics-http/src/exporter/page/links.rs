//! The names of streams in paths.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use axum::http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use scout_metrics_core::{Snapshot, Stream, StreamName};

use super::super::paths;

/// The maximum length of a name that is written into a path, in bytes. Servers and proxies limit the length of a path.
const MAX_NAME: usize = 200;

/// The characters that a segment of a path may contain: the unreserved ones of RFC 3986, section 2.3.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Displays a name as a segment of a path.
///
/// A name that is too long, or that is resolved against the path even if it is escaped (`.` and `..`), is replaced by a
/// hash of it.
pub(super) struct Segment<'a>(pub(super) &'a StreamName);

impl fmt::Display for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.as_str();
        if name.len() > MAX_NAME || matches!(name, "." | "..") {
            return f.write_str(&hashed(name));
        }
        write!(f, "{}", utf8_percent_encode(name, ESCAPED))
    }
}

/// Returns what links to the root of the router start with on the page of a route, which a proxy may serve at another path.
pub(super) fn root(route: &str, uri: &Uri) -> String {
    match route {
        _ if route.ends_with("/organizations/{org}") => "../".to_owned(),
        _ if route.ends_with("/organizations/{org}/streams/{stream}") => "../../../".to_owned(),
        _ => paths::link_prefix(uri),
    }
}

/// Returns the stream that a decoded segment names.
pub(super) fn find<'a>(snapshot: &'a Snapshot, segment: &str) -> Option<&'a Stream> {
    let by_hash = || {
        let mut streams = snapshot.streams().iter();
        streams.find(|stream| hashed(stream.name().as_str()) == segment)
    };
    snapshot.stream(segment).or_else(|| {
        let is_hash = segment.starts_with('~');
        is_hash.then(by_hash).flatten()
    })
}

fn hashed(name: &str) -> String {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    format!("~{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;
    use scout_metrics_core::Organization;

    #[test]
    fn every_name_is_found_by_its_segment() {
        let long = "x".repeat(10_000);
        let names = [
            "production",
            ".",
            "..",
            "a/b",
            "../admin",
            "%2e%2e",
            "a b?c#d",
            "\u{202e}gnp",
            "日本",
            "\0\r\n",
            "~",
            "{org}",
            &long,
        ];
        let streams = names.map(Stream::new);
        let snapshot = Snapshot::new(Organization::new("acme").unwrap(), streams).unwrap();
        for name in names {
            let segment = Segment(&name.into()).to_string();
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~%".contains(c);
            assert!(segment.chars().all(is_plain), "{segment}");
            assert!(
                !matches!(&*segment, "." | "..") && segment.len() < 600,
                "{segment}"
            );
            let decoded = percent_decode_str(&segment).decode_utf8().unwrap();
            let found = find(&snapshot, &decoded).unwrap();
            assert_eq!(found.name().as_str(), name);
        }
        assert!(find(&snapshot, "~0000000000000000").is_none());
    }
}
