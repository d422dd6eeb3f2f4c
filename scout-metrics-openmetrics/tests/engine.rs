//! The short way reads each line as the grammar does, with each set of instructions.
//!
//! `SCOUT_METRICS_ENGINE_RUNS` says how many mutated expositions are compared (default: 2,000), and
//! `SCOUT_METRICS_ENGINE_SEED` where the random numbers start.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "only the inputs are of use here")]
#[path = "support/cases.rs"]
mod cases;
#[path = "support/conformance.rs"]
mod conformance;
#[path = "support/random.rs"]
mod random;

use std::fmt::Write;

use cases::CaseFile;
use random::{Random, number};
use scout_metrics_openmetrics::{
    ChunkedParser, Event, Format, Labels, Limits, Line, Mode, ParseError, ParseOptions, Parser,
    ReaderLevel,
};

/// Everything that a parser says, as text.
#[derive(Default)]
struct Transcript(String);

impl Transcript {
    fn push(&mut self, line: Line<'_, '_>) {
        write!(self.0, "{} {:?} ", line.number(), line.deviations()).unwrap();
        match line.event() {
            Event::Help { name, text, .. } => {
                write!(self.0, "help {:?} {:?}", name.raw(), text.raw()).unwrap();
                write!(self.0, " {:?} {:?}", name.decode(), text.decode()).unwrap();
            }
            Event::Sample(sample) => {
                let value = (sample.value().to_bits(), sample.value_text());
                let name = (sample.name().raw(), sample.name().decode());
                let times = (sample.timestamp(), sample.start_timestamp());
                write!(self.0, "{name:?} {value:?} {times:?}").unwrap();
                write!(self.0, " {:?}", sample.composite()).unwrap();
                self.push_labels(sample.labels());
                for exemplar in sample.exemplars() {
                    let value = exemplar.value().to_bits();
                    write!(self.0, " # {value} {:?}", exemplar.timestamp()).unwrap();
                    self.push_labels(exemplar.labels());
                }
                write!(self.0, " {:?}", sample.line()).unwrap();
            }
            Event::Type { name, kind, .. } => {
                write!(self.0, "type {:?} {kind}", name.raw()).unwrap();
            }
            Event::Unit { name, unit, .. } => {
                write!(self.0, "unit {:?} {unit:?}", name.raw()).unwrap();
            }
            event => write!(self.0, "{event:?}").unwrap(),
        }
        self.0.push('\n');
    }

    fn push_labels(&mut self, labels: Labels<'_, '_>) {
        for (name, value) in labels {
            let (name, value) = ((name.raw(), name.decode()), (value.raw(), value.decode()));
            write!(self.0, " {name:?}={value:?}").unwrap();
        }
    }

    fn push_error(&mut self, error: &ParseError) {
        writeln!(self.0, "{error:?}").unwrap();
    }

    /// Reads to the end, or up to an error.
    fn read(mut parser: Parser<'_>) -> (String, u64) {
        let mut transcript = Self::default();
        loop {
            match parser.next_line() {
                Ok(Some(line)) => transcript.push(line),
                Ok(None) => break,
                Err(error) => {
                    transcript.push_error(&error);
                    break;
                }
            }
        }
        (transcript.0, parser.grammar_lines())
    }

    fn read_chunks<'c>(
        chunks: impl Iterator<Item = &'c [u8]>,
        options: &ParseOptions,
    ) -> Result<String, ParseError> {
        let mut transcript = Self::default();
        let mut parser = ChunkedParser::new(options);
        for chunk in chunks {
            parser.feed(chunk)?;
            while let Some(line) = parser.next_line()? {
                transcript.push(line);
            }
        }
        parser.finish()?;
        while let Some(line) = parser.next_line()? {
            transcript.push(line);
        }
        Ok(transcript.0)
    }
}

/// Reads an exposition with all levels, and returns what the grammar says, and how many lines it read of those that the
/// engine could have read.
fn compare(text: &str, options: &ParseOptions) -> (String, u64) {
    let parser = |level| {
        let mut parser = Parser::from_text(text, options);
        parser.set_level(level);
        parser
    };
    let (expected, _) = Transcript::read(parser(ReaderLevel::GRAMMAR));
    let mut by_grammar = None;
    for (name, level) in ReaderLevel::all() {
        let (found, lines) = Transcript::read(parser(level));
        assert!(
            found == expected,
            "{name} with {options:?}:\n{}\nof {text:?}",
            first_difference(&found, &expected)
        );
        assert_eq!(*by_grammar.get_or_insert(lines), lines, "{name}: {text:?}");
    }
    (expected, by_grammar.unwrap_or_default())
}

fn first_difference(found: &str, expected: &str) -> String {
    let mut lines = found.lines().zip(expected.lines());
    match lines.find(|(found, expected)| found != expected) {
        Some((found, expected)) => format!("found    {found}\nexpected {expected}"),
        None => format!("found {} bytes, expected {}", found.len(), expected.len()),
    }
}

const FORMATS: [Format; 3] = [
    Format::OpenMetrics,
    Format::OpenMetrics2,
    Format::Prometheus,
];

fn all_options() -> Vec<ParseOptions> {
    let mut all = Vec::new();
    for format in FORMATS {
        for mode in [Mode::Lenient, Mode::Strict] {
            all.push(ParseOptions::new(format).with_mode(mode));
        }
    }
    all
}

/// All cases that are at hand and are UTF-8.
fn documents() -> Vec<String> {
    let own = CaseFile::all().into_iter().flat_map(|file| file.cases);
    let inputs = own.map(|case| case.input).chain(conformance::inputs());
    inputs
        .filter_map(|input| String::from_utf8(input).ok())
        .collect()
}

/// Lines as they come from programs, in all formats but OpenMetrics 2.0, with all that the short way knows and some that it does not.
const LINES: [&str; 36] = [
    "# HELP scout_stream_vulnerabilities Vulnerabilities in a stream, \"quoted\" and C:\\\\DIR\\n.",
    "# TYPE scout_stream_vulnerabilities gauge",
    "scout_stream_vulnerabilities{streamName=\"production\",severity=\"critical\"} 12",
    "scout_stream_vulnerabilities{streamName=\"staging\",severity=\"high\"} 7",
    "# TYPE http_request_duration_seconds histogram",
    "# UNIT http_request_duration_seconds seconds",
    "http_request_duration_seconds_bucket{code=\"200\",handler=\"/a/b\",le=\"0.1\"} 17",
    "http_request_duration_seconds_bucket{code=\"200\",handler=\"/a/b\",le=\"+Inf\"} 1234567 # {trace_id=\"4bf92f3577b34da6\",span=\"1\"} 0.067 1520879607.789",
    "http_request_duration_seconds_sum{code=\"200\",handler=\"/a/b\"} 98765.432109876",
    "http_request_duration_seconds_count{code=\"200\",handler=\"/a/b\"} 1.7560473e+07",
    "go_gc_duration_seconds{quantile=\"0.75\"} 4.9351e-05",
    "rpc_duration_seconds{quantile=\"0.99\"} NaN",
    "go_memstats_last_gc_time_seconds 1.7001234567890123e+09",
    "process_start_time_seconds 1.75 1700000000123",
    "process_start_time_seconds 1.75 1700000000.123",
    "up 1",
    "up 0 1",
    "job:request_latency:mean5m{job=\"a\"} -0.25",
    "msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot find file:\\n\\\"FILE.TXT\\\"\"} 1.458255915e9",
    "jvm_memory_bytes_used{area=\"heap\",} 1.0E7",
    "container_memory_working_set_bytes{container_label_io_kubernetes_container_name=\"api\",container_label_io=\"\u{e9}\u{4e2d}\"} 123456789",
    "{\"quoted.name\",b=\"c\"} 1",
    "a{\"b.c\"=\"d\"} 1",
    "a{b=\"c\",b=\"d\"} 1",
    "a{b=\"c\",e=\"c\",ab=\"d\",ba=\"x\"} 18446744073709551616",
    "a{__name__=\"c\"} 1",
    "a {b=\"c\"} 1",
    "a{} 1",
    "a{b=\"c\"} +Inf",
    "a{b=\"c\"} 1e400",
    "a{b=\"c\"}1",
    "a\t1",
    "# a comment",
    "#HELP a b",
    "# EOF",
    "",
];

/// Lines of OpenMetrics 2.0 as they come from programs, and after them some that are not quite right.
const LINES_OF_2: [&str; 37] = [
    "# HELP acme_http_request_seconds  Latency, \\\"quoted\\\" and C:\\\\DIR\\n\\d.",
    "# HELP acme_http_request_seconds ",
    "# HELP \"http.server.\\\"duration\\\"\" Latency.",
    "# TYPE \"http.server.duration\" histogram",
    "# TYPE acme_http_request_seconds gaugehistogram",
    "# UNIT \"http.server.duration\" seconds",
    "# UNIT acme_http_request_seconds ",
    "go_goroutines 69",
    "go_goroutines{} 69",
    "process_cpu_seconds_total{job=\"a\"} 4.20072246e+06 st@1605301325.0",
    "process_cpu_seconds_total{job=\"b\"} 17 1520879607.789 st@1605301325.123 # {trace_id=\"KOO5S4vxi0o\"} 0.67 1520879606.1",
    "{\"foodb.read.errors\",\"service.name\"=\"my_service\"} 3482",
    "{\"foodb.read.errors\",\"service.name\"=\"my_service\",job=\"a\",\"le\"=\"\\n\"} 3482 1",
    "{\"foodb.read.errors\",job=\"a\"} 3482 1",
    "{\"\\\"bar\\\".seconds.count\",\"b\\\\\"=\"escaping\\\" example \\n \"} 0",
    "{\"foodb.read.errors\"} {gcount:0.01,gsum:2.0,schema:0,zero_threshold:1e-4,zero_count:0.0,positive_spans:[1:2],positive_buckets:[0.005,0.005]}",
    "rpc_seconds{path=\"/api/v1\",method=\"GET\"} {count:807283,sum:9036.32,quantile:[0.95:2,0.99:20]} st@1605281325.0",
    "rpc_seconds{path=\"/api/v2\",method=\"GET\"} {count:0,sum:0.0,quantile:[]}",
    "foo {count:17,sum:324789.3,bucket:[0.0:0,1e-05:0,0.0001:5,0.1:8,1.0:10,10.0:11,100000.0:11,1e+06:15,1e+23:16,1.1e+23:17,+Inf:17]} st@1520430000.123",
    "foo{__type__=\"histogram\"} {count:12345678901,sum:-Inf,bucket:[-Inf:0,-0.5:1,12345678:99999999,+Inf:123456789]} 1 st@2",
    "acme_http_request_seconds{path=\"/api/v1\",method=\"GET\"} {count:59,sum:1.2e2,schema:7,zero_threshold:1e-4,zero_count:0,negative_spans:[1:2],negative_buckets:[5,7],positive_spans:[-1:2,3:4],positive_buckets:[5,7,10,9,8,8]} st@1520430000.123",
    "foo {count:17,sum:324789.3,schema:0,zero_threshold:1e-4,zero_count:0,positive_spans:[0:2],positive_buckets:[5,12],bucket:[0.01:0,0.1:8,1.0:11,10.0:17,+Inf:17]} st@1520430000.123 # {} 0.054 1520879607.7 # {trace_id=\"KOO5S4vxi0o\"} 1.67 1520879602.890 # {trace_id=\"oHg5SJYRHA0\",span=\"\\n\"} NaN 1520879607.789",
    "foo {gcount:-42,gsum:NaN,bucket:[+Inf:nan]}",
    "foo{_a=\"b\"} 1",
    "foo{\"_a\"=\"b\",\"a\"=\"b\",a=\"c\"} 1",
    "foo{\"a\\\\b\"=\"b\",\"a\\b\"=\"b\"} 1",
    "foo {sum:1,count:2,bucket:[+Inf:2]}",
    "foo {count:1,sum:2,bucket:[1:1]}",
    "foo {count:1,sum:2,schema:1,zero_threshold:0,zero_count:1e400}",
    "foo 1 # {} 1 # {a=\"b\",a=\"c\"} 1 1 # {} 2 2",
    "foo 1 st@1 2",
    "foo {a=\"b\"} 1",
    "# HELP foo a \"b\"",
    "# HELP foo a\\",
    "# UNIT foo a b",
    "# HELP \"\" b",
    "{\"\"} 1",
];

/// The number of lines of OpenMetrics 2.0 that are well-formed.
const WELL_FORMED_OF_2: usize = 23;

/// Builds an exposition of lines that follow each other somewhere, changed in a few places.
fn mutate(lines: &[&str], format: Format, random: &mut Random) -> String {
    let mut text = String::new();
    // So that numbers are not only at the start of a block.
    let before = random.below(4);
    text.push_str(&"# HELP before the rest\n".repeat(before));
    let first = random.below(lines.len());
    let mut before = Vec::new();
    for n in 0..1 + random.below(8) {
        let line = match random.below(4) {
            0 => *random.pick(lines),
            1 => *random.pick(&LINES),
            2 if format == Format::OpenMetrics2 => *random.pick(&LINES_OF_2),
            _ => lines[(first + n) % lines.len()],
        };
        let mut line = line.as_bytes().to_vec();
        for _ in 0..random.below(7).saturating_sub(3) {
            change(&mut line, &before, random);
        }
        text.push_str(&String::from_utf8_lossy(&line));
        text.push('\n');
        before = line;
    }
    match random.below(6) {
        0 => drop(text.pop()),
        1 => text.push_str("# EOF\n"),
        _ => {}
    }
    text
}

/// Changes a line in one place, perhaps with a piece of the line before.
fn change(line: &mut Vec<u8>, before: &[u8], random: &mut Random) {
    const BYTES: &[u8] = b"\"\"\\\\{}=,, #:-+.eE0123456789abzAZ_\t\n\r\xc3\xa9n/<;@[]`\x00\x0b";
    let at = random.below(line.len() + 1);
    let byte = *random.pick(BYTES);
    match random.below(6) {
        0 => line.insert(at, byte),
        1 if at < line.len() => line[at] = byte,
        2 if at < line.len() => drop(line.remove(at)),
        3 => {
            let end = (at + random.below(12)).min(line.len());
            let piece = line[at..end].to_vec();
            let to = random.below(line.len() + 1);
            line.splice(to..to, piece).for_each(drop);
        }
        4 => {
            let from = random.below(before.len() + 1);
            let end = (from + random.below(24)).min(before.len());
            line.splice(at..at, before[from..end].to_vec())
                .for_each(drop);
        }
        _ => {
            // Another digit, or many.
            let digits = random.below(24);
            let digits: Vec<u8> = (0..digits).map(|_| b'0' + random.below(10) as u8).collect();
            line.splice(at..at, digits).for_each(drop);
        }
    }
}

#[test]
fn all_cases_read_alike() {
    for document in documents() {
        for options in all_options() {
            compare(&document, &options);
        }
    }
}

/// The result must not depend on the places of lines in a block, the ends of blocks, or whether a block is a copy.
#[test]
fn cases_read_alike_in_long_expositions() {
    let mut random = Random(1);
    let documents = documents();
    for format in FORMATS {
        for _ in 0..4 {
            let mut text = String::new();
            while text.len() < 100_000 {
                for line in random
                    .pick(&documents)
                    .lines()
                    .chain(LINES)
                    .chain(LINES_OF_2)
                {
                    let alone = format!("{line}\n");
                    let options = ParseOptions::new(format);
                    // All in one exposition, so none that ends it.
                    if line != "# EOF"
                        && !line.contains(['\r', '\u{feff}'])
                        && !read_alone(&alone, &options).contains("ParseError")
                    {
                        text.push_str(&alone);
                    }
                }
            }
            text.push_str("# EOF\n");
            let (transcript, _) = compare(&text, &ParseOptions::new(format));
            assert!(!transcript.contains("ParseError"), "{transcript}");
        }
    }
}

fn read_alone(line: &str, options: &ParseOptions) -> String {
    let end = match options.format() {
        Format::Prometheus => "",
        _ => "# EOF\n",
    };
    let text = format!("{line}{end}");
    let mut parser = Parser::from_text(&text, options);
    parser.set_level(ReaderLevel::GRAMMAR);
    Transcript::read(parser).0
}

#[test]
fn mutated_expositions_read_alike() {
    let documents = documents();
    let lines: Vec<&str> = documents
        .iter()
        .flat_map(|document| document.lines())
        .collect();
    let mut random = Random(number("SCOUT_METRICS_ENGINE_SEED", 1));
    let small = Limits::default()
        .with_line_length(90)
        .with_labels(2)
        .with_name_length(12)
        .with_value_length(10)
        .with_samples(5);
    let mut options = all_options();
    options.extend(FORMATS.map(|format| ParseOptions::new(format).with_limits(small)));
    for format in [Format::OpenMetrics2, Format::Prometheus] {
        options.push(ParseOptions::new(format).with_quoted_names(false));
    }
    for _ in 0..number("SCOUT_METRICS_ENGINE_RUNS", 2_000) {
        let options = random.pick(&options);
        let text = mutate(&lines, options.format(), &mut random);
        compare(&text, options);
    }
}

#[test]
fn chunks_read_as_the_whole_at_each_cut() {
    check_chunks(&LINES, Format::Prometheus, "");
}

#[test]
fn chunks_of_openmetrics_2_read_as_the_whole_at_each_cut() {
    check_chunks(&LINES_OF_2, Format::OpenMetrics2, "# EOF\n");
}

fn check_chunks(lines: &[&str], format: Format, end: &str) {
    let options = ParseOptions::new(format);
    let is_read = |line: &&&str| {
        !line.is_empty() && !read_alone(&format!("{line}\n"), &options).contains("ParseError")
    };
    let lines = lines.iter().filter(is_read);
    let text = lines.fold(String::new(), |text, line| text + line + "\n") + end;
    let (whole, _) = Transcript::read(Parser::from_text(&text, &options));
    assert!(!whole.contains("ParseError"), "{whole}");
    for cut in 0..=text.len() {
        let (one, two) = text.as_bytes().split_at(cut);
        let chunked = Transcript::read_chunks([one, two].into_iter(), &options).unwrap();
        assert_eq!(chunked, whole, "cut at {cut}");
    }
    for size in [1, 2, 3, 7, 64, 1000] {
        let chunked = Transcript::read_chunks(text.as_bytes().chunks(size), &options).unwrap();
        assert_eq!(chunked, whole, "in chunks of {size}");
    }
}

#[test]
fn mutated_expositions_of_openmetrics_2_read_alike_in_chunks() {
    let mut random = Random(number("SCOUT_METRICS_ENGINE_SEED", 1));
    for _ in 0..number("SCOUT_METRICS_ENGINE_RUNS", 2_000) / 4 {
        let text = mutate(&LINES_OF_2, Format::OpenMetrics2, &mut random);
        for mode in [Mode::Lenient, Mode::Strict] {
            let options = ParseOptions::new(Format::OpenMetrics2).with_mode(mode);
            let (whole, _) = Transcript::read(Parser::from_text(&text, &options));
            let size = 1 + random.below(text.len() + 1);
            match Transcript::read_chunks(text.as_bytes().chunks(size), &options) {
                Ok(chunked) => assert_eq!(chunked, whole, "{text:?} in chunks of {size}"),
                // Its excerpt may be shorter.
                Err(error) => {
                    let message = format!("{:?}", error.message());
                    assert!(
                        whole.contains(&message),
                        "{text:?} in chunks of {size}: {error}"
                    );
                }
            }
        }
    }
}

/// Pairs of names are no longer compared then.
#[test]
fn many_labels_read_alike() {
    for count in [15, 16, 17, 40, 63, 254, 255, 256, 257, 600] {
        let label = |n: usize| format!("label_{n}=\"{n}\"");
        let labels: Vec<String> = (0..count).map(label).collect();
        let labels = labels.join(",");
        let duplicate = format!("{labels},{}", label(count / 2));
        let text: String = [&labels, &labels, &duplicate, &labels, &format!("{labels},")]
            .map(|labels| format!("a{{{labels}}} 1\n"))
            .concat();
        for options in all_options() {
            let (transcript, lines) = compare(&text, &options);
            assert!(!transcript.is_empty());
            let limits = options.with_limits(Limits::unlimited());
            let (_, unlimited) = compare(&text, &limits);
            assert!(unlimited <= lines || count > 64, "{lines} {unlimited}");
        }
    }
}

/// A block keeps the places of 2,048 quotes, backslashes and line feeds, and ends early if there are more.
#[test]
fn lines_with_many_escapes_read_alike() {
    for escapes in [1, 31, 63, 64, 500, 990, 1_020, 1_024, 2_100, 4_000] {
        let line = format!("a{{b=\"{}\",c=\"d\"}} 1\n", r#"\""#.repeat(escapes));
        let text = line.repeat(5_000 / escapes + 2);
        for options in all_options() {
            let (transcript, lines) = compare(&text, &options);
            assert!(!transcript.is_empty());
            assert!(escapes > 500 || lines <= 1, "{escapes}: {lines}");
        }
    }
}

#[test]
fn numbers_of_exemplars_read_alike() {
    let numbers = [
        "0",
        "-0",
        "1.",
        ".5",
        "-.5",
        ".",
        "-",
        "1.2.3",
        "1_0",
        "12a",
        "a12",
        "0x1",
        "1e5",
        "1e-5",
        "-1.5e+3",
        "1e",
        "+1",
        "+NaN",
        "nan",
        "-inf",
        "1e999",
        "123456789012345.6",
        "1234567890123456",
        "12345678901234567",
        "0.1234567890123456789012",
        "-123456789012345678901234",
        "123456789012345678901234",
        "1234567890123456789012345",
        "12345678901234567890123456789012345",
        "12345678901234567890abcd",
        "1234567890123456.12345a",
        "\u{e9}",
        "1\u{e9}",
    ];
    for value in numbers {
        for timestamp in numbers {
            let line = format!("a_total 1 # {{b=\"c\"}} {value}");
            let text = format!(
                "{line}\n{line} {timestamp}\na_total{{d=\"e\"}} 1 {timestamp} # {{}} {value} {timestamp}\n# EOF\n"
            );
            for options in all_options() {
                compare(&text, &options);
            }
        }
    }
}

/// There is always room for 256 labels.
#[test]
fn labels_of_a_sample_and_of_its_exemplars_may_have_no_room_together() {
    let labels = |count: usize| {
        let labels: Vec<String> = (0..count).map(|n| format!("b{n}=\"\"")).collect();
        labels.join(",")
    };
    for (own, of_exemplar) in [(55, 200), (56, 200), (57, 200), (200, 200), (255, 2)] {
        let (own, of_exemplar) = (labels(own), labels(of_exemplar));
        let exemplar = format!(" # {{{of_exemplar}}} 1 1");
        let text = format!(
            "a 1{exemplar}\na{{{own}}} 1{exemplar}\na 1{exemplar}{exemplar}\na{{{own}}} 1{exemplar}\n# EOF\n"
        );
        for options in all_options() {
            compare(&text, &options);
            compare(&text, &options.with_limits(Limits::unlimited()));
        }
    }
}

#[test]
fn nothing_follows_the_end_however_it_is_read() {
    for end in ["# EOF\n", "\u{feff}# EOF\n", "# EOF\r\n"] {
        for options in all_options() {
            compare(&format!("{end}a 1\n"), &options);
        }
    }
}

#[test]
fn a_parser_that_is_reset_reads_as_a_new_one() {
    let options = ParseOptions::new(Format::OpenMetrics);
    let texts = [
        "a{b=\"c\"} 1\n# EOF\n",
        "\u{feff}a{b=\"c\"} 1\n",
        "a{b=\"c\"} 1\n\n# EOF\n",
        "a{b=\"cd\"} 1 # {} 1\na 2\n# EOF\n",
    ];
    let mut parser = Parser::new(b"", &options).unwrap();
    for text in texts {
        parser = parser.reset(text.as_bytes()).unwrap();
        let (fresh, _) = Transcript::read(Parser::from_text(text, &options));
        let (again, _) = Transcript::read(parser.clone());
        assert_eq!(again, fresh);
        while let Ok(Some(_)) = parser.next_line() {}
    }
}

/// Text that programs write must take the short way.
#[test]
fn well_formed_lines_take_the_short_way() {
    const WELL_FORMED: usize = 21;
    for line in &LINES[..WELL_FORMED] {
        let read_lines = |format| {
            let end = if format == Format::OpenMetrics {
                "# EOF\n"
            } else {
                ""
            };
            // The last digits of a number are read with the bytes before it.
            let text = format!("# TYPE some_family_or_other gauge\n{line}\n{end}");
            let (transcript, lines) = compare(&text, &ParseOptions::new(format));
            (transcript.contains("ParseError"), lines)
        };
        let found = [Format::OpenMetrics, Format::Prometheus].map(read_lines);
        assert!(found.contains(&(false, 0)), "{line}: {found:?}");
    }
}

#[test]
fn well_formed_lines_of_openmetrics_2_take_the_short_way() {
    for line in &LINES_OF_2[..WELL_FORMED_OF_2] {
        let text = format!("# TYPE some_family_or_other gauge\n{line}\n# EOF\n");
        for mode in [Mode::Lenient, Mode::Strict] {
            let options = ParseOptions::new(Format::OpenMetrics2).with_mode(mode);
            let (transcript, lines) = compare(&text, &options);
            assert!(!transcript.contains("ParseError"), "{transcript}");
            assert_eq!(lines, 0, "{line}");
        }
    }
}
