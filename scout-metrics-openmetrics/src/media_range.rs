//! Media types and ranges, as the headers `Accept` and `Content-Type` have them.

/// A media type or range with its parameters. Nothing is refused: what cannot be read is not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MediaRange<'a> {
    name: &'a str,
    parameters: &'a str,
}

/// The part of a media type that a range names.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Wildcard {
    /// `text/plain`
    None,
    /// `text/*`
    Subtype,
    /// `*/*`
    All,
}

impl<'a> MediaRange<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
        Self {
            name: name.trim(),
            parameters,
        }
    }

    /// Returns the ranges of an `Accept` header that are acceptable at all, the preferred ones first: by weight, then
    /// the more exact ones, then in their order.
    pub(crate) fn preferred(accept: &'a str) -> Vec<Self> {
        let ranges = accept.split(',').map(Self::parse);
        let mut ranges: Vec<Self> = ranges.filter(|range| range.weight() > 0).collect();
        ranges.sort_by_key(|range| (std::cmp::Reverse(range.weight()), range.wildcard()));
        ranges
    }

    /// Returns whether the range includes a media type, whatever its parameters.
    pub(crate) fn includes(&self, media_type: &str) -> bool {
        match self.wildcard() {
            Wildcard::All => true,
            Wildcard::None => self.name.eq_ignore_ascii_case(media_type),
            Wildcard::Subtype => {
                let group = self.name.len() - "*".len();
                let start = media_type.get(..group);
                start.is_some_and(|start| start.eq_ignore_ascii_case(&self.name[..group]))
            }
        }
    }

    pub(crate) fn wildcard(&self) -> Wildcard {
        match self.name {
            "*/*" | "*" => Wildcard::All,
            name if name.ends_with("/*") => Wildcard::Subtype,
            _ => Wildcard::None,
        }
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters
            .split(';')
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(found, _)| found.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().trim_matches('"'))
    }

    /// Returns the weight in thousandths (RFC 9110, section 12.4.2); 1000 where there is none that can be read.
    fn weight(&self) -> u32 {
        let weight = self.parameter("q").and_then(|q| q.parse::<f64>().ok());
        let weight = weight.filter(|weight| (0.0..=1.0).contains(weight));
        (weight.unwrap_or(1.0) * 1000.0).round() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(accept: &str) -> Vec<&str> {
        let ranges = MediaRange::preferred(accept);
        ranges.iter().map(|range| range.name).collect()
    }

    #[test]
    fn ranges_are_ordered_by_weight_then_exactness_then_place() {
        assert_eq!(
            names("*/*;q=0.9, a/a;q=0.1, b/*, b/b, c/c ; Q=1.000, */*, d/d;q=0"),
            ["b/b", "c/c", "b/*", "*/*", "*/*", "a/a"]
        );
        assert_eq!(names("a/a;q=0.001, b/b;q=0.002"), ["b/b", "a/a"]);
        assert_eq!(names("a/a;q=x, b/b;q=2, c/c;q=-1"), ["a/a", "b/b", "c/c"]);
    }

    #[test]
    fn ranges_include_what_they_name() {
        let includes = |range: &str, media_type| MediaRange::parse(range).includes(media_type);
        assert!(includes("Text/PLAIN", "text/plain"));
        assert!(includes("text/*;q=0.1", "text/plain"));
        assert!(includes("*", "text/plain"));
        assert!(!includes("te/*", "text/plain"));
        assert!(!includes("text/*", "text"));
        assert!(!includes("/*", "text/plain"));
        assert!(!includes("", "text/plain"));
    }

    #[test]
    fn parameters_are_found_in_any_case_and_quoted() {
        let media = MediaRange::parse("a/b; Version=\"1.0.0\" ;charset = UTF-8;;=;x");
        assert_eq!(media.parameter("version"), Some("1.0.0"));
        assert_eq!(media.parameter("charset"), Some("UTF-8"));
        assert_eq!(media.parameter("x"), None);
    }
}
