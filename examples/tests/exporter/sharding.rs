//! Several Prometheus servers share the organizations of one exporter.

use std::{
    collections::BTreeSet,
    fs,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::support::{examples, exporter, generations, start_exporter, write};

const SHARDS: usize = 4;

const ORGANIZATIONS: usize = 40;

#[test]
fn each_organization_belongs_to_one_of_the_prometheus_servers() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("secrets")).unwrap();
    let token = write(
        directory.path(),
        "secrets/scrape_token",
        "0123456789abcdef\n",
    );
    let mut command = exporter();
    command.args(["--demo", "--web.bearer-token-file", &token]);
    let names = (0..ORGANIZATIONS).map(|number| format!("acme-{number}"));
    for name in names.clone() {
        command.args(["--org", &name]);
    }
    let (_running, address) = start_exporter(&mut command);

    let file = fs::read_to_string(examples().join("prometheus/sharded.yml")).unwrap();
    let file = file.replace("exporter:10990", &address);
    for promtool in generations("promtool") {
        let discover = |shard: usize| {
            let file = file.replace("\"0\"", &format!("\"{shard}\""));
            let path = write(directory.path(), &format!("{shard}.yml"), &file);
            let mut command = Command::new(&promtool);
            // It waits as long, whenever the answer comes.
            let arguments = [
                "check",
                "service-discovery",
                "--timeout=10s",
                &path,
                "scout",
            ];
            command.args(arguments).stdout(Stdio::piped()).spawn()
        };
        let all: Vec<Child> = (0..SHARDS).map(discover).collect::<Result<_, _>>().unwrap();
        let shards: Vec<_> = all.into_iter().map(organizations_of).collect();
        // Evenly would be 10.
        assert!(
            shards.iter().all(|shard| (3..=20).contains(&shard.len())),
            "{shards:?}"
        );
        let all = shards.concat();
        assert_eq!(all.len(), ORGANIZATIONS);
        assert_eq!(BTreeSet::from_iter(all), BTreeSet::from_iter(names.clone()));
    }
}

/// Returns the organizations that a discovery keeps of all.
fn organizations_of(discovery: Child) -> Vec<String> {
    let output = discovery.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let targets: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(targets.len(), ORGANIZATIONS);
    let kept = targets
        .iter()
        .filter_map(|target| target["labels"]["org"].as_str());
    kept.map(str::to_owned).collect()
}
