//! Compares counts with the committed ones.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{Error, Result},
    path::PathBuf,
    process,
};

use crate::{WORKS, callgrind, inputs};

/// How much a count may differ from the committed one, in percent. Hash tables with random seeds and versions of
/// dependencies make a difference of less than one.
const MARGIN: f64 = 5.0;

/// Instructions per line, by work and input.
type Counts = BTreeMap<(String, String), u64>;

pub(crate) fn update(path: &str) -> Result<()> {
    if !has_avx2() {
        return Err(Error::other("this processor has no AVX2"));
    }
    let mut text = String::from("work\tinput\tinstructions per line\n");
    for ((work, input), count) in count_all()? {
        text.push_str(&format!("{work}\t{input}\t{count}\n"));
    }
    fs::write(path, text)
}

/// Fails if a count differs from the committed one by more than the margin. Fewer instructions fail too: they would leave
/// room for a slower reader later.
pub(crate) fn check(path: &str) -> Result<()> {
    if !has_avx2() {
        println!("SKIPPED: this processor has no AVX2");
        return Ok(());
    }
    let committed = read(&fs::read_to_string(path)?)?;
    let counted = count_all()?;
    if !committed.keys().eq(counted.keys()) {
        return Err(differ("other works or inputs"));
    }
    let mut wrong = 0;
    println!(
        "{:<18} {:<27} {:>9} {:>9}",
        "work", "input", "committed", "now"
    );
    for (key, now) in &counted {
        let before = committed[key];
        let percent = 100.0 * (*now as f64 / before as f64 - 1.0);
        let is_wrong = percent.abs() > MARGIN;
        wrong += usize::from(is_wrong);
        let note = if is_wrong { "  differs" } else { "" };
        let (work, input) = key;
        println!("{work:<18} {input:<27} {before:>9} {now:>9} {percent:+6.1} %{note}");
    }
    match wrong {
        0 => Ok(()),
        _ => Err(differ(&format!("{wrong} counts by more than {MARGIN} %"))),
    }
}

fn differ(what: &str) -> Error {
    Error::other(format!(
        "{what} differ from the committed counts; if that is intended, commit what \
         `cargo run --release -p scout-metrics-benches --bin instructions -- --update` writes"
    ))
}

fn count_all() -> Result<Counts> {
    let mut counts = Counts::new();
    for input in inputs() {
        let text = TemporaryFile::new(input.name, &input.text)?;
        let lines = input.text.lines().count() as u64;
        for work in WORKS.iter().filter(|work| (work.suits)(&input)) {
            let count = callgrind::count(work, &input, &text.0)?;
            let key = (work.name.to_owned(), input.name.to_owned());
            counts.insert(key, count / lines);
        }
    }
    Ok(counts)
}

fn read(text: &str) -> Result<Counts> {
    let counts = text.lines().skip(1).map(|line| {
        let mut fields = line.split('\t').map(str::to_owned);
        let key = (fields.next()?, fields.next()?);
        Some((key, fields.next()?.parse().ok()?))
    });
    let counts: Option<Counts> = counts.collect();
    counts.ok_or_else(|| Error::other("the committed counts cannot be read"))
}

/// Returns whether callgrind offers AVX2.
fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// A file that is removed when it goes out of scope.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new(name: &str, text: &str) -> Result<Self> {
        let path = env::temp_dir().join(format!("{}-{name}", process::id()));
        fs::write(&path, text)?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // Nothing depends on it.
        drop(fs::remove_file(&self.0));
    }
}
