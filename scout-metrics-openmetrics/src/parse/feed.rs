//! Reads expositions straight from readers and streams.

use std::io::{self, Read};

use super::{chunked::ChunkedParser, event::Line};
use crate::ParseError;

/// The number of bytes that are requested from a reader at once.
const CHUNK: usize = 16 << 10;

/// Whole expositions, without a loop for chunks. The parser should be one that was fed nothing.
impl ChunkedParser {
    /// Reads a whole exposition and passes each line that is not blank to a function.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{ChunkedParser, Event, ParseOptions};
    ///
    /// let exposition = std::io::Cursor::new("up{job=\"a\"} 1\nup{job=\"b\"} 1\n");
    /// let mut sum = 0.0;
    /// ChunkedParser::new(&ParseOptions::default()).read_from(exposition, |line| {
    ///     if let Event::Sample(sample) = line.event() {
    ///         sum += sample.value();
    ///     }
    ///     Ok::<(), Box<dyn std::error::Error>>(())
    /// })?;
    /// assert_eq!(sum, 2.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the reader, the [`ParseError`], or the error of the function, whichever comes first.
    pub fn read_from<E>(
        mut self,
        mut exposition: impl Read,
        mut each: impl FnMut(Line<'_, '_>) -> Result<(), E>,
    ) -> Result<(), E>
    where
        E: From<io::Error> + From<ParseError>,
    {
        let mut chunk = vec![0; CHUNK];
        loop {
            match exposition.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => {
                    self.feed(&chunk[..length])?;
                    self.pass_lines(&mut each)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.finish()?;
        self.pass_lines(&mut each)
    }

    fn pass_lines<E: From<ParseError>>(
        &mut self,
        each: &mut impl FnMut(Line<'_, '_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(line) = self.next_line()? {
            each(line)?;
        }
        Ok(())
    }
}

#[cfg(feature = "async-read")]
impl ChunkedParser {
    /// Reads a whole exposition from a reader of tokio and passes each line that is not blank to a function.
    ///
    /// When the future is dropped, what was read is lost.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use scout_metrics_openmetrics::{ChunkedParser, ParseOptions};
    ///
    /// let exposition: &[u8] = b"up{job=\"a\"} 1\nup{job=\"b\"} 1\n";
    /// let mut lines = 0;
    /// let parser = ChunkedParser::new(&ParseOptions::default());
    /// parser
    ///     .read_from_async(exposition, |_| {
    ///         lines += 1;
    ///         Ok::<(), Box<dyn std::error::Error>>(())
    ///     })
    ///     .await?;
    /// assert_eq!(lines, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the reader, the [`ParseError`], or the error of the function, whichever comes first.
    pub async fn read_from_async<E>(
        mut self,
        exposition: impl tokio::io::AsyncRead,
        mut each: impl FnMut(Line<'_, '_>) -> Result<(), E>,
    ) -> Result<(), E>
    where
        E: From<io::Error> + From<ParseError>,
    {
        let mut exposition = std::pin::pin!(exposition);
        let mut chunk = vec![0; CHUNK];
        loop {
            let mut read = tokio::io::ReadBuf::new(&mut chunk);
            std::future::poll_fn(|context| exposition.as_mut().poll_read(context, &mut read))
                .await?;
            if read.filled().is_empty() {
                break;
            }
            self.feed(read.filled())?;
            self.pass_lines(&mut each)?;
        }
        self.finish()?;
        self.pass_lines(&mut each)
    }
}

#[cfg(feature = "stream")]
impl ChunkedParser {
    /// Reads a whole exposition from a stream of chunks, such as the body of an HTTP response, and passes each line that
    /// is not blank to a function.
    ///
    /// When the future is dropped, what was read is lost.
    ///
    /// # Errors
    ///
    /// The error of the stream, the [`ParseError`], or the error of the function, whichever comes first.
    pub async fn read_from_stream<B, S, E>(
        mut self,
        chunks: impl futures_core::Stream<Item = Result<B, S>>,
        mut each: impl FnMut(Line<'_, '_>) -> Result<(), E>,
    ) -> Result<(), E>
    where
        B: AsRef<[u8]>,
        E: From<S> + From<ParseError>,
    {
        let mut chunks = std::pin::pin!(chunks);
        while let Some(chunk) =
            std::future::poll_fn(|context| chunks.as_mut().poll_next(context)).await
        {
            self.feed(chunk?.as_ref())?;
            self.pass_lines(&mut each)?;
        }
        self.finish()?;
        self.pass_lines(&mut each)
    }
}
