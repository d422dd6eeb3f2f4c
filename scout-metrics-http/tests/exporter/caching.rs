//! Conditional requests, cache headers and compression.

use super::*;

use std::{io::Read, time::SystemTime};

use bytes::Bytes;

use scout_metrics_openmetrics::{Format, Mode, ParseOptions, parse_families};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A router that serves snapshots of any age, and its source.
fn timeless() -> (Router, MemorySource) {
    let memory = MemorySource::new(snapshot("production", at(1_700_000_000)));
    let exporter = Exporter::new().with_source(memory.clone());
    let router = exporter
        .with_max_snapshot_age(Duration::MAX)
        .into_router()
        .unwrap();
    (router, memory)
}

fn snapshot(stream: &str, scraped_at: SystemTime) -> Snapshot {
    let stream = Stream::new(stream).with_vulnerabilities("5C 3H".parse().unwrap());
    let snapshot = Snapshot::new(organization("acme"), [stream]).unwrap();
    snapshot.with_scraped_at(scraped_at)
}

async fn bytes(router: &Router, path: &str, coding: &str) -> (Option<String>, Bytes) {
    let request = Request::get(path).header("accept-encoding", coding);
    let request = request.body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let coding = response.headers().get("content-encoding").cloned();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (
        coding.map(|coding| coding.to_str().unwrap().to_owned()),
        body,
    )
}

#[tokio::test]
async fn a_compressed_body_decodes_to_the_plain_one() {
    let (router, _) = timeless();
    for path in [PATH, "/api/v1/organizations/acme/snapshot"] {
        let (coding, plain) = bytes(&router, path, "identity").await;
        assert_eq!(coding, None);
        let (coding, zipped) = bytes(&router, path, "gzip, deflate").await;
        assert_eq!(coding.as_deref(), Some("gzip"));
        let mut read = Vec::new();
        flate2::read::GzDecoder::new(&*zipped)
            .read_to_end(&mut read)
            .unwrap();
        assert_eq!(read, plain);
        let (coding, _) = bytes(&router, path, "zstd").await;
        assert_eq!(coding, None);
    }
    for path in ["/", "/metrics", "/api/v1/organizations"] {
        let (coding, zipped) = bytes(&router, path, "gzip").await;
        assert_eq!(coding.as_deref(), Some("gzip"));
        let mut read = String::new();
        flate2::read::GzDecoder::new(&*zipped)
            .read_to_string(&mut read)
            .unwrap();
        assert!(read.contains("acme"), "{read}");
    }
}

#[tokio::test]
async fn the_metrics_of_all_are_compressed_as_one_member_for_each_request() {
    let (router, _) = timeless();
    for count in 1..4 {
        let (_, bytes) = bytes(&router, "/metrics", "gzip").await;
        let mut text = String::new();
        let mut decoder = flate2::bufread::GzDecoder::new(&*bytes);
        decoder.read_to_string(&mut text).unwrap();
        assert!(decoder.into_inner().is_empty());
        let strict = ParseOptions::new(Format::Prometheus).with_mode(Mode::Strict);
        parse_families(text.as_bytes(), &strict).unwrap();
        for part in [
            "scout_stream_vulnerabilities{org=\"acme\"",
            &format!("scout_exporter_fetch_duration_seconds_count {count}"),
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}

#[tokio::test]
async fn one_snapshot_is_served_from_the_same_memory() {
    let (router, memory) = timeless();
    for coding in ["identity", "gzip"] {
        let (_, first) = bytes(&router, PATH, coding).await;
        let (_, again) = bytes(&router, PATH, coding).await;
        assert_eq!(first.as_ptr(), again.as_ptr());
        memory.set(Ok(snapshot("production", at(1_700_000_001))));
        let (_, later) = bytes(&router, PATH, coding).await;
        assert_ne!(first.as_ptr(), later.as_ptr());
    }
}

#[tokio::test]
async fn a_client_that_has_the_snapshot_gets_304() {
    let (router, memory) = timeless();
    let first = get(&router, PATH).await;
    let tag = first.header("etag").unwrap().to_owned();
    let modified = "Tue, 14 Nov 2023 22:13:20 GMT";
    assert_eq!(first.header("last-modified"), Some(modified));
    let earlier: &[u8] = b"Tue, 14 Nov 2023 22:13:19 GMT";
    let weak = format!("\"x\", W/{tag}");
    let known: [&[(&str, &[u8])]; 6] = [
        &[("if-none-match", tag.as_bytes())],
        &[("if-none-match", weak.as_bytes())],
        &[("if-none-match", b"*")],
        &[("if-modified-since", modified.as_bytes())],
        &[("if-modified-since", b"Tue, 14 Nov 2028 22:13:20 GMT")],
        &[
            ("if-none-match", tag.as_bytes()),
            ("if-modified-since", earlier),
        ],
    ];
    for headers in known {
        let answer = get_with(&router, headers).await;
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "{headers:?}");
        assert_eq!(answer.body, "");
        for name in ["etag", "last-modified", "cache-control", "vary"] {
            assert_eq!(answer.header(name), first.header(name), "{name}");
        }
    }
    let unknown: [&[(&str, &[u8])]; 5] = [
        &[("if-none-match", b"\"x\"")],
        &[
            ("if-none-match", b"\"x\""),
            ("if-modified-since", modified.as_bytes()),
        ],
        &[
            ("if-none-match", tag.as_bytes()),
            ("accept-encoding", b"gzip"),
        ],
        &[("if-modified-since", earlier)],
        &[("if-modified-since", b"yesterday")],
    ];
    for headers in unknown {
        let request = headers
            .iter()
            .fold(Request::get(PATH), |request, &(name, value)| {
                request.header(name, value)
            });
        let request = request.body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{headers:?}");
    }

    memory.set(Ok(snapshot("staging", at(1_700_000_000))));
    let changed = get_with(&router, &[("if-none-match", tag.as_bytes())]).await;
    assert_eq!(changed.status, StatusCode::OK);
}

#[tokio::test]
async fn age_and_cache_control_say_until_when_a_snapshot_is_current() {
    let (router, _) = timeless();
    assert_eq!(
        get(&router, PATH).await.header("cache-control"),
        Some("private, no-cache")
    );

    let quarter = Duration::from_secs(900);
    let memory = MemorySource::new(snapshot("production", SystemTime::now() - quarter));
    let exporter = Exporter::new().with_source(memory);
    let router = exporter
        .with_cache_control_max_age(4 * quarter)
        .into_router()
        .unwrap();
    let answer = get(&router, PATH).await;
    assert_eq!(
        answer.header("cache-control"),
        Some("private, max-age=3600")
    );
    let age: u64 = answer.header("age").unwrap().parse().unwrap();
    assert!((900..1000).contains(&age), "{age}");
}

#[tokio::test]
async fn a_snapshot_that_is_too_old_is_not_served() {
    let day = Duration::from_secs(24 * 3600);
    let memory = MemorySource::new(snapshot("production", SystemTime::now() - 2 * day));
    let default = Exporter::new()
        .with_source(memory.clone())
        .into_router()
        .unwrap();
    let answer = get(&default, PATH).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let reason = "organization `acme`: the last snapshot is 48h old, older than the limit of 25h\n";
    assert_eq!(answer.body, reason);
    assert_eq!(answer.header("retry-after"), Some("5"));
    let all = get(&default, "/metrics").await.body;
    assert!(!all.contains("scout_stream_vulnerabilities{"), "{all}");

    let patient = Exporter::new()
        .with_source(memory)
        .with_max_snapshot_age(3 * day);
    let answer = get(&patient.into_router().unwrap(), PATH).await;
    assert_eq!(answer.status, StatusCode::OK);
}
