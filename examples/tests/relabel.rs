//! Runs the example `relabel`.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
#[path = "support/program.rs"]
mod program;

use std::{
    io::{Read, Write},
    process::{Output, Stdio},
};

use program::{example, stderr, stdout};

fn relabel(arguments: &[&str], input: &str) -> Output {
    let mut command = example("relabel");
    command.args(arguments);
    let pipes = [Stdio::piped(), Stdio::piped(), Stdio::piped()];
    let [stdin, stdout, stderr] = pipes;
    let mut child = command
        .stdin(stdin)
        .stdout(stdout)
        .stderr(stderr)
        .spawn()
        .unwrap();
    // The program may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

const METRICS: &str = "\
# HELP go_info The version.
# TYPE go_info gauge
go_info{version=\"1.26\"} 1
# TYPE wait histogram
wait_bucket{job=\"api\",le=\"+Inf\"} 9007199254740993 1700000000000
wait_sum{job=\"api\"} 0.10
wait_count{job=\"api\"} 9007199254740993
up 1
";

#[test]
fn adds_labels_and_leaves_out_families() {
    let output = relabel(
        &[
            "--drop",
            "go_info",
            "--label",
            "job=x=\"y\"",
            "--label",
            "cluster=eu-1",
        ],
        METRICS,
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let expected = "\
# TYPE wait histogram
wait_bucket{job=\"x=\\\"y\\\"\",le=\"+Inf\",cluster=\"eu-1\"} 9007199254740993 1700000000000
wait_sum{job=\"x=\\\"y\\\"\",cluster=\"eu-1\"} 0.10
wait_count{job=\"x=\\\"y\\\"\",cluster=\"eu-1\"} 9007199254740993
up{job=\"x=\\\"y\\\"\",cluster=\"eu-1\"} 1
";
    assert_eq!(stdout(&output), expected);
}

#[test]
fn leaves_out_a_histogram_by_the_name_of_its_family() {
    let output = relabel(&["--drop", "wait", "--drop", "go_info"], METRICS);
    assert_eq!(stdout(&output), "up 1\n");
}

#[test]
fn says_where_an_exposition_is_wrong() {
    let output = relabel(&["--format", "openmetrics"], "up 1\nup{ 1\n# EOF\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).starts_with("error: expected "),
        "{}",
        stderr(&output)
    );
    assert!(
        stderr(&output).contains("(line 2, column "),
        "{}",
        stderr(&output)
    );
    // Without `# EOF`, nobody takes it for the whole.
    assert!(!stdout(&output).contains("# EOF"));
}

#[test]
fn names_the_file_that_is_missing_and_the_option_that_is_invalid() {
    let output = relabel(&["/no/such/file"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("error: cannot read `/no/such/file`: "));
    let output = relabel(&["--label", "cluster"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("--label <NAME=VALUE>"),
        "{}",
        stderr(&output)
    );
    let output = relabel(&["--label", "__name__=x"], "up 1\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        "error: a sample cannot be written as prometheus-text-0.0.4: the label `__name__` is the name of the metric\n"
    );
}

#[test]
fn an_input_that_looks_like_openmetrics_is_noticed() {
    let note = "note: the input looks like OpenMetrics; --format openmetrics reads it as such\n";
    for (input, said) in [
        ("up 1\n# EOF\n", note),
        ("# UNIT up seconds\nup 1\n", note),
        ("# EOFs\nup 1\n", ""),
    ] {
        let output = relabel(&[], input);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(stdout(&output), input);
        assert_eq!(stderr(&output), said);
    }
    let output = relabel(&["--format", "openmetrics"], "up 1\n# EOF\n");
    assert_eq!(stderr(&output), "");
}

#[test]
fn a_closed_output_is_not_an_error() {
    let mut command = example("relabel");
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all("up 1\n".repeat(100_000).as_bytes());
    drop(stdin);
    let mut errors = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{errors}");
    assert_eq!(errors, "");
}
