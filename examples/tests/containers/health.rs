//! The health check of the image, on an exporter that hangs.

use crate::{
    checkout::image,
    docker::{HARDENED, Temporary, docker, inspect, is_there, wait_for_health},
};

/// More often than the image does, so that the test does not take minutes.
const OFTEN: [&str; 3] = [
    "--health-interval=1s",
    "--health-timeout=2s",
    "--health-retries=2",
];

#[test]
fn turns_bad_while_the_exporter_hangs_and_good_again() {
    if !is_there() {
        return;
    }
    let demo = [image(), "--demo", "--org=acme"];
    let container = Temporary::container(&[&HARDENED[..], &OFTEN, &demo].concat());
    wait_for_health(&container.id, "healthy");
    // `docker pause` would suspend the health check too.
    let pid = inspect(&container.id)["State"]["Pid"].to_string();
    signal("STOP", &pid);
    wait_for_health(&container.id, "unhealthy");
    signal("CONT", &pid);
    wait_for_health(&container.id, "healthy");
    docker(&["stop", &container.id]);
    assert_eq!(inspect(&container.id)["State"]["ExitCode"], 0);
}

fn signal(name: &str, pid: &str) {
    let mut command = std::process::Command::new("kill");
    crate::checkout::run(command.args(["-s", name, pid]));
}
