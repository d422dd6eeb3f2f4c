//! Policies and the streams in which they fail.

use std::{cmp::Reverse, collections::BTreeMap};

use scout_metrics_core::{PolicyResult, SinceState, Stream, chart::Meter};

use super::facts::Facts;
use crate::html::{Name, percentage};

/// The maximum number of streams that are listed for a policy.
const MAX_STREAMS: usize = 20;

/// The results of a policy, from the stream with the most images that violate it.
pub(super) struct Policy<'a> {
    pub(super) results: Vec<(&'a Stream, &'a PolicyResult)>,
}

impl<'a> Policy<'a> {
    /// Returns all policies of streams, from the one that most images violate.
    pub(super) fn of(streams: impl IntoIterator<Item = &'a Stream>) -> Vec<Self> {
        let mut by_id: BTreeMap<&str, Vec<(&Stream, &PolicyResult)>> = BTreeMap::new();
        for stream in streams {
            for result in stream {
                let results = by_id.entry(result.policy().id().as_str()).or_default();
                results.push((stream, result));
            }
        }
        let policies = by_id.into_values().map(|mut results| {
            results.sort_by_key(|(_, result)| Reverse(result.violating()));
            Self { results }
        });
        let mut policies: Vec<_> = policies.collect();
        policies.sort_by_key(|policy| Reverse(policy.violating()));
        policies
    }

    pub(super) fn name(&self) -> Name<'a> {
        self.results
            .first()
            .map_or(Name(""), |(_, result)| policy_name(result))
    }

    /// Returns the number of images that violate it.
    pub(super) fn violating(&self) -> u64 {
        let violating = self.results.iter().map(|(_, result)| result.violating());
        violating.fold(0, u64::saturating_add)
    }

    /// Returns the results with images that violate it, most first.
    pub(super) fn failing(&self) -> &[(&'a Stream, &'a PolicyResult)] {
        let end = self
            .results
            .partition_point(|(_, result)| !result.is_compliant());
        &self.results[..end]
    }
}

/// A policy that images of some streams violate.
pub(super) struct PolicyView<'a> {
    pub(super) name: Name<'a>,
    pub(super) violating: u64,
    pub(super) streams: Vec<FailingView<'a>>,
    pub(super) hidden: usize,
}

pub(super) struct FailingView<'a> {
    pub(super) stream: Name<'a>,
    pub(super) compliant: u64,
    pub(super) evaluated: u64,
    pub(super) percentage: String,
    pub(super) meter: Meter,
    pub(super) since: String,
}

impl<'a> PolicyView<'a> {
    pub(super) fn new(policy: &Policy<'a>, facts: &Facts<'_>) -> Self {
        let failing = policy.failing();
        let shown = failing.iter().take(MAX_STREAMS);
        Self {
            name: policy.name(),
            violating: policy.violating(),
            streams: shown
                .map(|(stream, result)| FailingView::new(stream, result, facts))
                .collect(),
            hidden: failing.len().saturating_sub(MAX_STREAMS),
        }
    }
}

impl<'a> FailingView<'a> {
    fn new(stream: &'a Stream, result: &PolicyResult, facts: &Facts<'_>) -> Self {
        let state = SinceState::Policy(result.policy().id().clone());
        Self {
            stream: Name(stream.name().as_str()),
            compliant: result.compliant(),
            evaluated: result.evaluated(),
            percentage: percentage(result).unwrap_or_default(),
            meter: Meter::new(result).decorative(),
            since: facts.since(stream, &state).unwrap_or_default(),
        }
    }
}

/// Returns the name of a policy that people know.
pub(super) fn policy_name(result: &PolicyResult) -> Name<'_> {
    let policy = result.policy();
    match policy.display_name() {
        "" => Name(policy.id().as_str()),
        name => Name(name),
    }
}
