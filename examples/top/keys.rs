//! Keys, read by a thread, because reading blocks.

use std::{io, thread};

use ratatui::crossterm::event::{self, Event};
use tokio::sync::mpsc;

/// The number of keys that may wait, which bounds what a held key or pasted text costs.
const WAITING: usize = 1024;

/// Starts reading. The channel closes when the terminal is gone.
pub(crate) fn read() -> io::Result<mpsc::Receiver<Event>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    thread::Builder::new()
        .name("keys".to_owned())
        .spawn(move || {
            while let Ok(event) = event::read() {
                if sender.blocking_send(event).is_err() {
                    return;
                }
            }
        })?;
    Ok(receiver)
}
