//! The losses of all families, each once.

use crate::Lost;

/// Losses by the place of the family that had them.
#[derive(Clone, Debug, Default)]
pub(super) struct Losses(Vec<(usize, Lost)>);

impl Losses {
    pub(super) fn add(&mut self, family: usize, lost: Lost) {
        let mut known = self.0.iter_mut().filter(|(place, _)| *place == family);
        if !known.any(|(_, known)| known.absorb(&lost)) {
            self.0.push((family, lost));
        }
    }

    pub(super) fn extend(&mut self, others: Self) {
        for (family, lost) in others.0 {
            self.add(family, lost);
        }
    }

    /// Returns the losses in the order of the families.
    pub(super) fn into_sorted(mut self) -> Vec<(usize, Lost)> {
        self.0.sort_by_key(|(family, _)| *family);
        self.0
    }
}

impl IntoIterator for Losses {
    type Item = (usize, Lost);
    type IntoIter = std::vec::IntoIter<(usize, Lost)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
