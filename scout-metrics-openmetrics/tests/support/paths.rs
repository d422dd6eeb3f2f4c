//! Reads one input through every way in which it can be read, also line by line, and compares what comes out.

use std::fmt::Write as _;

use scout_metrics_openmetrics::{
    ChunkedParser, Event, ExemplarRef, Labels, Line, ParseError, ParseErrorKind, ParseOptions,
    Parser, Position, Rule, SampleRef, Timestamp,
};

/// The result of reading: the lines, and the error that ended it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Reading {
    pub(crate) lines: Vec<String>,
    pub(crate) failure: Option<Failure>,
}

/// All of an error but its excerpt.
///
/// DIFFERENCE: when a chunk is not UTF-8, or a line is too long, has a byte order mark or comes after the end, the rest of the line may not have
/// arrived, so that the excerpt of a chunked parser ends earlier than that of the parser which has the whole.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Failure {
    pub(crate) kind: ParseErrorKind,
    pub(crate) rule: Option<Rule>,
    pub(crate) position: Position,
    pub(crate) message: String,
    excerpt: Option<String>,
}

impl Failure {
    fn new(error: &ParseError) -> Self {
        let is_cut = error.kind() == ParseErrorKind::Limit
            || matches!(
                error.rule(),
                Some(Rule::AfterEof | Rule::ByteOrderMark | Rule::Utf8)
            );
        Self {
            kind: error.kind(),
            rule: error.rule(),
            position: error.position(),
            message: error.message().to_owned(),
            excerpt: (!is_cut).then(|| error.excerpt().to_string()),
        }
    }
}

/// Reads an input whole and in chunks of many sizes, and panics if that does not give the same.
pub(crate) fn assert_all_paths_agree(input: &[u8], options: &ParseOptions) -> Reading {
    let whole = read_whole(input, options);
    for (name, sizes) in chunkings(input) {
        for is_lazy in [false, true] {
            let chunked = read_chunked(input, &sizes, is_lazy, options);
            if !is_overtaken(&whole, &chunked) {
                assert_eq!(
                    chunked,
                    whole,
                    "{name}, lazy: {is_lazy}, {options:?}, {:?}",
                    String::from_utf8_lossy(input)
                );
            }
        }
    }
    whole
}

/// The parser that has the whole looks for bytes that are not UTF-8 before it reads the first line, the chunked one
/// cannot; so it yields the lines before them, and may find another fault there.
fn is_overtaken(whole: &Reading, chunked: &Reading) -> bool {
    match (&whole.failure, &chunked.failure) {
        (Some(encoding), Some(failure)) if encoding.rule == Some(Rule::Utf8) => {
            failure == encoding || failure.position.offset <= encoding.position.offset
        }
        _ => false,
    }
}

/// Reads an input that is in memory, and checks that an error stays.
pub(crate) fn read_whole(input: &[u8], options: &ParseOptions) -> Reading {
    let mut lines = Vec::new();
    let mut parser = match Parser::new(input, options) {
        Ok(parser) => parser,
        Err(error) => return failed(lines, &error),
    };
    loop {
        match parser.next_line() {
            Ok(Some(line)) => {
                if let Event::Sample(sample) = line.event() {
                    assert_reads_alone(sample, options);
                }
                lines.push(describe(line));
            }
            Ok(None) => return whole(lines),
            Err(error) => {
                let again = parser.next_line().unwrap_err();
                assert_eq!(Failure::new(&again), Failure::new(&error));
                return failed(lines, &error);
            }
        }
    }
}

/// Reads an input in chunks. A lazy reader asks for lines only when all chunks are there.
pub(crate) fn read_chunked(
    input: &[u8],
    sizes: &[usize],
    is_lazy: bool,
    options: &ParseOptions,
) -> Reading {
    let mut lines = Vec::new();
    let mut parser = ChunkedParser::new(options);
    let mut rest = input;
    for &size in sizes {
        let (chunk, after) = rest.split_at(size);
        rest = after;
        if let Err(error) = parser.feed(chunk) {
            return failed(lines, &error);
        }
        if is_lazy {
            continue;
        }
        if let Err(error) = pull(&mut parser, &mut lines) {
            return failed(lines, &error);
        }
    }
    assert!(rest.is_empty());
    match parser.finish().and_then(|()| pull(&mut parser, &mut lines)) {
        Ok(()) => whole(lines),
        Err(error) => failed(lines, &error),
    }
}

fn pull(parser: &mut ChunkedParser, lines: &mut Vec<String>) -> Result<(), ParseError> {
    while let Some(line) = parser.next_line()? {
        lines.push(describe(line));
    }
    Ok(())
}

fn whole(lines: Vec<String>) -> Reading {
    Reading {
        lines,
        failure: None,
    }
}

fn failed(lines: Vec<String>, error: &ParseError) -> Reading {
    Reading {
        lines,
        failure: Some(Failure::new(error)),
    }
}

/// Returns ways to cut an input, each as the sizes of the chunks.
fn chunkings(input: &[u8]) -> Vec<(&'static str, Vec<usize>)> {
    let line_wise = input.split_inclusive(|byte| *byte == b'\n');
    vec![
        ("one chunk", vec![input.len()]),
        ("bytes", even(input.len(), 1)),
        ("two bytes", even(input.len(), 2)),
        ("seven bytes", even(input.len(), 7)),
        ("lines", line_wise.map(<[u8]>::len).collect()),
        ("random", random(input.len(), 1)),
        ("other random", random(input.len(), 2)),
    ]
}

fn even(length: usize, size: usize) -> Vec<usize> {
    let mut sizes = vec![size; length / size];
    sizes.push(length % size);
    sizes
}

/// Chunks of no bytes up to thirty, the same at each call.
fn random(mut length: usize, seed: u64) -> Vec<usize> {
    let mut state = seed;
    let mut sizes = Vec::new();
    while length > 0 {
        // Knuth's constants for a linear congruential generator.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let size = ((state >> 33) as usize % 31).min(length);
        sizes.push(size);
        length -= size;
    }
    sizes
}

/// Returns everything that a line says, in one text.
fn describe(line: Line<'_, '_>) -> String {
    let mut out = format!("{}: ", line.number());
    match line.event() {
        Event::Sample(sample) => describe_sample(&mut out, sample),
        Event::Help { name, text, .. } => {
            write!(out, "HELP {:?} {:?}", name.decode(), text.decode()).unwrap()
        }
        Event::Type { name, kind, .. } => write!(out, "TYPE {:?} {kind}", name.decode()).unwrap(),
        Event::Unit { name, unit, .. } => write!(out, "UNIT {:?} {unit:?}", name.decode()).unwrap(),
        event => write!(out, "{event:?}").unwrap(),
    }
    for deviation in line.deviations() {
        write!(out, ", {} in {}", deviation.rule.id(), deviation.line).unwrap();
    }
    out
}

/// Checks that a sample reads the same from its line alone, whatever shape the lines before it had.
fn assert_reads_alone(sample: SampleRef<'_, '_>, options: &ParseOptions) {
    let line = format!("{}\n", sample.line());
    if line.starts_with('\u{feff}') {
        // At the start of an exposition that is a byte order mark, and no part of a name.
        return;
    }
    let mut parser = Parser::from_text(&line, options);
    let Ok(Some(Event::Sample(alone))) = parser.next_event() else {
        panic!("{line:?} is no sample alone, {options:?}");
    };
    let [together, alone] = [sample, alone].map(|sample| {
        let mut out = String::new();
        describe_sample(&mut out, sample);
        out
    });
    assert_eq!(together, alone, "{options:?}");
}

fn describe_sample(out: &mut String, sample: SampleRef<'_, '_>) {
    write!(out, "{:?} {:?}", sample.line(), sample.name().decode()).unwrap();
    describe_labels(out, sample.labels());
    write!(out, " {} {:?}", sample.value_text(), sample.value()).unwrap();
    describe_timestamp(out, sample.timestamp());
    if let Some(exemplar) = sample.exemplar() {
        describe_exemplar(out, exemplar);
    }
}

fn describe_exemplar(out: &mut String, exemplar: ExemplarRef<'_, '_>) {
    out.push_str(" #");
    describe_labels(out, exemplar.labels());
    write!(out, " {:?}", exemplar.value()).unwrap();
    describe_timestamp(out, exemplar.timestamp());
}

fn describe_labels(out: &mut String, labels: Labels<'_, '_>) {
    let labels: Vec<_> = labels
        .map(|(name, value)| (name.decode(), value.decode()))
        .collect();
    write!(out, " {labels:?}").unwrap();
}

fn describe_timestamp(out: &mut String, timestamp: Option<Timestamp>) {
    if let Some(timestamp) = timestamp {
        write!(out, " @{timestamp}").unwrap();
    }
}
