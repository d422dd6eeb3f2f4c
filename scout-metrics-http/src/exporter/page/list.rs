//! One page of a list of streams.

use scout_metrics_core::Organization;

use super::{
    board::{self, Listed},
    card::Card,
    query::Query,
};

/// The number of streams on a page: six rows of six on a large screen, and less than 80 kB.
const PAGE_SIZE: usize = 36;

/// The streams that a query shows.
pub(super) struct List<'a> {
    pub(super) cards: Vec<Card<'a>>,
    /// The number of streams that the query admits.
    pub(super) found: usize,
    pub(super) all: usize,
    pub(super) query: Query,
    pub(super) pages: usize,
    /// Whether a card names its organization: not if all are of the same.
    pub(super) names_organizations: bool,
}

impl<'a> List<'a> {
    /// Creates the list. A page after the last one is the last one.
    pub(super) fn new(streams: &[Listed<'a>], mut query: Query, root: &str) -> Self {
        let selected = board::select(streams, &query);
        let pages = selected.len().div_ceil(PAGE_SIZE).max(1);
        query.page = query.page.min(pages - 1);
        let shown = selected.iter().skip(query.page * PAGE_SIZE).take(PAGE_SIZE);
        Self {
            cards: shown.map(|listed| Card::new(listed, root)).collect(),
            found: selected.len(),
            all: streams.len(),
            query,
            pages,
            names_organizations: names_organizations(streams),
        }
    }

    /// Returns the link to the page before this one.
    pub(super) fn before(&self) -> Option<String> {
        let page = self.query.page.checked_sub(1)?;
        Some(self.query.link_to_page(page))
    }

    /// Returns the link to the page after this one.
    pub(super) fn after(&self) -> Option<String> {
        let page = self.query.page + 1;
        (page < self.pages).then(|| self.query.link_to_page(page))
    }

    pub(super) fn number(&self) -> usize {
        self.query.page + 1
    }

    /// Returns the places of the first and the last stream that is shown, counted from 1.
    pub(super) fn range(&self) -> (usize, usize) {
        let first = self.query.page * PAGE_SIZE;
        (first + 1, first + self.cards.len())
    }
}

/// Returns whether the streams are of several organizations.
fn names_organizations(streams: &[Listed<'_>]) -> bool {
    let mut organizations = streams.iter().map(|listed| listed.organization);
    let first: Option<&Organization> = organizations.next();
    organizations.any(|organization| Some(organization) != first)
}
