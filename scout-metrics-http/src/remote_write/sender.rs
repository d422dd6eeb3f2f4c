//! Attempts to write a batch.

use std::time::Duration;

use bytes::Bytes;
use scout_metrics_core::{Error, ErrorKind, MAX_RETRY_AFTER};

use super::{
    ProtocolVersion,
    batch::{Batch, BatchLimits},
    encode,
    negotiation::{Answer, Negotiation},
    receiver::{Post, Reply},
};
use crate::transport::retry::Backoff;

/// Writes batches one after another.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) receiver: Box<dyn Post>,
    pub(super) negotiation: Negotiation,
    pub(super) limits: BatchLimits,
    pub(super) backoff: Backoff,
}

/// The fate of a batch that the receiver has dealt with.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) written: usize,
    /// Why the others were not written, if the receiver said so.
    pub(super) error: Option<Error>,
}

/// The bodies of a batch, encoded when they are first needed.
#[derive(Debug, Default)]
pub(super) struct Bodies([Option<Bytes>; 2]);

impl Bodies {
    fn get(&mut self, batch: &Batch, version: ProtocolVersion) -> Bytes {
        let body = &mut self.0[version as usize];
        body.get_or_insert_with(|| encode::body(batch, version).into())
            .clone()
    }
}

impl Sender {
    /// Sends a batch, and once more if the receiver understands the other version of the protocol only. `sent` counts the
    /// requests. The error is that of a failure after which the batch must be sent again.
    pub(super) async fn attempt(
        &mut self,
        batch: &Batch,
        bodies: &mut Bodies,
        sent: &(impl Fn() + Sync),
    ) -> Result<Outcome, Error> {
        let mut version = self.negotiation.version();
        let mut may_switch = true;
        loop {
            let body = bodies.get(batch, version);
            sent();
            let reply = self.receiver.post(body, version).await?;
            let other = self.negotiation.learn(version, reply.answer);
            match other.filter(|_| may_switch) {
                Some(other) => {
                    tracing::info!(
                        from = %version, to = %other, status = reply.answer.status,
                        "the receiver does not understand this version of remote write, trying the other one"
                    );
                    version = other;
                    may_switch = false;
                }
                None => return outcome(batch, version, reply),
            }
        }
    }

    /// Returns how long to wait after a number of consecutive failures.
    pub(super) fn delay(&self, failures: u32, error: &Error) -> Duration {
        let asked = error.retry_after().unwrap_or_default();
        asked
            .min(MAX_RETRY_AFTER)
            .saturating_add(self.backoff.delay(failures))
    }
}

fn outcome(batch: &Batch, version: ProtocolVersion, reply: Reply) -> Result<Outcome, Error> {
    let counted = reply.samples_written.unwrap_or_default();
    let counted = usize::try_from(counted)
        .unwrap_or(usize::MAX)
        .min(batch.samples());
    let status = reply.answer.status;
    match (version, reply.error) {
        (ProtocolVersion::V1, None) => Ok(Outcome {
            written: batch.samples(),
            error: None,
        }),
        (ProtocolVersion::V2, None) => Ok(Outcome {
            written: counted,
            error: (counted < batch.samples()).then(|| not_written(reply.answer)),
        }),
        (_, Some(error)) if status == 429 || !(400..500).contains(&status) => Err(error),
        (_, Some(error)) => Ok(Outcome {
            written: counted,
            error: Some(error),
        }),
    }
}

/// Returns the error for a success that is none.
fn not_written(answer: Answer) -> Error {
    let status = answer.status;
    let message = if answer.has_written {
        format!("the receiver did not write all samples, and did not say why (HTTP {status})")
    } else {
        format!(
            "the receiver did not say how much it has written (HTTP {status}), so it does not understand remote write 2.0: \
             use 1.0"
        )
    };
    Error::new(ErrorKind::Status, message).with_status(status)
}
