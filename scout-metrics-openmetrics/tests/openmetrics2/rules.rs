//! Properties of the verdicts on all expositions, whatever the rule is. `tests/rules.rs` has the cases of each rule.

use scout_metrics_openmetrics::{
    Deviation, Families, Format, Mode, ParseError, ParseErrorKind, ParseOptions, Rule,
    parse_families,
};

use crate::{
    cases::CaseFile,
    quoting::quoted,
    random::{Random, number},
};

fn read(text: &[u8], mode: Mode) -> Result<Families, ParseError> {
    parse_families(
        text,
        &ParseOptions::new(Format::OpenMetrics2).with_mode(mode),
    )
}

/// The expositions of all cases.
fn seeds() -> Vec<Vec<u8>> {
    let files = CaseFile::all().into_iter();
    let files = files.filter(|file| file.format == Format::OpenMetrics2);
    let cases = files.flat_map(|file| file.cases);
    cases.map(|case| case.input).collect()
}

/// Pieces that mean something to the rules.
const TOKENS: [&str; 39] = [
    "\n",
    " ",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "a",
    "b",
    "le",
    "quantile",
    "_",
    "_info",
    "st@1",
    " 1",
    " # {} 1 2",
    " # {} 1",
    "# TYPE a ",
    "# HELP a ",
    "# UNIT a ",
    "counter",
    "histogram",
    "gaugehistogram",
    "stateset",
    "info",
    "g",
    "count:",
    "bucket:[+Inf:1]",
    "quantile:[]",
    "schema:",
    "0",
    "1",
    "-1",
    "0.5",
    "NaN",
    "+Inf",
    "# EOF\n",
];

/// Puts lines of two expositions together, and changes a few places.
fn mutate(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let documents = [random.pick(seeds), random.pick(seeds)];
    let lines: Vec<&[u8]> = documents
        .into_iter()
        .flat_map(|text| text.split_inclusive(|byte| *byte == b'\n'))
        .filter(|line| *line != b"# EOF\n")
        .collect();
    let mut text: Vec<u8> = match lines.is_empty() || random.below(3) == 0 {
        true => documents[0].clone(),
        false => (0..random.below(6))
            .flat_map(|_| *random.pick(&lines))
            .copied()
            .collect(),
    };
    for _ in 0..random.below(4) {
        let start = random.below(text.len() + 1);
        let end = (start + random.below(4)).min(text.len());
        let token = match random.below(3) {
            0 => "",
            _ => random.pick(&TOKENS),
        };
        text.splice(start..end, token.bytes()).for_each(drop);
    }
    if !text.ends_with(b"# EOF\n") {
        text.extend_from_slice(b"# EOF\n");
    }
    text
}

/// Calls a function with all cases and with changed ones. The number of the latter is that in the variable, if there is one.
fn for_all(mut check: impl FnMut(&[u8])) {
    let seeds = seeds();
    seeds.iter().for_each(|seed| check(seed));
    let mut random = Random(number("SCOUT_METRICS_FUZZ_SEED", 1));
    for _ in 0..number("SCOUT_METRICS_FUZZ_RUNS", 4_000) {
        check(&mutate(&seeds, &mut random));
    }
}

/// Returns whether a deviation is an exemplar that was left out.
fn is_dropped(deviation: &Deviation) -> bool {
    deviation.message().starts_with("an exemplar is left out")
}

#[test]
fn lenient_mode_accepts_what_strict_mode_accepts_and_reads_the_same() {
    let mut accepted = 0;
    for_all(|text| {
        let shown = String::from_utf8_lossy(text);
        let Ok(strict) = read(text, Mode::Strict) else {
            return;
        };
        accepted += 1;
        assert!(strict.deviations().iter().all(is_dropped), "{shown}");
        let lenient = read(text, Mode::Lenient);
        let lenient = lenient.unwrap_or_else(|error| panic!("{error}: {shown}"));
        let rules = |families: &Families| -> Vec<_> {
            let deviations = families.deviations().iter();
            deviations
                .map(|deviation| (deviation.rule, deviation.line))
                .collect()
        };
        assert_eq!(rules(&lenient), rules(&strict), "{shown}");
        // Prometheus accepts exemplars with such labels, so lenient mode keeps them.
        let keeps_more = |deviation: &Deviation| deviation.rule == Rule::ReservedLabel;
        if !strict.deviations().iter().any(keeps_more) {
            assert_eq!(lenient.as_slice(), strict.as_slice(), "{shown}");
        }
    });
    assert!(accepted > 500, "{accepted} were accepted");
}

#[test]
fn strict_mode_names_a_rule_that_lenient_mode_reports_as_well() {
    for_all(|text| {
        let (Err(strict), Ok(lenient)) = (read(text, Mode::Strict), read(text, Mode::Lenient))
        else {
            return;
        };
        let mut deviations = lenient.deviations().iter();
        let is_same = |deviation: &Deviation| deviation.to_string() == strict.to_string();
        let shown = String::from_utf8_lossy(text);
        assert!(deviations.any(is_same), "{strict}: {shown}\n{lenient:?}");
    });
}

#[test]
fn lenient_mode_refuses_no_semantics_but_those_that_prometheus_refuses() {
    const REFUSED: [Rule; 9] = [
        Rule::BucketOrder,
        Rule::CompositeType,
        Rule::CounterValue,
        Rule::HistogramValue,
        Rule::NativeCount,
        Rule::NativeHistogram,
        Rule::QuantileOrder,
        Rule::StateSetLabel,
        Rule::StateSetValue,
    ];
    for_all(|text| {
        let Err(error) = read(text, Mode::Lenient) else {
            return;
        };
        let is_semantics = error.kind() == ParseErrorKind::Semantics;
        let is_known = error.rule().is_some_and(|rule| REFUSED.contains(&rule));
        let shown = String::from_utf8_lossy(text);
        assert!(!is_semantics || is_known, "{error}: {shown}");
    });
}

#[test]
fn a_verdict_does_not_depend_on_quotes_around_names() {
    let mut changed = 0;
    for_all(|text| {
        let Ok(text) = std::str::from_utf8(text) else {
            return;
        };
        let with_quotes = quoted(text);
        changed += usize::from(with_quotes != text);
        for mode in [Mode::Strict, Mode::Lenient] {
            let verdict = |text: &str| {
                read(text.as_bytes(), mode)
                    .map(|families| {
                        let deviations = families.deviations().iter();
                        let rules: Vec<_> = deviations.map(|d| (d.rule, d.line)).collect();
                        (families.as_slice().to_vec(), rules)
                    })
                    .map_err(|error| (error.rule(), error.position().line))
            };
            assert_eq!(
                verdict(text),
                verdict(&with_quotes),
                "{text}\n{with_quotes}"
            );
        }
    });
    assert!(changed > 1_000, "{changed} have names without quotes");
}
