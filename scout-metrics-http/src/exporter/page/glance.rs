//! The state of everything at a glance.

/// The state of everything on a page. [`ALL`](Self::ALL) has the worst first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Glance {
    /// There are critical vulnerabilities.
    Bad,
    /// Something is missing or old.
    Unknown,
    /// Something is worse than yesterday.
    Worse,
    /// There are high vulnerabilities or policies that fail, but not more than yesterday.
    Warn,
    Fine,
}

impl Glance {
    pub(super) const ALL: [Self; 5] = [
        Self::Bad,
        Self::Unknown,
        Self::Worse,
        Self::Warn,
        Self::Fine,
    ];

    /// Returns the name of the class in the style sheet, and of the icon.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Unknown => "unknown",
            Self::Worse => "worse",
            Self::Warn => "warn",
            Self::Fine => "fine",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Bad => "Bad",
            Self::Unknown => "We don’t know",
            Self::Worse => "Worse than yesterday",
            Self::Warn => "Not worse",
            Self::Fine => "All fine",
        }
    }

    /// Returns the colour and the character of the icon.
    pub(super) fn icon(self) -> (&'static str, &'static str) {
        match self {
            Self::Bad => ("#8f1230", "!"),
            Self::Unknown => ("#5b6774", "?"),
            Self::Worse => ("#c2410c", "▲"),
            Self::Warn => ("#8a5a00", "–"),
            Self::Fine => ("#1f7a4d", "✓"),
        }
    }
}
