//! Text from other machines, made safe for a terminal.

use std::{
    env,
    error::Error as StdError,
    io::{self, IsTerminal, Write},
    pin::pin,
    process::ExitCode,
    time::Duration,
};

use tokio::time::{Instant, interval_at};
use tracing::Level;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use scout_metrics_core::Error;

/// The maximum number of marks and joiners in a row. Living languages need fewer; more would grow over other lines.
const MAX_MARKS: usize = 8;

/// The maximum width of a response body that is shown with an error.
const MAX_BODY: usize = 240;

/// Returns the text on one line, with every character escaped that could control the terminal, reorder what it shows, or
/// hide in it.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        marks = if c.width() == Some(0) { marks + 1 } else { 0 };
        if c.is_control() || is_invisible(c) || marks > MAX_MARKS {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Returns whether a character is invisible and changes the direction or line breaks of the text around it, or only makes
/// it differ from text that looks alike. The joiners of emoji and of Indic and Arabic text are left.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Returns the text, [printable] and cut to a number of columns with `…` where it was longer.
pub fn fit(text: &str, columns: usize) -> String {
    let text = printable(text);
    if text.width() <= columns {
        return text;
    }
    let mut used = 1;
    let mut cut: String = text
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= columns
        })
        .collect();
    cut.push('…');
    cut
}

/// Returns the width of a text in columns.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Returns the text with blanks after it, up to a number of columns.
pub fn pad_end(text: &str, columns: usize) -> String {
    format!("{text}{}", blanks(text, columns))
}

/// Returns the text with blanks before it, up to a number of columns.
pub fn pad_start(text: &str, columns: usize) -> String {
    format!("{}{text}", blanks(text, columns))
}

fn blanks(text: &str, columns: usize) -> String {
    " ".repeat(columns.saturating_sub(text.width()))
}

/// Writes the warnings that libraries log to standard error, one line each.
pub fn log_warnings() {
    tracing_subscriber::fmt()
        .with_max_level(Level::WARN)
        .with_writer(io::stderr)
        .with_target(false)
        .without_time()
        .init();
}

/// Returns the exit status of a program, after [writing](complain) its error.
pub fn exit_code(outcome: Result<(), Box<dyn StdError>>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// Writes an error with its causes to standard error on one line, and the response of the server on the next.
pub fn complain(error: &(dyn StdError + 'static)) {
    let Some(error) = error.downcast_ref::<Error>() else {
        return print_error(&format!("error: {}\n", printable(&error.to_string())));
    };
    print_error(&format!(
        "error: {}\n",
        printable(&error.chain().to_string())
    ));
    let body = error.body().unwrap_or_default().trim();
    if !body.is_empty() {
        print_error(&format!(
            "  response from the server: {}\n",
            fit(body, MAX_BODY)
        ));
    }
}

/// Writes a line for people to standard error, where it does not mix with data.
pub fn say(text: &str) {
    print_error(&format!("{text}\n"));
}

/// Waits for something, and shows on a terminal for how long, once that is more than a second.
pub async fn waiting_for<T>(what: &str, work: impl Future<Output = T>) -> T {
    let second = Duration::from_secs(1);
    let start = Instant::now();
    let mut ticks = interval_at(start + second, second);
    let can_show =
        io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb");
    let mut work = pin!(work);
    let mut is_shown = false;
    loop {
        tokio::select! {
            outcome = &mut work => {
                if is_shown {
                    print_error("\x1b[K");
                }
                return outcome;
            }
            _ = ticks.tick(), if can_show => {
                is_shown = true;
                // The cursor goes back, so that what comes next overwrites this.
                print_error(&format!("{what}, {} s\x1b[K\r", start.elapsed().as_secs()));
            }
        }
    }
}

/// Writes to standard error. `eprintln!` would panic, and change the exit status, if that is closed or its disk is full.
fn print_error(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Writes a text to standard output.
///
/// # Errors
///
/// Returns the error of the output, [unless it is closed](unless_closed).
pub fn print(text: &str) -> io::Result<()> {
    let mut output = io::stdout();
    let written = output.write_all(text.as_bytes());
    unless_closed(written.and_then(|()| output.flush()))
}

/// Returns success if the error is only that the reader of the output closed it, as `head` does.
///
/// # Errors
///
/// Returns every other error of the writer.
pub fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_drive_the_terminal() {
        assert_eq!(
            printable("a\u{1b}[31mb\r\n\t\u{9b}\u{202e}c\u{7f}"),
            r"a\u{1b}[31mb\r\n\t\u{9b}\u{202e}c\u{7f}"
        );
        assert_eq!(printable("pro\u{200b}d\u{ad}"), r"pro\u{200b}d\u{ad}");
        assert_eq!(printable("e\u{301}\u{302}"), "e\u{301}\u{302}");
        let marks = printable(&format!("e{}", "\u{301}".repeat(9)));
        assert!(marks.ends_with(r"\u{301}") && marks.starts_with("e\u{301}"));
        assert_eq!(printable("é 日本 👩‍🚀 \"{}\\"), "é 日本 👩‍🚀 \"{}\\");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(pad_end("日本", 6), "日本  ");
        assert_eq!(pad_start("é", 3), "  é");
        assert_eq!(pad_end("longer", 3), "longer");
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_column() {
        assert_eq!(fit("production", 10), "production");
        assert_eq!(fit("production", 9), "producti…");
        assert_eq!(fit("日本日本", 6), "日本…");
        assert_eq!(width(&fit(&"日".repeat(9999), 40)), 39);
    }
}
