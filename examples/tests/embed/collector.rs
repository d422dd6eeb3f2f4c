//! A collector that keeps what is pushed to it.

use std::{
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
};

use axum::{Router, body::Bytes, http::HeaderMap, routing::post};

use crate::embed::PATIENCE;

pub(crate) struct Collector {
    pub(crate) url: String,
    requests: Receiver<(HeaderMap, Bytes)>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/metrics", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        let receive = move |headers: HeaderMap, body: Bytes| {
            // Nobody receives what comes after the test.
            let _ = sender.send((headers, body));
            // An empty body is an answer without any field.
            async { [("content-type", "application/x-protobuf")] }
        };
        let router = Router::new().route("/v1/metrics", post(receive));
        thread::spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await
            })
        });
        Self { url, requests }
    }

    /// Waits for the next push.
    pub(crate) fn next(&self) -> (HeaderMap, Bytes) {
        self.requests.recv_timeout(PATIENCE).unwrap()
    }
}
