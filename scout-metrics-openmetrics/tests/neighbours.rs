//! A line is read the same after other lines, whose names the engine remembers, as it is read alone.

use proptest::prelude::*;
use scout_metrics_openmetrics::{Event, Format, Mode, ParseOptions, Parser};

/// The content of one line of an exposition, as text.
fn describe(event: Event<'_, '_>) -> String {
    let Event::Sample(sample) = event else {
        return format!("{event:?}");
    };
    let labels: Vec<_> = sample
        .labels()
        .map(|(name, value)| (name.decode(), value.decode()))
        .collect();
    let exemplar = sample.exemplar().map(|exemplar| {
        let labels: Vec<_> = exemplar
            .labels()
            .map(|(name, value)| (name.decode(), value.decode()))
            .collect();
        (labels, exemplar.value().to_bits(), exemplar.timestamp())
    });
    format!(
        "{} {labels:?} {} {} {:?} {exemplar:?} {:?}",
        sample.name(),
        sample.value().to_bits(),
        sample.value_text(),
        sample.timestamp(),
        sample.line(),
    )
}

/// Reads all lines, up to the first that cannot be read.
fn read(text: &str, options: &ParseOptions) -> Vec<String> {
    let mut parser = Parser::from_text(text, options);
    let mut lines = Vec::new();
    loop {
        match parser.next_line() {
            Ok(Some(line)) => {
                let rules: Vec<_> = line
                    .deviations()
                    .iter()
                    .map(|deviation| deviation.rule)
                    .collect();
                lines.push(format!("{} {rules:?}", describe(line.event())));
            }
            Ok(None) => return lines,
            Err(error) => {
                lines.push(format!("{:?} {}", error.rule(), error.message()));
                return lines;
            }
        }
    }
}

fn read_alone(lines: &[String], options: &ParseOptions) -> Vec<String> {
    let mut all = Vec::new();
    for line in lines {
        // Deviations at the end of the exposition do not matter here.
        let exposition = match options.format() {
            Format::OpenMetrics => format!("{line}\n# EOF\n"),
            _ => format!("{line}\n"),
        };
        let mut read = read(&exposition, options);
        if options.format() == Format::OpenMetrics {
            read.retain(|line| line != "End []");
        }
        let failed = read.last().is_some_and(|line| line.starts_with("Some("));
        all.extend(read);
        if failed {
            break;
        }
    }
    all
}

fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("up"),
        Just("up_bucket"),
        Just("a_rather_long_metric_name"),
        Just("u"),
        Just("0up"),
        // The name may stand in quotes among the labels.
        Just(""),
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z,={} #]{0,20}",
        2 => "[a-z]{25,40}",
        1 => Just("x".repeat(130)),
        2 => r#"[a-z]{0,3}((\\\\|\\n|\\"|\\t|\\é)[a-z]{0,3}){1,3}"#,
        1 => "[é🦀a]{0,6}",
    ]
}

fn labels() -> impl Strategy<Value = String> {
    let label = |name: &'static str| value().prop_map(move |value| format!("{name}=\"{value}\""));
    prop_oneof![
        2 => Just(String::new()),
        1 => Just("{}".to_owned()),
        4 => label("job").prop_map(|job| format!("{{{job}}}")),
        4 => (label("job"), label("le")).prop_map(|(job, le)| format!("{{{job},{le}}}")),
        1 => (label("job"), label("job")).prop_map(|(a, b)| format!("{{{a},{b}}}")),
        1 => (label("job"), label("le")).prop_map(|(job, le)| format!("{{{job} {le}}}")),
        1 => label("job").prop_map(|job| format!("{{{job},}}")),
        1 => label("job").prop_map(|job| format!("{{\"quoted\",{job}}}")),
        1 => label("job").prop_map(|job| format!("{{{job},\"quoted\"}}")),
    ]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[0-9]{1,9}",
        2 => "-?[0-9]{1,18}\\.[0-9]{1,18}",
        1 => "[0-9]e-?[0-9]{1,3}",
        1 => prop_oneof![Just("NaN"), Just("+Inf"), Just("+nan"), Just("0x1"), Just(""), Just("1:")]
            .prop_map(str::to_owned),
    ]
}

fn details() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        1 => number().prop_map(|time| format!(" {time}")),
        2 => (value(), number()).prop_map(|(trace, value)| format!(" # {{trace=\"{trace}\"}} {value}")),
        1 => (number(), value(), number(), number())
            .prop_map(|(at, trace, value, time)| format!(" {at} # {{trace=\"{trace}\"}} {value} {time}")),
        1 => Just(" ".to_owned()),
        1 => Just("\r".to_owned()),
    ]
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => (name(), labels(), number(), details())
            .prop_map(|(name, labels, number, details)| format!("{name}{labels} {number}{details}")),
        1 => Just("# TYPE up gauge".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn a_line_reads_the_same_after_others(
        lines in prop::collection::vec(line(), 1..12),
        repeats in prop::collection::vec(0usize..12, 0..24),
        is_openmetrics: bool,
        is_strict: bool,
    ) {
        // Alone, these are JSON.
        prop_assume!(lines.iter().all(|line| line.trim() != "{}"));
        let format = if is_openmetrics { Format::OpenMetrics } else { Format::Prometheus };
        let mode = if is_strict { Mode::Strict } else { Mode::Lenient };
        let options = ParseOptions::new(format).with_mode(mode);
        let again = repeats.iter().filter_map(|index| lines.get(*index).cloned());
        let lines: Vec<String> = lines.iter().cloned().chain(again).collect();
        let mut whole = lines.join("\n") + "\n";
        if is_openmetrics {
            whole.push_str("# EOF\n");
        }
        let mut together = read(&whole, &options);
        together.retain(|line| line != "End []");
        prop_assert_eq!(together, read_alone(&lines, &options), "{}", whole);
    }
}

#[test]
fn a_name_behind_a_label_moves_with_its_value() {
    let lines = [r#"{job="long","quoted"} 1"#, r#"{job="s","quoted"} 1"#].map(str::to_owned);
    let options = ParseOptions::new(Format::Prometheus);
    let together = read(&(lines.join("\n") + "\n"), &options);
    assert_eq!(together, read_alone(&lines, &options));
}
