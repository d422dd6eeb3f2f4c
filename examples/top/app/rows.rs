//! Which streams are shown, and in which order.

use std::cmp::Reverse;

use scout_metrics_core::{Organization, Severity, Stream, StreamName};

use super::{App, OrganizationState, Past, Sort, View};

/// The place of an organization, and of a stream in its snapshot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct StreamRow {
    pub(crate) organization: usize,
    pub(crate) stream: usize,
}

/// The worst compares greatest.
type Weight = Reverse<(i128, [u64; Severity::ALL.len()])>;

impl App {
    /// Sorts and filters again, and keeps the selected stream selected.
    pub(super) fn rebuild(&mut self) {
        let selected = self.selected_name();
        self.rebuild_around(selected);
    }

    /// Sorts and filters again, and selects this stream if it is still shown.
    pub(super) fn rebuild_around(&mut self, selected: Option<(Organization, StreamName)>) {
        let sort = self.sort;
        self.organizations.sort_by_cached_key(|state| {
            (organization_weight(state, sort), state.organization.clone())
        });
        let mut rows = self.matching_rows();
        rows.sort_by_cached_key(|row| {
            let (state, _, stream) = self.stream(*row);
            let weight = weight(stream, &state.past, sort);
            (weight, state.organization.clone(), stream.name().clone())
        });
        self.rows = rows;
        let place = selected.and_then(|selected| self.place_of(&selected));
        if place.is_none() && self.view == View::Stream {
            // Otherwise the details of another stream would take the place of those of one that has gone.
            self.view = View::Overview;
        }
        // In the overview the first row stays selected, whatever is in it: it is the worst.
        let place = place.filter(|_| self.view != View::Overview || self.selected > 0);
        self.selected = place.unwrap_or(self.selected.min(self.rows.len().saturating_sub(1)));
    }

    /// Returns the names of the organization and of the stream that are selected.
    pub(super) fn selected_name(&self) -> Option<(Organization, StreamName)> {
        let row = self.rows.get(self.selected)?;
        let state = self.organizations.get(row.organization)?;
        let stream = state.streams().get(row.stream)?;
        Some((state.organization.clone(), stream.name().clone()))
    }

    fn place_of(&self, (organization, name): &(Organization, StreamName)) -> Option<usize> {
        self.rows.iter().position(|row| {
            let (state, _, stream) = self.stream(*row);
            state.organization == *organization && stream.name() == name
        })
    }

    fn matching_rows(&self) -> Vec<StreamRow> {
        let filter = self.filter.text.to_lowercase();
        let matches = |name: &str| name.to_lowercase().contains(&filter);
        let mut rows = Vec::new();
        for (organization, state) in self.organizations.iter().enumerate() {
            if self
                .chosen
                .as_ref()
                .is_some_and(|chosen| *chosen != state.organization)
            {
                continue;
            }
            let all_match = matches(state.organization.as_str());
            for (stream, found) in state.streams().iter().enumerate() {
                if all_match || matches(found.name().as_str()) {
                    rows.push(StreamRow {
                        organization,
                        stream,
                    });
                }
            }
        }
        rows
    }
}

/// Returns how many critical and high vulnerabilities a stream has more than yesterday, or `None` if that is not known.
pub(crate) fn changed_since_yesterday(stream: &Stream, past: &Past) -> Option<i128> {
    let before = past.stream(stream.name())?.worst_yesterday()?;
    let now = stream.vulnerabilities().at_least(Severity::High);
    Some(i128::from(now) - i128::from(before))
}

/// Returns the numbers of failing policies and of all that were evaluated.
pub(crate) fn failing(stream: &Stream) -> (usize, usize) {
    let results = stream.policies().iter();
    let evaluated = results.filter(|result| result.evaluated() > 0);
    let failing = evaluated.clone().filter(|result| !result.is_compliant());
    (failing.count(), evaluated.count())
}

fn weight(stream: &Stream, past: &Past, sort: Sort) -> Weight {
    let counts = Severity::ALL.map(|severity| stream.vulnerabilities().get(severity).unwrap_or(0));
    let first = match sort {
        Sort::Worst => 0,
        Sort::Name => return Reverse((0, [0; Severity::ALL.len()])),
        Sort::Change => changed_since_yesterday(stream, past).unwrap_or(0),
        Sort::Policies => failing(stream).0 as i128,
    };
    Reverse((first, counts))
}

fn organization_weight(state: &OrganizationState, sort: Sort) -> Weight {
    let summary = &state.summary;
    let first = match sort {
        Sort::Worst => 0,
        Sort::Name => return Reverse((0, [0; Severity::ALL.len()])),
        Sort::Change => summary.change,
        Sort::Policies => summary.failing as i128,
    };
    Reverse((first, summary.counts.map(Option::unwrap_or_default)))
}
