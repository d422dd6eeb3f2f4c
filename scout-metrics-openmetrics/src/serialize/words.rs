//! Words of closed lists.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Format, MetricType, ParseErrorKind, Rule, Suffix};

/// Reads one of some words.
struct Word<T> {
    what: &'static str,
    find: fn(&str) -> Option<T>,
}

impl<T> de::Visitor<'_> for Word<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<T, E> {
        (self.find)(word).ok_or_else(|| E::invalid_value(de::Unexpected::Str(word), &self))
    }
}

impl Serialize for MetricType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for MetricType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_named = |word: &str| Self::ALL.iter().copied().find(|kind| kind.as_str() == word);
        deserializer.deserialize_str(Word {
            what: "a type of metrics such as `counter`",
            find: is_named,
        })
    }
}

impl Serialize for Suffix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Suffix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let find = |word: &str| {
            let all = [Self::None].into_iter().chain(Self::NAMED);
            all.into_iter().find(|suffix| suffix.as_str() == word)
        };
        deserializer.deserialize_str(Word {
            what: "a suffix such as `_total`, or nothing",
            find,
        })
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl Serialize for ParseErrorKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}
