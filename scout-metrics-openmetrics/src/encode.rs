//! The parts that expositions are written from. Each appends to a string and knows nothing of the others.

use crate::{
    Format, MetricType,
    escape::{push_help_text, push_quoted},
    number::push_value,
};

/// Writes `# TYPE name type`.
pub(crate) fn push_type(out: &mut String, name: &str, kind: MetricType, format: Format) {
    let word = match (format, kind) {
        (Format::Prometheus, MetricType::Unknown) => "untyped",
        _ => kind.as_str(),
    };
    push_metadata_start(out, "TYPE", name);
    out.push_str(word);
    out.push('\n');
}

/// Writes `# HELP name text`.
pub(crate) fn push_help(out: &mut String, name: &str, help: &str, format: Format) {
    push_metadata_start(out, "HELP", name);
    match format {
        Format::OpenMetrics => push_quoted(out, help),
        Format::Prometheus => push_help_text(out, help),
    }
    out.push('\n');
}

/// Writes the line that ends an exposition of OpenMetrics.
pub(crate) fn push_eof(out: &mut String) {
    out.push_str("# EOF\n");
}

fn push_metadata_start(out: &mut String, keyword: &str, name: &str) {
    out.push_str("# ");
    out.push_str(keyword);
    out.push(' ');
    if is_plain_name(name, true) {
        out.push_str(name);
    } else {
        out.push('"');
        push_quoted(out, name);
        out.push('"');
    }
    out.push(' ');
}

/// Writes a sample's name and labels. A name that is not plain goes in quotes among the labels.
pub(crate) fn push_series<'a>(
    out: &mut String,
    name: &str,
    labels: impl IntoIterator<Item = (&'a str, &'a str)>,
) {
    let is_plain = is_plain_name(name, true);
    let mut separator = '{';
    if is_plain {
        out.push_str(name);
    } else {
        out.push_str("{\"");
        push_quoted(out, name);
        out.push('"');
        separator = ',';
    }
    for (name, value) in labels {
        out.push(separator);
        separator = ',';
        push_label(out, name, value);
    }
    if separator == ',' {
        out.push('}');
    }
}

fn push_label(out: &mut String, name: &str, value: &str) {
    if is_plain_name(name, false) {
        out.push_str(name);
    } else {
        out.push('"');
        push_quoted(out, name);
        out.push('"');
    }
    out.push_str("=\"");
    push_quoted(out, value);
    out.push('"');
}

/// Writes a sample's value and ends the line.
pub(crate) fn push_value_line(out: &mut String, value: f64) {
    out.push(' ');
    push_value(out, value);
    out.push('\n');
}

/// Returns whether a name needs no quotes: `[a-zA-Z_:][a-zA-Z0-9_:]*`, without colons for a label.
fn is_plain_name(name: &str, is_metric: bool) -> bool {
    let is_part =
        |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || is_metric && byte == b':';
    name.bytes().all(is_part)
        && name
            .bytes()
            .next()
            .is_some_and(|first| !first.is_ascii_digit())
}
