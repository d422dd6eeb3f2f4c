//! The strict reader accepts exactly what the ABNF has.
//!
//! For each production, all texts of up to six symbols are put into a frame and read by the parser and by the checker in
//! `grammar_abnf.rs`. Where only exemplars do not fit the ABNF, the parser leaves them out and says so, unless a start timestamp
//! comes after them.

use scout_metrics_openmetrics::{Format, Mode, ParseOptions, Parser, ReaderLevel};

use super::{
    grammar_abnf::{Text, exposition, exposition_with_bad_exemplars, exposition_with_late_start},
    random::{Random, number},
};

/// The outcome of reading an exposition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    Accepted,
    WithoutExemplars,
    Refused,
}

/// Returns what the specification says. `None` for a text that is too long for the checker.
fn expected(text: &str) -> Option<Verdict> {
    let checked = Text::new(text)?;
    let odd = odd_labels(text);
    // A line feed alone ends a line, although the ABNF has the carriage return among the characters of texts.
    let is_known = !text.contains("\r\n") && odd != Some(Labels::OfSample);
    Some(match () {
        () if is_known && odd.is_none() && checked.is(exposition) => Verdict::Accepted,
        () if text.contains(" st@") && checked.is(exposition_with_late_start) => Verdict::Refused,
        () if is_known && text.contains(" #") && checked.is(exposition_with_bad_exemplars) => {
            Verdict::WithoutExemplars
        }
        () => Verdict::Refused,
    })
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Labels {
    OfExemplar,
    OfSample,
}

/// Returns which labels have a name twice or a reserved name, if the text follows the ABNF otherwise: first those of samples.
fn odd_labels(text: &str) -> Option<Labels> {
    let mut found = None;
    let (mut is_quoted, mut is_escaped) = (false, false);
    let (mut labels, mut names) = (Labels::OfSample, Vec::new());
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_quoted,
            b'"' => is_quoted = !is_quoted,
            b'\n' => (is_quoted, labels) = (false, Labels::OfSample),
            _ if is_quoted => {}
            b'#' if text[..at].ends_with(' ') => labels = Labels::OfExemplar,
            b'{' => {
                names.clear();
                start = at + 1;
            }
            b',' => start = at + 1,
            b'=' => {
                let name = text[start..at].trim_matches('"');
                let is_reserved = name.starts_with('_') && !matches!(name, "__type__" | "__unit__");
                if (names.contains(&name) || is_reserved) && found != Some(Labels::OfSample) {
                    found = Some(labels);
                }
                names.push(name);
            }
            _ => {}
        }
    }
    found
}

/// The parser, which reads one text after the other in the same memory.
struct Reader(Option<Parser<'static>>);

impl Reader {
    /// Without SIMD, which is slow for texts this short.
    fn new() -> Self {
        let options = ParseOptions::new(Format::OpenMetrics2).with_mode(Mode::Strict);
        let mut parser = Parser::from_text("", &options);
        let levels = ReaderLevel::all();
        let (_, scalar) = levels.iter().find(|(name, _)| *name == "scalar").unwrap();
        parser.set_level(*scalar);
        Self(Some(parser))
    }

    /// Returns the verdict and the message of the error or the last deviation.
    fn read(&mut self, text: &str) -> (Verdict, String) {
        let parser = self.0.take().unwrap();
        let mut parser = parser.reset(text.as_bytes()).unwrap();
        let (mut verdict, mut message) = (Verdict::Accepted, String::new());
        loop {
            match parser.next_line() {
                Ok(None) => break,
                Ok(Some(line)) => {
                    if let Some(deviation) = line.deviations().last() {
                        verdict = Verdict::WithoutExemplars;
                        message = deviation.to_string();
                    }
                }
                Err(error) => {
                    verdict = Verdict::Refused;
                    message = error.to_string();
                    break;
                }
            }
        }
        self.0 = Some(parser.reset(b"").unwrap());
        (verdict, message)
    }

    /// Panics if parser and checker do not agree on a text. Returns what they say.
    fn check(&mut self, text: &str) -> Option<Verdict> {
        let expected = expected(text)?;
        let (found, message) = self.read(text);
        // The grammar has numbers of any size.
        let is_large = ["does not fit", "is too large"]
            .iter()
            .any(|large| message.contains(large));
        assert!(
            found == expected || is_large && expected != Verdict::Refused,
            "{text:?} is {expected:?} for the checker and {found:?} for the parser: {message}"
        );
        Some(expected)
    }
}

/// Checks all texts of up to six symbols between two texts. Some have to be accepted and some refused.
fn check_all(before: &str, symbols: &[&str], after: &str) {
    const MOST: usize = 6;
    let mut reader = Reader::new();
    let mut counts = [0, 0, 0];
    let mut places = Vec::new();
    let mut text = String::new();
    loop {
        text.clear();
        text.push_str(before);
        places
            .iter()
            .for_each(|place: &usize| text.push_str(symbols[*place]));
        text.push_str(after);
        let verdict = reader.check(&text).expect("the text is short");
        counts[verdict as usize] += 1;
        // Counts in a number system with these digits, and then with one digit more.
        match places.iter().rposition(|place| place + 1 < symbols.len()) {
            Some(last) => {
                places[last] += 1;
                places[last + 1..].fill(0);
            }
            None if places.len() == MOST => break,
            None => {
                places.fill(0);
                places.push(0);
            }
        }
    }
    let [accepted, without_exemplars, refused] = counts;
    assert!(
        accepted > 0 && without_exemplars + refused > 0,
        "{counts:?}"
    );
}

#[test]
fn lines() {
    let symbols = ["a 1", "\n", "# EOF", "# HELP a ", "\r", "#"];
    check_all("", &symbols, "");
}

#[test]
fn keywords() {
    let symbols = ["#", " ", "TYPE", "UNIT", "a", "EOF"];
    check_all("", &symbols, "\n# EOF");
}

#[test]
fn metric_descriptors_with_types() {
    let symbols = [" ", "\"a\"", "gauge", "histogram", "\"", "1"];
    check_all("# TYPE", &symbols, "\n# EOF\n");
}

#[test]
fn metric_descriptors_with_help() {
    let symbols = [" ", "a", "\"", "\\", "\r", "\n# EOF"];
    check_all("# HELP ", &symbols, "\n# EOF\n");
}

#[test]
fn metric_descriptors_with_units() {
    let symbols = [" ", "a", "1", ":", "\"", "-"];
    check_all("# UNIT", &symbols, "\n# EOF\n");
}

#[test]
fn samples() {
    let symbols = ["a", " ", "1", "{", "\"a\"", "}"];
    check_all("", &symbols, "\n# EOF\n");
}

#[test]
fn labels_in_braces() {
    let symbols = ["a=\"b\"", ",", "c", "=", "\"", "_"];
    check_all("a{", &symbols, "} 1\n# EOF\n");
}

#[test]
fn names_and_labels_in_braces() {
    let symbols = ["\"a\"", ",", "b=\"c\"", "=", "}", " "];
    check_all("{", &symbols, "} 1\n# EOF\n");
}

#[test]
fn escaped_strings() {
    let symbols = ["\\", "\"", "n", "\n", "\u{e9}", "\r"];
    check_all("a{b=\"", &symbols, "\"} 1\n# EOF\n");
    check_all("{\"", &symbols, "\"} 1\n# EOF\n");
}

#[test]
fn numbers() {
    let symbols = ["0", "1", ".", "E", "+", "-"];
    check_all("a ", &symbols, "\n# EOF\n");
    check_all("a {count:", &symbols, ",sum:1,quantile:[]}\n# EOF\n");
}

#[test]
fn infinite_numbers() {
    let symbols = ["in", "F", "inity", "NA", "n", "+"];
    check_all("a ", &symbols, "\n# EOF\n");
    check_all("a {count:1,sum:", &symbols, ",quantile:[]}\n# EOF\n");
}

#[test]
fn timestamps() {
    let symbols = ["0", " ", ".", "e1", "-", "st@"];
    check_all("a 1 ", &symbols, "\n# EOF\n");
}

#[test]
fn integers() {
    let symbols = ["0", "1", ".", "e", "+", "-"];
    let after = ",zero_threshold:0,zero_count:0}\n# EOF\n";
    check_all("a {count:1,sum:1,schema:", &symbols, after);
}

#[test]
fn fields_of_composite_values() {
    let symbols = [
        "count:1",
        "sum:1",
        ",",
        "g",
        "bucket:[+Inf:1]",
        "quantile:[]",
    ];
    check_all("a {", &symbols, "}\n# EOF\n");
}

#[test]
fn delimiters_of_composite_values() {
    let symbols = ["{", "}", "count:1,sum:1,", "quantile:", "[", "]"];
    check_all("a ", &symbols, "\n# EOF\n");
}

#[test]
fn fields_of_native_buckets() {
    let symbols = [
        ",schema:1",
        ",zero_threshold:0",
        ",zero_count:0",
        ",positive_spans:[]",
        ",positive_buckets:[]",
        ",bucket:[+Inf:1]",
    ];
    check_all("a {count:1,sum:1", &symbols, "}\n# EOF\n");
    let symbols = [
        ",negative_spans:[]",
        ",negative_buckets:[]",
        ",positive_spans:[]",
        ",positive_buckets:[]",
        ",bucket:[+Inf:1]",
        ",",
    ];
    check_all(NATIVE, &symbols, "}\n# EOF\n");
}

const NATIVE: &str = "a {gcount:1,gsum:1,schema:1,zero_threshold:0,zero_count:0";

#[test]
fn spans() {
    let symbols = ["1", ":", ",", "-", "+", "0"];
    let before = format!("{NATIVE},negative_spans:[");
    check_all(&before, &symbols, "],negative_buckets:[]}\n# EOF\n");
}

#[test]
fn counts_of_native_buckets() {
    let symbols = ["1", ",", "NaN", ".5", "-", ":"];
    let before = format!("{NATIVE},positive_spans:[],positive_buckets:[");
    check_all(&before, &symbols, "]}\n# EOF\n");
}

#[test]
fn classic_buckets() {
    let symbols = ["1:2", ",", "+", "Inf:1", "-", "]"];
    check_all("a {count:1,sum:1,bucket:[", &symbols, "]}\n# EOF\n");
}

#[test]
fn thresholds() {
    let symbols = ["1", "12345678", ".", "e", "-", "Inf"];
    let after = ":1,+Inf:1]}\n# EOF\n";
    check_all("a {count:1,sum:1,bucket:[", &symbols, after);
}

#[test]
fn quantiles() {
    let symbols = ["0.5", ":", "1", ",", "NaN", "-"];
    check_all("a {count:1,sum:1,quantile:[", &symbols, "]}\n# EOF\n");
}

#[test]
fn what_follows_a_value() {
    let symbols = [" ", "1", "st@1", "#", "{}", " # {} 1 1"];
    check_all("a 1", &symbols, "\n# EOF\n");
    check_all("a {count:1,sum:1,quantile:[]}", &symbols, "\n# EOF\n");
}

#[test]
fn exemplars() {
    let symbols = [" ", "#", "{", "}", "a=\"b\"", ","];
    check_all("a 1 #", &symbols, " 1 1\n# EOF\n");
    let symbols = ["{\"a\"=\"", "\\", "\"}", " # {", "}", " 1"];
    check_all("a 1 # ", &symbols, "\n# EOF\n");
}

/// Lines that show all that the format has.
const EXAMPLES: [&str; 16] = [
    "# TYPE http.server counter",
    "# TYPE \"a b\\n\" gaugehistogram",
    "# UNIT acme_seconds seconds",
    "# HELP acme Some text and \\n some \\\" escaping",
    "acme_total{path=\"/api/v1\",method=\"GET\"} 1.5e+06 1520879607.789 st@-1520430000.123",
    "{\"a.b\",\"c d\"=\"\\\"e\\\\\",f=\"g\"} +Inf st@.5",
    "a{} nan 1. # {trace_id=\"KOO5S4\",\"b c\"=\"\"} 0.67 1520879606.1 # {} -1 2e3",
    "a {count:17,sum:324789.3,quantile:[]} 1 st@1520430000.123 # {} 0.054 1",
    "a {count:807283,sum:9036.32,quantile:[0.95:2,0.99:NaN]}",
    "a {count:17,sum:-inf,bucket:[0.0:0,1e-05:0,.1:8,100000.0:11,1.1e+23:17,+Inf:17]} st@1",
    "a{b=\"c\"} {gcount:-3,gsum:NaN,bucket:[-Inf:0,-1:2.5,+Inf:-3]} # {b=\"c\"} 1 1",
    "a {count:0,sum:0,schema:-4,zero_threshold:1e-4,zero_count:0}",
    "a {count:2,sum:1,schema:0,zero_threshold:0,zero_count:0,positive_spans:[-1:2],positive_buckets:[1,1]}",
    "a {count:2,sum:1,schema:+8,zero_threshold:0,zero_count:0,negative_spans:[1:1,+2:01],negative_buckets:[1,.5e1],bucket:[+Inf:2]}",
    "a {count:1,sum:1,schema:1,zero_threshold:0,zero_count:0,negative_spans:[],negative_buckets:[],positive_spans:[],positive_buckets:[]}",
    "a {gcount:1e2,gsum:1,schema:1,zero_threshold:0,zero_count:1e2,bucket:[1:0,+Inf:100]} 2 # {} 3 4",
];

/// `SCOUT_METRICS_ABNF_RUNS` says how many mutated lines are compared (default: 20,000).
#[test]
fn mutated_lines_are_read_as_the_abnf_says() {
    const PIECES: [&str; 30] = [
        "0", "1", "9", ".", "e", "-", "+", ":", ",", "[", "]", "{", "}", "\"", "\\", "#", " ",
        " # ", "st@", "=", "a", "_", "\u{e9}", "\r", "\t", "+Inf", "NaN", "count:", "bucket:[",
        "\n",
    ];
    let mut random = Random(number("SCOUT_METRICS_ABNF_SEED", 1));
    let mut reader = Reader::new();
    let mut counts = [0, 0, 0];
    for _ in 0..number("SCOUT_METRICS_ABNF_RUNS", 20_000) {
        let mut line: Vec<char> = random.pick(&EXAMPLES).chars().collect();
        for _ in 0..1 + random.below(3) {
            let at = random.below(line.len() + 1);
            match random.below(4) {
                0 if at < line.len() => drop(line.remove(at)),
                1 => {
                    let end = (at + random.below(12)).min(line.len());
                    let moved: Vec<char> = line.drain(at..end).collect();
                    let to = random.below(line.len() + 1);
                    line.splice(to..to, moved).for_each(drop);
                }
                2 => {
                    let end = (at + random.below(12)).min(line.len());
                    let copied = line[at..end].to_vec();
                    let to = random.below(line.len() + 1);
                    line.splice(to..to, copied).for_each(drop);
                }
                _ => line
                    .splice(at..at, random.pick(&PIECES).chars())
                    .for_each(drop),
            }
        }
        let text = format!("{}\n# EOF\n", line.iter().collect::<String>());
        if let Some(verdict) = reader.check(&text) {
            counts[verdict as usize] += 1;
        }
    }
    assert!(counts.iter().all(|count| *count > 200), "{counts:?}");
}
