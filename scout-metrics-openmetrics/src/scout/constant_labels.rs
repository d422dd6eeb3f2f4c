//! Labels that are the same for all samples of a snapshot, in front of the sample's own.

use std::borrow::Cow;

use crate::{EncodeError, Format, error::shown};

/// The label that Prometheus keeps the name of the metric in.
const METRIC_NAME: &str = "__name__";

/// The prefix of a label of the data whose name is taken, as in Prometheus.
const PREFIX: &str = "exported_";

#[derive(Debug)]
pub(crate) struct ConstantLabels<'a>(&'a [(&'a str, &'a str)]);

impl<'a> ConstantLabels<'a> {
    pub(super) fn new(
        labels: &'a [(&'a str, &'a str)],
        format: Format,
    ) -> Result<Self, EncodeError> {
        for (place, (name, _)) in labels.iter().enumerate() {
            let refuse = |what: &str| {
                let subject = format!("the constant label `{}`", shown(name));
                Err(EncodeError::not_expressible(&subject, format, what))
            };
            if name.is_empty() {
                return Err(EncodeError::empty_name("a constant label"));
            }
            if *name == METRIC_NAME {
                return refuse("it is the name of the metric");
            }
            if labels[..place].iter().any(|(other, _)| other == name) {
                return refuse("it occurs twice");
            }
        }
        Ok(Self(labels))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.0.iter().copied()
    }

    /// Returns the names of a sample's own labels, renamed where they are taken.
    pub(super) fn free_names<'n, const N: usize>(&self, names: [&'n str; N]) -> [Cow<'n, str>; N] {
        let mut free = names.map(Cow::Borrowed);
        self.rename(&mut free);
        free
    }

    /// Renames the labels whose names are taken.
    pub(super) fn rename(&self, names: &mut [Cow<'_, str>]) {
        for place in 0..names.len() {
            if !self.has(&names[place]) {
                continue;
            }
            let mut name = format!("{PREFIX}{}", names[place]);
            while self.has(&name) || names.iter().any(|other| *other == name) {
                name.insert_str(0, PREFIX);
            }
            names[place] = Cow::Owned(name);
        }
    }

    fn has(&self, name: &str) -> bool {
        name == METRIC_NAME || self.0.iter().any(|(constant, _)| *constant == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free_names<const N: usize>(constant: &[(&str, &str)], names: [&str; N]) -> [String; N] {
        let labels = ConstantLabels::new(constant, Format::Prometheus).unwrap();
        labels.free_names(names).map(Cow::into_owned)
    }

    #[test]
    fn the_prefix_is_repeated_until_the_name_is_free() {
        let org = [("org", "acme")];
        assert_eq!(free_names(&org, ["a", "org"]), ["a", "exported_org"]);
        assert_eq!(
            free_names(&org, ["org", "exported_org"]),
            ["exported_exported_org", "exported_org"]
        );
        let both = [("org", "acme"), ("exported_org", "apex")];
        assert_eq!(
            free_names(&both, ["org", "exported_org"]),
            ["exported_exported_org", "exported_exported_exported_org"]
        );
        assert_eq!(free_names(&[], ["__name__"]), ["exported___name__"]);
    }

    #[test]
    fn constant_labels_that_cannot_be_written_are_refused() {
        let message = |labels: &[(&str, &str)]| {
            let error = ConstantLabels::new(labels, Format::Prometheus).unwrap_err();
            error.to_string()
        };
        assert_eq!(
            message(&[("", "a")]),
            "the name of a constant label is empty"
        );
        assert_eq!(
            message(&[("a", "1"), ("a", "2")]),
            "the constant label `a` cannot be written as prometheus-text-0.0.4: it occurs twice"
        );
        assert_eq!(
            message(&[("__name__", "1")]),
            "the constant label `__name__` cannot be written as prometheus-text-0.0.4: \
             it is the name of the metric"
        );
    }
}
