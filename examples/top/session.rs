//! The program while it runs: pollers, history, keys, signals and the screen.

use std::{
    fs, io,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use ratatui::{Terminal, backend::TestBackend, crossterm::event::Event as TerminalEvent};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Interval, MissedTickBehavior, interval, sleep},
};

use scout_metrics_core::{
    History, HistoryExt, MetricsSource, Organization, PollerSet, Result, SetUpdates,
};

use crate::{
    app::{App, Command, DAYS, Event, Freshness, Past, Reading},
    draw::draw,
    keys, picture,
    screen::{self, Screen},
    signals::{Signal, Signals},
    sources::Sources,
    theme::Theme,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How often the history is read again: it changes once an hour.
const HISTORY_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// The size of a picture.
const PICTURE: (u16, u16) = (110, 34);

/// A running dashboard.
pub(crate) struct Session {
    app: App,
    pollers: PollerSet,
    history: Option<Arc<dyn History>>,
    refresh: Option<JoinHandle<()>>,
}

impl Session {
    /// Starts to poll the sources.
    pub(crate) async fn start(sources: Sources) -> Result<Self> {
        Ok(Self {
            app: App::new(sources.organizations(), SystemTime::now()),
            pollers: sources.poll().await?,
            history: sources.history,
            refresh: None,
        })
    }

    /// Shows the dashboard until the user or a signal ends it.
    pub(crate) async fn run(mut self, theme: Theme) -> io::Result<()> {
        // Before the screen is entered: a signal in between would not give it back.
        let signals = Signals::new()?;
        let mut screen = Screen::enter()?;
        let mut inputs = self.inputs(signals)?;
        loop {
            self.read_pollers();
            let app = &mut self.app;
            screen.terminal.draw(|frame| draw(app, theme, frame))?;
            let command = match inputs.next().await {
                Input::End => return Ok(()),
                Input::Event(event) => self.app.update(event),
                Input::Redraw => None,
                Input::Reenter => {
                    screen.reenter()?;
                    None
                }
            };
            match command {
                None => {}
                Some(Command::Quit) => return Ok(()),
                Some(Command::Refresh) => self.refresh(),
                Some(Command::Suspend) => {
                    screen::leave();
                    if inputs.signals.suspend().await == Signal::End {
                        return Ok(());
                    }
                    screen.reenter()?;
                }
            }
        }
    }

    fn inputs(&self, signals: Signals) -> io::Result<Inputs> {
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Ok(Inputs {
            keys: keys::read()?,
            pasts: self.follow_history(),
            seconds,
            signals,
            updates: self.pollers.updates(),
        })
    }

    /// Writes a picture of the first screen, after each source has answered or failed.
    pub(crate) async fn write_picture(mut self, path: &Path) -> io::Result<()> {
        // Failures are in the picture.
        let _ = self.pollers.refresh_now().await;
        if let Some(history) = &self.history {
            for organization in organizations(&self.pollers) {
                if let Some(past) = read_past(history, &organization).await {
                    self.app.update(Event::Past(organization, past));
                }
            }
        }
        self.read_pollers();
        let (columns, lines) = PICTURE;
        let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, lines));
        let Ok(_) = terminal.draw(|frame| draw(&mut self.app, Theme::new(true), frame));
        fs::write(path, picture::svg(terminal.backend().buffer()))
    }

    /// Passes what the pollers have to the state.
    fn read_pollers(&mut self) {
        let readings = self.pollers.pollers().iter().map(|poller| Reading {
            organization: poller.organization().clone(),
            snapshot: poller.current(),
            freshness: Freshness::from(poller.status()),
        });
        self.app.update(Event::Readings(readings.collect()));
    }

    /// Asks all sources now, unless they are being asked: a held key must not ask without a pause.
    fn refresh(&mut self) {
        if self.refresh.as_ref().is_none_or(JoinHandle::is_finished) {
            let pollers = self.pollers.clone();
            self.refresh = Some(tokio::spawn(async move {
                // Failures are in the states of the pollers.
                let _ = pollers.refresh_now().await;
            }));
        }
    }

    /// Returns what the history has of each organization, now and again from time to time.
    fn follow_history(&self) -> mpsc::Receiver<(Organization, Past)> {
        let (sender, receiver) = mpsc::channel(1);
        if let Some(history) = self.history.clone() {
            let organizations = organizations(&self.pollers);
            tokio::spawn(async move {
                loop {
                    for organization in &organizations {
                        let Some(past) = read_past(&history, organization).await else {
                            continue;
                        };
                        if sender.send((organization.clone(), past)).await.is_err() {
                            return;
                        }
                    }
                    sleep(HISTORY_INTERVAL).await;
                }
            });
        }
        receiver
    }
}

/// Everything that a running dashboard waits for.
struct Inputs {
    keys: mpsc::Receiver<TerminalEvent>,
    pasts: mpsc::Receiver<(Organization, Past)>,
    seconds: Interval,
    signals: Signals,
    updates: SetUpdates,
}

enum Input {
    End,
    Event(Event),
    /// Something that is read before each frame has changed: the size of the terminal or a poller.
    Redraw,
    /// The program was stopped, and the shell has used the terminal meanwhile.
    Reenter,
}

impl Inputs {
    async fn next(&mut self) -> Input {
        tokio::select! {
            _ = self.seconds.tick() => Input::Event(Event::Time(SystemTime::now())),
            Some(_) = self.updates.next() => Input::Redraw,
            Some((organization, past)) = self.pasts.recv() => {
                Input::Event(Event::Past(organization, past))
            }
            key = self.keys.recv() => match key {
                Some(TerminalEvent::Key(key)) => Input::Event(Event::Key(key)),
                Some(_) => Input::Redraw,
                // The terminal is gone.
                None => Input::End,
            },
            signal = self.signals.next() => match signal {
                Signal::End => Input::End,
                Signal::Continue => Input::Reenter,
            },
        }
    }
}

fn organizations(pollers: &PollerSet) -> Vec<Organization> {
    let pollers = pollers.pollers().iter();
    pollers
        .map(|poller| poller.organization().clone())
        .collect()
}

/// Returns the last days of an organization, or `None` if the history cannot be read now.
async fn read_past(history: &Arc<dyn History>, organization: &Organization) -> Option<Past> {
    let now = SystemTime::now();
    let days = u32::try_from(DAYS).unwrap_or(u32::MAX) - 1;
    let start = now.checked_sub(DAY * days)?;
    let trend = history.trend(organization, start, now, DAYS).await.ok()?;
    Some(Past::new(&trend))
}
