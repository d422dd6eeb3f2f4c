//! `scout history`, and the histories that other commands read.

use scout_metrics_core::Snapshot;

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
    scout(
        0,
        &["history", "import", history, "--demo", "--org", "acme"],
    );
    scout(0, &["history", "prune", history, "--older-than", "1h"]);
    scout(0, &["overview", "--history", history]);
}

#[test]
fn the_demo_has_a_history_of_several_organizations() {
    let directory = tempfile::tempdir().unwrap();
    let history = directory.path().join("scout.db");
    let history = history.to_str().unwrap();
    let (_, err) = scout(0, &["history", "import", history, "--demo"]);
    assert_eq!(err, "recorded 2538 snapshots\n");
    let (out, _) = scout(0, &["overview", "--history", history, "--all"]);
    for name in ["acme", "brightside", "megacorp", "nimbus", "phoenix"] {
        assert!(
            out.contains(&format!("\n{name} ")),
            "{name} is missing in {out}"
        );
    }
    let earlier = ["--since", "91d", "--step", "1d", "--format", "json"];
    let export = [
        "history",
        "export",
        "--history",
        history,
        "--org",
        "phoenix",
    ];
    let (out, _) = scout(0, &[&export[..], &earlier].concat());
    let snapshots: Vec<Snapshot> = serde_json::from_str(&out).unwrap();
    assert!(snapshots[0].stream("legacy-shop").is_some());
    assert!(snapshots.last().unwrap().stream("legacy-shop").is_none());
}
