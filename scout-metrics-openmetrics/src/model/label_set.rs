//! The labels of a sample, in little memory.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    ops::Range,
    sync::{Arc, LazyLock, OnceLock},
};

/// Names and values of labels, in their order.
///
/// Small and quick to clone: names and text are shared. The values are pieces of a text that label sets read from one
/// exposition have in common, so each of them keeps some 50 KiB of it in memory. Copy one that is to be kept for long
/// after the others are gone: `labels.iter().collect::<LabelSet>()` has a text of its own.
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
#[derive(Clone)]
pub struct LabelSet {
    source: Arc<LabelSource>,
    values: Pieces,
}

/// The text that names and values are pieces of. It is set once it is complete, while label sets share it already.
pub(crate) type LabelText = OnceLock<Box<str>>;

/// The names of labels, and the text that names and values are pieces of.
#[derive(Default)]
pub(crate) struct LabelSource {
    pub(crate) names: Pieces,
    pub(crate) text: Arc<LabelText>,
}

impl LabelSource {
    fn text(&self) -> &str {
        let text = self.text.get();
        text.expect("a text is set before its label sets are returned")
    }
}

/// Pieces of a text that follow each other without a gap: where the first one starts, and where each one ends.
///
/// Few pieces of a short text need no memory of their own. A hundred thousand samples are read faster for it, because less
/// memory is touched.
#[derive(Clone)]
pub(crate) enum Pieces {
    Few {
        count: u8,
        bounds: [u16; Self::FEW + 1],
    },
    Many(Box<[u32]>),
}

impl Pieces {
    /// As many as fit beside the count and the tag into three words.
    const FEW: usize = 10;

    /// Creates pieces from the start of the first one and the end of each, which are so many bytes further on.
    pub(crate) fn new(bounds: &[u32], further: u32) -> Self {
        let many = || bounds.iter().map(|bound| bound + further).collect();
        Self::few(bounds, further).unwrap_or_else(|| Self::Many(many()))
    }

    fn few(bounds: &[u32], further: u32) -> Option<Self> {
        let (last, count) = (bounds.last()?, bounds.len() - 1);
        if count > Self::FEW || last + further > u32::from(u16::MAX) {
            return None;
        }
        let mut few = [0; Self::FEW + 1];
        for (place, bound) in few.iter_mut().zip(bounds) {
            // None is larger than the last.
            *place = (bound + further) as u16;
        }
        Some(Self::Few {
            count: count as u8,
            bounds: few,
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Few { count, .. } => usize::from(*count),
            Self::Many(bounds) => bounds.len() - 1,
        }
    }

    /// Returns a piece, which has to be there.
    fn of<'t>(&self, text: &'t str, place: usize) -> &'t str {
        match self {
            Self::Few { bounds, .. } => {
                &text[usize::from(bounds[place])..usize::from(bounds[place + 1])]
            }
            Self::Many(bounds) => &text[bounds[place] as usize..bounds[place + 1] as usize],
        }
    }
}

impl Default for Pieces {
    fn default() -> Self {
        Self::Few {
            count: 0,
            bounds: [0; Self::FEW + 1],
        }
    }
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
            text: self.source.text(),
            labels: self,
            places: 0..self.len(),
        }
    }

    /// Returns how many labels there are.
    pub fn len(&self) -> usize {
        self.source.names.len()
    }

    /// Returns whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Creates a set of names and pieces of their text, one for each name.
    pub(crate) fn from_source(source: Arc<LabelSource>, values: Pieces) -> Self {
        debug_assert_eq!(source.names.len(), values.len());
        Self { source, values }
    }
}

/// An iterator over the names and values of a [`LabelSet`]. [`LabelSet::iter`] returns it.
#[derive(Clone, Debug)]
pub struct LabelSetIter<'l> {
    text: &'l str,
    labels: &'l LabelSet,
    places: Range<usize>,
}

impl<'l> LabelSetIter<'l> {
    fn at(&self, place: usize) -> (&'l str, &'l str) {
        let LabelSet { source, values } = self.labels;
        let name = source.names.of(self.text, place);
        (name, values.of(self.text, place))
    }
}

impl<'l> Iterator for LabelSetIter<'l> {
    type Item = (&'l str, &'l str);

    fn next(&mut self) -> Option<Self::Item> {
        let place = self.places.next()?;
        Some(self.at(place))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl DoubleEndedIterator for LabelSetIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let place = self.places.next_back()?;
        Some(self.at(place))
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

impl Default for LabelSet {
    fn default() -> Self {
        static EMPTY: LazyLock<Arc<LabelSource>> = LazyLock::new(|| {
            Arc::new(LabelSource {
                names: Pieces::default(),
                text: Arc::new(LabelText::from(Box::default())),
            })
        });
        Self::from_source(Arc::clone(&EMPTY), Pieces::default())
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
        let (names, values): (Vec<N>, Vec<V>) = labels.into_iter().unzip();
        let mut text = String::new();
        let names = push_pieces(&mut text, &names);
        let values = push_pieces(&mut text, &values);
        let text = Arc::new(LabelText::from(text.into_boxed_str()));
        Self::from_source(Arc::new(LabelSource { names, text }), values)
    }
}

fn push_pieces(text: &mut String, pieces: &[impl AsRef<str>]) -> Pieces {
    let place = |text: &String| u32::try_from(text.len()).expect("labels have less than 4 GiB");
    let mut bounds = vec![place(text)];
    for piece in pieces {
        text.push_str(piece.as_ref());
        bounds.push(place(text));
    }
    Pieces::new(&bounds, 0)
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
        for count in [0, 1, 9, 10, 11, 100] {
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
        assert_eq!(size_of::<LabelSet>(), 4 * size_of::<usize>());
    }
}
