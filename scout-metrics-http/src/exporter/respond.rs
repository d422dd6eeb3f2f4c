//! From a body to a response: the headers that describe it, and the answer to who has it already.

use std::time::{Duration, SystemTime};

use axum::{
    body::Body as ResponseBody,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE,
            IF_NONE_MATCH, LAST_MODIFIED, VARY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
};

use scout_metrics_core::Snapshot;

use super::{body::Body, fresh::age, target::Entity};

const ANY_TIME: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Responds with what was made of a snapshot, or with 304 if the client has it.
///
/// With an interval between two snapshots, a client may keep the answer until the next one is due.
pub(super) fn of_snapshot(
    request: &HeaderMap,
    snapshot: &Snapshot,
    Entity { body, tag }: Entity,
    interval: Option<Duration>,
) -> Response {
    let modified = snapshot.scraped_at();
    let is_known = is_known(request, &tag, modified);
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        of_now(body)
    };
    let headers = response.headers_mut();
    headers.insert(AGE, age(snapshot).as_secs().into());
    headers.insert(CACHE_CONTROL, cache_control(interval));
    headers.insert(ETAG, tag);
    if let Some(modified) = http_date(modified) {
        headers.insert(LAST_MODIFIED, modified);
    }
    headers.insert(VARY, VARIES);
    response
}

/// Responds with what may be another thing at the next request.
pub(super) fn of_now(body: Body) -> Response {
    let headers = [
        (CACHE_CONTROL, ANY_TIME),
        (CONTENT_TYPE, body.content_type()),
        (VARY, VARIES),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    let coding = body.coding().header();
    let mut response = (headers, ResponseBody::from(body)).into_response();
    if let Some(coding) = coding {
        response.headers_mut().insert(CONTENT_ENCODING, coding);
    }
    response
}

const VARIES: HeaderValue = HeaderValue::from_static("Accept, Accept-Encoding");

fn cache_control(interval: Option<Duration>) -> HeaderValue {
    let Some(interval) = interval else {
        return ANY_TIME;
    };
    let value = format!("private, max-age={}", interval.as_secs());
    value.try_into().expect("letters and digits are visible")
}

/// Returns whether the client has this body, as RFC 9110, section 13.2.2 says: a tag is looked at before a time.
fn is_known(request: &HeaderMap, tag: &HeaderValue, modified: SystemTime) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        let lines = request.get_all(IF_NONE_MATCH).iter();
        let mut known = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .map(str::trim)
            .map(|known| known.strip_prefix("W/").unwrap_or(known));
        return known.any(|known| known == "*" || known == tag);
    }
    let since = request.get(IF_MODIFIED_SINCE);
    let since = since.and_then(|since| httpdate::parse_http_date(since.to_str().ok()?).ok());
    // Compared in whole seconds, which are all that the header holds.
    since.is_some_and(|since| whole_seconds(modified) <= whole_seconds(since))
}

fn whole_seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

/// Returns nothing for a time that the header cannot hold, which only a clock gone wild or a test comes up with.
fn http_date(time: SystemTime) -> Option<HeaderValue> {
    // The last second of the year 9999; `httpdate` panics beyond it, and before 1970.
    const LAST: u64 = 253_402_300_799;
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    (seconds <= LAST)
        .then(|| httpdate::fmt_http_date(time))
        .and_then(|date| date.try_into().ok())
}
