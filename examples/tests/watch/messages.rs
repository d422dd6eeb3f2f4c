//! The messages of `watch`: their contents, their time and their receivers.

use std::{
    fs,
    net::TcpListener,
    process::Command,
    time::{Duration, SystemTime},
};

use scout_metrics_core::{
    History, MemorySource, Organization, RecordHistory, Snapshot, SqliteHistory,
};

use crate::{
    poll::until,
    program::{example, serve, stderr, stdout},
    receiver::Receiver,
    watching::{Watch, organization},
};

/// Starts watching an organization every second, after its first scrape.
fn watch(url: &str, arguments: &[&str]) -> Watch {
    let common = ["--org", "acme", "--url", url, "--interval", "1s"];
    let mut watch = Watch::start(&[&common[..], arguments].concat());
    watch.wait_for("watching acme");
    watch
}

fn source(counts: &str) -> (MemorySource, String) {
    let memory = MemorySource::new(organization("acme", &[("production", counts)]));
    let url = serve([memory.clone()]);
    (memory, url)
}

/// Returns the message in a format about what got worse between two snapshots.
pub(crate) fn sent(format: &str, [before, after]: [Snapshot; 2]) -> serde_json::Value {
    let receiver = Receiver::start(&[200]);
    let memory = MemorySource::new(before);
    let url = serve([memory.clone()]);
    let watch = watch(&url, &["--webhook", &receiver.url, "--format", format]);
    memory.set(Ok(after));
    let message = receiver.message();
    watch.interrupt();
    message
}

#[test]
fn one_message_has_everything_that_matters_and_got_worse() {
    let receiver = Receiver::start(&[200]);
    let (memory, url) = source("1C 3H 5M");
    let mut watch = watch(&url, &["--webhook", &receiver.url, "--fail-on", "high"]);
    let set = |counts: &str| memory.set(Ok(organization("acme", &[("production", counts)])));

    // Neither what is better nor what is not severe enough is told.
    set("0C 3H 9M");
    assert!(watch.line().contains("CRITICAL 1 -> 0"));
    assert!(watch.line().contains("MEDIUM 5 -> 9"));
    set("2C 4H 9M");
    let message = receiver.message();
    assert_eq!(message["organization"], "acme");
    assert_eq!(message["title"], "Docker Scout: acme got worse in 2 ways");
    assert_eq!(message["changes"].as_array().unwrap().len(), 2);
    assert_eq!(message["changes"][0]["severity"], "CRITICAL");
    assert_eq!(message["changes"][0]["before"], 0);
    // The same is not told again.
    set("2C 4H 0M");
    for _ in 0..3 {
        watch.line();
    }
    set("3C 4H 0M");
    let message = receiver.message();
    assert_eq!(message["title"], "Docker Scout: acme got worse");
    assert_eq!(message["changes"][0]["before"], 2);
    watch.interrupt();
}

#[test]
fn a_message_is_sent_again_until_it_is_accepted() {
    let receiver = Receiver::start(&[500, 200]);
    let (memory, url) = source("1C");
    let watch = watch(&url, &["--webhook", &receiver.url]);
    memory.set(Ok(organization("acme", &[("production", "2C")])));
    assert_eq!(receiver.message(), receiver.message());
    watch.interrupt();
}

#[test]
fn ctrl_c_stops_the_program_while_a_message_is_delivered() {
    let receiver = Receiver::start(&[500]);
    let (memory, url) = source("1C");
    let watch = watch(&url, &["--webhook", &receiver.url]);
    memory.set(Ok(organization("acme", &[("production", "2C")])));
    receiver.message();
    watch.interrupt();
}

#[test]
fn a_slow_receiver_delays_neither_scrapes_nor_lines_and_misses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (messages, flag) = (
        directory.path().join("messages"),
        directory.path().join("flag"),
    );
    let command = format!(
        "{{ cat; echo; }} >>'{}'; until [ -e '{}' ]; do sleep 0.1; done; echo told",
        messages.display(),
        flag.display()
    );
    let (memory, url) = source("1C");
    let mut watch = watch(&url, &["--exec", &command]);
    for counts in ["2C", "3C", "4C"] {
        memory.set(Ok(organization("acme", &[("production", counts)])));
        watch.line();
    }
    fs::write(flag, "").unwrap();
    watch.wait_for("told");
    watch.wait_for("told");
    watch.interrupt();
    let messages = fs::read_to_string(messages).unwrap();
    let numbers = messages.lines().map(|message| {
        let message: serde_json::Value = serde_json::from_str(message).unwrap();
        ["before", "after"].map(|key| message["changes"][0][key].as_u64().unwrap())
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [[1, 2], [2, 4]]);
}

#[test]
fn the_file_with_the_url_is_read_for_each_delivery() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("webhook");
    let [first, second] = [200, 200].map(|_| Receiver::start(&[200]));
    fs::write(&secret, &first.url).unwrap();
    let (memory, url) = source("1C");
    let watch = watch(&url, &["--webhook-file", secret.to_str().unwrap()]);
    let set = |counts: &str| memory.set(Ok(organization("acme", &[("production", counts)])));
    set("2C");
    assert_eq!(first.message()["changes"][0]["after"], 2);
    fs::write(&secret, &second.url).unwrap();
    set("3C");
    assert_eq!(second.message()["changes"][0]["after"], 3);
    watch.interrupt();
}

#[tokio::test]
async fn old_snapshots_are_removed_from_the_history() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("told.db");
    let history = SqliteHistory::open(&path).await.unwrap();
    // A history keeps milliseconds.
    let today = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(today) - 300 * DAY;
    for days in [0, 100, 250] {
        let old = organization("acme", &[("production", "1C")]);
        let old = old.with_scraped_at(start + days * DAY);
        history.record(&old).await.unwrap();
    }
    let receiver = Receiver::start(&[200]);
    let (memory, url) = source("1C");
    let path = path.to_str().unwrap();
    let watch = watch(&url, &["--webhook", &receiver.url, "--history", path]);
    memory.set(Ok(organization("acme", &[("production", "2C")])));
    // The messages before it are remembered by now.
    receiver.message();
    watch.interrupt();
    let organization = Organization::new("acme").unwrap();
    let end = start + 299 * DAY;
    let kept = history.range(&organization, start, end, DAY).await.unwrap();
    let days = kept
        .iter()
        .map(|kept| kept.scraped_at().duration_since(start).unwrap());
    assert_eq!(days.collect::<Vec<_>>(), [250 * DAY]);
}

#[test]
fn an_unreachable_server_is_reported_by_its_host_only() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let webhook = format!("http://{}/services/s3cr3t", closed.unwrap());
    let (memory, url) = source("1C");
    let mut watch = watch(&url, &["--webhook", &webhook]);
    memory.set(Ok(organization("acme", &[("production", "2C")])));
    let said = watch.wait_for("cannot deliver the message: 127.0.0.1: ");
    assert!(!said.contains("s3cr3t"), "{said}");
    watch.interrupt();
}

#[test]
fn a_failed_delivery_is_reported_and_tried_again_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let history = directory.path().join("told.db");
    let secret = directory.path().join("webhook");
    let [history_path, secret_path] = [&history, &secret].map(|path| path.to_str().unwrap());
    let arguments = ["--history", history_path, "--webhook-file", secret_path];
    let refusing = Receiver::start(&[404]);
    fs::write(&secret, format!("{}\n", refusing.url)).unwrap();
    let (memory, url) = source("1C");

    let mut first = watch(&url, &arguments);
    memory.set(Ok(organization("acme", &[("production", "2C")])));
    let said = first.wait_for("cannot deliver the message");
    assert!(
        said.ends_with(
            "warning: acme: cannot deliver the message: 127.0.0.1 answered 404 Not Found; it will be sent again \
             after the next scrape\n"
        ),
        "{said}"
    );
    assert!(!said.contains("s3cr3t"), "{said}");
    first.interrupt();

    let accepting = Receiver::start(&[200]);
    fs::write(&secret, &accepting.url).unwrap();
    memory.set(Ok(organization("acme", &[("production", "3C")])));
    let second = watch(&url, &arguments);
    let message = accepting.message();
    assert_eq!(message["changes"][0]["before"], 1);
    assert_eq!(message["changes"][0]["after"], 3);
    second.interrupt();
}

#[test]
fn a_command_gets_the_message_on_standard_input() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("message");
    let (memory, url) = source("1C");
    // The first run fails, and the message comes again.
    let flag = directory.path().join("flag");
    let command = format!(
        "cat >'{}'; [ -e '{flag}' ] || {{ touch '{flag}'; exit 3; }}; echo told",
        path.display(),
        flag = flag.display()
    );
    let mut watch = watch(&url, &["--exec", &command]);
    memory.set(Ok(organization("acme", &[("production", "2C")])));
    // Standard output is for the changes only.
    watch.wait_for("told");
    assert!(watch.line().contains("CRITICAL 1 -> 2"));
    let message: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(message["changes"][0]["after"], 2);
    watch.interrupt();
}

#[test]
fn a_command_that_is_not_done_is_ended_with_what_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("number");
    let command = format!(
        "sleep 1000 & echo $! >'{}'; echo started >&2; wait; true",
        path.display()
    );
    let (memory, url) = source("1C");
    let mut watch = watch(&url, &["--exec", &command]);
    memory.set(Ok(organization("acme", &[("production", "2C")])));
    watch.wait_for("started");
    watch.interrupt();
    let number = fs::read_to_string(path).unwrap();
    until(Duration::from_secs(60), "the command is ended", || {
        let mut kill = Command::new("kill");
        let output = kill.args(["-0", number.trim()]).output().unwrap();
        (!output.status.success()).then_some(())
    });
}

/// The limits are those of the services' documentation, which `message.rs` links to.
#[test]
fn messages_for_people_stay_within_the_limits_of_the_services() {
    let names: Vec<String> = (0..60)
        .map(|n| format!("<!channel> *{n}* [x](y) \n{}", "&".repeat(200)))
        .collect();
    let streams: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "9C")).collect();
    for format in ["slack", "teams"] {
        let before = organization("acme", &[("production", "1C")]);
        let message = sent(format, [before, organization("acme", &streams)]);
        let title = "Docker Scout: acme got worse in 60 ways";
        if format == "slack" {
            assert_eq!(message["text"], title);
            assert_eq!(message["blocks"][0]["type"], "header");
            assert_eq!(message["blocks"][0]["text"]["text"], title);
            let text = &message["blocks"][1]["text"];
            assert_eq!(text["type"], "mrkdwn");
            let text = text["text"].as_str().unwrap();
            assert!(text.chars().count() <= 3000, "{}", text.chars().count());
            assert!(
                !text.contains("<!channel>") && text.contains("&lt;!channel&gt;"),
                "{text}"
            );
            assert!(text.ends_with("\n• And 45 more."), "{text}");
        } else {
            assert!(message.to_string().len() <= 28 * 1024);
            assert_eq!(message["type"], "message");
            let attachment = &message["attachments"][0];
            assert_eq!(
                attachment["contentType"],
                "application/vnd.microsoft.card.adaptive"
            );
            let card = &attachment["content"];
            assert_eq!(
                (&card["type"], &card["version"]),
                (&"AdaptiveCard".into(), &"1.4".into())
            );
            let body = card["body"].as_array().unwrap();
            assert_eq!(body.len(), 17);
            assert!(body.iter().all(|block| block["type"] == "TextBlock"));
            assert_eq!(body[0]["text"], title);
            assert!(
                body[1]["text"].as_str().unwrap().contains(r"\[x\](y)"),
                "{}",
                body[1]
            );
        }
    }
}

#[test]
fn a_wrong_receiver_is_refused_without_showing_its_url() {
    for (arguments, status) in [
        (&["--webhook", "http://hooks.example/s3cr3t"][..], 1),
        (&["--webhook", "s3cr3t"], 1),
        (&["--webhook-file", "/no/such/file"], 1),
        (&["--fail-on", "high"], 2),
        (&["--exec", "true", "--history-retention", "9d"], 2),
        (&["--exec", "true", "--format", "slack"], 2),
        (
            &[
                "--exec",
                "true",
                "--webhook",
                "https://hooks.example/s3cr3t",
            ],
            2,
        ),
    ] {
        let output = example("watch").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
        assert_eq!(stdout(&output), "");
        let said = stderr(&output);
        assert!(
            said.contains("error: ") && !said.contains("s3cr3t"),
            "{said}"
        );
    }
}
