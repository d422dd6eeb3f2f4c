//! Probes of liveness and readiness. Neither scrapes a source.

use std::{collections::BTreeSet, fmt::Write, sync::Arc};

use axum::{
    Extension,
    extract::{Request, State},
    http::StatusCode,
};

use scout_metrics_core::{Error, Organization};

use super::{auth::Guard, error_response::reason, routes::peer, state::ExporterState};

/// The maximum number of organizations that an answer names.
const MAX_NAMED: usize = 20;

/// The reason of an organization whose first fetch still runs.
const FETCHING: &str = "the first fetch has not ended";

/// Answers that the program runs.
pub(super) async fn healthy() -> &'static str {
    "healthy\n"
}

/// Answers whether there are metrics to serve, and if not, why.
///
/// No credentials are required. Without them, if the exporter demands some elsewhere, the answer names no organization.
pub(super) async fn ready(
    State(state): State<Arc<ExporterState>>,
    Extension(guard): Extension<Arc<Guard>>,
    request: Request,
) -> (StatusCode, String) {
    let waiting = state.waiting_for();
    if waiting.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    let (missing, all) = (waiting.len(), state.awaited());
    let mut body = format!("not ready: {missing} of {all} organizations have no metrics yet\n");
    let admitted = guard.check(request.headers(), None, peer(&request)).await;
    if admitted.is_ok() {
        name(&mut body, &waiting);
    } else {
        count(&mut body, &waiting);
    }
    (StatusCode::SERVICE_UNAVAILABLE, body)
}

fn name(body: &mut String, waiting: &[(&Organization, Option<Error>)]) {
    for (organization, error) in waiting.iter().take(MAX_NAMED) {
        let reason = error.as_ref().map_or(FETCHING.to_owned(), reason);
        let _ = writeln!(body, "{organization}: {reason}");
    }
    if waiting.len() > MAX_NAMED {
        let _ = writeln!(body, "and {} more", waiting.len() - MAX_NAMED);
    }
}

fn count(body: &mut String, waiting: &[(&Organization, Option<Error>)]) {
    let reason = |error: &Option<Error>| {
        error
            .as_ref()
            .map_or(FETCHING, |error| error.kind().as_str())
    };
    let reasons: BTreeSet<&str> = waiting.iter().map(|(_, error)| reason(error)).collect();
    for reason in reasons {
        let _ = writeln!(body, "{reason}");
    }
}
