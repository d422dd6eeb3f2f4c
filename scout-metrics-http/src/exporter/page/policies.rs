//! The policies of streams, the worst first.

use std::{cmp::Ordering, collections::BTreeMap};

use scout_metrics_core::{PolicyResult, chart::Meter};

use super::{
    board::Listed,
    card::{Since, link_to, policy_name, since},
};
use crate::html::{Name, percentage};

/// The maximum number of policies that are shown.
const MAX_POLICIES: usize = 50;

/// A policy and how many images comply.
pub(super) struct PolicyRow<'a> {
    pub(super) name: Name<'a>,
    pub(super) compliant: u64,
    pub(super) evaluated: u64,
    pub(super) percentage: Option<String>,
    pub(super) fails: bool,
    pub(super) meter: Meter,
    pub(super) since: Option<Since>,
    /// The number of streams in which the policy fails, and the worst of them.
    pub(super) failing_streams: usize,
    pub(super) worst: Option<(Name<'a>, String)>,
}

/// The policies on a page.
pub(super) struct Policies<'a> {
    /// The rows that are shown, those that fail first.
    pub(super) rows: Vec<PolicyRow<'a>>,
    pub(super) hidden: usize,
    /// Whether the rows are of several streams.
    pub(super) names_streams: bool,
}

impl<'a> Policies<'a> {
    /// Returns the policies of one stream.
    pub(super) fn of_stream(listed: &Listed<'a>) -> Self {
        let results = listed.stream.policies();
        let mut sorted: Vec<&PolicyResult> = results.iter().collect();
        sorted.sort_by(|a, b| worst_first(a, b));
        let shown = sorted.into_iter().take(MAX_POLICIES);
        let rows = shown.map(|result| PolicyRow {
            since: since(result, listed.past),
            ..PolicyRow::new(policy_name(result), result)
        });
        Self {
            rows: rows.collect(),
            hidden: results.len().saturating_sub(MAX_POLICIES),
            names_streams: false,
        }
    }

    /// Returns the policies of all streams that are part of the sums, with the sums of their images.
    pub(super) fn of_streams(streams: &[Listed<'a>], root: &str) -> Self {
        let mut by_id: BTreeMap<&str, Group<'a>> = BTreeMap::new();
        for listed in streams.iter().filter(|listed| !listed.is_apart) {
            for result in listed.stream.policies() {
                let id = result.policy().id().as_str();
                by_id.entry(id).or_default().0.push((*listed, result));
            }
        }
        let hidden = by_id.len().saturating_sub(MAX_POLICIES);
        let sums = by_id.into_values();
        let sums = sums.filter_map(|group| Some((group.sum()?, group)));
        let mut sums: Vec<(PolicyResult, Group<'a>)> = sums.collect();
        sums.sort_by(|(a, _), (b, _)| worst_first(a, b));
        let shown = sums.into_iter().take(MAX_POLICIES);
        Self {
            rows: shown
                .filter_map(|(sum, group)| group.row(&sum, root))
                .collect(),
            hidden,
            names_streams: true,
        }
    }
}

/// Compares results so that the one with the smallest share of compliant images is first.
fn worst_first(a: &PolicyResult, b: &PolicyResult) -> Ordering {
    let shares = [a, b].map(|result| result.ratio().unwrap_or(1.0));
    let by_share = shares[0].total_cmp(&shares[1]);
    by_share.then_with(|| b.violating().cmp(&a.violating()))
}

/// The results of one policy.
#[derive(Default)]
struct Group<'a>(Vec<(Listed<'a>, &'a PolicyResult)>);

impl<'a> Group<'a> {
    /// Returns the sums of the results. Returns `None` if they are larger than any count.
    fn sum(&self) -> Option<PolicyResult> {
        let (_, first) = self.0.first()?;
        let sum = |of: fn(&PolicyResult) -> u64| {
            let counts = self.0.iter().map(|(_, result)| of(result));
            counts.fold(0, u64::saturating_add)
        };
        // More compliant than evaluated images of one stream do not make up for another.
        let violating = sum(PolicyResult::violating);
        let evaluated = sum(PolicyResult::evaluated);
        let compliant = evaluated.saturating_sub(violating);
        PolicyResult::new(first.policy().clone(), compliant, evaluated).ok()
    }

    fn row(self, sum: &PolicyResult, root: &str) -> Option<PolicyRow<'a>> {
        let (_, first) = self.0.first()?;
        let failing = || self.0.iter().filter(|(_, result)| !result.is_compliant());
        let worst = failing().min_by(|(_, a), (_, b)| worst_first(a, b));
        let since = failing().filter_map(|(listed, result)| since(result, listed.past));
        let name = |listed: &Listed<'a>| Name(listed.stream.name().as_str());
        Some(PolicyRow {
            since: since.min_by_key(|since| since.time),
            failing_streams: failing().count(),
            worst: worst.map(|(listed, _)| (name(listed), link_to(listed, root))),
            ..PolicyRow::new(policy_name(first), sum)
        })
    }
}

impl<'a> PolicyRow<'a> {
    fn new(name: &'a str, result: &PolicyResult) -> Self {
        Self {
            name: Name(name),
            compliant: result.compliant(),
            evaluated: result.evaluated(),
            percentage: percentage(result),
            fails: !result.is_compliant(),
            meter: Meter::new(result).decorative(),
            since: None,
            failing_streams: 0,
            worst: None,
        }
    }
}
