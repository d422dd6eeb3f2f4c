//! `scout history`, and the histories that other commands read.

use crate::support::{scout, snapshot, stream, write};

#[test]
fn the_latest_snapshots_of_a_history_are_shown_and_old_ones_removed() {
    let directory = tempfile::tempdir().unwrap();
    let history = directory.path().join("scout.db");
    let history = history.to_str().unwrap();
    for (organization, hours, counts) in [("acme", 48, "9C"), ("acme", 1, "5C"), ("apex", 72, "3C")]
    {
        let snapshot = snapshot(organization, hours, vec![stream("production", counts)]);
        let file = write(directory.path(), "snapshot.json", &snapshot);
        let (out, err) = scout(0, &["history", "import", history, "--file", &file]);
        assert_eq!((&*out, &*err), ("", "recorded 1 snapshot\n"));
    }
    let (out, _) = scout(0, &["overview", "--history", history]);
    assert!(out.contains("acme          production         5"), "{out}");
    assert!(out.contains("apex          production         3"), "{out}");
    assert!(!out.contains('9'), "{out}");

    let (_, err) = scout(0, &["history", "prune", history, "--older-than", "2d"]);
    assert_eq!(err, "removed 2 snapshots\n");
    let (out, err) = scout(1, &["overview", "--history", history, "--org", "acme,apex"]);
    assert!(out.contains("acme          production         5"), "{out}");
    assert_eq!(
        err,
        "error: organization `apex`: the history has no snapshot of it\n"
    );
}

#[test]
fn a_history_that_is_missing_or_empty_is_an_error_and_not_created() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scout.db");
    let history = path.to_str().unwrap();
    for arguments in [
        &["overview", "--history", history][..],
        &["history", "prune", history, "--older-than", "1d"],
    ] {
        let (_, err) = scout(1, arguments);
        let expected =
            format!("error: there is no history `{history}`: `scout history import` makes one\n");
        assert_eq!(err, expected);
        assert!(!path.exists());
    }
    scout(0, &["history", "import", history, "--demo"]);
    scout(0, &["history", "prune", history, "--older-than", "1h"]);
    scout(0, &["overview", "--history", history]);
}
