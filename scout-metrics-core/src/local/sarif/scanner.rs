//! Properties that scanners write in their own ways.

use super::{
    log::{Finding, Properties},
    severity::Rating,
};

/// The program that wrote a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Scanner {
    DockerScout,
    Grype,
    Other,
    Trivy,
}

impl Scanner {
    /// Returns the scanner whose driver has a name.
    pub(super) fn of(driver: &str) -> Self {
        match driver.to_ascii_lowercase().as_str() {
            "docker scout" => Self::DockerScout,
            "grype" => Self::Grype,
            "trivy" => Self::Trivy,
            _ => Self::Other,
        }
    }

    /// Returns whether a rule is of a vulnerability. Trivy also has rules for secrets, misconfigurations and licences, and
    /// its first tag says which. A rule without tags may be of any kind, so it counts.
    pub(super) fn is_vulnerability(self, rule: &Properties) -> bool {
        let mut tags = rule.tags().peekable();
        self != Self::Trivy || tags.peek().is_none() || tags.any(|tag| tag == "vulnerability")
    }

    /// Returns whether the rules of a run are the vulnerabilities that it found. Other tools list all that they look for.
    pub(super) fn lists_found_rules(self) -> bool {
        self != Self::Other
    }

    /// Returns the packages of a result: package URLs, or what the message says. Empty if it is not known.
    ///
    /// Grype has one rule for all versions of a package, and Trivy one for all packages.
    pub(super) fn packages<'a>(
        self,
        result: &'a Finding,
        rule: Option<&'a Properties>,
    ) -> Vec<String> {
        let text = result.message.as_ref().map_or("", |message| &message.text);
        match self {
            Self::Grype => between(text, " package: ", " was found")
                .into_iter()
                .collect(),
            Self::Trivy => trivy_package(text).into_iter().collect(),
            Self::DockerScout | Self::Other => {
                let own = result.properties.packages();
                let packages = own.chain(rule.into_iter().flat_map(Properties::packages));
                packages.map(str::to_owned).collect()
            }
        }
    }

    /// Returns the rating of a result that differs from that of its rule: Trivy has one rule for a vulnerability in several
    /// packages, whose distributions may rate it differently.
    pub(super) fn rating(self, result: &Finding) -> Option<Rating> {
        let text = &result.message.as_ref()?.text;
        let word = || line(text, "Severity: ").and_then(Rating::of_word);
        (self == Self::Trivy).then(word).flatten()
    }
}

/// Returns the package of a message such as `Package: openssl\nInstalled Version: 3.0.11\n...`.
fn trivy_package(text: &str) -> Option<String> {
    let name = line(text, "Package: ")?;
    let version = line(text, "Installed Version: ")?;
    Some(format!("{name}@{version}"))
}

/// Returns the rest of the first line that starts with a label.
fn line<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(label))
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(after)?;
    Some(found.to_owned())
}
