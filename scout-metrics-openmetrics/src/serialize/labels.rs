//! Label sets: an object, or a list of pairs.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::LabelSet;

impl Serialize for LabelSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() && !has_duplicate(self) {
            serializer.collect_map(self.iter())
        } else {
            serializer.collect_seq(self.iter())
        }
    }
}

fn has_duplicate(labels: &LabelSet) -> bool {
    let mut names: Vec<&str> = labels.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

impl<'de> Deserialize<'de> for LabelSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(Pairs)
        } else {
            deserializer.deserialize_seq(Pairs)
        }
    }
}

struct Pairs;

impl<'de> de::Visitor<'de> for Pairs {
    type Value = LabelSet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names and values of labels, as an object or as a list of pairs")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<LabelSet, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        checked(&pairs)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<LabelSet, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = seq.next_element()? {
            pairs.push(pair);
        }
        checked(&pairs)
    }
}

fn checked<E: de::Error>(pairs: &[(String, String)]) -> Result<LabelSet, E> {
    if pairs.iter().any(|(name, _)| name.is_empty()) {
        return Err(E::custom("the name of a label is empty"));
    }
    let length = |(name, value): &(String, String)| name.len() + value.len();
    let length: usize = pairs.iter().map(length).sum();
    if u32::try_from(length).is_err() {
        return Err(E::custom("labels have more than 4 GiB"));
    }
    let pairs = pairs.iter().map(|(name, value)| (name, value));
    Ok(pairs.collect())
}
