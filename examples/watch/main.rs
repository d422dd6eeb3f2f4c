//! Watches Docker Scout metrics and prints what changes.
//!
//! Each organization is polled in the background, and each snapshot is compared with the one before. Without arguments no
//! account is needed: the program serves invented metrics, which change every 15 seconds, from an embedded endpoint, and scrapes
//! that endpoint.

mod notify;

use std::{
    collections::HashMap,
    error::Error,
    io::{self, IsTerminal, Write},
    pin::pin,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use tokio::{net::TcpListener, signal::ctrl_c, time::interval};

use scout_metrics_core::{Change, MetricsSource, Organization, PollerSet, Snapshot};
use scout_metrics_examples::{
    changes::{seconds, write_json},
    command_line,
    connection::Connection,
    demo::DemoSource,
    terminal,
    time::parse_interval,
};
use scout_metrics_http::{ScoutClient, exporter::Exporter};

use notify::{NotifyArguments, Outbox};

/// The token that the embedded endpoint requires.
const DEMO_TOKEN: &str = "dckr_pat_watch";

/// How often the metrics of the embedded endpoint change.
const DEMO_INTERVAL: Duration = Duration::from_secs(15);

/// Prints what changes in the Docker Scout metrics of organizations, one line per change, until Ctrl-C.
///
/// Without --org the program serves invented metrics, which change every 15 seconds, from an embedded endpoint and scrapes
/// that endpoint, so it needs no account and no network.
///
/// The token is read from --token-file, or else from the file that DOCKER_SCOUT_TOKEN_FILE names, or else from
/// DOCKER_SCOUT_TOKEN or DOCKER_SCOUT_HUB_PASSWORD, or else from what `docker login` keeps. It must belong to an owner of
/// each organization.
///
/// With --exec, --webhook or --webhook-file, what got worse is also sent as a message, at most one for each scrape of an
/// organization. A message that cannot be delivered is reported on standard error, and sent again after the next scrape, or
/// with --history after a restart. Ctrl-C does not wait for a delivery.
#[derive(Debug, Parser)]
#[command(
    name = "watch",
    version,
    after_help = "\
Exit status:
  0  stopped by Ctrl-C, or because the reader of the output closed it; later scrapes may have failed with a warning
  1  the first scrape of an organization failed, or messages cannot be set up; standard error says why
  2  the command line or the environment is invalid"
)]
struct Arguments {
    /// Organization to watch; repeatable
    #[arg(
        id = "org",
        long,
        value_name = "NAME",
        env = "DOCKER_SCOUT_ORG",
        value_delimiter = ','
    )]
    organizations: Vec<Organization>,

    #[command(flatten)]
    connection: Connection,

    /// Time between two scrapes, at least 1s [default: 60m, without --org 15s]
    #[arg(long, value_name = "TIME", value_parser = parse_interval)]
    interval: Option<Duration>,

    #[command(flatten)]
    notify: NotifyArguments,

    /// Print each change as a line of JSON
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::log_warnings();
    terminal::exit_code(run(command_line::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let pollers = start(&arguments).await?;
    let organizations = pollers.pollers().iter().map(MetricsSource::organization);
    let organizations: Vec<Organization> = organizations.cloned().collect();
    let notifier = arguments.notify.notifier(&organizations).await?;
    let outbox = notifier.map(Outbox::start);
    let mut updates = pollers.updates();
    let mut last = Snapshots::new();
    let mut countdown = Countdown::new(&pollers);
    // A new subscription in each turn of the loop would lose a signal that comes between two of them.
    let mut stopped = pin!(ctrl_c());
    loop {
        let (organization, outcome) = tokio::select! {
            Some(update) = updates.next() => update,
            () = countdown.tick() => continue,
            result = &mut stopped => return Ok(result?),
        };
        countdown.hide();
        let before = last.get(&organization);
        let now = match outcome {
            Ok(now) => now,
            // The poller has logged it.
            Err(_) if before.is_some() => continue,
            Err(error) => return Err(error.into()),
        };
        let printed = match before {
            None => {
                greet(&now);
                Ok(())
            }
            Some(before) => print(&now, &now.changes_since(before), arguments.json),
        };
        if printed.is_err() {
            return Ok(terminal::unless_closed(printed)?);
        }
        if let Some(outbox) = &outbox {
            outbox.put(now.clone());
        }
        last.insert(organization, now);
    }
}

/// The last snapshot of each organization. The first scrape must succeed; later ones are compared with the one before.
type Snapshots = HashMap<Organization, Snapshot>;

/// Starts polling the organizations.
async fn start(arguments: &Arguments) -> Result<PollerSet, Box<dyn Error>> {
    let is_demo = arguments.organizations.is_empty();
    let (client, organizations) = if is_demo {
        let acme = Organization::new("acme")?;
        (embedded_client(&acme).await?, vec![acme])
    } else {
        (
            arguments.connection.client()?,
            arguments.organizations.clone(),
        )
    };
    // The user waits for the first scrapes, so none of them is delayed.
    let mut pollers = PollerSet::builder().with_spread(Duration::ZERO);
    for organization in &organizations {
        pollers = pollers.with_source(client.organization(organization)?)?;
    }
    let interval = arguments.interval.or(is_demo.then_some(DEMO_INTERVAL));
    if let Some(interval) = interval {
        pollers = pollers.with_interval(interval);
    }
    Ok(pollers.spawn())
}

/// Returns a client for an embedded endpoint, which serves invented metrics.
async fn embedded_client(organization: &Organization) -> Result<ScoutClient, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Exporter::new()
        .with_source(DemoSource::new(organization.clone()))
        .with_bearer_token(DEMO_TOKEN)
        .into_router()?;
    tokio::spawn(axum::serve(listener, router).into_future());
    eprintln!(
        "no --org given: scraping an embedded endpoint, whose metrics change every 15s, at {url}"
    );
    let client = ScoutClient::builder()
        .with_base_url(url)
        .with_token(DEMO_TOKEN);
    Ok(client.build()?)
}

fn greet(snapshot: &Snapshot) {
    let organization = snapshot.organization();
    let streams = match snapshot.streams().len() {
        1 => "1 stream".to_owned(),
        number => format!("{number} streams"),
    };
    eprintln!("watching {organization}: {streams}, press Ctrl-C to stop");
}

fn print(snapshot: &Snapshot, changes: &[Change], as_json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if as_json {
        write_json(&mut out, snapshot, changes)?;
    } else {
        let organization = snapshot.organization();
        let scraped_at = seconds(snapshot.scraped_at());
        for change in changes {
            let change = terminal::printable(&change.to_string());
            writeln!(out, "{scraped_at} {organization} {change}")?;
        }
    }
    out.flush()
}

/// Shows the time until the next scrape, on a terminal only.
struct Countdown<'a> {
    pollers: &'a PollerSet,
    ticks: tokio::time::Interval,
    is_shown: bool,
}

impl<'a> Countdown<'a> {
    fn new(pollers: &'a PollerSet) -> Self {
        Self {
            pollers,
            ticks: interval(Duration::from_secs(1)),
            is_shown: io::stderr().is_terminal(),
        }
    }

    /// Waits for the next second, and shows it.
    async fn tick(&mut self) {
        self.ticks.tick().await;
        let waits = self.pollers.statuses().map(|(_, status)| status.next_in());
        let Some(wait) = waits.flatten().min().filter(|_| self.is_shown) else {
            return;
        };
        let (minutes, seconds) = (wait.as_secs() / 60, wait.as_secs() % 60);
        // The cursor goes back, so that a warning starts at the start of the line.
        eprint!("next scrape in {minutes}:{seconds:02}\x1b[K\r");
    }

    fn hide(&self) {
        if self.is_shown {
            eprint!("\x1b[K");
        }
    }
}
