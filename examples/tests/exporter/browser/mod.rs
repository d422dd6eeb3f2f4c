//! The pages of the exporter in a real browser.

mod driver;
mod html;
mod report;

use std::time::{Duration, SystemTime};

use fantoccini::key::Key;
use scout_metrics_core::{
    Error, ErrorKind, Organization, Policy, PolicyResult, RecordHistory, Snapshot, SqliteHistory,
    Stream,
};
use serde_json::json;

use self::driver::{Browser, with_browser, without_scripts};
use crate::support::{Running, Upstream, exporter, start_exporter};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Names that try to run something, or to pass for others.
const HOSTILE: [&str; 6] = [
    "<script>window.hacked = 1</script>",
    "\"><img src=x onerror=window.hacked=1>",
    "' onfocus=window.hacked=1 autofocus '",
    "javascript:window.hacked=1",
    "prod\u{202e}dm.exe",
    "..",
];

fn stream(name: &str, counts: &str, compliant: u64) -> Stream {
    let policy = Policy::new("non-root", "Default non-root user");
    Stream::new(name)
        .with_vulnerabilities(counts.parse().unwrap())
        .with_policy(PolicyResult::new(policy, compliant, 9).unwrap())
}

fn snapshot(streams: impl IntoIterator<Item = Stream>) -> Snapshot {
    Snapshot::new(Organization::new("acme").unwrap(), streams).unwrap()
}

/// Returns this many streams with names of different lengths and all levels.
fn streams(count: u64) -> impl Iterator<Item = Stream> {
    (0..count).map(|n| {
        let name = format!(
            "{}-{n:04}",
            ["production", "payments-settlement", "edge"][n as usize % 3]
        );
        let counts = format!("{}C {}H {}M {}L 3?", n % 4 * n, n % 5, 7 * n, 30 + n);
        stream(&name, &counts, 9 - n % 3)
    })
}

/// Starts an exporter of an upstream, and waits until it has metrics.
fn start(upstream: &Upstream, more: &[&str]) -> (Running, String) {
    let mut command = upstream.exporter();
    command.args(["--org", "acme"]).args(more);
    let (running, address) = start_exporter(&mut command);
    crate::support::eventually("the exporter is ready", || {
        (crate::support::get(&address, "/-/ready", None).0 == 200).then_some(())
    });
    (running, format!("http://{address}/"))
}

/// Records the streams of each of the last 40 days in a state directory, with a trend and a policy that begins to fail.
async fn record(upstream: &Upstream, now: &Snapshot) -> String {
    let directory = upstream.directory.path().join("state");
    std::fs::create_dir(&directory).unwrap();
    let history = SqliteHistory::open(directory.join("history.sqlite"))
        .await
        .unwrap();
    for days in 1..40 {
        let streams = now.streams().iter().map(|now| {
            stream(
                now.name().as_str(),
                &format!("{}C {days}H 0M", days / 9),
                (days / 3).min(9),
            )
        });
        let then = snapshot(streams).with_scraped_at(SystemTime::now() - DAY * days as u32);
        history.record(&then).await.unwrap();
    }
    directory.to_str().unwrap().to_owned()
}

/// Checks that the browser complained about nothing and asked nobody but the exporter.
async fn assert_quiet(browser: &Browser, url: &str) {
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    let requested = browser.requested().await;
    assert!(!requested.is_empty());
    for other in requested {
        assert!(other.starts_with(url), "{other}");
    }
}

#[test]
fn streams_are_shown_filtered_sorted_and_paged() {
    with_browser(async |browser| {
        let upstream = Upstream::start(snapshot(streams(2000)));
        let (_exporter, url) = start(&upstream, &[]);
        browser.open(&url).await;
        assert_eq!(browser.count(".card").await, 36);
        let worst = browser.texts(".card h3 a").await;
        assert_eq!(worst[0], "payments-settlement-1999");
        assert_eq!(browser.texts("#glance strong").await, ["Bad"]);

        browser.find("#next").await.click().await.unwrap();
        browser.until("location.search === '?page=2'").await;
        assert_ne!(browser.texts(".card h3 a").await[0], worst[0]);

        // The script sorts and filters without leaving the page.
        browser.run("window.stays = true").await;
        let sort = browser.find("select[name=sort]").await;
        sort.select_by_value("name").await.unwrap();
        browser
            .until("document.querySelector('.card h3 a').textContent === 'edge-0002'")
            .await;
        let filter = browser.find("input[name=filter]").await;
        filter.send_keys("0007").await.unwrap();
        browser
            .until("document.querySelectorAll('.card').length === 1")
            .await;
        assert_eq!(
            browser.texts(".card h3 a").await,
            ["payments-settlement-0007"]
        );
        assert_eq!(
            browser.run("return location.search").await,
            "?filter=0007&sort=name"
        );
        filter.send_keys("x").await.unwrap();
        browser
            .until("document.body.textContent.includes('contains “0007x”')")
            .await;
        assert_eq!(browser.run("return window.stays").await, true);
        browser.client.back().await.unwrap();
        browser
            .until("document.querySelectorAll('.card').length === 1")
            .await;
        assert_quiet(browser, &url).await;
    });
}

#[test]
fn the_page_refreshes_itself_and_keeps_the_place() {
    with_browser(async |browser| {
        let upstream = Upstream::start(snapshot(streams(30)));
        let (exporter, url) = start(&upstream, &["--interval", "1s"]);
        browser.resize(800, 600, "light").await;
        browser.open(&format!("{url}?sort=name")).await;
        let link = "a[href$='streams/edge-0017']";
        browser
            .run(&format!("document.querySelector(\"{link}\").focus()"))
            .await;
        browser.run("scrollTo(0, 700); window.stays = true").await;
        browser
            .run("document.querySelector('[name=filter]').value = 'half typ'")
            .await;

        let changed = streams(30).map(|old| match old.name().as_str() {
            "edge-0017" => stream("edge-0017", "77C 0H", 9),
            _ => old,
        });
        upstream.source.set(Ok(snapshot(changed)));
        refresh_until(
            browser,
            "document.querySelector('.changed strong')?.textContent === '77'",
        )
        .await;
        let focused = browser
            .run("return document.activeElement.textContent")
            .await;
        assert_eq!(focused, "edge-0017");
        assert_eq!(
            browser.run("return [scrollY, window.stays]").await,
            json!([700, true])
        );
        let filter = browser
            .run("return document.querySelector('[name=filter]').value")
            .await;
        assert_eq!(filter, "half typ");
        assert_quiet(browser, &url).await;

        drop(exporter);
        refresh_until(browser, "!document.getElementById('status').hidden").await;
        let status = browser.texts("#status").await;
        assert!(
            status[0].starts_with("The exporter does not answer."),
            "{status:?}"
        );
        assert_eq!(browser.count(".card").await, 30);
    });
}

/// Lets time pass for the page until a script returns true.
async fn refresh_until(browser: &Browser, condition: &str) {
    let soon = "document.getElementById('live').dataset.refresh = '0.05';
         document.dispatchEvent(new Event('visibilitychange'))";
    browser
        .until(&format!("({condition}) || ({soon}, false)").replace(';', ","))
        .await;
}

#[test]
fn every_page_is_accessible_in_both_themes_and_fits_a_phone() {
    with_browser(async |browser| {
        let now = snapshot(
            streams(40)
                .chain(HOSTILE.map(|name| stream(name, "1C 0H", 4)))
                .chain([
                    stream(&"x".repeat(10_000), "0C 1H", 9),
                    Stream::new("nothing-reported"),
                    stream("latest-indexed", "9C 9H 9M 123456789L", 0),
                ]),
        );
        let upstream = Upstream::start(now.clone());
        let state = record(&upstream, &now).await;
        let (_exporter, url) = start(&upstream, &["--state-dir", &state]);
        let down = Upstream::start(now);
        down.source.set(Err(Error::new(
            ErrorKind::Unavailable,
            "down for maintenance",
        )));
        let mut command = down.exporter();
        let (_failing, failing) = start_exporter(command.args(["--org", "acme"]));
        let failing = format!("http://{failing}/");
        let mut backgrounds = Vec::new();
        for page in [
            url.clone(),
            format!("{url}organizations/acme"),
            format!("{url}organizations/acme/streams/edge-0017"),
            format!("{url}organizations/acme/streams/nothing-reported"),
            format!("{url}organizations/acme/streams/gone"),
            format!("{url}?filter=nothing-like-that"),
            format!("{url}?page=0"),
            failing.clone(),
            format!("{failing}organizations/acme"),
        ] {
            for (width, theme) in [(375, "light"), (1280, "dark"), (1920, "light")] {
                browser.resize(width, 900, theme).await;
                browser.open(&page).await;
                let overflow = "return document.documentElement.scrollWidth - innerWidth";
                assert_eq!(browser.run(overflow).await, 0, "{page} at {width}");
                let scrolled = "return [...document.querySelectorAll('.scroll')].some(e => e.scrollWidth > e.clientWidth)";
                assert_eq!(browser.run(scrolled).await, false, "{page} at {width}");
                let violations = browser.violations().await.unwrap_or_default();
                assert_eq!(violations, Vec::<String>::new(), "{page} {theme}");
                let background = "return getComputedStyle(document.body).backgroundColor";
                backgrounds.push((theme, browser.run(background).await.to_string()));
            }
        }
        let picture = "document.querySelector('main').append(document.createElement('img'))";
        browser.run(picture).await;
        let violations = browser.violations().await;
        assert!(violations.is_none_or(|found| found[0].starts_with("image-alt")));
        let of = |theme| backgrounds.iter().filter(move |(of, _)| *of == theme);
        let light = &of("light").next().unwrap().1;
        assert!(of("light").all(|(_, shown)| shown == light));
        assert!(of("dark").all(|(_, shown)| shown != light));
    });
}

#[test]
fn hostile_names_are_inert() {
    with_browser(async |browser| {
        let upstream = Upstream::start(snapshot(HOSTILE.map(|name| stream(name, "1C 2H", 3))));
        let (_exporter, url) = start(&upstream, &[]);
        browser.open(&url).await;
        let links = "return [...document.querySelectorAll('.card h3 a')].map(a => a.href)";
        let links: Vec<String> = serde_json::from_value(browser.run(links).await).unwrap();
        assert_eq!(links.len(), HOSTILE.len());
        let pages = links.into_iter().chain([
            format!("{url}organizations/acme"),
            format!("{url}?filter=%3Cscript%3Ewindow.hacked=1%3C/script%3E"),
        ]);
        for page in pages {
            browser.open(&page).await;
            assert!(page.starts_with(&url), "{page}");
            assert_ne!(
                browser.texts("h1").await,
                ["This stream is not known"],
                "{page}"
            );
            assert_eq!(
                browser.run("return window.hacked ?? null").await,
                json!(null),
                "{page}"
            );
            let hidden = "return document.documentElement.textContent.includes('\\u202e')";
            assert_eq!(browser.run(hidden).await, false, "{page}");
        }
        assert_quiet(browser, &url).await;
    });
}

#[test]
fn everything_works_without_scripts() {
    without_scripts(async |browser| {
        let upstream = Upstream::start(snapshot(streams(100)));
        let (_exporter, url) = start(&upstream, &[]);
        browser.open(&url).await;
        assert_eq!(browser.count(".card").await, 36);
        let filter = browser.find("input[name=filter]").await;
        filter.send_keys("edge").await.unwrap();
        browser.find("form button").await.click().await.unwrap();
        browser
            .until("location.search === '?filter=edge&sort=worst'")
            .await;
        assert_eq!(browser.count(".card").await, 33);
        browser.find(".card h3 a").await.click().await.unwrap();
        browser
            .until("location.pathname.includes('/streams/')")
            .await;
        let current = browser.client.current_url().await.unwrap();
        assert!(
            current
                .path()
                .starts_with("/organizations/acme/streams/edge-"),
            "{current}"
        );
        browser.find("h1 a").await.click().await.unwrap();
        assert_eq!(browser.client.current_url().await.unwrap().as_str(), url);
        let requested = browser.requested().await;
        assert!(
            requested.iter().any(|url| url.contains("page.css")),
            "{requested:?}"
        );
    });
}

#[test]
fn the_keyboard_alone_is_enough() {
    with_browser(async |browser| {
        let upstream = Upstream::start(snapshot(streams(80)));
        let (_exporter, url) = start(&upstream, &[]);
        browser.open(&url).await;
        let focused = "const at = document.activeElement; return [at.textContent.trim().slice(0, 30) || at.name, \
                       getComputedStyle(at).outlineStyle !== 'none' || at.matches('.skip')]";
        let mut seen = Vec::new();
        while seen.len() < 60 {
            browser.press(Key::Tab).await;
            let (name, is_visible): (String, bool) =
                serde_json::from_value(browser.run(focused).await).unwrap();
            // After the last element it is the turn of the browser's own.
            if browser
                .run("return document.activeElement === document.body")
                .await
                == true
            {
                break;
            }
            assert!(is_visible, "{name}");
            seen.push(name);
        }
        for expected in [
            "Skip to the content",
            "filter",
            "show",
            "acme",
            "after →",
            "Metrics",
        ] {
            assert!(
                seen.iter().any(|name| name == expected),
                "{expected}: {seen:?}"
            );
        }
        browser.open(&url).await;
        browser
            .find("input[name=filter]")
            .await
            .send_keys("0077")
            .await
            .unwrap();
        browser
            .until("document.querySelectorAll('.card').length === 1")
            .await;
        while browser
            .run("return document.activeElement.textContent")
            .await
            != "edge-0077"
        {
            browser.press(Key::Tab).await;
        }
        browser.press(Key::Enter).await;
        browser
            .until("location.pathname.endsWith('/streams/edge-0077')")
            .await;
    });
}

#[test]
fn twenty_four_streams_fit_a_screen() {
    with_browser(async |browser| {
        let now = snapshot(streams(24));
        let upstream = Upstream::start(now.clone());
        let state = record(&upstream, &now).await;
        let (_exporter, url) = start(&upstream, &["--state-dir", &state]);
        browser.resize(1920, 1080, "dark").await;
        browser.open(&url).await;
        assert_eq!(browser.count(".card").await, 24);
        assert_eq!(browser.count(".card .chart-spark").await, 24);
        let scroll = "return document.documentElement.scrollHeight - innerHeight";
        assert_eq!(browser.run(scroll).await, 0);
    });
}

#[test]
fn a_token_is_the_password_of_anybody_and_the_script_stays_logged_in() {
    with_browser(async |browser| {
        let directory = tempfile::tempdir().unwrap();
        let token = crate::support::write(directory.path(), "token", "s3cr3t");
        let mut command = exporter();
        command.args([
            "--demo",
            "--interval",
            "1s",
            "--web.bearer-token-file",
            &token,
        ]);
        let (_exporter, address) = start_exporter(&mut command);
        browser
            .open(&format!("http://anybody:s3cr3t@{address}/"))
            .await;
        browser
            .until("document.querySelectorAll('.card').length > 0")
            .await;
        assert_eq!(
            browser.run("return location.href").await,
            format!("http://{address}/")
        );
        browser
            .run("document.querySelector('main').textContent = ''")
            .await;
        refresh_until(browser, "document.querySelectorAll('.card').length > 0").await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    });
}
