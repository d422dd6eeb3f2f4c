//! The routes, and what happens before and after each of them.

use std::sync::Arc;

use axum::{
    Router,
    extract::{MatchedPath, Path, Request, State},
    http::{StatusCode, header::WWW_AUTHENTICATE},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};

use super::{
    auth::Guard,
    discovery,
    endpoint::Endpoint,
    handler::{self, OrganizationPath},
    health, organizations, page,
    paths::{DISCOVERY, METRICS, ORGANIZATIONS, PAGE, metrics_of, snapshot_of},
};

pub(super) fn router(endpoint: Endpoint, guard: Guard) -> Router {
    let endpoint = Arc::new(endpoint);
    let guarded = Router::new()
        .route(&metrics_of("{org}"), get(handler::metrics))
        .route("/v1/exporter/org/{org}", get(handler::metrics))
        .route(&snapshot_of("{org}"), get(handler::snapshot))
        .route(METRICS, get(handler::all_metrics))
        .route(ORGANIZATIONS, get(organizations::organizations))
        .route(DISCOVERY, get(discovery::discovery))
        .route(PAGE, get(page::page))
        .route_layer(middleware::from_fn_with_state(
            Arc::new(guard),
            authenticate,
        ));
    let open = Router::new()
        .route("/-/healthy", get(health::healthy))
        .route("/-/ready", get(health::ready));
    let count = middleware::from_fn_with_state(Arc::clone(&endpoint), count);
    guarded.merge(open).route_layer(count).with_state(endpoint)
}

async fn authenticate(
    State(guard): State<Arc<Guard>>,
    path: OrganizationPath,
    request: Request,
    next: Next,
) -> Response {
    let organization = path.as_ref().ok().map(|Path(parameters)| &parameters.org);
    if guard.admits(request.headers(), organization) {
        return next.run(request).await;
    }
    let headers = [(WWW_AUTHENTICATE, "Bearer")];
    (
        StatusCode::UNAUTHORIZED,
        headers,
        "a valid bearer token is required\n",
    )
        .into_response()
}

/// Counts by the pattern of the route, of which there are a handful, never by the path, of which there is no end.
async fn count(
    State(endpoint): State<Arc<Endpoint>>,
    route: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let code = response.status().as_u16();
    endpoint.telemetry().count_request(route.as_str(), code);
    response
}
