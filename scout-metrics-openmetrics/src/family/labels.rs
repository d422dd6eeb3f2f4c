//! The label sets of samples, which share what they have in common.

use std::sync::Arc;

use memchr::memrchr;

use crate::{LabelSet, Labels, model::LabelSource};

/// A copy of a piece of the exposition, which the label sets of its lines share.
pub(super) struct Block<'a> {
    exposition: &'a str,
    /// Where it starts in the exposition.
    start: usize,
    pub(super) text: Arc<str>,
}

impl<'a> Block<'a> {
    /// So long that it is seldom made, and so short that a label set that is kept does not keep much else.
    const LENGTH: usize = 64 << 10;

    pub(super) fn new(exposition: &'a str) -> Self {
        Self {
            exposition,
            start: 0,
            text: "".into(),
        }
    }

    /// Makes the block one that has a line of the exposition in it, and returns where the line starts in it.
    pub(super) fn go_to(&mut self, line: &str) -> u32 {
        let at = line.as_ptr().addr() - self.exposition.as_ptr().addr();
        if at + line.len() > self.start + self.text.len() {
            let rest = &self.exposition[at..];
            let most = &rest.as_bytes()[..rest.len().min(Self::LENGTH)];
            // Whole lines, so that no character is cut.
            let end = memrchr(b'\n', most).unwrap_or(0).max(line.len());
            self.text = rest[..end].into();
            self.start = at;
        }
        // A block is as long as one line or shorter than that, and a line is shorter than 4 GiB: `Limits` sees to it.
        (at - self.start) as u32
    }
}

/// Makes label sets, and shares what they have in common.
#[derive(Default)]
pub(super) struct LabelReader {
    /// The last few, because samples of a histogram have one set of names more often and another one now and then.
    known: Vec<Arc<LabelSource>>,
    /// The one of the sample before.
    current: usize,
}

impl LabelReader {
    const MOST: usize = 4;

    /// Makes a set of labels whose places are in a text once `shift` is added, which may wrap around.
    pub(super) fn read(
        &mut self,
        labels: Labels<'_, '_>,
        same_names: bool,
        text: &Arc<str>,
        shift: u32,
    ) -> LabelSet {
        if !same_names {
            self.find_names(&labels, text);
        }
        let source = &mut self.known[self.current];
        if labels.has_escapes() {
            let values = labels.map(|(_, value)| value.decode());
            return LabelSet::from_values(Arc::clone(&source.names), values);
        }
        if !Arc::ptr_eq(&source.text, text) {
            *source = Arc::new(LabelSource {
                names: Arc::clone(&source.names),
                text: Arc::clone(text),
            });
        }
        let values = labels.value_spans();
        let shifted = |place: u32| shift.wrapping_add(place);
        let values = values.map(|value| (shifted(value.start), shifted(value.end)));
        LabelSet::from_source(Arc::clone(source), values)
    }

    /// Makes the names of labels the current ones.
    fn find_names(&mut self, labels: &Labels<'_, '_>, text: &Arc<str>) {
        let is_named = |source: &Arc<LabelSource>| is_named(&source.names, labels.clone());
        if self.known.get(self.current).is_some_and(is_named) {
            return;
        }
        if let Some(known) = self.known.iter().position(is_named) {
            self.current = known;
            return;
        }
        let names = labels.clone().map(|(name, _)| name.decode().into());
        let source = Arc::new(LabelSource {
            names: names.collect(),
            text: Arc::clone(text),
        });
        if self.known.len() < Self::MOST {
            self.current = self.known.len();
            self.known.push(source);
        } else {
            self.current = (self.current + 1) % Self::MOST;
            self.known[self.current] = source;
        }
    }
}

/// Returns whether labels have these names.
fn is_named(names: &[Box<str>], labels: Labels<'_, '_>) -> bool {
    names.len() == labels.len()
        && names
            .iter()
            .zip(labels)
            .all(|(known, (name, _))| name == **known)
}
