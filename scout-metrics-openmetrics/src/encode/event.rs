//! Lines of a parser, written again.

use std::{borrow::Cow, fmt::Write};

use super::{encoder::Encoder, error::EncodeError};
use crate::{
    EscapingScheme, Event, Format, MetricType, SampleRef, Suffix, error::shown, find::NameOf,
};

impl<W: Write> Encoder<W> {
    /// Writes a line that a parser has read. Whatever it says is written without loss, or is an error.
    ///
    /// A proxy reads line by line, so it needs little memory, whatever the length of the exposition is. This one leaves out a
    /// family and adds a label:
    ///
    /// ```
    /// use std::{error::Error, io::{Read, Write}};
    ///
    /// use scout_metrics_openmetrics::{ChunkedParser, Encoder, Event, FamilyTracker, ParseOptions};
    ///
    /// fn relabel(from: impl Read, to: impl Write, options: &ParseOptions) -> Result<(), Box<dyn Error>> {
    ///     let mut families = FamilyTracker::new(options);
    ///     let mut encoder = Encoder::from_writer(to, options.format());
    ///     ChunkedParser::new(options).read_from(from, |line| -> Result<(), Box<dyn Error>> {
    ///         let family = families.family_of(line)?;
    ///         match line.event() {
    ///             _ if family.is_some_and(|family| family.name() == "go_info") => {}
    ///             Event::Sample(sample) => encoder.sample_ref(sample).label("cluster", "eu-1").write()?,
    ///             event => encoder.event(event)?,
    ///         }
    ///         Ok(())
    ///     })?;
    ///     encoder.finish()?;
    ///     Ok(())
    /// }
    ///
    /// let exposition = "# TYPE go_info gauge\ngo_info 1\n# TYPE up gauge\nup{job=\"api\"} 1\n";
    /// let mut relabelled = Vec::new();
    /// relabel(exposition.as_bytes(), &mut relabelled, &ParseOptions::default())?;
    /// assert_eq!(relabelled, b"# TYPE up gauge\nup{job=\"api\",cluster=\"eu-1\"} 1\n");
    /// # Ok::<(), Box<dyn Error>>(())
    /// ```
    ///
    /// Values are written as they were read, to the last digit. [`Event::End`] writes nothing, because [`finish`](Self::finish)
    /// ends the exposition; several expositions can be written one after another. Comments are left out in OpenMetrics, which
    /// has none.
    ///
    /// The format may be another than that of the parser as long as both write the lines in the same way. A counter is named
    /// differently, and a histogram of OpenMetrics 2.0 is one line, so these are errors; [`transcode`](crate::transcode) converts whole families.
    ///
    /// # Errors
    ///
    /// If the format cannot express the line, if a comment would be read as something else, or if the output fails; if two
    /// names become the same by escaping; and if a family of OpenMetrics has a name of which the escaped one depends on what
    /// is not known line by line: with [`Dots`](crate::EscapingScheme::Dots) and [`Values`](crate::EscapingScheme::Values) for
    /// counters and before the type, and with [`Underscores`](crate::EscapingScheme::Underscores) if it contains a colon
    /// ([`family`](Self::family) writes everything together).
    pub fn event(&mut self, event: Event<'_, '_>) -> Result<(), EncodeError> {
        match event {
            Event::Comment(text) => self.comment(text),
            Event::End => Ok(()),
            Event::Help { name, text } => {
                let (name, text) = (name.decode(), text.decode());
                self.check_help(&name, &text)?;
                let (name, _) = self.escaped(name, "")?;
                let written = self.write_help(&name, &text);
                written.map_err(|error| self.output_error(error))
            }
            Event::Sample(sample) => self.sample_ref(sample).write(),
            Event::Type { name, kind } => {
                let name = name.decode();
                self.check_type(&name, kind)?;
                (*name).clone_into(&mut self.last_type.name);
                self.last_type.kind = kind;
                let (name, _) = self.escaped(name, "")?;
                let written = self.write_type(&name, kind);
                written.map_err(|error| self.output_error(error))
            }
            Event::Unit { name, unit } => {
                let name = name.decode();
                self.check_unit(&name, unit)?;
                let (name, unit) = self.escaped(name, unit)?;
                let written = self.write_unit(&name, &unit);
                written.map_err(|error| self.output_error(error))
            }
        }
    }

    /// Returns the name and the unit of a family as metadata that are written line by line have them.
    fn escaped<'n>(
        &mut self,
        name: Cow<'n, str>,
        unit: &'n str,
    ) -> Result<(Cow<'n, str>, Cow<'n, str>), EncodeError> {
        let kind = Some(self.last_type.kind).filter(|_| self.last_type.name == name);
        if self.names.is_some() && !self.is_escaped_by_name(&name, kind) {
            let what = "its name is escaped by type and unit, which are not known line by line";
            return Err(self.refusal(&name, what));
        }
        let format = self.format();
        let Some(names) = &mut self.names else {
            return Ok((name, unit.into()));
        };
        let (name, unit) = names.family(&name, kind.unwrap_or_default(), unit, format)?;
        Ok((name.to_owned().into(), unit))
    }

    /// Returns whether the escaped name of a family does not depend on what may come later.
    fn is_escaped_by_name(&self, name: &str, kind: Option<MetricType>) -> bool {
        match self.format() {
            Format::Prometheus | Format::Protobuf => return true,
            // The name of a state set is also that of a label, which has no colons.
            Format::OpenMetrics2 => return kind.is_some() || !name.contains(':'),
            Format::OpenMetrics if NameOf::Metric.is(name) => return true,
            Format::OpenMetrics => {}
        }
        match self.content_type().escaping() {
            EscapingScheme::AllowUtf8 => true,
            EscapingScheme::Underscores => !name.contains(':'),
            EscapingScheme::Dots | EscapingScheme::Values => {
                kind.is_some_and(|kind| kind != MetricType::Counter)
            }
        }
    }

    fn comment(&mut self, text: &str) -> Result<(), EncodeError> {
        if self.format() != Format::Prometheus {
            return Ok(());
        }
        if !is_comment(text) {
            let what = "a comment would be read as something else";
            return Err(EncodeError::not_expressible("a line", self.format(), what));
        }
        let written = self.write_comment(text);
        written.map_err(|error| self.output_error(error))
    }

    /// Checks that the format names a sample in the same way as the format that it was read from.
    pub(super) fn check_naming(&self, sample: SampleRef<'_, '_>) -> Result<(), EncodeError> {
        if sample.format() == self.format() {
            return Ok(());
        }
        let name = sample.name().decode();
        let family = &self.last_type;
        let is_own_family = family.name == name;
        let is_whole = sample.format() == Format::OpenMetrics2;
        let what = match self.format() {
            Format::OpenMetrics2 if is_own_family && is_grouped(family.kind) => {
                "the format has one sample for a histogram or a summary"
            }
            // The type may have come long before, as in the cases below.
            Format::OpenMetrics2 if !is_own_family && has_suffix(&name, sample.format()) => {
                "the format has no suffixes"
            }
            Format::OpenMetrics if is_own_family && family.kind == MetricType::Counter => {
                "the format names a counter without `_total` and its samples with it"
            }
            Format::OpenMetrics if is_own_family && family.kind == MetricType::Info && is_whole => {
                "the format names an info without `_info` and its samples with it"
            }
            // The type may have come long before, so every sample with such a name may be one of a counter.
            Format::Prometheus if is_whole => return Ok(()),
            Format::Prometheus if !is_own_family && name.ends_with(Suffix::Total.as_str()) => {
                "the format has the same name for a counter and its samples"
            }
            Format::Prometheus if !is_own_family && name.ends_with(Suffix::Created.as_str()) => {
                "the format has no time of creation"
            }
            _ => return Ok(()),
        };
        let subject = format!("the sample `{}`", shown(&name));
        Err(EncodeError::not_expressible(&subject, self.format(), what))
    }
}

/// Returns whether OpenMetrics 2.0 has one sample for all that a metric of a type says.
fn is_grouped(kind: MetricType) -> bool {
    matches!(
        kind,
        MetricType::GaugeHistogram | MetricType::Histogram | MetricType::Summary
    )
}

/// Returns whether a name has a suffix that a format gives to samples.
fn has_suffix(name: &str, format: Format) -> bool {
    let is_prometheus = format == Format::Prometheus;
    let mut suffixes = Suffix::NAMED.iter().filter(|suffix| {
        !is_prometheus || matches!(suffix, Suffix::Bucket | Suffix::Count | Suffix::Sum)
    });
    suffixes.any(|suffix| name.ends_with(suffix.as_str()))
}

/// Returns whether Prometheus text reads a line as a comment, of which the text comes after the `#`.
fn is_comment(text: &str) -> bool {
    let line = text.trim_start_matches([' ', '\t']);
    let keyword = line.split([' ', '\t']).next().unwrap_or_default();
    let is_metadata = line.len() < text.len() && matches!(keyword, "HELP" | "TYPE");
    // Metadata without a name is read as a comment.
    let has_name = !line[keyword.len()..].trim_ascii().is_empty();
    let is_read_otherwise = text.contains('\n') || is_metadata && has_name;
    !is_read_otherwise
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ContentType, EncodeErrorKind, ParseOptions, Parser, encode_families, parse_families,
    };

    fn escaped(text: &str, content_type: ContentType) -> Result<String, EncodeError> {
        let options = ParseOptions::new(content_type.format());
        let mut parser = Parser::new(text.as_bytes(), &options).unwrap();
        let mut encoder = Encoder::new(String::new(), content_type);
        while let Some(event) = parser.next_event().unwrap() {
            encoder.event(event)?;
        }
        encoder.finish()
    }

    #[test]
    fn the_names_of_events_are_escaped() {
        let text = "# HELP \"jobs.run\" Jobs.\n# TYPE \"jobs.run\" summary\n{\"jobs.run_sum\",\"host name\"=\"a\"} 1\n";
        let content_type = ContentType::TEXT_0_0_4.with_escaping(EscapingScheme::Values);
        let lines = "# HELP U__jobs_2e_run Jobs.\n# TYPE U__jobs_2e_run summary\n\
            U__jobs_2e_run_sum{U__host_20_name=\"a\"} 1\n";
        assert_eq!(escaped(text, content_type).unwrap(), lines);
    }

    #[test]
    fn lines_of_openmetrics_are_escaped_as_their_families_are() {
        let text = "# TYPE \"jobs.run\" counter\n{\"jobs.run_total\"} 1\n\
            # TYPE \"a.x_b_per_c\" gauge\n# UNIT \"a.x_b_per_c\" b_per_c\n# HELP \"a.x_b_per_c\" A.\n{\"a.x_b_per_c\"} 2\n# EOF\n";
        let content_type = ContentType::OPENMETRICS_1_0_0;
        let options = ParseOptions::new(content_type);
        let families = parse_families(text.as_bytes(), &options).unwrap();
        for (scheme, families, text) in [
            (EscapingScheme::Underscores, families.as_slice(), text),
            (
                EscapingScheme::Values,
                &families.as_slice()[1..],
                text.split_at(text.find("# TYPE \"a").unwrap()).1,
            ),
        ] {
            let content_type = content_type.with_escaping(scheme);
            let exposition = encode_families(families, content_type).unwrap();
            assert_eq!(exposition.body(), &escaped(text, content_type).unwrap());
        }
    }

    #[test]
    fn a_family_that_is_escaped_by_type_and_unit_is_refused_line_by_line() {
        for (scheme, text) in [
            (
                EscapingScheme::Values,
                "# TYPE \"jobs.run\" counter\n# EOF\n",
            ),
            (EscapingScheme::Dots, "# HELP \"jobs.run\" Jobs.\n# EOF\n"),
            (EscapingScheme::Underscores, "# HELP \"a:b.c\" A.\n# EOF\n"),
        ] {
            let content_type = ContentType::OPENMETRICS_1_0_0.with_escaping(scheme);
            let error = escaped(text, content_type).unwrap_err();
            assert_eq!(error.kind(), EncodeErrorKind::NotExpressible, "{text}");
        }
        let text = "# TYPE jobs counter\njobs_total 1\n# EOF\n";
        let content_type = ContentType::OPENMETRICS_1_0_0.with_escaping(EscapingScheme::Values);
        assert_eq!(escaped(text, content_type).unwrap(), text);
    }
}
