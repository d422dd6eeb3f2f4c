//! The style sheet that page and report share.

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

/// The colours and the parts that the other modules write. A page adds its own rules after it.
pub(crate) const STYLE: &str = include_str!("style.css");

/// Returns the source of a style or script for a Content-Security-Policy, with its quotes: `'sha256-...'`.
pub(crate) fn hash(text: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_specification() {
        // The example in section 2.3.1 of Content Security Policy Level 3.
        assert_eq!(
            hash("alert('Hello, world.');"),
            "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
        );
    }
}
