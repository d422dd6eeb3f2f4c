//! Properties of any bytes as OpenMetrics 2.0, as protobuf, and as families of one format that are written in another. The fuzz
//! targets call these functions, and so does `tests/fuzz.rs`.

use std::{collections::HashSet, fmt::Write};

use scout_metrics_openmetrics::{
    EncodeErrorKind, Event, Families, Format, Limits, MetricFamily, Mode, ParseError,
    ParseErrorKind, ParseOptions, Parser, ReaderLevel, Rule, Sample, encode_families,
    parse_families, protobuf, transcode, transcode_lossy,
};

use super::{losses, targets::paths};

/// The formats of which each is read and written.
pub(crate) const FORMATS: [Format; 4] = [
    Format::OpenMetrics,
    Format::OpenMetrics2,
    Format::Prometheus,
    Format::Protobuf,
];

/// OpenMetrics 2.0 reads alike in all ways, strict mode accepts what lenient mode has nothing to forgive in, and what it accepts
/// is written and read again.
pub(crate) fn openmetrics2(data: &[u8]) {
    let options = ParseOptions::new(Format::OpenMetrics2);
    check_modes(data, &options);
    for mode in [Mode::Lenient, Mode::Strict] {
        let options = options.with_mode(mode);
        paths::assert_all_paths_agree(data, &options);
        check_levels(data, &options);
    }
    check_strict_is_written(data, Format::OpenMetrics2);
}

/// Any bytes are families or an error, without a panic. What strict mode accepts is written and read again.
pub(crate) fn messages(data: &[u8]) {
    let options = ParseOptions::new(Format::Protobuf);
    check_modes(data, &options);
    if let Ok(families) = parse_families(data, &options) {
        check_pulled(data, &families);
    }
    check_limits(data, &options);
    check_strict_is_written(data, Format::Protobuf);
}

/// Families of any format are written in any other one, except for the losses that are named.
pub(crate) fn conversion(data: &[u8]) {
    for from in FORMATS {
        let Ok(families) = parse_families(data, &ParseOptions::new(from)) else {
            continue;
        };
        for to in FORMATS {
            check_conversion(families.as_slice(), to);
        }
    }
}

fn check_conversion(families: &[MetricFamily], to: Format) {
    let (exposition, losses) = match transcode_lossy(families, to) {
        Ok(written) => written,
        Err(error) => {
            assert_eq!(error.kind(), EncodeErrorKind::EmptyName, "{error}");
            return;
        }
    };
    let read = parse_families(exposition.body(), &strict(to)).expect("what is written can be read");
    // A loss does not say which of two families with one name it is about.
    let mut names = HashSet::new();
    if families.iter().all(|family| names.insert(family.name())) {
        let checked = losses::check(families, read.as_slice(), &losses, to);
        checked.unwrap_or_else(|error| panic!("{to:?}: {error}, {losses:#?}"));
    }
    let whole = transcode(families, to);
    assert_eq!(whole.is_ok(), losses.is_empty(), "{whole:?}");
    // The second time nothing is lost.
    let again = transcode(read.as_slice(), to).expect("what was read can be written");
    let again = parse_families(again.body(), &strict(to)).expect("what is written can be read");
    assert_eq!(comparable(&again), comparable(&read));
}

fn strict(format: Format) -> ParseOptions {
    ParseOptions::new(format)
        .with_mode(Mode::Strict)
        .with_limits(Limits::unlimited())
}

fn check_modes(data: &[u8], options: &ParseOptions) {
    let strict = parse_families(data, &options.with_mode(Mode::Strict));
    match (strict, parse_families(data, options)) {
        (Ok(strict), Ok(lenient)) => {
            let are_of_exemplars = |families: &Families, rules: &[Rule]| {
                let mut deviations = families.deviations().iter();
                deviations.all(|deviation| rules.contains(&deviation.rule))
            };
            // An exemplar that breaks a rule is left out in both modes, except that lenient mode keeps what Prometheus keeps.
            let left_out = [Rule::DuplicateLabel, Rule::ExemplarSyntax];
            let kept = [Rule::LabelSyntax, Rule::ReservedLabel];
            assert!(are_of_exemplars(&strict, &left_out));
            assert!(are_of_exemplars(&lenient, &[left_out, kept].concat()));
            if strict.deviations() == lenient.deviations() {
                assert_eq!(strict.as_slice(), lenient.as_slice());
            } else {
                assert_eq!(without_exemplars(&strict), without_exemplars(&lenient));
            }
        }
        (Ok(_), Err(error)) => panic!("lenient mode alone refuses: {error}"),
        (Err(error), Ok(lenient)) => {
            let rule = error.rule().expect("both modes have the same limits");
            let mut forgiven = lenient.deviations().iter();
            assert!(
                forgiven.any(|deviation| deviation.rule == rule),
                "strict mode alone refuses: {error}, {:?}",
                lenient.deviations()
            );
        }
        (Err(strict), Err(lenient)) => [strict, lenient].iter().for_each(check_message),
    }
}

fn check_message(error: &ParseError) {
    assert!(
        error.to_string().len() < 1000,
        "the message is long: {error}"
    );
}

fn check_strict_is_written(data: &[u8], format: Format) {
    let Ok(families) = parse_families(data, &strict(format)) else {
        return;
    };
    let written = encode_families(families.as_slice(), format);
    let written = written.unwrap_or_else(|error| panic!("{error}: {families:?}"));
    let read = parse_families(written.body(), &strict(format)).expect("it was read back");
    assert_eq!(comparable(&read), comparable(&families));
}

fn without_exemplars(families: &Families) -> Vec<MetricFamily> {
    let families = families.iter().cloned();
    families
        .map(|family| family.map_samples(Sample::without_exemplar))
        .collect()
}

/// Returns families of which the exemplars are sorted: where they are in a message depends on what else is there.
fn comparable(families: &Families) -> Vec<MetricFamily> {
    let sorted = |sample: Sample| {
        let mut exemplars = sample.exemplars().to_vec();
        exemplars.sort();
        sample.with_exemplars(exemplars)
    };
    let families = families.iter().cloned();
    families.map(|family| family.map_samples(sorted)).collect()
}

/// The grammar and the engine read the same, with each set of instructions.
fn check_levels(data: &[u8], options: &ParseOptions) {
    let read = |level| -> String {
        let mut out = String::new();
        let mut parser = match Parser::new(data, options) {
            Ok(parser) => parser,
            Err(error) => return error.to_string(),
        };
        parser.set_level(level);
        loop {
            match parser.next_line() {
                Ok(Some(line)) => {
                    let written = write!(out, "{:?} ", line.deviations());
                    written.expect("a text takes everything");
                    describe(&mut out, line.event());
                }
                Ok(None) => return out,
                Err(error) => return format!("{out}{error}"),
            }
        }
    };
    let expected = read(ReaderLevel::GRAMMAR);
    for (name, level) in ReaderLevel::all() {
        assert_eq!(read(level), expected, "{name}");
    }
}

fn describe(out: &mut String, event: Event<'_, '_>) {
    let Event::Sample(sample) = event else {
        return writeln!(out, "{event:?}").expect("a text takes everything");
    };
    let labels: Vec<_> = sample.labels().collect();
    let value = (sample.value().to_bits(), sample.value_text());
    let times = (sample.timestamp(), sample.start_timestamp());
    let composite = sample.composite().map(|value| value.to_value());
    let exemplars = sample.exemplars().map(|exemplar| {
        let labels: Vec<_> = exemplar.labels().collect();
        (labels, exemplar.value().to_bits(), exemplar.timestamp())
    });
    let exemplars: Vec<_> = exemplars.collect();
    let name = sample.name();
    writeln!(
        out,
        "{name:?} {labels:?} {value:?} {times:?} {composite:?} {exemplars:?}"
    )
    .expect("a text takes everything");
}

/// The parser finds the same families and as many metrics.
fn check_pulled(data: &[u8], families: &Families) {
    let mut parser = protobuf::Parser::new(data);
    let mut expected = families.iter();
    while let Some(mut family) = parser.next_family().expect("it was read before") {
        let expected = expected.next().expect("it was read before");
        assert_eq!(family.name(), expected.name());
        let mut metrics = 0;
        while family.next_metric().expect("it was read before").is_some() {
            metrics += 1;
        }
        assert_eq!(metrics, expected.samples().len());
    }
}

/// Small limits make a difference only by an error that says so.
fn check_limits(data: &[u8], options: &ParseOptions) {
    let limits = Limits::default()
        .with_labels(2)
        .with_name_length(8)
        .with_value_length(8)
        .with_samples(3)
        .with_families(2);
    let limited = parse_families(data, &options.with_limits(limits));
    match (limited, parse_families(data, options)) {
        (Ok(limited), Ok(families)) => assert_eq!(limited.as_slice(), families.as_slice()),
        (Ok(_), Err(error)) => panic!("limits make it right: {error}"),
        (Err(error), Ok(_)) => assert_eq!(error.kind(), ParseErrorKind::Limit, "{error}"),
        (Err(_), Err(_)) => {}
    }
}
