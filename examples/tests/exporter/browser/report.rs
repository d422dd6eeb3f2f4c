//! The report for people in a real browser, opened as a file.

use std::time::SystemTime;

use scout_metrics_core::{MemoryHistory, RecordHistory};
use scout_metrics_http::html::Report;

use super::{
    DAY, HOSTILE,
    driver::{Browser, with_browser},
    snapshot, stream, streams,
};

/// Returns a report of 90 days with hostile names, and one of a snapshot.
pub(super) async fn reports() -> [String; 2] {
    let history = MemoryHistory::new();
    let now = SystemTime::now();
    for day in (0..=90).rev() {
        let hostile = HOSTILE.map(|name| stream(name, "1C 0H", day % 9));
        let ago = DAY * u32::try_from(day).unwrap();
        let streams = streams(20).chain(hostile);
        let snapshot = snapshot(streams).with_scraped_at(now - ago);
        history.record(&snapshot).await.unwrap();
    }
    let latest = snapshot(streams(3));
    let mut report = Report::new();
    let organization = latest.organization();
    report
        .add_history(&history, organization, 90 * DAY)
        .await
        .unwrap();
    let error = scout_metrics_core::Error::new(scout_metrics_core::ErrorKind::Other, HOSTILE[0]);
    let report = report.with_failure("apex".parse().unwrap(), &error);
    [
        report.to_string(),
        Report::new().with_snapshot(latest).to_string(),
    ]
}

#[test]
fn the_report_fits_every_screen_and_everyone_can_read_it() {
    with_browser(async |browser| {
        let directory = tempfile::tempdir().unwrap();
        for (number, html) in reports().await.into_iter().enumerate() {
            let path = directory.path().join(format!("{number}.html"));
            std::fs::write(&path, html).unwrap();
            let url = format!("file://{}", path.display());
            for (width, theme) in [
                (375, "light"),
                (375, "dark"),
                (1280, "dark"),
                (1920, "light"),
            ] {
                browser.resize(width, 900, theme).await;
                browser.open(&url).await;
                assert_is_safe(browser).await;
                let overflow = "return document.documentElement.scrollWidth - innerWidth";
                assert_eq!(browser.run(overflow).await, 0, "{width}");
                let violations = browser.violations().await.unwrap_or_default();
                assert_eq!(violations, Vec::<String>::new(), "{width} {theme}");
            }
        }
    });
}

/// Checks that the style is applied, that nothing was loaded or refused, and that no name ran.
async fn assert_is_safe(browser: &Browser) {
    let cell = "return getComputedStyle(document.querySelector('.letter')).borderRadius";
    assert_eq!(browser.run(cell).await, "50%");
    let loaded = "return performance.getEntriesByType('resource').length";
    assert_eq!(browser.run(loaded).await, 0);
    assert_eq!(
        browser.run("return typeof window.hacked").await,
        "undefined"
    );
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
