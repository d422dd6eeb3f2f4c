//! The order of streams and organizations.

/// The order of streams and organizations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sort {
    /// The most critical vulnerabilities first, then the most high ones, and so on.
    Worst,
    /// The most new critical and high vulnerabilities since yesterday first.
    Change,
    /// The most failing policies first.
    Policies,
    Name,
}

impl Sort {
    const ALL: [Self; 4] = [Self::Worst, Self::Change, Self::Policies, Self::Name];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Worst => "worst",
            Self::Change => "change",
            Self::Policies => "policies",
            Self::Name => "name",
        }
    }

    pub(super) fn next(self) -> Self {
        self.skip(1)
    }

    pub(super) fn previous(self) -> Self {
        self.skip(Self::ALL.len() - 1)
    }

    fn skip(self, by: usize) -> Self {
        let place = Self::ALL.iter().position(|sort| *sort == self);
        Self::ALL[(place.unwrap_or(0) + by) % Self::ALL.len()]
    }
}
