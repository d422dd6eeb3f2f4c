//! Content codings: which one a client asks for, and how a body is written in it.

use std::io::Write;

use axum::http::{HeaderMap, HeaderValue, header::ACCEPT_ENCODING};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

/// A coding that bodies are served in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Coding {
    Gzip,
    Identity,
    Zstd,
}

impl Coding {
    /// Returns the coding that the headers of a request ask for.
    ///
    /// Only a coding that is asked for by name is used, zstd before gzip where both are welcome alike. What cannot be
    /// read is not there: no value of the header is an error.
    pub(super) fn negotiate(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT_ENCODING).iter();
        let ranges: Vec<(&str, f32)> = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .filter_map(range)
            .collect();
        let quality = |name: &str| {
            let found = ranges.iter().find(|(of, _)| of.eq_ignore_ascii_case(name));
            found.map_or(0.0, |&(_, quality)| quality)
        };
        let (gzip, zstd, identity) = (quality("gzip"), quality("zstd"), quality("identity"));
        match () {
            () if zstd > 0.0 && zstd >= gzip && zstd >= identity => Self::Zstd,
            () if gzip > 0.0 && gzip >= identity => Self::Gzip,
            () => Self::Identity,
        }
    }

    /// Returns the value of the `Content-Encoding` header.
    pub(super) fn header(self) -> Option<HeaderValue> {
        match self {
            Self::Gzip => Some(HeaderValue::from_static("gzip")),
            Self::Identity => None,
            Self::Zstd => Some(HeaderValue::from_static("zstd")),
        }
    }

    /// Returns what the coding adds to an entity tag, because another coding is another body.
    pub(super) fn tag_suffix(self) -> &'static str {
        match self {
            Self::Gzip => "-gzip",
            Self::Identity => "",
            Self::Zstd => "-zstd",
        }
    }

    /// Writes a body in this coding.
    pub(super) fn encode(self, body: &Bytes) -> Bytes {
        match self {
            Self::Gzip => gzip(body).into(),
            Self::Identity => body.clone(),
            Self::Zstd => zstd::encode_all(&**body, zstd::DEFAULT_COMPRESSION_LEVEL)
                .expect("memory takes all bytes")
                .into(),
        }
    }
}

/// Reads one element of the header, such as `gzip;q=0.5`. A weight that cannot be read is 1, its default.
fn range(element: &str) -> Option<(&str, f32)> {
    let (name, parameters) = element.split_once(';').unwrap_or((element, ""));
    let weight = parameters.trim().strip_prefix(['q', 'Q']);
    let weight = weight.and_then(|weight| weight.trim_start().strip_prefix('='));
    let weight = weight.and_then(|weight| weight.trim().parse().ok());
    let weight = weight.filter(|weight| (0.0..=1.0).contains(weight));
    let name = name.trim();
    (!name.is_empty()).then_some((name, weight.unwrap_or(1.0)))
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).expect("memory takes all bytes");
    encoder.finish().expect("memory takes all bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn each_client_gets_what_it_asks_for() {
        for (accepted, coding) in [
            // Prometheus, VictoriaMetrics
            ("gzip", Coding::Gzip),
            // Python requests, with and without its optional packages
            ("gzip, deflate", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("zstd;q=0.5, gzip", Coding::Gzip),
            ("GZIP ; q = 0.1", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
            ("gzip;q=0.5, identity;q=0.9", Coding::Identity),
            ("identity, gzip", Coding::Gzip),
            ("*", Coding::Identity),
            ("", Coding::Identity),
            (";q=,,=;", Coding::Identity),
            ("gzip;q=nan", Coding::Gzip),
            ("deflate, br", Coding::Identity),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, accepted.parse().unwrap())]);
            assert_eq!(Coding::negotiate(&headers), coding, "{accepted}");
        }
        assert_eq!(Coding::negotiate(&HeaderMap::new()), Coding::Identity);
    }

    #[test]
    fn what_is_encoded_can_be_decoded() {
        let body = Bytes::from("scout ".repeat(1000));
        let mut text = String::new();
        flate2::read::GzDecoder::new(&*Coding::Gzip.encode(&body))
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text.as_bytes(), body);
        let zstd = Coding::Zstd.encode(&body);
        assert_eq!(zstd::decode_all(&*zstd).unwrap(), body);
        assert!(zstd.len() < 100);
        assert_eq!(Coding::Identity.encode(&body).as_ptr(), body.as_ptr());
    }
}
