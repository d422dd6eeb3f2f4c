//! A message in the form that its receiver expects.

use clap::ValueEnum;
use serde_json::{Value, json};

use scout_metrics_core::{Change, Snapshot};
use scout_metrics_examples::{
    changes::seconds,
    terminal::{fit, printable},
};

/// The maximum number of changes in a message for people. The rest is counted.
const MAX_CHANGES: usize = 15;

/// The maximum length of an escaped line in units of UTF-16, so that all lines, each with a bullet and a line feed, fit into
/// the [3,000 characters] of a section of Slack.
///
/// [3,000 characters]: https://docs.slack.dev/reference/block-kit/blocks/section-block
const MAX_LENGTH: usize = 180;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// The organization, the time and all changes
    Json,
    /// An incoming webhook of Slack, Mattermost or Rocket.Chat
    Slack,
    /// A workflow of Microsoft Teams
    Teams,
}

/// The changes of an organization that matter, which are at least one.
#[derive(Debug)]
pub(super) struct Message<'a> {
    snapshot: &'a Snapshot,
    changes: &'a [Change],
}

impl<'a> Message<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, changes: &'a [Change]) -> Self {
        Self { snapshot, changes }
    }

    pub(super) fn body(&self, format: Format) -> String {
        match format {
            Format::Json => self.json(),
            Format::Slack => self.slack().to_string(),
            Format::Teams => self.teams().to_string(),
        }
    }

    pub(super) fn json(&self) -> String {
        let document = json!({
            "organization": self.snapshot.organization(),
            "scraped_at": seconds(self.snapshot.scraped_at()),
            "title": self.title(),
            "changes": self.changes,
        });
        document.to_string()
    }

    fn title(&self) -> String {
        let organization = fit(self.snapshot.organization().as_str(), 80);
        match self.changes.len() {
            1 => format!("Docker Scout: {organization} got worse"),
            count => format!("Docker Scout: {organization} got worse in {count} ways"),
        }
    }

    /// Returns the most important changes as escaped sentences, and the number of the others.
    fn sentences(&self, escape: fn(char) -> String) -> impl Iterator<Item = String> {
        let shown = self.changes.iter().take(MAX_CHANGES);
        let sentences = shown.map(move |change| escaped(&change.sentence().to_string(), escape));
        let rest = self.changes.len().saturating_sub(MAX_CHANGES);
        sentences.chain((rest > 0).then(|| format!("And {rest} more.")))
    }

    /// Returns [blocks], and a text for notifications.
    ///
    /// [blocks]: https://docs.slack.dev/reference/block-kit/blocks
    fn slack(&self) -> Value {
        let lines = self
            .sentences(escape_slack)
            .map(|sentence| format!("• {sentence}"));
        json!({
            "text": escaped(&self.title(), escape_slack),
            "blocks": [
                { "type": "header", "text": { "type": "plain_text", "text": self.title() } },
                { "type": "section", "text": {
                    "type": "mrkdwn",
                    "text": lines.collect::<Vec<_>>().join("\n"),
                    "verbatim": true,
                } },
            ],
        })
    }

    /// Returns an [adaptive card] as workflows accept it.
    ///
    /// [adaptive card]: https://adaptivecards.io/explorer/AdaptiveCard.html
    fn teams(&self) -> Value {
        let title = json!({
            "type": "TextBlock", "text": escaped(&self.title(), escape_markdown), "size": "Large", "weight": "Bolder", "wrap": true,
        });
        let lines = self
            .sentences(escape_markdown)
            .map(|sentence| json!({ "type": "TextBlock", "text": sentence, "wrap": true }));
        json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": std::iter::once(title).chain(lines).collect::<Vec<_>>(),
                },
            }],
        })
    }
}

/// Returns the text with each character escaped, cut with `…` where it would exceed the maximum length.
fn escaped(text: &str, escape: fn(char) -> String) -> String {
    let mut line = String::new();
    let mut length = 1;
    for piece in printable(text).chars().map(escape) {
        length += piece.encode_utf16().count();
        if length > MAX_LENGTH {
            line.push('…');
            break;
        }
        line.push_str(&piece);
    }
    line
}

/// Escapes what [Slack] would take for a link, a mention or formatting. An invisible character before a formatting
/// character separates it from its partner.
///
/// [Slack]: https://docs.slack.dev/messaging/formatting-message-text
fn escape_slack(c: char) -> String {
    match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '*' | '_' | '~' | '`' => format!("\u{200b}{c}"),
        _ => c.to_string(),
    }
}

fn escape_markdown(c: char) -> String {
    match c {
        '\\' | '*' | '_' | '[' | ']' | '`' | '<' | '>' | '#' => format!("\\{c}"),
        _ => c.to_string(),
    }
}
