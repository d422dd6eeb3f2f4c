//! Responses with a payload: the headers that describe it, and 304 for clients that already have it.

use std::{
    convert::Infallible,
    time::{Duration, SystemTime},
};

use axum::{
    body::Body as ResponseBody,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
            IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, VARY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;

use scout_metrics_core::{Result, Snapshot};

use super::{
    compression::ContentCoding, encodings::TaggedPayload, error_response, payload::Payload,
    workers::Workers,
};

/// The answer may be kept, but must be revalidated each time.
pub(super) const REVALIDATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Responds with an encoded snapshot, or with 304 if the client already has it.
///
/// With a `max-age`, a client may keep the answer until the snapshot is that old.
pub(super) fn of_snapshot(
    request: &HeaderMap,
    snapshot: &Snapshot,
    TaggedPayload { payload, tag }: TaggedPayload,
    max_age: Option<Duration>,
) -> Response {
    let modified = snapshot.scraped_at();
    let is_known = is_known(request, &tag, modified);
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        of_now(payload)
    };
    let headers = response.headers_mut();
    headers.insert(AGE, snapshot.age().as_secs().into());
    headers.insert(CACHE_CONTROL, cache_control(max_age));
    headers.insert(ETAG, tag);
    if let Some(modified) = http_date(modified) {
        headers.insert(LAST_MODIFIED, modified);
    }
    headers.insert(VARY, VARIES);
    response
}

/// Responds with a payload that may be different for each request.
pub(super) fn of_now(payload: Payload) -> Response {
    let headers = [
        (CACHE_CONTROL, REVALIDATE),
        (CONTENT_TYPE, HeaderValue::from_static(payload.content_type)),
        (VARY, VARIES),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    let length = [(CONTENT_LENGTH, HeaderValue::from(payload.len()))];
    let mut response = (headers, length, body(payload.parts)).into_response();
    if let Some(coding) = payload.coding.header() {
        response.headers_mut().insert(CONTENT_ENCODING, coding);
    }
    response
}

fn body([first, second]: [Bytes; 2]) -> ResponseBody {
    if second.is_empty() {
        return first.into();
    }
    ResponseBody::from_stream(stream::iter([first, second].map(Ok::<_, Infallible>)))
}

/// Responds with a payload that may be different for each request, compressed if the client accepts that.
pub(super) async fn compressed(
    payload: Result<Payload>,
    request: &HeaderMap,
    workers: &Workers,
) -> Response {
    let coding = ContentCoding::negotiate(request);
    let encoded = match payload {
        Ok(payload) => workers.run(move || Ok(payload.encoded(coding))).await,
        Err(error) => Err(error),
    };
    match encoded {
        Ok(payload) => of_now(payload),
        Err(error) => error_response::of_bug(&error),
    }
}

const VARIES: HeaderValue = HeaderValue::from_static("Accept, Accept-Encoding");

fn cache_control(max_age: Option<Duration>) -> HeaderValue {
    let Some(max_age) = max_age else {
        return REVALIDATE;
    };
    let value = format!("private, max-age={}", max_age.as_secs());
    value.try_into().expect("letters and digits are visible")
}

/// Returns whether the client has this answer. A tag takes precedence over a time (RFC 9110, section 13.2.2).
fn is_known(request: &HeaderMap, tag: &HeaderValue, modified: SystemTime) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        return is_tag_known(request, tag);
    }
    let since = request.get(IF_MODIFIED_SINCE);
    let since = since.and_then(|since| httpdate::parse_http_date(since.to_str().ok()?).ok());
    // The header holds whole seconds.
    since.is_some_and(|since| whole_seconds(modified) <= whole_seconds(since))
}

/// Returns whether the client has the answer with this tag.
pub(super) fn is_tag_known(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let lines = request.get_all(IF_NONE_MATCH).iter();
    let mut known = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .map(|known| known.strip_prefix("W/").unwrap_or(known));
    known.any(|known| known == "*" || known == tag)
}

fn whole_seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

/// Returns `None` for a time that the header cannot hold.
fn http_date(time: SystemTime) -> Option<HeaderValue> {
    // The last second of the year 9999; `httpdate` panics beyond it, and before 1970.
    const LAST: u64 = 253_402_300_799;
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    (seconds <= LAST)
        .then(|| httpdate::fmt_http_date(time))
        .and_then(|date| date.try_into().ok())
}
