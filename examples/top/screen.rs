//! The terminal, which is left as it was found however the program ends.

use std::{
    io::{self, Stdout, Write},
    panic,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, ThreadId},
};

use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor::{Hide, Show},
        execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
    layout::{Position, Rect},
};

/// Whether the terminal is ours, so that it is left once, by whoever comes first.
static IS_ENTERED: AtomicBool = AtomicBool::new(false);

/// The thread that draws. A panic of another thread, such as one of a source, does not end the program.
static DRAWS: Mutex<Option<ThreadId>> = Mutex::new(None);

/// The alternate screen of the terminal, in raw mode and without a cursor, until it is dropped.
#[derive(Debug)]
pub(crate) struct Screen {
    pub(crate) terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes over the terminal. A panic of this thread gives it back before it is reported.
    ///
    /// Reports no panic of another thread, because its text would be written over the screen.
    pub(crate) fn enter() -> io::Result<Self> {
        report_panics_after_leaving();
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        let mut screen = Self { terminal };
        screen.reenter()?;
        Ok(screen)
    }

    /// Takes over the terminal again after the program was stopped.
    pub(crate) fn reenter(&mut self) -> io::Result<()> {
        // The shell may have set another mode meanwhile, without which `enable_raw_mode` thinks that nothing is to do.
        leave();
        IS_ENTERED.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        // Not `clear`, which asks for the place of the cursor: the thread that reads keys would get the answer.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// Gives the terminal back. Errors are ignored: the terminal may be gone.
pub(crate) fn leave() {
    if !IS_ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _ = io::stdout().flush();
    let _ = disable_raw_mode();
}

fn report_panics_after_leaving() {
    let mut draws = DRAWS.lock().unwrap_or_else(PoisonError::into_inner);
    if draws.replace(thread::current().id()).is_some() {
        return;
    }
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let draws = *DRAWS.lock().unwrap_or_else(PoisonError::into_inner);
        if draws == Some(thread::current().id()) {
            leave();
        }
        if !IS_ENTERED.load(Ordering::SeqCst) {
            report(info);
        }
    }));
}
