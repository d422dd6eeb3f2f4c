//! Series whose text is written once for many samples, as those of Docker Scout are.

use std::fmt::{self, Write};

use super::{Encoder, error::EncodeError, parts::write_series};
use crate::{Suffix, escape::write_quoted};

/// A series up to the value of its last label, written once for all samples that differ only in that value.
#[derive(Debug, Default)]
pub(crate) struct SeriesStart(String);

impl SeriesStart {
    /// Holds most series without growing.
    const CAPACITY: usize = 160;

    pub(crate) fn set<'l, W>(
        &mut self,
        encoder: &mut Encoder<W>,
        name: &str,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
        last_label: &'l str,
    ) -> Result<(), EncodeError> {
        self.0.clear();
        self.0.reserve(Self::CAPACITY);
        let labels = labels.into_iter().chain([(last_label, "")]);
        let names = encoder.names.as_deref_mut();
        write_series(&mut self.0, names, name, Suffix::None, labels)?;
        self.0.truncate(self.0.len() - "\"}".len());
        Ok(())
    }
}

/// The rest of a series after a [`SeriesStart`]: the value of the last label, and the end of the labels.
#[derive(Debug, Default)]
pub(crate) struct SeriesEnd(String);

impl SeriesEnd {
    pub(crate) fn set(&mut self, value: &str) -> fmt::Result {
        self.0.clear();
        self.0.reserve(value.len() + "\"} ".len());
        write_quoted(&mut self.0, value)?;
        self.0.push_str("\"} ");
        Ok(())
    }
}

impl<W: Write> Encoder<W> {
    /// Writes a sample of a known series.
    #[inline]
    pub(crate) fn count(
        &mut self,
        start: &SeriesStart,
        end: &SeriesEnd,
        count: u64,
    ) -> fmt::Result {
        self.close_line()?;
        self.out.write_str(&start.0)?;
        self.out.write_str(&end.0)?;
        self.out.write_str(itoa::Buffer::new().format(count))?;
        self.out.write_char('\n')
    }
}
