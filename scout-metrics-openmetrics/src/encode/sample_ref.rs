//! Samples of a parser, written again with changes.

use std::{
    borrow::Cow,
    fmt::{self, Write},
};

use super::{encoder::Encoder, error::EncodeError};
use crate::{ExemplarRef, Format, SampleRef, Suffix, error::shown, number::write_value};

impl<W: Write> Encoder<W> {
    /// Prepares to write a sample that a parser has read. The returned encoder changes it and writes it.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{Encoder, Format, ParseOptions, Parser};
    ///
    /// let text = b"up{job=\"api\",pod=\"a\"} 1 1700000000000\n";
    /// let mut parser = Parser::new(text, &ParseOptions::default())?;
    /// let mut encoder = Encoder::new(String::new(), Format::Prometheus);
    /// while let Some(sample) = parser.next_sample()? {
    ///     encoder
    ///         .sample_ref(sample)
    ///         .label("cluster", "eu-1")
    ///         .without_label("pod")
    ///         .without_timestamp()
    ///         .write()?;
    /// }
    /// assert_eq!(encoder.finish()?, "up{job=\"api\",cluster=\"eu-1\"} 1\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sample_ref<'e, 's>(
        &'e mut self,
        sample: SampleRef<'s, 's>,
    ) -> SampleRefEncoder<'e, 's, W> {
        SampleRefEncoder {
            encoder: self,
            sample,
            name: None,
            labels: Vec::new(),
            has_timestamp: true,
            has_start: true,
            has_exemplar: true,
        }
    }
}

/// Changes and writes a sample that a parser has read. [`Encoder::sample_ref`] returns it.
#[derive(Debug)]
#[must_use = "`write` writes the sample"]
pub struct SampleRefEncoder<'e, 's, W> {
    encoder: &'e mut Encoder<W>,
    sample: SampleRef<'s, 's>,
    name: Option<&'s str>,
    /// The labels that are changed, each once; without a value where one is left out.
    labels: Vec<(&'s str, Option<&'s str>)>,
    has_timestamp: bool,
    has_start: bool,
    has_exemplar: bool,
}

impl<'s, W: Write> SampleRefEncoder<'_, 's, W> {
    /// Writes the sample with another name, the whole one with its suffix.
    pub fn name(mut self, name: &'s str) -> Self {
        self.name = Some(name);
        self
    }

    /// Writes the sample with a label set to a value, as [`LabelSet::with`](crate::LabelSet::with) sets it: a label that is
    /// there keeps its place, and a new one is the last.
    pub fn label(self, name: &'s str, value: &'s str) -> Self {
        self.change_label(name, Some(value))
    }

    /// Writes the sample without a label.
    pub fn without_label(self, name: &'s str) -> Self {
        self.change_label(name, None)
    }

    /// Writes the sample without its timestamp.
    pub fn without_timestamp(mut self) -> Self {
        self.has_timestamp = false;
        self
    }

    /// Writes the sample without the time at which counting began.
    pub fn without_start_timestamp(mut self) -> Self {
        self.has_start = false;
        self
    }

    /// Writes the sample without its exemplars.
    pub fn without_exemplar(mut self) -> Self {
        self.has_exemplar = false;
        self
    }

    /// Writes the sample.
    ///
    /// # Errors
    ///
    /// If the format cannot express the sample, as [`Encoder::event`] says, if a label was set whose name is empty or
    /// `__name__`, which is the name of the metric, or if the output fails.
    pub fn write(self) -> Result<(), EncodeError> {
        let Self {
            encoder,
            sample,
            labels,
            ..
        } = self;
        if labels
            .iter()
            .any(|(name, value)| *name == "__name__" && value.is_some())
        {
            let what = "the label `__name__` is the name of the metric";
            return Err(EncodeError::not_expressible(
                "a sample",
                encoder.format(),
                what,
            ));
        }
        let name = match self.name {
            Some(name) => name.into(),
            None => {
                encoder.check_naming(sample)?;
                sample.name().decode()
            }
        };
        let is_composite = sample.composite().is_some();
        if is_composite && encoder.format() != Format::OpenMetrics2 {
            let what = "the format has no composite values";
            let subject = format!("the sample `{}`", shown(&name));
            return Err(EncodeError::not_expressible(
                &subject,
                encoder.format(),
                what,
            ));
        }
        let value = |out: &mut W| match is_composite {
            true => out.write_str(sample.value_text()),
            false => write_number(out, sample.value(), sample.value_text()),
        };
        let timestamp = sample.timestamp().filter(|_| self.has_timestamp);
        let exemplars = sample.exemplars().filter(|_| self.has_exemplar);
        let labels = changed(sample, &labels);
        let mut encoded = encoder.sample_with(&name, Suffix::None, labels, value)?;
        if let Some(timestamp) = timestamp {
            encoded = encoded.timestamp(timestamp)?;
        }
        if let Some(start) = sample.start_timestamp().filter(|_| self.has_start) {
            encoded = encoded.start_timestamp(start)?;
        }
        for exemplar in exemplars {
            let labels = exemplar.labels();
            let labels = labels.map(|(name, value)| (name.decode(), value.decode()));
            let value = |out: &mut W| write_exemplar_value(out, exemplar);
            encoded = encoded.exemplar_with(labels, value, exemplar.timestamp())?;
        }
        Ok(())
    }

    fn change_label(mut self, name: &'s str, value: Option<&'s str>) -> Self {
        match self.labels.iter_mut().find(|(known, _)| *known == name) {
            Some(label) => label.1 = value,
            None => self.labels.push((name, value)),
        }
        self
    }
}

type Label<'s> = (Cow<'s, str>, Cow<'s, str>);

/// Returns the labels of a sample with changes.
fn changed<'s>(
    sample: SampleRef<'s, 's>,
    changes: &[(&'s str, Option<&'s str>)],
) -> impl Iterator<Item = Label<'s>> {
    let is_first = move |place: usize, name: &str| {
        let mut before = sample.labels().take(place);
        !before.any(|(found, _)| found == *name)
    };
    let own = sample
        .labels()
        .enumerate()
        .filter_map(move |(place, (name, value))| {
            let name = name.decode();
            match changes.iter().find(|(changed, _)| *changed == name) {
                None => Some((name, value.decode())),
                Some((_, Some(new))) if is_first(place, &name) => Some((name, Cow::Borrowed(*new))),
                Some(_) => None,
            }
        });
    let added = changes.iter().filter_map(move |(name, value)| {
        let value = value.filter(|_| sample.label(name).is_none())?;
        Some((Cow::Borrowed(*name), Cow::Borrowed(value)))
    });
    own.chain(added)
}

/// Writes a number as it was read, so that no digit is lost, unless a format might not know how it is written.
fn write_number<W: Write>(out: &mut W, value: f64, text: &str) -> fmt::Result {
    let is_decimal = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    if text.bytes().all(is_decimal) {
        out.write_str(text)
    } else {
        write_value(out, value)
    }
}

fn write_exemplar_value<W: Write>(out: &mut W, exemplar: ExemplarRef<'_, '_>) -> fmt::Result {
    write_number(out, exemplar.value(), exemplar.value_text())
}
