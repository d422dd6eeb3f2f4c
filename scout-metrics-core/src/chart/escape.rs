//! Text in markup, with nothing hidden in it.

use std::fmt::{self, Write};

/// Displays text for XML and HTML, in elements and in quoted attributes.
///
/// Markup is escaped, and [invisible characters](is_invisible) are shown as `\u{202e}`.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(&'a str);

impl<'a> Escaped<'a> {
    /// Creates a value that displays a text.
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if is_invisible(c) => write!(f, "{}", c.escape_unicode())?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Returns a text with [invisible characters](is_invisible) as escapes, for places that need its length.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match is_invisible(c) {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
    }
    shown
}

/// Returns whether a character cannot be seen, or changes the order of the text around it, so that a name that contains
/// it could pass for another one.
///
/// These are control characters, the format characters of Unicode 16 (category Cf, which has the marks of right-to-left
/// text and the zero-width characters), its default ignorable code points, separators other than the blank, private use
/// and characters that XML excludes.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{1680}'
            | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{2800}' | '\u{3000}' | '\u{3164}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_inert_and_hidden_characters_are_shown() {
        let text = "<b a='\"'>&\u{202e}\u{200d}\0é日本";
        assert_eq!(
            Escaped::new(text).to_string(),
            r"&lt;b a=&#39;&quot;&#39;&gt;&amp;\u{202e}\u{200d}\u{0}é日本"
        );
    }
}
