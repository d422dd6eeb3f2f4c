//! The severity of a vulnerability from what scanners write about it.

use super::log::{Properties, Score};
use crate::Severity;

/// How severe a vulnerability is. If reports disagree, the greatest counts.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Rating {
    /// The report does not say.
    Missing,
    Known(Severity),
    /// A word that is none of the severities.
    Unrecognized(String),
}

impl Rating {
    /// Returns the rating of a rule or result, by its word or else by its number.
    pub(super) fn of(properties: &Properties) -> Option<Self> {
        let word = properties.word.as_deref().and_then(Self::of_word);
        let tag = || {
            let severity = properties.tags().find_map(severity_of_word)?;
            Some(Self::Known(severity))
        };
        let score = || {
            let severity = severity_of_score(properties.score.as_ref()?)?;
            Some(Self::Known(severity))
        };
        word.or_else(tag).or_else(score)
    }

    /// Returns the rating of a word, or `None` if it is empty.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        if word.trim().is_empty() {
            return None;
        }
        let known = severity_of_word(word).map(Self::Known);
        Some(known.unwrap_or_else(|| Self::Unrecognized(word.to_owned())))
    }
}

fn severity_of_word(word: &str) -> Option<Severity> {
    Some(match word.trim().to_ascii_uppercase().as_str() {
        "CRITICAL" => Severity::Critical,
        "HIGH" => Severity::High,
        "MEDIUM" => Severity::Medium,
        "LOW" => Severity::Low,
        // NONE is the severity of the score 0.0 (CVSS 3.1, section 5), UNKNOWN is what Trivy writes.
        "NONE" | "UNKNOWN" | "UNSPECIFIED" => Severity::Unspecified,
        _ => return None,
    })
}

/// Returns the severity of a score by the qualitative scale of CVSS 3.1, section 5. 0.0 is what Grype and Trivy write for a
/// severity that they do not know.
fn severity_of_score(score: &Score) -> Option<Severity> {
    let number = match score {
        Score::Number(number) => *number,
        Score::Text(text) => text.trim().parse().ok()?,
    };
    Some(match number {
        9.0..=10.0 => Severity::Critical,
        7.0..9.0 => Severity::High,
        4.0..7.0 => Severity::Medium,
        0.0 => Severity::Unspecified,
        0.0..4.0 => Severity::Low,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rating(json: &str) -> Option<Rating> {
        Rating::of(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn scores_are_in_the_bands_of_cvss() {
        let score = |text: &str| severity_of_score(&Score::Text(text.to_owned()));
        for (text, expected) in [
            ("10.0", Severity::Critical),
            ("9.0", Severity::Critical),
            ("8.9", Severity::High),
            ("8.95", Severity::High),
            ("7.0", Severity::High),
            ("6.9", Severity::Medium),
            ("4.0", Severity::Medium),
            ("3.9", Severity::Low),
            ("0.1", Severity::Low),
            ("0.0", Severity::Unspecified),
            ("-0", Severity::Unspecified),
        ] {
            assert_eq!(score(text), Some(expected), "{text}");
        }
        for text in ["", "high", "10.1", "-0.1", "NaN", "inf", "9,8"] {
            assert_eq!(score(text), None, "{text}");
        }
    }

    #[test]
    fn a_word_wins_over_a_number() {
        let known = |severity| Some(Rating::Known(severity));
        for (json, expected) in [
            (
                r#"{"cvssV3_severity": "UNSPECIFIED", "security-severity": "3.1", "tags": ["UNSPECIFIED"]}"#,
                known(Severity::Unspecified),
            ),
            (
                r#"{"tags": ["vulnerability", "security", "LOW"], "security-severity": "9.8"}"#,
                known(Severity::Low),
            ),
            (
                r#"{"cvssV3_severity": "critical", "tags": ["LOW"]}"#,
                known(Severity::Critical),
            ),
            (
                r#"{"cvssV3_severity": "BLOCKER", "security-severity": "9.8"}"#,
                Some(Rating::Unrecognized("BLOCKER".to_owned())),
            ),
            (
                r#"{"security-severity": 7.5, "tags": ["java"]}"#,
                known(Severity::High),
            ),
            (r#"{"tags": ["java"]}"#, None),
            ("{}", None),
        ] {
            assert_eq!(rating(json), expected, "{json}");
        }
    }

    #[test]
    fn an_unrecognized_severity_is_the_greatest() {
        let unrecognized = Rating::Unrecognized("BLOCKER".to_owned());
        let known = [Severity::Unspecified, Severity::Critical].map(Rating::Known);
        let [least, most] = known;
        assert!(Rating::Missing < least && least < most && most < unrecognized);
    }
}
