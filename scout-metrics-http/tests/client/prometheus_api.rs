//! The history on a server with the query API, against a server that misbehaves.

use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use reqwest::Url;
use scout_metrics_core::{AnomalyKind, ErrorKind, History, Organization, Severity, Snapshot};
use scout_metrics_http::{PrometheusHistory, PrometheusHistoryBuilder, reqwest};

use crate::{
    LONG, SHORT, TOKEN, leak_in, secrets,
    support::{Reply, Request, Server},
    texts_of,
};

const JSON: &str = "Content-Type: application/json\r\n";

/// The time of the scrape of [`last_scrape`].
const TIME: i64 = 1_700_000_000;

const SERIES: &str = r#"{"metric":{"__name__":"scout_stream_vulnerabilities","org":"acme","job":"scout","instance":"a:1","streamName":"production","severity":"HIGH"},"values":[[TIME,"3"]]}"#;

fn acme() -> Organization {
    Organization::new("acme").unwrap()
}

fn at(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds as u64)
}

fn builder(server: &Server) -> PrometheusHistoryBuilder {
    secrets::logged();
    PrometheusHistory::builder(server.url())
        .with_token(TOKEN)
        .with_timeout(LONG)
        .with_backoff(Duration::from_millis(10))
}

fn history(server: &Server) -> PrometheusHistory {
    builder(server).build().unwrap()
}

fn json(body: impl AsRef<[u8]>) -> Reply {
    Reply::status("200 OK", JSON, body)
}

fn matrix(series: &str) -> Reply {
    json(format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#
    ))
}

fn parameter(request: &Request, name: &str) -> String {
    let found = optional(request, name);
    found.unwrap_or_else(|| panic!("no {name} in {}", request.head))
}

/// Returns a parameter of a request, decoded.
fn optional(request: &Request, name: &str) -> Option<String> {
    let target = request.head.split(' ').nth(1).unwrap();
    let url = Url::parse("http://x").unwrap().join(target).unwrap();
    let mut pairs = url.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn is_about_vulnerabilities(request: &Request) -> bool {
    parameter(request, "query").contains("scout_stream_vulnerabilities")
}

/// Answers a query at one time: the series given, scraped at that time, and no other family.
fn last_scrape(series: &str) -> impl Fn(&Request) -> Reply + use<> {
    let series = series.to_owned();
    move |request| {
        if !is_about_vulnerabilities(request) {
            return matrix("");
        }
        let time = parameter(request, "time");
        let scrape = format!(r#"{{"metric":{{}},"values":[[{time},"{time}"]]}}"#);
        matrix(&format!("{scrape},{}", series.replace("TIME", &time)))
    }
}

async fn found(server: &Server) -> Snapshot {
    let found = history(server).at(&acme(), at(TIME), Duration::ZERO).await;
    found.unwrap().unwrap()
}

#[tokio::test]
async fn asks_as_documented() {
    let server = Server::answering(last_scrape(SERIES)).await;
    let history = PrometheusHistory::builder(format!("{}/prom/", server.url()))
        .with_user("12345")
        .with_token("open-sesame")
        .with_header("X-Scope-OrgID", "security")
        .with_matcher("job", "a \"b\"\n\\")
        .build()
        .unwrap();
    let snapshot = history.at(&acme(), at(TIME), Duration::from_secs(60)).await;
    let snapshot = snapshot.unwrap().unwrap();
    assert_eq!(snapshot.scraped_at(), at(TIME));
    let counts = snapshot.streams()[0].vulnerabilities();
    assert_eq!(counts.get(Severity::High), Some(3));
    assert_eq!(counts.get(Severity::Critical), None);
    assert_eq!(snapshot.anomalies(), []);

    let log = server.log();
    assert_eq!(log.requests.len(), 4);
    for request in &log.requests {
        assert!(request.head.starts_with("GET /prom/api/v1/query?"));
        let header = |name| request.header(name).unwrap();
        assert_eq!(header("authorization"), "Basic MTIzNDU6b3Blbi1zZXNhbWU=");
        assert_eq!(header("x-scope-orgid"), "security");
        assert_eq!(header("accept"), "application/json");
        assert_eq!(header("accept-encoding"), "gzip");
        assert_eq!(parameter(request, "time"), "1700000000.000");
        assert_eq!(parameter(request, "lookback_delta"), "60002ms");
        assert_eq!(parameter(request, "partial_response"), "false");
        assert_eq!(parameter(request, "deny_partial_response"), "1");
        assert_eq!(parameter(request, "nocache"), "1");
        assert_eq!(parameter(request, "latency_offset"), "1ms");
    }
    let mut queries: Vec<String> = log
        .requests
        .iter()
        .map(|request| parameter(request, "query"))
        .collect();
    queries.sort();
    let all = r#"scout_stream_empty{job="a \"b\"\n\\",org="acme"}"#;
    assert_eq!(
        queries[2],
        format!(
            "({all} and timestamp({all}) == scalar(max(timestamp({all})))) or max(timestamp({all}))"
        )
    );
}

#[tokio::test]
async fn what_a_server_answers_instead_is_named() {
    let refused = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
    let long = format!(
        r#"{{"status":"error","errorType":"422","error":"error when executing query=\"{}\": the reason"}}"#,
        "x".repeat(2000)
    );
    let html = "<html><h1>Sign in</h1>";
    let data = |data: &str| json(format!(r#"{{"status":"success","data":{data}}}"#));
    let cut = format!(
        "HTTP/1.1 200 OK\r\n{JSON}\r\n{}",
        r#"{"status":"success","da"#
    );
    let cases = [
        (
            Reply::status("401 Unauthorized", "", ""),
            ErrorKind::Unauthorized,
            1,
            "the token given to `with_token` was refused (HTTP 401)",
        ),
        (
            Reply::status("403 Forbidden", "", html),
            ErrorKind::Forbidden,
            1,
            "the server does not allow these queries (HTTP 403)",
        ),
        (
            Reply::status("404 Not Found", "", html),
            ErrorKind::NotFound,
            1,
            "no query API at `{server}` (HTTP 404): check the path of the URL",
        ),
        (
            Reply::status("400 Bad Request", JSON, refused),
            ErrorKind::Status,
            1,
            "the server refuses the query (HTTP 400): bad_data: parse error",
        ),
        (
            Reply::status("503 Service Unavailable", JSON, refused),
            ErrorKind::Unavailable,
            3,
            "the server cannot answer now (HTTP 503): bad_data: parse error",
        ),
        (
            Reply::status("429 Too Many Requests", "Retry-After: 0\r\n", ""),
            ErrorKind::RateLimited,
            3,
            "the server received too many requests (HTTP 429); retry after 0ns",
        ),
        (
            Reply::status("204 No Content", "", ""),
            ErrorKind::Status,
            1,
            "the server answered with HTTP 204, expected 200",
        ),
        (
            Reply::status("302 Found", "Location: https://sign.in/?a=b\r\n", ""),
            ErrorKind::Redirect,
            1,
            "the server redirects to `https://sign.in/` (HTTP 302); redirects are not followed, so that no other server \
             gets the token",
        ),
        (
            Reply::status("200 OK", "", html),
            ErrorKind::NotMetrics,
            1,
            "the answer is HTML or XML, expected JSON of Prometheus' query API",
        ),
        (
            json(""),
            ErrorKind::NotMetrics,
            1,
            "the answer is empty, expected JSON of Prometheus' query API",
        ),
        (
            json("[1]"),
            ErrorKind::NotMetrics,
            1,
            "the answer is not a JSON object, expected JSON of Prometheus' query API",
        ),
        (
            Reply::raw(cut),
            ErrorKind::Transport,
            3,
            "the answer is truncated",
        ),
        (
            Reply::nothing(),
            ErrorKind::Transport,
            3,
            "cannot get an answer from `{server}`",
        ),
        (
            data("7"),
            ErrorKind::Decode,
            1,
            "cannot read the answer of the query API",
        ),
        (
            json(r#"{"status":"success"}"#),
            ErrorKind::Decode,
            1,
            "the answer has no data",
        ),
        (
            json(refused),
            ErrorKind::Status,
            1,
            "the server refuses the query: bad_data: parse error",
        ),
        (
            json(r#"{"status":"success","isPartial":true,"data":[]}"#),
            ErrorKind::Unavailable,
            3,
            "the answer is partial: some nodes of the server did not answer",
        ),
        (
            data(r#"["acme","Not An Organization"]"#),
            ErrorKind::Decode,
            1,
            "the label `org` does not have an organization",
        ),
    ];
    for (reply, kind, requests, message) in cases {
        let server = Server::start([reply]).await;
        let result = history(&server).organizations().await;
        assert_eq!(leak_in(&result), None);
        let error = result.unwrap_err();
        let message = message.replace("{server}", &server.url());
        assert_eq!(
            (error.kind(), error.message()),
            (kind, &*message),
            "{error:?}"
        );
        assert_eq!(server.requests(), requests, "{error}");
    }
    let server = Server::start([Reply::status("422 Unprocessable Entity", JSON, long)]).await;
    let error = history(&server).organizations().await.unwrap_err();
    assert!(error.message().ends_with(r#"xxx\": the reason"#), "{error}");
    assert!(error.message().len() < 500, "{error}");
}

#[tokio::test]
async fn organizations_are_listed_by_their_label() {
    let server = Server::start([json(r#"{"status":"success","data":["zenith","acme"]}"#)]).await;
    let names = history(&server).organizations().await.unwrap();
    assert_eq!(
        names,
        ["acme", "zenith"].map(|name| Organization::new(name).unwrap())
    );
    let log = server.log();
    let head = &log.requests[0].head;
    assert!(
        head.starts_with("GET /api/v1/label/org/values?match%5B%5D="),
        "{head}"
    );
    assert_eq!(head.matches("match%5B%5D=scout_").count(), 4);

    let fixed = || builder(&server).with_organization(acme());
    let history = fixed().with_matcher("job", "one").build().unwrap();
    assert_eq!(history.organizations().await.unwrap(), [acme()]);
    let requests = server.requests();
    let other = Organization::new("other").unwrap();
    let none = history.at(&other, at(TIME), Duration::ZERO).await.unwrap();
    assert!(none.is_none());
    assert_eq!(server.requests(), requests);
}

#[tokio::test]
async fn the_token_is_in_no_log_no_debug_and_no_error() {
    let echo = format!("Location: /{TOKEN}\r\nRetry-After: {TOKEN}\r\n{JSON}");
    let said = format!(r#"{{"status":"error","errorType":"{TOKEN}","error":"no {TOKEN}"}}"#);
    let warned = format!(
        r#"{{"status":"success","data":["acme"],"warnings":["{TOKEN}"],"infos":["{TOKEN}"]}}"#
    );
    let odd = format!(r#"{{"status":"{TOKEN}","data":{{"{TOKEN}":1}}}}"#);
    let replies = [
        json(&said),
        json(&warned),
        json(odd),
        json(format!("<html>{TOKEN}")),
        json(format!(r#"{{"{TOKEN}"#)),
        json(format!(r#"{{"status":"success","data":["{TOKEN}!"]}}"#)),
        Reply::status("302 Found", &echo, &said),
        Reply::status("400 Bad Request", &echo, &said),
        Reply::status("401 Unauthorized", &echo, &said),
        Reply::status("503 Service Unavailable", &echo, &said),
    ];
    let encoded = "bWU6ZGNrcl9wYXRfdjNyeS1zM2NyM3RfMDEyMzQ1Njc4OQ==";
    for reply in replies {
        let server = Server::start([reply]).await;
        let builder = builder(&server).with_user("me").with_max_attempts(1);
        let shown = format!("{builder:?}");
        let history = builder.build().unwrap();
        let result = history.organizations().await;
        let mut texts = result.as_ref().err().map(texts_of).unwrap_or_default();
        texts.push(format!("{shown}{history:?}{history:#?}{history}"));
        let text = texts.concat();
        assert!(!text.contains(TOKEN) && !text.contains(encoded), "{text}");
        let sent = server.log().requests[0]
            .header("authorization")
            .unwrap()
            .to_owned();
        assert_eq!(sent, format!("Basic {encoded}"));
    }
    let named = SERIES
        .replace("production", TOKEN)
        .replace(r#""3""#, r#""0.5""#);
    let server = Server::answering(last_scrape(&named)).await;
    let result = history(&server).at(&acme(), at(TIME), SHORT).await;
    assert!(result.is_err());
    assert_eq!(leak_in(&result), None);
    let logged = secrets::logged().text();
    assert!(!logged.contains(TOKEN) && !logged.contains(encoded));
    assert!(logged.contains("the list of organizations may be incomplete"));
}

#[tokio::test]
async fn transient_failures_are_retried_and_a_new_token_is_used() {
    let good = json(r#"{"status":"success","data":["acme"]}"#);
    let down = Reply::status("503 Service Unavailable", "", "");
    let server = Server::start([down.clone(), down, good.clone()]).await;
    assert_eq!(history(&server).organizations().await.unwrap(), [acme()]);
    assert_eq!(server.requests(), 3);

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    fs::write(&path, "old-token").unwrap();
    let rotated = path.clone();
    let server = Server::answering(move |request| {
        let is_new = request.header("authorization") == Some("Bearer new-token");
        fs::write(&rotated, "new-token").unwrap();
        match is_new {
            true => good.clone(),
            false => Reply::status("401 Unauthorized", "", ""),
        }
    })
    .await;
    let history = builder(&server).with_token_file(path).build().unwrap();
    assert_eq!(history.organizations().await.unwrap(), [acme()]);
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_call_ends_at_its_deadline() {
    let half = format!("HTTP/1.1 200 OK\r\n{JSON}Content-Length: 100\r\n\r\n{{");
    for reply in [Reply::nothing().then_hold(), Reply::raw(half).then_hold()] {
        let server = Server::start([reply]).await;
        let history = builder(&server).with_timeout(SHORT).build().unwrap();
        let error = history.at(&acme(), at(TIME), SHORT).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert_eq!(error.organization(), Some(&acme()));
    }
}

#[tokio::test]
async fn labels_of_targets_are_left_out_and_others_are_anomalies() {
    let server = Server::answering(last_scrape(SERIES)).await;
    assert_eq!(found(&server).await.anomalies(), []);

    let labelled = SERIES.replace(r#""job""#, r#""cluster":"eu","job""#);
    let server = Server::answering(last_scrape(&labelled)).await;
    let snapshot = found(&server).await;
    assert_eq!(snapshot.streams(), []);
    let anomaly = &snapshot.anomalies()[0];
    assert_eq!(anomaly.kind(), AnomalyKind::UnknownLabel);
    assert!(anomaly.is_unplaced() && anomaly.line().is_none());
    for builder in [
        builder(&server).with_target_label("cluster"),
        builder(&server).with_matcher("cluster", "eu"),
    ] {
        let history = builder.build().unwrap();
        let snapshot = history.at(&acme(), at(TIME), Duration::ZERO).await;
        assert_eq!(snapshot.unwrap().unwrap().anomalies(), []);
    }
}

#[tokio::test]
async fn a_value_that_is_no_count_is_an_error() {
    for value in ["2.5", "NaN", "-1", "+Inf", "9007199254740994"] {
        let server = Server::answering(last_scrape(
            &SERIES.replace(r#""3""#, &format!("\"{value}\"")),
        ))
        .await;
        let error = history(&server)
            .at(&acme(), at(TIME), Duration::ZERO)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        let message = "at 1700000000.000, expected a whole number from 0 to 2^53";
        assert!(error.message().ends_with(message), "{error}");
    }
}

#[tokio::test]
async fn a_series_that_is_in_an_answer_twice_is_an_anomaly() {
    let twice = format!("{SERIES},{}", SERIES.replace(r#""3""#, r#""-0""#));
    let server = Server::answering(last_scrape(&twice)).await;
    let snapshot = found(&server).await;
    let kinds: Vec<_> = snapshot.anomalies().iter().map(|one| one.kind()).collect();
    assert_eq!(kinds, [AnomalyKind::DuplicateSample]);
}

#[tokio::test]
async fn a_warning_is_in_the_snapshot_so_that_no_gate_overlooks_it() {
    let answer = last_scrape(SERIES);
    let server = Server::answering(move |request| {
        if is_about_vulnerabilities(request) {
            return answer(request);
        }
        json(
            r#"{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["remote storage is away"]}"#,
        )
    })
    .await;
    let snapshot = found(&server).await;
    assert_eq!(snapshot.streams().len(), 1);
    let anomalies: Vec<String> = snapshot
        .anomalies()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        anomalies,
        ["the server warned that its answer may be incomplete: remote storage is away"]
    );
}

/// Answers a range of vulnerabilities with a scrape at each time of evaluation.
fn dense(request: &Request) -> Reply {
    if !is_about_vulnerabilities(request) {
        return matrix("");
    }
    let number = |name| {
        let of_instant = || parameter(request, "time");
        let text = optional(request, name).unwrap_or_else(of_instant);
        text.parse::<f64>().unwrap() as i64
    };
    let step = optional(request, "step").map_or(1, |_| number("step"));
    let times = (number("start")..=number("end")).step_by(step as usize);
    let (times, values): (Vec<String>, Vec<String>) = times
        .map(|time| (format!(r#"[{time},"{time}"]"#), format!(r#"[{time},"3"]"#)))
        .unzip();
    let scrapes = format!(r#"{{"metric":{{}},"values":[{}]}}"#, times.join(","));
    let values = SERIES.replace(r#"[TIME,"3"]"#, &values.join(","));
    matrix(&format!("{scrapes},{values}"))
}

#[tokio::test]
async fn a_range_is_asked_for_in_parts_that_servers_allow() {
    let hour = Duration::from_secs(3600);
    let (start, end) = (at(TIME), at(TIME) + 2499 * hour);
    let too_many = r#"{"status":"error","errorType":"bad_data","error":"exceeded maximum resolution of 11,000 points"}"#;
    let server = Server::answering(move |request| {
        let length = |name| parameter(request, name).parse::<f64>().unwrap();
        let points = (length("end") - length("start")) / length("step");
        match points > 600.0 {
            true => Reply::status("400 Bad Request", JSON, too_many),
            false => dense(request),
        }
    })
    .await;
    let snapshots = history(&server)
        .range(&acme(), start, end, hour)
        .await
        .unwrap();
    assert_eq!(snapshots.len(), 2500);
    let times = snapshots.iter().map(Snapshot::scraped_at);
    assert!(times.eq((0..2500).map(|step| start + step * hour)));
    // 1,000, 1,000 and 500 steps, of which the first two are halved; each family may have been asked for or not.
    assert!(
        (20..=28).contains(&server.requests()),
        "{}",
        server.requests()
    );

    // The answer for 20 steps has a bit more than 1,000 bytes.
    let server = Server::answering(dense).await;
    let small = builder(&server).with_body_limit(700).build().unwrap();
    let snapshots = small.range(&acme(), start, start + 19 * hour, hour).await;
    assert_eq!(snapshots.unwrap().len(), 20);
    let tiny = builder(&server).with_body_limit(100).build().unwrap();
    let error = tiny
        .range(&acme(), start, start + 19 * hour, hour)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert_eq!(
        error.message(),
        "the answer is larger than the limit of 100 bytes"
    );
}

/// Answers as Prometheus before 3.0, which looks back five minutes from an instant, and for which a range includes its start.
/// It has the scrapes of [`SERIES`] with these times in milliseconds.
fn with_closed_ranges(scrapes: Vec<i64>) -> impl Fn(&Request) -> Reply {
    move |request| {
        let query = parameter(request, "query");
        let length = query.rsplit_once('[').and_then(|(_, rest)| {
            let (length, _) = rest.split_once("ms]")?;
            length.parse::<i64>().ok()
        });
        let Some(length) = length.filter(|_| is_about_vulnerabilities(request)) else {
            return matrix("");
        };
        let millis = |text: String| (text.parse::<f64>().unwrap() * 1000.0) as i64;
        let in_range = |end: i64| {
            let scrapes = scrapes.iter().copied();
            scrapes.filter(move |at| (end - length..=end).contains(at))
        };
        if !query.contains("count_over_time") {
            let end = millis(parameter(request, "time"));
            let values = in_range(end).map(|at| format!(r#"[{},"3"]"#, at as f64 / 1000.0));
            let values: Vec<String> = values.collect();
            return matrix(&SERIES.replace(r#"[TIME,"3"]"#, &values.join(",")));
        }
        let ends: Vec<i64> = match optional(request, "time") {
            Some(time) => vec![millis(time)],
            None => {
                let [start, end, step] =
                    ["start", "end", "step"].map(|name| millis(parameter(request, name)));
                (start..=end).step_by(step as usize).collect()
            }
        };
        let counts = ends.into_iter().filter_map(|end| {
            let count = Some(in_range(end).count()).filter(|count| *count > 0)?;
            Some(format!(r#"[{},"{count}"]"#, end as f64 / 1000.0))
        });
        let counts: Vec<String> = counts.collect();
        matrix(&format!(
            r#"{{"metric":{{}},"values":[{}]}}"#,
            counts.join(",")
        ))
    }
}

#[tokio::test]
async fn a_scrape_at_the_start_of_a_range_that_includes_it_is_found() {
    let hour = Duration::from_secs(3600);
    let day = 24 * hour;
    let server = Server::answering(with_closed_ranges(vec![TIME * 1000])).await;
    let history = history(&server);
    let found = history.at(&acme(), at(TIME) + day, 30 * day).await;
    assert_eq!(found.unwrap().unwrap().scraped_at(), at(TIME));
    // The start of the window is in it, the time before is not.
    let found = history.at(&acme(), at(TIME) + hour, hour).await;
    assert_eq!(found.unwrap().unwrap().scraped_at(), at(TIME));
    let millisecond = Duration::from_millis(1);
    let shorter = hour - millisecond;
    let found = history.at(&acme(), at(TIME) + hour, shorter).await;
    assert_eq!(found.unwrap(), None);

    // A window with too many samples is divided into a hundred parts, here of 1,001 milliseconds.
    let last = TIME * 1000 - 1001;
    let scrapes = (last - 30_000..last).flat_map(|at| [at; 7]).chain([last]);
    let server = Server::answering(with_closed_ranges(scrapes.collect())).await;
    let found = builder(&server).build().unwrap();
    let found = found.at(&acme(), at(TIME), Duration::from_secs(100)).await;
    assert_eq!(
        found.unwrap().unwrap().scraped_at(),
        at(TIME) - 1001 * millisecond
    );
}

#[tokio::test]
async fn an_answer_for_other_times_is_an_error() {
    let server = Server::answering(|request| {
        let start: f64 = parameter(request, "start").parse().unwrap();
        let aligned = (start / 3600.0).floor() * 3600.0;
        matrix(&SERIES.replace("TIME", &aligned.to_string()))
    })
    .await;
    let hour = Duration::from_secs(3600);
    let history = history(&server);
    let error = history
        .range(&acme(), at(TIME), at(TIME) + 5 * hour, hour)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(
        error.message().contains("which was not asked for"),
        "{error}"
    );
}

#[test]
fn options_that_cannot_be_used_are_named() {
    let refusal = |builder: PrometheusHistoryBuilder| builder.build().unwrap_err().to_string();
    let remote = || PrometheusHistory::builder("http://prometheus.example:9090");
    assert!(remote().build().is_ok());
    let insecure = "cannot use the URL of the server: `http` to another machine exposes the token on the network; use `https`";
    assert_eq!(refusal(remote().with_token(TOKEN)), insecure);
    assert_eq!(
        refusal(remote().with_header("X-Scope-OrgID", "a")),
        insecure
    );
    assert!(
        remote()
            .with_token(TOKEN)
            .with_allow_insecure_http(true)
            .build()
            .is_ok()
    );
    assert_eq!(
        refusal(PrometheusHistory::builder("prometheus:9090")),
        "cannot use the URL of the server: its scheme is `prometheus`, expected `https`"
    );
    assert_eq!(
        refusal(PrometheusHistory::builder("https://a.example/?token=x")),
        "cannot use the URL of the server: it has a query or fragment"
    );
    assert_eq!(
        refusal(remote().with_organization_label("a-b")),
        "`a-b` is not the name of a label: expected letters, digits and underscores"
    );
    assert_eq!(
        refusal(remote().with_matcher("a\"", "b")),
        "`a\\\"` is not the name of a label: expected letters, digits and underscores"
    );
    assert!(refusal(remote().with_timeout(Duration::ZERO)).contains("the timeout is zero"));
    assert!(refusal(remote().with_body_limit(0)).contains("with_body_limit"));
    assert!(refusal(remote().with_max_attempts(0)).contains("with_max_attempts"));
}
