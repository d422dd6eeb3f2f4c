//! How many instructions does reading a line cost?
//!
//! Counted by callgrind (Debian package `valgrind`), so other programs have no influence. Compares the counts with the
//! committed ones, and fails if one differs by more than 5 %; with `--update`, writes them instead.
//!
//! Callgrind answers for the processor: on a machine with AVX2 it offers AVX2 and nothing of AVX-512, so the counts are
//! those of the level AVX2, whatever the machine has beyond that. Without AVX2 the counts would be others, and nothing is
//! compared. Counts also depend on the version of the compiler, and a little on that of the C library, whose `malloc` is
//! counted.

use std::{env, fs, hint::black_box, io, process::ExitCode};

use scout_metrics_benches::{Input, inputs, weigh, weigh_bytes};
use scout_metrics_core::Organization;
use scout_metrics_openmetrics::{
    ChunkedParser, Event, Format, Limits, Mode, ParseOptions, Parser, SampleRef, parse_families,
    scout::SnapshotReader,
};

mod callgrind;
mod counts;

/// The committed counts.
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions/counts.tsv");

const WORKS: [Work; 5] = [
    Work {
        name: "pull",
        suits: |_| true,
        run: pull,
    },
    Work {
        name: "pull-bytes",
        suits: |_| true,
        run: pull_bytes,
    },
    Work {
        name: "pull-chunks",
        suits: |_| true,
        run: pull_chunks,
    },
    Work {
        name: "families",
        suits: |_| true,
        run: families,
    },
    Work {
        name: "snapshot",
        suits: |input| input.name.starts_with("scout"),
        run: snapshot,
    },
];

/// Something that can be done with an exposition.
struct Work {
    name: &'static str,
    suits: fn(&Input) -> bool,
    run: fn(&Input) -> usize,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["--measure", work, format, text] => measure(work, format, text),
        [] => counts::check(COMMITTED),
        ["--update"] => counts::update(COMMITTED),
        _ => Err(io::Error::other("usage: instructions [--update]")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Does a work once, under callgrind, with a text that was written to a file.
fn measure(work: &str, format: &str, text: &str) -> io::Result<()> {
    let work = WORKS.iter().find(|known| known.name == work);
    let work = work.ok_or_else(|| io::Error::other("no such work"))?;
    let formats = [Format::OpenMetrics, Format::Prometheus];
    let format = formats.into_iter().find(|known| known.name() == format);
    let format = format.ok_or_else(|| io::Error::other("no such format"))?;
    let input = Input::new("", format, fs::read_to_string(text)?);
    black_box(callgrind::measured(work.run, &input));
    Ok(())
}

fn options(input: &Input) -> ParseOptions {
    ParseOptions::new(input.format).with_limits(Limits::unlimited())
}

fn pull(input: &Input) -> usize {
    pull_and(input, weigh)
}

fn pull_bytes(input: &Input) -> usize {
    pull_and(input, weigh_bytes)
}

#[inline(always)]
fn pull_and(input: &Input, weigh: impl Fn(SampleRef<'_, '_>) -> usize) -> usize {
    let mut parser =
        Parser::new(input.text.as_bytes(), &options(input)).expect("the input is UTF-8");
    let mut weight = 0;
    while let Some(event) = parser.next_event().expect("the input is valid") {
        if let Event::Sample(sample) = event {
            weight += weigh(sample);
        }
    }
    weight
}

fn pull_chunks(input: &Input) -> usize {
    let mut parser = ChunkedParser::new(&options(input));
    let mut weight = 0;
    for chunk in input.text.as_bytes().chunks(16 << 10) {
        parser.feed(chunk).expect("the input is UTF-8");
        while let Some(event) = parser.next_event().expect("the input is valid") {
            if let Event::Sample(sample) = event {
                weight += weigh(sample);
            }
        }
    }
    weight
}

fn families(input: &Input) -> usize {
    let options = options(input).with_mode(Mode::Strict);
    let families = parse_families(input.text.as_bytes(), &options).expect("the input is valid");
    families.iter().map(|family| family.samples().len()).sum()
}

fn snapshot(input: &Input) -> usize {
    let organization = Organization::new("acme").expect("the name is valid");
    let reader = SnapshotReader::new(organization).with_limits(Limits::unlimited());
    let snapshot = reader.read(input.text.as_bytes());
    snapshot.expect("the input is valid").streams().len()
}
