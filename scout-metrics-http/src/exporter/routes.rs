//! The routes, with authentication before and counting after each of them.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Extension, Router,
    extract::{ConnectInfo, MatchedPath, Path, Request, State},
    middleware::{self, Next},
    response::Response,
    routing::get,
};

use super::{
    auth::Guard,
    discovery, error_response, health,
    metrics::{self, OrganizationPath},
    organizations, page,
    paths::{DISCOVERY, METRICS, ORGANIZATIONS, PAGE, metrics_of, snapshot_of},
    state::ExporterState,
};

pub(super) fn router(state: ExporterState, guard: Guard) -> Router {
    let state = Arc::new(state);
    let guard = Arc::new(guard);
    let guarded = Router::new()
        .route(&metrics_of("{org}"), get(metrics::of_organization))
        .route("/v1/exporter/org/{org}", get(metrics::of_organization))
        .route(&snapshot_of("{org}"), get(metrics::snapshot))
        .route(METRICS, get(metrics::all))
        .route(ORGANIZATIONS, get(organizations::organizations))
        .route(DISCOVERY, get(discovery::discovery))
        .route(PAGE, get(page::page))
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&guard),
            authenticate,
        ));
    let open = Router::new()
        .route("/-/healthy", get(health::healthy))
        .route("/-/ready", get(health::ready).layer(Extension(guard)));
    let count = middleware::from_fn_with_state(Arc::clone(&state), count);
    guarded.merge(open).route_layer(count).with_state(state)
}

async fn authenticate(
    State(guard): State<Arc<Guard>>,
    path: OrganizationPath,
    request: Request,
    next: Next,
) -> Response {
    let organization = path.as_ref().ok().map(|Path(parameters)| &parameters.org);
    let peer = peer(&request);
    match guard.check(request.headers(), organization, peer).await {
        Ok(()) => next.run(request).await,
        Err(refusal) => error_response::of_refusal(refusal),
    }
}

/// Returns the address of the client, if the server around the router states it.
pub(super) fn peer(request: &Request) -> Option<IpAddr> {
    let peer: &ConnectInfo<SocketAddr> = request.extensions().get()?;
    Some(peer.0.ip())
}

/// Counts by the pattern of the route, because the number of paths is not bounded.
async fn count(
    State(state): State<Arc<ExporterState>>,
    route: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let code = response.status().as_u16();
    state.own_metrics.count_request(route.as_str(), code);
    response
}
