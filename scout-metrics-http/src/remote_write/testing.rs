//! A receiver for tests that need no network, so that time can be paused.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use prost::Message;
use scout_metrics_core::{Error, ErrorKind, Organization, Snapshot, Stream};
use tokio::time::Instant;

use super::{
    ProtocolVersion, RemoteWriteBuilder,
    batch::{BatchLimits, STALE},
    message::{v1, v2},
    negotiation::{Answer, Negotiation},
    receiver::{Post, Reply},
    sender::Sender,
};
use crate::transport::retry::Backoff;

/// A sample as a receiver sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    /// Names and values as `name=value`, separated by commas, in the order of the message.
    pub(super) labels: String,
    /// `None` for the end of a series.
    pub(super) value: Option<f64>,
    pub(super) timestamp: i64,
}

/// Reads the body of a request.
pub(super) fn read(body: &[u8], version: ProtocolVersion) -> Vec<Seen> {
    let message = snap::raw::Decoder::new().decompress_vec(body).unwrap();
    read_message(&message, version)
}

/// Reads a message.
pub(super) fn read_message(message: &[u8], version: ProtocolVersion) -> Vec<Seen> {
    let value = |value: f64| Some(value).filter(|value| value.to_bits() != STALE.to_bits());
    match version {
        ProtocolVersion::V1 => {
            let request = v1::WriteRequest::decode(message).unwrap();
            let series = request.timeseries.into_iter();
            let seen = series.map(|series| {
                let labels = series.labels.iter();
                let labels = labels.map(|label| format!("{}={}", label.name, label.value));
                assert_eq!(series.samples.len(), 1);
                Seen {
                    labels: labels.collect::<Vec<_>>().join(","),
                    value: value(series.samples[0].value()),
                    timestamp: series.samples[0].timestamp,
                }
            });
            seen.collect()
        }
        ProtocolVersion::V2 => {
            let request = v2::Request::decode(message).unwrap();
            let text = |place: u32| &*request.symbols[place as usize];
            let seen = request.timeseries.iter().map(|series| {
                let labels = series.labels_refs.chunks(2);
                let labels = labels.map(|pair| format!("{}={}", text(pair[0]), text(pair[1])));
                assert_eq!(series.samples.len(), 1);
                Seen {
                    labels: labels.collect::<Vec<_>>().join(","),
                    value: value(series.samples[0].value()),
                    timestamp: series.samples[0].timestamp,
                }
            });
            seen.collect()
        }
    }
}

/// Answers each request as it is told, and keeps what it accepted.
#[derive(Clone, Default)]
pub(super) struct Scripted(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    /// The answers to the next requests; afterwards all are accepted.
    answers: Vec<Says>,
    /// Whether it fails all requests.
    is_down: bool,
    delay: Duration,
    times: Vec<Instant>,
    accepted: Vec<Seen>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Says {
    Accepted,
    /// A status, with `Retry-After` in seconds.
    Later(u16, u64),
    NoAnswer,
    /// A status that is not retried, and how many samples were written.
    Refused(u16, u64),
}

impl Scripted {
    pub(super) fn saying(answers: &[Says]) -> Self {
        let receiver = Self::default();
        receiver.0.lock().unwrap().answers = answers.iter().rev().copied().collect();
        receiver
    }

    pub(super) fn with_delay(self, delay: Duration) -> Self {
        self.0.lock().unwrap().delay = delay;
        self
    }

    pub(super) fn set_down(&self, is_down: bool) {
        self.0.lock().unwrap().is_down = is_down;
    }

    /// Returns when requests were received.
    pub(super) fn times(&self) -> Vec<Instant> {
        self.0.lock().unwrap().times.clone()
    }

    /// Returns what has been accepted since the last call.
    pub(super) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.lock().unwrap().accepted)
    }

    pub(super) fn sender(&self, limits: BatchLimits) -> Sender {
        Sender {
            receiver: Box::new(self.clone()),
            negotiation: Negotiation::new(None),
            limits,
            backoff: Backoff {
                first: Duration::from_secs(1),
                max: Duration::from_secs(30),
            },
        }
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

#[async_trait]
impl Post for Scripted {
    async fn post(&self, body: Bytes, version: ProtocolVersion) -> Result<Reply, Error> {
        let delay = self.0.lock().unwrap().delay;
        tokio::time::sleep(delay).await;
        let mut script = self.0.lock().unwrap();
        script.times.push(Instant::now());
        let says = if script.is_down {
            Says::NoAnswer
        } else {
            script.answers.pop().unwrap_or(Says::Accepted)
        };
        let samples = read(&body, version);
        let reply = |status: u16, written: Option<u64>| Reply {
            answer: Answer {
                status,
                has_written: written.is_some(),
            },
            samples_written: written,
            error: (status >= 300)
                .then(|| Error::new(ErrorKind::Status, "refused").with_status(status)),
        };
        Ok(match says {
            Says::Accepted => {
                let written = samples.len() as u64;
                script.accepted.extend(samples);
                reply(204, Some(written))
            }
            Says::Later(status, seconds) => {
                let mut reply = reply(status, None);
                let delay = Duration::from_secs(seconds);
                reply.error = reply.error.map(|error| error.with_retry_after(delay));
                reply
            }
            Says::NoAnswer => return Err(Error::new(ErrorKind::Transport, "no answer")),
            Says::Refused(status, written) => {
                script
                    .accepted
                    .extend(samples.into_iter().take(written as usize));
                reply(status, Some(written))
            }
        })
    }
}

pub(super) fn builder() -> RemoteWriteBuilder {
    RemoteWriteBuilder::new("http://localhost/write".to_owned())
}

pub(super) const LIMITS: BatchLimits = BatchLimits {
    samples: 2000,
    bytes: 1024 * 1024,
};

/// Returns a snapshot of an organization, with the number of critical vulnerabilities of each stream.
pub(super) fn snapshot(organization: &str, streams: &[(&str, u64)]) -> Snapshot {
    let streams = streams.iter().map(|(name, criticals)| {
        let counts = format!("{criticals}C").parse().unwrap();
        Stream::new(*name).with_vulnerabilities(counts)
    });
    Snapshot::new(Organization::new(organization).unwrap(), streams).unwrap()
}
