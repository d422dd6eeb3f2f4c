//! Pages that say why there is nothing else to show, and what to do.

use askama::Template;
use axum::{
    body::Body,
    http::{StatusCode, header::CONTENT_LENGTH, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use super::{HTML, assets, with_policy};

#[derive(Template)]
#[template(path = "page/message.html")]
struct Message<'a> {
    /// The start of a link to the root of the router.
    root: &'a str,
    title: &'a str,
    reason: &'a str,
    advice: &'a str,
}

/// Answers that the query of a page cannot be used.
pub(super) fn bad_query(root: &str, reason: &str) -> Response {
    let message = Message {
        root,
        title: "The address has a parameter that cannot be used",
        reason,
        advice: "Correct the parameter, or remove everything from the question mark on.",
    };
    message.respond(StatusCode::BAD_REQUEST)
}

/// Answers that no source has an organization.
pub(super) fn no_organization(root: &str) -> Response {
    let message = Message {
        root,
        title: "This organization is not known",
        reason: "The exporter has no source of this organization.",
        advice: "Check the address. If the organization is new, add it to the configuration of the exporter.",
    };
    message.respond(StatusCode::NOT_FOUND)
}

/// Answers that an organization has no stream of a name.
pub(super) fn no_stream(root: &str) -> Response {
    let message = Message {
        root,
        title: "This stream is not known",
        reason: "The last answer of Docker Scout has no stream of this name.",
        advice: "Go back to the organization: the stream was removed or has another name now.",
    };
    message.respond(StatusCode::NOT_FOUND)
}

/// Replaces the body of a refusal by a page, and keeps its status and headers.
pub(in crate::exporter) fn refused(root: &str, response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    let message = match parts.status {
        StatusCode::UNAUTHORIZED => Message {
            root,
            title: "Log in to see this page",
            reason: "The exporter requires credentials, and the browser sent none or wrong ones.",
            advice: "Reload the page. When the browser asks, give a bearer token of the exporter as the password, with any \
                     user name, or your own user name and password. A token of one organization opens the pages below \
                     organizations/NAME only.",
        },
        StatusCode::TOO_MANY_REQUESTS => Message {
            root,
            title: "Too many failed logins",
            reason: "Wrong credentials came from this address too often.",
            advice: "Wait a minute, then reload the page with a valid token or password.",
        },
        _ => Message {
            root,
            title: "The exporter is busy",
            reason: "Too many passwords are being verified.",
            advice: "Reload the page in a moment.",
        },
    };
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HTML);
    with_policy(Response::from_parts(parts, Body::from(message.text())))
}

impl Message<'_> {
    fn asset(&self, file: &str) -> String {
        assets::link(self.root, file)
    }

    fn text(&self) -> String {
        // Writing to a string does not fail.
        self.render().unwrap_or_else(|_| self.reason.to_owned())
    }

    fn respond(&self, status: StatusCode) -> Response {
        let mut response = (status, self.text()).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HTML);
        with_policy(response)
    }
}
