//! An HTTP endpoint like Docker Scout's own that serves any [`MetricsSource`].
//!
//! [`Exporter`] gathers sources and becomes an [`axum::Router`] that a server serves, merges or nests.
//!
//! ```
//! use axum::{body::Body, http::Request};
//! use scout_metrics_core::{MemorySource, Organization, Snapshot, Stream};
//! use scout_metrics_http::exporter::Exporter;
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let production = Stream::new("production").with_vulnerabilities("5C 3H 6M 63L".parse()?);
//! let source = MemorySource::new(Snapshot::new(Organization::new("acme")?, [production])?);
//! let router = Exporter::new().with_source(source).with_bearer_token("s3cr3t").into_router()?;
//!
//! let request = Request::get("/v1/exporter/org/acme/metrics")
//!     .header("authorization", "Bearer s3cr3t")
//!     .body(Body::empty())?;
//! let response = router.oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
//! # Ok(())
//! # }
//! ```
//!
//! # Routes
//!
//! | route | answer |
//! |---|---|
//! | `/` | a [page for people](#pages): all organizations and streams, the worst first |
//! | `/organizations/{org}` | a page for people about one organization: totals, trends, policies, changes, streams |
//! | `/organizations/{org}/streams/{stream}` | a page for people about one stream |
//! | `/assets/{file}` | the style, the script and the icons of the pages; requires no token |
//! | `/prometheus.yml` | a configuration for Prometheus that scrapes `/metrics` at the address of the request |
//! | `/organizations/{org}/prometheus.yml` | the same for the metrics of one organization |
//! | `/metrics` | the metrics of all organizations with a label `org`, and the exporter's own |
//! | `/v1/exporter/org/{org}/metrics` | the metrics of one organization, as Docker Scout serves them |
//! | `/v1/exporter/org/{org}` | the same: the path that Docker Scout used until May 2024 and that many configurations still have |
//! | `/api/v1/organizations` | the organizations and the outcomes of their fetches, as JSON; does not scrape |
//! | `/api/v1/organizations/{org}/snapshot` | the snapshot of one organization, as [JSON](scout_metrics_core::Snapshot#json) |
//! | `/sd` | a target for each organization, for Prometheus' `http_sd_configs`; does not scrape |
//! | `/-/healthy` | 200 while the program runs; does not scrape and requires no token |
//! | `/-/ready` | 200 once there were metrics of each [observed](Exporter::observe) source, or of one of them after the [startup time](Exporter::with_startup_time); 503 with the reasons before; does not scrape and requires no token |
//!
//! The answer of `/-/ready` names the organizations that have no metrics yet and the errors of their last fetches. If
//! credentials are required and the request has none, it lists only the kinds of the errors. Once ready, an exporter stays
//! ready. It does not wait for a source that was not passed to [`Exporter::observe`], because nothing polls it.
//!
//! All routes answer `GET` and `HEAD`. The format of metrics is the Prometheus text format unless the `Accept` header
//! prefers OpenMetrics 1.0, or names protobuf or OpenMetrics 2.0. An `Accept` header that allows none of them gets the
//! Prometheus text format, too: the error of a scraper that cannot read it is clearer than a 406. Bodies are compressed with
//! gzip if `Accept-Encoding` names it.
//!
//! Each request scrapes its source once. Wrap a source that makes requests in `Cached`, or poll it: then scrapes of this
//! endpoint cost nothing upstream. The encoded metrics of an organization are kept as long as the source returns the
//! same snapshot, so each snapshot is encoded and compressed once for each format, however many content types clients
//! request. Encoding and compression run on separate threads.
//!
//! `/metrics` renames samples of a source that have the name of one of the exporter's own metrics: the new name starts
//! with `exported_`. So does the name of a label `org` of a source.
//!
//! All names of Docker Scout and of the exporter are `[a-zA-Z0-9_]`. A source may have others, which clients get as they
//! request it with `escaping` in the `Accept` header: Prometheus 3 reads `scout.later` as it is, and any other scraper
//! reads `scout_later` by default. Names that would become the same, such as these two, are written with the scheme
//! `values`, and the `Content-Type` says that. [`ContentType`](scout_metrics_openmetrics::ContentType) has the rules.
//!
//! # Timeouts
//!
//! A request waits for its sources no longer than nine tenths of the scrape timeout that Prometheus and VictoriaMetrics
//! state in the header `X-Prometheus-Scrape-Timeout-Seconds`. Without the header, the timeout is 10 seconds, the default
//! of Prometheus and of the Datadog agent; the maximum is 5 minutes. If the source of an organization has not answered
//! by then, its route answers 503 with the reason.
//!
//! `/metrics` leaves out an organization whose source fails or does not answer in time, and the pages show the reason.
//! `scout_exporter_up` and the log show it too; the log has one line when an outage begins and one when it ends. At most 8
//! sources are scraped at the same time.
//!
//! # Answers
//!
//! | status | when | headers |
//! |---|---|---|
//! | 200 | the source returned a snapshot | `Content-Type`, `Vary`; for one organization also `ETag`, `Last-Modified`, `Age`, `Cache-Control` |
//! | 304 | the client has the snapshot, according to `If-None-Match` or `If-Modified-Since` | the same without `Content-Type` |
//! | 400 | a parameter of a [page](#pages) is out of range, or the address of the exporter is needed and the request has no valid `Host` | |
//! | 401 | [credentials](#authentication) are required, and the request has none or wrong ones; the body contains nothing else | `WWW-Authenticate` for Basic and for Bearer |
//! | 404 | no source has this organization, or its snapshot has no such stream | |
//! | 405 | the method is neither `GET` nor `HEAD` | `Allow` |
//! | 429 | there were [too many failed logins](#failed-logins) | `Retry-After` |
//! | 500 | the exporter or its source is misconfigured, or has a bug: [`Config`], [`Invalid`], [`Other`] | |
//! | 502 | the source got an answer that it cannot use, such as [`Unauthorized`], [`Transport`] or [`Decode`] | `Retry-After` |
//! | 503 | the source cannot answer now: [`Unavailable`], [`RateLimited`]; the snapshot is [too old](Exporter::with_max_snapshot_age); the request waited [too long](#timeouts); or the verifier of passwords is [busy](Verdict::Busy) | `Retry-After` |
//! | 504 | the source got no answer in time: [`Timeout`] | `Retry-After` |
//!
//! `Retry-After` is the delay of the source's error, or 5 seconds if the same request may succeed later. The body of an
//! error is one line of plain text: the message of the source's error, with absolute paths of this machine replaced by
//! `<path>`, and without its causes. The log has the whole error.
//!
//! # The exporter's own metrics
//!
//! | metric | labels | meaning |
//! |---|---|---|
//! | `scout_exporter_up` | `org` | whether the last fetch succeeded |
//! | `scout_exporter_last_success_timestamp_seconds` | `org` | the time of the last fetch that succeeded |
//! | `scout_exporter_snapshot_age_seconds` | `org` | the time since then, by a monotonic clock |
//! | `scout_exporter_streams` | `org` | streams in the last snapshot |
//! | `scout_exporter_anomalies` | `org`, `kind` | anomalies in the last snapshot, by [kind](scout_metrics_core::AnomalyKind) |
//! | `scout_exporter_fetch_duration_seconds` | | the duration of fetches, a histogram |
//! | `scout_exporter_fetch_errors_total` | `org`, `reason` | fetches that failed, by [kind](scout_metrics_core::ErrorKind::as_str); `cancelled` if nobody waited for the answer any more |
//! | `scout_exporter_http_requests_total` | `route`, `code` | requests to the routes above, by the pattern of the route, which begins with the path below which the router is nested |
//! | `scout_exporter_build_info` | `version` | always 1 |
//!
//! A fetch is a scrape of a source that was passed to [`Exporter::observe`], or else each scrape of a source that was
//! passed to [`Exporter::with_source`].
//!
//! # JSON
//!
//! The form of `/api/v1/organizations` is stable: fields may be added, none is renamed or removed. The time and the age
//! are `null` before the first success.
//!
//! ```json
//! {
//!   "organizations": [
//!     {
//!       "name": "acme",
//!       "up": true,
//!       "last_success_timestamp_seconds": 1700000000.0,
//!       "snapshot_age_seconds": 12.5,
//!       "metrics": "/v1/exporter/org/acme/metrics",
//!       "snapshot": "/api/v1/organizations/acme/snapshot"
//!     }
//!   ]
//! }
//! ```
//!
//! # Discovery
//!
//! The targets of `/sd` have the address of the request, so Prometheus must request `/sd` at an address at which it
//! can scrape, or [`Exporter::with_external_url`] must state one. With an external URL, targets have its scheme.
//! Otherwise `__scheme__` is that of the request if it is known: from the target of the request, or from a
//! [`Scheme`](axum::http::uri::Scheme) that the server added to its extensions. If it is not known, the scheme is that of
//! the scrape configuration. If tokens are required, both requests need one; Prometheus 2.42 omits the type of the first
//! one unless it is stated:
//!
//! ```yaml
//! scrape_configs:
//!   - job_name: scout
//!     authorization: {credentials_file: /run/secrets/exporter_token}
//!     http_sd_configs:
//!       - url: http://exporter:9090/sd
//!         authorization: {type: Bearer, credentials_file: /run/secrets/exporter_token}
//! ```
//!
//! Several Prometheus servers share many organizations by a hash of the label `org`, here as the first of four:
//!
//! ```yaml
//!     relabel_configs:
//!       - {source_labels: [org], action: hashmod, modulus: 4, target_label: __tmp_shard}
//!       - {source_labels: [__tmp_shard], action: keep, regex: "0"}
//! ```
//!
//! # Pages
//!
//! The page at `/` is made for a screen on a wall. Its first line says one of *All fine*, *Not worse*, *Worse than yesterday*,
//! *We don’t know* and *Bad*, and why. It lists 36 streams at a time, the worst first, each with one number, its level as a
//! letter, the counts by severity, the policy that fails first, and the age of the data in red if it is
//! [old](Exporter::with_fresh_for). `latest-indexed` overlaps the environments, so it comes last and is not in the totals,
//! unless it is the only stream. With a history ([`Exporter::with_history`]) there are changes since yesterday and a week
//! ago, trends, and the day since which a policy has failed.
//!
//! The parameters `filter` (a part of a name), `sort` (`worst`, `changed` or `name`) and `page` select streams; other values
//! are answered with 400. Everything works without a script. A small script loads the page again once a minute without losing
//! the place, and says so if the exporter does not answer; it does nothing in a hidden tab.
//!
//! A page loads nothing but `/assets/`, and its `Content-Security-Policy` allows nothing else: no inline style or script, and
//! no other origin. Names are escaped, cut, and shown with the characters that cannot be seen. Pages have an `ETag`, and
//! browsers must revalidate them.
//!
//! A page waits for polled sources 3 seconds at most, and says which ones are still being fetched. For other sources it waits as
//! the metrics do.
//!
//! # Below a path
//!
//! `Router::new().nest_service("/scout", router)` serves all routes below `/scout`, and the page at both `/scout` and
//! `/scout/`. With [`nest`](axum::Router::nest), axum does not route `/scout/`. All links on the page are relative, so
//! they also work behind a proxy that serves them below another path.
//!
//! # Authentication
//!
//! With at least one bearer token, all routes except `/-/healthy`, `/-/ready` and `/assets/` require credentials. A token of the
//! exporter ([`Exporter::with_bearer_token`], [`Exporter::with_bearer_token_file`]) is accepted by all of them, a token of
//! an organization ([`Exporter::with_organization_token`], [`Exporter::with_organization_token_file`]) by the routes that
//! have the organization in their path. A scraper sends a token as `Authorization: Bearer`. HTTP Basic authentication
//! with the token as the password and any user name is accepted, too: a browser asks for both when it opens a page. No route
//! accepts a token in its address.
//! [`Exporter::with_password_verifier`] adds users with passwords of their own; with it, no token is needed.
//!
//! **Without any token and without users, the routes are open to everyone who can connect**: suitable for a loopback
//! address, or if another layer around the router authenticates.
//!
//! Tokens are compared in constant time. Basic authentication sends the token with each request as Bearer does: both need
//! TLS on a network that others can read.
//!
//! # Failed logins
//!
//! After 10 wrong credentials from an address within a minute, its requests are answered with 429 until the minute is
//! over, and their credentials are not compared. Credentials that were admitted from the address before are still
//! admitted, so a client is not locked out by others behind the same proxy. A request without credentials is answered
//! with 401 and is not counted. An IPv6 address counts by its first 64 bits; 4,096 addresses are remembered.
//!
//! The address is known if the server states it with [`ConnectInfo`](axum::extract::ConnectInfo): serve
//! `router.into_make_service_with_connect_info::<SocketAddr>()`. Otherwise, and after 1,000 failures of all addresses
//! within a minute, wrong credentials are answered with 429 and valid ones are admitted. The failures are in
//! `scout_exporter_http_requests_total` with the codes 401 and 429.
//!
//! [`Config`]: scout_metrics_core::ErrorKind::Config
//! [`Decode`]: scout_metrics_core::ErrorKind::Decode
//! [`Invalid`]: scout_metrics_core::ErrorKind::Invalid
//! [`MetricsSource`]: scout_metrics_core::MetricsSource
//! [`Other`]: scout_metrics_core::ErrorKind::Other
//! [`RateLimited`]: scout_metrics_core::ErrorKind::RateLimited
//! [`Timeout`]: scout_metrics_core::ErrorKind::Timeout
//! [`Transport`]: scout_metrics_core::ErrorKind::Transport
//! [`Unauthorized`]: scout_metrics_core::ErrorKind::Unauthorized
//! [`Unavailable`]: scout_metrics_core::ErrorKind::Unavailable

mod all_metrics;
mod auth;
mod bearer_file;
mod builder;
mod compression;
mod credentials;
mod discovery;
mod encodings;
mod endpoint;
mod error_response;
mod external_url;
mod failures;
mod fetches;
mod health;
mod histogram;
mod metrics;
mod names;
mod organization;
mod organizations;
mod outages;
mod own_metrics;
mod page;
mod password_verifier;
mod paths;
mod payload;
mod response;
mod routes;
mod scrape_timeout;
mod state;
mod workers;

pub use self::{
    builder::{DEFAULT_FRESH_FOR, DEFAULT_MAX_SNAPSHOT_AGE, DEFAULT_STARTUP_TIME, Exporter},
    external_url::ExternalUrl,
    password_verifier::{PasswordVerifier, Verdict},
};
