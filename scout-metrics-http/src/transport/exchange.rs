//! One request and the head of its answer.

use reqwest::{RequestBuilder, Response, StatusCode, Url};

use super::{
    answer, connect, deadline::Deadline, error::HttpError, proxy::Route, redact::Secrets,
    server_url::ServerUrl,
};

/// A server, the way to it, and the time until which it may answer.
#[derive(Clone, Copy)]
pub(crate) struct Exchange<'a> {
    pub(crate) server: &'a ServerUrl,
    pub(crate) route: &'a Route,
    pub(crate) deadline: &'a Deadline,
}

impl Exchange<'_> {
    /// Sends a request for a URL of the server. Returns the answer, whatever its status, unless it is from another server,
    /// a redirect, or from a proxy that requires authentication.
    pub(crate) async fn send(
        self,
        request: RequestBuilder,
        url: &Url,
        secrets: &Secrets,
    ) -> Result<Response, HttpError> {
        let (server, route) = (self.server.server(), self.route);
        let response = self
            .deadline
            .bound(request.send(), || {
                format!("waiting for an answer from `{server}`{}", route.suffix())
            })
            .await?
            .map_err(|error| connect::explain(error.without_url(), &server, route))?;
        let status = response.status();
        if !self.server.is_same_origin(response.url()) {
            // A client of the caller's own follows redirects.
            let place = answer::place(response.url(), secrets);
            return Err(HttpError::OtherOrigin(place));
        }
        if answer::is_redirect(status) {
            return Err(answer::redirect(&response, url, secrets));
        }
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED
            && let Some(message) = route.authentication_message()
        {
            let source = None;
            return Err(HttpError::ProxyAuthentication { message, source });
        }
        Ok(response)
    }
}
