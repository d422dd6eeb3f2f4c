//! Expositions that are read and written line by line: nothing is lost, and the family of each line is known.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[path = "support/conformance.rs"]
mod conformance;
#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use std::{
    error::Error,
    io::{self, Write},
};

use proptest::prelude::*;
use scout_metrics_openmetrics::{
    ChunkedParser, EncodeError, EncodeErrorKind, Encoder, Event, Families, FamilyTracker, Format,
    Limits, MetricFamily, MetricType, ParseOptions, Parser, Sample, Suffix, encode_families,
    parse_families,
};
use support::{
    cases::CaseFile,
    model::{Style, families},
};

const FORMATS: [Format; 2] = [Format::OpenMetrics, Format::Prometheus];

/// Returns all expositions at hand that can be read, with their options.
fn readable() -> Vec<(Vec<u8>, ParseOptions, Families)> {
    readable_in(&FORMATS)
}

/// Returns all expositions at hand that can be read in one of some formats, with their options.
fn readable_in(formats: &[Format]) -> Vec<(Vec<u8>, ParseOptions, Families)> {
    let own = CaseFile::all().into_iter().flat_map(|file| file.cases);
    let own = own.map(|case| case.input);
    let inputs = own.chain(conformance::inputs());
    let in_format = |input: Vec<u8>| formats.iter().map(move |format| (input.clone(), *format));
    let read = inputs.flat_map(in_format).filter_map(|(input, format)| {
        let options = ParseOptions::new(format);
        let families = parse_families(&input, &options).ok()?;
        Some((input, options, families))
    });
    read.collect()
}

fn write_events(
    input: &[u8],
    options: &ParseOptions,
    format: Format,
) -> Result<String, EncodeError> {
    let mut parser = Parser::new(input, options).unwrap();
    let mut encoder = Encoder::new(String::new(), format);
    while let Some(event) = parser.next_event().unwrap() {
        encoder.event(event)?;
    }
    encoder.finish()
}

fn is_unsayable(error: &EncodeError) -> bool {
    let message = error.to_string();
    [
        "a help text cannot end in a carriage return",
        "the format has no type",
        "a timestamp has to be whole milliseconds",
    ]
    .iter()
    .any(|known| message.contains(known))
}

#[test]
fn each_line_is_written_as_it_was_read() {
    let readable = readable();
    assert!(readable.len() > 200);
    let mut refused = 0;
    for (input, options, families) in &readable {
        let shown = String::from_utf8_lossy(input);
        let text = match write_events(input, options, options.format()) {
            Ok(text) => text,
            Err(error) => {
                assert!(is_unsayable(&error), "{error}\n{shown}");
                refused += 1;
                continue;
            }
        };
        let again = parse_families(text.as_bytes(), options).unwrap();
        assert_eq!(again.as_slice(), families.as_slice(), "{shown}\n{text}");
    }
    assert!(refused * 5 < readable.len(), "{refused} are refused");
}

#[test]
fn another_format_says_the_same_or_refuses() {
    let mut written = 0;
    for (input, options, families) in &readable() {
        for target in FORMATS
            .into_iter()
            .filter(|format| *format != options.format())
        {
            let Ok(text) = write_events(input, options, target) else {
                continue;
            };
            // A reader says so where the families break a rule together.
            let Ok(again) = parse_families(text.as_bytes(), &options.with_format(target)) else {
                continue;
            };
            written += 1;
            let shown = String::from_utf8_lossy(input);
            assert_eq!(
                all_samples(&again),
                all_samples(families),
                "{shown}\n{text}"
            );
            assert_eq!(types(&again), types(families), "{shown}\n{text}");
        }
    }
    assert!(written > 100, "{written}");
}

/// Returns all samples with their whole names.
fn all_samples(families: &Families) -> Vec<(String, Sample)> {
    let of = |family: &MetricFamily| {
        let named = |sample: &Sample| {
            let name = family.sample_name(sample);
            (name, sample.clone().with_suffix(Suffix::None))
        };
        family.samples().iter().map(named).collect::<Vec<_>>()
    };
    let mut samples: Vec<_> = families.iter().flat_map(of).collect();
    samples.sort();
    samples
}

/// Returns the types and help texts of those families that have any.
fn types(families: &Families) -> Vec<(String, MetricType, String)> {
    let of = |family: &MetricFamily| {
        let (name, help) = (family.name().to_owned(), family.help().to_owned());
        (name, family.kind(), help)
    };
    let mut types: Vec<_> = families.iter().map(of).collect();
    types.retain(|(_, kind, help)| *kind != MetricType::Unknown || !help.is_empty());
    types.sort_by(|one, other| one.0.cmp(&other.0));
    types
}

#[test]
fn relabelling_by_lines_and_by_families_is_the_same() {
    let mut compared = 0;
    for (input, options, families) in readable() {
        let mut parser = Parser::new(&input, &options).unwrap();
        let mut encoder = Encoder::new(String::new(), options.format());
        let mut relabel = || -> Result<(), EncodeError> {
            while let Some(event) = parser.next_event().unwrap() {
                match event {
                    Event::Sample(sample) => encoder
                        .sample_ref(sample)
                        .label("a", "new \"a\"")
                        .label("cluster", "none")
                        .without_label("b")
                        .label("cluster", "eu-1")
                        .without_exemplar()
                        .write()?,
                    event => encoder.event(event)?,
                }
            }
            Ok(())
        };
        if relabel().is_err() {
            continue;
        }
        compared += 1;
        let relabel = |sample: Sample| {
            let sample = sample.with_label("a", "new \"a\"").without_label("b");
            sample.with_label("cluster", "eu-1").without_exemplar()
        };
        let expected: Vec<_> = families
            .into_iter()
            .map(|family| family.map_samples(relabel))
            .collect();
        let text = encoder.finish().unwrap();
        let read = parse_families(text.as_bytes(), &options).unwrap();
        assert_eq!(read.as_slice(), expected, "{text}");
    }
    assert!(compared > 150);
}

#[test]
fn the_tracker_finds_the_families_that_are_collected() {
    let formats = [
        Format::OpenMetrics,
        Format::OpenMetrics2,
        Format::Prometheus,
    ];
    for (input, options, families) in readable_in(&formats) {
        let mut tracker = FamilyTracker::new(&options);
        let mut found: Vec<MetricFamily> = Vec::new();
        let mut parser = Parser::new(&input, &options).unwrap();
        while let Some(line) = parser.next_line().unwrap() {
            let Some(family) = tracker.family_of(line).unwrap() else {
                continue;
            };
            let (name, kind, suffix) = (family.name(), family.kind(), family.suffix());
            let place = found.iter().position(|known| known.name() == name);
            let place = place.unwrap_or_else(|| {
                found.push(MetricFamily::new(name, kind));
                found.len() - 1
            });
            let mut samples = found[place].clone().into_samples();
            if let Event::Sample(sample) = line.event() {
                let labels = sample
                    .labels()
                    .map(|(name, value)| (name.decode(), value.decode()));
                samples.push(Sample::new(suffix, labels.collect(), sample.value()));
            }
            found[place] = MetricFamily::new(name, kind);
            found[place].extend(samples);
        }
        let plain = |family: &MetricFamily| {
            let plain = |sample: Sample| {
                let value = sample.value();
                let sample = sample.without_exemplar().without_timestamp();
                sample.without_start_timestamp().with_value(value)
            };
            let mut plain_family = MetricFamily::new(family.name(), family.kind());
            plain_family.extend(family.samples().iter().cloned().map(plain));
            plain_family
        };
        let expected: Vec<_> = families.iter().map(plain).collect();
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(&input));
    }
}

#[test]
fn a_sample_of_openmetrics2_has_the_name_of_its_family() {
    let text =
        "# TYPE a histogram\n# HELP b \na_count 1\na {count:1,sum:2,bucket:[+Inf:1]}\n# EOF\n";
    let options = ParseOptions::new(Format::OpenMetrics2);
    let mut tracker = FamilyTracker::new(&options);
    let mut parser = Parser::from_text(text, &options);
    let mut found = Vec::new();
    while let Some(line) = parser.next_line().unwrap() {
        let family = tracker.family_of(line).unwrap();
        found.push(family.map(|family| (family.name().to_owned(), family.kind())));
        assert!(family.is_none_or(|family| family.suffix() == Suffix::None));
    }
    let of = |name: &str, kind| Some((name.to_owned(), kind));
    let a = of("a", MetricType::Histogram);
    let expected = [a.clone(), None, of("a_count", MetricType::Unknown), a, None];
    assert_eq!(found, expected);
}

#[test]
fn a_tracker_keeps_no_more_families_than_the_limit() {
    let options = ParseOptions::default().with_limits(Limits::default().with_families(2));
    let mut tracker = FamilyTracker::new(&options);
    let mut parser = Parser::from_text("a 1\n# TYPE b gauge\nb 1\na 1\nc 1\n", &options);
    for _ in 0..4 {
        let line = parser.next_line().unwrap().unwrap();
        assert!(tracker.family_of(line).unwrap().is_some());
    }
    let line = parser.next_line().unwrap().unwrap();
    let error = tracker.family_of(line).unwrap_err();
    assert_eq!(error.line(), 5);
    assert_eq!(
        error.to_string(),
        "there are more families than the limit of 2 (line 5)"
    );
}

#[test]
fn no_digit_of_a_number_is_lost() {
    let text = "a 9007199254740993 1\na 0.10000000000000000001\na 1e3\na -Inf\na +NaN\n";
    let written = write_events(
        text.as_bytes(),
        &ParseOptions::default(),
        Format::Prometheus,
    );
    assert_eq!(
        written.unwrap(),
        "a 9007199254740993 1\na 0.10000000000000000001\na 1e3\na -Inf\na NaN\n"
    );
    let text = "# TYPE a counter\na_total 9007199254740993 # {} 9007199254740993\n# EOF\n";
    let options = ParseOptions::new(Format::OpenMetrics);
    let written = write_events(text.as_bytes(), &options, Format::OpenMetrics);
    assert_eq!(written.unwrap(), text);
}

fn refused(text: &str, from: Format, to: Format) -> String {
    let error = write_events(text.as_bytes(), &ParseOptions::new(from), to).unwrap_err();
    assert_eq!(error.kind(), EncodeErrorKind::NotExpressible);
    error.to_string()
}

#[test]
fn a_line_that_another_format_writes_differently_is_refused() {
    let text = "# TYPE a_total counter\na_total 1\n";
    assert_eq!(
        refused(text, Format::Prometheus, Format::OpenMetrics),
        "the sample `a_total` cannot be written as openmetrics-1.0: the format names a counter without `_total` and \
         its samples with it"
    );
    let text = "# TYPE a counter\n# TYPE b gauge\nb 1\na_total 1\n# EOF\n";
    assert_eq!(
        refused(text, Format::OpenMetrics, Format::Prometheus),
        "the sample `a_total` cannot be written as prometheus-text-0.0.4: the format has the same name for a counter and \
         its samples"
    );
    let text = "# TYPE a summary\na_created 1\n# EOF\n";
    assert_eq!(
        refused(text, Format::OpenMetrics, Format::Prometheus),
        "the sample `a_created` cannot be written as prometheus-text-0.0.4: the format has no time of creation"
    );
}

#[test]
fn a_comment_stays_a_comment_or_is_refused() {
    let mut encoder = Encoder::new(String::new(), Format::Prometheus);
    for comment in [
        "",
        " EOF",
        "TYPE a gauge",
        " HELP",
        " TYPE ",
        " HELPa b",
        "\tx",
    ] {
        encoder.event(Event::Comment(comment)).unwrap();
    }
    let text = encoder.finish().unwrap();
    let mut parser = Parser::from_text(&text, &ParseOptions::default());
    while let Some(event) = parser.next_event().unwrap() {
        assert!(matches!(event, Event::Comment(_)), "{event:?}");
    }
    for comment in [" TYPE a gauge", "\tHELP a", "a\nb 1"] {
        let mut encoder = Encoder::new(String::new(), Format::Prometheus);
        let error = encoder.event(Event::Comment(comment)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a line cannot be written as prometheus-text-0.0.4: a comment would be read as something else"
        );
    }
    let mut encoder = Encoder::new(String::new(), Format::OpenMetrics);
    encoder.event(Event::Comment(" TYPE a gauge")).unwrap();
    assert_eq!(encoder.finish().unwrap(), "# EOF\n");
}

#[test]
fn a_label_that_would_be_a_name_is_refused() {
    let mut parser = Parser::from_text("up 1\n", &ParseOptions::default());
    let sample = parser.next_sample().unwrap().unwrap();
    let mut encoder = Encoder::new(String::new(), Format::Prometheus);
    let error = encoder.sample_ref(sample).label("__name__", "down").write();
    assert_eq!(
        error.unwrap_err().to_string(),
        "a sample cannot be written as prometheus-text-0.0.4: the label `__name__` is the name of the metric"
    );
    let error = encoder.sample_ref(sample).label("", "x").write();
    assert_eq!(error.unwrap_err().kind(), EncodeErrorKind::EmptyName);
}

/// Accepts so many bytes, then fails.
#[derive(Debug)]
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = bytes.len().min(self.0);
        self.0 -= written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_output_that_fails_is_the_cause_of_the_error() {
    let mut encoder = Encoder::from_writer(Full(20_000), Format::Prometheus);
    let mut samples = 0;
    let error = loop {
        if let Err(error) = encoder.sample("up", [("job", "a")], 1.0) {
            break error;
        }
        samples += 1;
    };
    assert!((1_000..5_000).contains(&samples));
    assert_eq!(error.kind(), EncodeErrorKind::Output);
    assert_eq!(error.to_string(), "the output cannot be written");
    assert_eq!(error.source().unwrap().to_string(), "no storage space");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::StorageFull);
    // Once it has failed, it never works again.
    assert_eq!(encoder.flush().unwrap_err().kind(), EncodeErrorKind::Output);
    assert!(encoder.finish().is_err());
}

#[test]
fn what_is_in_the_buffer_is_written_at_the_end() {
    let encoder = Encoder::from_writer(Full(3), Format::OpenMetrics);
    let error = encoder.finish().unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "no storage space");
}

/// Bytes that are read in pieces of any length.
struct Pieces<'a>(&'a [u8], usize);

impl io::Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(out.len()).min(self.0.len());
        let (piece, rest) = self.0.split_at(length);
        out[..length].copy_from_slice(piece);
        self.0 = rest;
        Ok(length)
    }
}

/// Writes each line again, from a reader to a writer.
fn pass_on(
    from: impl io::Read,
    to: impl Write,
    options: &ParseOptions,
) -> Result<(), Box<dyn Error>> {
    let mut encoder = Encoder::from_writer(to, options.format());
    ChunkedParser::new(options).read_from(from, |line| -> Result<(), Box<dyn Error>> {
        Ok(encoder.event(line.event())?)
    })?;
    encoder.finish()?;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn a_stream_comes_out_as_it_went_in(
        (format, families) in prop::sample::select(&FORMATS[..])
            .prop_flat_map(|format| (Just(format), families(format, Style::Any, 0..4))),
        piece in 1usize..5000,
    ) {
        let exposition = encode_families(&families, format).unwrap();
        let options = ParseOptions::new(format).with_limits(Limits::unlimited());
        let mut out = Vec::new();
        pass_on(Pieces(exposition.body(), piece), &mut out, &options).unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(exposition.body()));
    }
}
