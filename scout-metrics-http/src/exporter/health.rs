//! Whether the program runs, and whether it has something to answer from. Neither asks a source.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};

use super::endpoint::Endpoint;

/// Answers that the program runs.
pub(super) async fn healthy() -> &'static str {
    "healthy\n"
}

/// Answers whether the first fetches have ended. Names no organization, because no token is asked for.
pub(super) async fn ready(State(endpoint): State<Arc<Endpoint>>) -> (StatusCode, &'static str) {
    if endpoint.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "waiting for the first fetch\n",
        )
    }
}
