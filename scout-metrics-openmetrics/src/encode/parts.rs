//! Writes the parts of lines: metadata, series, labels and exemplars.

use std::fmt::{self, Write};

use super::{error::EncodeError, names::EscapedNames};
use crate::{Suffix, Timestamp, escape::write_quoted, find::NameOf};

pub(super) fn write_exemplar<N: AsRef<str>, V: AsRef<str>, W: Write>(
    out: &mut W,
    names: Option<&mut EscapedNames>,
    labels: impl IntoIterator<Item = (N, V)>,
    value: impl FnOnce(&mut W) -> fmt::Result,
    timestamp: Option<Timestamp>,
) -> Result<(), EncodeError> {
    out.write_str(" # {")?;
    write_labels(out, names, "", labels)?;
    out.write_str("} ")?;
    value(out)?;
    if let Some(timestamp) = timestamp {
        write!(out, " {timestamp}")?;
    }
    Ok(())
}

/// Writes `# KEYWORD name text`.
pub(super) fn write_metadata<W: Write>(
    out: &mut W,
    keyword: &str,
    name: &str,
    write_text: impl FnOnce(&mut W) -> fmt::Result,
) -> fmt::Result {
    write!(out, "# {keyword} ")?;
    if NameOf::Metric.is(name) {
        out.write_str(name)?;
    } else {
        out.write_char('"')?;
        write_quoted(out, name)?;
        out.write_char('"')?;
    }
    out.write_char(' ')?;
    write_text(out)?;
    out.write_char('\n')
}

/// Writes a sample's name and labels. A name that is not plain goes in quotes among the labels, unless it is escaped.
pub(super) fn write_series<N: AsRef<str>, V: AsRef<str>, W: Write>(
    out: &mut W,
    mut names: Option<&mut EscapedNames>,
    family: &str,
    suffix: Suffix,
    labels: impl IntoIterator<Item = (N, V)>,
) -> Result<(), EncodeError> {
    let mut separator = "{";
    if family.is_empty() {
        return Err(EncodeError::empty_name("a sample"));
    } else if let Some(names) = &mut names {
        out.write_str(names.sample(family, suffix)?)?;
    } else if NameOf::Metric.is(family) {
        out.write_str(family)?;
        out.write_str(suffix.as_str())?;
    } else {
        out.write_str("{\"")?;
        write_quoted(out, family)?;
        out.write_str(suffix.as_str())?;
        out.write_char('"')?;
        separator = ",";
    }
    if write_labels(out, names, separator, labels)? || separator == "," {
        out.write_char('}')?;
    }
    Ok(())
}

/// Writes labels with a separator before the first one. Returns whether there is any.
#[inline]
fn write_labels<N: AsRef<str>, V: AsRef<str>, W: Write>(
    out: &mut W,
    names: Option<&mut EscapedNames>,
    first_separator: &str,
    labels: impl IntoIterator<Item = (N, V)>,
) -> Result<bool, EncodeError> {
    let mut separator = first_separator;
    let mut is_first = true;
    let Some(names) = names else {
        for (name, value) in labels {
            write_label(out, separator, (name.as_ref(), value.as_ref()))?;
            (separator, is_first) = (",", false);
        }
        return Ok(!is_first);
    };
    names.start_labels();
    for (name, value) in labels {
        let name = names.label(name.as_ref());
        write_label(out, separator, (&name, value.as_ref()))?;
        (separator, is_first) = (",", false);
    }
    names.end_labels()?;
    Ok(!is_first)
}

fn write_label<W: Write>(
    out: &mut W,
    separator: &str,
    (name, value): (&str, &str),
) -> Result<(), EncodeError> {
    out.write_str(separator)?;
    if NameOf::Label.is(name) {
        out.write_str(name)?;
        out.write_str("=\"")?;
    } else if name.is_empty() {
        return Err(EncodeError::empty_name("a label"));
    } else {
        out.write_char('"')?;
        write_quoted(out, name)?;
        out.write_str("\"=\"")?;
    }
    write_quoted(out, value)?;
    Ok(out.write_char('"')?)
}
