//! The project's own cases: what each rule refuses, who forgives it, and what users are told.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use std::{collections::BTreeSet, env, fmt::Write as _, fs};

use scout_metrics_openmetrics::{
    CompositeValue, Exemplar, Families, Format, HistogramValue, LabelSet, MetricFamily, Mode,
    NativeHistogram, ParseError, ParseErrorKind, Rule, Sample, Timestamp, parse_families,
};
use support::{
    cases::{Case, CaseFile},
    paths::assert_all_paths_agree,
};

impl Case {
    fn read(&self, mode: Mode) -> Result<Families, ParseError> {
        parse_families(&self.input, &self.options.with_mode(mode))
    }
}

#[test]
fn each_case_is_read_as_its_file_says() {
    let mut wrong = String::new();
    for file in CaseFile::all() {
        if env::var_os("SCOUT_METRICS_UPDATE_CASES").is_some() {
            update(&file);
            continue;
        }
        for case in &file.cases {
            let outcome = describe(case);
            if outcome != case.expected {
                let path = file.path.display();
                write!(wrong, "{path}\n{}{outcome}\n\n", case.head).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "these cases are read so:\n{wrong}");
}

/// Writes into a file how its cases are read.
fn update(file: &CaseFile) {
    let mut text = format!("{}\n", file.prologue.trim_end());
    for case in &file.cases {
        write!(text, "\n{}{}\n", case.head, describe(case)).unwrap();
    }
    fs::write(&file.path, text).unwrap();
}

#[test]
fn each_case_breaks_the_rule_of_its_file_and_no_other() {
    let mut wrong = Vec::new();
    let files = CaseFile::all().into_iter();
    for file in files.filter(|file| file.name() != "odd_inputs") {
        let verdicts: Vec<_> = file
            .cases
            .iter()
            .map(|case| breaks(case, file.rule()))
            .collect();
        for (case, verdict) in file.cases.iter().zip(&verdicts) {
            if let Err(found) = verdict {
                wrong.push(format!("{}, {}: {found}", file.path.display(), case.title));
            }
        }
        if file.rule().is_some() && !verdicts.contains(&Ok(true)) {
            wrong.push(format!("{}: no case breaks it", file.path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns whether a case breaks a rule, or what it does that it should not.
fn breaks(case: &Case, rule: Option<Rule>) -> Result<bool, String> {
    let lenient = case.read(Mode::Lenient);
    let forgiven = lenient.as_ref().map_or(&[][..], Families::deviations);
    let is_forgiven = forgiven
        .iter()
        .any(|deviation| Some(deviation.rule) == rule);
    let strict = match case.read(Mode::Strict) {
        Err(strict) => strict,
        // Exemplars of OpenMetrics 2.0 are left out in both modes.
        Ok(strict) if lenient.is_ok() && strict.deviations() == forgiven => {
            return Ok(is_forgiven);
        }
        Ok(_) => {
            return Err(format!(
                "strict mode accepts it, lenient mode gives {lenient:?}"
            ));
        }
    };
    let is_refused = lenient.as_ref().is_err_and(|error| error.rule().is_some());
    if strict.rule() == rule && (is_forgiven || is_refused) {
        return Ok(true);
    }
    Err(format!(
        "{:?} {strict}, lenient mode gives {lenient:?}",
        strict.rule()
    ))
}

#[test]
fn a_warning_says_what_the_error_of_strict_mode_says() {
    for file in CaseFile::all() {
        for case in &file.cases {
            let (Err(strict), Ok(lenient)) = (case.read(Mode::Strict), case.read(Mode::Lenient))
            else {
                continue;
            };
            let mut warnings = lenient.deviations().iter().map(ToString::to_string);
            // Strict mode does not look for the end of a text in quotes beyond the line.
            let is_broken_line = lenient.deviations()[0].rule == Rule::LineBreak;
            assert!(
                is_broken_line || warnings.any(|warning| warning == strict.to_string()),
                "{}: {strict}, {:?}",
                case.title,
                lenient.deviations()
            );
        }
    }
}

#[test]
fn every_rule_has_a_case() {
    let files = CaseFile::all();
    let with_cases: BTreeSet<Rule> = files.iter().filter_map(CaseFile::rule).collect();
    // `tests/protobuf.rs` has those that no text can break.
    let of_protobuf = [Rule::ProtobufMessage, Rule::ProtobufValue];
    let without: Vec<&Rule> = Rule::ALL
        .iter()
        .filter(|rule| !with_cases.contains(rule) && !of_protobuf.contains(rule))
        .collect();
    assert!(without.is_empty(), "{without:?}");
}

/// The rules that OpenMetrics 2.0 does not have, because its samples have no suffixes, histograms and summaries are one
/// sample, and exemplars may be anywhere and of any length.
const NOT_IN_OPENMETRICS2: [Rule; 13] = [
    Rule::CounterSuffix,
    Rule::CounterTotal,
    Rule::ExemplarLength,
    Rule::ExemplarPlace,
    Rule::FinalNewline,
    Rule::HistogramSuffix,
    Rule::HistogramSum,
    Rule::InfiniteBucket,
    Rule::LabelValueNumber,
    Rule::NameClash,
    Rule::ProtobufMessage,
    Rule::ProtobufValue,
    Rule::UnitSuffix,
];

#[test]
fn every_rule_of_openmetrics2_has_a_case() {
    let files = CaseFile::all().into_iter();
    let files = files.filter(|file| file.format == Format::OpenMetrics2);
    let with_cases: BTreeSet<Rule> = files.filter_map(|file| file.rule()).collect();
    let others: BTreeSet<Rule> = NOT_IN_OPENMETRICS2.into_iter().collect();
    let all: BTreeSet<Rule> = Rule::ALL.iter().copied().collect();
    assert_eq!(with_cases, &all - &others);
}

/// The rules of the grammar that lenient mode forgives in a format. The crate's documentation lists them.
const FORGIVEN: [(Format, &[Rule]); 3] = [
    (
        Format::OpenMetrics,
        &[
            Rule::Blanks,
            Rule::ByteOrderMark,
            Rule::CarriageReturn,
            Rule::DuplicateLabel,
            Rule::LabelName,
            Rule::LabelSyntax,
            Rule::Number,
            Rule::ReservedLabel,
        ],
    ),
    (
        Format::OpenMetrics2,
        &[
            Rule::CarriageReturn,
            Rule::CompositeSyntax,
            Rule::DuplicateLabel,
            Rule::Escape,
            Rule::ExemplarSyntax,
            Rule::LabelSyntax,
            Rule::MetadataSyntax,
            Rule::Number,
            Rule::ReservedLabel,
        ],
    ),
    (
        Format::Prometheus,
        &[
            Rule::Blanks,
            Rule::ByteOrderMark,
            Rule::CarriageReturn,
            Rule::DuplicateLabel,
            Rule::FinalNewline,
            Rule::LabelName,
            Rule::LabelSyntax,
            Rule::LineBreak,
            Rule::MetadataSyntax,
            Rule::MetricName,
            Rule::Number,
            Rule::ReservedLabel,
            Rule::Timestamp,
            Rule::TypeName,
        ],
    ),
];

/// Returns whether a rule is about semantics and no reference forgives it.
fn is_never_forgiven(rule: Rule, format: Format) -> bool {
    match format {
        Format::OpenMetrics2 => matches!(
            rule,
            Rule::QuantileOrder | Rule::StateSetLabel | Rule::StateSetValue
        ),
        _ => rule == Rule::UnitSuffix,
    }
}

#[test]
fn lenient_mode_forgives_what_is_documented() {
    for (format, documented) in FORGIVEN {
        let files = CaseFile::all()
            .into_iter()
            .filter(|file| file.format == format);
        for file in files {
            let Some(rule) = file.rule() else {
                continue;
            };
            let is_forgiven = file.cases.iter().any(|case| {
                let lenient = case.read(Mode::Lenient);
                lenient.is_ok_and(|families| !families.deviations().is_empty())
            });
            // Semantics is mostly what Prometheus does not look at.
            let is_semantics = file.cases.iter().any(|case| {
                let strict = case.read(Mode::Strict);
                strict.is_err_and(|error| error.kind() == ParseErrorKind::Semantics)
            });
            let is_semantics = is_semantics && !is_never_forgiven(rule, format);
            let expected = documented.contains(&rule) || is_semantics;
            assert_eq!(is_forgiven, expected, "{rule:?} in {format}");
        }
    }
}

#[test]
fn every_case_reads_the_same_in_chunks() {
    for file in CaseFile::all() {
        for case in &file.cases {
            for mode in [Mode::Lenient, Mode::Strict] {
                assert_all_paths_agree(&case.input, &case.options.with_mode(mode));
            }
        }
    }
}

/// Describes how a case is read in both modes, in the form of the files.
fn describe(case: &Case) -> String {
    let mut out = String::new();
    let strict = case.read(Mode::Strict);
    let lenient = case.read(Mode::Lenient);
    match (&strict, &lenient) {
        (Ok(strict), Ok(lenient)) => {
            assert_eq!(
                strict.as_slice(),
                lenient.as_slice(),
                "the modes read something else"
            );
            out.push_str("accepted\n");
        }
        (Err(strict), Err(lenient)) if strict.to_string() == lenient.to_string() => {
            push_error(&mut out, "refused", strict);
        }
        (Err(strict), Ok(_)) => push_error(&mut out, "strict", strict),
        (strict, Err(lenient)) => {
            let strict = strict.as_ref().expect_err("lenient mode is not stricter");
            push_error(&mut out, "strict", strict);
            push_error(&mut out, "lenient", lenient);
        }
    }
    if let Ok(families) = &lenient {
        push_deviations(&mut out, families);
        families
            .iter()
            .for_each(|family| push_family(&mut out, family));
    }
    out.trim_end().to_owned()
}

fn push_error(out: &mut String, who: &str, error: &ParseError) {
    writeln!(out, "{who}: {error}").unwrap();
    for line in error.excerpt().to_string().lines() {
        writeln!(out, "    {line}").unwrap();
    }
}

fn push_deviations(out: &mut String, families: &Families) {
    for deviation in families.deviations() {
        writeln!(out, "forgiven, {}: {deviation}", deviation.rule.id()).unwrap();
    }
}

fn push_family(out: &mut String, family: &MetricFamily) {
    write!(out, "= {} {}", family.name().escape_debug(), family.kind()).unwrap();
    for (name, text) in [("help", family.help()), ("unit", family.unit())] {
        if !text.is_empty() {
            write!(out, ", {name} {text:?}").unwrap();
        }
    }
    out.push('\n');
    for sample in family.samples() {
        push_sample(out, family, sample);
    }
}

fn push_sample(out: &mut String, family: &MetricFamily, sample: &Sample) {
    write!(out, "=   {}", family.sample_name(sample).escape_debug()).unwrap();
    match sample.composite() {
        None => push_value(out, sample.labels(), sample.value(), sample.timestamp()),
        Some(composite) => {
            write!(out, " {:?} ", sample.labels()).unwrap();
            push_composite(out, composite);
            push_timestamp(out, "@", sample.timestamp());
        }
    }
    push_timestamp(out, "since @", sample.start_timestamp());
    for exemplar in sample.exemplars() {
        out.push_str(" #");
        push_exemplar(out, exemplar);
    }
    out.push('\n');
}

fn push_exemplar(out: &mut String, exemplar: &Exemplar) {
    push_value(
        out,
        exemplar.labels(),
        exemplar.value(),
        exemplar.timestamp(),
    );
}

fn push_value(out: &mut String, labels: &LabelSet, value: f64, timestamp: Option<Timestamp>) {
    write!(out, " {labels:?} {value:?}").unwrap();
    push_timestamp(out, "@", timestamp);
}

fn push_timestamp(out: &mut String, before: &str, timestamp: Option<Timestamp>) {
    if let Some(timestamp) = timestamp {
        write!(out, " {before}{timestamp}").unwrap();
    }
}

fn push_composite(out: &mut String, composite: &CompositeValue) {
    match composite {
        CompositeValue::GaugeHistogram(histogram) => push_histogram(out, "gauge", histogram),
        CompositeValue::Histogram(histogram) => push_histogram(out, "histogram", histogram),
        CompositeValue::Summary(summary) => {
            let [count, sum] = [summary.count(), summary.sum()].map(Option::unwrap);
            let quantiles: Vec<_> = summary.quantiles().collect();
            write!(out, "summary of {count:?}, sum {sum:?}, {quantiles:?}").unwrap();
        }
        other => panic!("the test does not know {other:?}"),
    }
}

fn push_histogram(out: &mut String, kind: &str, histogram: &HistogramValue) {
    let (count, sum) = (histogram.count(), histogram.sum().unwrap());
    write!(out, "{kind} of {count:?}, sum {sum:?}").unwrap();
    if histogram.buckets().len() > 0 {
        let buckets: Vec<_> = histogram.buckets().collect();
        write!(out, ", {buckets:?}").unwrap();
    }
    if let Some(native) = histogram.native() {
        push_native(out, native);
    }
}

fn push_native(out: &mut String, native: &NativeHistogram) {
    let (schema, zeros) = (native.schema(), native.zero_count());
    let threshold = native.zero_threshold();
    write!(out, ", schema {schema}, {zeros:?} up to {threshold:?}").unwrap();
    for (sign, side) in [("-", native.negative()), ("+", native.positive())] {
        let buckets: Vec<_> = side.iter().collect();
        if !buckets.is_empty() {
            write!(out, ", {sign}{buckets:?}").unwrap();
        }
    }
}
