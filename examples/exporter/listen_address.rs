//! `--web.listen-address`.

use std::{
    fmt, io,
    net::{Ipv4Addr, Ipv6Addr, TcpListener},
    str::FromStr,
};

use serde::Deserialize;

/// A host and a port to listen on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct ListenAddress {
    host: String,
    port: u16,
}

impl ListenAddress {
    pub(crate) fn localhost(port: u16) -> Self {
        let host = "127.0.0.1".to_owned();
        Self { host, port }
    }

    /// Binds the address. An address without a host means all interfaces, of IPv6 as well as IPv4 where IPv6 exists.
    pub(crate) fn bind(&self) -> io::Result<TcpListener> {
        match self.host.as_str() {
            "" => TcpListener::bind((Ipv6Addr::UNSPECIFIED, self.port))
                .or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, self.port))),
            _ => TcpListener::bind(self.to_string()),
        }
    }

    /// Returns an address at which this one can be reached from the same machine.
    pub(crate) fn to_reach(&self) -> String {
        let host = match self.host.as_str() {
            "" | "0.0.0.0" => "127.0.0.1",
            "[::]" => "[::1]",
            host => host,
        };
        format!("{host}:{}", self.port)
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.rsplit_once(':').and_then(|(host, port)| {
            let is_host = !host.contains(':') || host.starts_with('[') && host.ends_with(']');
            is_host.then_some((host, port.parse().ok()?))
        });
        let (host, port) = parsed.ok_or("expected HOST:PORT, [IPV6]:PORT or :PORT")?;
        let host = host.to_owned();
        Ok(Self { host, port })
    }
}

impl TryFrom<String> for ListenAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
