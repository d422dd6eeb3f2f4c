//! Expositions with mistakes in them, read by us and by the reference implementations.
//!
//! Lenient mode has to take what a reference takes, and read the same; a reference has to take what strict mode takes;
//! and strict mode has to take what a reference takes, except for rules that the reference does not check. Where that
//! is not so, and the reference is wrong or older than what it reads, the difference is listed here with its reason.
//!
//! `SCOUT_METRICS_FUZZ_RUNS` says how many expositions there are (default: 8,000; the slower references get a part of
//! them), and `SCOUT_METRICS_FUZZ_SEED` where the random numbers start.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use scout_metrics_openmetrics::{
    Families, Format, Mode, ParseError, ParseOptions, Rule, parse_families,
};
use support::{
    mutate::Mutator,
    peers::{
        Answer, Document, Exposition, Family, Point, Promtool, Python, Sample, Time, describe,
        describe_for_python,
    },
    random::number,
    scrape::{OWN_NAMES, scrape},
};

/// Returns one of so many of the documents that are wanted.
fn documents(one_of: u64) -> Vec<Document> {
    const DEFAULT: u64 = 8_000;
    let mut mutator = Mutator::new(number("SCOUT_METRICS_FUZZ_SEED", 1));
    let runs = number("SCOUT_METRICS_FUZZ_RUNS", DEFAULT) / one_of;
    (0..runs).map(|_| mutator.next()).collect()
}

/// A document, what we make of it, and what a peer does.
struct Reading {
    document: Document,
    strict: Result<Families, ParseError>,
    lenient: Result<Families, ParseError>,
    answer: Answer,
}

impl Reading {
    fn new(document: &Document, answer: Answer) -> Self {
        let options = ParseOptions::new(document.format);
        let read = |mode| parse_families(document.text.as_bytes(), &options.with_mode(mode));
        Self {
            document: document.clone(),
            strict: read(Mode::Strict),
            lenient: read(Mode::Lenient),
            answer,
        }
    }

    fn is(&self, format: Format) -> bool {
        self.document.format == format
    }

    fn has(&self, text: &str) -> bool {
        self.document.text.contains(text)
    }

    fn any_line(&self, is: impl Fn(&str) -> bool) -> bool {
        self.document.text.lines().any(is)
    }

    /// Returns whether lenient mode refuses a line for a rule.
    fn is_refused(&self, rules: &[Rule], is: impl Fn(&str) -> bool) -> bool {
        let Err(error) = &self.lenient else {
            return false;
        };
        let line = error.position().line as usize - 1;
        let line = self.document.text.split('\n').nth(line).unwrap_or_default();
        error.rule().is_some_and(|rule| rules.contains(&rule)) && is(line)
    }

    /// Returns whether the peer refuses the document, for a reason that has a text in it.
    fn says(&self, reason: &str) -> bool {
        let answer = self.answer.as_ref();
        answer.is_err_and(|error| error.contains(reason))
    }

    /// Returns what is not as it has to be: in a few words, and in full.
    fn find_disagreement(&self, peer: &Peer) -> Option<(String, String)> {
        let (what, details) = match (&self.answer, &self.strict, &self.lenient) {
            (Ok(_), _, Err(error)) => {
                let rule = error.rule();
                (format!("we refuse, {rule:?}"), error.to_string())
            }
            (Err(error), Ok(_), _) => {
                let start: String = error.chars().take(60).collect();
                (format!("they refuse, {start:?}"), error.clone())
            }
            (Ok(theirs), strict, Ok(_)) => match ((peer.compare)(self, theirs), strict) {
                (Some(difference), _) => ("values differ".to_owned(), difference),
                (None, Err(error)) if !peer.is_blind(self, error) => {
                    let rule = error.rule();
                    (format!("strict mode refuses, {rule:?}"), error.to_string())
                }
                _ => return None,
            },
            (Err(_), Err(_), _) => return None,
        };
        let (format, text) = (self.document.format, &self.document.text);
        Some((
            format!("{format}: {what}"),
            format!("{text:?}\n    {details}"),
        ))
    }
}

/// Puts documents and what a peer made of them together.
fn readings(documents: &[Document], answers: impl IntoIterator<Item = Answer>) -> Vec<Reading> {
    let pairs = documents.iter().zip(answers);
    pairs
        .map(|(document, answer)| Reading::new(document, answer))
        .collect()
}

/// Another reader, and what it is known to do in another way.
struct Peer {
    differences: &'static [Difference],
    /// The rules that it does not look at, or not everywhere.
    blind: &'static [(Format, &'static [Rule])],
    compare: Comparison,
}

impl Peer {
    fn is_blind(&self, reading: &Reading, error: &ParseError) -> bool {
        let mut blind = self.blind.iter().filter(|(format, _)| reading.is(*format));
        let rule = error.rule().unwrap();
        blind.any(|(_, rules)| rules.contains(&rule))
    }
}

/// Returns in what a peer's answer differs from what lenient mode reads.
type Comparison = fn(&Reading, &Exposition) -> Option<String>;

/// A known difference of a peer, and the documents in which it occurs.
type Difference = (&'static str, fn(&Reading) -> bool);

/// Panics with a few documents of each kind of disagreement that is not listed.
fn check(readings: &[Reading], peer: &Peer) {
    let mut kinds: BTreeMap<String, BTreeSet<(usize, String)>> = BTreeMap::new();
    for reading in readings {
        let Some((kind, details)) = reading.find_disagreement(peer) else {
            continue;
        };
        if !peer.differences.iter().any(|(_, is_here)| is_here(reading)) {
            let found = kinds.entry(kind).or_default();
            found.insert((details.len(), details));
        }
    }
    let mut report = String::new();
    for (kind, found) in &kinds {
        report.push_str(&format!("{} documents, {kind}\n", found.len()));
        for (_, details) in found.iter().take(3) {
            report.push_str(&format!("    {details}\n"));
        }
    }
    assert!(report.is_empty(), "{report}");
    let accepted = readings.iter().filter(|reading| reading.answer.is_ok());
    let count = accepted.count();
    assert!(5 * count > readings.len(), "{count} accepted prove little");
}

// Python.

const PYTHON: &[Difference] = &[
    (
        "It strips and splits at all white space of Unicode in metadata; the formats have blanks and tabs.",
        |reading| {
            reading.any_line(|line| {
                line.trim_start().starts_with('#') && line.contains(is_other_space)
            })
        },
    ),
    (
        "It drops a label without a value, and nothing between two commas.",
        |reading| {
            let rules = [Rule::LabelName, Rule::LabelSyntax];
            let is_empty = |line: &str| {
                let line: String = line.split_whitespace().collect();
                ["=,", "=}", ",,"].iter().any(|empty| line.contains(empty))
            };
            reading.is(Format::Prometheus) && reading.is_refused(&rules, is_empty)
        },
    ),
    (
        "It takes the last of many words behind a value for the time, and drops the others.",
        |reading| {
            let rules = [Rule::SampleSyntax, Rule::Timestamp];
            let is_long = |line: &str| line.split([' ', '\t']).count() > 3;
            reading.is(Format::Prometheus) && reading.is_refused(&rules, is_long)
        },
    ),
    ("It makes numbers infinite that do not fit.", |reading| {
        reading.is_refused(&[Rule::NumberRange], |_| true)
    }),
    (
        "It takes times that are no numbers, or beyond those that nanoseconds in 128 bits can tell.",
        |reading| {
            let is_float = |line: &str| {
                let word = line.trim().rsplit([' ', '\t']).next();
                word.is_some_and(|word| word.parse::<f64>().is_ok())
            };
            reading.is_refused(&[Rule::Timestamp], is_float)
        },
    ),
    (
        "It takes a text alone among the labels of an exemplar for the value of `__name__`.",
        |reading| {
            let has_exemplar = |line: &str| line.contains(" # {");
            reading.is(Format::OpenMetrics)
                && reading.is_refused(&[Rule::LabelSyntax], has_exemplar)
        },
    ),
    ("It takes a blank before the point of a time.", |reading| {
        reading.is_refused(&[Rule::ExemplarSyntax], |line| line.contains(" ."))
    }),
    ("It takes underscores in bounds.", |reading| {
        reading.has("=\"1_0\"")
    }),
    ("It takes digits of other scripts.", |reading| {
        reading.is_refused(&[Rule::Number, Rule::Timestamp], |line| line.contains('１'))
    }),
    (
        "It takes a line for metadata whatever stands before TYPE and HELP.",
        |reading| {
            let is_odd = |line: &str| {
                let start = line.trim_start().split([' ', '\t']).next().unwrap();
                start.starts_with('#') && start != "#"
            };
            reading.any_line(is_odd) || reading.is_refused(&[Rule::Comment], |_| true)
        },
    ),
    (
        "It skips whatever character follows the labels.",
        |reading| {
            let has_labels = |line: &str| line.contains('}');
            reading.is(Format::OpenMetrics) && reading.is_refused(&[Rule::SampleSyntax], has_labels)
        },
    ),
    ("It strips tabs behind a name in metadata.", |reading| {
        reading.is_refused(&[Rule::MetadataSyntax], |line| line.contains("\t "))
    }),
    ("It drops what a quote behind a time begins.", |reading| {
        let has_quote = |line: &str| line.contains('"');
        reading.is(Format::OpenMetrics) && reading.is_refused(&[Rule::Timestamp], has_quote)
    }),
    (
        "It refuses all labels that start with two underscores, not only the one that means something.",
        |reading| reading.says("Invalid labels") && reading.has("__"),
    ),
    (
        "It takes a line of one word for its own value.",
        |reading| {
            let rules = [Rule::SampleSyntax, Rule::Number];
            reading.is_refused(&rules, |line| !line.trim().contains([' ', '\t']))
        },
    ),
    ("It takes anything before braces for a name.", |reading| {
        let rules = [
            Rule::MetricName,
            Rule::Number,
            Rule::Blanks,
            Rule::SampleSyntax,
            Rule::Timestamp,
        ];
        reading.is_refused(&rules, |line| line.contains('{'))
    }),
    (
        "It takes blanks between a name and the labels for a part of the name.",
        |reading| {
            let has_blank = |line: &str| {
                let name = line.split('{').next().unwrap_or_default();
                let bare = name.trim_end_matches([' ', '\t']);
                bare != name && name != line && !bare.contains([' ', '#'])
            };
            reading.is(Format::OpenMetrics) && reading.any_line(has_blank)
        },
    ),
    ("It undoes escapes in names without quotes.", |reading| {
        let rules = [Rule::MetricName, Rule::LabelName, Rule::LabelSyntax];
        reading.is_refused(&rules, |line| line.contains("\\n"))
    }),
    (
        "It takes texts that stand side by side for one name.",
        |reading| reading.is_refused(&[Rule::MetricName], |line| line.contains('"')),
    ),
    (
        "It does not look at a type that another line replaces.",
        |reading| {
            let is_type = |line: &str| line.contains("TYPE");
            reading.is_refused(&[Rule::MetadataSyntax, Rule::TypeName], is_type)
        },
    ),
    (
        "It takes a byte order mark for a part of the first word.",
        |reading| reading.document.text.starts_with('\u{feff}'),
    ),
    ("It misreads escaped quotes in exemplars.", |reading| {
        let has_quotes = |line: &str| line.contains(" # {") && line.contains("\\\"");
        reading.is(Format::OpenMetrics) && reading.any_line(has_quotes)
    }),
    (
        "It takes all infos of a family for one metric.",
        |reading| {
            reading.says("within a group") && reading.any_line(|line| line.ends_with(" info"))
        },
    ),
    ("It loses the sign of times between -1 and 0.", |reading| {
        reading.is(Format::OpenMetrics) && reading.any_line(|line| line.contains(" -0."))
    }),
    (
        "It takes samples of later points for repeated ones, and drops them.",
        |reading| {
            let read = reading.lenient.as_ref();
            let series = read.map(|families| series(&describe(families.as_slice())));
            let has_points = series.is_ok_and(|all| all.values().any(|points| points.len() > 1));
            let is_refused = reading.answer.is_err() || reading.strict.is_err();
            reading.is(Format::OpenMetrics) && has_points && is_refused
        },
    ),
    (
        "It cannot compare times that it keeps as a float with others.",
        |reading| reading.says("has no attribute 'sec'") || reading.says("not supported between"),
    ),
    (
        "It strips and undoes escapes in quoted names a second time, or has no metadata for them.",
        |reading| {
            let is_refused = reading.is(Format::OpenMetrics) && reading.answer.is_err();
            let is_hit = |line: &str| has_quoted_name(line) && (is_refused || line.contains('\\'));
            reading.any_line(is_hit)
        },
    ),
    (
        "It wants a blank before a value also where they cannot merge.",
        |reading| {
            reading.is(Format::Prometheus)
                && reading.says("invalid metric name")
                && reading.any_line(|line| line.contains(['+', '-', '.']))
        },
    ),
];

const PYTHON_BLIND: &[Rule] = &[
    Rule::Blanks,
    Rule::BucketOrder,
    Rule::CarriageReturn,
    Rule::CounterTotal,
    Rule::InterleavedMetrics,
    Rule::LabelName,
    Rule::Number,
    Rule::QuantileRange,
    Rule::ReservedLabel,
];

fn has_quoted_name(line: &str) -> bool {
    let starts = ["{\"", ",\"", " \"", "\t\""];
    starts.iter().any(|start| line.contains(start))
}

fn is_other_space(c: char) -> bool {
    let is_separator = ('\x1c'..='\x1f').contains(&c);
    (c.is_whitespace() || is_separator) && !matches!(c, ' ' | '\t' | '\n')
}

#[test]
fn python_and_we_agree() {
    let Some(python) = Python::find() else {
        return;
    };
    let documents = documents(1);
    check(
        &readings(&documents, python.read(&documents)),
        &Peer {
            differences: PYTHON,
            // It is free with the text format, and says so.
            blind: &[
                (Format::OpenMetrics, PYTHON_BLIND),
                (Format::Prometheus, Rule::ALL),
            ],
            compare: compare_with_python,
        },
    );
}

fn compare_with_python(reading: &Reading, theirs: &Exposition) -> Option<String> {
    let ours = describe_for_python(
        reading.lenient.as_ref().unwrap().as_slice(),
        reading.document.format,
    );
    let has_same_samples = match reading.document.format {
        Format::OpenMetrics => has_points(&series(&ours), &series(theirs)),
        _ => series_of_text(&ours) == series_of_text(theirs),
    };
    // If metadata break a rule, the result is not specified.
    let has_same_families = match families(theirs) {
        Some(theirs) if reading.strict.is_ok() => families(&ours) == Some(theirs),
        _ => true,
    };
    (!has_same_samples || !has_same_families)
        .then(|| format!("we read   {ours:?}\n    they read {theirs:?}"))
}

type Series = BTreeMap<(String, BTreeMap<String, String>), Vec<Sample>>;

/// Returns the samples by their names and labels. Python lists a family that was interrupted a second time.
fn series(exposition: &Exposition) -> Series {
    let mut series = Series::new();
    for sample in &exposition.samples {
        let mut sample = sample.clone();
        normalize(&mut sample.point);
        if let Some((_, point)) = &mut sample.exemplar {
            normalize(point);
        }
        let key = (sample.name.clone(), sample.labels.clone());
        series.entry(key).or_default().push(sample);
    }
    series
}

/// Python reads whole numbers as such, which have no minus zero, and keeps the sign of NaN.
fn normalize(point: &mut Point) {
    point.value += 0.0;
    if point.value.is_nan() {
        point.value = f64::NAN;
    }
}

/// Returns whether Python has the first sample of all series, and no other samples. It drops those that have the same
/// time, and some that have not.
fn has_points(ours: &Series, theirs: &Series) -> bool {
    ours.keys().eq(theirs.keys())
        && ours.values().zip(theirs.values()).all(|(ours, theirs)| {
            let mut rest = ours.iter();
            ours.first() == theirs.first()
                && theirs.iter().all(|one| rest.any(|other| other == one))
        })
}

/// Returns the series without the suffix of counters, which Python adds by what is known of the type up to there.
fn series_of_text(exposition: &Exposition) -> Series {
    let mut exposition = exposition.clone();
    for sample in &mut exposition.samples {
        if let Some(start) = sample.name.strip_suffix("_total") {
            sample.name = start.to_owned();
        }
    }
    let mut series = series(&exposition);
    for samples in series.values_mut() {
        let seconds = |sample: &Sample| sample.point.time.map_or(0.0, Time::seconds);
        samples.sort_by(|one, other| {
            let values = one.point.value.total_cmp(&other.point.value);
            values.then(seconds(one).total_cmp(&seconds(other)))
        });
    }
    series
}

/// Returns what is known of families, if there is one of each name. Python strips help texts, and has another family
/// where one goes on.
fn families(exposition: &Exposition) -> Option<BTreeSet<Family>> {
    let families = exposition.families.iter();
    let names: BTreeSet<&str> = families
        .clone()
        .map(|family| family.name.trim_end_matches("_total"))
        .collect();
    let stripped = families.cloned().map(|mut family| {
        family.help = family.help.trim_matches([' ', '\t']).to_owned();
        family
    });
    (names.len() == exposition.families.len()).then(|| stripped.collect())
}

// promtool.

const PROMTOOL: &[Difference] = &[
    ("It refuses blanks at the end of a line.", |reading| {
        let is_at_end = |line: &str| line.ends_with([' ', '\t']);
        let reasons = [
            "spurious string after timestamp",
            "expected integer as timestamp",
            "unknown metric type",
        ];
        reasons.iter().any(|reason| reading.says(reason)) && reading.any_line(is_at_end)
    }),
    ("It is older than quoted names.", |reading| {
        let is_name = reading.says("invalid metric name") || reading.says("invalid label name");
        is_name && reading.has("\"")
    }),
    (
        "It takes a line for metadata also where no blank follows the sign.",
        |reading| {
            let starts = ["#TYPE", "#HELP"];
            reading.any_line(|line| {
                starts
                    .iter()
                    .any(|start| line.trim_start().starts_with(start))
            })
        },
    ),
    (
        "It refuses escapes that the format does not know, of which the format says nothing.",
        |reading| reading.says("invalid escape sequence"),
    ),
    ("It takes blanks behind the last line feed.", |reading| {
        let last = reading
            .document
            .text
            .rsplit('\n')
            .next()
            .unwrap_or_default();
        !last.is_empty() && last.trim().is_empty()
    }),
    ("It takes a HELP without a text for none.", |reading| {
        let is_empty = |line: &str| line.contains("HELP") && line.split_whitespace().count() < 4;
        reading.any_line(is_empty)
    }),
    ("It takes a TYPE without a type.", |reading| {
        reading.is_refused(&[Rule::TypeName, Rule::MetadataSyntax], |line| {
            line.contains("TYPE")
        })
    }),
];

const PROMTOOL_BLIND: &[Rule] = &[
    Rule::BucketBound,
    Rule::BucketOrder,
    Rule::BucketsCumulative,
    Rule::CarriageReturn,
    Rule::DuplicateSeries,
    Rule::HistogramCount,
    Rule::HistogramSuffix,
    Rule::InfiniteBucket,
    Rule::InterleavedFamilies,
    // A part of a histogram or summary before its TYPE is another family to it.
    Rule::LateMetadata,
    Rule::MetadataSyntax,
    Rule::QuantileOrder,
    Rule::QuantileRange,
    Rule::TypeName,
];

#[test]
fn promtool_and_we_agree() {
    let Some(promtool) = Promtool::find() else {
        return;
    };
    let mut documents = documents(20);
    documents.retain(|document| document.format == Format::Prometheus);
    let answers = documents.iter().map(|document| {
        let answer = promtool.check(document.text.as_bytes());
        answer.map(|()| Exposition::default())
    });
    check(
        &readings(&documents, answers),
        &Peer {
            differences: PROMTOOL,
            blind: &[(Format::Prometheus, PROMTOOL_BLIND)],
            // It does not say what it reads.
            compare: |_, _| None,
        },
    );
}

// Prometheus.

const PROMETHEUS: &[Difference] = &[
    ("It ends at a NUL.", |reading| reading.has("\0")),
    (
        "It takes blanks before a name for a part of the name, and then refuses that.",
        |reading| {
            let is_indented = |line: &str| line.starts_with([' ', '\t']);
            reading.says("invalid metric name or label names") && reading.any_line(is_indented)
        },
    ),
    (
        "It refuses a sign before a time of the text format.",
        |reading| {
            reading.is(Format::Prometheus)
                && reading.says("expected timestamp or new record, got \"INVALID\"")
        },
    ),
    ("It is older than quoted names.", |reading| {
        reading.any_line(has_quoted_name) && reading.says("\"INVALID\"")
    }),
    (
        "It takes blanks before a type for a part of the type.",
        |reading| reading.says("invalid metric type"),
    ),
    (
        "It ends a name in metadata at any other character, and drops that.",
        |reading| {
            reading.is_refused(&[Rule::MetricName], |line| {
                line.trim_start().starts_with('#')
            })
        },
    ),
    (
        "It takes times beyond those that nanoseconds in 128 bits can tell, and makes others of them.",
        |reading| reading.is_refused(&[Rule::Timestamp], |line| line.contains('e')),
    ),
];

#[test]
fn prometheus_and_we_agree() {
    let mut documents = documents(4);
    documents.retain(|document| {
        let mut names = OWN_NAMES.iter();
        !names.any(|name| document.text.contains(name))
    });
    let Some(answers) = scrape(&documents) else {
        return;
    };
    check(
        &readings(&documents, answers),
        &Peer {
            differences: PROMETHEUS,
            blind: &[
                (Format::OpenMetrics, Rule::ALL),
                (Format::Prometheus, Rule::ALL),
            ],
            compare: compare_with_prometheus,
        },
    );
}

fn compare_with_prometheus(reading: &Reading, theirs: &Exposition) -> Option<String> {
    let ours = describe(reading.lenient.as_ref().unwrap().as_slice());
    let (ours, theirs) = (stored(&ours), stored(theirs));
    // Of several values at one time it keeps one.
    let is_kept = |ours: &[f64], value: f64| {
        let mut ours = ours.iter();
        ours.any(|our| *our == value || our.is_nan() && value.is_nan())
    };
    let is_same = ours.keys().eq(theirs.keys())
        && ours
            .values()
            .zip(theirs.values())
            .all(|(ours, theirs)| is_kept(ours, theirs[0]));
    (!is_same).then(|| format!("we read   {ours:?}\n    they read {theirs:?}"))
}

type StoredLabels<'a> = Vec<(&'a str, &'a str)>;

/// Returns the values by names and labels as Prometheus stores them, which leaves labels out that are empty.
fn stored(exposition: &Exposition) -> BTreeMap<(&str, StoredLabels<'_>), Vec<f64>> {
    let mut stored: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    for sample in &exposition.samples {
        let labels = sample.labels.iter();
        let labels = labels.map(|(name, value)| (&**name, &**value));
        let labels = labels.filter(|(_, value)| !value.is_empty());
        let key = (&*sample.name, labels.collect());
        stored.entry(key).or_default().push(sample.point.value);
    }
    stored
}
