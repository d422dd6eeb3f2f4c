//! The losses of all families, each once.

use std::collections::BTreeMap;

use crate::Lost;

/// Losses by the place of the family that had them.
#[derive(Clone, Debug, Default)]
pub(super) struct Losses(BTreeMap<usize, Vec<Lost>>);

impl Losses {
    pub(super) fn add(&mut self, family: usize, lost: Lost) {
        let known = self.0.entry(family).or_default();
        if !known.iter_mut().any(|known| known.absorb(&lost)) {
            known.push(lost);
        }
    }

    pub(super) fn extend(&mut self, others: Self) {
        for (family, lost) in others {
            self.add(family, lost);
        }
    }

    /// Returns the losses in the order of the families.
    pub(super) fn into_sorted(self) -> Vec<(usize, Lost)> {
        self.into_iter().collect()
    }
}

impl IntoIterator for Losses {
    type Item = (usize, Lost);
    type IntoIter = Box<dyn Iterator<Item = (usize, Lost)>>;

    fn into_iter(self) -> Self::IntoIter {
        let of_family = |(family, losses): (usize, Vec<Lost>)| {
            losses.into_iter().map(move |lost| (family, lost))
        };
        Box::new(self.0.into_iter().flat_map(of_family))
    }
}
