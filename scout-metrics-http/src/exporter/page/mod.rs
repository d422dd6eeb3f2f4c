//! The pages for people: an overview, a page for each organization, and a page for each stream.
//!
//! A request waits for its sources and then for the pasts ([`pasts`]) a moment only. Everything that is known becomes a
//! [`board`], from which the templates are filled. A page works without its script, which loads the same page again.

mod advice;
pub(super) mod assets;
mod board;
mod card;
mod glance;
mod head;
mod links;
mod list;
pub(super) mod message;
mod organization;
mod overview;
mod past;
pub(super) mod pasts;
mod policies;
pub(super) mod prometheus;
mod query;
mod stream;
mod tile;
mod time;

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::{
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, REFERRER_POLICY, VARY},
    },
    response::{IntoResponse, Response},
};

use scout_metrics_core::{Error, ErrorKind};

pub(super) use self::{
    organization::organization, overview::overview, pasts::Pasts, stream::stream,
};
use super::{
    compression::ContentCoding, error_response, payload::Payload, response, workers::Workers,
};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Allows the files of the exporter only. If a name were ever interpreted as markup, it could not load or run anything.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);

/// Returns what links to the root of the router start with, on a page of a route.
pub(super) fn root(route: &str, uri: &Uri) -> String {
    links::root(route, uri)
}

/// Renders a page away from the threads that serve, and answers with it. Returns `None` if there is nothing to render.
async fn respond(
    workers: &Workers,
    request: &HeaderMap,
    render: impl FnOnce() -> Option<askama::Result<String>> + Send + 'static,
) -> Option<Response> {
    let coding = ContentCoding::negotiate(request);
    let encode = move || {
        let html = render().transpose().map_err(|error| {
            Error::new(ErrorKind::Other, "the page cannot be rendered").with_source(error)
        })?;
        Ok(html.map(|html| {
            let tag = tag(&html, coding);
            let payload = Payload::new("text/html; charset=utf-8", html);
            (payload.encoded(coding), tag)
        }))
    };
    match workers.run(encode).await {
        Ok(page) => page.map(|(payload, tag)| with_policy(tagged(request, payload, tag))),
        Err(error) => Some(error_response::of_bug(&error)),
    }
}

fn tag(html: &str, coding: ContentCoding) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    (html, coding == ContentCoding::Gzip).hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    tag.try_into().expect("digits and letters are visible")
}

/// Answers with a page, or with 304 if the client has it.
fn tagged(request: &HeaderMap, payload: Payload, tag: HeaderValue) -> Response {
    let mut response = if response::is_tag_known(request, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        response::of_now(payload)
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, response::REVALIDATE);
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(ETAG, tag);
    response
}

fn with_policy(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
