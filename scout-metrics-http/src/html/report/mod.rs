//! A report for people: one HTML file.

mod advice;
mod changed;
mod facts;
mod policies;
mod section;
mod streams;
mod time;
mod trends;
mod verdict;
mod view;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use scout_metrics_core::{
    Comparison, Error, ErrorKind, History, HistoryExt, Organization, Result, Since, Snapshot, Trend,
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The maximum number of points of a trend: a day each for more than a year.
const MAX_POINTS: u64 = 400;

/// A report for people, of one or several organizations: what to do first, streams, policies, changes and trends.
///
/// `Display` writes one HTML file that needs nothing else: no script, no font, no other file, no network. Its
/// Content-Security-Policy allows only its own style. It has a light and a dark look, fits a phone, and prints well.
/// Its contents depend on what is known: a [snapshot](Self::with_snapshot) has streams and policies, a
/// [comparison](Self::with_comparison) also has changes, and a [history](Self::add_history) also has trends and since when
/// something is as it is.
///
/// All streams are in the report. It draws the trends of the 12 worst of each organization, and lists the 20 worst
/// streams of a policy and the 60 most important changes; it says how many it leaves out. For 50 streams and 90 days it
/// has about 230 kB.
///
/// ```
/// use scout_metrics_core::{Organization, Snapshot, Stream};
/// use scout_metrics_http::html::Report;
///
/// let production = Stream::new("production").with_vulnerabilities("5C 3H 6M 63L".parse()?);
/// let snapshot = Snapshot::new(Organization::new("acme")?, [production])?;
/// let html = Report::new().with_snapshot(snapshot).to_string();
/// assert!(html.contains("1 of 1 stream has critical vulnerabilities"));
/// # Ok::<(), scout_metrics_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    title: String,
    created: SystemTime,
    sections: Vec<Section>,
}

/// The facts about an organization.
#[derive(Clone, Debug)]
struct Section {
    organization: Organization,
    content: std::result::Result<Content, String>,
}

#[derive(Clone, Debug)]
struct Content {
    snapshot: Snapshot,
    /// Earlier snapshots, and how long ago they were in words, from the latest to the earliest.
    earlier: Vec<(&'static str, Snapshot)>,
    since: Vec<Since>,
    trend: Option<Trend>,
}

impl Report {
    /// Creates a report of no organization, with the title `Docker Scout report`, made now.
    pub fn new() -> Self {
        Self {
            title: "Docker Scout report".to_owned(),
            created: SystemTime::now(),
            sections: Vec::new(),
        }
    }

    /// Sets the title.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets the time at which the report is made, from which ages are counted. The default is now.
    #[must_use]
    pub fn with_created(mut self, time: SystemTime) -> Self {
        self.created = time;
        self
    }

    /// Adds an organization as it is.
    #[must_use]
    pub fn with_snapshot(mut self, snapshot: Snapshot) -> Self {
        self.push(Content {
            snapshot,
            earlier: Vec::new(),
            since: Vec::new(),
            trend: None,
        });
        self
    }

    /// Adds an organization as it is, with what has changed.
    #[must_use]
    pub fn with_comparison(mut self, comparison: &Comparison) -> Self {
        self.push(Content {
            snapshot: comparison.after().clone(),
            earlier: vec![("before", comparison.before().clone())],
            since: Vec::new(),
            trend: None,
        });
        self
    }

    /// Adds the latest snapshot of an organization in a history, with its changes since a day and a week before, and its
    /// trends over the duration `lookback`, such as 90 days.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if the history has no snapshot of the organization. Otherwise as
    /// [`History::range`].
    pub async fn add_history<H: History + ?Sized>(
        &mut self,
        history: &H,
        organization: &Organization,
        lookback: Duration,
    ) -> Result<()> {
        let Some(snapshot) = history.latest(organization).await? else {
            let error = Error::new(ErrorKind::NotFound, "the history has no snapshot of it");
            return Err(error.with_organization(organization));
        };
        let mut earlier = Vec::new();
        for (ago, duration) in [("day", DAY), ("week", 7 * DAY)] {
            let comparison = history.compare(organization, duration).await?;
            earlier.extend(comparison.map(|comparison| (ago, comparison.before().clone())));
        }
        let end = snapshot.scraped_at();
        let start = end.checked_sub(lookback).unwrap_or(SystemTime::UNIX_EPOCH);
        let trend = history
            .trend(organization, start, end, points(lookback))
            .await?;
        let since = history.since(organization, lookback).await?;
        self.push(Content {
            snapshot,
            earlier,
            since,
            trend: Some(trend),
        });
        Ok(())
    }

    /// Adds an organization whose metrics could not be fetched or read, with the reason.
    #[must_use]
    pub fn with_failure(mut self, organization: Organization, error: &Error) -> Self {
        let content = Err(error.chain().to_string());
        self.sections.push(Section {
            organization,
            content,
        });
        self
    }

    fn push(&mut self, content: Content) {
        self.sections.push(Section {
            organization: content.snapshot.organization().clone(),
            content: Ok(content),
        });
    }
}

impl Default for Report {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes the HTML file.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        view::write(self, f)
    }
}

/// Returns the number of points of a trend: one for each day, or for each hour of a short one.
fn points(lookback: Duration) -> usize {
    let step = if lookback < 7 * DAY { HOUR } else { DAY };
    let points = (lookback.as_secs() / step.as_secs() + 1).clamp(2, MAX_POINTS);
    // At most the maximum, so it fits.
    points as usize
}
