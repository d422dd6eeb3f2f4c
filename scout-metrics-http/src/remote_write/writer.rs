//! Writing once, for programs that run and end.

use std::{
    error::Error as StdError,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use scout_metrics_core::{Error, Result, Snapshot};
use scout_metrics_openmetrics::MetricFamily;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use super::{
    batch::{Batch, Rows, Write},
    builder::check_organizations,
    queue::Queue,
    rising::RisingTimes,
    sender::{Bodies, Sender},
    table::Table,
    tracker,
};
use crate::transport::deadline::Deadline;

/// Writes snapshots or any families to a receiver, once for each call: for jobs that run and end.
///
/// [`RemoteWriteBuilder::build`](super::RemoteWriteBuilder::build) returns it. A job that runs less often than every five
/// minutes leaves gaps, because Prometheus forgets a series that has no sample for so long; a service uses
/// [`RemoteWrite`](super::RemoteWrite).
///
/// # Concurrency
///
/// Calls wait for each other, so that the samples of a series stay in order.
///
/// # Cancellation
///
/// Dropping a write closes its connection. The receiver may have accepted a part of the samples.
///
/// # Example
///
/// ```no_run
/// use scout_metrics_http::{MetricsSource, ScoutClient, remote_write::RemoteWrite};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> scout_metrics_http::Result<()> {
/// let scout = ScoutClient::builder().with_token_file("/run/secrets/docker_pat").build()?;
/// let snapshot = scout.organization("acme")?.scrape().await?;
/// let receiver = RemoteWrite::builder("http://localhost:9090/api/v1/write").with_label("job", "scout").build()?;
/// let samples = receiver.write(&[snapshot]).await?;
/// println!("wrote {samples} samples");
/// # Ok(())
/// # }
/// ```
pub struct RemoteWriter {
    ordered: Mutex<Ordered>,
    labels: Arc<[(String, String)]>,
    /// The maximum time of a call.
    patience: Duration,
}

/// The state that writes use one after another.
struct Ordered {
    sender: Sender,
    times: RisingTimes,
}

impl RemoteWriter {
    pub(super) fn new(
        sender: Sender,
        patience: Duration,
        labels: impl Into<Arc<[(String, String)]>>,
    ) -> Self {
        Self {
            ordered: Mutex::new(Ordered {
                sender,
                times: RisingTimes::default(),
            }),
            labels: labels.into(),
            patience,
        }
    }

    /// Writes all samples of snapshots, with the current time and the label `org`, and returns how many samples that were.
    ///
    /// Failures are retried until [the time that the builder sets](super::RemoteWriteBuilder::with_write_timeout) is over.
    ///
    /// # Errors
    ///
    /// The kind of the answer or of the failure, such as `Unauthorized`, `Status`, `Unavailable`, `Transport` and `Timeout`,
    /// with the [status](Error::status) and the start of the [body](Error::body), in which the receiver says why it refused
    /// samples. Other samples may have been written. `Invalid`, before anything is written, if two snapshots are of the same
    /// organization.
    pub async fn write(&self, snapshots: &[Snapshot]) -> Result<u64> {
        check_organizations(snapshots.iter().map(Snapshot::organization), "snapshots")?;
        let tables = snapshots
            .iter()
            .map(|snapshot| tracker::table(snapshot, &self.labels));
        let tables = tables.collect::<Result<Vec<Table>>>()?;
        self.write_tables(tables).await
    }

    /// Writes all samples of families and returns how many that were. Samples without a timestamp get the current time.
    ///
    /// The labels of the builder are added to series that have no label of this name.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Self::write), and `Invalid` as for [`encode`](super::encode).
    pub async fn write_families(&self, families: &[MetricFamily]) -> Result<u64> {
        self.write_tables(vec![Table::new(families, &self.labels)?])
            .await
    }

    async fn write_tables(&self, tables: Vec<Table>) -> Result<u64> {
        let deadline = Deadline::after(self.patience);
        let mut ordered = self.ordered.lock().await;
        let Ordered { sender, times } = &mut *ordered;
        let mut queue = Queue::new(usize::MAX, Duration::MAX);
        let at = times.next(SystemTime::now());
        for (group, table) in tables.into_iter().enumerate() {
            let _nothing_is_dropped = queue.push(Write {
                table: Arc::new(table),
                rows: Rows::All,
                at,
                group,
                queued: Instant::now(),
                is_repeat: false,
            });
        }
        let (mut written, mut first_error) = (0, None);
        loop {
            let (batch, _nothing_is_dropped) = queue.take(sender.limits, Instant::now());
            if batch.samples() == 0 {
                break;
            }
            let (count, error) = deliver(sender, &batch, &deadline).await?;
            written += count as u64;
            first_error = first_error.or(error);
        }
        first_error.map_or(Ok(written), Err)
    }
}

impl fmt::Debug for RemoteWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteWriter")
            .field("labels", &self.labels)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// Sends a batch until the receiver has dealt with it, or until the next attempt would be after the deadline.
async fn deliver(
    sender: &mut Sender,
    batch: &Batch,
    deadline: &Deadline,
) -> Result<(usize, Option<Error>)> {
    let mut bodies = Bodies::default();
    let mut failures = 0;
    let mut previous = None;
    loop {
        let attempt = sender.attempt(batch, &mut bodies, &|| {});
        let attempt = deadline.bound(attempt, || "writing samples".to_owned());
        let error = match attempt.await {
            Ok(Ok(outcome)) => return Ok((outcome.written, outcome.error)),
            Ok(Err(error)) => error,
            // The time is mostly over because of earlier failures, which say more.
            Err(timeout) => return Err(previous.unwrap_or(timeout.into())),
        };
        failures += 1;
        let delay = sender.delay(failures, &error);
        if !deadline.leaves(delay) {
            return Err(error);
        }
        log_failure(delay, &error);
        sleep(delay).await;
        previous = Some(error);
    }
}

fn log_failure(delay: Duration, error: &(dyn StdError + 'static)) {
    tracing::warn!(?delay, error, "cannot write samples, trying again");
}
