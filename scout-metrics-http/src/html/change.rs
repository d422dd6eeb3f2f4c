//! Changes of a number.

use std::{cmp::Ordering, fmt};

use askama::filters::HtmlSafe;
use scout_metrics_core::{Severity, Stream};

/// The change of a number, as HTML: a sign and an arrow, so that it does not depend on colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delta {
    before: Option<u64>,
    after: Option<u64>,
}

impl Delta {
    /// Creates a change. A number that was not reported is `None`.
    pub(crate) fn new(before: Option<u64>, after: Option<u64>) -> Self {
        Self { before, after }
    }

    /// Creates the change of the critical and high vulnerabilities of a stream.
    pub(crate) fn of_streams(before: Option<&Stream>, after: &Stream) -> Self {
        Self::new(before.and_then(serious), serious(after))
    }
}

/// Returns the number of critical and high vulnerabilities of a stream, or `None` if it reports neither.
pub(crate) fn serious(stream: &Stream) -> Option<u64> {
    let counts = stream.vulnerabilities();
    let is_known = counts.get(Severity::Critical).is_some() || counts.get(Severity::High).is_some();
    is_known.then(|| counts.at_least(Severity::High))
}

/// `Display` writes no text from elsewhere.
impl HtmlSafe for Delta {}

impl fmt::Display for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(before), Some(after)) = (self.before, self.after) else {
            return f.write_str(r#"<span class="delta same">–</span>"#);
        };
        let difference = after.abs_diff(before);
        match after.cmp(&before) {
            Ordering::Greater => write!(f, r#"<span class="delta up">▲ +{difference}</span>"#),
            Ordering::Less => write!(f, r#"<span class="delta down">▼ −{difference}</span>"#),
            Ordering::Equal => f.write_str(r#"<span class="delta same">= 0</span>"#),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_a_sign_and_an_arrow() {
        let shown = |before, after| Delta::new(before, after).to_string();
        assert_eq!(
            shown(Some(2), Some(5)),
            r#"<span class="delta up">▲ +3</span>"#
        );
        assert_eq!(
            shown(Some(5), Some(2)),
            r#"<span class="delta down">▼ −3</span>"#
        );
        assert_eq!(
            shown(Some(5), Some(5)),
            r#"<span class="delta same">= 0</span>"#
        );
        assert_eq!(shown(None, Some(5)), r#"<span class="delta same">–</span>"#);
    }
}
