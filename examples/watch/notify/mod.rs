//! Telling people and programs what got worse.

mod command;
mod message;
mod outbox;
mod webhook;

use std::{
    collections::HashMap,
    error::Error,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use clap::{ArgGroup, Args};
use secrecy::SecretString;
use tokio::time::{Instant, sleep};

use scout_metrics_core::{
    Change, HistoryExt, Organization, RecordHistory, Severity, Snapshot, SqliteHistory,
};
use scout_metrics_examples::{
    severity,
    terminal::{printable, say},
    time::parse_days,
};

use command::ShellCommand;
use message::{Format, Message};
pub(crate) use outbox::Outbox;
use webhook::Webhook;

/// The pauses between the attempts to deliver a message. After the last one, the next scrape brings another attempt.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// The longest pause that a server may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// How often old snapshots are removed from the history.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60 * 60);

#[derive(Args, Debug)]
#[group(skip)]
#[command(group = ArgGroup::new("channel").args(["exec", "webhook", "webhook_file"]))]
#[command(next_help_heading = "Messages")]
pub(crate) struct NotifyArguments {
    /// Command to run in a shell when something got worse; it gets the message as JSON on standard input and has 60 s
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,

    /// URL to post a message to when something got worse. Others on this machine can see it; see --webhook-file
    #[arg(long, value_name = "URL")]
    webhook: Option<SecretString>,

    /// File that contains the URL, which is a secret for most services; read for each delivery
    #[arg(long, value_name = "FILE")]
    webhook_file: Option<PathBuf>,

    /// Format of the message to the URL
    #[arg(long, value_enum, default_value_t = Format::Json, requires = "channel", conflicts_with = "exec")]
    format: Format,

    /// Least severity of vulnerabilities that matter for messages; unknown severities and policies always do
    #[arg(long, value_name = "SEVERITY", value_parser = severity::parse, requires = "channel")]
    fail_on: Option<Severity>,

    /// SQLite file that records what was told, so that a restart misses nothing. Must not be the file of another program
    #[arg(long, value_name = "FILE", requires = "channel")]
    history: Option<PathBuf>,

    /// Age of the oldest snapshots that stay in the history
    #[arg(long, value_name = "TIME", value_parser = parse_days, default_value = "90d", requires = "history")]
    history_retention: Duration,
}

/// Sends at most one message for each snapshot, with everything that got worse since the last snapshot that was told.
#[derive(Debug)]
pub(crate) struct Notifier {
    channel: Channel,
    fail_on: Option<Severity>,
    history: Option<SqliteHistory>,
    retention: Duration,
    pruned_at: Option<Instant>,
    /// The last snapshot of each organization of which all was told.
    told: HashMap<Organization, Snapshot>,
}

#[derive(Debug)]
enum Channel {
    Command(ShellCommand),
    Webhook(Webhook),
}

/// Why a message was not delivered.
#[derive(Debug)]
struct Failure {
    reason: String,
    /// Whether the same message may soon be accepted.
    is_transient: bool,
    /// How long the server wants to be left alone.
    retry_after: Option<Duration>,
}

impl Failure {
    fn transient(reason: String) -> Self {
        Self {
            reason,
            is_transient: true,
            retry_after: None,
        }
    }
}

impl NotifyArguments {
    /// Returns the notifier, if somebody is to be told.
    pub(crate) async fn notifier(
        &self,
        organizations: &[Organization],
    ) -> Result<Option<Notifier>, Box<dyn Error>> {
        let channel = match (&self.exec, &self.webhook, &self.webhook_file) {
            (Some(command), ..) => Channel::Command(ShellCommand::new(command)),
            (_, Some(url), _) => Channel::Webhook(Webhook::new(url.clone(), self.format)?),
            (_, _, Some(path)) => Channel::Webhook(Webhook::from_file(path, self.format)?),
            (None, None, None) => return Ok(None),
        };
        let history = match &self.history {
            Some(path) => Some(SqliteHistory::open(path).await?),
            None => None,
        };
        let mut told = HashMap::new();
        for organization in organizations {
            let Some(history) = &history else { break };
            if let Some(snapshot) = history.latest(organization).await? {
                told.insert(organization.clone(), snapshot);
            }
        }
        Ok(Some(Notifier {
            channel,
            fail_on: self.fail_on,
            history,
            retention: self.history_retention,
            pruned_at: None,
            told,
        }))
    }
}

impl Notifier {
    /// Tells what matters of a new snapshot. A failure is reported, and tried again with the next snapshot.
    ///
    /// Without an earlier snapshot there is nothing to tell.
    pub(crate) async fn tell(&mut self, now: &Snapshot) {
        let organization = now.organization();
        let mut changes = match self.told.get(organization) {
            Some(before) => now.changes_since(before),
            None => Vec::new(),
        };
        changes.retain(|change| matters(change, self.fail_on));
        changes.sort_by_key(|change| std::cmp::Reverse(change.weight()));
        if !changes.is_empty()
            && let Err(failure) = self.deliver(&Message::new(now, &changes)).await
        {
            let reason = printable(&failure.reason);
            return say(&format!(
                "warning: {organization}: cannot deliver the message: {reason}; it will be sent again after the next scrape"
            ));
        }
        self.remember(now).await;
    }

    async fn remember(&mut self, now: &Snapshot) {
        let organization = now.organization();
        self.told.insert(organization.clone(), now.clone());
        let Some(history) = &self.history else { return };
        if let Err(error) = history.record(now).await {
            let error = printable(&error.chain().to_string());
            return say(&format!(
                "warning: {organization}: cannot remember what was told: {error}"
            ));
        }
        if self
            .pruned_at
            .is_none_or(|time| time.elapsed() >= PRUNE_INTERVAL)
        {
            self.pruned_at = Some(Instant::now());
            if let Err(error) = history.prune(self.oldest_to_keep()).await {
                let error = printable(&error.chain().to_string());
                say(&format!(
                    "warning: cannot remove old snapshots from the history: {error}"
                ));
            }
        }
    }

    /// Returns the time of the oldest snapshot that stays in the history. What was told last stays in any case.
    fn oldest_to_keep(&self) -> SystemTime {
        let wanted = SystemTime::now().checked_sub(self.retention);
        let told = self.told.values().map(Snapshot::scraped_at);
        told.chain(wanted).min().unwrap_or(SystemTime::UNIX_EPOCH)
    }

    async fn deliver(&self, message: &Message<'_>) -> Result<(), Failure> {
        for pause in PAUSES {
            match self.channel.send(message).await {
                Err(failure) if failure.is_transient => {
                    let wanted = failure.retry_after.unwrap_or_default();
                    sleep(pause.max(wanted.min(MAX_PAUSE))).await;
                }
                sent => return sent,
            }
        }
        self.channel.send(message).await
    }
}

impl Channel {
    async fn send(&self, message: &Message<'_>) -> Result<(), Failure> {
        match self {
            Self::Command(command) => command.run(message).await,
            Self::Webhook(webhook) => webhook.post(message).await,
        }
    }
}

/// Returns whether a change is for the worse and severe enough.
fn matters(change: &Change, least: Option<Severity>) -> bool {
    if !change.is_worse() {
        return false;
    }
    let Some(least) = least else { return true };
    let mut severities = Severity::ALL.into_iter();
    let is_severe = severities.any(|severity| severity >= least && change.added(severity) > 0);
    match change {
        Change::VulnerabilitiesChanged { .. } => is_severe,
        Change::StreamAdded { after, .. } => {
            let mut policies = after.policies().iter();
            let mut unknown = after.vulnerabilities().unrecognized();
            is_severe
                || policies.any(|result| !result.is_compliant())
                || unknown.any(|(_, count)| count > 0)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_last_stays_in_the_history_however_old_it_is() {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let now = SystemTime::now();
        let told = |name: &str, age| {
            let organization = Organization::new(name).unwrap();
            let snapshot = Snapshot::new(organization.clone(), []).unwrap();
            (organization, snapshot.with_scraped_at(now - age))
        };
        let mut notifier = Notifier {
            channel: Channel::Command(ShellCommand::new("true")),
            fail_on: None,
            history: None,
            retention: 90 * DAY,
            pruned_at: None,
            told: HashMap::from([told("acme", DAY)]),
        };
        let age = |notifier: &Notifier| now.duration_since(notifier.oldest_to_keep()).unwrap();
        assert!(age(&notifier) <= 90 * DAY && age(&notifier) > 89 * DAY);
        notifier.told.extend([told("apex", 100 * DAY)]);
        assert_eq!(age(&notifier), 100 * DAY);
    }
}
