//! `http_server_config`: headers that responses have in addition to their own.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};

use super::{WebConfigFile, document::Document};

/// The headers that may be configured, and the values that they may have; any value if there are none.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

/// Reads the section.
pub(super) fn read(mut section: Document) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let headers = section.section("headers")?.into_texts()?;
    if section.flag("http2")? == Some(true) {
        return Err("`http_server_config.http2` is not supported: this program serves HTTP/1.1, which every scraper \
                    understands".to_owned());
    }
    section.finish()?;
    let headers = headers.into_iter().filter(|(_, value)| !value.is_empty());
    headers.map(|(name, value)| header(&name, &value)).collect()
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let key = format!("`http_server_config.headers.{name}`");
    let known = HEADERS.into_iter().find(|(known, _)| *known == name);
    let Some((name, values)) = known else {
        let names = HEADERS.map(|(name, _)| name).join(", ");
        return Err(format!("{key} is not supported: only {names}"));
    };
    if !values.is_empty() && !values.contains(&value) {
        return Err(format!("expected {} in {key}", values.join(" or ")));
    }
    let value = HeaderValue::from_str(value)
        .map_err(|_| format!("{key} contains a character that a header cannot have"))?;
    let name = name.to_ascii_lowercase();
    let name = HeaderName::from_bytes(name.as_bytes()).expect("the names of the list are valid");
    Ok((name, value))
}

/// Adds the headers of a file to a response that does not have them.
pub(crate) async fn add_headers(
    State(file): State<WebConfigFile>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in &file.current().headers {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    response
}
