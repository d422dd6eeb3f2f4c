//! A snapshot as a table for people.

use std::io::{Result, Write};

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;

use scout_metrics_core::{PolicyResult, Severity, Snapshot, Stream, VulnerabilityCounts};

use crate::terminal::{fit, pad_end, pad_start, width};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// The maximum width of a name.
const MAX_NAME: usize = 60;

/// The maximum width of an anomaly.
const MAX_ANOMALY: usize = 240;

/// The width of what comes before the name of a policy: two blanks, the mark, a blank.
const INDENT: usize = 4;

/// Writes a snapshot with styles, which `anstream` removes if the output is not a terminal.
///
/// # Errors
///
/// Returns the errors of the writer.
pub fn write(out: &mut impl Write, snapshot: &Snapshot) -> Result<()> {
    write_title(out, snapshot)?;
    let columns = Columns::new(snapshot);
    let streams = snapshot.streams();
    let have_policies = streams.iter().any(|stream| !stream.policies().is_empty());
    for (index, stream) in streams.iter().enumerate() {
        columns.write_stream(out, stream)?;
        for result in stream.policies() {
            columns.write_policy(out, result)?;
        }
        if have_policies || index + 1 == streams.len() {
            writeln!(out)?;
        }
    }
    write_summary(out, snapshot)?;
    write_anomalies(out, snapshot)
}

fn write_title(out: &mut impl Write, snapshot: &Snapshot) -> Result<()> {
    let organization = snapshot.organization();
    write!(out, "{BOLD}{organization}{BOLD:#}")?;
    if let Ok(time) = Timestamp::try_from(snapshot.scraped_at()) {
        let time = time.strftime("%Y-%m-%d %H:%M:%S UTC");
        write!(out, "{DIM}, scraped {time}{DIM:#}")?;
    }
    writeln!(out, "\n")
}

/// The width of each column.
struct Columns {
    name: usize,
    counts: [usize; Severity::ALL.len()],
    fraction: usize,
}

impl Columns {
    fn new(snapshot: &Snapshot) -> Self {
        let streams = snapshot.streams();
        let policies = || streams.iter().flat_map(Stream::policies);
        let of_streams = streams.iter().map(|stream| width(&stream_name(stream)));
        let of_policies = policies().map(|result| INDENT + width(&policy_name(result)));
        Self {
            name: of_streams.chain(of_policies).max().unwrap_or(0),
            counts: Severity::ALL.map(|severity| {
                let counts = streams.iter().map(|stream| stream.vulnerabilities());
                counts
                    .map(|counts| count(counts, severity).len())
                    .max()
                    .unwrap_or(0)
            }),
            fraction: policies()
                .map(|result| fraction(result).len())
                .max()
                .unwrap_or(0),
        }
    }

    fn write_stream(&self, out: &mut impl Write, stream: &Stream) -> Result<()> {
        let name = stream_name(stream);
        write!(out, "{BOLD}{name}{BOLD:#}")?;
        let counts = stream.vulnerabilities();
        if counts.is_empty() {
            return writeln!(out, "{DIM}  no vulnerability counts{DIM:#}");
        }
        // Blanks are written before a count and never after it, so that no line ends with blanks.
        let mut gap = self.name - width(&name);
        for (severity, columns) in Severity::ALL.into_iter().zip(self.counts) {
            let text = count(counts, severity);
            gap += 2 + columns - text.len();
            if !text.is_empty() {
                let style = severity_style(severity, counts[severity]);
                write!(out, "{:gap$}{style}{text}{style:#}", "")?;
                gap = 0;
            }
        }
        writeln!(out)
    }

    fn write_policy(&self, out: &mut impl Write, result: &PolicyResult) -> Result<()> {
        let (mark, style) = mark(result);
        let name = pad_end(&policy_name(result), self.name - INDENT);
        let fraction = pad_start(&fraction(result), self.fraction);
        let ratio = pad_start(&ratio(result), "100.0 %".len());
        writeln!(
            out,
            "  {style}{mark}{style:#} {name}  {style}{fraction}  {ratio}{style:#}"
        )
    }
}

fn stream_name(stream: &Stream) -> String {
    fit(stream.name().as_str(), MAX_NAME)
}

fn policy_name(result: &PolicyResult) -> String {
    let policy = result.policy();
    let name = match policy.display_name() {
        "" => policy.id().as_str(),
        name => name,
    };
    fit(name, MAX_NAME)
}

/// Returns a count in Docker's shorthand. A count that was not reported is left out, and so are zero unspecified ones.
fn count(counts: &VulnerabilityCounts, severity: Severity) -> String {
    match counts.get(severity) {
        None => String::new(),
        Some(0) if severity == Severity::Unspecified => String::new(),
        Some(count) => format!("{count}{}", severity.letter()),
    }
}

/// Returns the style of a count of a severity.
pub fn severity_style(severity: Severity, count: u64) -> Style {
    match severity {
        _ if count == 0 => DIM,
        Severity::Critical => RED.bold(),
        Severity::High => RED,
        Severity::Medium => YELLOW,
        Severity::Low | Severity::Unspecified => Style::new(),
    }
}

fn mark(result: &PolicyResult) -> (char, Style) {
    match result.ratio() {
        None => ('–', DIM),
        Some(ratio) if ratio > 1.0 => ('!', YELLOW),
        Some(_) if result.is_compliant() => ('✓', GREEN),
        Some(_) => ('✗', RED),
    }
}

fn fraction(result: &PolicyResult) -> String {
    format!("{}/{}", result.compliant(), result.evaluated())
}

/// Returns the ratio as a rounded percentage. A failing policy is never shown as 100 %.
fn ratio(result: &PolicyResult) -> String {
    let [compliant, evaluated] = [result.compliant(), result.evaluated()].map(u128::from);
    let Some(mut per_mille) = (2000 * compliant + evaluated).checked_div(2 * evaluated) else {
        return "–".to_owned();
    };
    if !result.is_compliant() {
        per_mille = per_mille.min(999);
    }
    format!("{}.{} %", per_mille / 10, per_mille % 10)
}

fn write_summary(out: &mut impl Write, snapshot: &Snapshot) -> Result<()> {
    let streams = snapshot.streams();
    write!(out, "{}", plural(streams.len(), "stream"))?;
    let results: Vec<&PolicyResult> = streams.iter().flat_map(Stream::policies).collect();
    if !results.is_empty() {
        let failing = results
            .iter()
            .filter(|result| !result.is_compliant())
            .count();
        let style = if failing > 0 { RED } else { GREEN };
        let results = plural(results.len(), "policy result");
        write!(out, ", {results}, {style}{failing} failing{style:#}")?;
    }
    writeln!(out)
}

fn write_anomalies(out: &mut impl Write, snapshot: &Snapshot) -> Result<()> {
    let anomalies = snapshot.anomalies();
    if anomalies.is_empty() {
        return Ok(());
    }
    let title = match anomalies.len() {
        1 => "1 anomaly".to_owned(),
        count => format!("{count} anomalies"),
    };
    writeln!(out, "\n{YELLOW}{title} in what was received{YELLOW:#}")?;
    for anomaly in anomalies {
        writeln!(
            out,
            "  {YELLOW}!{YELLOW:#} {}",
            fit(&anomaly.to_string(), MAX_ANOMALY)
        )?;
    }
    Ok(())
}

fn plural(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scout_metrics_core::{Anomaly, AnomalyKind, Organization, Policy};

    fn shown(snapshot: &Snapshot) -> String {
        let mut styled = Vec::new();
        write(&mut styled, snapshot).unwrap();
        anstream::adapter::strip_bytes(&styled)
            .into_vec()
            .try_into()
            .unwrap()
    }

    fn acme(streams: impl IntoIterator<Item = Stream>) -> Snapshot {
        let organization = Organization::new("acme").unwrap();
        Snapshot::new(organization, streams)
            .unwrap()
            .with_scraped_at(std::time::UNIX_EPOCH)
    }

    fn result(name: &str, compliant: u64, evaluated: u64) -> PolicyResult {
        PolicyResult::new(
            Policy::new(format!("id of {name}"), name),
            compliant,
            evaluated,
        )
        .unwrap()
    }

    #[test]
    fn columns_align_whatever_the_names_and_counts() {
        let wide = Stream::new("日本 👩‍🚀")
            .with_vulnerabilities("12345C 0H 1?".parse().unwrap())
            .with_policy(result("é", 9, 9));
        let plain = Stream::new("production")
            .with_vulnerabilities("1C 22H 333M 4444L".parse().unwrap())
            .with_policy(result("", 0, 0))
            .with_policy(result("No AGPL v3 licenses", 2999, 3000));
        let expected = "\
acme, scraped 1970-01-01 00:00:00 UTC

日本 👩‍🚀                  12345C   0H               1?
  ✓ é                          9/9  100.0 %

production                   1C  22H  333M  4444L
  – id of                      0/0        –
  ✗ No AGPL v3 licenses  2999/3000   99.9 %

2 streams, 3 policy results, 1 failing
";
        assert_eq!(shown(&acme([wide, plain])), expected);
    }

    #[test]
    fn a_name_cannot_drive_the_terminal_or_spread_over_it() {
        let name = format!("\u{1b}[2J\n{}", "x".repeat(9999));
        let stream = Stream::new(&*name).with_policy(result(&name, 1, 2));
        let anomaly = Anomaly::new(AnomalyKind::UnknownFamily, &name).with_line(3);
        let snapshot = acme([stream]).with_anomalies(vec![anomaly]);
        let mut styled = Vec::new();
        write(&mut styled, &snapshot).unwrap();
        let styled = String::from_utf8(styled).unwrap();
        assert!(!styled.contains("\u{1b}[2J"));
        assert!(styled.contains(r"\u{1b}[2J\nxxx"));
        assert!(
            shown(&snapshot)
                .lines()
                .all(|line| width(line) <= 2 + MAX_ANOMALY + 2)
        );
    }

    #[test]
    fn what_was_not_reported_is_said() {
        let expected = "\
acme, scraped 1970-01-01 00:00:00 UTC

production  no vulnerability counts
  ! odd     3/2  150.0 %

1 stream, 1 policy result, 0 failing

1 anomaly in what was received
  ! more comply than were evaluated (line 7)
";
        let anomaly = Anomaly::new(
            AnomalyKind::CompliantExceedsEvaluated,
            "more comply than were evaluated",
        );
        let snapshot = acme([Stream::new("production").with_policy(result("odd", 3, 2))])
            .with_anomalies(vec![anomaly.with_line(7)]);
        assert_eq!(shown(&snapshot), expected);
    }

    #[test]
    fn streams_without_policies_stand_close_together() {
        let stream = |name| Stream::new(name).with_vulnerabilities("1C".parse().unwrap());
        let table = shown(&acme([stream("production"), stream("staging")]));
        assert_eq!(
            table.split_once("\n\n").unwrap().1,
            "production  1C\nstaging     1C\n\n2 streams\n"
        );
        assert_eq!(
            shown(&acme([])),
            "acme, scraped 1970-01-01 00:00:00 UTC\n\n0 streams\n"
        );
    }
}
