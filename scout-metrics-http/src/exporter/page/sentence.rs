//! Sentences with names in them.

use scout_metrics_core::chart::is_invisible;

/// The maximum length of a sentence, in characters.
const MAX_CHARS: usize = 300;

/// Returns a sentence to be shown, such as a message with names in it: cut, with characters that cannot be seen as
/// escapes. The template escapes markup.
pub(super) fn sentence(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(MAX_CHARS) {
        if is_invisible(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    if text.chars().nth(MAX_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_shown_and_long_sentences_are_cut() {
        assert_eq!(
            sentence("stream a\u{202e}b is new"),
            r"stream a\u{202e}b is new"
        );
        assert_eq!(sentence("a\u{200b}b\n"), r"a\u{200b}b\u{a}");
        let long = sentence(&"x".repeat(10_000));
        assert_eq!(long.chars().count(), MAX_CHARS + 1);
    }
}
