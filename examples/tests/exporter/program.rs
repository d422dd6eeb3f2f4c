//! The program itself: options, output, exit status.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Output,
};

use serde_json::Value;

use scout_metrics_core::{
    Anomaly, AnomalyKind, Error, ErrorKind, Organization, RawSample, Snapshot, Stream,
};
use scout_metrics_examples::sample;

use crate::support::{
    METRICS, UPSTREAM_TOKEN, Upstream, eventually, examples, exporter, get, start_exporter, write,
};

fn run(arguments: &[&str]) -> Output {
    exporter().args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

fn assert_refused(output: &Output, reason: &str) {
    assert_eq!(stderr(output), reason);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(output), "");
}

fn snapshot(stream: &str) -> Snapshot {
    let stream = Stream::new(stream).with_vulnerabilities("5C 3H".parse().unwrap());
    Snapshot::new(Organization::new("acme").unwrap(), [stream]).unwrap()
}

mod options {
    use super::*;

    /// The cells of a row: option, variable, default and meaning. The third cell is a key of the file.
    type Row = [String; 4];

    fn rows_of_help() -> BTreeSet<Row> {
        let output = run(&["--help"]);
        assert_eq!(output.status.code(), Some(0));
        let (_, options) = stdout(&output).split_once("Options:\n").unwrap();
        let (options, _) = options.split_once("\n  -h, --help").unwrap();
        options
            .split("\n      --")
            .map(|option| row_of_help(option.trim_start().trim_start_matches("--")))
            .collect()
    }

    fn row_of_help(option: &str) -> Row {
        let mut lines = option.lines().map(str::trim);
        let name = lines.next().unwrap().replace(['<', '>'], "");
        let meaning = lines.next().unwrap();
        let (meaning, default) = match meaning.split_once(" [default: ") {
            Some((meaning, default)) => (meaning, default.strip_suffix(']').unwrap()),
            None => (meaning, "–"),
        };
        let variable = lines.find_map(|line| line.strip_prefix("[env: ")?.split('=').next());
        let variable = variable.map_or("–".to_owned(), |name| format!("`{name}`"));
        [
            format!("`--{name}`"),
            variable,
            default.to_owned(),
            meaning.to_owned(),
        ]
    }

    fn table() -> Vec<[String; 5]> {
        let readme = fs::read_to_string(examples().join("exporter/README.md")).unwrap();
        let rows = readme.lines().filter(|line| line.starts_with("| `--"));
        rows.map(|line| {
            let cells = line.trim_matches(['|', ' ']).split(" | ");
            let cells: Vec<String> = cells.map(str::to_owned).collect();
            cells.try_into().unwrap()
        })
        .collect()
    }

    #[test]
    fn the_table_of_options_matches_help() {
        let table = table().into_iter();
        let table = table
            .map(|[option, variable, _, default, meaning]| [option, variable, default, meaning]);
        let rows: BTreeSet<Row> = table.collect();
        assert!(rows.len() > 10);
        assert_eq!(rows, rows_of_help());
    }

    #[test]
    fn the_file_accepts_exactly_the_keys_of_the_table() {
        let directory = tempfile::tempdir().unwrap();
        let keys = table().into_iter().map(|[_, _, key, ..]| key);
        let mut known = 0;
        for key in keys.filter(|key| key.contains('.') && !key.contains("NAME")) {
            // No option is a date, so a known key is refused for another reason.
            let text = format!("{} = 2024-05-01\n", key.trim_matches('`'));
            let path = write(directory.path(), "exporter.toml", &text);
            let output = run(&["--config.file", &path, "--check-config"]);
            assert_eq!(output.status.code(), Some(2));
            assert!(!stderr(&output).contains("unknown field"), "{key}");
            known += 1;
        }
        assert_eq!(known, 18);
        let expected = "expected one of `token_file`, `url`, `ca_file`, `scans`, `interval`, `timeout`, `max_stale`";
        let path = write(
            directory.path(),
            "exporter.toml",
            "[scout]\ntoken = \"x\"\n",
        );
        let output = run(&["--config.file", &path]);
        assert_refused(
            &output,
            &format!("error: `{path}`, line 2, `scout`: unknown field `token`, {expected}\n"),
        );
    }

    #[test]
    fn the_sample_file_is_valid() {
        let directory = tempfile::tempdir().unwrap();
        for token in [
            "docker_pat",
            "docker_pat_labs",
            "scrape_token",
            "scrape_token_labs",
        ] {
            write(directory.path(), token, "s3cr3t\n");
        }
        let sample = fs::read_to_string(examples().join("exporter/exporter.toml")).unwrap();
        let path = write(directory.path(), "exporter.toml", &sample);
        let output = run(&["--config.file", &path, "--check-config"]);
        let [all, labs] =
            ["scrape_token", "scrape_token_labs"].map(|name| directory.path().join(name));
        let expected = format!(
            "\
the configuration is valid
  organizations: acme, acme-labs
  listen addresses: 127.0.0.1:10990
  bearer token files: {}, {}
",
            all.display(),
            labs.display()
        );
        assert_eq!(stdout(&output), expected, "{}", stderr(&output));
        assert_eq!(output.status.code(), Some(0));
    }

    #[test]
    fn the_command_line_overrides_the_environment_and_the_environment_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let text = "[web]\nlisten_address = [\":3\"]\n[organization.of-file]\n";
        let path = write(directory.path(), "exporter.toml", text);
        let organizations = |variable: Option<&str>, arguments: &[&str]| {
            let mut command = exporter();
            command.args(["--demo", "--check-config", "--config.file", &path]);
            if let Some(variable) = variable {
                command.env("SCOUT_EXPORTER_ORG", variable);
                command.env("SCOUT_EXPORTER_WEB_LISTEN_ADDRESS", "localhost:2,[::1]:2");
            }
            let output = command.args(arguments).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
            let shown = stdout(&output).lines().skip(1).take(2).map(str::trim);
            shown.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(
            organizations(None, &[]),
            "organizations: of-file, listen addresses: :3"
        );
        assert_eq!(
            organizations(Some("b,a"), &[]),
            "organizations: a, b, listen addresses: localhost:2, [::1]:2"
        );
        assert_eq!(
            organizations(Some("b,a"), &["--org", "c", "--web.listen-address", ":1"]),
            "organizations: c, listen addresses: :1"
        );
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        for [_, variable, ..] in table() {
            let Some(variable) = variable.strip_prefix('`') else {
                continue;
            };
            for blank in ["", " \t"] {
                let mut command = exporter();
                command.args(["--demo", "--check-config"]);
                let output = command.env(variable.trim_end_matches('`'), blank).output();
                let output = output.unwrap();
                assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
                assert!(stdout(&output).contains("organizations: acme\n"));
            }
        }
    }

    #[test]
    fn blanks_around_the_values_of_a_variable_are_ignored() {
        let output = exporter()
            .args(["--check-config", "--demo"])
            .env("SCOUT_EXPORTER_ORG", " acme , acme-labs\n")
            .env("SCOUT_EXPORTER_WEB_LISTEN_ADDRESS", ":1, localhost:2")
            .env("SCOUT_EXPORTER_INTERVAL", "5m ")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let expected = "organizations: acme, acme-labs\n  listen addresses: :1, localhost:2\n";
        assert!(stdout(&output).contains(expected), "{}", stdout(&output));
    }

    #[test]
    fn a_variable_turns_the_demo_on_and_off() {
        for (value, status) in [("true", 0), ("YES", 0), ("1", 0), ("off", 2), ("0", 2)] {
            let mut command = exporter();
            command.arg("--check-config");
            let output = command.env("SCOUT_EXPORTER_DEMO", value).output().unwrap();
            assert_eq!(output.status.code(), Some(status), "{value}");
        }
    }

    #[test]
    fn an_error_names_the_option_the_variable_or_the_key() {
        let reason = "expected a time of at least 1s, such as 90s, 60m or 1h30m";
        let help = "\n\nFor more information, try '--help'.\n";
        for value in ["0s", "999ms", "soon"] {
            let option = format!("--interval={value}");
            assert_refused(
                &run(&["--demo", &option]),
                &format!("error: invalid value '{value}' for '--interval <TIME>': {reason}{help}"),
            );
            let mut command = exporter();
            command.arg("--demo").env("SCOUT_EXPORTER_INTERVAL", value);
            assert_refused(
                &command.output().unwrap(),
                &format!(
                    "error: invalid value '{value}' for 'SCOUT_EXPORTER_INTERVAL': {reason}{help}"
                ),
            );
            let directory = tempfile::tempdir().unwrap();
            let text = format!("\n[organization.acme]\ninterval = \"{value}\"\n");
            let path = write(directory.path(), "exporter.toml", &text);
            assert_refused(
                &run(&["--demo", "--config.file", &path]),
                &format!("error: `{path}`, line 3, `organization.acme.interval`: {reason}\n"),
            );
        }
        for (variable, value) in [
            ("SCOUT_EXPORTER_DEMO", "maybe"),
            ("SCOUT_EXPORTER_LOG_LEVEL", "loud"),
            ("SCOUT_EXPORTER_ORG", "acme,Labs"),
            ("SCOUT_EXPORTER_ORG", "acme,,labs"),
            ("SCOUT_EXPORTER_WEB_LISTEN_ADDRESS", "10990"),
        ] {
            let output = exporter().env(variable, value).output().unwrap();
            assert_eq!(output.status.code(), Some(2));
            let said = stderr(&output);
            assert!(said.contains(&format!("for '{variable}'")), "{said}");
            assert!(
                !said.contains("--org") && !said.contains("--demo"),
                "{said}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_unicode_is_named() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

        for variable in [
            "SCOUT_EXPORTER_DEMO",
            "SCOUT_EXPORTER_ORG",
            "SCOUT_EXPORTER_INTERVAL",
        ] {
            let mut command = exporter();
            command.env(variable, OsStr::from_bytes(b"\xff"));
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(2));
            let reason = format!("error: the value of '{variable}' is not valid UTF-8\n");
            assert!(stderr(&output).starts_with(&reason), "{}", stderr(&output));
        }
    }

    #[test]
    fn help_and_version_need_no_valid_variable() {
        for option in ["--help", "--version"] {
            let mut command = exporter();
            command.arg(option).env("SCOUT_EXPORTER_INTERVAL", "soon");
            assert_eq!(command.output().unwrap().status.code(), Some(0));
        }
    }

    #[test]
    fn an_option_that_is_missing_is_named_in_every_form() {
        let said = |arguments: &[&str]| {
            let output = run(&[&["--demo", "--check-config"], arguments].concat());
            assert_eq!(output.status.code(), Some(2));
            stderr(&output).to_owned()
        };
        assert_eq!(
            said(&["--web.tls-cert-file", "x"]),
            "error: TLS has no private key: give --web.tls-key-file FILE, set SCOUT_EXPORTER_WEB_TLS_KEY_FILE, or write \
             web.tls_key_file into the configuration file\n"
        );
        assert_eq!(
            said(&["--web.tls-key-file", "x"]),
            "error: TLS has no certificate: give --web.tls-cert-file FILE, set SCOUT_EXPORTER_WEB_TLS_CERT_FILE, or \
             write web.tls_cert_file into the configuration file\n"
        );
        let directory = tempfile::tempdir().unwrap();
        let text = "[web.organization_bearer_token_file]\nlabs = \"token\"\n";
        let path = write(directory.path(), "exporter.toml", text);
        assert_eq!(
            said(&["--config.file", &path]),
            "error: web.organization_bearer_token_file: `labs` is not fetched; write [organization.labs] into the \
             configuration file, or remove its token\n"
        );
    }

    #[test]
    fn advice_names_no_method() {
        let upstream = Upstream::start(snapshot("production"));
        for url in ["http://scout.example", "scout.example"] {
            let mut command = upstream.exporter();
            command.args(["--org", "acme", "--check-config"]);
            let output = command.env("SCOUT_EXPORTER_URL", url).output().unwrap();
            assert!(!stderr(&output).contains("with_"), "{}", stderr(&output));
        }
    }

    #[test]
    fn invalid_settings_are_exit_2_with_a_reason() {
        assert_refused(
            &run(&[]),
            "error: no organization: give --org NAME, set SCOUT_EXPORTER_ORG, or write [organization.NAME] into \
             the configuration file; --demo needs none\n",
        );
        assert_refused(
            &run(&["--org", "acme"]),
            "error: no token for Docker Scout: give --token-file FILE, set SCOUT_EXPORTER_TOKEN_FILE or \
             DOCKER_SCOUT_TOKEN_FILE, or write scout.token_file into the configuration file; --demo needs none\n",
        );
        assert_refused(
            &run(&["--org", "acme", "--token-file", "no such file"]),
            "error: cannot use the token file: no such file `no such file`: create it, or correct the path\n",
        );
        for (arguments, reason) in [
            (["--org", "../x"], "invalid organization name \"../x\""),
            (
                ["--timeout", "-1s"],
                "expected a time above zero, such as 90s, 60m or 1h30m",
            ),
            (
                ["--web.listen-address", "::1:80"],
                "expected HOST:PORT, [IPV6]:PORT or :PORT",
            ),
            (
                ["--web.listen-address", "host"],
                "expected HOST:PORT, [IPV6]:PORT or :PORT",
            ),
            (
                ["--log.level", "loud"],
                "invalid value 'loud' for '--log.level <LEVEL>'",
            ),
        ] {
            let option = format!("{}={}", arguments[0], arguments[1]);
            let output = run(&[&option, "--demo", "--check-config"]);
            assert_eq!(output.status.code(), Some(2), "{option}");
            assert!(stderr(&output).contains(reason), "{}", stderr(&output));
        }
    }

    #[test]
    fn an_unusable_bearer_token_file_is_exit_2() {
        let directory = tempfile::tempdir().unwrap();
        let path = write(directory.path(), "token", "\n");
        let output = run(&["--demo", "--check-config", "--web.bearer-token-file", &path]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(&path), "{}", stderr(&output));
    }
}

mod once {
    use super::*;

    #[test]
    fn prints_the_exposition_of_one_organization_as_docker_scout_would() {
        let upstream = Upstream::start(sample::snapshot().unwrap());
        let output = upstream
            .exporter()
            .args(["--org", "acme", "--once"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let expected = scout_metrics_openmetrics::scout::encode(
            &sample::snapshot().unwrap(),
            scout_metrics_openmetrics::Format::Prometheus,
        );
        assert_eq!(output.stdout, **expected.body());
    }

    #[test]
    fn prints_each_family_of_several_organizations_once() {
        let output = run(&["--demo", "--once", "--org", "acme", "--org", "acme-labs"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let count = |text: &str| stdout(&output).matches(text).count();
        assert_eq!(count("# TYPE scout_stream_vulnerabilities gauge\n"), 1);
        let sample = |org| format!("scout_stream_vulnerabilities{{org=\"{org}\",streamName=");
        assert_eq!(count(&sample("acme")), count(&sample("acme-labs")));
        assert!(count(&sample("acme")) > 0);
    }

    #[test]
    fn the_reports_of_scanners_need_no_token() {
        let scans = examples().join("local_scans/scans");
        let output = run(&[
            "--once",
            "--org",
            "acme",
            "--scans",
            scans.to_str().unwrap(),
        ]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let sample = r#"scout_policy_evaluated_images{id="default-non-root-user",displayName="default-non-root-user",streamName="production"} 2"#;
        assert!(stdout(&output).contains(sample), "{}", stdout(&output));
    }

    #[test]
    fn two_organizations_with_the_same_reports_are_exit_2() {
        let output = run(&[
            "--once", "--org", "acme", "--org", "apex", "--scans", "scans",
        ]);
        assert_eq!(output.status.code(), Some(2));
        let reason = "`acme` and `apex` have the same reports, `scans`";
        assert!(stderr(&output).contains(reason), "{}", stderr(&output));
    }

    #[test]
    fn a_refused_token_is_exit_1_and_stays_secret() {
        let upstream = Upstream::start(snapshot("production"));
        upstream.write("upstream-token", "dckr_pat_revoked");
        let output = upstream
            .exporter()
            .args(["--org", "acme", "--once"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        let said = stderr(&output);
        assert!(said.contains("error: organization `acme`: "), "{said}");
        assert!(!said.contains("dckr_pat_revoked"), "{said}");
    }

    #[test]
    fn prints_what_was_fetched_and_says_what_was_not() {
        let upstream = Upstream::start(snapshot("production"));
        let output = upstream
            .exporter()
            .args(["--org", "acme", "--org", "labs", "--org", "other", "--once"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        for line in [
            r#"scout_stream_vulnerabilities{org="acme",streamName="production",severity="HIGH"} 3"#,
            r#"scout_exporter_up{org="acme"} 1"#,
            r#"scout_exporter_up{org="labs"} 0"#,
            r#"scout_exporter_up{org="other"} 0"#,
        ] {
            assert!(stdout(&output).lines().any(|found| found == line), "{line}");
        }
        for organization in ["labs", "other"] {
            let error = format!("error: organization `{organization}`: the server knows no such");
            let said = stderr(&output);
            assert_eq!(said.matches(&error).count(), 1, "{said}");
        }
        assert!(!stderr(&output).contains("`acme`"), "{}", stderr(&output));
    }

    #[test]
    fn renames_samples_with_the_names_of_its_own_metrics() {
        let own = Snapshot::new(Organization::new("acme").unwrap(), []).unwrap();
        let sample = RawSample::new("scout_exporter_up", Vec::new(), 0.0);
        let anomaly = Anomaly::new(AnomalyKind::UnknownFamily, "unknown").with_unplaced(sample);
        let upstream = Upstream::start(own.with_anomalies(vec![anomaly]));
        let output = upstream
            .exporter()
            .args(["--org", "acme", "--org", "labs", "--once"])
            .output()
            .unwrap();
        let has = |line: &str| stdout(&output).lines().any(|found| found == line);
        assert!(has(r#"exported_scout_exporter_up{org="acme"} 0"#));
        assert!(has(r#"scout_exporter_up{org="acme"} 1"#));
    }
}

#[cfg(target_os = "linux")]
mod closed_output {
    use std::fs::File;

    use super::*;

    /// Returns a file that cannot be written, because its disk is full.
    fn full() -> File {
        File::options().write(true).open("/dev/full").unwrap()
    }

    fn said_with_full_output(mut command: std::process::Command) -> (Option<i32>, String) {
        let output = command.stdout(full()).output().unwrap();
        (output.status.code(), stderr(&output).to_owned())
    }

    const CANNOT_WRITE: &str =
        "error: cannot write to standard output: No space left on device (os error 28)\n";

    #[test]
    fn a_check_says_that_it_cannot_be_written() {
        let mut command = exporter();
        command.args(["--demo", "--check-config"]);
        let said = said_with_full_output(command);
        assert_eq!(said, (Some(1), CANNOT_WRITE.to_owned()));
    }

    #[test]
    fn an_exporter_is_healthy_even_if_nobody_can_read_it() {
        let (_running, address) = start_exporter(exporter().arg("--demo"));
        let mut command = exporter();
        command.args(["healthcheck", "--web.listen-address", &address]);
        assert_eq!(said_with_full_output(command), (Some(0), String::new()));
    }

    #[test]
    fn what_was_not_fetched_is_said_even_if_the_rest_cannot_be_written() {
        let upstream = Upstream::start(snapshot("production"));
        let mut command = upstream.exporter();
        command.args(["--once", "--org", "acme", "--org", "labs"]);
        let (code, said) = said_with_full_output(command);
        assert_eq!(code, Some(1));
        assert!(said.contains("error: organization `labs`: "), "{said}");
        assert!(said.ends_with(CANNOT_WRITE), "{said}");
    }

    #[test]
    fn the_exit_status_does_not_depend_on_standard_error() {
        let mut command = exporter();
        command.args(["--demo", "--config.file", "missing.toml"]);
        let status = command.stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(2));
    }
}

#[cfg(unix)]
mod serving {
    use super::*;

    #[test]
    fn serves_the_metrics_of_the_upstream_until_it_is_stopped() {
        let upstream = Upstream::start(snapshot("production"));
        let (running, address) = start_exporter(upstream.exporter().args(["--org", "acme"]));
        let (status, body) = get(&address, METRICS, None);
        assert_eq!(status, 200, "{body}");
        let sample =
            r#"scout_stream_vulnerabilities{streamName="production",severity="CRITICAL"} 5"#;
        assert!(body.contains(sample), "{body}");
        assert_eq!(get(&address, "/v1/exporter/org/other/metrics", None).0, 404);

        let (status, log) = running.signal("TERM");
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains("stopping signal=\"SIGTERM\""), "{log}");
        assert!(!log.contains(UPSTREAM_TOKEN));
    }

    #[test]
    fn ctrl_c_stops_it_too() {
        let (running, _) = start_exporter(exporter().arg("--demo"));
        let (status, log) = running.signal("INT");
        assert_eq!(status.code(), Some(0), "{log}");
    }

    #[test]
    fn listens_on_every_address_and_logs_them() {
        let mut command = exporter();
        command.args(["--demo", "--web.listen-address", ":0"]);
        let (mut running, first) = start_exporter(&mut command);
        let second = running.logged("listening address=http://");
        // The first address is all interfaces, including those of IPv6 if the machine has it.
        let port = first.rsplit_once(':').unwrap().1;
        assert_eq!(get(&format!("127.0.0.1:{port}"), METRICS, None).0, 200);
        assert_eq!(get(&second, METRICS, None).0, 200);
        let (_, log) = running.signal("TERM");
        let warning = "everyone who can connect may read all metrics";
        assert_eq!(log.matches(warning).count(), 1, "{log}");
    }

    #[test]
    fn requires_one_of_the_bearer_tokens_from_scrapers() {
        let directory = tempfile::tempdir().unwrap();
        let [old, new] = ["old", "new"].map(|name| write(directory.path(), name, name));
        let mut command = exporter();
        command.args(["--demo", "--web.bearer-token-file", &old]);
        let (_running, address) = start_exporter(command.args(["--web.bearer-token-file", &new]));
        for (token, expected) in [
            (None, 401),
            (Some("other"), 401),
            (Some("old"), 200),
            (Some("new"), 200),
        ] {
            assert_eq!(get(&address, METRICS, token).0, expected, "{token:?}");
        }
    }

    #[test]
    fn a_bearer_token_of_an_organization_admits_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "labs", "s3cr3t");
        let text = "[web.organization_bearer_token_file]\nacme-labs = \"labs\"\n";
        let path = write(directory.path(), "exporter.toml", text);
        let mut command = exporter();
        command.args(["--demo", "--config.file", &path, "--org", "acme,acme-labs"]);
        let (_running, address) = start_exporter(&mut command);
        let labs = "/v1/exporter/org/acme-labs/metrics";
        assert_eq!(get(&address, labs, None).0, 401);
        assert_eq!(get(&address, labs, Some("s3cr3t")).0, 200);
        assert_eq!(get(&address, METRICS, Some("s3cr3t")).0, 401);
        assert_eq!(get(&address, "/metrics", Some("s3cr3t")).0, 401);
    }

    #[test]
    fn each_organization_can_have_its_own_options() {
        let upstream = Upstream::start(snapshot("production"));
        let text = format!(
            "\
[scout]
url = \"{}\"
token_file = \"upstream-token\"

[organization.acme]

[organization.acme-labs]
token_file = \"other-token\"
",
            upstream.url
        );
        let path = upstream.write("exporter.toml", &text);
        upstream.write("other-token", "dckr_pat_of_labs");
        let (_running, address) = start_exporter(exporter().args(["--config.file", &path]));
        assert_eq!(get(&address, METRICS, None).0, 200);
        // The upstream does not know this token.
        let (status, body) = get(&address, "/v1/exporter/org/acme-labs/metrics", None);
        assert_eq!(status, 502, "{body}");
    }

    #[test]
    fn fetches_again_after_the_interval_and_serves_the_last_answer_while_fetches_fail() {
        let upstream = Upstream::start(snapshot("production"));
        let mut command = upstream.exporter();
        command.args(["--org", "acme", "--interval", "1s", "--max-stale", "2s"]);
        command.args(["--timeout", "1s"]);
        let (_running, address) = start_exporter(&mut command);
        assert!(get(&address, METRICS, None).1.contains("production"));

        upstream.source.set(Ok(snapshot("staging")));
        eventually("the new stream is served", || {
            get(&address, METRICS, None)
                .1
                .contains("staging")
                .then_some(())
        });
        upstream
            .source
            .set(Err(Error::new(ErrorKind::Unavailable, "down")));
        let mut stale = 0;
        eventually("the last answer is too old", || {
            let (status, body) = get(&address, METRICS, None);
            stale += usize::from(status == 200);
            assert!(status == 200 || status == 503, "{status} {body}");
            (status == 503).then_some(())
        });
        assert!(stale > 5, "{stale}");
        upstream.source.set(Ok(snapshot("staging")));
        eventually("it recovers", || {
            (get(&address, METRICS, None).0 == 200).then_some(())
        });
    }

    #[test]
    fn an_address_that_is_taken_is_exit_1() {
        let (_running, address) = start_exporter(exporter().arg("--demo"));
        let output = run(&[
            "--demo",
            "--web.listen-address",
            &address,
            "--log.level",
            "error",
        ]);
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        let expected = format!("error: cannot listen on {address}: ");
        assert!(said.starts_with(&expected), "{said}");
    }

    #[test]
    fn logs_are_json_on_request() {
        let mut command = exporter();
        command.args([
            "--demo",
            "--log.format",
            "json",
            "--web.listen-address",
            "127.0.0.1:0",
        ]);
        let mut running = crate::support::Running::start(&mut command);
        running.logged("\"message\":\"listening\"");
        let (status, log) = running.signal("TERM");
        assert_eq!(status.code(), Some(0));
        let lines: Vec<BTreeMap<String, Value>> = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert!(lines.iter().any(|line| line["message"] == "stopped"));
    }

    #[test]
    fn serves_over_tls_to_clients_that_trust_the_authority() {
        let directory = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = write(directory.path(), "certificate.pem", &made.cert.pem());
        let key = write(
            directory.path(),
            "key.pem",
            &made.signing_key.serialize_pem(),
        );
        let mut command = exporter();
        command.args(["--demo", "--web.listen-address", "127.0.0.1:0"]);
        command.args([
            "--web.tls-cert-file",
            &certificate,
            "--web.tls-key-file",
            &key,
        ]);
        let mut running = crate::support::Running::start(&mut command);
        let address = running.logged("listening address=https://127.0.0.1:");
        let url = format!("https://localhost:{address}");

        // One exporter is the upstream of the next, with and without the authority.
        let once = |arguments: &[&str]| {
            let mut command = exporter();
            command
                .args(["--org", "acme", "--once", "--url", &url])
                .args(arguments);
            command
                .env("DOCKER_SCOUT_TOKEN", UPSTREAM_TOKEN)
                .output()
                .unwrap()
        };
        let output = once(&["--ca-file", &certificate]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stdout(&output).contains("scout_stream_vulnerabilities{"));
        assert_eq!(once(&["--timeout", "5s"]).status.code(), Some(1));

        let mut command = exporter();
        command.args(["--web.listen-address", &format!("127.0.0.1:{address}")]);
        command.args([
            "--web.tls-cert-file",
            &certificate,
            "--web.tls-key-file",
            &key,
        ]);
        let healthy = command.arg("healthcheck").output().unwrap();
        assert_eq!(stdout(&healthy), "healthy\n", "{}", stderr(&healthy));

        let output = run(&[
            "--demo",
            "--check-config",
            "--web.tls-cert-file",
            &certificate,
        ]);
        assert_refused(
            &output,
            "error: TLS has no private key: give --web.tls-key-file FILE, set SCOUT_EXPORTER_WEB_TLS_KEY_FILE, or write \
             web.tls_key_file into the configuration file\n",
        );
    }

    #[test]
    fn healthcheck_detects_whether_an_exporter_runs() {
        let directory = tempfile::tempdir().unwrap();
        let token = write(directory.path(), "token", "s3cr3t");
        let mut command = exporter();
        command.args(["--demo", "--web.bearer-token-file", &token]);
        let (running, address) = start_exporter(&mut command);
        let healthcheck = || {
            exporter()
                .arg("healthcheck")
                .env("SCOUT_EXPORTER_WEB_LISTEN_ADDRESS", &address)
                .output()
                .unwrap()
        };
        let healthy = healthcheck();
        assert_eq!(stdout(&healthy), "healthy\n", "{}", stderr(&healthy));
        assert_eq!(healthy.status.code(), Some(0));
        let address_option = ["--web.listen-address", &address];
        let before = run(&[&address_option[..], &["healthcheck"]].concat());
        let after = run(&[&["healthcheck"], &address_option[..]].concat());
        assert_eq!([stdout(&before), stdout(&after)], ["healthy\n"; 2]);

        running.send("STOP");
        let hanging = healthcheck();
        running.send("CONT");
        assert_eq!(hanging.status.code(), Some(1));
        let expected =
            format!("error: no healthy exporter at {address}/-/healthy: no answer within 3s\n");
        assert_eq!(stderr(&hanging), expected);

        running.signal("TERM");
        let gone = healthcheck();
        assert_eq!(gone.status.code(), Some(1));
        let expected = format!("error: no healthy exporter at {address}/-/healthy: ");
        assert!(stderr(&gone).starts_with(&expected), "{}", stderr(&gone));
    }
}
