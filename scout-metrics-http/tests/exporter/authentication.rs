use super::*;

const CHALLENGES: [&str; 2] = [r#"Basic realm="scout-metrics", charset="UTF-8""#, "Bearer"];

const UNAUTHORIZED: &str = "credentials are required: a bearer token, or HTTP Basic authentication with a user's password or a token as the \
     password\n";

#[tokio::test]
async fn requests_without_a_valid_token_learn_nothing() {
    let router = guarded_router();
    let long = format!("Bearer {}", "x".repeat(60_000));
    let good = format!("Bearer {TOKEN}");
    let credentials: [&[&[u8]]; 17] = [
        &[],
        &[b""],
        &[b"Bearer"],
        &[b"Bearer "],
        &[TOKEN.as_bytes()],
        &[b"Bearer dckr_pat_012345678"],
        &[b"Bearer dckr_pat_01234567890"],
        &[b"Bearer dckr_pat_0123456789, Bearer second"],
        &[b"Basic dckr_pat_0123456789"],
        // The token as the user, no user, no colon, a wrong password, and the token without its last character.
        &[b"Basic ZGNrcl9wYXRfMDEyMzQ1Njc4OTo="],
        &[b"Basic ZGNrcl9wYXRfMDEyMzQ1Njc4OQ=="],
        &[b"Basic "],
        &[b"Basic YWRtaW46YWRtaW4="],
        &[b"Basic YWRtaW46ZGNrcl9wYXRfMDEyMzQ1Njc4"],
        &[b"Bearer \xff\xfe"],
        &[good.as_bytes(), good.as_bytes()],
        &[long.as_bytes()],
    ];
    for values in credentials {
        for path in [
            PATH,
            "/v1/exporter/org/unknown/metrics",
            "/v1/exporter/org/%ff",
        ] {
            for method in ["GET", "HEAD", "POST"] {
                let request = values.iter().fold(
                    Request::builder().method(method).uri(path),
                    |request, &value| request.header("authorization", value),
                );
                let answer = call(&router, request.body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
                let challenges: Vec<_> =
                    answer.headers.get_all("www-authenticate").iter().collect();
                assert_eq!(challenges, CHALLENGES);
                let body = if method == "HEAD" { "" } else { UNAUTHORIZED };
                assert_eq!(answer.body, body, "{method}");
            }
        }
    }
    let by_query = get(&router, &format!("{PATH}?access_token={TOKEN}")).await;
    assert_eq!(by_query.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn each_token_is_accepted_and_the_scheme_ignores_case() {
    let router = guarded_router();
    for value in [
        "Bearer dckr_pat_0123456789",
        "bearer dckr_pat_0123456789",
        "BEARER second",
        "Bearer   second",
        // `admin:dckr_pat_0123456789`, and `:second`.
        "Basic YWRtaW46ZGNrcl9wYXRfMDEyMzQ1Njc4OQ==",
        "basic OnNlY29uZA==",
    ] {
        let answer = get_with(&router, &[("authorization", value.as_bytes())]).await;
        assert_eq!(answer.status, StatusCode::OK, "{value}");
    }
}

#[tokio::test]
async fn white_space_around_a_token_is_ignored() {
    let router = Exporter::new()
        .with_source(source("acme"))
        .with_bearer_token(" second\r\n")
        .into_router()
        .unwrap();
    assert_eq!(status_with_token(&router, "second").await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_new_token_is_accepted_at_once_and_the_old_one_refused_within_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    fs::write(&path, "\u{feff}first\r\n").unwrap();
    let router = router_with_file(&path).unwrap();
    assert_eq!(status_with_token(&router, "first").await, StatusCode::OK);

    // The same length, and within one step of the file system's clock.
    fs::write(&path, "other\n").unwrap();
    assert_eq!(status_with_token(&router, "other").await, StatusCode::OK);
    assert_eq!(
        status_with_token(&router, "first").await,
        StatusCode::UNAUTHORIZED
    );

    let renamed = directory.path().join("new");
    fs::write(&renamed, "third\n").unwrap();
    fs::rename(&renamed, &path).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(
        status_with_token(&router, "other").await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(status_with_token(&router, "third").await, StatusCode::OK);
}

/// As `cp -p` and reproducible archives create them, and a link that is turned to another directory.
#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_file_of_the_same_time_and_length_is_another_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let time = std::time::SystemTime::now() - Duration::from_secs(3600);
    for version in ["first", "other"] {
        fs::create_dir(directory.path().join(version)).unwrap();
        write_at(&directory.path().join(version).join("token"), version, time);
    }
    let turn = |version: &str| {
        let link = directory.path().join("new");
        std::os::unix::fs::symlink(version, &link).unwrap();
        fs::rename(link, directory.path().join("data")).unwrap();
    };
    turn("first");
    std::os::unix::fs::symlink("data/token", &path).unwrap();
    let router = router_with_file(&path).unwrap();
    assert_eq!(status_with_token(&router, "first").await, StatusCode::OK);
    turn("other");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(
        status_with_token(&router, "first").await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(status_with_token(&router, "other").await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_good_for_ten_minutes_after_it_was_last_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    fs::write(&path, "first").unwrap();
    let router = router_with_file(&path).unwrap();
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(status_with_token(&router, "first").await, StatusCode::OK);

    fs::write(&path, "").unwrap();
    tokio::time::advance(Duration::from_secs(300)).await;
    assert_eq!(status_with_token(&router, "first").await, StatusCode::OK);
    assert_eq!(
        status_with_token(&router, "").await,
        StatusCode::UNAUTHORIZED
    );
    fs::remove_file(&path).unwrap();
    tokio::time::advance(Duration::from_secs(299)).await;
    assert_eq!(status_with_token(&router, "first").await, StatusCode::OK);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(
        status_with_token(&router, "first").await,
        StatusCode::UNAUTHORIZED
    );
    fs::write(&path, "second").unwrap();
    assert_eq!(
        status_with_token(&router, "first").await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(status_with_token(&router, "second").await, StatusCode::OK);
}

pub(super) fn router_with_file(path: &Path) -> Result<Router> {
    Exporter::new()
        .with_source(source("acme"))
        .with_bearer_token_file(path)
        .into_router()
}

fn write_at(path: &Path, token: &str, modified: std::time::SystemTime) {
    fs::write(path, token).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(modified).unwrap();
}

/// Every route that a token is needed for, and whether it is about the organization `acme`.
const ROUTES: [(&str, bool); 11] = [
    ("/", false),
    ("/organizations/acme", true),
    ("/organizations/acme/prometheus.yml", true),
    ("/organizations/acme/streams/production", true),
    ("/prometheus.yml", false),
    ("/metrics", false),
    ("/v1/exporter/org/acme", true),
    (PATH, true),
    ("/api/v1/organizations", false),
    ("/api/v1/organizations/acme/snapshot", true),
    ("/sd", false),
];

async fn status_at(router: &Router, path: &str, token: Option<&str>) -> StatusCode {
    let mut request = Request::get(path).header("host", "localhost");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    call(router, request.body(Body::empty()).unwrap())
        .await
        .status
}

#[tokio::test]
async fn all_routes_with_data_need_a_token() {
    let router = guarded_router();
    for (path, _) in ROUTES {
        assert_eq!(
            status_at(&router, path, None).await,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
        assert_eq!(
            status_at(&router, path, Some(TOKEN)).await,
            StatusCode::OK,
            "{path}"
        );
    }
    for path in ["/-/healthy", "/-/ready", "/assets/page.js"] {
        assert_eq!(
            status_at(&router, path, None).await,
            StatusCode::OK,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_token_of_an_organization_admits_only_requests_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    fs::write(&path, "of-apex\n").unwrap();
    let router = Exporter::new()
        .with_source(source("acme"))
        .with_source(source("apex"))
        .with_organization_token(organization("acme"), "of-acme")
        .with_organization_token_file(organization("apex"), &path)
        .into_router()
        .unwrap();
    for (path, is_of_acme) in ROUTES {
        let expected = if is_of_acme {
            StatusCode::OK
        } else {
            StatusCode::UNAUTHORIZED
        };
        assert_eq!(
            status_at(&router, path, Some("of-acme")).await,
            expected,
            "{path}"
        );
        let denied = status_at(&router, path, Some("of-apex")).await;
        assert_eq!(denied, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(
            status_at(&router, path, None).await,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
    for unknown in ["other", "Acme", "%ff", "..%2Facme"] {
        let path = format!("/v1/exporter/org/{unknown}/metrics");
        let status = status_at(&router, &path, Some("of-acme")).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_removed_long_ago_is_refused_at_its_next_use() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    fs::write(&path, "first").unwrap();
    let router = router_with_file(&path).unwrap();
    fs::remove_file(&path).unwrap();
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(
        status_with_token(&router, "first").await,
        StatusCode::UNAUTHORIZED
    );
}
