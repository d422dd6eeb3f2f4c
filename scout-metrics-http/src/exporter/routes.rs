//! The routes, with authentication before and counting after each of them.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Extension, Router,
    extract::{MatchedPath, OriginalUri, Path, Request, State},
    http::HeaderMap,
    middleware::{self, Next},
    response::Response,
    routing::get,
};

use super::{
    auth::{Guard, Refusal, peer},
    discovery, error_response, health,
    metrics::{self, OrganizationPath},
    organizations, page,
    paths::{
        DISCOVERY, METRICS, ORGANIZATIONS, PAGE, PROMETHEUS, asset, metrics_of, page_of,
        prometheus_of, snapshot_of, stream_page_of,
    },
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
        .route(PROMETHEUS, get(page::prometheus::of_all))
        .route(
            &prometheus_of("{org}"),
            get(page::prometheus::of_organization),
        )
        .layer(Extension(Arc::clone(&guard)))
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&guard),
            authenticate,
        ));
    let pages = Router::new()
        .route(PAGE, get(page::overview))
        .route(&page_of("{org}"), get(page::organization))
        .route(&stream_page_of("{org}", "{stream}"), get(page::stream))
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&guard),
            authenticate_people,
        ));
    let open = Router::new()
        .route(&asset("{file}"), get(page::assets::asset))
        .route("/-/healthy", get(health::healthy))
        .route("/-/ready", get(health::ready).layer(Extension(guard)));
    let count = middleware::from_fn_with_state(Arc::clone(&state), count);
    guarded
        .merge(pages)
        .merge(open)
        .route_layer(count)
        .with_state(state)
}

async fn authenticate(
    State(guard): State<Arc<Guard>>,
    path: OrganizationPath,
    request: Request,
    next: Next,
) -> Response {
    let peer = peer(request.extensions());
    match check(&guard, &path, request.headers(), peer).await {
        Ok(()) => next.run(request).await,
        Err(refusal) => error_response::of_refusal(refusal),
    }
}

/// Does the same, and answers with a page if the request is refused.
async fn authenticate_people(
    State(guard): State<Arc<Guard>>,
    path: OrganizationPath,
    OriginalUri(uri): OriginalUri,
    route: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let peer = peer(request.extensions());
    match check(&guard, &path, request.headers(), peer).await {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            let root = page::root(route.as_str(), &uri);
            page::message::refused(&root, error_response::of_refusal(refusal))
        }
    }
}

async fn check(
    guard: &Guard,
    path: &OrganizationPath,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
) -> Result<(), Refusal> {
    let organization = path.as_ref().ok().map(|Path(parameters)| &parameters.org);
    guard.check(headers, organization, peer).await
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
