//! Properties of any bytes. The fuzz targets call these functions, and so does `tests/fuzz.rs`.

#[path = "paths.rs"]
pub(crate) mod paths;

use scout_metrics_core::Organization;
use scout_metrics_openmetrics::{
    EncodeError, Encoder, Event, Families, FamilyTracker, Format, Limits, MetricFamily, MetricType,
    Mode, ParseError, ParseErrorKind, ParseOptions, Parser, Rule, Sample, Suffix, encode_families,
    parse_families, scout::SnapshotReader,
};

const FORMATS: [Format; 2] = [Format::OpenMetrics, Format::Prometheus];

/// Strict mode accepts what lenient mode has nothing to forgive in, reading the same, and nothing else.
pub(crate) fn parse(data: &[u8]) {
    for format in FORMATS {
        for quoted_names in [true, false] {
            let options = ParseOptions::new(format).with_quoted_names(quoted_names);
            let strict = parse_families(data, &options.with_mode(Mode::Strict));
            let lenient = parse_families(data, &options);
            check_modes(&strict, &lenient);
            if let Ok(families) = &lenient {
                check_nothing_is_lost(data, &options, families);
            }
        }
        read_with_small_limits(data, format);
        read_as_snapshot(data, format);
    }
}

fn check_modes(strict: &Result<Families, ParseError>, lenient: &Result<Families, ParseError>) {
    match (strict, lenient) {
        (Ok(strict), Ok(lenient)) => {
            assert_eq!(lenient.deviations(), []);
            assert_eq!(strict.as_slice(), lenient.as_slice());
        }
        (Ok(_), Err(error)) => panic!("lenient mode alone refuses: {error}"),
        (Err(error), Ok(lenient)) => {
            let rule = error.rule().expect("both modes have the same limits");
            let is_forgiven = |rule| {
                let mut forgiven = lenient.deviations().iter();
                forgiven.any(|deviation| deviation.rule == rule)
            };
            // Lenient mode finds a carriage return to be inside of quotes that go on over the line.
            let is_quoted = rule == Rule::CarriageReturn && is_forgiven(Rule::LineBreak);
            assert!(
                is_forgiven(rule) || is_quoted,
                "strict mode alone refuses: {error}"
            );
        }
        (Err(_), Err(_)) => {}
    }
    for error in [strict, lenient]
        .into_iter()
        .filter_map(|read| read.as_ref().err())
    {
        assert!(
            error.to_string().len() < 1000,
            "the message is long: {error}"
        );
    }
}

/// Each sample of the exposition is in a family, and in no other.
fn check_nothing_is_lost(data: &[u8], options: &ParseOptions, families: &Families) {
    let mut parser = Parser::new(data, options).expect("it was read before");
    let mut samples = 0;
    while let Some(event) = parser.next_event().expect("it was read before") {
        samples += usize::from(matches!(event, Event::Sample(_)));
    }
    let kept: usize = families.iter().map(|family| family.samples().len()).sum();
    assert_eq!(kept, samples);
}

/// Small limits make a difference only by an error that says so.
fn read_with_small_limits(data: &[u8], format: Format) {
    let limits = Limits::default()
        .with_line_length(40)
        .with_labels(2)
        .with_name_length(8)
        .with_value_length(8)
        .with_samples(3)
        .with_families(2);
    let options = ParseOptions::new(format);
    let limited = parse_families(data, &options.with_limits(limits));
    match (limited, parse_families(data, &options)) {
        (Ok(limited), Ok(families)) => assert_eq!(limited.as_slice(), families.as_slice()),
        (Ok(_), Err(error)) => panic!("limits make it right: {error}"),
        (Err(error), Ok(_)) => assert_eq!(error.kind(), ParseErrorKind::Limit, "{error}"),
        (Err(_), Err(_)) => {}
    }
}

fn read_as_snapshot(data: &[u8], format: Format) {
    let organization = Organization::new("acme").expect("the name is legal");
    let reader = SnapshotReader::new(organization).with_format(format);
    let whole = reader.read(data).map_err(|error| error.to_string());
    let mut decoder = reader.decoder();
    let fed = data.chunks(5).try_for_each(|chunk| decoder.feed(chunk));
    let chunked = fed
        .and_then(|()| decoder.finish())
        .map_err(|error| error.to_string());
    match (whole, chunked) {
        (Ok(whole), Ok(chunked)) => {
            assert_eq!(whole.streams(), chunked.streams());
            // As text, because NaN is not equal to NaN.
            let anomalies = [whole, chunked].map(|read| format!("{:?}", read.anomalies()));
            assert_eq!(anomalies[0], anomalies[1]);
        }
        (Err(_), Err(_)) => {}
        (whole, chunked) => panic!("{whole:?} as a whole, {chunked:?} in chunks"),
    }
}

/// An exposition reads the same in chunks of any size.
pub(crate) fn chunked(data: &[u8]) {
    for format in FORMATS {
        for mode in [Mode::Lenient, Mode::Strict] {
            let options = ParseOptions::new(format).with_mode(mode);
            paths::assert_all_paths_agree(data, &options);
            let limits = Limits::default().with_line_length(20).with_samples(3);
            paths::assert_all_paths_agree(data, &options.with_limits(limits));
        }
    }
}

/// An exposition that was read can be written and read again, or the format cannot express it.
pub(crate) fn round_trip(data: &[u8]) {
    for from in FORMATS {
        for mode in [Mode::Lenient, Mode::Strict] {
            let options = ParseOptions::new(from).with_mode(mode);
            let Ok(families) = parse_families(data, &options) else {
                continue;
            };
            for to in FORMATS {
                match encode_families(families.as_slice(), to) {
                    Ok(exposition) => {
                        // An escape is longer than what it stands for.
                        let options = ParseOptions::new(to)
                            .with_mode(Mode::Strict)
                            .with_limits(Limits::unlimited());
                        let read = parse_families(exposition.body(), &options)
                            .expect("what is written can be read");
                        if from == to && mode == Mode::Strict {
                            assert_eq!(read.as_slice(), families.as_slice());
                        }
                    }
                    Err(error) if from == to && mode == Mode::Strict => {
                        panic!("what strict mode reads cannot be written: {error:?}")
                    }
                    Err(_) => {}
                }
            }
        }
    }
}

/// Lines that are read one by one are written without loss, and their families are those that are collected.
pub(crate) fn lines(data: &[u8]) {
    for from in FORMATS {
        for mode in [Mode::Lenient, Mode::Strict] {
            let options = ParseOptions::new(from).with_mode(mode);
            let Ok(families) = parse_families(data, &options) else {
                continue;
            };
            check_tracked(data, &options, &families);
            families.iter().for_each(check_groups);
            for to in FORMATS {
                let written = write_lines(data, &options, to);
                let is_good = from == to && mode == Mode::Strict;
                let text = match written {
                    Ok(text) => text,
                    Err(error) if is_good => panic!("a good line cannot be written: {error}"),
                    Err(_) => continue,
                };
                let options = options.with_format(to).with_limits(Limits::unlimited());
                match parse_families(text.as_bytes(), &options) {
                    Ok(read) if from == to => assert_eq!(read.as_slice(), families.as_slice()),
                    Ok(read) => assert_eq!(named_samples(&read), named_samples(&families)),
                    // Families can break a rule together that the other format has not.
                    Err(error) => assert!(from != to, "{error}\n{text}"),
                }
            }
        }
    }
}

fn write_lines(data: &[u8], options: &ParseOptions, to: Format) -> Result<String, EncodeError> {
    let mut parser = Parser::new(data, options).expect("it was read before");
    let mut encoder = Encoder::new(String::new(), to);
    while let Some(event) = parser.next_event().expect("it was read before") {
        encoder.event(event)?;
    }
    encoder.finish()
}

fn check_tracked(data: &[u8], options: &ParseOptions, families: &Families) {
    let mut parser = Parser::new(data, options).expect("it was read before");
    let mut tracker = FamilyTracker::new(options);
    let mut places = vec![0; families.len()];
    while let Some(line) = parser.next_line().expect("it was read before") {
        let family = tracker.family_of(line).expect("it was collected before");
        let Event::Sample(sample) = line.event() else {
            continue;
        };
        let tracked = family.expect("a sample has a family");
        let mut names = families.iter();
        let place = names.position(|family| family.name() == tracked.name());
        let place = place.expect("the family was collected");
        let collected = &families.as_slice()[place].samples()[places[place]];
        assert_eq!(collected.suffix(), tracked.suffix());
        assert_eq!(collected.value().to_bits(), sample.value().to_bits());
        places[place] += 1;
    }
}

/// Histograms and summaries make the same samples again, or are refused.
fn check_groups(family: &MetricFamily) {
    let name = family.name();
    let build = || match family.kind() {
        MetricType::Histogram => MetricFamily::histogram(name, family.histograms()?),
        MetricType::GaugeHistogram => MetricFamily::gauge_histogram(name, family.histograms()?),
        _ => MetricFamily::summary(name, family.summaries()?),
    };
    if let Ok(built) = build() {
        let [built, family] = [&built, family].map(|family| {
            let sort_labels = |sample: &Sample| {
                let labels = sample.labels().sorted();
                sample.clone().with_labels(labels)
            };
            let mut samples: Vec<_> = family.samples().iter().map(sort_labels).collect();
            samples.sort();
            samples
        });
        assert_eq!(built, family);
    }
}

/// Returns the samples with their whole names, in an order that depends on nothing but them.
fn named_samples(families: &Families) -> Vec<(String, Sample)> {
    let mut samples = Vec::new();
    for family in families {
        for sample in family {
            let plain = sample.clone().with_suffix(Suffix::None);
            samples.push((family.sample_name(sample), plain));
        }
    }
    samples.sort();
    samples
}
