//! Users with passwords of their own.

use super::*;

use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use axum::extract::ConnectInfo;

use scout_metrics_http::exporter::{PasswordVerifier, Verdict};

/// `Basic` and `admin:s3cr3t`.
const ADMIN: &str = "Basic YWRtaW46czNjcjN0";

#[derive(Clone, Debug)]
struct Users {
    verdict: Arc<Mutex<Option<Verdict>>>,
    calls: Arc<AtomicUsize>,
}

#[async_trait]
impl PasswordVerifier for Users {
    fn is_required(&self) -> bool {
        self.verdict.lock().unwrap().is_some()
    }

    async fn verify(&self, user: &str, password: &[u8]) -> Verdict {
        self.calls.fetch_add(1, Ordering::Relaxed);
        assert_eq!((user, password), ("admin", &b"s3cr3t"[..]));
        self.verdict.lock().unwrap().unwrap()
    }
}

fn users(verdict: Option<Verdict>) -> Users {
    Users {
        verdict: Arc::new(Mutex::new(verdict)),
        calls: Arc::default(),
    }
}

fn exporter(users: &Users) -> Exporter {
    Exporter::new()
        .with_source(source("acme"))
        .with_password_verifier(users.clone())
}

async fn answer(router: &Router, path: &str, authorization: &str) -> Answer {
    let request = Request::get(path)
        .header("host", "localhost")
        .header("authorization", authorization);
    call(router, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_user_is_admitted_to_all_routes_and_tokens_still_are() {
    let users = users(Some(Verdict::Admitted));
    let router = exporter(&users)
        .with_bearer_token(TOKEN)
        .with_organization_token(organization("acme"), "of-acme")
        .into_router()
        .unwrap();
    for path in ROUTES {
        assert_eq!(answer(&router, path, ADMIN).await.status, StatusCode::OK);
        let token = answer(&router, path, &format!("Bearer {TOKEN}")).await;
        assert_eq!(token.status, StatusCode::OK);
    }
    let guarded = ROUTES.len() - 3;
    let message = "health and files of the page need none";
    assert_eq!(users.calls.load(Ordering::Relaxed), guarded, "{message}");
    let other = answer(&router, "/metrics", "Bearer s3cr3t").await;
    assert_eq!(other.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn each_verdict_has_its_status() {
    let users = users(Some(Verdict::Refused));
    let router = exporter(&users).into_router().unwrap();
    let refused = answer(&router, PATH, ADMIN).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);

    *users.verdict.lock().unwrap() = Some(Verdict::Busy);
    let busy = answer(&router, PATH, ADMIN).await;
    assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(busy.header("retry-after"), Some("1"));
    assert_eq!(busy.body, "too many passwords are being verified\n");
}

#[tokio::test]
async fn credentials_are_required_as_soon_as_there_are_users() {
    let users = users(None);
    let router = exporter(&users).into_router().unwrap();
    assert_eq!(get(&router, PATH).await.status, StatusCode::OK);
    *users.verdict.lock().unwrap() = Some(Verdict::Admitted);
    assert_eq!(get(&router, PATH).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer(&router, PATH, ADMIN).await.status, StatusCode::OK);
}

/// Verifying a password may cost 100 ms of processor time.
#[tokio::test(start_paused = true)]
async fn passwords_are_not_verified_after_too_many_failures_of_all() {
    let users = users(Some(Verdict::Refused));
    let router = exporter(&users)
        .with_bearer_token(TOKEN)
        .into_router()
        .unwrap();
    for _ in 0..1000 {
        let failed = answer(&router, PATH, ADMIN).await;
        assert_eq!(failed.status, StatusCode::UNAUTHORIZED);
    }
    *users.verdict.lock().unwrap() = Some(Verdict::Admitted);
    let refused = answer(&router, PATH, ADMIN).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(users.calls.load(Ordering::Relaxed), 1000);
    let token = answer(&router, PATH, &format!("Bearer {TOKEN}")).await;
    assert_eq!(token.status, StatusCode::OK);

    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(answer(&router, PATH, ADMIN).await.status, StatusCode::OK);
}

/// A client that does not wait for the answer has cost as much.
#[tokio::test(start_paused = true)]
async fn attempts_that_the_client_gives_up_are_failures() {
    #[derive(Debug)]
    struct Slow;

    #[async_trait]
    impl PasswordVerifier for Slow {
        fn is_required(&self) -> bool {
            true
        }

        async fn verify(&self, _user: &str, _password: &[u8]) -> Verdict {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Verdict::Admitted
        }
    }

    let router = Exporter::new()
        .with_source(source("acme"))
        .with_password_verifier(Slow)
        .into_router()
        .unwrap();
    let request = || {
        let request = Request::get(PATH).header("authorization", ADMIN);
        let mut request = request.body(Body::empty()).unwrap();
        let peer: SocketAddr = "192.0.2.1:50000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        call(&router, request)
    };
    for _ in 0..10 {
        let given_up = tokio::time::timeout(Duration::from_millis(10), request()).await;
        given_up.unwrap_err();
    }
    assert_eq!(request().await.status, StatusCode::TOO_MANY_REQUESTS);
}
