//! `scout since`.

use crate::support::{result, scout, snapshot, stream, write};

#[test]
fn shows_since_when_a_count_was_last_zero_and_a_policy_passed() {
    let directory = tempfile::tempdir().unwrap();
    let history = directory.path().join("scout.db");
    let history = history.to_str().unwrap();
    for (hours, counts, compliant) in [
        (240, "0C 2H", 2),
        (120, "1C 2H", 2),
        (30, "5C 2H", 1),
        (0, "2C 1H", 1),
    ] {
        let production = stream("production", counts).with_policy(result("root", compliant, 2));
        let snapshot = snapshot("acme", hours, vec![production, stream("clean", "0C")]);
        let file = write(directory.path(), "snapshot.json", &snapshot);
        scout(0, &["history", "import", history, "--file", &file]);
    }
    let (out, err) = scout(0, &["since", "--history", history]);
    assert_eq!(err, "");
    let cells: Vec<Vec<&str>> = out
        .lines()
        .map(|line| {
            line.split("  ")
                .filter(|cell| !cell.is_empty())
                .map(str::trim)
                .collect()
        })
        .collect();
    assert_eq!(cells[0], ["ORGANIZATION", "STREAM", "WHAT", "SINCE", "FOR"]);
    let without_time: Vec<[&str; 3]> = cells[1..]
        .iter()
        .map(|row| [row[1], row[2], row[4]])
        .collect();
    assert_eq!(
        without_time,
        [
            ["production", "CRITICAL", "5d"],
            ["production", "HIGH", "at least 10d"],
            ["production", "policy root", "30h"],
        ]
    );

    let (out, _) = scout(
        0,
        &[
            "since",
            "--history",
            history,
            "--json",
            "--env",
            "production",
        ],
    );
    assert_eq!(out.lines().count(), 3);
    let line: serde_json::Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(line["organization"], "acme");
    assert_eq!(line["severity"], "CRITICAL");
    assert!(line["last_clean"].is_string(), "{line}");

    let (out, _) = scout(0, &["since", "--history", history, "--lookback", "2d"]);
    assert!(
        out.lines().nth(1).unwrap().ends_with("at least 30h"),
        "{out}"
    );
    let (_, err) = scout(1, &["since", "--history", history, "--org", "apex"]);
    let expected = "error: organization `apex`: the history has no snapshot of it\n";
    assert_eq!(err, expected);
}
