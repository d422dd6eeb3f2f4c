//! A YAML document whose keys are taken out one by one, so that what is left was not understood.

use serde_json::{Map, Value};

/// A mapping of the document, and the key at which it is.
pub(super) struct Document {
    /// The key, with a dot at its end; empty for the whole document.
    at: String,
    content: Map<String, Value>,
}

impl Document {
    /// Parses YAML. An empty document is an empty mapping.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // The text may contain password hashes, so no piece of it may become a part of the error.
        let options = serde_saphyr::options! { with_snippet: false };
        let value: Option<Value> =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| {
                match error.location() {
                    Some(location) => format!("line {}: not valid YAML", location.line()),
                    None => "not valid YAML".to_owned(),
                }
            })?;
        Self::of(String::new(), value.unwrap_or_default())
    }

    fn of(at: String, value: Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(Self {
                at,
                content: Map::new(),
            }),
            Value::Object(content) => Ok(Self { at, content }),
            _ if at.is_empty() => Err("expected keys with values".to_owned()),
            _ => Err(format!(
                "expected keys with values in `{}`",
                at.trim_end_matches('.')
            )),
        }
    }

    /// Takes out a mapping, which is empty if the key is missing.
    pub(super) fn section(&mut self, key: &str) -> Result<Self, String> {
        let value = self.content.remove(key).unwrap_or_default();
        Self::of(format!("{}{key}.", self.at), value)
    }

    /// Takes out a text. An empty one counts as missing.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, String> {
        match self.content.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(_) => Err(format!("expected text in `{}{key}`", self.at)),
        }
    }

    /// Takes out a list of texts.
    pub(super) fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>, String> {
        let wrong = || format!("expected a list of texts in `{}{key}`", self.at);
        match self.content.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => {
                let texts = items.into_iter().map(|item| match item {
                    Value::String(text) => Ok(text),
                    _ => Err(wrong()),
                });
                texts.collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// Takes out a value that is true or false.
    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>, String> {
        match self.content.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(format!("expected true or false in `{}{key}`", self.at)),
        }
    }

    /// Takes out all keys, with the texts that they have.
    pub(super) fn into_texts(mut self) -> Result<Vec<(String, String)>, String> {
        let keys: Vec<String> = self.content.keys().cloned().collect();
        let texts = keys.into_iter().map(|key| {
            let text = self.text(&key)?.unwrap_or_default();
            Ok((key, text))
        });
        texts.collect()
    }

    /// Refuses a key that this program does not support.
    pub(super) fn refuse(&self, key: &str, reason: &str) -> Result<(), String> {
        match self.content.get(key) {
            None | Some(Value::Null) => Ok(()),
            Some(_) => Err(format!("`{}{key}` is not supported: {reason}", self.at)),
        }
    }

    /// Refuses the keys that were not taken out.
    pub(super) fn finish(self) -> Result<(), String> {
        let mut left = self.content.iter().filter(|(_, value)| !value.is_null());
        match left.next() {
            None => Ok(()),
            Some((key, _)) => Err(format!("unknown key `{}{key}`", self.at)),
        }
    }
}
