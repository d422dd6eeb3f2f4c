//! The places that CI services attach findings to, all of which want a file.

use std::path::{Path, PathBuf};

use scout_metrics_core::{Organization, gate::Finding};

/// The file with the rules, which the repository may have, or else a path made of organization and stream.
pub(super) struct Locations(Option<String>);

impl Locations {
    pub(super) fn new(rules: Option<&PathBuf>) -> Self {
        let relative = rules.filter(|path| path.is_relative());
        Self(relative.and_then(|path| normalize(path)))
    }

    /// Returns the path of the rules relative to the working directory.
    pub(super) fn rules(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Returns a relative path.
    pub(super) fn path(&self, organization: &Organization, finding: &Finding) -> String {
        match &self.0 {
            Some(rules) => rules.clone(),
            None => made_up(organization, finding),
        }
    }

    /// Returns a relative URI reference.
    pub(super) fn uri(&self, organization: &Organization, finding: &Finding) -> String {
        match &self.0 {
            Some(rules) => rules.split('/').map(encode).collect::<Vec<_>>().join("/"),
            None => made_up(organization, finding),
        }
    }
}

fn made_up(organization: &Organization, finding: &Finding) -> String {
    match finding.stream() {
        None => organization.to_string(),
        Some(stream) => format!("{organization}/{}", encode(stream.as_str())),
    }
}

/// Returns a path with slashes, without `.`.
fn normalize(path: &Path) -> Option<String> {
    let text = path.to_str()?.replace('\\', "/");
    let segments = text.split('/').filter(|segment| *segment != ".");
    Some(segments.collect::<Vec<_>>().join("/"))
}

/// Returns a text as a segment of a path: everything but unreserved characters is encoded ([RFC 3986], 2.3).
///
/// [RFC 3986]: https://www.rfc-editor.org/rfc/rfc3986
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_rules_is_relative_and_has_slashes() {
        let rules = |path: &str| {
            let locations = Locations::new(Some(&path.into()));
            locations.rules().map(str::to_owned)
        };
        assert_eq!(
            rules("./ci/./my rules.toml").as_deref(),
            Some("ci/my rules.toml")
        );
        assert_eq!(rules("/etc/rules.toml"), None);
    }

    #[test]
    fn a_segment_of_a_uri_is_encoded() {
        assert_eq!(encode("my rules.toml"), "my%20rules.toml");
        assert_eq!(encode("日/\u{1b}"), "%E6%97%A5%2F%1B");
    }
}
