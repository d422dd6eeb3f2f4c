//! A snapshot with what is needed to find data in it quickly.

use std::{cell::OnceCell, collections::HashMap};

use crate::{Snapshot, Stream, StreamName, gate::doubt::Doubts};

/// A snapshot, its streams by name, and the doubts about it.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) doubts: Doubts<'a>,
    by_name: OnceCell<HashMap<&'a str, &'a Stream>>,
}

impl<'a> View<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            doubts: Doubts::new(snapshot),
            by_name: OnceCell::new(),
        }
    }

    pub(super) fn stream(&self, name: &StreamName) -> Option<&'a Stream> {
        let by_name = self.by_name.get_or_init(|| {
            let streams = self.snapshot.streams().iter();
            streams
                .map(|stream| (stream.name().as_str(), stream))
                .collect()
        });
        by_name.get(name.as_str()).copied()
    }
}
