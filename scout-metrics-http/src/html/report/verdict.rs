//! The report in one sentence.

use super::view::OrganizationView;
use crate::html::Level;

/// The worst level, and what a person should know who reads nothing else.
pub(super) struct Verdict {
    pub(super) level: Level,
    pub(super) sentence: String,
}

impl Verdict {
    pub(super) fn new(organizations: &[OrganizationView<'_>]) -> Self {
        let sections = || {
            organizations
                .iter()
                .filter_map(|organization| organization.section.as_ref().ok())
        };
        let levels: Vec<Level> = sections()
            .flat_map(|section| &section.levels)
            .copied()
            .collect();
        let failed = organizations.len() - sections().count();
        let old = sections().filter(|section| section.is_old).count();
        let mut parts = vec![of_streams(&levels)];
        if failed > 0 {
            parts.push(format!(
                "{} not answer",
                counted(failed, "organization did", "organizations did")
            ));
        }
        if old > 0 {
            parts.push(format!(
                "{} old metrics",
                counted(old, "organization has", "organizations have")
            ));
        }
        Self {
            level: worst(&levels, failed + old > 0),
            sentence: parts.join("; "),
        }
    }
}

/// Returns the level of streams as a whole. What is bad is bad, even if something else is not known.
pub(super) fn worst(levels: &[Level], is_unsure: bool) -> Level {
    let known = levels
        .iter()
        .copied()
        .filter(|level| *level != Level::Unknown)
        .max();
    match known {
        Some(Level::Bad) => Level::Bad,
        Some(level) if !is_unsure && !levels.contains(&Level::Unknown) => level,
        _ => Level::Unknown,
    }
}

/// Returns what is worst about streams.
pub(super) fn of_streams(levels: &[Level]) -> String {
    let all = levels.len();
    let of_level = |level| levels.iter().filter(|other| **other == level).count();
    let of_all = |count, one, many| match all {
        1 => format!("{count} of 1 stream {one}"),
        _ => format!(
            "{count} of {all} streams {}",
            if count == 1 { one } else { many }
        ),
    };
    let have = |level| of_all(of_level(level), "has", "have");
    let worse = format!(
        "{} worse than before",
        counted(of_level(Level::Worse), "stream is", "streams are")
    );
    let unknown = of_level(Level::Unknown);
    let sentence = match () {
        () if all == 0 => "there are no streams".to_owned(),
        () if of_level(Level::Bad) > 0 && of_level(Level::Worse) > 0 => {
            format!("{} critical vulnerabilities, {worse}", have(Level::Bad))
        }
        () if of_level(Level::Bad) > 0 => format!("{} critical vulnerabilities", have(Level::Bad)),
        () if of_level(Level::Worse) > 0 => format!("no critical vulnerabilities, {worse}"),
        () if of_level(Level::Warn) > 0 => {
            format!(
                "no critical vulnerabilities, {} high ones or failing policies",
                have(Level::Warn)
            )
        }
        () if unknown == all => "nothing is known about the streams".to_owned(),
        () => format!("{} fine", of_all(of_level(Level::Fine), "is", "are")),
    };
    match unknown {
        0 => sentence,
        _ if unknown == all => sentence,
        _ => format!("{sentence}; {} unknown", of_all(unknown, "is", "are")),
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
