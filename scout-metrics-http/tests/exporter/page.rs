//! The pages for people.

use super::*;

use std::time::SystemTime;

use scout_metrics_core::{MemoryHistory, Policy, PolicyResult, Poller, RecordHistory};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const HOSTILE: &str = "<script>alert(1)</script>";

/// A name that seems to end in `.md`, and one that seems to be another.
const DECEIVING: [&str; 2] = ["prod\u{202e}dm.exe", "pro\u{200b}duction"];

fn result(id: &str, name: &str, compliant: u64, evaluated: u64) -> PolicyResult {
    PolicyResult::new(Policy::new(id, name), compliant, evaluated).unwrap()
}

fn with_counts(name: &str, counts: &str) -> Stream {
    Stream::new(name).with_vulnerabilities(counts.parse().unwrap())
}

fn snapshot(org: &str, streams: impl IntoIterator<Item = Stream>) -> Snapshot {
    Snapshot::new(organization(org), streams).unwrap()
}

fn router(snapshots: impl IntoIterator<Item = Snapshot>) -> Router {
    let sources = snapshots.into_iter().map(MemorySource::new);
    Exporter::new().with_sources(sources).into_router().unwrap()
}

fn hostile_router() -> Router {
    let hostile = with_counts(HOSTILE, "5C 0H")
        .with_policy(result("id", "\"><img src=x onerror=alert(1)>", 199, 200))
        .with_policy(result("none", "No images", 0, 0));
    let long = with_counts(&"é".repeat(5_000), "0C 1H");
    let names = DECEIVING.map(|name| with_counts(name, "0C 0H"));
    let snapshot = snapshot("acme", [hostile, long].into_iter().chain(names));
    let down = Error::new(ErrorKind::Unavailable, "down since <b>today</b>");
    Exporter::new()
        .with_source(MemorySource::new(snapshot))
        .with_source(MemorySource::failing(organization("apex"), down))
        .into_router()
        .unwrap()
}

/// Returns all links of a page to pages of organizations and streams.
fn links(page: &str) -> Vec<String> {
    let links = page.split("href=\"organizations/").skip(1);
    let links = links.map(|rest| rest.split('"').next().unwrap());
    links.map(|rest| format!("/organizations/{rest}")).collect()
}

#[tokio::test]
async fn hostile_names_are_inert_and_deceive_nobody() {
    let router = hostile_router();
    let page = get(&router, "/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let mut pages = vec![page.body.clone()];
    let links = links(&page.body);
    assert_eq!(links.len(), 2 + 4, "{links:?}");
    for link in links {
        let page = get(&router, &link).await;
        assert_eq!(page.status, StatusCode::OK, "{link}");
        pages.push(page.body);
    }
    for page in &pages {
        for part in ["<script>", "<img", "<b>today", "\u{202e}", "\u{200b}"] {
            assert!(!page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains(&"é".repeat(500)), "{page}");
    }
    let overview = &pages[0];
    for part in [
        "&lt;script&gt;alert(1)",
        r"prod<i>\u{202e}</i>dm.exe",
        r"pro<i>\u{200b}</i>duction",
        "down since &#60;b&#62;today",
    ] {
        assert!(overview.contains(part), "{part}: {overview}");
    }
}

#[tokio::test]
async fn only_files_of_the_exporter_are_loaded() {
    let router = hostile_router();
    for path in ["/", "/organizations/acme", "/organizations/apex"] {
        let page = get(&router, path).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        for part in [" style=", " onclick=", "<style", "url(", "javascript:"] {
            assert!(!page.body.contains(part), "{part}");
        }
        // Only links that a person follows lead elsewhere.
        for (start, _) in page.body.match_indices("https://") {
            assert!(page.body[..start].ends_with("<a href=\""));
        }
        for file in ["page.css", "page.js", "icon\" href"] {
            assert!(page.body.contains(file), "{file}");
        }
    }
}

#[tokio::test]
async fn files_are_kept_for_ever_and_need_no_token() {
    let router = guarded_router();
    for (file, content_type) in [
        ("page.css", "text/css; charset=utf-8"),
        ("page.js", "text/javascript; charset=utf-8"),
        ("bad.svg", "image/svg+xml"),
        ("fine.svg", "image/svg+xml"),
    ] {
        let answer = get(&router, &format!("/assets/{file}?1")).await;
        assert_eq!(answer.status, StatusCode::OK, "{file}");
        assert_eq!(answer.header("content-type"), Some(content_type));
        let caching = answer.header("cache-control").unwrap();
        assert_eq!(caching, "public, max-age=31536000, immutable");
    }
    for file in ["page.html", "..%2Fpage.css", "x.svg", ".svg"] {
        let answer = get(&router, &format!("/assets/{file}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{file}");
    }
}

#[tokio::test]
async fn numbers_reasons_and_what_to_do_are_shown() {
    let page = get(&hostile_router(), "/").await.body;
    for part in [
        "<strong>Bad</strong>",
        "1 of 4 streams has critical vulnerabilities, 1 organization cannot be fetched",
        "<strong>5</strong> critical",
        "<b>1/2 fail</b>",
        "<b>199/200</b>",
        "cannot be fetched",
        "Check the network between the exporter and Docker Scout.",
        "the exporter keeps no history",
        r#"href="metrics""#,
        r#"href="api/v1/organizations""#,
        r#"href="prometheus.yml""#,
        r#"href="sd""#,
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let page = get(&hostile_router(), "/organizations/acme").await.body;
    for part in [
        "199 of 200",
        "99 %",
        "not evaluated",
        r#"href="../v1/exporter/org/acme/metrics""#,
        r#"href="../api/v1/organizations/acme/snapshot""#,
        r#"href="../organizations/acme/prometheus.yml""#,
        r#"href="https://scout.docker.com/org/acme""#,
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(!page.contains("NaN"), "{page}");
}

#[tokio::test]
async fn each_state_has_its_word() {
    let fine = with_counts("a", "0C 0H 9M").with_policy(result("p", "P", 4, 4));
    let failing = with_counts("a", "0C 0H").with_policy(result("p", "P", 3, 4));
    for (stream, word) in [
        (fine.clone(), "All fine"),
        (with_counts("a", "0C 2H"), "Not worse"),
        (failing, "Not worse"),
        (with_counts("a", "1C 0H"), "Bad"),
        (with_counts("a", "9M"), "We don’t know"),
    ] {
        let router = router([snapshot("acme", [stream])]);
        for path in ["/", "/organizations/acme", "/organizations/acme/streams/a"] {
            let page = get(&router, path).await.body;
            let shown = format!("<strong>{word}</strong>");
            assert!(page.contains(&shown), "{path}: {page}");
            assert!(page.contains(" · Docker Scout</title>"), "{page}");
        }
    }
    let old = snapshot("acme", [fine]).with_scraped_at(SystemTime::now() - 3 * DAY / 24);
    let page = get(&router([old]), "/").await.body;
    for part in [
        "<strong>We don’t know</strong>",
        "the data is old",
        r#"<span class="old">data: "#,
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let nothing = get(&Exporter::new().into_router().unwrap(), "/").await.body;
    assert!(
        nothing.contains("No organization is configured."),
        "{nothing}"
    );
    let empty = get(&router([snapshot("acme", [])]), "/").await.body;
    assert!(empty.contains("There is no stream yet."), "{empty}");
}

#[tokio::test]
async fn latest_indexed_is_apart_unless_it_is_alone() {
    let latest = with_counts("latest-indexed", "9C 9H");
    let alone = router([snapshot("acme", [latest.clone()])]);
    let page = get(&alone, "/").await.body;
    assert!(page.contains("1 of 1 stream has critical"), "{page}");
    let both = router([snapshot("acme", [latest, with_counts("a", "0C 0H")])]);
    let page = get(&both, "/").await.body;
    for part in [
        "<strong>All fine</strong>",
        "latest-indexed 9C 9H",
        "not in the totals",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let first = page.split("/streams/").nth(1).unwrap();
    assert!(first.starts_with("a\""), "{page}");
}

#[tokio::test]
async fn streams_are_filtered_sorted_and_paged() {
    let streams = (0..2000).map(|n| with_counts(&format!("stream-{n:04}"), &format!("{n}C 0H")));
    let router = router([snapshot("acme", streams)]);
    let names = async |path: &str| {
        let page = get(&router, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let cards = page.body.split("<h3><a href=\"").skip(1);
        let names = cards.filter_map(|card| card.split("/streams/").nth(1));
        let names = names.map(|rest| rest.split('"').next().unwrap().to_owned());
        (names.collect::<Vec<_>>(), page.body)
    };
    let (first, page) = names("/").await;
    assert_eq!(first.len(), 36);
    assert_eq!((&*first[0], &*first[35]), ("stream-1999", "stream-1964"));
    assert!(
        page.contains("1 to 36 of 2000 streams, page 1 of 56"),
        "{page}"
    );
    assert!(page.contains(r#"<a href="?page=2" rel="next""#), "{page}");
    assert!(page.len() < 80_000, "{}", page.len());

    let (last, page) = names("/?sort=name&page=99").await;
    assert_eq!((&*last[0], &*last[19]), ("stream-1980", "stream-1999"));
    assert!(
        page.contains(r#"href="?sort=name&#38;page=55" rel="prev""#),
        "{page}"
    );

    let (found, page) = names("/organizations/acme?filter=STREAM-12&page=3").await;
    assert_eq!(found.len(), 28);
    assert_eq!(found[27], "stream-1200");
    assert!(page.contains(r#"value="STREAM-12""#), "{page}");
    let (none, page) = names("/?filter=%3Cscript%3E").await;
    assert!(none.is_empty());
    assert!(page.contains("contains “&#60;script&#62;”"), "{page}");

    for query in [
        "page=0",
        "page=x",
        "sort=best",
        &format!("filter={}", "x".repeat(101)),
    ] {
        let refused = get(&router, &format!("/?{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(refused.body.contains("Correct the parameter"), "{query}");
    }
}

#[tokio::test]
async fn what_is_not_known_is_a_page_with_advice() {
    let router = router([snapshot("acme", [with_counts("a", "1C")])]);
    for (path, advice) in [
        ("/organizations/other", "add it to the configuration"),
        ("/organizations/..%2Fx", "add it to the configuration"),
        (
            "/organizations/acme/streams/b",
            "Go back to the organization",
        ),
        (
            "/organizations/other/streams/a",
            "add it to the configuration",
        ),
    ] {
        let page = get(&router, path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.body.contains(advice), "{path}: {}", page.body);
        assert!(page.body.contains("page.css"), "{path}");
    }
}

#[tokio::test]
async fn a_refused_person_reads_what_to_do() {
    let router = guarded_router();
    for (path, root) in [
        ("/", ""),
        ("/organizations/acme", "../"),
        ("/organizations/acme/streams/production", "../../../"),
    ] {
        let page = get(&router, path).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}");
        let challenge = page.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Basic realm="), "{challenge}");
        assert!(page.body.contains("as the password"), "{}", page.body);
        let style = format!("href=\"{root}assets/page.css?");
        assert!(page.body.contains(&style), "{}", page.body);
        assert!(!page.body.contains("acme"), "{}", page.body);
    }
}

#[tokio::test]
async fn a_page_is_not_sent_again() {
    let router = router([snapshot("acme", [with_counts("a", "1C")])]);
    let page = get(&router, "/").await;
    assert_eq!(page.header("cache-control"), Some("private, no-cache"));
    let tag = page.header("etag").unwrap();
    let again = Request::get("/").header("if-none-match", tag);
    let again = call(&router, again.body(Body::empty()).unwrap()).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert_eq!(again.body, "");
    assert!(again.header("content-security-policy").is_some());
}

fn with_history(now: &Snapshot, history: MemoryHistory) -> Router {
    let source = MemorySource::new(now.clone());
    let exporter = Exporter::new().with_source(source).with_history(history);
    exporter.into_router().unwrap()
}

async fn history_of(snapshots: &[&Snapshot]) -> MemoryHistory {
    let history = MemoryHistory::new();
    for snapshot in snapshots {
        history.record(snapshot).await.unwrap();
    }
    history
}

#[tokio::test]
async fn changes_trends_and_failing_policies_come_from_the_history() {
    let now = SystemTime::now();
    let policy = |compliant| result("p", "Attestations", compliant, 4);
    let on = |days: u32, streams: Vec<Stream>| {
        snapshot("acme", streams).with_scraped_at(now - days * DAY)
    };
    let a = |counts, compliant| with_counts("a", counts).with_policy(policy(compliant));
    let today = on(0, vec![a("0C 5H", 2), with_counts("new", "0C 0H")]);
    let week = on(7, vec![a("0C 9H", 4)]);
    let yesterday = on(1, vec![a("0C 2H", 3), with_counts("gone", "1C 0H")]);
    let history = history_of(&[&on(3, vec![a("0C 9H", 3)]), &week, &yesterday, &today]).await;
    let router = with_history(&today, history);

    let page = get(&router, "/").await.body;
    for part in [
        "<strong>Worse than yesterday</strong>",
        "1 worse than yesterday",
        r#"<span class="delta up">▲ +3</span> day<br><span class="delta down">▼ −4</span> week"#,
        "new since yesterday",
        "from 9 to 5",
        "Attestations",
        " since ",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("keeps no history"), "{page}");

    let page = get(&router, "/organizations/acme").await.body;
    for part in ["Stream gone is no longer reported.", "Numbers of the chart"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let page = get(&router, "/organizations/acme/streams/a").await.body;
    for part in [
        "<td>5</td><td>2</td><td>9</td>",
        "Stream a has 5 HIGH vulnerabilities, 3 more than before.",
        "Vulnerabilities by severity",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn streams_are_sorted_by_what_changed() {
    let of = |b: &str| {
        let others = [with_counts("a", "9C 0H"), with_counts("c", "0C 3H")];
        snapshot("acme", others.into_iter().chain([with_counts("b", b)]))
    };
    let today = of("2C 0H");
    let yesterday = of("1C 0H").with_scraped_at(today.scraped_at() - DAY);
    let router = with_history(&today, history_of(&[&yesterday, &today]).await);
    let page = get(&router, "/?sort=changed").await.body;
    let first = page.split("/streams/").nth(1).unwrap();
    assert!(first.starts_with("b\""), "{page}");
}

#[tokio::test(start_paused = true)]
async fn a_first_fetch_that_runs_is_shown_and_not_waited_for() {
    let exporter = Exporter::new();
    let slow = source("acme").with_delay(DAY);
    let poller = Poller::builder(exporter.observe(slow)).spawn();
    let router = exporter.with_source(poller).into_router().unwrap();
    let begin = Instant::now();
    for path in ["/", "/organizations/acme", "/organizations/acme/streams/a"] {
        let page = get(&router, path).await.body;
        for part in ["is being fetched", "We don’t know", r#"data-refresh="5""#] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn the_prometheus_configuration_is_for_exactly_this_endpoint() {
    let configuration = async |router: &Router, path: &str| {
        let request = Request::get(path).header("host", "10.0.0.1:9090");
        let request = request.header("authorization", format!("Bearer {TOKEN}"));
        let answer = call(router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        answer.body
    };
    let open = configuration(&open_router(), "/prometheus.yml").await;
    assert!(open.contains("metrics_path: \"/metrics\""), "{open}");
    assert!(open.contains("- targets: [\"10.0.0.1:9090\"]"), "{open}");
    assert!(
        open.contains("# Or https") && !open.contains("authorization:"),
        "{open}"
    );

    let nested = Router::new().nest_service("/scout", guarded_router());
    let guarded = configuration(&nested, "/scout/organizations/acme/prometheus.yml").await;
    for line in [
        "metrics_path: \"/scout/v1/exporter/org/acme/metrics\"",
        "credentials_file: /etc/prometheus/scout_token",
        "labels: {org: \"acme\"}",
    ] {
        assert!(guarded.contains(line), "{line}: {guarded}");
    }
    assert!(!guarded.contains(TOKEN));

    let external = Exporter::new()
        .with_source(source("acme"))
        .with_external_url("https://ex.example/scout".parse().unwrap())
        .into_router()
        .unwrap();
    let external = configuration(&external, "/prometheus.yml").await;
    for line in [
        "scheme: https",
        "metrics_path: \"/scout/metrics\"",
        "- targets: [\"ex.example\"]",
    ] {
        assert!(external.contains(line), "{line}: {external}");
    }
    let unknown = get(&open_router(), "/organizations/other/prometheus.yml").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let nowhere = get(&open_router(), "/prometheus.yml").await;
    assert_eq!(nowhere.status, StatusCode::BAD_REQUEST);
}
