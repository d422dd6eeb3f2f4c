//! The labels of a sample, in little memory.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    ops::Range,
    sync::Arc,
};

use super::label_page::{LabelPage, LabelPageDraft};

/// Names and values of labels, in their order.
///
/// Small and quick to clone: names and values are shared. Label sets read from one exposition have pages of some 100 KiB in
/// common, so each of them keeps such a page in memory. Copy one that is to be kept for long after the others are gone:
/// `labels.iter().collect::<LabelSet>()` has a page of its own.
///
/// ```
/// use scout_metrics_openmetrics::LabelSet;
///
/// let labels: LabelSet = [("code", "200"), ("method", "get")].into_iter().collect();
/// assert_eq!(labels.get("method"), Some("get"));
/// assert_eq!(labels.iter().next(), Some(("code", "200")));
///
/// let labels = labels.with("method", "post").with("job", "api").without("code");
/// assert_eq!(labels, LabelSet::from([("method", "post"), ("job", "api")]));
/// ```
///
/// The order of the labels is kept, and sets are compared with it; [`sorted`](Self::sorted) returns an order that does not
/// depend on the source. A set that was read in lenient mode may have a name more than once, as Prometheus accepts.
///
/// A set never changes, so it can be the key of a map. Clippy's `mutable_key_type` cannot see that, because the shared page is
/// in a [`OnceLock`](std::sync::OnceLock). A line in `clippy.toml` tells it:
/// `ignore-interior-mutability = ["scout_metrics_openmetrics::LabelSet"]`.
#[derive(Clone, Default)]
pub struct LabelSet {
    /// `None` for a set without labels.
    page: Option<Arc<LabelPage>>,
    /// The place of the set in the page.
    place: u32,
}

impl LabelSet {
    /// Returns a set without labels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the value of a label: the first one, if the name occurs more than once.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }

    /// Returns names and values in their order.
    pub fn iter(&self) -> LabelSetIter<'_> {
        LabelSetIter {
            page: self.page.as_deref(),
            place: self.place,
            labels: 0..self.len(),
        }
    }

    /// Returns how many labels there are.
    pub fn len(&self) -> usize {
        let page = self.page.as_ref();
        page.map_or(0, |page| page.count(self.place))
    }

    /// Returns whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Creates the set at a place of a page.
    #[inline]
    pub(crate) fn on_page(page: Arc<LabelPage>, place: u32) -> Self {
        Self {
            page: Some(page),
            place,
        }
    }
}

/// An iterator over the names and values of a [`LabelSet`]. [`LabelSet::iter`] returns it.
#[derive(Clone, Debug)]
pub struct LabelSetIter<'l> {
    page: Option<&'l LabelPage>,
    /// The place of the set in the page.
    place: u32,
    labels: Range<usize>,
}

impl<'l> Iterator for LabelSetIter<'l> {
    type Item = (&'l str, &'l str);

    fn next(&mut self) -> Option<Self::Item> {
        let label = self.labels.next()?;
        Some(self.page?.label(self.place, label))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.labels.size_hint()
    }
}

impl DoubleEndedIterator for LabelSetIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let label = self.labels.next_back()?;
        Some(self.page?.label(self.place, label))
    }
}

impl ExactSizeIterator for LabelSetIter<'_> {}

impl<'l> IntoIterator for &'l LabelSet {
    type Item = (&'l str, &'l str);
    type IntoIter = LabelSetIter<'l>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for LabelSet {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for LabelSet {}

impl Hash for LabelSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        self.iter().for_each(|label| label.hash(state));
    }
}

/// Compares label by label, first the names and then the values.
impl Ord for LabelSet {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for LabelSet {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// # Panics
///
/// If names and values together have more than 4 GiB.
impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for LabelSet {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        let mut draft = LabelPageDraft::default();
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for (name, value) in labels {
            names.push(push_piece(&mut draft, name.as_ref()));
            values.push(push_piece(&mut draft, value.as_ref()));
        }
        if names.is_empty() {
            return Self::new();
        }
        let names = draft.push_names(&names);
        let place = draft.start_values(names);
        for value in values {
            draft.push(value);
        }
        Self::on_page(Arc::new(LabelPage::new(&draft)), place)
    }
}

fn push_piece(draft: &mut LabelPageDraft, piece: &str) -> u32 {
    draft.text().extend_from_slice(piece.as_bytes());
    draft.end_piece()
}

impl<N: AsRef<str>, V: AsRef<str>, const COUNT: usize> From<[(N, V); COUNT]> for LabelSet {
    fn from(labels: [(N, V); COUNT]) -> Self {
        labels.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_sets_keep_names_and_values_apart() {
        let labels = LabelSet::from([("a", ""), ("b", "é"), ("c", "x")]);
        let pairs: Vec<_> = labels.iter().collect();
        assert_eq!(pairs, [("a", ""), ("b", "é"), ("c", "x")]);
        assert_eq!(format!("{labels:?}"), r#"{"a": "", "b": "é", "c": "x"}"#);
        assert_ne!(
            LabelSet::from([("a", "bc"), ("b", "")]),
            LabelSet::from([("a", "b"), ("b", "c")])
        );
    }

    #[test]
    fn many_labels_and_long_values_are_kept_too() {
        let long = "x".repeat(70_000);
        for count in [0, 1, 9, 10, 11, 100, 20_000, 40_000] {
            let labels: Vec<_> = (0..count)
                .map(|i| (format!("n{i}"), format!("v{i}")))
                .collect();
            let set: LabelSet = labels.iter().map(|(name, value)| (name, value)).collect();
            assert_eq!(set.len(), count);
            assert!(
                set.iter()
                    .eq(labels.iter().map(|(name, value)| (&**name, &**value)))
            );
        }
        let set = LabelSet::from([("a", &*long), ("b", "y")]);
        assert_eq!(set.get("a"), Some(&*long));
        assert_eq!(set.get("b"), Some("y"));
    }

    #[test]
    fn label_sets_are_small() {
        assert_eq!(size_of::<LabelSet>(), 2 * size_of::<usize>());
    }
}
