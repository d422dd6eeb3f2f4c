//! Docker Scout's metrics.

use std::{collections::HashSet, fmt::Write};

use crate::{numbers::magnitude, words::Words, written};

const SEED: u64 = 0x5C0D7;

const POLICIES: [(&str, &str); 7] = [
    ("default-non-root-user", "Default non-root user"),
    (
        "fixable-critical-high",
        "No fixable critical or high vulnerabilities",
    ),
    (
        "high-profile-vulnerabilities",
        "No high-profile vulnerabilities",
    ),
    ("no-copyleft", "No AGPL v3 licenses"),
    ("outdated-base-images", "No outdated base images"),
    ("supply-chain-attestations", "Supply chain attestations"),
    ("unapproved-base-images", "No unapproved base images"),
];

const SEVERITIES: [&str; 5] = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "UNSPECIFIED"];

/// Docker Scout's three families with exactly this many samples.
///
/// Shaped like an organization's: `latest-indexed` and environments, five severities each, and seven policies whose names
/// are as long as Docker's own.
pub fn scout(samples: usize) -> String {
    let mut words = Words::new(SEED);
    let per_stream = SEVERITIES.len() + 2 * POLICIES.len();
    let streams = stream_names(samples.div_ceil(per_stream), &mut words);
    let mut lines = Lines {
        out: String::new(),
        left: samples,
    };
    lines.family(
        "scout_stream_vulnerabilities",
        "Vulnerabilities in a stream.",
    );
    for stream in &streams {
        for severity in SEVERITIES {
            let count = count(&mut words, 4.0);
            lines.sample(format_args!(
                "scout_stream_vulnerabilities{{streamName=\"{stream}\",severity=\"{severity}\"}} {count}"
            ));
        }
    }
    for family in [
        "scout_policy_compliant_images",
        "scout_policy_evaluated_images",
    ] {
        lines.family(family, "Images of a stream.");
        // No more images comply than were evaluated.
        let least = if family == "scout_policy_evaluated_images" {
            500
        } else {
            0
        };
        for stream in &streams {
            for (id, display_name) in POLICIES {
                let count = least + count(&mut words, 2.7);
                lines.sample(format_args!(
                    "{family}{{id=\"{id}\",displayName=\"{display_name}\",streamName=\"{stream}\"}} {count}"
                ));
            }
        }
    }
    lines.out
}

/// Draws a count of which the length is drawn first; one in five is 0.
fn count(words: &mut Words, most_digits: f64) -> u64 {
    match words.rng().u8(0..5) {
        0 => 0,
        _ => magnitude(words.rng(), 0.0, most_digits) as u64,
    }
}

fn stream_names(count: usize, words: &mut Words) -> Vec<String> {
    let mut names = vec!["latest-indexed".to_owned()];
    let mut known = HashSet::new();
    while names.len() < count {
        let mut name = words.word().to_owned();
        for _ in 0..words.rng().usize(0..=3) {
            written(write!(name, "-{}", words.word()));
        }
        if words.rng().bool() {
            written(write!(name, "-{}", words.rng().u16(..)));
        }
        if known.insert(name.clone()) {
            names.push(name);
        }
    }
    names
}

struct Lines {
    out: String,
    left: usize,
}

impl Lines {
    fn family(&mut self, name: &str, help: &str) {
        let metadata = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} gauge");
        written(metadata);
    }

    fn sample(&mut self, line: std::fmt::Arguments<'_>) {
        if self.left > 0 {
            self.left -= 1;
            written(writeln!(self.out, "{line}"));
        }
    }
}
