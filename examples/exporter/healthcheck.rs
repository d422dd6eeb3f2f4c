//! `healthcheck`: checks whether the exporter on the same machine is alive, for images without `curl`.

use std::{
    error::Error,
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use scout_metrics_examples::terminal;

use crate::{fault, settings::Settings};

/// Long enough for an answer that does not require a fetch.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The type of a TLS alert, which a running TLS server sends in response to plain text.
const TLS_ALERT: u8 = 0x15;

/// Enough for the first line of a response.
const MAX_ANSWER_BYTES: u64 = 256;

/// Checks at the first listen address whether the exporter is alive.
pub(crate) fn run(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let address = settings.listen_addresses[0].to_reach();
    let path = settings.route_prefix.of("/-/healthy");
    let answer = ask(&address, &path, settings.tls.is_some())
        .map_err(|cause| fault(format!("no healthy exporter on {address}")).with_source(cause))?;
    // The exit status is the result, even if nobody can read this.
    let _ = terminal::print(&format!("{answer}\n"));
    Ok(())
}

fn ask(address: &str, path: &str, is_tls: bool) -> Result<String, Box<dyn Error + Send + Sync>> {
    let resolved = address.to_socket_addrs()?.next();
    let resolved = resolved.ok_or_else(|| fault("the host has no address"))?;
    let mut stream = TcpStream::connect_timeout(&resolved, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    // In one write: a TLS server closes the connection after the first bytes, and a second write would fail.
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let read = stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer);
    if answer.is_empty() {
        read?;
    }
    if is_tls && answer.first() == Some(&TLS_ALERT) {
        return Ok("healthy".to_owned());
    }
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.lines().next().unwrap_or_default();
    if status.starts_with("HTTP/1.1 200 ") {
        return Ok("healthy".to_owned());
    }
    Err(fault(format!("expected status 200, found `{status}`")).into())
}
