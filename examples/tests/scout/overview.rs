//! `scout overview`.

use scout_metrics_core::{Anomaly, AnomalyKind, MemorySource, Stream, VulnerabilityCounts};

use crate::{
    program::{TOKEN, example, serve},
    support::{result, scout, snapshot, stream, texts, write},
};

#[test]
fn shows_the_worst_streams_of_all_organizations_first_and_totals() {
    let directory = tempfile::tempdir().unwrap();
    let acme = snapshot(
        "acme",
        1,
        vec![
            stream("production", "0C 3H 6M 63L").with_policy(result("a", 1, 1)),
            stream("staging", "5C 17H 44M 98L 1?")
                .with_policy(result("a", 0, 2))
                .with_policy(result("b", 0, 0)),
        ],
    );
    let unknown = "1H".parse::<VulnerabilityCounts>().unwrap();
    let unknown = unknown.with_unrecognized("BLOCKER", 7).unwrap();
    let apex = snapshot(
        "apex",
        1,
        vec![
            Stream::new("\u{1b}[2Jnew\n")
                .with_vulnerabilities(unknown)
                .with_policy(result("a", 0, 0)),
            stream("empty", "-"),
        ],
    );
    let anomaly = Anomaly::new(AnomalyKind::UnknownFamily, "unknown metric family");
    let apex = apex.with_anomalies(vec![anomaly]);
    let files = [
        write(directory.path(), "acme.json", &acme),
        write(directory.path(), "apex.json", &apex),
    ];
    let (out, err) = scout(0, &["overview", "--file", &files[0], "--file", &files[1]]);
    let expected = r"
ORGANIZATION  STREAM          CRITICAL  HIGH  MEDIUM  LOW  UNSPECIFIED  UNKNOWN  POLICIES
acme          staging                5    17      44   98            1        -  1 of 1 fail
apex          \u{1b}[2Jnew\n         -     1       -    -            0        7  none evaluated
acme          production             0     3       6   63            0        -  0 of 1 fail
apex          empty                  -     -       -    -            -        -  -
total         4 streams              5    21      50  161            1        7  1 of 2 fail
";
    assert_eq!(out, expected.trim_start());
    assert_eq!(err, "warning: apex: 1 anomaly in what was received\n");
}

#[test]
fn shows_only_some_streams_and_says_which_are_missing() {
    let (out, _) = scout(
        0,
        &["overview", "--demo", "--env", "production", "--env=staging"],
    );
    assert!(
        out.contains("staging") && !out.contains("latest-indexed"),
        "{out}"
    );
    assert!(out.contains("total         2 streams"), "{out}");

    let (out, err) = scout(1, &["overview", "--demo", "--env", "prod"]);
    assert_eq!(out, "no streams\n");
    assert_eq!(err, "error: no organization has a stream `prod`\n");
}

#[test]
fn shows_twenty_streams_unless_all_are_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let streams = (0..25).map(|n| stream(&format!("stream {n}"), &format!("{n}C")));
    let file = write(
        directory.path(),
        "acme.json",
        &snapshot("acme", 0, streams.collect()),
    );
    let (out, _) = scout(0, &["overview", "--file", &file]);
    assert_eq!(out.lines().count(), 23);
    assert!(out.lines().nth(1).unwrap().contains("stream 24"), "{out}");
    assert!(out.ends_with("\n5 more; --all shows them\n"), "{out}");
    assert!(out.contains("25 streams       300"), "{out}");
    let (out, _) = scout(0, &["overview", "--file", &file, "--all"]);
    assert_eq!(out.lines().count(), 27);
}

#[test]
fn an_organization_that_fails_does_not_hide_the_others() {
    let acme = snapshot("acme", 0, vec![stream("production", "1C")]);
    let url = serve([MemorySource::new(acme)]);
    let output = example("scout")
        .args(["overview", "--url", &url, "--org", "acme,apex"])
        .env("DOCKER_SCOUT_TOKEN", TOKEN)
        .output();
    let (out, err) = texts(1, &output.unwrap());
    assert!(out.contains("acme          production"), "{out}");
    assert!(err.starts_with("error: organization `apex`: "), "{err}");
}

#[test]
fn the_demo_has_organizations_that_differ_and_one_that_fails() {
    let (out, err) = scout(1, &["overview", "--demo", "--org", "phoenix,nimbus"]);
    assert!(out.contains("\nphoenix       production "), "{out}");
    assert!(
        err.contains("organization `nimbus`: 503 Service Unavailable"),
        "{err}"
    );
}
