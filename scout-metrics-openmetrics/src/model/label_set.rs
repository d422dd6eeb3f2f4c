//! The labels of a sample, in little memory.

use std::{fmt, sync::Arc};

/// Names and values of labels, in their order.
///
/// Small and quick to clone: names and text are shared. The values are pieces of a text that label sets read from one
/// exposition have in common, so each of them keeps some 64 KiB of it in memory. One that is to be kept for long
/// after the others are gone is better made anew: `labels.iter().collect::<LabelSet>()` has a text of its own.
///
/// ```
/// use scout_metrics_openmetrics::LabelSet;
///
/// let labels: LabelSet = [("code", "200"), ("method", "get")].into_iter().collect();
/// assert_eq!(labels.get("method"), Some("get"));
/// assert_eq!(labels.iter().next(), Some(("code", "200")));
/// ```
#[derive(Clone)]
pub struct LabelSet {
    source: Arc<LabelSource>,
    values: Values,
}

/// The names of labels, and the text that the values are pieces of.
pub(crate) struct LabelSource {
    pub(crate) names: Arc<[Box<str>]>,
    pub(crate) text: Arc<str>,
}

/// Where each value starts and ends in the text. Few stand in place, so that most label sets are no allocation.
#[derive(Clone)]
enum Values {
    Few([(u32, u32); Self::FEW]),
    Many(Box<[(u32, u32)]>),
}

impl Values {
    const FEW: usize = 4;

    fn new(values: impl ExactSizeIterator<Item = (u32, u32)>) -> Self {
        if values.len() > Self::FEW {
            return Self::Many(values.collect());
        }
        let mut few = [(0, 0); Self::FEW];
        for (place, value) in few.iter_mut().zip(values) {
            *place = value;
        }
        Self::Few(few)
    }

    fn as_slice(&self) -> &[(u32, u32)] {
        match self {
            Self::Few(values) => values,
            Self::Many(values) => values,
        }
    }
}

impl LabelSet {
    /// Returns a set without labels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the value of a label.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }

    /// Returns names and values in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        let LabelSource { names, text } = &*self.source;
        let pairs = names.iter().zip(self.values.as_slice());
        pairs.map(|(name, (start, end))| (&**name, &text[*start as usize..*end as usize]))
    }

    /// Returns how many labels there are.
    pub fn len(&self) -> usize {
        self.source.names.len()
    }

    /// Returns whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.source.names.is_empty()
    }

    /// Creates a set of names and pieces of a text, one for each name.
    pub(crate) fn from_source(
        source: Arc<LabelSource>,
        values: impl ExactSizeIterator<Item = (u32, u32)>,
    ) -> Self {
        let values = Values::new(values);
        Self { source, values }
    }

    /// Creates a set with a text of its own.
    ///
    /// Panics if the values together have more than 4 GiB.
    pub(crate) fn from_values<V: AsRef<str>>(
        names: Arc<[Box<str>]>,
        values: impl Iterator<Item = V>,
    ) -> Self {
        let (mut text, mut ends) = (String::new(), vec![0]);
        for value in values {
            text.push_str(value.as_ref());
            ends.push(u32::try_from(text.len()).expect("label values have less than 4 GiB"));
        }
        let text = text.into();
        let values = ends.windows(2).map(|ends| (ends[0], ends[1]));
        Self::from_source(Arc::new(LabelSource { names, text }), values)
    }
}

impl PartialEq for LabelSet {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for LabelSet {}

impl Default for LabelSet {
    fn default() -> Self {
        Self::from_iter::<[(&str, &str); 0]>([])
    }
}

impl fmt::Debug for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// # Panics
///
/// If the values together have more than 4 GiB.
impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for LabelSet {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        let (names, values): (Vec<Box<str>>, Vec<V>) = labels
            .into_iter()
            .map(|(name, value)| (name.as_ref().into(), value))
            .unzip();
        Self::from_values(names.into(), values.into_iter())
    }
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
}
