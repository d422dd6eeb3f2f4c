//! `scout diff`.

use scout_metrics_core::Change;

use crate::support::{result, scout, snapshot, stream, write};

/// Returns the paths of a snapshot of two hours ago and of one of now.
fn files(directory: &tempfile::TempDir) -> [String; 2] {
    let production =
        |counts, compliant| stream("production", counts).with_policy(result("root", compliant, 4));
    let before = vec![production("5C 3H", 4), stream("gone\n", "1C")];
    let after = vec![production("4C 7H", 3), stream("staging", "0C")];
    [
        write(
            directory.path(),
            "before.json",
            &snapshot("acme", 2, before),
        ),
        write(directory.path(), "after.json", &snapshot("acme", 0, after)),
    ]
}

#[test]
fn shows_what_is_worse_first() {
    let directory = tempfile::tempdir().unwrap();
    let [before, after] = files(&directory);
    let diff = ["diff", "--file", &after, "--baseline", &before];
    let (out, err) = scout(0, &diff);
    let (title, changes) = out.split_once('\n').unwrap();
    assert!(
        title.starts_with("acme: 5 changes, 2 for the worse, since 20"),
        "{title}"
    );
    let expected = r"  ✗ production: HIGH 3 -> 7 (+4)
  ✗ production: policy Policy root 4/4 -> 3/4
  · production: CRITICAL 5 -> 4 (-1)
  · gone\n: stream removed
  · staging: stream added, 0C
";
    assert_eq!(changes, expected);
    assert_eq!(err, "");

    scout(2, &[&diff[..], &["-e"]].concat());
    let of_staging = [&diff[..], &["--env", "staging", "--exit-code"]].concat();
    assert_eq!(scout(0, &of_staging).0.lines().count(), 2);
    let same = ["diff", "--file", &after, "--baseline", &after, "-e"];
    let (out, _) = scout(0, &same);
    assert!(out.starts_with("acme: nothing changed since 20"), "{out}");
}

#[test]
fn prints_json_lines_that_read_back_as_changes() {
    let directory = tempfile::tempdir().unwrap();
    let [before, after] = files(&directory);
    let (out, _) = scout(
        0,
        &["diff", "--file", &after, "--baseline", &before, "--json"],
    );
    let changes: Vec<Change> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(changes.len(), 5);
    assert!(changes[0].is_worse() && !changes[2].is_worse());
    assert!(out.starts_with(r#"{"organization":"acme","scraped_at":"20"#));
}

#[test]
fn a_time_is_searched_for_in_the_history() {
    let directory = tempfile::tempdir().unwrap();
    let [before, after] = files(&directory);
    let history = directory.path().join("scout.db");
    let history = history.to_str().unwrap();
    scout(0, &["history", "import", history, "--file", &before]);
    scout(0, &["history", "import", history, "--file", &after]);
    let diff = ["diff", "--history", history, "--baseline"];
    let (out, _) = scout(0, &[&diff[..], &["90m"]].concat());
    assert!(out.contains("HIGH 3 -> 7 (+4)"), "{out}");

    let (out, err) = scout(1, &[&diff[..], &["7d", "-e"]].concat());
    assert_eq!(out, "");
    let start = "error: organization `acme`: the history has no snapshot of 20";
    assert!(err.starts_with(start), "{err}");
    scout(64, &["diff", "--file", &after, "--baseline", "7d"]);
    let (_, err) = scout(
        1,
        &[
            "diff",
            "--demo",
            "--org",
            "apex,acme",
            "--baseline",
            &before,
        ],
    );
    assert_eq!(
        err,
        "error: organization `apex`: the baseline is of `acme`\n"
    );
}
