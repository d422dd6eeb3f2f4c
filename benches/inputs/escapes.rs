//! Label values with escapes.

use std::fmt::Write;

use crate::{numbers::value, words::Words, written};

const SEED: u64 = 0xE5CA9;

/// Samples whose label values are full of escapes, of about so many bytes.
pub fn many_escapes(bytes: usize) -> String {
    let mut words = Words::new(SEED);
    let mut out = String::from("# TYPE escaped gauge\n");
    let mut number = 0;
    while out.len() < bytes {
        let value = value(words.rng());
        let (path, note) = (path(&mut words), note(&mut words));
        let written_line = writeln!(
            out,
            r#"escaped{{path="{path}\\{number}",note="{note}"}} {value}"#
        );
        written(written_line);
        number += 1;
    }
    out
}

/// Returns a path of Windows, in which every separator is an escape.
fn path(words: &mut Words) -> String {
    let mut path = String::from("C:");
    for _ in 0..words.rng().usize(1..=6) {
        path.push_str(r"\\");
        path.push_str(words.word());
    }
    path
}

/// Returns a sentence with line feeds and quotes in it.
fn note(words: &mut Words) -> String {
    let mut note = words.word().to_owned();
    for _ in 0..words.rng().usize(1..=10) {
        match words.rng().u8(0..6) {
            0 => note.push_str(r"\n"),
            1 => {
                let quoted = format!(r#" \"{}\""#, words.word());
                note.push_str(&quoted);
                continue;
            }
            _ => note.push(' '),
        }
        note.push_str(words.word());
    }
    note
}
