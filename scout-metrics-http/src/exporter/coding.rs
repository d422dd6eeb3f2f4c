//! Content codings: which one a client asks for, and how a body is written in it.

use std::{fmt, io::Write, mem, sync::Arc};

use axum::http::{HeaderMap, HeaderValue, header::ACCEPT_ENCODING};
use bytes::Bytes;
use flate2::{
    Compression, Crc,
    write::{DeflateEncoder, GzEncoder},
};

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

    /// Writes a body in this coding.
    pub(super) fn encode(self, body: &Bytes) -> Bytes {
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(body).expect(TAKES_ALL);
                encoder.finish().expect(TAKES_ALL).into()
            }
            Self::Identity => body.clone(),
            Self::Zstd => zstd::encode_all(&**body, zstd::DEFAULT_COMPRESSION_LEVEL)
                .expect(TAKES_ALL)
                .into(),
        }
    }
}

const TAKES_ALL: &str = "memory takes all bytes";

/// The beginning of bodies, written in a coding once, to which each of them adds an end of its own.
///
/// Both together are one gzip member or one zstd frame: many clients take the first of several for the whole.
#[derive(Clone)]
pub(super) struct Beginning {
    coding: Coding,
    bytes: Bytes,
    /// The checksum and the length of what was written, which stand at the end of a gzip member.
    sum: Arc<Crc>,
}

impl Beginning {
    pub(super) fn new(coding: Coding, plain: &Bytes) -> Self {
        let mut sum = Crc::new();
        let bytes = match coding {
            Coding::Gzip => {
                sum.update(plain);
                gzip_beginning(plain).into()
            }
            Coding::Identity => plain.clone(),
            Coding::Zstd => zstd_beginning(plain).into(),
        };
        Self {
            coding,
            bytes,
            sum: Arc::new(sum),
        }
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Writes an end for this beginning.
    pub(super) fn end(&self, plain: Bytes) -> Bytes {
        match self.coding {
            Coding::Gzip => gzip_end(&self.sum, &plain).into(),
            Coding::Identity => plain,
            // Of nothing, not even the header of a frame is written.
            Coding::Zstd if self.bytes.is_empty() => self.coding.encode(&plain),
            Coding::Zstd => zstd_end(&plain).into(),
        }
    }
}

impl fmt::Debug for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beginning")
            .field("coding", &self.coding)
            .finish_non_exhaustive()
    }
}

/// Writes the header of a gzip member and blocks of which none is the last. They end at the border of a byte.
fn gzip_beginning(plain: &[u8]) -> Vec<u8> {
    // RFC 1952, section 2.3: magic number, deflate, no flags, no time, nothing about the effort, unknown system.
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut encoder = DeflateEncoder::new(Vec::from(header), Compression::default());
    encoder.write_all(plain).expect(TAKES_ALL);
    encoder.flush().expect(TAKES_ALL);
    mem::take(encoder.get_mut())
}

/// Writes blocks that refer to nothing before them, and the end of a gzip member.
fn gzip_end(beginning: &Crc, plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect(TAKES_ALL);
    let mut bytes = encoder.finish().expect(TAKES_ALL);
    let mut sum = Crc::new();
    sum.combine(beginning);
    sum.update(plain);
    bytes.extend(sum.sum().to_le_bytes());
    bytes.extend(sum.amount().to_le_bytes());
    bytes
}

/// Writes the header of a zstd frame without checksum, and blocks of which none is the last.
fn zstd_beginning(plain: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), zstd::DEFAULT_COMPRESSION_LEVEL)
        .expect("the level is the default one");
    encoder.write_all(plain).expect(TAKES_ALL);
    encoder.flush().expect(TAKES_ALL);
    mem::take(encoder.get_mut())
}

/// Writes the last blocks of a zstd frame. They are not compressed: whatever is would depend on the blocks before.
fn zstd_end(plain: &[u8]) -> Vec<u8> {
    /// The most that a block may hold, by RFC 8878, section 3.1.1.2.4.
    const MAX_BLOCK: usize = 128 * 1024;
    let mut bytes = Vec::with_capacity(plain.len() + 3 * (1 + plain.len() / MAX_BLOCK));
    let mut rest = plain;
    loop {
        let (block, later) = rest.split_at(rest.len().min(MAX_BLOCK));
        // Section 3.1.1.2: whether it is the last, two bits for the type, of which 0 is raw, and the size.
        let header = u32::from(later.is_empty()) | (block.len() as u32) << 3;
        bytes.extend(&header.to_le_bytes()[..3]);
        bytes.extend(block);
        if later.is_empty() {
            return bytes;
        }
        rest = later;
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

    /// Reads the first gzip member alone, as many clients do.
    fn ungzip(bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        let mut decoder = flate2::bufread::GzDecoder::new(bytes);
        decoder.read_to_end(&mut plain).unwrap();
        assert!(decoder.into_inner().is_empty());
        plain
    }

    /// Reads the first zstd frame alone.
    fn unzstd(bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        let mut decoder = zstd::Decoder::with_buffer(bytes).unwrap().single_frame();
        decoder.read_to_end(&mut plain).unwrap();
        assert!(decoder.finish().is_empty());
        plain
    }

    #[test]
    fn one_beginning_goes_with_any_end() {
        let text = |length| Bytes::from("scout metrics, ".repeat(length / 10 + 1)).slice(..length);
        for beginning in [0, 1, 1000, 1_000_000] {
            let first = text(beginning);
            for coding in [Coding::Gzip, Coding::Identity, Coding::Zstd] {
                let beginning = Beginning::new(coding, &first);
                for end in [0, 1, 1000, 128 * 1024, 128 * 1024 + 1, 1_000_000] {
                    let last = text(end);
                    let whole = [&**beginning.bytes(), &beginning.end(last.clone())].concat();
                    let plain = match coding {
                        Coding::Gzip => ungzip(&whole),
                        Coding::Identity => whole,
                        Coding::Zstd => unzstd(&whole),
                    };
                    assert!(plain == [first.clone(), last].concat(), "{coding:?} {end}");
                }
            }
        }
    }

    #[test]
    fn what_is_encoded_can_be_decoded() {
        let body = Bytes::from("scout ".repeat(1000));
        assert_eq!(ungzip(&Coding::Gzip.encode(&body)), body);
        let zstd = Coding::Zstd.encode(&body);
        assert_eq!(unzstd(&zstd), body);
        assert!(zstd.len() < 100);
        assert_eq!(Coding::Identity.encode(&body).as_ptr(), body.as_ptr());
    }
}
