//! The inputs are read by the engine alone, and with each set of instructions as by the grammar.

use std::fmt::Write;

use scout_metrics_benches::inputs;
use scout_metrics_openmetrics::{
    Event, Format, Labels, Limits, ParseOptions, Parser, ReaderLevel, Text, parse_families,
    transcode_lossy,
};

/// So much of each input is compared.
const COMPARED: usize = 300_000;

/// Reads an exposition, and returns what it says and the number of lines that the grammar read.
fn read(text: &str, format: Format, level: Option<ReaderLevel>) -> (String, u64) {
    let options = ParseOptions::new(format).with_limits(Limits::unlimited());
    let mut parser = Parser::from_text(text, &options);
    if let Some(level) = level {
        parser.set_level(level);
    }
    let mut said = String::new();
    while let Some(line) = parser.next_line().expect("the input is valid") {
        let number = line.number();
        let written = match line.event() {
            Event::Sample(sample) => {
                let name = sample.name();
                let value = (sample.value().to_bits(), sample.timestamp());
                let labels = pairs(sample.labels());
                let exemplar = sample.exemplar().map(|exemplar| {
                    let value = (exemplar.value().to_bits(), exemplar.timestamp());
                    (pairs(exemplar.labels()), value)
                });
                writeln!(said, "{number} {name} {labels:?} {value:?} {exemplar:?}")
            }
            event => writeln!(said, "{number} {event:?}"),
        };
        written.expect("writing to a string never fails");
    }
    (said, parser.grammar_lines())
}

fn pairs(labels: Labels<'_, '_>) -> Vec<(String, String)> {
    let decode = |text: Text<'_>| text.decode().into_owned();
    labels
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

#[test]
fn each_level_reads_the_inputs_as_the_grammar() {
    for input in inputs() {
        let length = input.text.len().min(COMPARED);
        let lines = input.text[..length].rfind('\n').map_or(0, |at| at + 1);
        let mut text = input.text[..lines].to_owned();
        if input.format == Format::OpenMetrics && !text.ends_with("# EOF\n") {
            text.push_str("# EOF\n");
        }
        let (expected, _) = read(&text, input.format, Some(ReaderLevel::GRAMMAR));
        for (name, level) in ReaderLevel::all() {
            let (said, grammar_lines) = read(&text, input.format, Some(level));
            assert!(said == expected, "{name} reads {} otherwise", input.name);
            assert_eq!(grammar_lines, 0, "{name} of {}", input.name);
        }
    }
}

#[test]
fn no_line_of_the_inputs_is_left_to_the_grammar() {
    for input in inputs() {
        let (_, grammar_lines) = read(&input.text, input.format, None);
        assert_eq!(grammar_lines, 0, "{}", input.name);
    }
}

#[test]
fn no_line_of_the_inputs_in_openmetrics_2_is_left_to_the_grammar() {
    for input in inputs() {
        let options = ParseOptions::new(input.format).with_limits(Limits::unlimited());
        let families = parse_families(input.text.as_bytes(), &options).expect("the input is valid");
        let (exposition, _) = transcode_lossy(families.as_slice(), Format::OpenMetrics2)
            .expect("names are not empty");
        let text = std::str::from_utf8(exposition.body()).expect("it is text");
        let (_, grammar_lines) = read(text, Format::OpenMetrics2, None);
        assert_eq!(grammar_lines, 0, "{}", input.name);
    }
}
