//! Makes label sets from other label sets.

use super::LabelSet;

impl LabelSet {
    /// Returns the set with a label set to a value.
    ///
    /// A label that is there keeps its place; if its name occurs more than once, the others are left out. A new label is the
    /// last one.
    #[must_use]
    pub fn with(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let (name, value) = (name.as_ref(), value.as_ref());
        let mut is_set = false;
        let set = |label| match label {
            (found, _) if found != name => Some(label),
            _ if is_set => None,
            _ => {
                is_set = true;
                Some((name, value))
            }
        };
        let mut labels: Vec<_> = self.iter().filter_map(set).collect();
        if !is_set {
            labels.push((name, value));
        }
        labels.into_iter().collect()
    }

    /// Returns the set without a label. If its name occurs more than once, all of them are left out.
    #[must_use]
    pub fn without(self, name: &str) -> Self {
        if !self.contains(name) {
            return self;
        }
        self.iter().filter(|(found, _)| *found != name).collect()
    }

    /// Returns whether there is a label with a name.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Returns the labels sorted by name, and those with the same name in their order.
    ///
    /// Label sets of different sources can be compared, hashed and sorted so.
    ///
    /// ```
    /// use scout_metrics_openmetrics::LabelSet;
    ///
    /// let one = LabelSet::from([("code", "200"), ("method", "get")]);
    /// let other = LabelSet::from([("method", "get"), ("code", "200")]);
    /// assert_ne!(one, other);
    /// assert_eq!(one.sorted(), other.sorted());
    /// ```
    #[must_use]
    pub fn sorted(&self) -> Self {
        if self.iter().is_sorted_by_key(|(name, _)| name) {
            return self.clone();
        }
        let mut labels: Vec<_> = self.iter().collect();
        labels.sort_by_key(|(name, _)| *name);
        labels.into_iter().collect()
    }

    /// Returns the set with another name for a label.
    pub(super) fn renamed(&self, old: &str, new: &str) -> Self {
        let rename = |(name, value)| (if name == old { new } else { name }, value);
        self.iter().map(rename).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_replaced_where_it_is_or_added_at_the_end() {
        let labels = LabelSet::from([("a", "1"), ("b", "2"), ("a", "3")]);
        assert_eq!(
            labels.clone().with("a", "4"),
            LabelSet::from([("a", "4"), ("b", "2")])
        );
        assert_eq!(
            labels.clone().with("c", "5"),
            LabelSet::from([("a", "1"), ("b", "2"), ("a", "3"), ("c", "5")])
        );
        assert_eq!(labels.clone().without("a"), LabelSet::from([("b", "2")]));
        assert_eq!(labels.clone().without("c"), labels);
    }

    #[test]
    fn sorting_keeps_the_order_of_labels_with_one_name() {
        let labels = LabelSet::from([("b", "2"), ("a", "3"), ("b", "1")]);
        assert_eq!(
            labels.sorted(),
            LabelSet::from([("a", "3"), ("b", "2"), ("b", "1")])
        );
    }
}
