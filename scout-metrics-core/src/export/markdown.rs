//! Snapshots as Markdown.

use std::{
    fmt,
    io::{self, Write},
};

use crate::{
    PolicyResult, Severity, Snapshot, Stream,
    text::{OneLine, Time},
};

/// Writes a section for each snapshot as Markdown with tables (GitHub Flavored Markdown): the vulnerabilities of each
/// stream by severity, and the images that comply with each policy.
///
/// A number that was not reported is a dash. Names are in `<code>`, with everything that could be markup, a link or a
/// mention as a character reference.
///
/// # Errors
///
/// Fails only if the writer does.
pub fn markdown<'a>(
    snapshots: impl IntoIterator<Item = &'a Snapshot>,
    mut out: impl Write,
) -> io::Result<()> {
    for (place, snapshot) in snapshots.into_iter().enumerate() {
        if place > 0 {
            writeln!(out)?;
        }
        write_snapshot(snapshot, &mut out)?;
    }
    out.flush()
}

fn write_snapshot(snapshot: &Snapshot, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "## {}\n", Name(snapshot.organization().as_str()))?;
    writeln!(out, "Scraped at {}.", Time(snapshot.scraped_at()))?;
    match snapshot.anomalies().len() {
        0 => {}
        1 => writeln!(
            out,
            "There is 1 anomaly, so numbers may be missing or wrong."
        )?,
        many => writeln!(
            out,
            "There are {many} anomalies, so numbers may be missing or wrong."
        )?,
    }
    if snapshot.is_empty() {
        return writeln!(out, "\nThere are no streams.");
    }
    write_vulnerabilities(snapshot, out)?;
    let has_policies = |stream: &Stream| !stream.policies().is_empty();
    if snapshot.streams().iter().any(has_policies) {
        write_policies(snapshot, out)?;
    }
    Ok(())
}

fn write_vulnerabilities(snapshot: &Snapshot, out: &mut impl Write) -> io::Result<()> {
    let has_others = |stream: &Stream| stream.vulnerabilities().unrecognized().next().is_some();
    let others = snapshot.streams().iter().any(has_others);
    write!(
        out,
        "\n| Stream | Critical | High | Medium | Low | Unspecified |"
    )?;
    writeln!(out, "{}", if others { " Others |" } else { "" })?;
    write!(out, "|---|--:|--:|--:|--:|--:|")?;
    writeln!(out, "{}", if others { "---|" } else { "" })?;
    for stream in snapshot {
        write!(out, "| {} |", Name(stream.name().as_str()))?;
        for severity in Severity::ALL {
            match stream.vulnerabilities().get(severity) {
                Some(count) => write!(out, " {count} |")?,
                None => write!(out, " – |")?,
            }
        }
        if others {
            let others = stream.vulnerabilities().unrecognized();
            let others = others.map(|(name, count)| format!("{count} {}", Name(name)));
            write!(out, " {} |", others.collect::<Vec<_>>().join(", "))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_policies(snapshot: &Snapshot, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n| Stream | Policy | Compliant | Evaluated | Ratio |")?;
    writeln!(out, "|---|---|--:|--:|--:|")?;
    for stream in snapshot {
        for result in stream {
            write!(out, "| {} ", Name(stream.name().as_str()))?;
            write_policy(result, out)?;
        }
    }
    Ok(())
}

fn write_policy(result: &PolicyResult, out: &mut impl Write) -> io::Result<()> {
    let policy = result.policy();
    let name = match policy.display_name() {
        "" => policy.id().as_str(),
        name => name,
    };
    let (compliant, evaluated) = (result.compliant(), result.evaluated());
    write!(out, "| {} | {compliant} | {evaluated} ", Name(name))?;
    match result.ratio() {
        // Rounded down, so that only full compliance is 100 %.
        Some(ratio) => writeln!(out, "| {:.1} % |", (ratio * 1000.0).floor() / 10.0),
        None => writeln!(out, "| – |"),
    }
}

/// Displays a name so that nothing in it is markup, a link, a mention or the end of a cell.
struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<code>")?;
        for c in OneLine(self.0).to_string().chars() {
            let is_plain = c.is_alphanumeric() || matches!(c, ' ' | '-');
            match is_plain {
                true => write!(f, "{c}")?,
                false => write!(f, "&#{};", u32::from(c))?,
            }
        }
        f.write_str("</code>")
    }
}
