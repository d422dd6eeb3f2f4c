//! Content types: a format in a version, with the way in which names are escaped.

use std::{fmt, str::FromStr};

use crate::{
    EscapingScheme, Format,
    media_range::{MediaRange, Wildcard},
};

/// The content type of an exposition: a format in one of its versions, and the [`EscapingScheme`] of its names.
///
/// The versions of a format differ in the names that they know. Prometheus text 1.0.0 and OpenMetrics 1.0.0 know quoted
/// names; Prometheus text 0.0.4 and OpenMetrics 0.0.1, a draft, do not. So everything that can be written in one version
/// can be written in the other, and the scheme alone decides how names are written.
///
/// A server chooses the content type by the `Accept` header, and a reader gets it from the `Content-Type` header:
///
/// ```
/// use scout_metrics_openmetrics::{ContentType, MetricFamily, MetricType, ParseOptions, encode_families, parse_families};
///
/// let families = [MetricFamily::new("jobs.running", MetricType::Gauge)];
///
/// // Prometheus 2 sends this. It knows no quoted names.
/// let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
/// let exposition = encode_families(&families, ContentType::negotiate(accept))?;
/// assert_eq!(
///     exposition.content_type().as_str(),
///     "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
/// );
/// assert_eq!(exposition.body(), "# TYPE jobs_running gauge\n# EOF\n");
///
/// let content_type: ContentType = "text/plain; version=1.0.0; escaping=values".parse()?;
/// let families = parse_families(b"U__jobs_2e_running 1\n", &ParseOptions::new(content_type))?;
/// let families = families.unescaped(content_type.escaping())?;
/// assert!(families.get("jobs.running").is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A [`Format`] converts into the content type that loses nothing: its common version, with quoted names.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ContentType {
    version: Version,
    escaping: EscapingScheme,
}

/// A version of a format.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Version {
    OpenMetrics0_0_1,
    OpenMetrics1_0_0,
    OpenMetrics2_0_0,
    Protobuf,
    Text0_0_4,
    Text1_0_0,
}

impl ContentType {
    /// OpenMetrics 0.0.1, a draft that older readers request. It is written as 1.0.0 is.
    pub const OPENMETRICS_0_0_1: Self = Self::new(Version::OpenMetrics0_0_1);

    /// [OpenMetrics 1.0](https://prometheus.io/docs/specs/om/open_metrics_spec/).
    pub const OPENMETRICS_1_0_0: Self = Self::new(Version::OpenMetrics1_0_0);

    /// [OpenMetrics 2.0](https://prometheus.io/docs/specs/om/open_metrics_spec_2_0/), which is experimental. Only clients that
    /// name its version get it.
    pub const OPENMETRICS_2_0_0: Self = Self::new(Version::OpenMetrics2_0_0);

    /// The [protobuf format](https://prometheus.io/docs/instrumenting/exposition_formats/#protobuf-format) of Prometheus, which
    /// Prometheus requests first when it scrapes native histograms.
    pub const PROTOBUF: Self = Self::new(Version::Protobuf);

    /// The [Prometheus text format](https://prometheus.io/docs/instrumenting/exposition_formats/), the default.
    pub const TEXT_0_0_4: Self = Self::new(Version::Text0_0_4);

    /// The Prometheus text format of Prometheus 3, which has quoted names.
    pub const TEXT_1_0_0: Self = Self::new(Version::Text1_0_0);

    /// All formats that are text in all versions, in the order in which [`negotiate`](Self::negotiate) prefers them. Names are
    /// escaped with underscores.
    pub const ALL_TEXT: &'static [Self] = &[
        Self::TEXT_0_0_4,
        Self::OPENMETRICS_1_0_0,
        Self::OPENMETRICS_0_0_1,
        Self::TEXT_1_0_0,
    ];

    /// All formats in all versions: those of [`ALL_TEXT`](Self::ALL_TEXT), [`PROTOBUF`](Self::PROTOBUF) and
    /// [`OPENMETRICS_2_0_0`](Self::OPENMETRICS_2_0_0), in the order in which a server that offers all of them prefers them.
    pub const ALL: &'static [Self] = &[
        Self::TEXT_0_0_4,
        Self::OPENMETRICS_1_0_0,
        Self::OPENMETRICS_0_0_1,
        Self::TEXT_1_0_0,
        Self::PROTOBUF,
        Self::OPENMETRICS_2_0_0,
    ];

    const fn new(version: Version) -> Self {
        Self {
            version,
            escaping: EscapingScheme::Underscores,
        }
    }

    /// Returns the content type with another escaping scheme. The constants have
    /// [`Underscores`](EscapingScheme::Underscores).
    #[must_use]
    pub const fn with_escaping(mut self, escaping: EscapingScheme) -> Self {
        self.escaping = escaping;
        self
    }

    /// Returns the content type that an `Accept` header prefers, of [all that are text](Self::ALL_TEXT), so that an
    /// [`Encoder`](crate::Encoder) can write it. A server that writes with [`encode_families`](crate::encode_families) can offer
    /// [`ALL`](Self::ALL) in [`negotiate_among`](Self::negotiate_among).
    ///
    /// Prometheus 3 gets OpenMetrics 1.0.0 with quoted names, Prometheus 2 the same with underscores. A client that
    /// accepts everything, such as a browser, gets Prometheus text 0.0.4. See
    /// [`negotiate_among`](Self::negotiate_among) for the rules.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{ContentType, EscapingScheme};
    ///
    /// let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
    ///     application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
    ///     text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    /// let quoted = ContentType::OPENMETRICS_1_0_0.with_escaping(EscapingScheme::AllowUtf8);
    /// assert_eq!(ContentType::negotiate(prometheus_3), quoted);
    /// assert_eq!(ContentType::negotiate("*/*"), ContentType::TEXT_0_0_4);
    /// ```
    pub fn negotiate(accept: &str) -> Self {
        Self::negotiate_among(accept, Self::ALL_TEXT)
    }

    /// Returns the content type that an `Accept` header prefers, of those that a server offers.
    ///
    /// The ranges of the header are tried by falling weight `q`, and the first one that includes an offer decides; the
    /// offers are tried in their order. A missing version means 0.0.1 for OpenMetrics and 0.0.4 for Prometheus text. If
    /// no range includes an offer, the answer is the first offer of Prometheus text, or else the first offer, or
    /// [`TEXT_0_0_4`](Self::TEXT_0_0_4) if there is none: a client that understands nothing of it loses nothing.
    ///
    /// The scheme is the last one that a range has named up to the one that decides, and
    /// [`Underscores`](EscapingScheme::Underscores) if none has. Unknown schemes are ignored, and so are those of the
    /// offers. The values of several `Accept` headers are joined with commas.
    ///
    /// These are the rules of `NegotiateAccept` in [prometheus/common], with what RFC 9110 says where they differ from it:
    /// a range of weight 0 is refused, `text/*` includes Prometheus text, and names are compared without regard to case.
    ///
    /// ```
    /// use scout_metrics_openmetrics::ContentType;
    ///
    /// let accept = "application/openmetrics-text;version=1.0.0;escaping=values, text/plain;q=0.5";
    /// let text_only = ContentType::negotiate_among(accept, &[ContentType::TEXT_0_0_4]);
    /// assert_eq!(text_only.as_str(), "text/plain; version=0.0.4; charset=utf-8; escaping=values");
    /// ```
    ///
    /// [prometheus/common]: https://github.com/prometheus/common/blob/main/expfmt/encode.go
    pub fn negotiate_among(accept: &str, offers: &[Self]) -> Self {
        let mut escaping = EscapingScheme::default();
        for range in MediaRange::preferred(accept) {
            let named = range.parameter("escaping");
            escaping = named.and_then(|name| name.parse().ok()).unwrap_or(escaping);
            if let Some(offer) = offers.iter().find(|offer| offer.is_in(&range)) {
                return offer.with_escaping(escaping);
            }
        }
        let text = offers
            .iter()
            .find(|offer| offer.format() == Format::Prometheus);
        let fallback = text.or(offers.first()).unwrap_or(&Self::TEXT_0_0_4);
        fallback.with_escaping(escaping)
    }

    /// Returns the format.
    pub const fn format(self) -> Format {
        match self.version {
            Version::OpenMetrics0_0_1 | Version::OpenMetrics1_0_0 => Format::OpenMetrics,
            Version::OpenMetrics2_0_0 => Format::OpenMetrics2,
            Version::Protobuf => Format::Protobuf,
            Version::Text0_0_4 | Version::Text1_0_0 => Format::Prometheus,
        }
    }

    /// Returns the version of the format, such as `1.0.0`. The protobuf format has none.
    pub const fn version(self) -> &'static str {
        match self.version {
            Version::Protobuf => "",
            Version::OpenMetrics0_0_1 => "0.0.1",
            Version::Text0_0_4 => "0.0.4",
            Version::OpenMetrics1_0_0 | Version::Text1_0_0 => "1.0.0",
            Version::OpenMetrics2_0_0 => "2.0.0",
        }
    }

    /// Returns how names are escaped.
    pub const fn escaping(self) -> EscapingScheme {
        self.escaping
    }

    fn is_in(self, range: &MediaRange<'_>) -> bool {
        let (media_type, default_version) = match self.format() {
            Format::OpenMetrics | Format::OpenMetrics2 => (OPENMETRICS, "0.0.1"),
            Format::Prometheus => (TEXT, "0.0.4"),
            Format::Protobuf => (PROTOBUF, ""),
        };
        let version = || range.parameter("version").unwrap_or(default_version);
        range.includes(media_type)
            && (range.wildcard() != Wildcard::None
                || version() == self.version()
                    && (self.format() != Format::Protobuf || is_delimited(range)))
    }
}

/// Returns whether a range of the media type of protobuf has the messages of the format, each after its length.
fn is_delimited(range: &MediaRange<'_>) -> bool {
    let is = |name, value| range.parameter(name) == Some(value);
    is("proto", "io.prometheus.client.MetricFamily") && is("encoding", "delimited")
}

const OPENMETRICS: &str = "application/openmetrics-text";
const PROTOBUF: &str = "application/vnd.google.protobuf";
const TEXT: &str = "text/plain";

/// Returns a media type with the parameter for an escaping scheme, as a text that lives for ever.
macro_rules! with_escaping {
    ($media_type:literal, $escaping:expr) => {
        match $escaping {
            EscapingScheme::AllowUtf8 => concat!($media_type, "; escaping=allow-utf-8"),
            EscapingScheme::Dots => concat!($media_type, "; escaping=dots"),
            EscapingScheme::Underscores => concat!($media_type, "; escaping=underscores"),
            EscapingScheme::Values => concat!($media_type, "; escaping=values"),
        }
    };
}

impl ContentType {
    /// Returns the value of the `Content-Type` header, always with the parameter `escaping`.
    pub const fn as_str(self) -> &'static str {
        match self.version {
            Version::OpenMetrics0_0_1 => with_escaping!(
                "application/openmetrics-text; version=0.0.1; charset=utf-8",
                self.escaping
            ),
            Version::OpenMetrics1_0_0 => with_escaping!(
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                self.escaping
            ),
            Version::OpenMetrics2_0_0 => with_escaping!(
                "application/openmetrics-text; version=2.0.0; charset=utf-8",
                self.escaping
            ),
            Version::Protobuf => with_escaping!(
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
                self.escaping
            ),
            Version::Text0_0_4 => {
                with_escaping!("text/plain; version=0.0.4; charset=utf-8", self.escaping)
            }
            Version::Text1_0_0 => {
                with_escaping!("text/plain; version=1.0.0; charset=utf-8", self.escaping)
            }
        }
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Returns the content type that loses nothing: Prometheus text 0.0.4, OpenMetrics 1.0.0 or OpenMetrics 2.0.0 with quoted names,
/// or protobuf with names as they are.
impl From<Format> for ContentType {
    fn from(format: Format) -> Self {
        let content_type = match format {
            Format::OpenMetrics => Self::OPENMETRICS_1_0_0,
            Format::OpenMetrics2 => Self::OPENMETRICS_2_0_0,
            Format::Prometheus => Self::TEXT_0_0_4,
            Format::Protobuf => Self::PROTOBUF,
        };
        content_type.with_escaping(EscapingScheme::AllowUtf8)
    }
}

impl From<ContentType> for Format {
    fn from(content_type: ContentType) -> Self {
        content_type.format()
    }
}

/// Reads the value of a `Content-Type` header.
///
/// Names are compared without regard to case. A missing version means 0.0.1 for OpenMetrics and 0.0.4 for Prometheus text,
/// and a missing or unknown scheme means [`Underscores`](EscapingScheme::Underscores), as in prometheus/common; all of
/// them are read alike. A charset other than UTF-8 is refused. Where the header is missing, a caller does best to assume
/// the Prometheus format, as Prometheus 2 does.
///
/// ```
/// use scout_metrics_openmetrics::ContentType;
///
/// let read: ContentType = "Text/Plain;Charset=UTF-8".parse()?;
/// assert_eq!(read, ContentType::TEXT_0_0_4);
/// assert!("text/html".parse::<ContentType>().is_err());
/// # Ok::<(), scout_metrics_openmetrics::UnknownContentType>(())
/// ```
impl FromStr for ContentType {
    type Err = UnknownContentType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let media = MediaRange::parse(text);
        let charset = media.parameter("charset").unwrap_or("utf-8");
        let is_utf8 = ["utf-8", "utf8", "us-ascii"]
            .iter()
            .any(|known| charset.eq_ignore_ascii_case(known));
        let is_named = media.wildcard() == Wildcard::None && is_utf8;
        let mut all = Self::ALL.iter().filter(|_| is_named);
        let known = all.find(|known| known.is_in(&media));
        let escaping = media.parameter("escaping");
        let escaping = escaping.and_then(|name| name.parse().ok());
        known
            .map(|known| known.with_escaping(escaping.unwrap_or_default()))
            .ok_or(UnknownContentType(()))
    }
}

/// The error for a text that names no [`ContentType`] that can be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "expected the content type `text/plain` in version 0.0.4 or 1.0.0, or `application/openmetrics-text` in version \
     0.0.1, 1.0.0 or 2.0.0, in UTF-8, or `application/vnd.google.protobuf` with delimited messages of \
     `io.prometheus.client.MetricFamily`"
)]
pub struct UnknownContentType(());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_gets_what_it_asks_for() {
        for (accept, content_type) in [
            // Prometheus 2.42
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
            ),
            // Prometheus 3
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                 application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                 text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            ),
            // Prometheus 3 with `scrape_protocols: [PrometheusText1.0.0]` and `metric_name_escaping_scheme: dots`
            (
                "text/plain;version=1.0.0;escaping=dots;q=0.6,*/*;q=0.5",
                "text/plain; version=1.0.0; charset=utf-8; escaping=dots",
            ),
            // VictoriaMetrics
            (
                "text/plain;version=0.0.4;q=1,*/*;q=0.1",
                "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            ),
            // Datadog's OpenMetrics check
            (
                "application/openmetrics-text; version=0.0.1; charset=utf-8, text/plain",
                "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=underscores",
            ),
        ] {
            assert_eq!(
                ContentType::negotiate(accept).as_str(),
                content_type,
                "{accept}"
            );
        }
    }

    #[test]
    fn protobuf_is_for_those_who_ask_where_it_is_offered() {
        // Prometheus 3 with `scrape_native_histograms`
        let accept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;\
                      escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                      text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let chosen = ContentType::negotiate_among(accept, ContentType::ALL);
        assert_eq!(
            chosen,
            ContentType::PROTOBUF.with_escaping(EscapingScheme::AllowUtf8)
        );
        let text = ContentType::negotiate(accept);
        assert_eq!(
            text,
            ContentType::OPENMETRICS_1_0_0.with_escaping(EscapingScheme::AllowUtf8)
        );
        for accept in ["*/*", "application/*", "application/vnd.google.protobuf"] {
            let chosen = ContentType::negotiate_among(accept, ContentType::ALL);
            assert_ne!(chosen, ContentType::PROTOBUF, "{accept}");
        }
    }

    #[test]
    fn everything_else_gets_the_prometheus_format() {
        for accept in [
            // curl, browsers, nothing, garbage
            "*/*",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "",
            ";;q=,\0,=",
            "image/png",
            "text/html;q=nan",
            "text/*",
            // refused, unknown or less preferred
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=2.0.0, */*;q=0.1",
            "application/openmetrics-text;q=0.4,text/*;q=0.5",
            "text/plain;version=3.0.0",
        ] {
            let chosen = ContentType::negotiate(accept);
            assert_eq!(chosen, ContentType::TEXT_0_0_4, "{accept}");
        }
    }

    #[test]
    fn weights_are_compared_and_not_known() {
        for (low, high) in [("0.1", "0.2"), ("0.001", "0.002"), ("0.999", "1.0")] {
            let accept =
                format!("text/plain;q={low}, application/openmetrics-text;version=1.0.0;q={high}");
            let chosen = ContentType::negotiate(&accept);
            assert_eq!(chosen, ContentType::OPENMETRICS_1_0_0, "{accept}");
            let accept =
                format!("application/openmetrics-text;version=1.0.0;q={low}, text/plain;q={high}");
            let chosen = ContentType::negotiate(&accept);
            assert_eq!(chosen, ContentType::TEXT_0_0_4, "{accept}");
        }
    }

    #[test]
    fn the_last_scheme_up_to_the_range_that_decides_is_used() {
        for (accept, escaping) in [
            ("text/plain", EscapingScheme::Underscores),
            ("text/plain;escaping=dots", EscapingScheme::Dots),
            ("text/plain;escaping=invented", EscapingScheme::Underscores),
            (
                "a/b;escaping=values, text/plain;escaping=invented;q=0.9",
                EscapingScheme::Values,
            ),
            (
                "a/b;escaping=values, text/plain;escaping=dots;q=0.9",
                EscapingScheme::Dots,
            ),
            (
                "text/plain, a/b;escaping=values;q=0.9",
                EscapingScheme::Underscores,
            ),
            ("a/b;escaping=values", EscapingScheme::Values),
            ("*/*;escaping=values", EscapingScheme::Values),
            ("a/b;escaping=values;q=0", EscapingScheme::Underscores),
        ] {
            let chosen = ContentType::negotiate(accept);
            assert_eq!(
                chosen,
                ContentType::TEXT_0_0_4.with_escaping(escaping),
                "{accept}"
            );
        }
    }

    #[test]
    fn the_offers_of_the_server_bound_the_choice() {
        let among = |accept, offers: &[ContentType]| ContentType::negotiate_among(accept, offers);
        let openmetrics = [ContentType::OPENMETRICS_1_0_0];
        assert_eq!(among("text/plain", &openmetrics), openmetrics[0]);
        assert_eq!(among("*/*", &openmetrics), openmetrics[0]);
        assert_eq!(among("*/*", &[]), ContentType::TEXT_0_0_4);
        let both = [
            ContentType::OPENMETRICS_1_0_0.with_escaping(EscapingScheme::Values),
            ContentType::TEXT_1_0_0,
        ];
        assert_eq!(among("*/*", &both), ContentType::OPENMETRICS_1_0_0);
        assert_eq!(among("text/*", &both), ContentType::TEXT_1_0_0);
        assert_eq!(among("image/png", &both), ContentType::TEXT_1_0_0);
    }

    #[test]
    fn each_content_type_reads_back() {
        for content_type in ContentType::ALL {
            for escaping in EscapingScheme::ALL {
                let content_type = content_type.with_escaping(*escaping);
                assert_eq!(content_type.as_str().parse(), Ok(content_type));
                let shown = content_type.to_string();
                let version = format!("version={};", content_type.version());
                assert_eq!(
                    shown.contains(&version),
                    content_type.format() != Format::Protobuf
                );
                assert!(shown.ends_with(&format!("escaping={escaping}")), "{shown}");
            }
        }
    }

    #[test]
    fn content_types_that_cannot_be_read_are_refused() {
        for value in [
            "",
            "*/*",
            "text/*",
            "text/html",
            "application/json",
            "text/plain; charset=iso-8859-1",
            "text/plain; version=2.0.0",
            "application/openmetrics-text; version=3.0.0",
            "application/vnd.google.protobuf",
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text",
            "application/vnd.google.protobuf; proto=io.prometheus.client.Metric; encoding=delimited",
        ] {
            let read = value.parse::<ContentType>();
            assert_eq!(read, Err(UnknownContentType(())), "{value}");
        }
    }

    #[test]
    fn missing_and_unknown_parameters_have_defaults() {
        for (value, content_type) in [
            ("Text/Plain", ContentType::TEXT_0_0_4),
            (
                "application/OpenMetrics-Text;charset=UTF8",
                ContentType::OPENMETRICS_0_0_1,
            ),
            (
                "text/plain;version=\"1.0.0\";escaping=invented",
                ContentType::TEXT_1_0_0,
            ),
        ] {
            assert_eq!(value.parse(), Ok(content_type), "{value}");
        }
    }
}
