//! The names of the sample before, so that work which depends on names alone is done once.

use super::SampleRef;

/// The names of the sample that was seen last.
///
/// The parser numbers the sets of label names that it meets: a number is given to a set when its names are read, and
/// given again only where the names are found to be the same bytes. So numbers are compared here instead of names. The
/// same names can get another number later; then the work is done once more.
#[derive(Clone, Debug, Default)]
pub(crate) struct NamesBefore {
    name: String,
    label_names: u64,
    labels: u32,
}

impl NamesBefore {
    /// Remembers a sample, and returns whether its name and label names are those of the sample before.
    #[inline]
    pub(crate) fn replace(&mut self, sample: SampleRef<'_, '_>) -> bool {
        let parts = sample.parts;
        let is_same = self.label_names == parts.label_names
            && self.labels == parts.own_labels
            && sample.name() == *self.name;
        if !is_same {
            self.remember(sample);
        }
        is_same
    }

    /// Forgets the sample, so that the next one has other names.
    pub(crate) fn forget(&mut self) {
        self.name.clear();
    }

    fn remember(&mut self, sample: SampleRef<'_, '_>) {
        self.name.clear();
        self.name.push_str(&sample.name().decode());
        self.label_names = sample.parts.label_names;
        self.labels = sample.parts.own_labels;
    }
}
