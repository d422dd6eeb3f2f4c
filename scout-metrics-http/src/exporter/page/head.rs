//! The head and the foot of all pages.

use super::{
    assets,
    board::{Board, State},
    glance::Glance,
    time::Time,
};
use crate::html::Age;

/// How often the script loads the page again, in seconds. Docker Scout computes its metrics once an hour, but a fetch can
/// succeed or fail at any time.
const REFRESH: u32 = 60;

/// The same while something is missing that is on its way.
const REFRESH_SOON: u32 = 5;

/// The parts that all pages share.
pub(super) struct Head {
    /// The start of links to the root of the router.
    pub(super) root: String,
    pub(super) title: String,
    pub(super) glance: Glance,
    pub(super) sentence: String,
    pub(super) freshness: Option<Freshness>,
    /// Why changes and trends are missing.
    pub(super) no_past: Option<String>,
    pub(super) refresh: u32,
}

/// The age of the oldest data on a page.
pub(super) struct Freshness {
    pub(super) age: Age,
    pub(super) seconds: u64,
    pub(super) time: Time,
    pub(super) is_old: bool,
    /// The organization, if there are several.
    pub(super) organization: Option<String>,
}

impl Head {
    /// Returns the address of a file of the page.
    pub(super) fn asset(&self, file: &str) -> String {
        assets::link(&self.root, file)
    }

    /// Returns the name of the icon.
    pub(super) fn icon(&self) -> String {
        format!("{}.svg", self.glance.class())
    }

    /// Returns the address of the page of all organizations.
    pub(super) fn home(&self) -> &str {
        if self.root.is_empty() {
            "./"
        } else {
            &self.root
        }
    }

    pub(super) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

/// Returns the age of the oldest data of the organizations on a board.
pub(super) fn freshness(board: &Board<'_>) -> Option<Freshness> {
    let organizations = board.organizations.iter();
    let good = organizations.filter_map(|known| Some((known, known.good()?)));
    let (known, oldest) = good.max_by_key(|(_, good)| good.snapshot.age())?;
    let is_one_of_many = board.organizations.len() > 1;
    Some(Freshness {
        age: Age(oldest.snapshot.age()),
        seconds: oldest.snapshot.age().as_secs(),
        time: Time::new(oldest.snapshot.scraped_at()),
        is_old: oldest.is_old,
        organization: is_one_of_many.then(|| known.name.to_string()),
    })
}

/// Returns in how many seconds the script loads the page again.
pub(super) fn refresh(board: &Board<'_>, is_past_loading: bool) -> u32 {
    let mut organizations = board.organizations.iter();
    let is_loading = organizations.any(|known| matches!(known.state, State::Loading));
    if is_loading || is_past_loading {
        REFRESH_SOON
    } else {
        REFRESH
    }
}
