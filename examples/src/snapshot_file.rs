//! Snapshots in files, for programs that need no network.

use std::{
    error::Error,
    fs::File,
    io::{self, Read},
    path::Path,
    time::SystemTime,
};

use clap::ValueEnum;

use scout_metrics_core::{Organization, Snapshot};
use scout_metrics_openmetrics::{
    Format,
    scout::{FileSource, SnapshotReader},
};

use crate::terminal::printable;

/// The organization of an exposition whose file has no name of an organization, such as standard input.
const UNKNOWN: &str = "unknown";

/// The format of the expositions in files.
#[expect(
    clippy::exhaustive_enums,
    reason = "each variant is a value of an option of the programs"
)]
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum FileFormat {
    /// OpenMetrics, which must end with `# EOF`, so that a file that was cut off is an error
    Openmetrics,
    /// Prometheus text, which has no mark of its end, so a file that was cut off between two lines looks complete
    Prometheus,
}

/// Why an exposition is refused whose end is not marked.
const NO_END: &str = "it does not end with `# EOF`, so a part of it may be missing; if it is complete Prometheus text, give \
                      --file-format prometheus";

/// Reads the snapshots in a file, or in standard input if the path is `-`.
///
/// The file is a snapshot as JSON, an array of them, or an exposition of the format. An exposition does not say which
/// organization it belongs to: it is the given one, or else the name of the file without its extension, or else `unknown`.
/// Its time is that of the file's last modification.
///
/// # Errors
///
/// Returns why the file cannot be read, with its path.
pub fn read(
    path: &Path,
    format: FileFormat,
    organization: Option<&Organization>,
) -> Result<Vec<Snapshot>, Box<dyn Error>> {
    let named = |error: Box<dyn Error>| format!("cannot read {}: {error}", name(path));
    let (bytes, modified) = read_bytes(path).map_err(|error| named(error.into()))?;
    if let Some(read) = read_json(&bytes) {
        let snapshots = read.map_err(|error| named(error.into()))?;
        return of_organization(snapshots, organization).map_err(|error| named(error).into());
    }
    let organization =
        organization.map_or_else(|| organization_of(path), |name| Ok(name.clone()))?;
    let snapshot = read_exposition(&bytes, format, organization).map_err(named)?;
    Ok(vec![snapshot.with_scraped_at(modified)])
}

/// Reads a file that must have exactly one snapshot, of the organization if one is given.
///
/// # Errors
///
/// Returns why the file cannot be read, with its path.
pub fn read_one(
    path: &Path,
    format: FileFormat,
    organization: Option<&Organization>,
) -> Result<Snapshot, Box<dyn Error>> {
    let mut snapshots = read(path, format, organization)?;
    match (snapshots.pop(), snapshots.len()) {
        (Some(snapshot), 0) => Ok(snapshot),
        (_, others) => {
            let name = name(path);
            Err(format!(
                "cannot read {name}: it has {} snapshots, expected one",
                others + 1
            )
            .into())
        }
    }
}

/// Returns the snapshots if the text is JSON. No exposition begins as JSON does.
fn read_json(bytes: &[u8]) -> Option<serde_json::Result<Vec<Snapshot>>> {
    match bytes.trim_ascii_start().first()? {
        b'{' => Some(serde_json::from_slice(bytes).map(|snapshot| vec![snapshot])),
        b'[' => Some(serde_json::from_slice(bytes)),
        _ => None,
    }
}

fn name(path: &Path) -> String {
    if is_standard_input(path) {
        return "standard input".to_owned();
    }
    format!("`{}`", printable(&path.to_string_lossy()))
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn read_bytes(path: &Path) -> io::Result<(Vec<u8>, SystemTime)> {
    if is_standard_input(path) {
        return Ok((read_bounded(io::stdin())?, SystemTime::now()));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    // A pipe, as the shell makes it of `<(command)`, has no useful time.
    let time = if metadata.is_file() {
        metadata.modified()?
    } else {
        SystemTime::now()
    };
    Ok((read_bounded(file)?, time))
}

fn read_bounded(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input
        .take(FileSource::MAX_SIZE + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FileSource::MAX_SIZE {
        let message = format!("larger than the limit of {} bytes", FileSource::MAX_SIZE);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

/// Returns the snapshots of an organization, of which there must be one, or all if none is wanted.
fn of_organization(
    mut snapshots: Vec<Snapshot>,
    wanted: Option<&Organization>,
) -> Result<Vec<Snapshot>, Box<dyn Error>> {
    let names = snapshots
        .iter()
        .map(|snapshot| format!("`{}`", snapshot.organization()));
    let names = names.collect::<Vec<_>>().join(", ");
    if let Some(wanted) = wanted {
        snapshots.retain(|snapshot| snapshot.organization() == wanted);
    }
    match (snapshots.is_empty(), wanted) {
        (false, _) => Ok(snapshots),
        (true, Some(wanted)) if !names.is_empty() => {
            Err(format!("it is the snapshot of {names}, not of `{wanted}`").into())
        }
        (true, _) => Err("it has no snapshots".into()),
    }
}

/// Returns the organization that a file or directory is named after, or else `unknown`.
///
/// # Errors
///
/// None in practice: `unknown` is a valid name.
pub fn organization_of(path: &Path) -> Result<Organization, Box<dyn Error>> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Organization::new(&stem).or_else(|_| Organization::new(UNKNOWN))?)
}

fn read_exposition(
    bytes: &[u8],
    format: FileFormat,
    organization: Organization,
) -> Result<Snapshot, Box<dyn Error>> {
    let text = bytes.trim_ascii_end();
    if text.is_empty() {
        return Err("it is empty".into());
    }
    let has_end = text.rsplit(|byte| *byte == b'\n').next() == Some(b"# EOF");
    let is_openmetrics = format == FileFormat::Openmetrics;
    let reader = SnapshotReader::new(organization)
        .with_format(match is_openmetrics && has_end {
            true => Format::OpenMetrics,
            false => Format::Prometheus,
        })
        // A file that is cut off looks the same.
        .with_required_final_newline(true);
    let snapshot = reader
        .read(bytes)
        .map_err(|error| error.chain().to_string())?;
    // After what cannot be read at all, which has a better explanation.
    if is_openmetrics && !has_end {
        return Err(NO_END.into());
    }
    Ok(snapshot)
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;
    use crate::sample;

    const PROMETHEUS: FileFormat = FileFormat::Prometheus;
    const EXPOSITION: &str =
        "scout_stream_vulnerabilities{streamName=\"production\",severity=\"HIGH\"} 3\n";

    fn written(name: &str, content: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        (directory, path)
    }

    fn acme() -> Organization {
        Organization::new("acme").unwrap()
    }

    #[test]
    fn an_exposition_belongs_to_the_given_organization_or_to_that_of_the_files_name() {
        for (name, given, expected) in [
            ("acme-labs.prom", None, "acme-labs"),
            ("acme-labs.prom", Some(acme()), "acme"),
            ("Today's metrics.txt", None, "unknown"),
        ] {
            let (_directory, path) = written(name, EXPOSITION);
            let snapshot = read_one(&path, PROMETHEUS, given.as_ref()).unwrap();
            assert_eq!(snapshot.organization().as_str(), expected);
            assert_eq!(snapshot.streams()[0].vulnerabilities().to_string(), "3H");
        }
    }

    #[test]
    fn the_time_of_an_exposition_is_that_of_its_file() {
        let (_directory, path) = written("acme.prom", EXPOSITION);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let file = fs::File::options().append(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
        assert_eq!(
            read_one(&path, PROMETHEUS, None).unwrap().scraped_at(),
            time
        );
    }

    #[test]
    fn json_comes_back_equal_and_knows_its_organization() {
        let snapshot = sample::snapshot().unwrap();
        let json = serde_json::to_string_pretty(&snapshot).unwrap();
        let (_directory, path) = written("snapshot.json", &json);
        assert_eq!(read_one(&path, PROMETHEUS, None).unwrap(), snapshot);
        assert_eq!(
            read_one(&path, PROMETHEUS, Some(&acme())).unwrap(),
            snapshot
        );
        let other = Organization::new("apex").unwrap();
        assert_eq!(
            read(&path, PROMETHEUS, Some(&other))
                .unwrap_err()
                .to_string(),
            format!(
                "cannot read `{}`: it is the snapshot of `acme`, not of `apex`",
                path.display()
            )
        );
    }

    #[test]
    fn an_array_has_snapshots_of_several_organizations() {
        let acme = sample::snapshot().unwrap();
        let apex = Organization::new("apex").unwrap();
        let apex = Snapshot::new(apex, acme.streams().to_vec()).unwrap();
        let both = vec![acme.clone(), apex];
        let json = serde_json::to_string(&both).unwrap();
        let (_directory, path) = written("snapshots.json", &json);
        assert_eq!(read(&path, PROMETHEUS, None).unwrap(), both);
        assert_eq!(
            read_one(&path, PROMETHEUS, Some(acme.organization())).unwrap(),
            acme
        );
        assert_eq!(
            read_one(&path, PROMETHEUS, None).unwrap_err().to_string(),
            format!(
                "cannot read `{}`: it has 2 snapshots, expected one",
                path.display()
            )
        );
        let (_directory, path) = written("snapshots.json", "[]");
        let error = read(&path, PROMETHEUS, None).unwrap_err().to_string();
        assert!(error.ends_with(": it has no snapshots"), "{error}");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let missing = Path::new("no such file");
        assert_eq!(
            read(missing, PROMETHEUS, None).unwrap_err().to_string(),
            "cannot read `no such file`: No such file or directory (os error 2)"
        );
        for (content, fault) in [
            ("", "it is empty"),
            ("{}", "missing field `organization` at line 1 column 2"),
            (
                EXPOSITION.trim_end(),
                "organization `acme`: the exposition ends in the middle of a line (line 1)",
            ),
        ] {
            let (_directory, path) = written("acme.prom", content);
            assert_eq!(
                read(&path, PROMETHEUS, None).unwrap_err().to_string(),
                format!("cannot read `{}`: {fault}", path.display())
            );
        }
    }

    #[test]
    fn an_exposition_that_was_cut_off_is_refused_unless_its_format_has_no_end() {
        let complete = format!("{EXPOSITION}# EOF\n");
        let (_directory, path) = written("acme.om", &complete);
        let snapshot = read_one(&path, FileFormat::Openmetrics, None).unwrap();
        assert_eq!(snapshot.streams()[0].vulnerabilities().to_string(), "3H");
        let in_a_line = "organization `acme`: the exposition ends in the middle of a line (line 2)";
        for (cut, fault) in [
            (EXPOSITION, NO_END),
            ("# HELP x y\n", NO_END),
            (&complete[..complete.len() - 2], in_a_line),
        ] {
            let (_directory, path) = written("acme.om", cut);
            let error = read(&path, FileFormat::Openmetrics, None).unwrap_err();
            let expected = format!("cannot read `{}`: {fault}", path.display());
            assert_eq!(error.to_string(), expected);
        }
    }
}
