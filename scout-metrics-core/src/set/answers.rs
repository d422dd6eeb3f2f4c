//! The answers of the sources of a set.

use std::{slice, vec};

use crate::{Error, Organization, Result, Snapshot};

/// The answers of several organizations: a snapshot or an error for each, in the order of the sources.
///
/// ```
/// use scout_metrics_core::{Error, ErrorKind, MemorySource, Organization, Snapshot, SourceSet};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let set = SourceSet::new()
///     .with_source(MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?))?
///     .with_source(MemorySource::failing(
///         Organization::new("apex")?,
///         Error::new(ErrorKind::Unavailable, "down for maintenance"),
///     ))?;
///
/// let answers = set.scrape_all().await;
/// assert!(!answers.is_complete());
/// assert_eq!(answers.snapshots().count(), 1);
/// for (organization, error) in answers.errors() {
///     eprintln!("{organization}: {error}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Answers(Vec<(Organization, Result<Snapshot>)>);

impl Answers {
    pub(super) fn new(answers: Vec<(Organization, Result<Snapshot>)>) -> Self {
        Self(answers)
    }

    /// Returns an iterator over all answers.
    pub fn iter(&self) -> slice::Iter<'_, (Organization, Result<Snapshot>)> {
        self.0.iter()
    }

    /// Returns the answer of an organization, or `None` if the set has no source of that organization.
    pub fn get(&self, organization: &str) -> Option<&Result<Snapshot>> {
        let found = self.iter().find(|(name, _)| name.as_str() == organization);
        found.map(|(_, answer)| answer)
    }

    /// Returns the snapshots of the organizations that answered.
    pub fn snapshots(&self) -> impl Iterator<Item = &Snapshot> {
        self.iter().filter_map(|(_, answer)| answer.as_ref().ok())
    }

    /// Returns the errors of the organizations that failed.
    pub fn errors(&self) -> impl Iterator<Item = (&Organization, &Error)> {
        self.iter()
            .filter_map(|(name, answer)| Some((name, answer.as_ref().err()?)))
    }

    /// Returns whether every organization answered with a snapshot.
    pub fn is_complete(&self) -> bool {
        self.errors().next().is_none()
    }

    /// Returns the number of organizations.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the set had no source.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Answers {
    type Item = (Organization, Result<Snapshot>);
    type IntoIter = vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Answers {
    type Item = &'a (Organization, Result<Snapshot>);
    type IntoIter = slice::Iter<'a, (Organization, Result<Snapshot>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{acme, down, snapshot};

    fn answers() -> Answers {
        let apex = Organization::new("apex").unwrap();
        Answers::new(vec![(acme(), Ok(snapshot("a"))), (apex, Err(down()))])
    }

    #[test]
    fn answers_are_found_by_organization() {
        let answers = answers();
        assert!(answers.get("acme").unwrap().is_ok());
        assert!(answers.get("apex").unwrap().is_err());
        assert!(answers.get("other").is_none());
    }

    #[test]
    fn snapshots_and_errors_are_separate() {
        let answers = answers();
        assert_eq!(answers.len(), 2);
        assert!(!answers.is_empty());
        assert!(!answers.is_complete());
        assert_eq!(answers.snapshots().count(), 1);
        let (organization, _) = answers.errors().next().unwrap();
        assert_eq!(organization.as_str(), "apex");
    }

    #[test]
    fn a_loop_borrows_or_consumes_the_answers() {
        let answers = answers();
        let mut names = Vec::new();
        for (organization, _) in &answers {
            names.push(organization.clone());
        }
        let owned: Vec<Organization> = answers.into_iter().map(|(name, _)| name).collect();
        assert_eq!(owned, names);
    }

    #[test]
    fn no_answers_are_complete() {
        assert!(Answers::new(Vec::new()).is_complete());
    }
}
