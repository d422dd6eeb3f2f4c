//! Names that are not plain: what each client gets, and what the answers share.

use super::*;

use bytes::Bytes;

use scout_metrics_openmetrics::{
    ContentType, EscapingScheme, Mode, ParseOptions, parse_families, scout::SnapshotReader,
};

const PROMETHEUS_2: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
     text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
     application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
     text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

/// Returns a router whose source has samples that this version does not know.
fn router_with(samples: &str) -> Router {
    let reader = SnapshotReader::new(organization("acme"));
    let snapshot = reader.read(samples.as_bytes()).unwrap();
    let exporter = Exporter::new().with_source(MemorySource::new(snapshot));
    exporter.into_router().unwrap()
}

async fn accepted(router: &Router, path: &str, accept: &str) -> Answer {
    let request = Request::get(path).header("accept", accept);
    call(router, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn each_client_gets_names_that_it_can_read() {
    let router = router_with("{\"scout.later\",\"image.digest\"=\"é\"} 7\n");
    for (accept, content_type, of_one, of_all) in [
        (
            PROMETHEUS_2,
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
            r#"scout_later{image_digest="é"} 7"#,
            r#"scout_later{org="acme",image_digest="é"} 7"#,
        ),
        (
            PROMETHEUS_3,
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            r#"{"scout.later","image.digest"="é"} 7"#,
            r#"{"scout.later",org="acme","image.digest"="é"} 7"#,
        ),
        (
            "text/plain;version=1.0.0;escaping=values",
            "text/plain; version=1.0.0; charset=utf-8; escaping=values",
            r#"U__scout_2e_later{U__image_2e_digest="é"} 7"#,
            r#"U__scout_2e_later{org="acme",U__image_2e_digest="é"} 7"#,
        ),
        (
            "application/openmetrics-text;escaping=dots",
            "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=dots",
            r#"scout_dot_later{image_dot_digest="é"} 7"#,
            r#"scout_dot_later{org="acme",image_dot_digest="é"} 7"#,
        ),
        (
            "*/*",
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            r#"scout_later{image_digest="é"} 7"#,
            r#"scout_later{org="acme",image_digest="é"} 7"#,
        ),
    ] {
        // The second answer comes from memory.
        for (path, line) in [(PATH, of_one), (PATH, of_one), ("/metrics", of_all)] {
            let answer = accepted(&router, path, accept).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.header("content-type"), Some(content_type));
            assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
            assert!(answer.body.lines().any(|l| l == line), "{}", answer.body);
            let options = ParseOptions::new(content_type.parse::<ContentType>().unwrap());
            parse_families(answer.body.as_bytes(), &options).unwrap();
        }
    }
}

#[tokio::test]
async fn protobuf_and_openmetrics_2_are_for_those_who_ask() {
    let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    let openmetrics = "application/openmetrics-text;version=2.0.0";
    let router = router_with("{\"scout.later\",\"image.digest\"=\"é\"} 7\n");
    for (asked, content_type) in [
        (protobuf, ContentType::PROTOBUF),
        (openmetrics, ContentType::OPENMETRICS_2_0_0),
    ] {
        let accept = format!("{asked};escaping=allow-utf-8;q=0.6,{PROMETHEUS_3}");
        for path in [PATH, "/metrics"] {
            let request = Request::get(path).header("accept", &accept);
            let request = request.body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            let content_type = content_type.with_escaping(EscapingScheme::AllowUtf8);
            assert_eq!(response.headers()["content-type"], content_type.as_str());
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let strict = ParseOptions::new(content_type).with_mode(Mode::Strict);
            let families = parse_families(&body, &strict).unwrap();
            let later = families.get("scout.later").unwrap();
            assert_eq!(later.samples()[0].labels().get("image.digest"), Some("é"));
            assert_eq!(later.samples()[0].value(), 7.0);
            let own = families.get("scout_exporter_up");
            assert_eq!(own.is_some(), path == "/metrics");
            let histogram = families.get("scout_exporter_fetch_duration_seconds");
            let composite = histogram.map(|histogram| histogram.samples()[0].composite());
            assert_eq!(composite.is_some_and(|it| it.is_some()), path == "/metrics");
        }
    }
}

#[tokio::test]
async fn names_that_would_become_the_same_are_written_as_values() {
    let router =
        router_with("{\"scout.later\"} 1\nscout_later 2\nx{\"a b\"=\"1\",\"a.b\"=\"2\"} 3\n");
    for path in [PATH, "/metrics"] {
        let answer = accepted(&router, path, PROMETHEUS_2).await;
        let expected =
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values";
        assert_eq!(answer.header("content-type"), Some(expected));
        for name in [
            "\nU__scout_2e_later",
            "\nscout_later",
            "U__a_20_b=\"1\",U__a_2e_b=\"2\"} 3",
        ] {
            assert!(answer.body.contains(name), "{}", answer.body);
        }

        let quoted = accepted(&router, path, PROMETHEUS_3).await;
        assert!(quoted.body.contains("{\"scout.later\""), "{}", quoted.body);
    }
}

#[tokio::test]
async fn names_that_openmetrics_2_reserves_cost_no_other_sample() {
    let router = router_with("{\"scout_later\",\"1\"=\"a\"} 7\n_x 8\n");
    let answer = accepted(
        &router,
        "/metrics",
        "application/openmetrics-text;version=2.0.0",
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK);
    let content_type: ContentType = answer.header("content-type").unwrap().parse().unwrap();
    assert_eq!(
        content_type,
        ContentType::OPENMETRICS_2_0_0.with_escaping(EscapingScheme::Values)
    );
    let strict = ParseOptions::new(content_type).with_mode(Mode::Strict);
    let families = parse_families(answer.body.as_bytes(), &strict).unwrap();
    let families = families.unescaped(EscapingScheme::Values).unwrap();
    let later = families.get("scout_later").unwrap();
    assert_eq!(later.samples()[0].labels().get("1"), Some("a"));
    // Its name cannot be written in this format.
    assert!(families.get("_x").is_none());
}

#[tokio::test]
async fn no_sample_gets_the_name_of_our_own_metrics_by_escaping() {
    let router = router_with("{\"scout.exporter.up\"} 7\n");
    let answer = accepted(&router, "/metrics", "*/*").await;
    let expected = r#"exported_scout_exporter_up{org="acme"} 7"#;
    assert!(answer.body.contains(expected), "{}", answer.body);
    assert!(!answer.body.contains("\nscout_exporter_up{org=\"acme\"} 7"));
}

async fn body_and_tag(router: &Router, accept: &str) -> (Bytes, String) {
    let request = Request::get(PATH).header("accept", accept);
    let response = router
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let tag = response.headers()["etag"].to_str().unwrap().to_owned();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (body, tag)
}

/// Returns how many bodies the exporter keeps, and how many entity tags it has for them, if clients request everything.
async fn bodies_and_tags(router: &Router) -> (usize, usize) {
    // They are kept here, so that no memory is used twice.
    let mut kept = Vec::new();
    for content_type in ContentType::ALL {
        for escaping in EscapingScheme::ALL {
            let accept = content_type.with_escaping(*escaping).to_string();
            kept.push(body_and_tag(router, &accept).await);
        }
    }
    let mut bodies: Vec<_> = kept.iter().map(|(body, _)| body.as_ptr()).collect();
    let mut tags: Vec<_> = kept.iter().map(|(_, tag)| tag).collect();
    bodies.sort();
    bodies.dedup();
    tags.sort();
    tags.dedup();
    (bodies.len(), tags.len())
}

#[tokio::test]
async fn content_types_with_the_same_body_share_it_and_have_tags_of_their_own() {
    assert_eq!(bodies_and_tags(&open_router()).await, (4, 24));
    let router = router_with("{\"scout.later\"} 7\n");
    assert_eq!(bodies_and_tags(&router).await, (16, 24));
}

#[tokio::test]
async fn program_metrics_are_escaped_together_with_those_of_organizations() {
    let exporter = Exporter::new().with_source(source("acme"));
    let exporter = exporter.with_program_metrics(|encoder| {
        encoder.sample("scout_exporter_jobs.running", [("host.name", "a")], 1.0)?;
        Ok(())
    });
    let router = exporter.into_router().unwrap();
    let answer = accepted(&router, "/metrics", "*/*").await;
    for line in [
        r#"scout_exporter_jobs_running{host_name="a"} 1"#,
        r#"scout_stream_vulnerabilities{org="acme",streamName="production",severity="CRITICAL"} 5"#,
    ] {
        assert!(answer.body.lines().any(|l| l == line), "{}", answer.body);
    }
}
