//! Expositions read from readers and streams are those that were written.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

use std::{
    error::Error,
    io::{self, Cursor, Read},
};

use scout_metrics_openmetrics::{ChunkedParser, Event, Line, ParseOptions, Parser};

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

/// Longer than what is asked of a reader at once.
fn exposition() -> String {
    (0..5000)
        .map(|i| format!("a{{b=\"é{i}\"}} {i}\n"))
        .collect()
}

fn sum_of(line: Line<'_, '_>) -> f64 {
    match line.event() {
        Event::Sample(sample) => sample.value(),
        _ => 0.0,
    }
}

fn expected() -> f64 {
    let text = exposition();
    let mut parser = Parser::from_text(&text, &ParseOptions::default());
    let mut sum = 0.0;
    while let Some(line) = parser.next_line().unwrap() {
        sum += sum_of(line);
    }
    sum
}

fn parser() -> ChunkedParser {
    ChunkedParser::new(&ParseOptions::default())
}

/// A reader that is interrupted before each byte.
struct Slow<R> {
    of: R,
    is_interrupted: bool,
}

impl<R: Read> Read for Slow<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.is_interrupted = !self.is_interrupted;
        match self.is_interrupted {
            true => Err(io::ErrorKind::Interrupted.into()),
            false => self.of.read(&mut buffer[..1]),
        }
    }
}

#[test]
fn a_reader_is_read_to_its_end() {
    let mut sums = [0.0, 0.0];
    let each = |sum: &mut f64, line: Line<'_, '_>| -> Result {
        *sum += sum_of(line);
        Ok(())
    };
    let [one, other] = &mut sums;
    parser()
        .read_from(Cursor::new(exposition()), |line| each(one, line))
        .unwrap();
    let slow = Slow {
        of: Cursor::new(exposition()),
        is_interrupted: false,
    };
    parser().read_from(slow, |line| each(other, line)).unwrap();
    assert_eq!(sums, [expected(); 2]);
}

#[test]
fn the_first_error_ends_the_reading() {
    let read = |text: &str, each: fn(Line<'_, '_>) -> Result| {
        let error = parser().read_from(Cursor::new(text), each).unwrap_err();
        error.to_string()
    };
    assert_eq!(read("a 1\n", |_| Err("enough".into())), "enough");
    assert_eq!(
        read("a 1\na\n", |_| Ok(())),
        "expected a blank and a value, found the end of the line (line 2, column 2)"
    );
    let broken = Cursor::new("a 1\n").chain(Slow {
        of: Broken,
        is_interrupted: true,
    });
    let error = parser()
        .read_from(broken, |_| Ok::<(), Box<dyn Error>>(()))
        .unwrap_err();
    assert_eq!(error.to_string(), "the cable is loose");
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the cable is loose"))
    }
}

#[cfg(feature = "async-read")]
#[tokio::test]
async fn a_reader_of_tokio_is_read_to_its_end() {
    let text = exposition();
    let mut sum = 0.0;
    let each = |line: Line<'_, '_>| -> Result {
        sum += sum_of(line);
        Ok(())
    };
    parser()
        .read_from_async(text.as_bytes(), each)
        .await
        .unwrap();
    assert_eq!(sum, expected());
}

#[cfg(feature = "stream")]
mod streams {
    use bytes::Bytes;
    use futures_util::stream;
    use scout_metrics_openmetrics::ParseError;

    use super::*;

    #[tokio::test]
    async fn a_stream_of_chunks_is_read_to_its_end() {
        let text = exposition().into_bytes();
        let chunks: Vec<_> = text
            .chunks(1001)
            .map(|chunk| Ok::<_, io::Error>(Bytes::copy_from_slice(chunk)))
            .collect();
        let mut sum = 0.0;
        let each = |line: Line<'_, '_>| -> Result {
            sum += sum_of(line);
            Ok(())
        };
        let chunks = stream::iter(chunks);
        parser().read_from_stream(chunks, each).await.unwrap();
        assert_eq!(sum, expected());
    }

    #[tokio::test]
    async fn the_error_of_a_stream_ends_the_reading() {
        #[derive(Debug, PartialEq)]
        enum Fault {
            Parse(String),
            Stream,
        }
        impl From<ParseError> for Fault {
            fn from(error: ParseError) -> Self {
                Self::Parse(error.to_string())
            }
        }
        let chunks = stream::iter([Ok("a 1\n"), Err(Fault::Stream)]);
        let read = parser().read_from_stream(chunks, |_| Ok(())).await;
        assert_eq!(read, Err(Fault::Stream));
        let chunks = stream::iter([Ok::<_, Fault>("a 1\na")]);
        let read = parser().read_from_stream(chunks, |_| Ok(())).await;
        assert!(matches!(read, Err(Fault::Parse(_))), "{read:?}");
    }
}
