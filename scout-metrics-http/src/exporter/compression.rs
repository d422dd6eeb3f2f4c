//! Which content coding a client prefers, and gzip.

use std::io::Write;

use axum::http::{HeaderMap, HeaderValue, header::ACCEPT_ENCODING};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

/// A content coding of responses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ContentCoding {
    Gzip,
    Identity,
}

impl ContentCoding {
    /// Returns the coding that the headers of a request prefer.
    ///
    /// Gzip is used only if it is named. A value that cannot be parsed is ignored.
    pub(super) fn negotiate(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT_ENCODING).iter();
        let (mut gzip, mut identity) = (0.0, 0.0);
        let ranges = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .filter_map(range);
        for (name, quality) in ranges {
            if name.eq_ignore_ascii_case("gzip") {
                gzip = quality;
            } else if name.eq_ignore_ascii_case("identity") {
                identity = quality;
            }
        }
        if gzip > 0.0 && gzip >= identity {
            Self::Gzip
        } else {
            Self::Identity
        }
    }

    /// Returns the value of the `Content-Encoding` header.
    pub(super) fn header(self) -> Option<HeaderValue> {
        match self {
            Self::Gzip => Some(HeaderValue::from_static("gzip")),
            Self::Identity => None,
        }
    }

    /// Encodes a whole body. Takes about a millisecond for 50 kB, so it must not run on an async thread.
    pub(super) fn encode(self, parts: [Bytes; 2]) -> [Bytes; 2] {
        match self {
            Self::Gzip => [gzip(&parts), Bytes::new()],
            Self::Identity => parts,
        }
    }
}

/// Parses a coding and its quality, which is 1 if it is missing or not a number from 0 to 1.
fn range(element: &str) -> Option<(&str, f32)> {
    let (name, parameters) = element.split_once(';').unwrap_or((element, ""));
    let weight = parameters.trim().strip_prefix(['q', 'Q']);
    let weight = weight.and_then(|weight| weight.trim_start().strip_prefix('='));
    let weight = weight.and_then(|weight| weight.trim().parse().ok());
    let weight = weight.filter(|weight| (0.0..=1.0).contains(weight));
    let name = name.trim();
    (!name.is_empty()).then_some((name, weight.unwrap_or(1.0)))
}

fn gzip(parts: &[Bytes]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut written = parts.iter().map(|part| encoder.write_all(part));
    let encoded = written.try_for_each(|written| written);
    let encoded = encoded.and_then(|()| encoder.finish());
    encoded.expect("writing to a vector does not fail").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn each_client_gets_the_coding_it_prefers() {
        for (accepted, coding) in [
            // Prometheus, VictoriaMetrics
            ("gzip", ContentCoding::Gzip),
            // Python requests, with and without its optional packages
            ("gzip, deflate", ContentCoding::Gzip),
            ("gzip, deflate, br, zstd", ContentCoding::Gzip),
            ("zstd;q=0.5, gzip", ContentCoding::Gzip),
            ("GZIP ; q = 0.1", ContentCoding::Gzip),
            ("gzip;q=0", ContentCoding::Identity),
            ("gzip;q=0.5, identity;q=0.9", ContentCoding::Identity),
            ("identity, gzip", ContentCoding::Gzip),
            ("*", ContentCoding::Identity),
            ("", ContentCoding::Identity),
            (";q=,,=;", ContentCoding::Identity),
            ("gzip;q=nan", ContentCoding::Gzip),
            ("deflate, br, zstd", ContentCoding::Identity),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, accepted.parse().unwrap())]);
            assert_eq!(ContentCoding::negotiate(&headers), coding, "{accepted}");
        }
        let none = ContentCoding::negotiate(&HeaderMap::new());
        assert_eq!(none, ContentCoding::Identity);
    }

    #[test]
    fn gzip_can_be_decoded_as_one_member_and_identity_copies_nothing() {
        let body = Bytes::from("scout ".repeat(1000));
        let parts = [body.slice(..100), body.slice(100..)];
        let [zipped, rest] = ContentCoding::Gzip.encode(parts.clone());
        assert!(rest.is_empty());
        assert!(zipped.len() < 100);
        let mut decoder = flate2::bufread::GzDecoder::new(&*zipped);
        let mut decoded = Vec::new();
        decoder.read_to_end(&mut decoded).unwrap();
        assert_eq!(decoded, body);
        assert!(decoder.into_inner().is_empty());

        let identity = ContentCoding::Identity.encode(parts.clone());
        assert_eq!(identity[1].as_ptr(), parts[1].as_ptr());
    }
}
