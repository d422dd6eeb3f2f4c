//! Passwords, client certificates and paths, with the programs that use them.

use std::{fs, path::Path, process::Command};

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::{
    prometheus::Prometheus,
    support::{
        METRICS, Running, eventually, examples, exporter, generations, get, request,
        start_exporter, write,
    },
};

/// The bcrypt hash of `s3cr3t` with the cost that the documentation of exporter-toolkit recommends.
const HASH: &str = "$2b$10$95wHSfa92Sew30XPXn1W5eqFGfjvygM7XVyHP5oWZpQgPrjZdBEUG";

fn basic(user: &str, password: &str) -> String {
    let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
    format!("Authorization: Basic {pair}\r\n")
}

/// Starts an exporter that requires a token, and returns the directory of the token, the exporter and its address.
fn start_with_token(token: &str) -> (TempDir, Running, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = write(directory.path(), "token", token);
    let mut command = exporter();
    command.args(["--demo", "--web.bearer-token-file", &file]);
    let (running, address) = start_exporter(&mut command);
    (directory, running, address)
}

#[test]
fn a_browser_can_open_the_page_with_a_token_as_the_password() {
    let (_directory, _exporter, address) = start_with_token("s3cr3t");
    let refused = request(&address, "/", "");
    assert!(refused.starts_with("HTTP/1.0 401 "), "{refused}");
    assert!(
        refused.contains("\r\nwww-authenticate: Basic realm="),
        "{refused}"
    );
    let page = request(&address, "/", &basic("anybody", "s3cr3t"));
    assert!(page.starts_with("HTTP/1.0 200 "), "{page}");
}

#[test]
fn an_address_that_fails_too_often_is_refused() {
    let (_directory, _exporter, address) = start_with_token("s3cr3t");
    for _ in 0..10 {
        let wrong = request(&address, METRICS, &basic("", "wrong"));
        assert!(wrong.starts_with("HTTP/1.0 401 "), "{wrong}");
    }
    let right = request(&address, METRICS, &basic("", "s3cr3t"));
    assert!(right.starts_with("HTTP/1.0 429 "), "{right}");
    assert!(right.contains("\r\nretry-after: "), "{right}");
}

#[test]
fn everything_is_below_the_path_of_the_external_url() {
    for (prefix, arguments) in [
        (
            "/scout",
            &["--web.external-url", "https://ex.example/scout/"][..],
        ),
        (
            "/a/b",
            &[
                "--web.external-url",
                "https://ex.example/scout",
                "--web.route-prefix",
                "/a/b",
            ],
        ),
        (
            "",
            &[
                "--web.external-url",
                "https://ex.example/scout",
                "--web.route-prefix",
                "/",
            ],
        ),
    ] {
        let mut command = exporter();
        command.arg("--demo").args(arguments);
        let (_exporter, address) = start_exporter(&mut command);
        for path in ["/", METRICS, "/metrics", "/-/healthy"] {
            let answer = request(&address, &format!("{prefix}{path}"), "");
            assert!(
                answer.starts_with("HTTP/1.0 200 "),
                "{prefix}{path}: {answer}"
            );
        }
        let groups = request(&address, &format!("{prefix}/sd"), "");
        let path = r#""__metrics_path__":"/scout/v1/exporter/org/acme/metrics""#;
        for part in [
            path,
            r#""__scheme__":"https""#,
            r#""targets":["ex.example"]"#,
        ] {
            assert!(groups.contains(part), "{groups}");
        }
        if !prefix.is_empty() {
            let root = request(&address, "/", "");
            assert!(root.starts_with("HTTP/1.0 307 "), "{root}");
            assert!(
                root.contains(&format!("\r\nlocation: {prefix}/\r\n")),
                "{root}"
            );
            let outside = request(&address, METRICS, "");
            assert!(outside.starts_with("HTTP/1.0 404 "), "{outside}");
        }
        let mut healthcheck = exporter();
        healthcheck
            .args(["--web.listen-address", &address])
            .args(arguments);
        let healthy = healthcheck.arg("healthcheck").output().unwrap();
        assert_eq!(healthy.stdout, b"healthy\n");
    }
}

#[test]
fn urls_and_paths_that_cannot_be_used_are_exit_2() {
    for (option, value, reason) in [
        (
            "--web.external-url",
            "scout.example",
            "expected a URL such as `https://example.com/scout`, without user name and query",
        ),
        (
            "--web.external-url",
            "https://scout.example:99999",
            "expected a URL such as `https://example.com/scout`, without user name and query",
        ),
        (
            "--web.external-url",
            "https://:443",
            "expected a URL such as `https://example.com/scout`, without user name and query",
        ),
        (
            "--web.external-url",
            "https://admin:s3cr3t@scout.example",
            "error: invalid value '<redacted>' for '--web.external-url <URL>'",
        ),
        (
            "--web.external-url",
            "https://a@scout.example",
            "expected a URL such as `https://example.com/scout`, without user name and query",
        ),
        (
            "--web.external-url",
            "https://scout.example/%7Ba",
            "the routes cannot be served below the path of --web.external-url, expected a path such as /scout: \
             give --web.route-prefix",
        ),
        (
            "--web.route-prefix",
            "/{a}",
            "expected a path such as /scout",
        ),
        (
            "--web.route-prefix",
            "/a/../b",
            "expected a path such as /scout",
        ),
        (
            "--web.route-prefix",
            "/a/:b",
            "expected a path such as /scout",
        ),
        (
            "--web.external-url",
            "https://scout.example/:a",
            "expected a path such as /scout",
        ),
        (
            "--web.route-prefix",
            "//a b",
            "expected a path such as /scout",
        ),
    ] {
        let output = exporter()
            .args(["--demo", "--check-config", option, value])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{value}");
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
fn a_web_configuration_that_cannot_be_used_is_exit_2() {
    let directory = tempfile::tempdir().unwrap();
    let pair = certificates(directory.path());
    let file = write(directory.path(), "web.yml", &pair.configuration(""));
    let check = |arguments: &[&str]| {
        let mut command = exporter();
        command.args(["--demo", "--check-config", "--web.config.file", &file]);
        let output = command.args(arguments).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    assert_eq!(check(&[]).0, Some(0), "{}", check(&[]).1);
    let (code, said) = check(&["--web.tls-cert-file", "a", "--web.tls-key-file", "b"]);
    assert_eq!(code, Some(2));
    assert_eq!(
        said,
        format!(
            "error: TLS is configured twice: by --web.tls-cert-file and by `tls_server_config` in `{file}` of \
             --web.config.file\n"
        )
    );
    write(directory.path(), "web.yml", "rate_limit: {burst: 1}\n");
    let (code, said) = check(&[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("`rate_limit` is not supported"), "{said}");
}

#[test]
fn the_web_configuration_of_the_readme_is_valid() {
    let readme = fs::read_to_string(examples().join("exporter/README.md")).unwrap();
    let (_, sample) = readme.split_once("```yaml\n").unwrap();
    let (sample, _) = sample.split_once("```").unwrap();
    let directory = tempfile::tempdir().unwrap();
    certificates(directory.path());
    fs::copy(
        directory.path().join("ca.crt"),
        directory.path().join("clients.crt"),
    )
    .unwrap();
    let file = write(directory.path(), "web.yml", sample);
    let mut command = exporter();
    command.args(["--demo", "--check-config", "--web.config.file", &file]);
    let output = command.output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("\n  users: admin\n"), "{shown}");
    assert!(
        shown.contains("\n  client certificates: required\n"),
        "{shown}"
    );
}

/// The names of PEM files for a server and a client.
struct Certificates;

/// Writes the files that [`Certificates::configuration`] names.
fn certificates(directory: &Path) -> Certificates {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    write(directory, "ca.crt", &authority.pem());
    for name in ["server", "client"] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        write(directory, &format!("{name}.crt"), &certificate.pem());
        write(directory, &format!("{name}.key"), &key.serialize_pem());
    }
    Certificates
}

impl Certificates {
    fn configuration(&self, more: &str) -> String {
        format!(
            "\
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  min_version: TLS12
http_server_config:
  headers:
    X-Frame-Options: deny
{more}"
        )
    }

    /// Returns scrape configurations for a target: complete, with a wrong password, and without a client certificate.
    fn jobs(&self, name: &str, address: &str, path: &str) -> String {
        let job = |job: &str, password: &str, certificate: &str| {
            format!(
                "  - job_name: {name}{job}
    scrape_interval: 1s
    scheme: https
    metrics_path: {path}
    basic_auth: {{username: admin, password: {password}}}
    tls_config: {{ca_file: ca.crt, server_name: localhost{certificate}}}
    static_configs:
      - targets: ['{address}']
"
            )
        };
        let certificate = ", cert_file: client.crt, key_file: client.key";
        [
            job("", "s3cr3t", certificate),
            job("-password", "wrong", certificate),
            job("-certificate", "s3cr3t", ""),
        ]
        .concat()
    }
}

/// Prometheus uses exporter-toolkit, as most exporters do.
#[test]
fn one_web_configuration_file_serves_the_exporter_and_prometheus() {
    for (prometheus, promtool) in generations("prometheus")
        .iter()
        .zip(&generations("promtool"))
    {
        check_shared_configuration(prometheus, promtool);
    }
}

fn check_shared_configuration(prometheus: &Path, promtool: &Path) {
    let directory = tempfile::tempdir().unwrap();
    let certificates = certificates(directory.path());
    let users = format!("basic_auth_users:\n  admin: {HASH}\n");
    let file = write(
        directory.path(),
        "web.yml",
        &certificates.configuration(&users),
    );
    let checked = Command::new(promtool)
        .args(["check", "web-config", &file])
        .output()
        .unwrap();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );

    let mut command = exporter();
    command.args([
        "--demo",
        "--web.listen-address",
        "127.0.0.1:0",
        "--web.config.file",
        &file,
    ]);
    let mut exporter = Running::start(&mut command);
    let exporter_address = exporter.logged("listening address=https://");

    write(directory.path(), "prometheus.yml", "{}\n");
    let guarded = Prometheus::start(prometheus, directory.path(), &["--web.config.file=web.yml"]);

    let scraper = tempfile::tempdir().unwrap();
    for name in ["ca.crt", "client.crt", "client.key"] {
        fs::copy(directory.path().join(name), scraper.path().join(name)).unwrap();
    }
    let configuration = [
        "scrape_configs:\n".to_owned(),
        certificates.jobs("exporter", &exporter_address, METRICS),
        certificates.jobs("prometheus", &guarded.address, "/metrics"),
    ];
    write(scraper.path(), "prometheus.yml", &configuration.concat());
    let scraper = Prometheus::start(prometheus, scraper.path(), &[]);
    for name in ["exporter", "prometheus"] {
        scraper.wait_for_target(name, "up");
        scraper.wait_for_error(&format!("{name}-password"), "HTTP status 4");
        scraper.wait_for_error(&format!("{name}-certificate"), "tls: ");
    }
}

/// The configuration that the page links to is what Prometheus needs, whatever guards the exporter.
#[test]
fn promtool_accepts_the_configuration_of_the_page_and_prometheus_scrapes_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let token = write(directory.path(), "token", "s3cr3t");
    let users = format!("basic_auth_users:\n  prometheus: {HASH}\n");
    let users = write(directory.path(), "web.yml", &users);
    for (arguments, login) in [
        (vec!["--web.route-prefix", "/scout"], String::new()),
        (vec!["--web.bearer-token-file", &token], basic("", "s3cr3t")),
        (
            vec!["--web.config.file", &users],
            basic("prometheus", "s3cr3t"),
        ),
    ] {
        let mut command = exporter();
        let (_exporter, address) = start_exporter(command.arg("--demo").args(&arguments));
        let prefix = if login.is_empty() { "/scout" } else { "" };
        for path in ["/prometheus.yml", "/organizations/acme/prometheus.yml"] {
            let answer = request(&address, &format!("{prefix}{path}"), &login);
            let (head, text) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.0 200 "), "{answer}");
            for promtool in generations("promtool") {
                let home = configured(text);
                let file = home.path().join("prometheus.yml");
                let mut check = Command::new(promtool);
                let checked = check.args(["check", "config"]).arg(file).output().unwrap();
                let said = String::from_utf8_lossy(&checked.stderr);
                assert!(checked.status.success(), "{said}\n{text}");
            }
            for prometheus in generations("prometheus") {
                let home = configured(text);
                let prometheus = Prometheus::start(&prometheus, home.path(), &[]);
                eventually("there is a sample", || {
                    let query =
                        "/api/v1/query?query=scout_stream_vulnerabilities%7Borg%3D%22acme%22%7D";
                    let (_, found) = get(&prometheus.address, query, None);
                    found.contains("CRITICAL").then_some(())
                });
            }
        }
    }
}

/// Returns a directory with a configuration of the page, and the secrets that it names, for scrapes every second.
fn configured(text: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for file in ["scout_token", "scout_password"] {
        write(home.path(), file, "s3cr3t");
    }
    let text = text.replace("/etc/prometheus", home.path().to_str().unwrap());
    let text = text.replace("60s", "1s").replace("10s", "1s");
    write(home.path(), "prometheus.yml", &text);
    home
}
