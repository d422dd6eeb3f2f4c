//! The files that the pages load. They contain no data, so they need no credentials.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    super::{
        compression::ContentCoding,
        paths::{self, asset as asset_path},
        payload::Payload,
        response,
    },
    glance::Glance,
};
use crate::html::STYLE;

const PAGE_STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The addresses of files have their hash, so a new version of a file has another address.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Changes with the content of any file.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    (STYLE, PAGE_STYLE, SCRIPT, Glance::ALL.map(icon)).hash(&mut hasher);
    format!("{:08x}", hasher.finish() as u32)
});

/// Returns the link to a file. Links start with a prefix.
pub(super) fn link(root: &str, file: &str) -> String {
    let version = &*VERSION;
    format!("{}?{version}", paths::link(root, asset_path(file)))
}

#[derive(Deserialize)]
pub(in crate::exporter) struct Parameters {
    file: String,
}

/// Answers with a file.
pub(in crate::exporter) async fn asset(
    Path(Parameters { file }): Path<Parameters>,
    headers: HeaderMap,
) -> Response {
    let Some(payload) = payload(&file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = response::of_now(payload.encoded(ContentCoding::negotiate(&headers)));
    response.headers_mut().insert(CACHE_CONTROL, FOREVER);
    response
}

fn payload(file: &str) -> Option<Payload> {
    Some(match file {
        "page.css" => Payload::new("text/css; charset=utf-8", format!("{STYLE}{PAGE_STYLE}")),
        "page.js" => Payload::new("text/javascript; charset=utf-8", SCRIPT),
        _ => {
            let name = file.strip_suffix(".svg")?;
            let mut glances = Glance::ALL.into_iter();
            let glance = glances.find(|glance| glance.class() == name)?;
            Payload::new("image/svg+xml", icon(glance))
        }
    })
}

/// Returns the icon of a tab, which shows the state of everything.
fn icon(glance: Glance) -> String {
    let (colour, letter) = glance.icon();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><rect width=\"16\" height=\"16\" rx=\"3\" \
         fill=\"{colour}\"/><text x=\"8\" y=\"12.5\" text-anchor=\"middle\" font-family=\"sans-serif\" \
         font-weight=\"bold\" font-size=\"13\" fill=\"#fff\">{letter}</text></svg>"
    )
}
