//! A configuration for Prometheus that scrapes exactly this exporter.

use std::{fmt::Write, sync::Arc};

use axum::{
    Extension,
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode, uri::Scheme},
    response::{IntoResponse, Response},
};

use scout_metrics_core::Organization;

use super::super::{
    auth::{Guard, Required},
    endpoint::{Endpoint, NO_ADDRESS},
    metrics::OrganizationPath,
    own_metrics::ORGANIZATION,
    paths::{METRICS, PROMETHEUS, metrics_of, prometheus_of},
    payload::Payload,
    response,
    state::ExporterState,
};

/// Answers with the configuration for the metrics of all organizations.
pub(in crate::exporter) async fn of_all(
    state: State<Arc<ExporterState>>,
    uri: OriginalUri,
    guard: Extension<Arc<Guard>>,
    scheme: Option<Extension<Scheme>>,
    headers: HeaderMap,
) -> Response {
    answer(state, uri, guard, scheme, headers, None).await
}

/// Answers with the configuration for the metrics of one organization.
pub(in crate::exporter) async fn of_organization(
    state: State<Arc<ExporterState>>,
    uri: OriginalUri,
    path: OrganizationPath,
    guard: Extension<Arc<Guard>>,
    scheme: Option<Extension<Scheme>>,
    headers: HeaderMap,
) -> Response {
    let organization = path.map(|path| path.0.org);
    let known = organization
        .ok()
        .filter(|of| state.organization(of).is_some());
    let Some(organization) = known else {
        return super::message::no_organization("../../");
    };
    answer(state, uri, guard, scheme, headers, Some(organization)).await
}

async fn answer(
    State(state): State<Arc<ExporterState>>,
    OriginalUri(uri): OriginalUri,
    Extension(guard): Extension<Arc<Guard>>,
    scheme: Option<Extension<Scheme>>,
    headers: HeaderMap,
    organization: Option<Organization>,
) -> Response {
    let (route, metrics) = match &organization {
        Some(organization) => (prometheus_of(organization), metrics_of(organization)),
        None => (PROMETHEUS.to_owned(), METRICS.to_owned()),
    };
    let scheme = scheme.as_ref().map(|Extension(scheme)| scheme);
    let Some(endpoint) = Endpoint::of(&state, &uri, &route, scheme, &headers) else {
        return (StatusCode::BAD_REQUEST, NO_ADDRESS).into_response();
    };
    let text = configuration(&endpoint, &metrics, organization.as_ref(), guard.required());
    let payload = Payload::new("text/plain; charset=utf-8", text);
    response::compressed(Ok(payload), &headers, &state.workers).await
}

/// Writes the configuration. Texts from a request are written as JSON strings, which are YAML as well.
fn configuration(
    endpoint: &Endpoint<'_>,
    metrics: &str,
    organization: Option<&Organization>,
    required: Required,
) -> String {
    let path = quoted(&format!("{}{metrics}", endpoint.base));
    let target = quoted(endpoint.authority.as_str());
    let mut text = String::from(HEAD);
    let mut line = |line: std::fmt::Arguments<'_>| {
        let written = writeln!(text, "    {line}");
        debug_assert!(written.is_ok(), "writing to a string never fails");
    };
    match endpoint.scheme {
        Some(scheme) => line(format_args!("scheme: {scheme}")),
        None => line(format_args!(
            "# Or https, if the exporter is behind TLS.\n    scheme: http"
        )),
    }
    line(format_args!("metrics_path: {path}"));
    match required {
        Required::Nothing => {}
        Required::Password => line(format_args!("{PASSWORD}")),
        Required::Token => line(format_args!("{TOKEN}")),
    }
    line(format_args!("static_configs:"));
    line(format_args!("  - targets: [{target}]"));
    if let Some(organization) = organization {
        let organization = quoted(organization.as_str());
        line(format_args!(
            "    labels: {{{ORGANIZATION}: {organization}}}"
        ));
    }
    text
}

const HEAD: &str = "\
# Scrapes this exporter of Docker Scout metrics. `promtool check config` checks the file.
scrape_configs:
  - job_name: scout
    # The exporter answers from memory, so this asks Docker Scout for nothing.
    scrape_interval: 60s
    scrape_timeout: 10s
";

const TOKEN: &str = "\
authorization:
      type: Bearer
      # A file that holds a token which the exporter accepts.
      credentials_file: /etc/prometheus/scout_token";

const PASSWORD: &str = "\
basic_auth:
      username: prometheus
      # A file that holds the password of this user.
      password_file: /etc/prometheus/scout_password";

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
