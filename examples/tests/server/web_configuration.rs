//! The web configuration file: its keys, its users, and its changes.

use super::{
    server::{ClientCertificates, TlsFiles, TlsVersion},
    web_config::{Users, WebConfig, WebConfigFile, add_headers},
    *,
};

use std::{fs, path::Path};

use axum::{
    body::Body,
    http::{HeaderValue, Request, StatusCode},
    middleware::from_fn_with_state,
};
use futures_util::{FutureExt, future::join_all};
use tower::ServiceExt;

use scout_metrics_http::exporter::{PasswordVerifier, Verdict};

/// The hash of `s3cr3t`, at the lowest cost.
const HASH: &str = "$2b$04$hKZfSrq4oNIYfwxxzxwPx.YnghFz6QYlKAv2qPlOmIIU6xvbcMzdi";
/// The hash of `other`, as a tool of Apache spells it.
const OTHER_HASH: &str = "$2y$04$BOtrX0N5vlzDPQQVfMhCgu9WhdHo6Zu2Fnh0/q6sSRrOx8Z42BdGO";

struct File {
    directory: tempfile::TempDir,
}

impl File {
    fn new(text: &str) -> Self {
        let file = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("web.yml")
    }

    fn open(&self) -> Result<WebConfigFile> {
        WebConfigFile::open(self.path())
    }
}

fn content(text: &str) -> (File, Arc<WebConfig>) {
    let file = File::new(text);
    let content = file.open().unwrap().current();
    (file, content)
}

/// Returns the reason for which a text is refused.
fn refused(text: &str) -> String {
    let file = File::new(text);
    let error = file.open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let message = error.chain().to_string();
    let start = format!("`{}`: ", file.path().display());
    message.strip_prefix(&start).unwrap().to_owned()
}

#[test]
fn every_supported_key_is_read_and_paths_are_relative_to_the_file() {
    let text = format!(
        "\
tls_server_config:
  cert_file: tls/server.crt
  key_file: /etc/tls/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: clients.crt
  client_allowed_sans:
    - prometheus.example
  min_version: TLS13
http_server_config:
  http2: false
  headers:
    X-Frame-Options: deny
    Strict-Transport-Security: max-age=31536000
    Content-Security-Policy:
basic_auth_users:
  admin: {HASH}
  prometheus: \"{OTHER_HASH}\"
"
    );
    let (file, content) = content(&text);
    let directory = file.directory.path();
    assert_eq!(
        content.tls,
        Some(TlsFiles {
            certificates: directory.join("tls/server.crt"),
            key: Path::new("/etc/tls/server.key").to_owned(),
            clients: Some(ClientCertificates {
                authorities: directory.join("clients.crt"),
                allowed_names: Some(vec!["prometheus.example".to_owned()]),
                are_required: true,
            }),
            min_version: TlsVersion::Tls13,
        })
    );
    let users: Vec<&String> = content.users.keys().collect();
    assert_eq!(users, ["admin", "prometheus"]);
    let names: Vec<&str> = content
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&"x-frame-options"));
    assert!(!format!("{content:?}").contains("$2"));
}

#[test]
fn a_file_without_keys_changes_nothing() {
    for text in [
        "",
        "# Nothing.\n",
        "{}",
        "basic_auth_users:\ntls_server_config: {}\n",
    ] {
        let (_file, content) = content(text);
        assert_eq!(*content, WebConfig::default(), "{text}");
    }
    let (_file, content) = content("tls_server_config:\n  client_auth_type: NoClientCert\n");
    assert_eq!(content.tls, None);
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let tls = "cert_file: a, key_file: b";
    for (text, reason) in [
        ("tls: {}", "unknown key `tls`"),
        (
            "tls_server_config: {cert_fil: a}",
            "unknown key `tls_server_config.cert_fil`",
        ),
        (
            "http_server_config: {http3: true}",
            "unknown key `http_server_config.http3`",
        ),
        (
            "rate_limit: {burst: 3}",
            "`rate_limit` is not supported: this program bounds connections and failed logins instead",
        ),
        (
            "tls_server_config: {key: x}",
            "`tls_server_config.key` is not supported: write the key into a file and name it in `key_file`",
        ),
        (
            "tls_server_config: {cipher_suites: [a]}",
            "`tls_server_config.cipher_suites` is not supported: rustls offers only cipher suites and curves that are \
             considered secure, in its own order",
        ),
        (
            "tls_server_config: {max_version: TLS12}",
            "`tls_server_config.max_version` is not supported: TLS 1.3 is always offered",
        ),
        (
            "http_server_config: {http2: true}",
            "`http_server_config.http2` is not supported: this program serves HTTP/1.1, which every scraper understands",
        ),
        (
            "http_server_config: {headers: {Server: x}}",
            "`http_server_config.headers.Server` is not supported: only Content-Security-Policy, \
             Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, X-XSS-Protection",
        ),
        (
            "http_server_config: {headers: {X-Frame-Options: allow}}",
            "expected deny or sameorigin in `http_server_config.headers.X-Frame-Options`",
        ),
        (
            "tls_server_config: {cert_file: a}",
            "`tls_server_config.key_file` is missing",
        ),
        (
            "tls_server_config: {key_file: a}",
            "`tls_server_config.cert_file` is missing",
        ),
        (
            "tls_server_config: {min_version: TLS13}",
            "`tls_server_config.cert_file` is missing",
        ),
        (
            &format!("tls_server_config: {{{tls}, min_version: TLS11}}"),
            "`tls_server_config.min_version` is older than TLS12, the oldest version that rustls offers",
        ),
        (
            &format!("tls_server_config: {{{tls}, min_version: '1.2'}}"),
            "`tls_server_config.min_version` is neither TLS12 nor TLS13",
        ),
        (
            &format!("tls_server_config: {{{tls}, client_ca_file: c}}"),
            "`tls_server_config.client_auth_type` is missing: without it, no client certificate is verified",
        ),
        (
            &format!("tls_server_config: {{{tls}, client_auth_type: RequireAndVerifyClientCert}}"),
            "`tls_server_config.client_ca_file` is missing",
        ),
        (
            &format!("tls_server_config: {{{tls}, client_auth_type: RequireAnyClientCert}}"),
            "`tls_server_config.client_auth_type` would accept certificates that anybody signed, which protects \
             nothing: write RequireAndVerifyClientCert",
        ),
        (
            &format!("tls_server_config: {{{tls}, client_auth_type: Maybe}}"),
            "`tls_server_config.client_auth_type` is none of NoClientCert, VerifyClientCertIfGiven and \
             RequireAndVerifyClientCert",
        ),
    ] {
        assert_eq!(refused(text), reason);
    }
}

#[test]
fn values_of_another_kind_are_refused_and_never_repeated() {
    for (text, reason) in [
        ("s3cr3t", "expected keys with values"),
        (
            "basic_auth_users: s3cr3t",
            "expected keys with values in `basic_auth_users`",
        ),
        (
            "basic_auth_users: {admin: [s3cr3t]}",
            "expected text in `basic_auth_users.admin`",
        ),
        (
            "basic_auth_users: {admin: s3cr3t}",
            "expected a bcrypt hash in `basic_auth_users.admin`, as `htpasswd -nBC 10 \"\"` prints after the colon",
        ),
        (
            "basic_auth_users: {admin: }",
            "expected a bcrypt hash in `basic_auth_users.admin`, as `htpasswd -nBC 10 \"\"` prints after the colon",
        ),
        (
            "tls_server_config: {cert_file: [s3cr3t]}",
            "expected text in `tls_server_config.cert_file`",
        ),
        (
            "tls_server_config: {client_allowed_sans: s3cr3t}",
            "expected a list of texts in `tls_server_config.client_allowed_sans`",
        ),
        (
            "http_server_config: {http2: s3cr3t}",
            "expected true or false in `http_server_config.http2`",
        ),
        (
            "basic_auth_users: {admin: 's3cr3t\n",
            "line 1: not valid YAML",
        ),
        ("a: 1\na: s3cr3t\n", "line 2: not valid YAML"),
    ] {
        assert_eq!(refused(text), reason);
    }
    let costly = HASH.replacen("$04$", "$17$", 1);
    let reason = refused(&format!("basic_auth_users: {{admin: '{costly}'}}"));
    assert_eq!(
        reason,
        "the bcrypt hash in `basic_auth_users.admin` has a cost above 16"
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = WebConfigFile::open("missing.yml".into()).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `missing.yml`");
}

#[test]
fn a_file_that_could_be_read_for_ever_is_refused() {
    let file = File::new("");
    let reason = || file.open().unwrap_err().chain().to_string();
    let path = file.path().display().to_string();
    file.write(&"#".repeat(1024 * 1024 + 1));
    assert_eq!(
        reason(),
        format!("cannot read `{path}`: it is larger than 1 MiB")
    );

    fs::remove_file(file.path()).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    assert_eq!(
        reason(),
        format!("cannot read `{path}`: it is not a regular file")
    );
}

fn users(file: &File) -> Users {
    Users::new(file.open().unwrap()).unwrap()
}

#[tokio::test]
async fn users_are_admitted_with_their_own_password() {
    let file = File::new(&format!(
        "basic_auth_users: {{a: '{HASH}', b: '{OTHER_HASH}'}}"
    ));
    let users = users(&file);
    assert!(users.is_required());
    for (user, password, verdict) in [
        ("a", "s3cr3t", Verdict::Admitted),
        ("a", "s3cr3t", Verdict::Admitted),
        ("b", "other", Verdict::Admitted),
        ("a", "other", Verdict::Refused),
        ("b", "s3cr3t", Verdict::Refused),
        ("A", "s3cr3t", Verdict::Refused),
        ("", "s3cr3t", Verdict::Refused),
        ("a", "", Verdict::Refused),
        ("a", "s3cr3t\0", Verdict::Refused),
        ("a", HASH, Verdict::Refused),
    ] {
        let found = users.verify(user, password.as_bytes()).await;
        assert_eq!(found, verdict, "{user} {password}");
    }
    let nobody = File::new("basic_auth_users: {}");
    let nobody = self::users(&nobody);
    assert!(!nobody.is_required());
    assert_eq!(nobody.verify("a", b"s3cr3t").await, Verdict::Refused);
}

#[tokio::test]
async fn few_passwords_wait_and_a_login_that_succeeded_does_not() {
    let file = File::new(&format!("basic_auth_users: {{a: '{HASH}'}}"));
    let users = users(&file);
    assert_eq!(users.verify("a", b"s3cr3t").await, Verdict::Admitted);
    let wrong = (0..20).map(|number| {
        let users = &users;
        async move { users.verify("a", format!("wrong{number}").as_bytes()).await }
    });
    let known = async {
        tokio::task::yield_now().await;
        users.verify("a", b"s3cr3t").await
    };
    let (verdicts, known) = tokio::join!(join_all(wrong), known);
    assert_eq!(known, Verdict::Admitted);
    let busy = verdicts.iter().filter(|&&verdict| verdict == Verdict::Busy);
    assert_eq!(busy.count(), 4);
    assert!(!verdicts.contains(&Verdict::Admitted));
}

#[tokio::test]
async fn a_login_is_remembered_even_if_the_client_does_not_wait() {
    let file = File::new(&format!("basic_auth_users: {{a: '{HASH}'}}"));
    let users = users(&file);
    assert!(users.verify("a", b"s3cr3t").now_or_never().is_none());
    // Answered from memory, which needs no waiting.
    while users.verify("a", b"s3cr3t").now_or_never() != Some(Verdict::Admitted) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn headers_are_added_to_responses_that_do_not_have_them() {
    let file = File::new(
        "http_server_config: {headers: {X-Frame-Options: deny, Content-Security-Policy: x}}",
    );
    let own = [("content-security-policy", "own")];
    let router = Router::new()
        .route("/", get(async move || (own, "")))
        .layer(from_fn_with_state(file.open().unwrap(), add_headers));
    for (path, policy) in [("/", "own"), ("/missing", "x")] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let headers = response.headers();
        assert_eq!(headers["x-frame-options"], HeaderValue::from_static("deny"));
        assert_eq!(headers["content-security-policy"], policy);
        let expected = if path == "/" {
            StatusCode::OK
        } else {
            StatusCode::NOT_FOUND
        };
        assert_eq!(response.status(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn conditions_are_added_while_the_program_runs_and_never_removed() {
    let with = |users: &[&str], tls: &str| {
        let users: Vec<String> = users
            .iter()
            .map(|user| format!("{user}: '{HASH}'"))
            .collect();
        format!(
            "basic_auth_users: {{{}}}\ntls_server_config: {{{tls}}}\n",
            users.join(", ")
        )
    };
    let pair = "cert_file: a, key_file: b";
    let optional = format!("{pair}, client_ca_file: c, client_auth_type: VerifyClientCertIfGiven");
    let required =
        format!("{pair}, client_ca_file: c, client_auth_type: RequireAndVerifyClientCert");
    let named = format!("{required}, client_allowed_sans: [d]");

    let file = File::new(&with(&[], pair));
    let opened = file.open().unwrap();
    let users = Users::new(opened.clone()).unwrap();
    assert!(!users.is_required());
    let followed = tokio::spawn(opened.clone().follow());
    for (names, tls) in [
        (&["a"][..], pair),
        (&["a", "b"], &optional),
        (&["b"], &required),
        (&["c"], &named),
    ] {
        file.write(&with(names, tls));
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert!(opened.current().users.keys().eq(names), "{names:?}");
    }
    assert!(users.is_required());
    assert_eq!(users.verify("c", b"s3cr3t").await, Verdict::Admitted);
    assert_eq!(users.verify("b", b"s3cr3t").await, Verdict::Refused);

    let before = opened.current();
    for text in [
        String::new(),
        with(&[], &named),
        with(&["d"], ""),
        with(&["d"], pair),
        with(&["d"], &optional),
        with(&["d"], &required),
        "basic_auth_users: [".to_owned(),
        "unknown: 1".to_owned(),
    ] {
        file.write(&text);
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert_eq!(opened.current(), before, "{text}");
    }
    file.write(&with(&["e"], &named));
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(opened.current().users.contains_key("e"));
    followed.abort();
}

#[tokio::test]
async fn the_server_follows_the_files_that_the_file_names() {
    let file = File::new("tls_server_config: {cert_file: first.crt, key_file: first.key}");
    let (first, second) = (tls::New::generate(), tls::New::generate());
    for (name, new) in [("first", &first), ("second", &second)] {
        let path = file.directory.path().join(name);
        fs::write(path.with_extension("crt"), &new.certificate_pem).unwrap();
        fs::write(path.with_extension("key"), &new.key_pem).unwrap();
    }
    let opened = file.open().unwrap();
    assert_eq!(opened.path(), file.path());
    let source = opened.tls_source(opened.current().tls.clone().unwrap());
    let running = start(Server::new(router(), limits(), Some(source)).unwrap());
    assert!(first.is_served(&running).await);

    file.write("tls_server_config: {cert_file: second.crt, key_file: second.key}");
    let followed = tokio::spawn(opened.clone().follow());
    // The file is read first, then the files that it names.
    while !second.is_served(&running).await {
        tls::let_files_be_read().await;
    }
    followed.abort();
}
