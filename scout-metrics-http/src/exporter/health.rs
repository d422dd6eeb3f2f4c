//! Probes of liveness and readiness. Neither scrapes a source.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};

use super::state::ExporterState;

/// Answers that the program runs.
pub(super) async fn healthy() -> &'static str {
    "healthy\n"
}

/// Answers whether the first fetches have ended. Names no organization, because no token is required.
pub(super) async fn ready(State(state): State<Arc<ExporterState>>) -> (StatusCode, &'static str) {
    if state.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "waiting for the first fetch\n",
        )
    }
}
