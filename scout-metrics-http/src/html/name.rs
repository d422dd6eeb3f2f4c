//! Names from elsewhere, which must not deceive.

use std::fmt;

use askama::filters::HtmlSafe;
use scout_metrics_core::chart::{Escaped, is_invisible};

/// The number of characters of a name that are shown.
const SHOWN: usize = 60;

/// The number of characters of a sentence, and of a longer name in its tooltip.
const TOOLTIP: usize = 400;

/// Displays a name as HTML, so that it is what it seems to be.
///
/// Markup is escaped. Characters that cannot be seen or that reorder text are shown as marked escapes, and the rest of the
/// name cannot change the direction of the text around it. A long name is cut, with more of it in a tooltip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a>(pub(crate) &'a str);

/// `Display` writes escaped text.
impl HtmlSafe for Name<'_> {}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, is_cut) = start(self.0, SHOWN - 1);
        if !is_cut {
            f.write_str("<bdi>")?;
            write_marked(f, self.0)?;
            return f.write_str("</bdi>");
        }
        let (tooltip, more) = start(self.0, TOOLTIP);
        let dots = if more { "…" } else { "" };
        write!(f, r#"<bdi title="{}{dots}">"#, Escaped::new(tooltip))?;
        write_marked(f, shown)?;
        f.write_str("…</bdi>")
    }
}

/// Returns a name for places without markup, such as the title of the page: cut, with escapes.
pub(crate) fn plain(name: &str) -> String {
    visible(name, SHOWN)
}

/// Returns a sentence that has text from elsewhere, as [`plain`] does, but longer.
pub(crate) fn sentence(text: &str) -> String {
    visible(text, TOOLTIP)
}

fn visible(text: &str, characters: usize) -> String {
    let (shown, is_cut) = start(text, characters - 1);
    let mut text = String::new();
    for c in shown.chars() {
        match is_invisible(c) {
            true => text.extend(c.escape_unicode()),
            false => text.push(c),
        }
    }
    if is_cut {
        text.push('…');
    }
    text
}

/// Returns the start of a text, and whether it is longer than a number of characters by more than one.
fn start(text: &str, characters: usize) -> (&str, bool) {
    let mut places = text.char_indices().map(|(place, _)| place).skip(characters);
    match (places.next(), places.next()) {
        (Some(end), Some(_)) => (&text[..end], true),
        _ => (text, false),
    }
}

fn write_marked(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let mut rest = text;
    while let Some(place) = rest.find(is_invisible) {
        let (before, after) = rest.split_at(place);
        let length = after.chars().next().map_or(0, char::len_utf8);
        let (hidden, after) = after.split_at(length);
        write!(f, "{}<i>{}</i>", Escaped::new(before), Escaped::new(hidden))?;
        rest = after;
    }
    write!(f, "{}", Escaped::new(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_inert_and_shows_what_it_hides() {
        assert_eq!(Name("production").to_string(), "<bdi>production</bdi>");
        assert_eq!(
            Name("<script>alert('1')</script>\"&").to_string(),
            "<bdi>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;</bdi>"
        );
        assert_eq!(
            Name("a\u{202e}b\u{200b}\n").to_string(),
            r"<bdi>a<i>\u{202e}</i>b<i>\u{200b}</i><i>\u{a}</i></bdi>"
        );
        assert_eq!(plain("a\u{202e}<b"), r"a\u{202e}<b");
        assert_eq!(sentence("a\u{200b}b is new\n"), r"a\u{200b}b is new\u{a}");
    }

    #[test]
    fn a_long_name_is_cut_everywhere() {
        let exact = "é".repeat(SHOWN);
        assert_eq!(Name(&exact).to_string(), format!("<bdi>{exact}</bdi>"));
        let long = "\u{202e}".repeat(10_000);
        let shown = Name(&long).to_string();
        assert!(shown.len() < 8000, "{}", shown.len());
        assert!(shown.ends_with(r"<i>\u{202e}</i>…</bdi>"), "{shown}");
        assert!(plain(&long).len() < 600);
        assert_eq!(sentence(&"a".repeat(9999)).chars().count(), TOOLTIP);
        assert_eq!(plain(&"a".repeat(99)), format!("{}…", "a".repeat(59)));
    }
}
