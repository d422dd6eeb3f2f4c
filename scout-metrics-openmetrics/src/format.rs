//! The formats, and the media types that name them.

use std::fmt;

/// A text format for metrics.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Format {
    /// [OpenMetrics 1.0 text](https://prometheus.io/docs/specs/om/open_metrics_spec/).
    OpenMetrics,
    /// The [Prometheus text format 0.0.4](https://prometheus.io/docs/instrumenting/exposition_formats/), the default.
    #[default]
    Prometheus,
}

impl Format {
    /// Returns the value of the `Content-Type` header for a body of this format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Returns the format that a `Content-Type` header names, or `None` if it names no format that can be read.
    ///
    /// Names are compared without regard to case. `text/plain` without a version, or with 0.0.4 or 1.0.0 (which is
    /// 0.0.4 with quoted names), is the Prometheus format; `application/openmetrics-text` without a version, or with
    /// 1.0.0 or its draft 0.0.1, is OpenMetrics. A charset other than UTF-8 is refused. Where the header is missing, a
    /// caller does best to assume the Prometheus format, as Prometheus 2 does.
    ///
    /// ```
    /// use scout_metrics_openmetrics::Format;
    ///
    /// let format = Format::from_content_type("text/plain; version=0.0.4; charset=utf-8");
    /// assert_eq!(format, Some(Format::Prometheus));
    /// assert_eq!(Format::from_content_type("text/html"), None);
    /// ```
    pub fn from_content_type(value: &str) -> Option<Self> {
        let media = MediaRange::parse(value);
        let charset = media.parameter("charset").unwrap_or("utf-8");
        if !["utf-8", "utf8", "us-ascii"]
            .iter()
            .any(|known| charset.eq_ignore_ascii_case(known))
        {
            return None;
        }
        let version = media.parameter("version");
        if media.is("text/plain") {
            return matches!(version, None | Some("0.0.4" | "1.0.0")).then_some(Self::Prometheus);
        }
        let is_openmetrics = media.is("application/openmetrics-text");
        let is_known = matches!(version, None | Some("0.0.1" | "1.0.0"));
        (is_openmetrics && is_known).then_some(Self::OpenMetrics)
    }

    /// Returns the format that suits an `Accept` header best.
    ///
    /// OpenMetrics is chosen where it is asked for by name, in version 1.0.0 or none, and not ranked below the
    /// Prometheus format. Everything else, such as `*/*`, nothing or garbage, gets the Prometheus format, which
    /// every reader understands.
    ///
    /// ```
    /// use scout_metrics_openmetrics::Format;
    ///
    /// let accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    /// assert_eq!(Format::negotiate(accept), Format::OpenMetrics);
    /// assert_eq!(Format::negotiate("*/*"), Format::Prometheus);
    /// ```
    pub fn negotiate(accept: &str) -> Self {
        let ranges: Vec<MediaRange<'_>> = accept.split(',').map(MediaRange::parse).collect();
        let best = |of: &dyn Fn(&MediaRange<'_>) -> bool| {
            ranges
                .iter()
                .filter(|range| of(range))
                .map(MediaRange::quality)
                .max()
        };
        let openmetrics = best(&|range| {
            let version = range.parameter("version");
            range.is("application/openmetrics-text") && matches!(version, None | Some("1.0.0"))
        });
        let named = best(&|range| {
            let version = range.parameter("version");
            range.is("text/plain") && matches!(version, None | Some("0.0.4" | "1.0.0"))
        });
        let prometheus = named.or_else(|| best(&|range| range.is("text/*")));
        let prometheus = prometheus.or_else(|| best(&|range| range.is("*/*")));
        match openmetrics {
            Some(quality) if quality > 0 && quality >= prometheus.unwrap_or(0) => Self::OpenMetrics,
            _ => Self::Prometheus,
        }
    }

    /// Returns the short name: `openmetrics-1.0` or `prometheus-text-0.0.4`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenMetrics => "openmetrics-1.0",
            Self::Prometheus => "prometheus-text-0.0.4",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A media type or range with its parameters, as a header contains it. Nothing is refused: what cannot be read is not
/// there.
struct MediaRange<'a> {
    name: &'a str,
    parameters: &'a str,
}

impl<'a> MediaRange<'a> {
    fn parse(text: &'a str) -> Self {
        let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
        Self {
            name: name.trim(),
            parameters,
        }
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters
            .split(';')
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(found, _)| found.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().trim_matches('"'))
    }

    /// Returns the weight in thousandths (RFC 9110, section 12.4.2); 1000 where there is none that can be read.
    fn quality(&self) -> u32 {
        let weight = self.parameter("q").and_then(|q| q.parse::<f64>().ok());
        let weight = weight.filter(|weight| (0.0..=1.0).contains(weight));
        (weight.unwrap_or(1.0) * 1000.0).round() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_each_client_what_it_asks_for() {
        for (accept, format) in [
            // Prometheus 2.42
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            // Prometheus 3
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                 application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                 text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            // VictoriaMetrics
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", Format::Prometheus),
            // Datadog's OpenMetrics check
            (
                "application/openmetrics-text; version=0.0.1; charset=utf-8, text/plain",
                Format::Prometheus,
            ),
            // curl, browsers, nothing, garbage
            ("*/*", Format::Prometheus),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Format::Prometheus,
            ),
            ("", Format::Prometheus),
            (";;q=,\0,=", Format::Prometheus),
            ("application/openmetrics-text;q=0", Format::Prometheus),
            (
                "application/openmetrics-text;version=2.0.0, */*;q=0.1",
                Format::Prometheus,
            ),
            (
                "APPLICATION/OpenMetrics-Text; Version=\"1.0.0\"",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;q=0.4,text/*;q=0.5",
                Format::Prometheus,
            ),
        ] {
            assert_eq!(Format::negotiate(accept), format, "{accept}");
        }
    }

    #[test]
    fn reads_back_its_own_content_types() {
        for format in [Format::OpenMetrics, Format::Prometheus] {
            assert_eq!(
                Format::from_content_type(format.content_type()),
                Some(format)
            );
        }
    }

    #[test]
    fn refuses_content_types_that_it_cannot_read() {
        for value in [
            "",
            "text/html",
            "application/json",
            "text/plain; charset=iso-8859-1",
            "text/plain; version=2.0.0",
            "application/openmetrics-text; version=2.0.0",
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        ] {
            assert_eq!(Format::from_content_type(value), None, "{value}");
        }
        assert_eq!(
            Format::from_content_type("Text/Plain;Charset=UTF-8"),
            Some(Format::Prometheus)
        );
    }
}
