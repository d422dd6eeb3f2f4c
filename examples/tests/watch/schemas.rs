//! The messages follow what their receivers publish about them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use scout_metrics_core::{Policy, PolicyResult, Snapshot, Stream, VulnerabilityCounts};
use serde_json::Value;

use crate::{
    messages::sent,
    peer::{is_there, python, run_peer, tools},
    watching::organization,
};

/// Slack's type of a message to an incoming webhook, with all details of blocks.
const SLACK: &str = r#"
import type { KnownBlock } from "@slack/types";
import type { IncomingWebhookSendArguments } from "@slack/webhook";

type Message = Omit<IncomingWebhookSendArguments, "blocks"> & { blocks: KnownBlock[] };
"#;

/// Microsoft's types of an attachment and of a card, in the [envelope] that the trigger of a workflow expects.
///
/// [envelope]: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
const TEAMS: &str = r#"
import type { Attachment } from "@microsoft/teams.api";
import type { IAdaptiveCard } from "@microsoft/teams.cards";

type Card = { contentType: "application/vnd.microsoft.card.adaptive"; content: IAdaptiveCard };
type Message = { type: "message"; attachments: (Omit<Attachment, "content"> & Card)[] };
"#;

/// Returns the directory with the types, if they are installed.
fn services() -> Option<PathBuf> {
    let directory = tools().join("services");
    let compiler = compiler(&directory);
    let origin = "examples/tests/watch/services/install installs it";
    is_there("node", &[compiler.to_str().unwrap(), "--version"], origin).then_some(directory)
}

fn compiler(directory: &Path) -> PathBuf {
    directory.join("node_modules/typescript/bin/tsc")
}

/// Returns what the compiler says about a message of these types, nothing if it follows them.
fn faults(directory: &Path, types: &str, message: &Value) -> String {
    // Packages are searched for from here upwards.
    let sources = tempfile::tempdir_in(directory).unwrap();
    let source = sources.path().join("message.ts");
    fs::write(
        &source,
        format!("{types}\nexport const message: Message = {message};\n"),
    )
    .unwrap();
    let output = Command::new("node")
        .arg(compiler(directory))
        .args([
            "--noEmit",
            "--strict",
            "--skipLibCheck",
            "--module",
            "nodenext",
        ])
        .args(["--lib", "es2022,dom"])
        .arg(&source)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.success(), said.is_empty(), "{said}");
    said
}

/// A stream of each kind of change that is for the worse, with names that services may take for something else.
fn worse() -> [Snapshot; 2] {
    const NAME: &str = "<!channel> *x* [x](y) `\u{1b}\n@here";
    let policy =
        |id: &str, compliant| PolicyResult::new(Policy::new(id, NAME), compliant, 4).unwrap();
    let unknown = |count| {
        let counts = VulnerabilityCounts::new();
        let counts = counts.with_unrecognized("BLOCKER", count).unwrap();
        Stream::new("unknown").with_vulnerabilities(counts)
    };
    let acme = organization("acme", &[]);
    let with = |streams: Vec<Stream>| Snapshot::new(acme.organization().clone(), streams).unwrap();
    let stream = |counts: &str| Stream::new(NAME).with_vulnerabilities(counts.parse().unwrap());
    [
        with(vec![stream("1C").with_policy(policy("p", 4)), unknown(1)]),
        with(vec![
            stream("2C 1H")
                .with_policy(policy("p", 3))
                .with_policy(policy("q", 0)),
            unknown(2),
            Stream::new("new").with_vulnerabilities("1C".parse().unwrap()),
        ]),
    ]
}

#[test]
fn messages_have_the_types_that_slack_and_microsoft_publish() {
    let Some(directory) = services() else { return };
    for (format, types, renamed) in [("slack", SLACK, "verbatim"), ("teams", TEAMS, "weight")] {
        let message = sent(format, worse());
        assert_eq!(faults(&directory, types, &message), "", "{format}");
        let wrong = message.to_string().replace(renamed, "weigth");
        let wrong = serde_json::from_str(&wrong).unwrap();
        let faults = faults(&directory, types, &wrong);
        assert!(faults.contains("weigth"), "{format}: {faults}");
    }
}

#[test]
fn messages_as_json_follow_the_schema() {
    let Some(python) = python() else { return };
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("watch/message.schema.json");
    let message = sent("json", worse());
    let kinds = message["changes"].as_array().unwrap().iter();
    let mut kinds: Vec<&str> = kinds
        .map(|change| change["kind"].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "policy_added",
            "policy_changed",
            "stream_added",
            "unrecognized_severity_changed",
            "vulnerabilities_changed",
        ]
    );
    let arguments = ["json", schema.to_str().unwrap()];
    run_peer(
        &python,
        "watch/judge.py",
        &arguments,
        message.to_string().as_bytes(),
    );
}

#[test]
fn slacks_own_library_reads_the_blocks() {
    let Some(python) = python() else { return };
    let message = sent("slack", worse());
    run_peer(
        &python,
        "watch/judge.py",
        &["slack"],
        message.to_string().as_bytes(),
    );
}
