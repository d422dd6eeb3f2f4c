//! A stand-in for Docker Scout that answers as slowly, can be down, and notes when it was asked.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::runtime::Builder;

#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    body: Bytes,
    latency: Duration,
    is_down: AtomicBool,
    requests: Mutex<Vec<Instant>>,
}

impl Upstream {
    /// Starts to serve an exposition on a thread of its own.
    pub(crate) fn start(exposition: String, latency: Duration) -> Self {
        let shared = Arc::new(Shared {
            body: exposition.into(),
            latency,
            is_down: AtomicBool::new(false),
            requests: Mutex::default(),
        });
        let listener =
            std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address: SocketAddr = listener.local_addr().expect("the listener is bound");
        let router = Router::new()
            .route("/v1/exporter/org/{org}/metrics", get(metrics))
            .with_state(Arc::clone(&shared));
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("the system has sockets and timers");
            runtime.block_on(async {
                listener.set_nonblocking(true).expect("sockets can do that");
                let listener = tokio::net::TcpListener::from_std(listener);
                let listener = listener.expect("the runtime has sockets");
                axum::serve(listener, router).await
            })
        });
        Self {
            url: format!("http://{address}"),
            shared,
        }
    }

    /// Answers with HTTP 503 from now on, or as usual.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.shared.is_down.store(is_down, Relaxed);
    }

    /// Returns the number of requests in each of these parts of the time since an instant.
    pub(crate) fn rates(&self, since: Instant, part: Duration, parts: usize) -> Vec<usize> {
        let mut rates = vec![0; parts];
        let requests = self.shared.requests.lock();
        for request in requests.expect("no request panics").iter() {
            let Some(elapsed) = request.checked_duration_since(since) else {
                continue;
            };
            let index = (elapsed.as_secs_f64() / part.as_secs_f64()) as usize;
            if let Some(rate) = rates.get_mut(index) {
                *rate += 1;
            }
        }
        rates
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let requests = shared.requests.lock();
    requests.expect("no request panics").push(Instant::now());
    if shared.is_down.load(Relaxed) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    tokio::time::sleep(shared.latency).await;
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    ([(CONTENT_TYPE, content_type)], shared.body.clone()).into_response()
}
