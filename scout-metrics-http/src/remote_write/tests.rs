//! The task with a receiver that needs no network, in paused time.

use std::{collections::HashMap, time::Duration};

use scout_metrics_core::{Error, ErrorKind, MemorySource, Poller};
use tokio::time::{Instant, sleep};

use super::{
    DropReason, RemoteWrite, RemoteWriteBuilder, RemoteWriter,
    batch::BatchLimits,
    testing::{LIMITS, Says, Scripted, Seen, builder, snapshot},
};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(1);

/// How many samples a stream has in these tests: criticals and unspecified.
const SAMPLES: u64 = 2;

/// A poller that refreshes only when it is told to.
fn poller(source: &MemorySource) -> Poller {
    Poller::builder(source.clone())
        .with_interval(24 * HOUR)
        .with_max_stale(Duration::ZERO)
        .spawn()
}

fn start(builder: RemoteWriteBuilder, receiver: &Scripted, poller: &Poller) -> RemoteWrite {
    builder.spawn_with(receiver.sender(LIMITS), vec![poller.clone()])
}

/// Returns the values of one stream's criticals, `None` for the end of the series.
fn values(seen: &[Seen], stream: &str) -> Vec<Option<f64>> {
    let labels = format!(
        "__name__=scout_stream_vulnerabilities,org=acme,severity=CRITICAL,streamName={stream}"
    );
    let of_stream = seen.iter().filter(|seen| seen.labels == labels);
    of_stream.map(|seen| seen.value).collect()
}

/// Panics if the samples of a series are out of order.
fn check_order(seen: &[Seen]) {
    let mut last = HashMap::new();
    for sample in seen {
        let before = last.insert(&sample.labels, sample.timestamp);
        assert!(
            before.is_none_or(|before| before < sample.timestamp),
            "{sample:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_written_at_once_and_each_minute_and_ended_series_end() {
    let source = MemorySource::new(snapshot("acme", &[("production", 1), ("staging", 2)]));
    let poller = poller(&source);
    let receiver = Scripted::default();
    let pushed = start(builder(), &receiver, &poller);
    sleep(MOMENT).await;
    let first = receiver.take();
    assert_eq!(values(&first, "production"), [Some(1.0)]);
    assert_eq!(values(&first, "staging"), [Some(2.0)]);

    sleep(2 * MINUTE).await;
    assert_eq!(values(&receiver.take(), "production"), [Some(1.0); 2]);

    source.set(Ok(snapshot("acme", &[("production", 3)])));
    poller.refresh_now().await.unwrap();
    sleep(MOMENT).await;
    let changed = receiver.take();
    assert_eq!(values(&changed, "production"), [Some(3.0)]);
    assert_eq!(values(&changed, "staging"), [None]);
    sleep(MINUTE).await;
    assert_eq!(values(&receiver.take(), "staging"), []);
    assert_eq!(pushed.stats().dropped(DropReason::Refused), 0);
    assert_eq!(pushed.stats().queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn series_end_when_there_is_no_snapshot_that_may_be_served_and_begin_again() {
    let source = MemorySource::new(snapshot("acme", &[("production", 1)]));
    let poller = poller(&source);
    let receiver = Scripted::default();
    let _pushed = start(builder(), &receiver, &poller);
    sleep(MOMENT).await;
    receiver.take();
    source.set(Err(Error::new(ErrorKind::Forbidden, "no")));
    poller.refresh_now().await.unwrap_err();
    sleep(10 * MINUTE).await;
    assert_eq!(values(&receiver.take(), "production"), [None]);
    source.set(Ok(snapshot("acme", &[("production", 2)])));
    poller.refresh_now().await.unwrap();
    sleep(MOMENT).await;
    assert_eq!(values(&receiver.take(), "production"), [Some(2.0)]);
}

#[tokio::test(start_paused = true)]
async fn samples_survive_an_outage_in_order() {
    let source = MemorySource::new(snapshot("acme", &[("production", 1)]));
    let poller = poller(&source);
    let receiver = Scripted::default();
    receiver.set_down(true);
    let pushed = start(builder(), &receiver, &poller);
    sleep(HOUR / 2).await;
    source.set(Ok(snapshot("acme", &[("production", 2)])));
    poller.refresh_now().await.unwrap();
    sleep(HOUR / 2).await;
    assert_eq!(receiver.take(), []);
    let stats = pushed.stats();
    assert_eq!(stats.sent(), 0);
    assert!(stats.queue_age().unwrap() >= HOUR);
    assert_eq!(stats.last_error().unwrap().kind(), ErrorKind::Transport);
    assert!(stats.retries().eq([("transport", stats.requests() - 1)]));

    receiver.set_down(false);
    sleep(MINUTE).await;
    let seen = receiver.take();
    check_order(&seen);
    let values = values(&seen, "production");
    assert!(values.len() > 60, "{}", values.len());
    assert!(values.is_sorted(), "{values:?}");
    let stats = pushed.stats();
    assert_eq!((stats.sent(), stats.queued()), (seen.len() as u64, 0));
    assert!(stats.last_error().is_none());
}

#[tokio::test(start_paused = true)]
async fn pauses_between_attempts_grow_to_half_a_minute() {
    let source = MemorySource::new(snapshot("acme", &[("production", 1)]));
    let receiver = Scripted::default();
    receiver.set_down(true);
    let _pushed = start(builder(), &receiver, &poller(&source));
    sleep(HOUR).await;
    let times = receiver.times();
    let pauses: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses[0] <= Duration::from_secs(1), "{pauses:?}");
    let longest = *pauses.iter().max().unwrap();
    assert!(
        longest > MINUTE / 4 && longest <= MINUTE / 2 + MOMENT,
        "{pauses:?}"
    );
    assert!(
        pauses
            .iter()
            .all(|pause| *pause >= Duration::from_millis(100))
    );
}

#[tokio::test(start_paused = true)]
async fn the_receiver_may_ask_for_a_longer_pause() {
    for status in [429, 503] {
        let source = MemorySource::new(snapshot("acme", &[("production", 1)]));
        let receiver = Scripted::saying(&[Says::Later(status, 20), Says::Later(status, u64::MAX)]);
        let _pushed = start(builder(), &receiver, &poller(&source));
        sleep(3 * HOUR / 2).await;
        let times = receiver.times();
        assert!(times[1] - times[0] >= Duration::from_secs(20));
        let longest = times[2] - times[1];
        assert!(longest >= HOUR && longest < HOUR + MINUTE, "{longest:?}");
        assert!(!receiver.take().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn refused_samples_are_dropped_and_the_others_counted() {
    let source = MemorySource::new(snapshot("acme", &[("production", 1)]));
    let receiver = Scripted::saying(&[Says::Refused(400, 1), Says::Refused(413, 0)]);
    let pushed = start(builder(), &receiver, &poller(&source));
    sleep(MOMENT).await;
    let stats = pushed.stats();
    assert_eq!((stats.sent(), stats.dropped(DropReason::Refused)), (1, 1));
    assert_eq!(stats.requests(), 1);
    assert_eq!(stats.last_error().unwrap().status(), Some(400));
    sleep(2 * MINUTE).await;
    let stats = pushed.stats();
    assert_eq!((stats.sent(), stats.dropped(DropReason::Refused)), (3, 3));
    assert_eq!(stats.requests(), 3);
    assert!(stats.last_error().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_success_that_wrote_less_is_counted_as_a_refusal() {
    let source = MemorySource::new(snapshot("acme", &[("production", 1)]));
    let receiver = Scripted::saying(&[Says::Refused(200, 1)]);
    let pushed = start(builder(), &receiver, &poller(&source));
    sleep(MOMENT).await;
    let stats = pushed.stats();
    assert_eq!((stats.sent(), stats.dropped(DropReason::Refused)), (1, 1));
    assert_eq!(
        stats.last_error().unwrap().to_string(),
        "the receiver did not write all samples, and did not say why (HTTP 200)"
    );
}

#[tokio::test(start_paused = true)]
async fn what_waits_too_long_is_dropped() {
    let source = MemorySource::new(snapshot("acme", &[("production", 1)]));
    let receiver = Scripted::default();
    receiver.set_down(true);
    let pushed = start(builder().with_max_age(HOUR), &receiver, &poller(&source));
    sleep(2 * HOUR).await;
    let stats = pushed.stats();
    assert!(stats.queue_age().unwrap() <= HOUR + MINUTE, "{stats:?}");
    let too_old = stats.dropped(DropReason::TooOld);
    assert!(
        (SAMPLES * 58..=SAMPLES * 62).contains(&too_old),
        "{too_old}"
    );
    receiver.set_down(false);
    sleep(MINUTE).await;
    check_order(&receiver.take());
}

#[tokio::test(start_paused = true)]
async fn the_memory_of_the_queue_is_bounded_and_unchanged_snapshots_need_little() {
    let source = MemorySource::new(snapshot("acme", &[("production", 0)]));
    let poller = poller(&source);
    let receiver = Scripted::default();
    receiver.set_down(true);
    let limit = 20_000;
    let pushed = start(builder().with_queue_limit(limit), &receiver, &poller);
    sleep(HOUR).await;
    assert_eq!(pushed.stats().dropped(DropReason::QueueFull), 0);
    for criticals in 1..100 {
        source.set(Ok(snapshot("acme", &[("production", criticals)])));
        poller.refresh_now().await.unwrap();
        sleep(MOMENT).await;
        assert!(pushed.stats().queue_bytes() <= limit as u64);
    }
    let stats = pushed.stats();
    assert!(
        stats.dropped(DropReason::QueueFull) > SAMPLES * 100,
        "{stats:?}"
    );
    receiver.set_down(false);
    sleep(MINUTE).await;
    let seen = receiver.take();
    check_order(&seen);
    // The newest are kept.
    assert_eq!(values(&seen, "production").last(), Some(&Some(99.0)));
    let stats = pushed.stats();
    assert_eq!((stats.queued(), stats.queue_bytes()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn requests_are_bounded_and_one_is_on_its_way_at_a_time() {
    let names: Vec<String> = (0..30).map(|number| format!("stream{number}")).collect();
    let streams: Vec<(&str, u64)> = names.iter().map(|name| (&**name, 1)).collect();
    let source = MemorySource::new(snapshot("acme", &streams));
    let receiver = Scripted::default().with_delay(Duration::from_secs(1));
    let limits = BatchLimits {
        samples: 16,
        ..LIMITS
    };
    let poller = poller(&source);
    let pushed = builder().spawn_with(receiver.sender(limits), vec![poller.clone()]);
    sleep(MINUTE / 2).await;
    // 60 samples, 16 at a time.
    assert_eq!(receiver.times().len(), 4);
    assert_eq!(pushed.stats().sent(), 60);
    let times = receiver.times();
    assert!(
        times
            .windows(2)
            .all(|pair| pair[1] - pair[0] >= Duration::from_secs(1))
    );
    check_order(&receiver.take());
}

#[tokio::test(start_paused = true)]
async fn shutdown_writes_what_waits_and_ends_series_if_asked() {
    for ends in [false, true] {
        let source = MemorySource::new(snapshot("acme", &[("production", 1)]));
        let poller = poller(&source);
        let receiver = Scripted::default().with_delay(Duration::from_secs(2));
        let pushed = start(builder().with_end_of_series(ends), &receiver, &poller);
        sleep(Duration::from_secs(1)).await;
        let stats = pushed.shutdown(MINUTE).await;
        let ended = if ends {
            vec![Some(1.0), None]
        } else {
            vec![Some(1.0)]
        };
        assert_eq!(values(&receiver.take(), "production"), ended);
        assert_eq!(stats.sent(), SAMPLES * ended.len() as u64);
        assert_eq!(stats.dropped(DropReason::Shutdown), 0);
        // Nothing more is written.
        sleep(HOUR).await;
        assert_eq!(receiver.take(), []);
        assert_eq!(pushed.shutdown(MINUTE).await.sent(), stats.sent());
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_writes_a_snapshot_that_the_task_has_not_seen() {
    for ends in [false, true] {
        let source = MemorySource::new(snapshot("acme", &[("production", 1)]));
        let poller = poller(&source);
        poller.refresh_now().await.unwrap();
        let receiver = Scripted::default();
        let pushed = start(builder().with_end_of_series(ends), &receiver, &poller);
        pushed.shutdown(MINUTE).await;
        let seen = receiver.take();
        check_order(&seen);
        let mut expected = vec![Some(1.0)];
        expected.extend(ends.then_some(None));
        assert_eq!(values(&seen, "production"), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_is_bounded_and_counts_what_is_lost() {
    let source = MemorySource::new(snapshot("acme", &[("production", 1)]));
    let receiver = Scripted::default();
    receiver.set_down(true);
    let pushed = start(builder(), &receiver, &poller(&source));
    sleep(3 * MINUTE - MOMENT).await;
    let begin = Instant::now();
    let stats = pushed.shutdown(Duration::from_secs(5)).await;
    assert!(begin.elapsed() <= Duration::from_secs(5) + MOMENT);
    assert_eq!(stats.dropped(DropReason::Shutdown), 3 * SAMPLES);
    assert_eq!((stats.queued(), stats.queue_age()), (0, None));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_stops_the_task() {
    let source = MemorySource::new(snapshot("acme", &[("production", 1)]));
    let receiver = Scripted::default();
    let poller = poller(&source);
    let pushed = start(builder(), &receiver, &poller);
    let other = pushed.clone();
    drop(pushed);
    sleep(2 * MINUTE).await;
    assert!(!receiver.take().is_empty());
    drop(other);
    sleep(HOUR).await;
    assert_eq!(receiver.take(), []);
}

#[tokio::test(start_paused = true)]
async fn organizations_share_requests_and_a_poller_may_stop() {
    let sources =
        ["acme", "apex"].map(|name| MemorySource::new(snapshot(name, &[("production", 1)])));
    let pollers: Vec<Poller> = sources.iter().map(poller).collect();
    let receiver = Scripted::default();
    sleep(MOMENT).await;
    let _pushed = builder().spawn_with(receiver.sender(LIMITS), pollers.clone());
    sleep(MOMENT).await;
    assert_eq!(receiver.times().len(), 1);
    assert_eq!(receiver.take().len(), 4);
    // Its last snapshot may still be served.
    pollers[1].shutdown().await;
    sleep(MINUTE).await;
    assert_eq!(receiver.take().len(), 4);
    sleep(26 * HOUR).await;
    let seen = receiver.take();
    let ended = seen.iter().filter(|seen| seen.value.is_none());
    assert!(ended.clone().all(|seen| seen.labels.contains("org=apex")));
    assert_eq!(ended.count(), 2);
    check_order(&seen);
}

#[tokio::test]
async fn a_writer_gives_rising_times_to_writes_that_follow_at_once() {
    let receiver = Scripted::default();
    let writer = RemoteWriter::new(receiver.sender(LIMITS), MINUTE, []);
    for criticals in 0..100 {
        let snapshot = snapshot("acme", &[("production", criticals)]);
        assert_eq!(writer.write(&[snapshot]).await.unwrap(), SAMPLES);
    }
    check_order(&receiver.take());
}

#[tokio::test]
async fn a_writer_refuses_two_snapshots_of_an_organization_whose_series_are_the_same() {
    let receiver = Scripted::default();
    let writer = RemoteWriter::new(receiver.sender(LIMITS), MINUTE, []);
    let snapshots = [1, 2].map(|criticals| snapshot("acme", &[("production", criticals)]));
    let error = writer.write(&snapshots).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        "organization `acme`: two snapshots have this organization"
    );
    assert_eq!(receiver.take(), []);
}
