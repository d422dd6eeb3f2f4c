//! Which files belong to which stream and image.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    LocalScans,
    file::{cannot_read, shown},
};
use crate::{Error, ErrorKind, Result};

/// The endings of a SARIF report. The first is a special case of no other, as the SARIF specification (section 3.2)
/// recommends both.
const REPORT_ENDINGS: [&str; 2] = [".sarif.json", ".sarif"];

const POLICY_ENDING: &str = ".policy.json";

/// The files of an image.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) report: PathBuf,
    pub(super) policies: Option<PathBuf>,
}

/// Returns the images of each stream, by the name of the stream and sorted.
pub(super) fn streams(directory: &Path) -> Result<Vec<(String, Vec<Image>)>> {
    let mut files_left = LocalScans::MAX_FILES;
    let mut streams = Vec::new();
    for (name, path) in visible_entries(directory, &mut files_left)? {
        if !is_directory(&path)? {
            let expected = "expected a directory for each stream, with the reports in it";
            return Err(misplaced(&path, expected));
        }
        streams.push((name, images(&path, &mut files_left)?));
    }
    if streams.is_empty() {
        // A volume that is not mounted looks the same.
        let message = format!(
            "there is no directory of a stream in `{}`",
            shown(directory)
        );
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    Ok(streams)
}

fn images(stream: &Path, files_left: &mut usize) -> Result<Vec<Image>> {
    let mut reports = BTreeMap::new();
    let mut policies = BTreeMap::new();
    for (name, path) in visible_entries(stream, files_left)? {
        let files = match part_of(&name) {
            // An image whose name has a slash, saved under that name, is in a directory.
            Some(_) if is_directory(&path)? => None,
            Some((image, Part::Report)) => Some((&mut reports, image)),
            Some((image, Part::Policies)) => Some((&mut policies, image)),
            None => None,
        };
        let Some((files, image)) = files else {
            let expected =
                "expected a file whose name ends with `.sarif`, `.sarif.json` or `.policy.json`";
            return Err(misplaced(&path, expected));
        };
        if let Some(other) = files.insert(image.to_owned(), path.clone()) {
            let other = format!("it is a second report of the image of `{}`", shown(&other));
            return Err(misplaced(&path, &other));
        }
    }
    let images = reports.into_iter().map(|(image, report)| Image {
        report,
        policies: policies.remove(&image),
    });
    let images = images.collect();
    match policies.into_values().next() {
        Some(path) => Err(misplaced(
            &path,
            "there is no SARIF report of the same image",
        )),
        None => Ok(images),
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Policies,
    Report,
}

/// Returns the name of the image and what the file says about it, or `None` if the name is of no such file.
fn part_of(name: &str) -> Option<(&str, Part)> {
    let report = REPORT_ENDINGS
        .iter()
        .find_map(|ending| Some((name.strip_suffix(ending)?, Part::Report)));
    let policies = || Some((name.strip_suffix(POLICY_ENDING)?, Part::Policies));
    report
        .or_else(policies)
        .filter(|(image, _)| !image.is_empty())
}

/// Returns the names and paths of the entries that are not hidden, sorted by name.
fn visible_entries(directory: &Path, files_left: &mut usize) -> Result<Vec<(String, PathBuf)>> {
    let failed = |error| cannot_read(directory, error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else {
            return Err(misplaced(&entry.path(), "expected a name in UTF-8"));
        };
        if name.starts_with('.') {
            continue;
        }
        *files_left = files_left.checked_sub(1).ok_or_else(|| {
            let limit = LocalScans::MAX_FILES;
            let message = format!(
                "there are more than {limit} files and directories, reached in `{}`",
                shown(directory)
            );
            Error::new(ErrorKind::Limit, message)
        })?;
        entries.push((name, entry.path()));
    }
    entries.sort();
    Ok(entries)
}

/// Follows symbolic links.
fn is_directory(path: &Path) -> Result<bool> {
    let metadata = fs::metadata(path).map_err(|error| cannot_read(path, error))?;
    Ok(metadata.is_dir())
}

fn misplaced(path: &Path, reason: &str) -> Error {
    let message = format!("`{}` is not a report of a stream: {reason}", shown(path));
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_what_a_file_is() {
        for (name, expected) in [
            ("nginx.sarif", Some(("nginx", Part::Report))),
            ("nginx.sarif.json", Some(("nginx", Part::Report))),
            ("nginx.policy.json", Some(("nginx", Part::Policies))),
            ("nginx:1.27.sarif", Some(("nginx:1.27", Part::Report))),
            ("nginx.json", None),
            ("nginx.SARIF", None),
            ("nginx.sarif.bak", None),
            ("policy.json", None),
        ] {
            assert_eq!(part_of(name), expected, "{name}");
        }
    }
}
