//! The report for people.

#![cfg(feature = "html")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that a helper belongs to a test"
)]

use std::time::{Duration, SystemTime};

use base64::{Engine, prelude::BASE64_STANDARD};
use proptest::prelude::*;
use scout_metrics_core::{
    Anomaly, AnomalyKind, Comparison, Error, ErrorKind, MemoryHistory, Organization, Policy,
    PolicyResult, RecordHistory, Snapshot, Stream, chart::is_invisible,
};
use scout_metrics_http::html::Report;
use sha2::{Digest, Sha256};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn now() -> SystemTime {
    // 2026-11-27T00:00:00Z.
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_737_600)
}

fn organization(name: &str) -> Organization {
    Organization::new(name).unwrap()
}

fn stream(name: &str, counts: &str) -> Stream {
    Stream::new(name).with_vulnerabilities(counts.parse().unwrap())
}

fn result(name: &str, compliant: u64, evaluated: u64) -> PolicyResult {
    PolicyResult::new(Policy::new(name, name), compliant, evaluated).unwrap()
}

fn acme(days_ago: u32, streams: impl IntoIterator<Item = Stream>) -> Snapshot {
    let snapshot = Snapshot::new(organization("acme"), streams).unwrap();
    snapshot.with_scraped_at(now() - DAY * days_ago)
}

fn report() -> Report {
    Report::new().with_created(now())
}

async fn with_history(snapshots: impl IntoIterator<Item = Snapshot>) -> String {
    let history = MemoryHistory::new();
    for snapshot in snapshots {
        history.record(&snapshot).await.unwrap();
    }
    let mut report = report();
    let added = report
        .add_history(&history, &organization("acme"), 90 * DAY)
        .await;
    added.unwrap();
    report.to_string()
}

/// Returns the text of a page, without markup and with single blanks.
fn text(html: &str) -> String {
    let body = html.split_once("</style>").unwrap().1;
    let mut text = String::new();
    for part in body.split('<') {
        text.push(' ');
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn one_glance_says_how_it_is() {
    let sentence = |streams: Vec<Stream>| {
        let html = report().with_snapshot(acme(0, streams)).to_string();
        let verdict = html.split_once("<title>Docker Scout report: ").unwrap().1;
        verdict.split_once("</title>").unwrap().0.to_owned()
    };
    let fine = || stream("production", "0C 0H 3M");
    assert_eq!(sentence(vec![fine()]), "1 of 1 stream is fine");
    assert_eq!(
        sentence(vec![fine(), stream("staging", "2C 0H")]),
        "1 of 2 streams has critical vulnerabilities"
    );
    assert_eq!(
        sentence(vec![fine(), stream("latest-indexed", "2C 0H")]),
        "1 of 1 stream is fine",
        "the environments overlap with latest-indexed"
    );
    assert_eq!(
        sentence(vec![stream("latest-indexed", "2C 0H")]),
        "1 of 1 stream has critical vulnerabilities"
    );
    assert_eq!(
        sentence(vec![fine(), fine_with_policy(1)]),
        "no critical vulnerabilities, 1 of 2 streams has high ones or failing policies"
    );
    assert_eq!(
        sentence(vec![Stream::new("empty")]),
        "nothing is known about the streams"
    );
    assert_eq!(
        sentence(vec![fine(), Stream::new("empty")]),
        "1 of 2 streams is fine; 1 of 2 streams is unknown"
    );
    assert_eq!(sentence(vec![]), "there are no streams");
}

fn fine_with_policy(compliant: u64) -> Stream {
    stream("edge", "0C 0H").with_policy(result("Default non-root user", compliant, 2))
}

#[test]
fn a_pair_shows_what_changed() {
    let before = acme(7, [stream("production", "1C 5H"), stream("gone", "1L")]);
    let after = acme(
        0,
        [stream("production", "3C 2H").with_policy(result("No root", 1, 3))],
    );
    let report = report().with_comparison(&Comparison::new(before, after));
    has(
        &text(&report.to_string()),
        &[
            "acme / production : fix 3 critical vulnerabilities",
            "▲ +2 before",
            "Changes since 2026-11-20 00:00 UTC",
            "▲ production critical 1 → 3",
            "▲ production No root is a new policy: 1 of 3 images comply",
            "▼ production high 5 → 2",
            "• gone is no longer reported",
        ],
    );
}

#[tokio::test]
async fn a_history_shows_trends_and_since_when() {
    let html = with_history((0..=90).rev().filter(|day| *day != 40).map(|day| {
        let compliant = if day < 12 { 7 } else { 9 };
        let counts = if day == 0 { "0C 4H" } else { "0C 1H" };
        let production = stream("production", counts).with_policy(result("No root", compliant, 9));
        acme(day, [production, stream("latest-indexed", "7C 0H")])
    }))
    .await;
    has(
        &text(&html),
        &[
            "No critical vulnerabilities, 1 stream is worse than before"
                .to_lowercase()
                .as_str(),
            "P acme / No root : 2 images violate the policy in production, where it has failed since 16 Nov 2026 (11 d)",
            "H acme / production : fix 4 high vulnerabilities ▲ +3 week high for at least 90 d",
            "production 7 of 9 78 % since 16 Nov 2026 (11 d)",
            "critical and high · day ▲ +3 · week ▲ +3",
            "All environments over 90 days",
            "high: from 1 to 4, at most 4; 1 of 91 values is missing",
            "Trends over 90 days",
        ],
    );
}

#[tokio::test]
async fn a_history_without_the_organization_is_an_error() {
    let mut report = report();
    let added = report
        .add_history(&MemoryHistory::new(), &organization("acme"), DAY)
        .await;
    let error = added.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        "organization `acme`: the history has no snapshot of it"
    );
    has(
        &report.to_string(),
        &["There is no organization in this report."],
    );
}

#[test]
fn what_is_not_known_is_said() {
    let error = Error::new(ErrorKind::Unauthorized, "the token was refused");
    let old = acme(3, [stream("production", "0C 0H")]);
    let anomaly = Anomaly::new(AnomalyKind::UnknownFamily, "unknown metric family `x`");
    let report = report()
        .with_snapshot(old.with_anomalies(vec![anomaly; 30]))
        .with_failure(organization("apex"), &error);
    has(
        &text(&report.to_string()),
        &[
            "? 1 of 1 stream is fine; 1 organization did not answer; 1 organization has old metrics",
            "There are no metrics of this organization: the token was refused",
            "? apex : find out why there is no answer",
            "3 d old",
            "unknown metric family `x`",
            "10 more",
        ],
    );
}

#[test]
fn names_are_inert_and_cannot_deceive() {
    let hostile = "<script>alert(1)</script>\u{202e}\u{200b}'\"&amp;\0";
    let long = "x".repeat(10_000);
    let counts = "1C 0H"
        .parse::<scout_metrics_core::VulnerabilityCounts>()
        .unwrap();
    let counts = counts.with_unrecognized(hostile, 3).unwrap();
    let named = |name: &str, compliant| {
        Stream::new(name)
            .with_vulnerabilities(counts.clone())
            .with_policy(result(hostile, compliant, 9))
            .with_policy(result(&long, 0, 9))
    };
    let before = acme(7, [named(hostile, 3), named("gone", 3)]);
    let anomaly = Anomaly::new(AnomalyKind::UnknownFamily, hostile);
    let after = acme(0, [named(hostile, 2), named(&long, 3)]).with_anomalies(vec![anomaly]);
    let error = Error::new(ErrorKind::Other, hostile);
    let html = report()
        .with_title(hostile)
        .with_comparison(&Comparison::new(before, after))
        .with_failure(organization("apex"), &error)
        .to_string();
    assert_is_inert(&html);
    assert!(html.len() < 60_000, "{}", html.len());
    has(
        &html,
        &[
            r"<bdi>&lt;script&gt;alert(1)&lt;/script&gt;<i>\u{202e}</i><i>\u{200b}</i>&#39;&quot;&amp;amp;<i>\u{0}</i></bdi>",
        ],
    );
}

/// Checks that nothing runs, nothing is loaded, and nothing is hidden.
#[track_caller]
fn assert_is_inert(html: &str) {
    for part in [
        "<script", "<img", "<iframe", "<link", "http:", "https:", "url(", "@import", " style=",
        " on",
    ] {
        let found = html
            .match_indices(part)
            .map(|(place, _)| &html[place..(place + 40).min(html.len())]);
        let found: Vec<_> = found
            .filter(|text| !text.starts_with(" on ") && !text.starts_with(" one"))
            .collect();
        assert!(found.is_empty(), "{found:?}");
    }
    let hidden = html.chars().find(|c| is_invisible(*c) && *c != '\n');
    assert_eq!(hidden, None);
}

#[test]
fn the_policy_allows_the_style_and_nothing_else() {
    let html = report().with_snapshot(acme(0, [])).to_string();
    let style = html
        .split_once("<style>")
        .unwrap()
        .1
        .split_once("</style>")
        .unwrap()
        .0;
    let hash = BASE64_STANDARD.encode(Sha256::digest(style));
    let policy = format!(
        "default-src &#39;none&#39;; style-src &#39;sha256-{}&#39;; base-uri &#39;none&#39;; form-action &#39;none&#39;",
        hash.replace('+', "&#43;")
    );
    let found = html
        .split_once(r#"<meta http-equiv="Content-Security-Policy" content=""#)
        .unwrap()
        .1;
    assert_eq!(
        found.split_once('"').unwrap().0.replace('+', "&#43;"),
        policy
    );
}

/// The organization of the issue: 50 streams, 5 policies, 90 days.
fn large(day: u32) -> Snapshot {
    let policies = [
        "No fixable critical or high vulnerabilities",
        "Default non-root user",
        "Supply chain attestations",
        "No stale base images",
        "No copyleft licenses",
    ];
    let streams = (0..50_u32).map(|number| {
        let moved = |n: u32| (number * n + day * (number % 5 + 1)) % (n + 3);
        let counts = format!(
            "{}C {}H {}M {}L 1?",
            moved(4),
            moved(37),
            moved(130),
            moved(310)
        );
        let results = policies
            .iter()
            .zip(1..)
            .map(|(name, n)| result(name, u64::from(20 - moved(n) % 5), 20));
        stream(&format!("environment-{number}"), &counts).with_policies(results)
    });
    acme(day, streams)
}

#[tokio::test]
async fn fifty_streams_and_ninety_days_are_below_300_kilobytes() {
    let html = with_history((0..=90).rev().map(large)).await;
    assert!(html.len() < 300_000, "{}", html.len());
    let rows = html.matches(r#"<td class="spark">"#).count();
    assert_eq!(rows, 50);
    has(
        &html,
        &[
            "The trends of 38 more streams are in the table above.",
            "It fails in ",
        ],
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_name_is_markup(names in proptest::collection::hash_set(".{1,30}", 1..5), policy in ".{1,30}") {
        let streams = names.iter().map(|name| stream(name, "1C 2H").with_policy(result(&policy, 1, 3)));
        let html = report().with_snapshot(acme(0, streams)).to_string();
        let plain = report().with_snapshot(acme(0, (0..names.len()).map(|n| stream(&n.to_string(), "1C 2H").with_policy(result("p", 1, 3))))).to_string();
        prop_assert_eq!(tags(&html), tags(&plain));
    }
}

/// Returns the elements of a page, without those that mark hidden characters.
fn tags(html: &str) -> usize {
    html.matches('<').count() - html.matches("<i>").count() - html.matches("</i>").count()
}
