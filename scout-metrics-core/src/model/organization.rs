//! The validated name of an organization.

use std::{str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, model::name::impl_name, text::quoted};

/// The name of a Docker organization: the namespace in `docker.io/<organization>/<repository>`.
///
/// Every value is valid, and safe to use in a URL path without escaping. A name follows the rule for a path component
/// in the [reference grammar]: lower-case letters and digits, separated by `.`, `_`, `__` or any number of `-`. It has
/// at most 255 characters, the limit of the grammar for a whole name.
///
/// ```
/// use scout_metrics_core::Organization;
///
/// assert_eq!(Organization::new("acme-labs")?.as_str(), "acme-labs");
/// assert!(Organization::new("../admin").is_err());
/// # Ok::<(), scout_metrics_core::Error>(())
/// ```
///
/// [reference grammar]: https://pkg.go.dev/github.com/distribution/reference
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Organization(Arc<str>);

impl Organization {
    /// The maximum number of characters in a name.
    pub const MAX_LENGTH: usize = 255;

    /// Creates a name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if the name breaks the rule. The message contains the position.
    pub fn new(name: impl AsRef<str>) -> Result<Self, Error> {
        let name = name.as_ref();
        match find_error(name) {
            None => Ok(Self(name.into())),
            Some(error) => Err(Error::new(
                ErrorKind::Invalid,
                format!("invalid organization name {}: {error}", quoted(name)),
            )),
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The characters and the length that a name may have, for messages.
const RULE: &str = "lower-case letters and digits, separated by '.', '_', '__' or '-'";

/// Describes the first error in a name, to continue "invalid organization name ...:".
fn find_error(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some(format!("expected {RULE}, found nothing"));
    }
    if name.len() > Organization::MAX_LENGTH {
        return Some(format!(
            "it is {} bytes long, longer than the limit of {}",
            name.len(),
            Organization::MAX_LENGTH
        ));
    }
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator = |c: char| matches!(c, '.' | '_' | '-');
    if let Some((at, c)) = name
        .char_indices()
        .find(|&(_, c)| !is_alphanumeric(c) && !is_separator(c))
    {
        return Some(format!("expected {RULE}, found {c:?} at byte {at}"));
    }
    if name.starts_with(is_separator) || name.ends_with(is_separator) {
        return Some(format!(
            "expected {RULE}, found a separator at the start or end"
        ));
    }
    let bad_separator = name
        .split(is_alphanumeric)
        .find(|run| !matches!(*run, "" | "." | "_" | "__") && !run.bytes().all(|b| b == b'-'));
    bad_separator.map(|run| format!("expected {RULE}, found {run:?}"))
}

impl_name!(Organization);

impl FromStr for Organization {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::new(name)
    }
}

impl TryFrom<&str> for Organization {
    type Error = Error;

    fn try_from(name: &str) -> Result<Self, Error> {
        Self::new(name)
    }
}

impl TryFrom<String> for Organization {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_of_the_reference_grammar() {
        for name in [
            "a",
            "0",
            "acme",
            "acme-labs",
            "a.b",
            "a_b",
            "a__b",
            "a---b",
            "a.b_c-d",
        ] {
            assert_eq!(Organization::new(name).unwrap().as_str(), name);
        }
        assert!(Organization::new("a".repeat(255)).is_ok());
    }

    #[test]
    fn rejects_names_that_could_be_another_path() {
        let long = "a".repeat(100_000);
        for name in [
            "",
            " ",
            "a/b",
            "..",
            "../../../admin",
            "a%2fb",
            "%2e%2e",
            "a?b",
            "a#b",
            "a\0b",
            "a\r\nb",
            "a\\b",
            "é",
            "a@b",
            "Acme",
            ".a",
            "a.",
            "-a",
            "a-",
            "a..b",
            "a___b",
            "a._b",
            "a-_b",
            &long,
        ] {
            assert!(Organization::new(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn the_message_says_where_the_error_is() {
        let message = |name: &str| Organization::new(name).unwrap_err().to_string();
        let expected = "expected lower-case letters and digits, separated by '.', '_', '__' or '-'";
        assert_eq!(
            message(""),
            format!(r#"invalid organization name "": {expected}, found nothing"#)
        );
        assert_eq!(
            message("../x"),
            format!(r#"invalid organization name "../x": {expected}, found '/' at byte 2"#)
        );
        assert_eq!(
            message("a._b"),
            format!(r#"invalid organization name "a._b": {expected}, found "._""#)
        );
        assert!(message(&"\u{1F600}".repeat(1000)).len() < 400);
    }
}
