//! Rules in a file: the values.

use std::{fmt, marker::PhantomData, time::Duration};

use jiff::{Span, SpanRelativeTo};
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

use crate::{AnomalyKind, text::quoted};

/// A name, or an array with at least one.
pub(super) struct Names<T>(pub(super) Vec<T>);

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: From<String>> Deserialize<'de> for Names<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor(PhantomData))
    }
}

struct NamesVisitor<T>(PhantomData<T>);

impl<'de, T: From<String>> Visitor<'de> for NamesVisitor<T> {
    type Value = Names<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name or an array of names")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Names(vec![T::from(checked(name.to_owned())?)]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = array.next_element::<String>()? {
            names.push(T::from(checked(name)?));
        }
        if names.is_empty() {
            return Err(A::Error::custom("the array is empty"));
        }
        Ok(Names(names))
    }
}

/// Refuses an empty name, which no stream or policy can have.
fn checked<E: Error>(name: String) -> Result<String, E> {
    match name.as_str() {
        "" => Err(E::custom("the name is empty")),
        _ => Ok(name),
    }
}

/// An array of tables.
pub(super) struct Tables<T>(pub(super) Vec<T>);

impl<T> Default for Tables<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Tables<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(TablesVisitor(PhantomData))
    }
}

struct TablesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TablesVisitor<T> {
    type Value = Tables<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of tables, with the name in double brackets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut tables = Vec::new();
        while let Some(table) = array.next_element()? {
            tables.push(table);
        }
        Ok(Tables(tables))
    }
}

/// A number of vulnerabilities.
pub(super) struct Count(pub(super) u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        number.try_into().map(Self).map_err(|_| {
            D::Error::custom(format!("expected a whole number from 0, found {number}"))
        })
    }
}

/// A number from 0 to 1.
pub(super) struct Ratio(pub(super) f64);

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ratio = f64::deserialize(deserializer)?;
        if (0.0..=1.0).contains(&ratio) {
            return Ok(Self(ratio));
        }
        let message = format!("expected a number from 0 to 1, found {ratio}");
        Err(D::Error::custom(message))
    }
}

/// A time such as `7d` or `1h30m`.
pub(super) struct Time(pub(super) Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_time(&text).map(Self).ok_or_else(|| {
            let shown = quoted(&text);
            let message =
                format!("expected a time above zero such as 25h, 7d or 2w, found {shown}");
            D::Error::custom(message)
        })
    }
}

/// Parses a time. A day has 24 hours, and a month has no fixed length.
fn parse_time(text: &str) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    let time = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(time).ok().filter(|time| !time.is_zero())
}

/// Kinds of anomalies by name, and rules of formats as `deviation/<name>`.
#[derive(Default)]
pub(super) struct Anomalies {
    pub(super) kinds: Vec<AnomalyKind>,
    pub(super) deviations: Vec<String>,
}

impl<'de> Deserialize<'de> for Anomalies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut anomalies = Self::default();
        for name in Vec::<String>::deserialize(deserializer)? {
            match name.strip_prefix("deviation/") {
                Some(rule) => anomalies.deviations.push(rule.to_owned()),
                None => anomalies.kinds.push(known_kind(&name)?),
            }
        }
        Ok(anomalies)
    }
}

/// Refuses an unknown name, which [`AnomalyKind`] itself reads as [`AnomalyKind::Other`].
fn known_kind<E: Error>(name: &str) -> Result<AnomalyKind, E> {
    let mut kinds = AnomalyKind::ALL.iter().copied();
    kinds.find(|kind| kind.as_str() == name).ok_or_else(|| {
        let names: Vec<&str> = AnomalyKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let shown = quoted(name);
        let expected = names.join(", ");
        E::custom(format!(
            "unknown kind of anomaly {shown}, expected one of {expected}"
        ))
    })
}
