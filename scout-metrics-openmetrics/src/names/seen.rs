//! Which names have become which.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use super::{EscapingScheme, NameCollision};
use crate::find::NameOf;

/// The metric names of an exposition after escaping or unescaping, with the names that they were before.
#[derive(Clone, Debug)]
pub(crate) struct NamesSeen {
    scheme: EscapingScheme,
    names: HashMap<String, String, RandomState>,
}

impl NamesSeen {
    pub(crate) fn new(scheme: EscapingScheme) -> Self {
        Self {
            scheme,
            names: HashMap::default(),
        }
    }

    /// Remembers what a name has become.
    pub(crate) fn insert(&mut self, name: &str, becomes: &str) -> Result<(), NameCollision> {
        match self.names.get(becomes) {
            Some(first) if first != name => Err(NameCollision::new(
                NameOf::Metric,
                [first, name],
                becomes,
                self.scheme,
            )),
            Some(_) => Ok(()),
            None => {
                self.names.insert(becomes.to_owned(), name.to_owned());
                Ok(())
            }
        }
    }
}

/// Checks that the names of one set of labels stay different.
pub(crate) fn check_labels<'n>(
    scheme: EscapingScheme,
    names: impl IntoIterator<Item = &'n str>,
    rename: impl Fn(&'n str) -> std::borrow::Cow<'n, str>,
) -> Result<(), NameCollision> {
    let mut names: Vec<_> = names.into_iter().map(|name| (rename(name), name)).collect();
    // Stable, so that names that become the same stay in their order.
    names.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut neighbours = names.windows(2);
    match neighbours.find(|pair| pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1) {
        Some(pair) => Err(NameCollision::new(
            NameOf::Label,
            [pair[0].1, pair[1].1],
            &pair[0].0,
            scheme,
        )),
        None => Ok(()),
    }
}
