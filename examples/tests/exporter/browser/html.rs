//! The pages and their style sheet as an independent validator sees them.

use std::{path::PathBuf, process::Command};

use scout_metrics_core::{Error, ErrorKind, Stream};

use super::{HOSTILE, record, snapshot, start, stream, streams};
use crate::support::{Upstream, get, is_there, start_exporter, tools, write};

/// Returns the validator of the WHATWG, if it is installed.
fn validator() -> Option<PathBuf> {
    let jar = tools().join("web/node_modules/vnu-jar/build/dist/vnu.jar");
    let origin = "examples/tests/exporter/peers/install-web installs it";
    let arguments = ["-jar", jar.to_str().unwrap(), "--version"];
    is_there("java", &arguments, origin).then_some(jar)
}

#[test]
fn the_pages_are_valid() {
    let Some(validator) = validator() else {
        return;
    };
    let now = snapshot(
        streams(40)
            .chain(HOSTILE.map(|name| stream(name, "1C 0H", 4)))
            .chain([
                stream(&"x".repeat(10_000), "0C 1H", 9),
                Stream::new("nothing-reported"),
            ]),
    );
    let upstream = Upstream::start(now.clone());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let state = runtime.block_on(record(&upstream, &now));
    let (_exporter, url) = start(&upstream, &["--state-dir", &state]);
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let down = Upstream::start(now);
    down.source
        .set(Err(Error::new(ErrorKind::Unavailable, "down <b>today</b>")));
    let mut command = down.exporter();
    let token = down.write("token", "s3cr3t");
    command.args(["--org", "acme", "--web.bearer-token-file", &token]);
    let (_failing, failing) = start_exporter(&mut command);

    let directory = tempfile::tempdir().unwrap();
    for (number, (address, path, token)) in [
        (address, "/", None),
        (address, "/organizations/acme", None),
        (address, "/organizations/acme/streams/edge-0017", None),
        (
            address,
            "/organizations/acme/streams/nothing-reported",
            None,
        ),
        (address, "/organizations/acme/streams/gone", None),
        (address, "/?filter=%3Cscript%3E", None),
        (address, "/?page=0", None),
        (&*failing, "/", Some("s3cr3t")),
        (&*failing, "/organizations/acme", Some("s3cr3t")),
        (&*failing, "/", None),
    ]
    .into_iter()
    .enumerate()
    {
        let (_, page) = get(address, path, token);
        assert!(page.starts_with("<!DOCTYPE html>"), "{path}: {page}");
        write(directory.path(), &format!("{number}.html"), &page);
    }
    let (_, style) = get(address, "/assets/page.css", None);
    write(directory.path(), "page.css", &style);
    let (_, icon) = get(address, "/assets/unknown.svg", None);
    write(directory.path(), "icon.svg", &icon);

    let reports = runtime.block_on(super::report::reports());
    for (number, report) in reports.iter().enumerate() {
        write(directory.path(), &format!("report-{number}.html"), report);
    }

    let mut command = Command::new("java");
    command.arg("-jar").arg(validator).args([
        "--also-check-css",
        "--also-check-svg",
        "--format",
        "text",
    ]);
    let output = command.arg(directory.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
