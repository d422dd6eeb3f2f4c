//! The schemes that turn any name into one that every reader understands.

use std::{borrow::Cow, fmt, str::FromStr};

use super::values;
use crate::find::NameOf;

/// A way to write names that are not plain, as the parameter `escaping` of a content type says.
///
/// A plain metric name is `[a-zA-Z_:][a-zA-Z0-9_:]*`, a plain label name is the same without colons, and readers before
/// Prometheus 3 know no other names. Expositions keep plain names as they are in all schemes.
///
/// | scheme | `http.requests_total` becomes | inverse |
/// |---|---|---|
/// | [`AllowUtf8`](Self::AllowUtf8) | `http.requests_total`, in quotes | exact |
/// | [`Dots`](Self::Dots) | `http_dot_requests__total` | of dots and underscores; other characters are lost |
/// | [`Underscores`](Self::Underscores) | `http_requests_total` | none: characters are lost |
/// | [`Values`](Self::Values) | `U__http_2e_requests__total` | exact |
///
/// The rules are those of `EscapeName` and `UnescapeName` in [prometheus/common], which the [documentation of
/// Prometheus] describes, with three differences: a label name is free of colons too, codes of six digits can be
/// unescaped, and no name is unescaped to an empty one.
///
/// ```
/// use scout_metrics_openmetrics::EscapingScheme;
///
/// let escaped = EscapingScheme::Values.escape_metric_name("http.requests_total");
/// assert_eq!(escaped, "U__http_2e_requests__total");
/// assert_eq!(EscapingScheme::Values.unescape(&escaped), "http.requests_total");
/// ```
///
/// [prometheus/common]: https://github.com/prometheus/common/blob/main/model/metric.go
/// [documentation of Prometheus]: https://prometheus.io/docs/instrumenting/escaping_schemes/
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum EscapingScheme {
    /// `allow-utf-8`: names are not escaped. Those that are not plain are quoted, which Prometheus 3 understands.
    AllowUtf8,
    /// `dots`: a dot becomes `_dot_`, an underscore two, and any other character that is not plain two underscores.
    ///
    /// Lossy: `a b` and `a_b` both become `a__b`, and a plain name that contains `_dot_` or `__`, which an exposition
    /// keeps as it is, is unescaped to another name.
    Dots,
    /// `underscores`: each character that is not plain becomes an underscore. The default of readers that state none.
    ///
    /// Lossy: `a.b` and `a b` both become `a_b`.
    #[default]
    Underscores,
    /// `values`: the name starts with `U__`, an underscore becomes two, and any other character that is not plain
    /// becomes its code in hexadecimal digits between underscores.
    ///
    /// Lossless, except that a plain name that looks like an escaped one is unescaped to another name: an exposition
    /// keeps `U__a_2e_b` as it is, and it is read as `a.b`.
    Values,
}

impl EscapingScheme {
    /// All schemes.
    pub const ALL: &'static [Self] =
        &[Self::AllowUtf8, Self::Dots, Self::Underscores, Self::Values];

    /// Returns the value of the parameter `escaping`, such as `allow-utf-8`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Dots => "dots",
            Self::Underscores => "underscores",
            Self::Values => "values",
        }
    }

    /// Returns a metric name as a plain one, or unchanged with [`AllowUtf8`](Self::AllowUtf8).
    ///
    /// [`Dots`](Self::Dots) changes the underscores of plain names too. An empty name stays empty.
    pub fn escape_metric_name(self, name: &str) -> Cow<'_, str> {
        self.escape(NameOf::Metric, name)
    }

    /// Returns the name of a label as a plain one, as [`escape_metric_name`](Self::escape_metric_name) does.
    pub fn escape_label_name(self, name: &str) -> Cow<'_, str> {
        self.escape(NameOf::Label, name)
    }

    /// Returns the name that was escaped, as far as the scheme kept it: the inverse for metric and label names.
    ///
    /// A name that the scheme cannot have written is returned unchanged. So is every name with
    /// [`Underscores`](Self::Underscores), which keeps nothing to tell. See [`Dots`](Self::Dots) for what that scheme
    /// does not keep.
    ///
    /// ```
    /// use scout_metrics_openmetrics::EscapingScheme::{Dots, Underscores, Values};
    ///
    /// assert_eq!(Dots.unescape("http_dot_requests__total"), "http.requests_total");
    /// assert_eq!(Underscores.unescape("http_requests_total"), "http_requests_total");
    /// assert_eq!(Values.unescape("http_requests_total"), "http_requests_total");
    /// ```
    pub fn unescape(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::AllowUtf8 | Self::Underscores => name.into(),
            Self::Dots if name.contains('_') => unescape_dots(name),
            Self::Dots => name.into(),
            Self::Values => values::unescape(name).map_or(name.into(), Cow::Owned),
        }
    }

    /// Returns the name as an exposition has it: a plain one is kept.
    pub(crate) fn escape_if_needed(self, of: NameOf, name: &str) -> Cow<'_, str> {
        match of.is(name) {
            true => name.into(),
            false => self.escape(of, name),
        }
    }

    fn escape(self, of: NameOf, name: &str) -> Cow<'_, str> {
        match self {
            Self::AllowUtf8 => name.into(),
            Self::Dots => escape_dots(of, name),
            Self::Underscores | Self::Values if of.is(name) || name.is_empty() => name.into(),
            Self::Underscores => replace(of, name, |_, out| out.push('_')).into(),
            Self::Values => values::escape(of, name).into(),
        }
    }
}

impl fmt::Display for EscapingScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reads the value of the parameter `escaping`.
impl FromStr for EscapingScheme {
    type Err = UnknownEscapingScheme;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.iter().copied();
        let found = all.find(|scheme| scheme.as_str() == text);
        found.ok_or(UnknownEscapingScheme(()))
    }
}

/// The error for a text that names no [`EscapingScheme`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected one of the escaping schemes `allow-utf-8`, `dots`, `underscores` and `values`")]
pub struct UnknownEscapingScheme(());

fn escape_dots(of: NameOf, name: &str) -> Cow<'_, str> {
    if of.is(name) && !name.contains('_') {
        return name.into();
    }
    let escaped = replace(of, name, |character, out| {
        out.push_str(if character == '.' { "_dot_" } else { "__" });
    });
    escaped.into()
}

fn unescape_dots(name: &str) -> Cow<'_, str> {
    name.replace("_dot_", ".").replace("__", "_").into()
}

/// Returns a name in which each underscore and each character that is not plain is replaced.
pub(super) fn replace(of: NameOf, name: &str, write: impl Fn(char, &mut String)) -> String {
    let mut out = String::with_capacity(2 * name.len());
    for (place, character) in name.char_indices() {
        let is_digit = character.is_ascii_digit();
        let is_plain = character != '_' && is_plain(of, character) && !(is_digit && place == 0);
        match is_plain {
            true => out.push(character),
            false => write(character, &mut out),
        }
    }
    out
}

fn is_plain(of: NameOf, character: char) -> bool {
    u8::try_from(character).is_ok_and(|byte| of.has(byte))
}
