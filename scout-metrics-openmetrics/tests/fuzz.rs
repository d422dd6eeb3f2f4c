//! The bodies of the fuzz targets, over all cases and over mutations of them, without a fuzzer.
//!
//! `SCOUT_METRICS_FUZZ_RUNS` says how many mutations each target gets (default: 1,000), `SCOUT_METRICS_FUZZ_SECONDS` for how
//! many seconds it gets more of them (default: 0), and `SCOUT_METRICS_FUZZ_SEED` where the random numbers start. With `SCOUT_METRICS_FUZZ_CORPUS`, a folder, the cases are
//! written there, for a fuzzer to start from.

#![cfg(feature = "scout")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[path = "support/any_format.rs"]
mod any_format;
#[expect(dead_code, reason = "only the inputs are of use here")]
#[path = "support/cases.rs"]
mod cases;
#[path = "support/losses.rs"]
mod losses;
#[path = "support/message_tree.rs"]
mod message_tree;
#[path = "support/random.rs"]
mod random;
#[path = "support/targets.rs"]
mod targets;

use std::{
    env, fs, panic,
    path::Path,
    time::{Duration, Instant},
};

use cases::CaseFile;
use random::{Random, number};
use scout_metrics_openmetrics::{Format, ParseOptions, parse_families, transcode_lossy};

fn seeds() -> Vec<Vec<u8>> {
    let files = CaseFile::all().into_iter();
    files
        .flat_map(|file| file.cases)
        .map(|case| case.input)
        .collect()
}

/// Returns all families of the cases in a format.
fn seeds_in(to: Format) -> Vec<Vec<u8>> {
    let written = CaseFile::all().into_iter().flat_map(|file| {
        let options = ParseOptions::new(file.format);
        let inputs = file.cases.into_iter();
        inputs.filter_map(move |case| {
            let families = parse_families(&case.input, &options).ok()?;
            let (exposition, _) = transcode_lossy(families.as_slice(), to).ok()?;
            Some(exposition.into_body().to_vec())
        })
    });
    let mut seeds: Vec<_> = written.filter(|body| !body.is_empty()).collect();
    seeds.sort();
    seeds.dedup();
    seeds
}

fn seeds_of_any_format() -> Vec<Vec<u8>> {
    let [new, messages] = [Format::OpenMetrics2, Format::Protobuf].map(seeds_in);
    [seeds(), new, messages].concat()
}

/// Runs a target on the cases and on mutations of them. A failure names the input.
fn fuzz(target: fn(&[u8])) {
    fuzz_with(target, &seeds(), mutate);
}

fn fuzz_with(
    target: fn(&[u8]),
    seeds: &[Vec<u8>],
    mutate: impl Fn(&[Vec<u8>], &mut Random) -> Vec<u8>,
) {
    let check = |input: &[u8]| {
        if panic::catch_unwind(|| target(input)).is_err() {
            panic!(
                "the input is {:?}, in bytes {input:?}",
                String::from_utf8_lossy(input)
            );
        }
    };
    seeds.iter().for_each(|seed| check(seed));
    let mut random = Random(number("SCOUT_METRICS_FUZZ_SEED", 1));
    let runs = number("SCOUT_METRICS_FUZZ_RUNS", 1_000);
    let time = Duration::from_secs(number("SCOUT_METRICS_FUZZ_SECONDS", 0));
    let start = Instant::now();
    let mut done = 0;
    while done < runs || start.elapsed() < time {
        check(&mutate(seeds, &mut random));
        done += 1;
    }
    println!("{} cases and {done} mutations", seeds.len());
}

#[test]
fn strict_and_lenient_mode_go_together() {
    fuzz(targets::parse);
}

#[test]
fn chunks_read_as_the_whole() {
    fuzz(targets::chunked);
}

#[test]
fn what_is_read_can_be_written() {
    fuzz(targets::round_trip);
}

#[test]
fn what_is_read_line_by_line_can_be_written() {
    fuzz(targets::lines);
}

#[test]
fn openmetrics_2_reads_alike_in_all_ways() {
    let seeds = [seeds(), seeds_in(Format::OpenMetrics2)].concat();
    fuzz_with(any_format::openmetrics2, &seeds, mutate);
}

#[test]
fn any_bytes_are_messages_or_an_error() {
    let seeds = seeds_in(Format::Protobuf);
    fuzz_with(any_format::messages, &seeds, mutate_message);
}

#[test]
fn families_of_any_format_are_written_in_any_other() {
    fuzz_with(
        any_format::conversion,
        &seeds_of_any_format(),
        |seeds, random| match random.below(3) {
            0 => mutate_message(seeds, random),
            _ => mutate(seeds, random),
        },
    );
}

#[test]
fn the_cases_can_be_written_as_a_corpus() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = env::var_os("SCOUT_METRICS_FUZZ_CORPUS");
    let corpus = corpus.as_deref().map_or(folder.path(), Path::new);
    for (number, seed) in seeds_of_any_format().iter().enumerate() {
        fs::write(corpus.join(format!("case-{number}")), seed).unwrap();
    }
    assert!(fs::read_dir(corpus).unwrap().count() >= 300);
}

/// Pieces that mean something to a parser.
const TOKENS: [&[u8]; 56] = [
    b"\n",
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b"{",
    b"}",
    b",",
    b"=",
    b"\"",
    b"\\",
    b"\\\"",
    b"\\n",
    b"#",
    b"# EOF\n",
    b"# TYPE a counter\n",
    b"# TYPE a histogram\n",
    b"# TYPE a summary\n",
    b"# TYPE a info\n",
    b"# TYPE a gauge\n",
    b"# HELP a b\n",
    b"# UNIT a_b b\n",
    b"a_total",
    b"a_bucket",
    b"a_count",
    b"a_created",
    b"le=\"+Inf\"",
    b"quantile=\"0.5\"",
    b"a{b=\"c\"} 1\n",
    b"{\"a\",b=\"c\"} 1\n",
    b" # {} 1",
    b"NaN",
    b"+Inf",
    b"-1",
    b"0.5",
    b"1e9",
    b"1234567890123",
    b" st@1.5",
    b" # {a=\"b\"} 1 1",
    b"# TYPE a gaugehistogram\n",
    b"a {count:1,sum:1,bucket:[1:1,+Inf:1]}\n",
    b"a {gcount:1,gsum:1,bucket:[+Inf:1]}\n",
    b"a {count:1,sum:1,quantile:[0.5:1]}\n",
    b"count:1",
    b",sum:1",
    b",bucket:[",
    b",quantile:[",
    b",schema:0,zero_threshold:0,zero_count:1",
    b",positive_spans:[0:1],positive_buckets:[1]",
    b",negative_spans:[-1:2],negative_buckets:[1,2]",
    b"]",
    b":",
    b"+Inf:",
    b"\xEF\xBB\xBF",
    b"\xFF",
    "é".as_bytes(),
];

/// Changes one of the seeds as messages, if it is made of them, and a few of its bytes at times.
fn mutate_message(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let seed = random.pick(seeds);
    let messages = message_tree::read_exposition(seed).filter(|_| random.below(8) > 0);
    let Some(mut messages) = messages else {
        return mutate(seeds, random);
    };
    message_tree::mutate(&mut messages, random);
    message_tree::write_exposition(&messages)
}

/// Changes one of the seeds, or some of its lines, in a few places.
fn mutate(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = random.pick(seeds).clone();
    if random.below(3) == 0 {
        let other = random.pick(seeds);
        input = splice(&input, other, random);
    }
    for _ in 0..=random.below(4) {
        let at = random.below(input.len() + 1);
        match random.below(4) {
            0 => drop(input.drain(at..(at + 1 + random.below(8)).min(input.len()).max(at))),
            1 => input.insert(at, random.below(256) as u8),
            2 => {
                let token = *random.pick(&TOKENS);
                input.splice(at..at, token.iter().copied()).for_each(drop);
            }
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    input
}

/// Puts lines of two expositions together in any order.
fn splice(one: &[u8], two: &[u8], random: &mut Random) -> Vec<u8> {
    let lines: Vec<&[u8]> = [one, two]
        .into_iter()
        .flat_map(|text| text.split_inclusive(|byte| *byte == b'\n'))
        .collect();
    if lines.is_empty() {
        return Vec::new();
    }
    let count = random.below(8);
    let mut out: Vec<u8> = (0..count)
        .flat_map(|_| *random.pick(&lines))
        .copied()
        .collect();
    if random.below(2) == 0 {
        out.extend_from_slice(b"# EOF\n");
    }
    out
}
