//! The state of the dashboard: events come in and commands go out. Nothing here knows a terminal or a network.

mod advice;
mod organization;
mod past;
mod rows;
mod sort;
mod summary;
mod update;

use std::time::SystemTime;

use scout_metrics_core::{Organization, Snapshot, Stream};

pub(crate) use self::{
    advice::advice,
    organization::{Freshness, Health, OrganizationState, Reading},
    past::{DAYS, Past, StreamPast},
    rows::{StreamRow, changed_since_yesterday, failing},
    sort::Sort,
    summary::Summary,
    update::{Command, Event},
};

/// Everything that is on the screen.
#[derive(Debug)]
pub(crate) struct App {
    /// In the order in which they are shown.
    pub(crate) organizations: Vec<OrganizationState>,
    /// The streams that pass the filter and belong to the chosen organization, in the order in which they are shown.
    pub(crate) rows: Vec<StreamRow>,
    pub(crate) view: View,
    pub(crate) focus: Pane,
    /// The organization whose streams are shown, or `None` for all.
    pub(crate) chosen: Option<Organization>,
    /// The place of the selected stream in the rows.
    pub(crate) selected: usize,
    pub(crate) filter: Filter,
    pub(crate) sort: Sort,
    pub(crate) is_help_shown: bool,
    /// The number of lines by which a detail view is scrolled.
    pub(crate) scroll: usize,
    pub(crate) now: SystemTime,
}

/// The contents of the screen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum View {
    Overview,
    Organization,
    Stream,
}

/// The part of the overview that the keys move in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pane {
    Organizations,
    Streams,
}

/// A text that the name of a stream or of its organization must contain.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) text: String,
    pub(crate) is_edited: bool,
}

impl App {
    /// Creates the state of a dashboard that has no data yet.
    pub(crate) fn new(
        organizations: impl IntoIterator<Item = Organization>,
        now: SystemTime,
    ) -> Self {
        let organizations = organizations.into_iter().map(OrganizationState::new);
        Self {
            organizations: organizations.collect(),
            rows: Vec::new(),
            view: View::Overview,
            focus: Pane::Streams,
            chosen: None,
            selected: 0,
            filter: Filter::default(),
            sort: Sort::Worst,
            is_help_shown: false,
            scroll: 0,
            now,
        }
    }

    /// Returns the organization of a row, its snapshot and the stream.
    pub(crate) fn stream(&self, row: StreamRow) -> (&OrganizationState, &Snapshot, &Stream) {
        let organization = &self.organizations[row.organization];
        let snapshot = organization.snapshot.as_ref();
        let snapshot = snapshot.expect("a row is made of a snapshot, and made again with it");
        (organization, snapshot, &snapshot.streams()[row.stream])
    }

    /// Returns the chosen organization.
    pub(crate) fn chosen(&self) -> Option<&OrganizationState> {
        let chosen = self.chosen.as_ref()?;
        let mut organizations = self.organizations.iter();
        organizations.find(|state| state.organization == *chosen)
    }

    /// Returns the place in the list of organizations, of which the first means all.
    pub(crate) fn chosen_place(&self) -> usize {
        let mut organizations = self.organizations.iter();
        let place =
            organizations.position(|state| Some(&state.organization) == self.chosen.as_ref());
        place.map_or(0, |place| place + 1)
    }
}
