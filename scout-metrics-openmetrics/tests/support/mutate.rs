//! Expositions with mistakes in them: valid ones, changed in a few places that mean something to a parser.

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use scout_metrics_openmetrics::{Format, encode_families};

use super::{
    cases::CaseFile,
    model::{Style, families},
    peers::Document,
    random::Random,
};

/// Longer ones take time and find nothing more.
const LONGEST: usize = 1500;

/// Expositions of everything that a format has, to begin with. `%` is replaced by the name of a family.
const OPENMETRICS: [&str; 17] = [
    r#"# TYPE % counter
# HELP % a \"help\" \\ \n.
%_total{b="c"} 17 1520879607.789 # {id="x"} 0.5 1520879607
%_created{b="c"} 1520430000 1520879607.789
"#,
    r#"# TYPE % gauge
%{b="c",d=""} -1.5e3
%{b="é\\\"\n"} NaN
% +Inf
"#,
    r#"# HELP %_seconds help
# UNIT %_seconds seconds
# TYPE %_seconds histogram
%_seconds_bucket{le="0.5"} 1 # {} 0.25
%_seconds_bucket{le="1.0"} 1
%_seconds_bucket{le="+Inf"} 3 # {a="b"} 2.0 12.5
%_seconds_count 3
%_seconds_sum 5.5
%_seconds_created 1.5e9
"#,
    r#"# TYPE % gaugehistogram
%_bucket{x="y",le="-1"} 0
%_bucket{x="y",le="+Inf"} 3
%_gcount{x="y"} 3
%_gsum{x="y"} -4
"#,
    r#"# TYPE % summary
%{quantile="0.5"} 1
%{quantile="0.99"} 2.5
%_count 7
%_sum 10
%_created 5
"#,
    r#"# TYPE % info
%_info{version="1.0",b=""} 1
%_info{version="2"} 1
"#,
    r#"# TYPE % stateset
%{%="on"} 1
%{%="off"} 0
%{x="1",%="on"} 0
"#,
    r#"# TYPE % unknown
% 1 1
% 2 2
"#,
    r#"%{c="d"} 1e9 -5
"#,
    r#"# TYPE % counter
%_total{b="1"} 1
%_total{b="2"} 2 # {trace="a b",s="\""} 1e3
"#,
    r#"# HELP % 
# UNIT % 
"#,
    r#"# TYPE % histogram
%_bucket{b="1",le="1"} 0 5
%_bucket{b="1",le="+Inf"} 2 5
%_sum{b="1"} 3 5
%_count{b="1"} 2 5
%_bucket{b="1",le="1"} 1 6.5
%_bucket{b="1",le="+Inf"} 3 6.5
%_sum{b="1"} 4 6.5
%_count{b="1"} 3 6.5
%_bucket{b="2",le="+Inf"} 1
"#,
    r#"# TYPE % counter
%_created 1 2
%_total 5 2 # {a="b"} 1
%_total 6 3
"#,
    r#"# TYPE % summary
%_created{c="d"} 3
%_sum{c="d"} 0
%{c="d",quantile="1"} NaN
%_count{c="d"} 0
%_count 2
"#,
    r#"# TYPE % gaugehistogram
%_bucket{le="-2.5"} 0 # {} -3
%_bucket{le="0.5"} 4
%_bucket{le="+Inf"} 4
"#,
    r#"# TYPE % stateset
%{%="a"} 1 5
%{%="b"} 0 5
%{%="a"} 0 6
%{%="b"} 1 6
"#,
    r#"# TYPE "a.%" gauge
{"a.%","l.m"="x"} 1
{"a.%"} 2
"#,
];

const PROMETHEUS: [&str; 9] = [
    r#"# HELP % a \\ help \n "x"
# TYPE % counter
%{b="c"} 17 1520879607789
%{b="d",} 1
"#,
    r#"# TYPE %_total counter
%_total 1.5
%_created 2
"#,
    r#"# TYPE % gauge
%{b="c",d=""} -1.5e3
%{b="é\\\"\n"} NaN -5
% +Inf
"#,
    r#"# HELP % help
# TYPE % histogram
%_bucket{le="0.5"} 1
%_bucket{le="+Inf"} 3
%_sum 5.5
%_count 3
"#,
    r#"# TYPE % summary
%{quantile="0.5"} 1
%{quantile="0.99"} 2.5 1
%_sum 10
%_count 7
"#,
    "# a comment\n\n  % { b = \"c\" , d = \"e\" } 3\t4 \n",
    "#TYPE % gauge\n# TYPE % untyped\n%\t1\n",
    r#"%{c="d"}1e9
%_bucket 2
"#,
    r#"# TYPE "a.%" gauge
{"a.%","l.m"="x"} 1
{"a.%"} 2
"#,
];

/// Tokens of each kind, with `|` between them.
const NAMES: &str = "a|b|_|:|a:b|9a|a-b|a.b|é|_a|a__b|__name__|le|quantile|b_total|a_total|a_created|a_bucket|a_sum|a_count|\
    a_info|a_gsum|a_gcount|a_seconds|seconds|total|NaN|Inf|A|\"a\"";

const SUFFIXES: &str = "_total|_created|_bucket|_sum|_count|_info|_gsum|_gcount|_seconds|_|:|1";

const NUMBERS: &str = "0|-0|0.0|1|+1|-1|2|3|1.|.5|-.5|+.5|.|1e3|1E+3|1e-3|1e|1e+|1e400|-1e400|1e-400|1.e1|.e1|0x1p3|0x10|\
    0X1P-2|1_000|_1|NaN|nan|NAN|+NaN|-nan|Inf|+Inf|-Inf|inf|+INF|Infinity|-infinity|+infinity|infi|in|007|-007.50|1,5|１|\
    18446744073709551616|9007199254740993|1f|1d|0b1|0o7|+-1|--1|1e1.5|true|\"1\"|1\"|1#|1.5.5|1e0_1";

const TIMES: &str = "0|-0|1|-1|+1|1520879607|1520879607.789|1520879607789|-0.5|0.5|1e3|1.5e9|1.5E+9|1.|.5|-.5|NaN|+Inf|inf|\
    9223372036854775807|9223372036854775808|-9223372036854775808|1e30|1e400|0x1|0x1p3|1_0|1520879607.1234567891|\
    0.0000000001|00001|1-|1:2|１|1e-3";

const TEXTS: &str = r##"""|"a"|"a b"|"\\"|"\n"|"\""|"\t"|"\x"|"\|"a|a"|"\\\""|"a\"|"é"|"日本🦀"|"{"|"}"|","|"="|" # {} 1"|"# EOF"|'a'|"a"b"|"0.5"|"+Inf"|"Inf"|"NaN"|"-1"|"1.5"|"1e-3"|"x=\"y\""|"1_0"|"0x1""##;

const TYPES: &str = "counter|gauge|histogram|gaugehistogram|gauge_histogram|summary|info|stateset|unknown|untyped|Counter|\
    GAUGE|foo|gauges||gauge\t";

const BLANKS: &str = "| |  |\t| \t|\u{a0}|\r|\u{b}|\u{c}|\0|\u{2028}|\u{85}";

const PIECES: &str = "{|}|{}|,|=|\"|\\|\\\"|\\n|#| # | # {} 1| # {a=\"b\"} 1 2|#{}1| # {a=\"b\"}| # {} 1 # {} 2| #|# |\
    le=\"+Inf\"|le=\"1\",|quantile=\"0.5\"|,a=\"b\"|a=\"b\",|a=\"\",|,,|{b=\"c\"}|__name__=\"x\",|{__name__=\"x\"}|\
    \"q\",|\"q\"|\"q.r\"=\"s\",|\"\t\"|\"\0\"|\"\r\"|\r|\0|é|\u{feff}|\u{a0}|\n|\r\n|\n\n| |\t| 1| 5 |-|+|.|e5";

const LINES: &str = "| |\t|#|# |##|# comment|#comment|# EOF|# EOF |#EOF|# eof|# TYPE a gauge|# TYPE a counter|# TYPE a histogram|\
    # TYPE a summary|# TYPE a info|# TYPE a stateset|# HELP a text|# HELP a|# HELP a |# HELP|# TYPE|# TYPE a|\
    # UNIT a_seconds seconds|# UNIT a|# UNIT a |# UNIT a b|#  TYPE a gauge|# TYPE  a gauge|# TYPE a  gauge|\
    # TYPE a gauge |#\tTYPE\ta\tgauge|## TYPE a gauge|# HELP a  text |a 1|a_total 1|a{b=\"c\"} 2|a|{} 1|{__name__=\"a\"} 1";

/// Makes documents, the same from the same seed.
pub(crate) struct Mutator {
    random: Random,
    seeds: Vec<Document>,
}

impl Mutator {
    pub(crate) fn new(seed: u64) -> Self {
        let mut seeds = seeds();
        seeds.retain(|seed| seed.text.len() <= LONGEST);
        Self {
            random: Random(seed),
            seeds,
        }
    }

    /// Returns another document, in most cases with mistakes.
    pub(crate) fn next(&mut self) -> Document {
        let mut document = match self.random.below(4) {
            0 => self.random.pick(&self.seeds).clone(),
            _ => self.families(),
        };
        for _ in 0..self.random.below(4) {
            document.text = self.edit(&document.text);
        }
        document
    }

    /// Returns one or two families that break no rule.
    fn families(&mut self) -> Document {
        let (format, families) = match self.random.below(2) {
            0 => (Format::OpenMetrics, &OPENMETRICS[..]),
            _ => (Format::Prometheus, &PROMETHEUS[..]),
        };
        let mut text = String::new();
        for name in &["a", "b"][..=self.random.below(2)] {
            text.push_str(&self.random.pick(families).replace('%', name));
        }
        if format == Format::OpenMetrics {
            text.push_str("# EOF\n");
        }
        Document { format, text }
    }

    fn edit(&mut self, text: &str) -> String {
        match self.random.below(8) {
            0..=4 => self.edit_a_line(text),
            5 | 6 => self.edit_lines(text),
            _ => self.edit_all(text),
        }
    }

    fn edit_a_line(&mut self, text: &str) -> String {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        if lines.is_empty() {
            return text.to_owned();
        }
        let at = self.random.below(lines.len());
        let line = lines[at].clone();
        let mut tokens = tokens(&line);
        self.edit_tokens(&mut tokens);
        lines[at] = tokens.concat();
        lines.concat()
    }

    fn edit_tokens(&mut self, tokens: &mut Vec<&str>) {
        let at = self.random.below(tokens.len());
        let other = self.random.below(tokens.len());
        match self.random.below(8) {
            0 => drop(tokens.remove(at)),
            1 => tokens.insert(at, tokens[other]),
            2 => tokens.swap(at, other),
            3 => tokens.insert(at, self.token(PIECES)),
            4 => tokens.insert(at, self.token(BLANKS)),
            5 => tokens.insert(at + 1, self.token(SUFFIXES)),
            _ => tokens[at] = self.like(tokens[at]),
        }
    }

    /// Returns another token of the same kind, or of any.
    fn like(&mut self, token: &str) -> &'static str {
        let mut kind = match token.chars().next() {
            Some('0'..='9' | '+' | '-' | '.') => self.random.below(2),
            Some('"') => 2,
            Some(' ' | '\t') => 3,
            _ if TYPES.split('|').any(|known| known == token) => 4,
            Some('a'..='z' | 'A'..='Z' | '_' | ':') => 5,
            _ => 6,
        };
        if self.random.below(8) == 0 {
            kind = self.random.below(7);
        }
        self.token([NUMBERS, TIMES, TEXTS, BLANKS, TYPES, NAMES, PIECES][kind])
    }

    fn token(&mut self, table: &'static str) -> &'static str {
        let count = table.split('|').count();
        let mut tokens = table.split('|');
        tokens.nth(self.random.below(count)).unwrap()
    }

    fn edit_lines(&mut self, text: &str) -> String {
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        let line = format!("{}\n", self.token(LINES));
        let at = self.random.below(lines.len() + 1);
        if lines.is_empty() || self.random.below(4) == 0 {
            lines.insert(at, &line);
            return lines.concat();
        }
        let (one, two) = (
            self.random.below(lines.len()),
            self.random.below(lines.len()),
        );
        match self.random.below(4) {
            0 => drop(lines.remove(one)),
            1 => lines.insert(at, lines[one]),
            2 => lines.swap(one, two),
            _ => {
                let line = lines.remove(one);
                lines.insert(two, line);
            }
        }
        lines.concat()
    }

    fn edit_all(&mut self, text: &str) -> String {
        match self.random.below(7) {
            0 => text.replace('\n', "\r\n"),
            1 => format!("\u{feff}{text}"),
            2 => text.strip_suffix('\n').unwrap_or(text).to_owned(),
            3 => text.strip_suffix("# EOF\n").unwrap_or(text).to_owned(),
            4 => format!("{text}{}\n", self.token(LINES)),
            5 => {
                let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
                let at = self.random.below(ends.len() + 1);
                text[..ends.get(at).copied().unwrap_or(text.len())].to_owned()
            }
            _ => {
                let other = self.families().text;
                let end = "# EOF\n";
                match text.strip_suffix(end) {
                    Some(text) if self.random.below(4) > 0 => {
                        format!("{text}{}{end}", other.trim_end_matches(end))
                    }
                    _ => format!("{text}{other}"),
                }
            }
        }
    }
}

/// The project's own cases, and families from a fixed seed.
fn seeds() -> Vec<Document> {
    let mut seeds = Vec::new();
    let files = CaseFile::all().into_iter();
    // No reference reads OpenMetrics 2.0.
    for file in files.filter(|file| file.format != Format::OpenMetrics2) {
        for case in file.cases {
            if let Ok(text) = String::from_utf8(case.input) {
                seeds.push(Document {
                    format: file.format,
                    text,
                });
            }
        }
    }
    let mut runner = TestRunner::deterministic();
    for (format, style) in [
        (Format::OpenMetrics, Style::Plain),
        (Format::OpenMetrics, Style::Any),
        (Format::Prometheus, Style::Plain),
        (Format::Prometheus, Style::Any),
    ] {
        let strategy = families(format, style, 1..3);
        for _ in 0..40 {
            let families = strategy.new_tree(&mut runner).unwrap().current();
            let exposition = encode_families(&families, format).unwrap();
            let text = String::from_utf8(exposition.body().to_vec()).unwrap();
            seeds.push(Document { format, text });
        }
    }
    seeds
}

/// Cuts a line into texts in quotes, words and single characters.
fn tokens(line: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => quoted_length(rest),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after;
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':' | '+' | '-' | '.')
}

fn quoted_length(text: &str) -> usize {
    let mut is_escaped = true;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !is_escaped => return at + 1,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}
