//! Checks that apply to every service of the Compose projects.

use serde_json::json;

use crate::{
    docker::{docker, inspect},
    process::Process,
};

/// Checks that a running container has no privileges, and bounds for everything that can grow.
pub(crate) fn assert_hardened(container: &str) {
    let inspected = inspect(container);
    let host = &inspected["HostConfig"];
    assert_eq!(host["Privileged"], false, "{container}");
    assert_eq!(host["ReadonlyRootfs"], true, "{container}");
    assert_eq!(host["CapDrop"], json!(["ALL"]), "{container}");
    assert!(
        host["CapAdd"].as_array().is_none_or(Vec::is_empty),
        "{container}"
    );
    assert_eq!(
        host["RestartPolicy"]["Name"], "unless-stopped",
        "{container}"
    );
    // This driver keeps five files of at most 20 MB.
    assert_eq!(host["LogConfig"]["Type"], "local", "{container}");
    for limit in ["Memory", "NanoCpus", "PidsLimit"] {
        assert!(
            host[limit].as_u64().is_some_and(|limit| limit > 0),
            "{container}: {limit}"
        );
    }
    let bindings = host["PortBindings"].as_object();
    for binding in bindings.into_iter().flatten() {
        assert_eq!(binding.1[0]["HostIp"], "127.0.0.1", "{container}");
    }

    let process = Process::of(container);
    let users = process.status("Uid");
    assert!(
        users.split(' ').all(|user| user != "0"),
        "{container}: {users}"
    );
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(
            process.status(set),
            "0000000000000000",
            "{container}: {set}"
        );
    }
    assert_eq!(process.status("NoNewPrivs"), "1", "{container}");
    // A filter of system calls.
    assert_eq!(process.status("Seccomp"), "2", "{container}");
    assert!(process.has_read_only_root(), "{container}");
}

/// Checks that a container ends by itself when it is asked to, well before it would be killed after ten seconds.
pub(crate) fn assert_ends_in_time(container: &str) {
    docker(&["stop", container]);
    let state = inspect(container)["State"].clone();
    assert_eq!(state["ExitCode"], 0, "{container}");
    assert_eq!(state["OOMKilled"], false, "{container}");
}

/// Checks that a container sees some secrets, each of them in a file that its user can read, and no others.
pub(crate) fn assert_secrets(container: &str, expected: &[&str]) {
    let inspected = inspect(container);
    let mounts = inspected["Mounts"].as_array().unwrap();
    let mut mounted: Vec<_> = mounts
        .iter()
        .filter_map(|mount| {
            let source = mount["Source"].as_str()?;
            let (_, name) = source.split_once("/secrets/")?;
            assert_eq!(mount["RW"], false, "{container}: {name}");
            Some(name)
        })
        .collect();
    mounted.sort();
    assert_eq!(mounted, expected, "{container}");
}
