//! How old a snapshot is.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use scout_metrics_core::{ErrorKind, MetricsSource, MetricsSourceExt};

use super::{Scans, report};

const HOUR: Duration = Duration::from_secs(3600);

fn set_age(scans: &Scans, path: &str, hours: u32) -> SystemTime {
    let file = fs::File::options()
        .append(true)
        .open(scans.path().join(path));
    let time = SystemTime::now() - HOUR * hours;
    file.unwrap().set_modified(time).unwrap();
    time
}

#[tokio::test]
async fn a_snapshot_is_as_old_as_its_oldest_file() {
    let scans = Scans::new()
        .with("production/a.sarif", report("[]"))
        .with("production/a.policy.json", "{}")
        .with("staging/b.sarif", report("[]"));
    set_age(&scans, "production/a.sarif", 1);
    let oldest = set_age(&scans, "production/a.policy.json", 26);
    set_age(&scans, "staging/b.sarif", 2);
    assert_eq!(scans.snapshot().await.scraped_at(), oldest);

    let error = scans
        .source()
        .max_age(HOUR * 25)
        .scrape()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(scans.source().max_age(HOUR * 27).scrape().await.is_ok());
}

#[tokio::test]
async fn without_a_file_the_time_is_that_of_the_scrape() {
    let scans = Scans::new().with_stream("production");
    assert!(scans.snapshot().await.age() < HOUR);
}
