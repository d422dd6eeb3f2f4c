//! The project's own cases: small expositions in `tests/data`, of which the README there describes the form.

use std::{
    fs,
    path::{Path, PathBuf},
};

use scout_metrics_openmetrics::{Format, ParseOptions, Rule};

/// A file of cases, cut into pieces that give back the file when they are joined.
pub(crate) struct CaseFile {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    pub(crate) prologue: String,
    pub(crate) cases: Vec<Case>,
}

/// One exposition and what is expected of it.
pub(crate) struct Case {
    pub(crate) title: String,
    pub(crate) options: ParseOptions,
    pub(crate) input: Vec<u8>,
    /// Title, options and exposition, as they are in the file.
    pub(crate) head: String,
    /// The expected result of reading, as written in the file.
    pub(crate) expected: String,
}

const NO_QUOTED_NAMES: &str = "quoted names: off";

impl CaseFile {
    /// Returns all files, sorted by path.
    pub(crate) fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
        let mut files = Vec::new();
        for (format, name) in [
            (Format::OpenMetrics, "openmetrics"),
            (Format::OpenMetrics2, "openmetrics2"),
            (Format::Prometheus, "prometheus"),
        ] {
            for entry in fs::read_dir(folder.join(name)).unwrap() {
                files.push(Self::read(entry.unwrap().path(), format));
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    fn read(path: PathBuf, format: Format) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        let mut pieces = text.split("\n## ");
        let prologue = pieces.next().unwrap().to_owned();
        let cases = pieces.map(|piece| Case::parse(piece, format)).collect();
        Self {
            path,
            format,
            prologue,
            cases,
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.path.file_stem().unwrap().to_str().unwrap()
    }

    /// Returns the rule that the cases are about; `None` for a file about something else, which breaks none.
    pub(crate) fn rule(&self) -> Option<Rule> {
        Rule::ALL
            .iter()
            .copied()
            .find(|rule| rule.id() == self.name())
    }
}

impl Case {
    fn parse(piece: &str, format: Format) -> Self {
        let mut options = ParseOptions::new(format);
        let mut input = Vec::new();
        let mut head = String::new();
        let mut lines = piece.lines();
        let title = lines.next().unwrap();
        let mut rest = lines.clone();
        head.push_str(&format!("## {title}\n"));
        while let Some(line) = lines.next() {
            match line.chars().next() {
                Some('|') => {
                    push_bytes(&mut input, &line[1..]);
                    input.push(b'\n');
                }
                Some('>') => push_bytes(&mut input, &line[1..]),
                _ if line == NO_QUOTED_NAMES => options = options.with_quoted_names(false),
                _ => break,
            }
            head.push_str(line);
            head.push('\n');
            rest = lines.clone();
        }
        let expected: Vec<&str> = rest.collect();
        Self {
            title: title.to_owned(),
            options,
            input,
            head,
            expected: expected.join("\n").trim_end().to_owned(),
        }
    }
}

/// Appends a line in which `⟨0D EF⟩` means the bytes 0x0D and 0xEF.
fn push_bytes(out: &mut Vec<u8>, line: &str) {
    let mut pieces = line.split('⟨');
    out.extend_from_slice(pieces.next().unwrap().as_bytes());
    for piece in pieces {
        let (bytes, text) = piece.split_once('⟩').unwrap();
        let bytes = bytes.split(' ');
        out.extend(bytes.map(|byte| u8::from_str_radix(byte, 16).unwrap()));
        out.extend_from_slice(text.as_bytes());
    }
}
