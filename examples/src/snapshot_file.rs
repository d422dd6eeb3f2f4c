//! Snapshots in files, for programs that need no network.

use std::{
    error::Error,
    fs::File,
    io::{self, Read},
    path::Path,
    time::SystemTime,
};

use scout_metrics_core::{Organization, Snapshot};
use scout_metrics_openmetrics::{
    Format,
    scout::{FileSource, SnapshotReader},
};

use crate::terminal::printable;

/// The organization of an exposition whose file has no name of an organization, such as standard input.
const UNKNOWN: &str = "unknown";

/// Reads a snapshot from a file, or from standard input if the path is `-`.
///
/// The file is a snapshot as JSON, or an exposition. An exposition does not say which organization it belongs to: it is
/// the given one, or else the name of the file without its extension, or else `unknown`. Its time is that of the file's
/// last modification.
///
/// # Errors
///
/// Returns why the file cannot be read, with its path.
pub fn read(path: &Path, organization: Option<&Organization>) -> Result<Snapshot, Box<dyn Error>> {
    let named = |error: Box<dyn Error>| format!("cannot read {}: {error}", name(path));
    let (bytes, modified) = read_bytes(path).map_err(|error| named(error.into()))?;
    if bytes.trim_ascii_start().starts_with(b"{") {
        let snapshot = serde_json::from_slice(&bytes).map_err(|error| named(error.into()))?;
        return check_organization(snapshot, organization).map_err(|error| named(error).into());
    }
    let organization =
        organization.map_or_else(|| organization_of(path), |name| Ok(name.clone()))?;
    let snapshot = read_exposition(&bytes, organization).map_err(named)?;
    Ok(snapshot.with_scraped_at(modified))
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

fn check_organization(
    snapshot: Snapshot,
    expected: Option<&Organization>,
) -> Result<Snapshot, Box<dyn Error>> {
    let found = snapshot.organization();
    match expected {
        Some(expected) if expected != found => {
            Err(format!("it is the snapshot of `{found}`, not of `{expected}`").into())
        }
        _ => Ok(snapshot),
    }
}

fn organization_of(path: &Path) -> Result<Organization, Box<dyn Error>> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Organization::new(&stem).or_else(|_| Organization::new(UNKNOWN))?)
}

fn read_exposition(bytes: &[u8], organization: Organization) -> Result<Snapshot, Box<dyn Error>> {
    let text = bytes.trim_ascii_end();
    if text.is_empty() {
        return Err("it is empty".into());
    }
    let format = match text.rsplit(|byte| *byte == b'\n').next() {
        Some(b"# EOF") => Format::OpenMetrics,
        _ => Format::Prometheus,
    };
    let reader = SnapshotReader::new(organization)
        .with_format(format)
        // What is cut off looks the same.
        .with_required_final_newline(true);
    reader
        .read(bytes)
        .map_err(|error| error.chain().to_string().into())
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;
    use crate::sample;

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
            let snapshot = read(&path, given.as_ref()).unwrap();
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
        assert_eq!(read(&path, None).unwrap().scraped_at(), time);
    }

    #[test]
    fn json_comes_back_equal_and_knows_its_organization() {
        let snapshot = sample::snapshot().unwrap();
        let json = serde_json::to_string_pretty(&snapshot).unwrap();
        let (_directory, path) = written("snapshot.json", &json);
        assert_eq!(read(&path, None).unwrap(), snapshot);
        assert_eq!(read(&path, Some(&acme())).unwrap(), snapshot);
        let other = Organization::new("apex").unwrap();
        assert_eq!(
            read(&path, Some(&other)).unwrap_err().to_string(),
            format!(
                "cannot read `{}`: it is the snapshot of `acme`, not of `apex`",
                path.display()
            )
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let missing = Path::new("no such file");
        assert_eq!(
            read(missing, None).unwrap_err().to_string(),
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
                read(&path, None).unwrap_err().to_string(),
                format!("cannot read `{}`: {fault}", path.display())
            );
        }
    }
}
