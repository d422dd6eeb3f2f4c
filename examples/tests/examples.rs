//! Runs each example and checks its output and its exit status.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[cfg(unix)]
#[path = "support/login.rs"]
mod login;
#[path = "support/program.rs"]
mod program;
#[path = "support/watching.rs"]
mod watching;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use scout_metrics_core::{
    Error, ErrorKind, MemorySource, Organization, Policy, PolicyResult, Snapshot, Stream,
};
use scout_metrics_examples::sample;

use program::{TOKEN, example, serve, stderr, stdout};

#[test]
fn the_list_of_examples_is_complete() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(directory.join("Cargo.toml")).unwrap();
    let list = fs::read_to_string(directory.join("README.md")).unwrap();
    let mut names = manifest
        .split("[[example]]\nname = \"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .peekable();
    assert!(names.peek().is_some());
    for name in names {
        assert!(
            list.contains(&format!("cargo run --example {name}")),
            "{name}"
        );
    }
}

#[test]
fn help_documents_the_exit_status_of_each_example() {
    for name in [
        "custom_source",
        "embed",
        "inspect",
        "local_scans",
        "quickstart",
        "relabel",
        "report",
        "scout",
        "watch",
    ] {
        let output = example(name).arg("--help").output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains("Exit status:\n  0  "), "{name}");
    }
}

#[test]
fn each_example_has_a_version() {
    for name in [
        "custom_source",
        "embed",
        "exporter",
        "inspect",
        "push",
        "quickstart",
        "relabel",
        "scout",
        "watch",
    ] {
        let output = example(name).arg("--version").output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let expected = format!("{name} {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(stdout(&output), expected);
    }
}

mod quickstart {
    use super::*;

    fn quickstart(arguments: &[&str]) -> Output {
        example("quickstart").args(arguments).output().unwrap()
    }

    fn labs() -> Snapshot {
        let name = "\u{1b}[2J production\n, \"quoted\" {x=\"\\\"} 日本";
        let policy = Policy::new("no-agpl-v3", "No \u{202e}AGPL\0 v3");
        let stream = Stream::new(name)
            .with_vulnerabilities("5C 3H 6M 63L".parse().unwrap())
            .with_policy(PolicyResult::new(policy, 3, 4).unwrap());
        Snapshot::new(Organization::new("acme-labs").unwrap(), [stream]).unwrap()
    }

    #[test]
    fn prints_a_table_without_any_arguments() {
        let output = quickstart(&[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let (title, table) = stdout(&output).split_once("\n\n").unwrap();
        assert!(
            title.starts_with("acme, scraped 20") && title.ends_with(" UTC"),
            "{title}"
        );
        let expected = "\
latest-indexed                                   12C  40H  131M  310L  6?
  ✗ Default non-root user                        38/41   92.7 %
  ✓ No AGPL v3 licenses                          41/41  100.0 %
  ✗ No fixable critical or high vulnerabilities  29/41   70.7 %
  – Supply chain attestations                      0/0        –

production                                        0C   3H    6M   63L
  ✓ Default non-root user                        12/12  100.0 %
  ✓ No AGPL v3 licenses                          12/12  100.0 %
  ✓ No fixable critical or high vulnerabilities  12/12  100.0 %
  ✓ Supply chain attestations                    12/12  100.0 %

staging                                           5C  17H   44M   98L  1?
  ✗ Default non-root user                          7/9   77.8 %
  ✓ No AGPL v3 licenses                            9/9  100.0 %
  ✗ No fixable critical or high vulnerabilities    8/9   88.9 %
  ✗ Supply chain attestations                      0/9    0.0 %

3 streams, 12 policy results, 5 failing
";
        assert_eq!(table, expected);
        let talk =
            "no --org given: scraping an embedded endpoint with sample data at http://127.0.0.1:";
        assert!(stderr(&output).starts_with(talk), "{}", stderr(&output));
    }

    #[test]
    fn prints_the_snapshot_as_json_and_nothing_else() {
        let output = quickstart(&["--json"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let printed: Snapshot = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(printed.streams(), sample::snapshot().unwrap().streams());
        assert!(printed.anomalies().is_empty());
    }

    #[test]
    fn uses_colours_only_when_they_are_wanted() {
        let coloured = |variables: &[(&str, &str)]| {
            let output = example("quickstart")
                .envs(variables.iter().copied())
                .output()
                .unwrap();
            stdout(&output).contains('\u{1b}')
        };
        assert!(!coloured(&[]));
        assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
        assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    }

    #[test]
    fn uses_the_given_server_and_token() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        fs::write(&path, format!("{TOKEN}\r\n")).unwrap();
        let path = path.to_str().unwrap();
        let url = serve([MemorySource::new(labs())]);
        let arguments = ["--org", "acme-labs", "--url", &url, "--json"];
        let outputs = [
            quickstart(&[&arguments[..], &["--token-file", path]].concat()),
            example("quickstart")
                .args(arguments)
                .env("DOCKER_SCOUT_TOKEN_FILE", path)
                .output()
                .unwrap(),
            example("quickstart")
                .args(arguments)
                .env("DOCKER_SCOUT_TOKEN", TOKEN)
                .output()
                .unwrap(),
            example("quickstart")
                .args(&arguments[2..])
                .env("DOCKER_SCOUT_ORG", "acme-labs")
                .env("DOCKER_SCOUT_HUB_PASSWORD", TOKEN)
                .output()
                .unwrap(),
        ];
        for output in outputs {
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
            let printed: Snapshot = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(printed.organization().as_str(), "acme-labs");
            assert_eq!(printed.streams(), labs().streams());
        }
    }

    #[cfg(unix)]
    #[test]
    fn uses_the_credentials_of_docker_login_if_there_is_no_other_token() {
        let directory = tempfile::tempdir().unwrap();
        let url = serve([MemorySource::new(labs())]);
        let quickstart = |helper_says: &str, url: &str| {
            let mut command = example("quickstart");
            login::log_in(&mut command, directory.path(), helper_says);
            command.args(["--org", "acme-labs", "--url", url, "--json"]);
            command
        };
        let says_token = format!(r#"echo '{{"Username":"jane","Secret":"{TOKEN}"}}'"#);
        let output = quickstart(&says_token, &url).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let talk = "no --token-file, and none of DOCKER_SCOUT_TOKEN_FILE, DOCKER_SCOUT_TOKEN and \
            DOCKER_SCOUT_HUB_PASSWORD is set: using the credentials of `docker login`\n";
        assert_eq!(stderr(&output), talk);
        let asked = fs::read_to_string(directory.path().join("asked")).unwrap();
        assert_eq!(asked, "get https://index.docker.io/v1/\n");

        let mut with_token = quickstart("exit 1", &url);
        let output = with_token.env("DOCKER_SCOUT_TOKEN", TOKEN).output();
        assert_eq!(stderr(&output.unwrap()), "");

        let fails = |helper_says: &str, url: &str| {
            let output = quickstart(helper_says, url).output().unwrap();
            assert_eq!(output.status.code(), Some(1));
            assert_eq!(stdout(&output), "");
            let error = stderr(&output).trim_start_matches(talk);
            let path = directory.path().join("config.json");
            error.replace(&path.display().to_string(), "CONFIG")
        };
        assert_eq!(
            fails(
                &format!("echo 'failed with {TOKEN}'; echo {TOKEN} >&2; exit 1"),
                &url
            ),
            "error: organization `acme-labs`: cannot use the credentials of `docker login`: the credential helper \
             `docker-credential-fake` failed\n"
        );
        assert_eq!(
            fails(
                "echo 'credentials not found in native keychain'; exit 1",
                &url
            ),
            "error: organization `acme-labs`: cannot use the credentials of `docker login`: there is no login for Docker \
             Hub in `CONFIG`: run `docker login`, or give an access token\n"
        );
        assert_eq!(
            fails(r#"echo '{"Username":"jane","Secret":"revoked"}'"#, &url),
            "error: organization `acme-labs`: the token from `docker login` was refused (HTTP 401): check that it is \
             complete, not expired and not revoked\n  response from the server: credentials are required: a bearer token, or \
             HTTP Basic authentication with a user's password or a token as the password\n"
        );
        // Nobody else's server gets the credentials.
        fs::remove_file(directory.path().join("asked")).unwrap();
        assert_eq!(
            fails(&says_token, "https://gateway.example"),
            "error: no token for `https://gateway.example`: the credentials of `docker login` are sent to \
             `https://api.scout.docker.com` only, so give an access token\n"
        );
        assert!(!directory.path().join("asked").exists());
    }

    #[test]
    fn names_cannot_control_the_terminal() {
        let url = serve([MemorySource::new(labs())]);
        let output = example("quickstart")
            .args(["--org", "acme-labs", "--url", &url])
            .env("DOCKER_SCOUT_TOKEN", TOKEN)
            .output()
            .unwrap();
        let expected = r#"
\u{1b}[2J production\n, "quoted" {x="\"} 日本  5C  3H  6M  63L
  ✗ No \u{202e}AGPL\u{0} v3                    3/4   75.0 %

1 stream, 1 policy result, 1 failing
"#;
        let (_, table) = stdout(&output).split_once('\n').unwrap();
        assert_eq!(table, expected);
    }

    #[test]
    fn a_refused_token_is_exit_1_and_stays_secret() {
        let url = serve([MemorySource::new(labs())]);
        let output = example("quickstart")
            .args(["--org", "acme-labs", "--url", &url])
            .env("DOCKER_SCOUT_TOKEN", "dckr_pat_revoked")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        let said = stderr(&output);
        assert!(
            said.starts_with("error: organization `acme-labs`: "),
            "{said}"
        );
        assert!(!said.contains("dckr_pat_revoked"), "{said}");
    }

    #[test]
    fn a_missing_token_is_exit_1() {
        let output = quickstart(&["--org", "acme-labs"]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            stderr(&output),
            "no --token-file, and none of DOCKER_SCOUT_TOKEN_FILE, DOCKER_SCOUT_TOKEN and DOCKER_SCOUT_HUB_PASSWORD is \
             set: using the credentials of `docker login`\nerror: organization `acme-labs`: cannot use the credentials of \
             `docker login`: no such file `/no/such/directory/config.json`: run `docker login`, or give an access token\n"
        );
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let mut command = example("quickstart");
        for variable in ["ORG", "TOKEN_FILE", "TOKEN", "HUB_PASSWORD"] {
            command.env(format!("DOCKER_SCOUT_{variable}"), "");
        }
        let output = command.arg("--json").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stderr(&output).starts_with("no --org given"));
    }

    #[test]
    fn an_error_in_a_variable_names_the_variable() {
        let output = example("quickstart")
            .env("DOCKER_SCOUT_ORG", "Acme")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let reason = "invalid value 'Acme' for 'DOCKER_SCOUT_ORG': invalid organization name \"Acme\": expected \
                      lower-case letters and digits, separated by '.', '_', '__' or '-', found 'A' at byte 0";
        let expected = format!("error: {reason}\n\nFor more information, try '--help'.\n");
        assert_eq!(stderr(&output), expected);
    }

    #[test]
    fn an_invalid_command_line_is_exit_2() {
        for arguments in [
            &["--unknown"][..],
            &["--org", "../x"],
            &["--token-file", "token"],
            &["--url", "http://127.0.0.1"],
            &["acme"],
        ] {
            let output = quickstart(arguments);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            assert_eq!(stdout(&output), "");
            assert!(
                stderr(&output).starts_with("error: "),
                "{}",
                stderr(&output)
            );
        }
    }

    #[test]
    fn a_reader_that_closes_the_output_is_not_a_failure() {
        let mut process = example("quickstart")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(process.stdout.take());
        let output = process.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
}

mod watch {
    use super::*;
    use watching::{Watch, organization};

    #[cfg(unix)]
    #[test]
    fn prints_a_line_for_each_change_until_it_is_interrupted() {
        let memory = MemorySource::new(organization("acme", &[("production", "5C 3H")]));
        let url = serve([memory.clone()]);
        let mut watch = Watch::start(&["--org", "acme", "--url", &url, "--interval", "1s"]);
        watch.wait_for("watching acme: 1 stream, press Ctrl-C to stop");

        let after = [("production", "4C 3H"), ("\u{1b}[2J \u{202e}", "1L")];
        memory.set(Ok(organization("acme", &after)));
        let (time, line) = (watch.line(), watch.line());
        let (time, change) = time.split_once(' ').unwrap();
        assert!(time.starts_with("20") && time.ends_with('Z') && time.len() == 20);
        assert_eq!(change, "acme production: CRITICAL 5 -> 4 (-1)\n");
        let (_, change) = line.split_once(' ').unwrap();
        assert_eq!(change, "acme \\u{1b}[2J \\u{202e}: stream added, 1L\n");
        watch.interrupt();
    }

    #[cfg(unix)]
    #[test]
    fn prints_json_lines_of_several_organizations_and_goes_on_after_a_failure() {
        let acme = MemorySource::new(organization("acme", &[("production", "3H")]));
        let labs = MemorySource::new(organization("acme-labs", &[("production", "3H")]));
        let url = serve([acme.clone(), labs.clone()]);
        let arguments = ["--org=acme", "--org=acme-labs", "--interval=1s", "--json"];
        let mut watch = Watch::start(&[&arguments[..], &["--url", &url]].concat());
        watch.wait_for("watching acme");
        watch.wait_for("watching acme");

        for (name, memory) in [("acme", &acme), ("acme-labs", &labs)] {
            memory.set(Ok(organization(name, &[("production", "5H")])));
            let line: serde_json::Value = serde_json::from_str(&watch.line()).unwrap();
            let time = line["scraped_at"].as_str().unwrap();
            let expected = serde_json::json!({
                "organization": name, "scraped_at": time, "kind": "vulnerabilities_changed",
                "stream": "production", "severity": "HIGH", "before": 3, "after": 5,
            });
            assert_eq!(line, expected);
        }
        let denied = Error::new(ErrorKind::NotFound, "gone");
        acme.set(Err(denied));
        watch.wait_for("cannot refresh the snapshot");
        acme.set(Ok(organization("acme", &[("production", "6H")])));
        assert!(watch.line().contains(r#""before":5,"after":6"#));
        watch.interrupt();
    }

    #[test]
    fn watches_changing_metrics_without_any_arguments() {
        let mut watch = Watch::start(&[]);
        watch.wait_for(
            "no --org given: scraping an embedded endpoint, whose metrics change every 15s, at http://127.",
        );
        watch.wait_for("watching acme: 3 streams, press Ctrl-C to stop");
    }

    #[test]
    fn a_first_scrape_that_fails_is_exit_1() {
        let url = serve([MemorySource::new(organization("acme", &[]))]);
        let output = example("watch")
            .args(["--org", "acme", "--url", &url])
            .env("DOCKER_SCOUT_TOKEN", "dckr_pat_wrong")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        assert!(stderr(&output).contains("error: organization `acme`: the token"));
        assert!(!stderr(&output).contains("dckr_pat_wrong"));
    }

    #[test]
    fn an_invalid_interval_is_exit_2() {
        for interval in ["0s", "-5m", "soon", "", "999ms"] {
            let argument = format!("--interval={interval}");
            let output = example("watch").arg(argument).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{interval}");
            let reason = "expected a time of at least 1s, such as 90s, 60m or 1h30m";
            assert!(stderr(&output).contains(reason), "{}", stderr(&output));
        }
    }
}

mod local_scans {
    use super::*;

    #[test]
    fn prints_what_the_reports_say_and_a_verdict() {
        let output = example("local_scans").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let lines: Vec<_> = stdout(&output).lines().collect();
        let table = [
            "production                 0C  1H  1M  2L  2?",
            "  ✗ Default non-root user  1/2   50.0 %",
            "  ✓ no-agpl-v3-licenses    1/1  100.0 %",
            "",
            "staging                    2C  2H  1M  1L  1?",
        ];
        assert_eq!(lines[2..7], table);
        assert!(
            lines.contains(&"acme: passed, 1 of 1 rule passed"),
            "{lines:?}"
        );
    }

    #[test]
    fn a_report_that_cannot_be_read_is_exit_1() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("production");
        fs::create_dir(&path).unwrap();
        let path = path.join("api.sarif");
        fs::write(&path, "{").unwrap();
        let output = example("local_scans").arg(directory.path()).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            stderr(&output),
            format!(
                "error: organization `acme`: cannot read `{}`: EOF while parsing an object at line 1 column 1\n",
                path.display()
            )
        );
    }
}

mod report {
    use super::*;

    #[test]
    fn writes_a_report_and_a_chart_of_the_demo() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        let mut program = example("report");
        program.arg("-o").arg(path("report.html"));
        let output = program
            .arg("--chart")
            .arg(path("chart.svg"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let html = fs::read_to_string(path("report.html")).unwrap();
        for part in ["megacorp", "What to do first", "Trends over 90 days"] {
            assert!(html.contains(part), "{part}");
        }
        assert!(html.len() < 300_000, "{}", html.len());
        let svg = fs::read_to_string(path("chart.svg")).unwrap();
        assert!(svg.contains("<title>production</title>"), "{svg}");
        assert!(svg.contains("xmlns="), "{svg}");
    }

    #[cfg(feature = "png")]
    #[test]
    fn a_png_has_twice_the_size_of_the_chart() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        let mut program = example("report");
        program.arg("-o").arg(path("report.html"));
        let output = program
            .arg("--chart")
            .arg(path("chart.png"))
            .output()
            .unwrap();
        if stderr(&output).contains("no font is installed") {
            return eprintln!("SKIPPED: there are no fonts");
        }
        assert!(output.status.success(), "{}", stderr(&output));
        let png = fs::read(path("chart.png")).unwrap();
        assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
        assert_eq!(png[16..20], 1440_u32.to_be_bytes());
    }

    #[test]
    fn a_chart_is_a_picture() {
        let output = example("report").args(["--chart", "chart.jpg"]).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2));
        let message = "expected a name that ends in .svg or .png";
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
}

mod custom_source {
    use super::*;

    #[test]
    fn prints_what_a_scrape_of_its_endpoint_returns() {
        let output = example("custom_source").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let sample = r#"scout_stream_vulnerabilities{streamName="production",severity="LOW"} 63"#;
        assert!(stdout(&output).contains(sample), "{}", stdout(&output));
        let talk = "serving Cached(60s, ScanReport(acme)) at http://127.0.0.1:";
        assert!(stderr(&output).starts_with(talk), "{}", stderr(&output));
    }

    #[test]
    fn a_report_that_cannot_be_read_is_exit_1() {
        let output = example("custom_source")
            .arg("no such file")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        assert_eq!(
            stderr(&output),
            "error: organization `acme`: cannot read the scan report: No such file or directory (os error 2)\n"
        );
    }

    #[test]
    fn an_error_is_printed_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.txt");
        fs::write(&path, "production").unwrap();
        let output = example("custom_source").arg(path).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let reason = "line 1: expected a colon after the stream, found \"production\"";
        assert_eq!(
            stderr(&output),
            format!("error: organization `acme`: {reason}\n")
        );
    }

    #[test]
    fn a_token_that_no_header_can_hold_is_exit_2() {
        for token in ["", "a b", "é"] {
            let output = example("custom_source").args(["--token", token]).output();
            let output = output.unwrap();
            assert_eq!(output.status.code(), Some(2));
            assert!(stderr(&output).contains("for '--token <TOKEN>'"));
        }
    }

    #[cfg(unix)]
    #[test]
    fn serves_until_it_is_interrupted() {
        let mut process = example("custom_source")
            .arg("--serve")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut talk = BufReader::new(process.stderr.take().unwrap()).lines();
        assert!(talk.any(|line| line.unwrap() == "press Ctrl-C to stop"));
        assert!(process.try_wait().unwrap().is_none());

        let interrupted = Command::new("kill")
            .args(["-INT", &process.id().to_string()])
            .status();
        assert!(interrupted.unwrap().success());
        assert_eq!(process.wait().unwrap().code(), Some(0));
        let mut printed = String::new();
        process
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut printed)
            .unwrap();
        assert!(
            printed.contains("scout_stream_vulnerabilities{"),
            "{printed}"
        );
    }
}

mod inspect {
    use serde_json::{Value, json};

    use super::*;

    const HISTOGRAM: &str = r#"# TYPE request_seconds histogram
# UNIT request_seconds seconds
# HELP request_seconds How long requests took.
request_seconds_bucket{path="/",le="0.1"} 423 # {trace="KOO5"} 0.067 1520879607.789
request_seconds_bucket{path="/",le="+Inf"} 1423
request_seconds_sum{path="/"} 2000.25
request_seconds_count{path="/"} 1423
# TYPE build info
build_info{os="日本",note=""} 1
build_info{os="a\nb"} 1
# EOF
"#;

    fn inspect(input: &str, arguments: &[&str]) -> Output {
        let mut process = example("inspect")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        process
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        process.wait_with_output().unwrap()
    }

    #[test]
    fn prints_families_as_tables() {
        let expected = r#"request_seconds  histogram in seconds
How long requests took.
           path  le      value  exemplar
  _bucket  /     0.1       423  {trace="KOO5"} 0.067 at 1520879607.789
  _bucket  /     +Inf     1423
  _sum     /           2000.25
  _count   /              1423

build  info
         os    note  value
  _info  日本  ""        1
  _info  a\nb            1
"#;
        let output = inspect(HISTOGRAM, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(stdout(&output), expected);
        assert_eq!(stderr(&output), "");
        assert_eq!(stdout(&inspect("", &[])), "no families\n");
        assert_eq!(
            stdout(&inspect("# TYPE a gauge\n", &[])),
            "a  gauge\n  no samples\n"
        );
    }

    #[test]
    fn prints_canonical_json_on_one_line() {
        let input = "# HELP up a\\nb\nup{job=\"é\",a=\"\"} -Inf 1520879607789\n";
        let expected = concat!(
            r#"{"deviation_count":0,"deviations":[],"families":[{"help":"a\nb","name":"up","samples":[{"exemplar":null,"labels":{"a":"","job":"é"},"#,
            r#""name":"up","timestamp":"1520879607789","value":"-Inf"}],"type":"unknown","unit":""}],"#,
            r#""format":"prometheus-text-0.0.4","ok":true}"#,
            "\n"
        );
        let output = inspect(input, &["--json"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(stdout(&output), expected);

        let expected = concat!(
            r#"{"deviation_count":0,"deviations":[],"families":[{"help":"","name":"up","samples":[{"exemplar":{"labels":{"id":"1"},"timestamp":"1.5","#,
            r#""value":"1.0"},"labels":{},"name":"up_total","timestamp":"2","value":"0.1"}],"type":"counter","unit":""}],"#,
            r#""format":"openmetrics-1.0","ok":true}"#,
            "\n"
        );
        let input = "# TYPE up counter\nup_total 0.1 2 # {id=\"1\"} 1 1.5\n# EOF\n";
        assert_eq!(stdout(&inspect(input, &["--json"])), expected);
    }

    const COMPOSITE: &str = r#"# TYPE wait_seconds histogram
wait_seconds{path="/"} {count:3,sum:0.5,bucket:[0.1:1,+Inf:3]} 1520879609 st@1520430000.123 # {} 0.05 1520879607.7 # {id="1"} 0.2 1520879608
# TYPE size gaugehistogram
size {gcount:7,gsum:-2,schema:1,zero_threshold:0.001,zero_count:1,negative_spans:[1:1],negative_buckets:[2],positive_spans:[-1:1,1:1],positive_buckets:[0,4]}
# TYPE rpc summary
rpc{job="a"} {count:2,sum:9.5,quantile:[]}
rpc{job="b"} {count:0,sum:0,quantile:[0.5:NaN]}
# TYPE hits_total counter
hits_total 5 st@1.5
# EOF
"#;

    #[test]
    fn prints_composite_values_in_a_row_for_each_number() {
        let expected = r#"wait_seconds  histogram
  path          value  time        start           exemplar
  /     count       3  1520879609  1520430000.123  {} 0.05 at 1520879607.7
        sum       0.5                              {id="1"} 0.2 at 1520879608
        ≤ 0.1       1
        ≤ +Inf      3

size  gaugehistogram
                   value
  count                7
  sum                 -2
  [-1.41421, -1)       2
  [-0.001, 0.001]      1
  (0.5, 0.707107]      0
  (1, 1.41421]         4

rpc  summary
  job         value
  a    count      2
       sum      9.5
  b    count      0
       sum        0
       0.5      NaN

hits_total  counter
  value  start
      5  1.5
"#;
        let output = inspect(COMPOSITE, &["--mode", "lenient"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(stdout(&output), expected);
        let output = inspect(COMPOSITE, &["--format", "openmetrics2"]);
        assert_eq!(stdout(&output), expected);
    }

    #[test]
    fn writes_composite_values_again_and_as_series() {
        let output = inspect(COMPOSITE, &["--to", "openmetrics2"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(stdout(&output), COMPOSITE);

        let summary = "# TYPE rpc summary\nrpc {count:2,sum:3,quantile:[0.5:1]} st@4\n# EOF\n";
        let series = "# TYPE rpc summary\nrpc{quantile=\"0.5\"} 1\nrpc_count 2\nrpc_sum 3\nrpc_created 4\n# EOF\n";
        let output = inspect(summary, &["--to", "openmetrics"]);
        assert_eq!(stdout(&output), series);
        let output = inspect(series, &["--to", "openmetrics2"]);
        assert_eq!(stdout(&output), summary);
    }

    #[test]
    fn json_has_composite_values_with_the_fields_of_the_specification() {
        let json = read(COMPOSITE, &["--format", "openmetrics2"]);
        assert_eq!(json["format"], "openmetrics-2.0");
        let sample = |family: usize| &json["families"][family]["samples"][0];
        assert_eq!(
            *sample(0),
            json!({
                "exemplar": [
                    {"labels": {}, "timestamp": "1520879607.7", "value": "0.05"},
                    {"labels": {"id": "1"}, "timestamp": "1520879608", "value": "0.2"},
                ],
                "labels": {"path": "/"},
                "name": "wait_seconds",
                "start": "1520430000.123",
                "timestamp": "1520879609",
                "value": {"bucket": [["0.1", "1.0"], ["+Inf", "3.0"]], "count": "3.0", "sum": "0.5"},
            })
        );
        assert_eq!(
            sample(1)["value"],
            json!({
                "gcount": "7.0",
                "gsum": "-2.0",
                "negative_buckets": ["2.0"],
                "negative_spans": [[1, 1]],
                "positive_buckets": ["0.0", "4.0"],
                "positive_spans": [[-1, 1], [1, 1]],
                "schema": 1,
                "zero_count": "1.0",
                "zero_threshold": "0.001",
            })
        );
        assert_eq!(
            sample(2)["value"],
            json!({"count": "2.0", "quantile": [], "sum": "9.5"})
        );
        assert_eq!(
            *sample(3),
            json!({
                "exemplar": null,
                "labels": {},
                "name": "hits_total",
                "start": "1.5",
                "timestamp": null,
                "value": "5.0",
            })
        );
        let json = read("a 1\n# EOF\n", &["--format", "openmetrics2"]);
        assert_eq!(json["families"][0]["samples"][0]["start"], Value::Null);
    }

    fn read(input: &str, arguments: &[&str]) -> Value {
        let output = inspect(input, &[&["--json"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    #[test]
    fn every_value_of_a_duplicate_label_is_shown() {
        let input =
            "# TYPE purchases counter\npurchases{product=\"foo\",a=\"\",product=\"bar\"} 1\n";
        let json = read(input, &[]);
        assert_eq!(
            json["families"][0]["samples"][0]["labels"],
            json!({"a": "", "product": ["foo", "bar"]})
        );
        assert_eq!(
            json["deviations"],
            json!([{"line": 2, "rule": "duplicate_label"}])
        );

        let output = inspect(input, &[]);
        let table =
            "purchases  counter\n  product      a   value\n  \"foo\",\"bar\"  \"\"      1\n";
        assert_eq!(stdout(&output), table);
        assert!(
            stderr(&output).starts_with("warning: "),
            "{}",
            stderr(&output)
        );
    }

    #[test]
    fn json_has_each_deviation_with_its_line() {
        let input = "# HELP reads Reads\n# TYPE reads gauge\nreads{bucket=\"a\"} 1\n# HELP reads Reads\n\
                     # TYPE reads gauge\nreads{bucket=\"b\"} 2\n# TYPE other gauge\nother 1\n\
                     # TYPE reads gauge\nreads{bucket=\"c\"} 3\n";
        let json = read(input, &[]);
        let deviations = json["deviations"].as_array().unwrap();
        let lines: Vec<_> = deviations.iter().map(|found| &found["line"]).collect();
        assert!(!lines.is_empty() && lines.is_sorted_by_key(|line| line.as_u64()));
        assert!(deviations.contains(&json!({"line": 4, "rule": "duplicate_metadata"})));
        assert!(deviations.contains(&json!({"line": 5, "rule": "late_metadata"})));
        assert_eq!(json["deviation_count"], deviations.len());
        assert_eq!(json["families"][0]["samples"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn json_keeps_control_characters() {
        let value: String = ('\0'..='\u{9f}').chain(['\u{2028}', '\u{FEFF}']).collect();
        let escaped = value.replace('\\', r"\\").replace('"', "\\\"");
        let input = format!("a{{b=\"{}\"}} 1\n", escaped.replace('\n', "\\n"));
        let json = read(&input, &[]);
        assert_eq!(json["families"][0]["samples"][0]["labels"]["b"], value);
    }

    #[test]
    fn times_in_json_have_the_unit_of_the_format() {
        let time = |input, format| {
            let json = read(input, &["--format", format]);
            json["families"][0]["samples"][0]["timestamp"].clone()
        };
        assert_eq!(time("a 1 1500\n", "prometheus"), "1500");
        assert_eq!(time("a 1 1500.5\n", "prometheus"), "1500.5");
        assert_eq!(time("a 1 -0.5\n", "prometheus"), "-0.5");
        assert_eq!(time("a 1 1500.5\n# EOF\n", "openmetrics"), "1500.5");
        assert_eq!(time("a 1\n# EOF\n", "openmetrics"), Value::Null);
    }

    #[test]
    fn json_reports_unreadable_input_with_exit_0() {
        let json = read("up 1\nup{", &["--format", "openmetrics"]);
        let message = json["message"].as_str().unwrap();
        assert_eq!(
            json,
            json!({
                "column": 4,
                "error": format!("{message} (line 2, column 4)"),
                "format": "openmetrics-1.0",
                "kind": json["kind"],
                "line": 2,
                "message": message,
                "offset": 8,
                "ok": false,
                "rule": json["rule"],
            })
        );
        assert_eq!(
            (&json["kind"], &json["rule"]),
            (&json!("syntax"), &json!("label_name"))
        );
    }

    #[test]
    fn writes_the_exposition_again() {
        let output = inspect(HISTOGRAM, &["--to", "openmetrics"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(stdout(&output), HISTOGRAM);

        let output = inspect("# TYPE up gauge\nup 1\n# EOF\n", &["--to", "prometheus"]);
        assert_eq!(stdout(&output), "# TYPE up gauge\nup 1\n");

        let output = inspect(HISTOGRAM, &["--to", "prometheus"]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        let losses = "loss: family `request_seconds`: its unit `seconds` is left out\n\
                      loss: family `request_seconds`: 1 exemplar is left out\n\
                      loss: family `build`: its type changes from info to gauge\n";
        let reason = "error: prometheus-text-0.0.4 cannot express everything; --lossy accepts these losses\n";
        assert_eq!(stderr(&output), format!("{losses}{reason}"));

        let output = inspect(HISTOGRAM, &["--to", "prometheus", "--lossy"]);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(stderr(&output), losses);
        let expected = r#"# HELP request_seconds How long requests took.
# TYPE request_seconds histogram
request_seconds_bucket{path="/",le="0.1"} 423
request_seconds_bucket{path="/",le="+Inf"} 1423
request_seconds_sum{path="/"} 2000.25
request_seconds_count{path="/"} 1423
# TYPE build_info gauge
build_info{os="日本",note=""} 1
build_info{os="a\nb"} 1
"#;
        assert_eq!(stdout(&output), expected);
    }

    #[test]
    fn points_at_the_error() {
        let output = inspect("up 1\nup{job=\"日本\",x:\"b\"} 1\n", &[]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        let expected = r#"error: expected '=' after the label name "x", found ':' (line 2, column 14)
  up{job="日本",x:"b"} 1
                 ^
"#;
        assert_eq!(stderr(&output), expected);
    }

    #[test]
    fn forgives_with_a_warning_or_refuses() {
        let input = "a 1\n".repeat(30);
        let output = inspect(&input, &[]);
        assert_eq!(output.status.code(), Some(0));
        let said = stderr(&output);
        assert!(said.starts_with("warning: "), "{said}");
        assert!(
            said.contains("(line 2, column 1)\n")
                && said.ends_with("\nwarning: 9 more deviations\n"),
            "{said}"
        );

        let output = inspect(&input, &["--mode", "strict"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            stderr(&output).starts_with("error: "),
            "{}",
            stderr(&output)
        );
    }

    #[test]
    fn warnings_say_what_was_found_and_where() {
        let input = "\u{feff}# TYPE a gauge\na{x=\"1\"} 1\n# TYPE b gauge\nb 2\na{x=\"2\"} 3";
        let output = inspect(input, &[]);
        assert_eq!(output.status.code(), Some(0));
        let expected = "\
warning: the exposition starts with a byte order mark (line 1, column 1)
warning: family `a` is split: other families appear between its lines (line 5, column 1)
warning: the last line does not end in a line feed, so a part of it may be missing (line 5, column 11)
";
        assert_eq!(stderr(&output), expected);
    }

    #[test]
    fn prometheus_text_with_a_comment_that_says_eof_is_read_with_a_warning() {
        let output = inspect("# TYPE a untyped\na 1\n\nb 2 \n# EOF\n", &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let expected = "warning: read as Prometheus text although the exposition ends with `# EOF`: \
                        expected unknown, which OpenMetrics has in place of untyped, found \"untyped\" (line 1, column 10)\n";
        assert_eq!(stderr(&output), expected);
        assert!(stdout(&output).starts_with("a  unknown\n"));

        let output = inspect("a 1 1520879607\n", &["--json"]);
        let expected = "warning: times are in 1970: they look like seconds, which OpenMetrics has, \
                        and Prometheus text has milliseconds\n";
        assert_eq!(stderr(&output), expected);
    }

    #[test]
    fn a_limit_can_be_raised() {
        let input = format!("a{{b=\"{}\"}} 1\n", "x".repeat(300_000));
        let output = inspect(&input, &[]);
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        assert!(
            said.starts_with("error: the label value is longer than the limit of 262144 bytes")
                && said.ends_with("\n  `--limit value-length=NUMBER` raises the limit\n"),
            "{said}"
        );
        let output = inspect(&input, &["--limit", "value-length=400000"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

        let output = inspect("", &["--limit", "lines=1"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            stderr(&output).contains("unknown limit `lines`, expected one of families, labels,")
        );
    }

    #[test]
    fn the_format_is_guessed_by_the_last_line_unless_it_is_given() {
        let format = |input, arguments: &[&str]| {
            let output = inspect(input, &[&["--json"], arguments].concat());
            let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            json["format"].as_str().unwrap().to_owned()
        };
        assert_eq!(format("up 1\n# EOF\n", &[]), "openmetrics-1.0");
        assert_eq!(format("up 1\n", &[]), "prometheus-text-0.0.4");
        assert_eq!(
            format("up 1\n# EOF\n", &["--format", "prometheus"]),
            "prometheus-text-0.0.4"
        );
        assert_eq!(
            format("up 1\n", &["--format", "openmetrics"]),
            "openmetrics-1.0"
        );
    }

    #[test]
    fn many_different_labels_share_a_column() {
        let samples: String = (0..40)
            .map(|n| format!("up{{label{n}=\"\"}} 1\n"))
            .collect();
        let output = inspect(&samples, &[]);
        let table = stdout(&output);
        assert!(
            table.starts_with("up  unknown\n  labels        value\n  {label0=\"\"}       1\n"),
            "{table}"
        );
    }

    #[test]
    fn an_unreadable_file_is_named_in_the_error() {
        let output = example("inspect").arg("no such file").output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            stderr(&output),
            "error: cannot read `no such file`: No such file or directory (os error 2)\n"
        );
    }

    #[test]
    fn a_dash_is_standard_input() {
        let output = inspect("up 1\n", &["-"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(stdout(&output), stdout(&inspect("up 1\n", &[])));
    }
}
