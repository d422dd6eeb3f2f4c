//! The first process of a container, as `/proc` of the host shows it.

use std::fs;

use crate::docker::inspect;

/// The first process of a running container.
pub(crate) struct Process {
    id: String,
    status: String,
}

impl Process {
    pub(crate) fn of(container: &str) -> Self {
        let id = inspect(container)["State"]["Pid"].to_string();
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        Self { id, status }
    }

    /// Returns a value of its status, such as `65532 65532 65532 65532` for `Uid`.
    pub(crate) fn status(&self, key: &str) -> String {
        let value = self
            .status
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let words: Vec<_> = value.unwrap().split_whitespace().collect();
        words.join(" ")
    }

    /// Returns whether its root directory is mounted read-only.
    pub(crate) fn has_read_only_root(&self) -> bool {
        let mounts = fs::read_to_string(format!("/proc/{}/mounts", self.id)).unwrap();
        let root = mounts
            .lines()
            .find(|line| line.split(' ').nth(1) == Some("/"));
        let options = root.unwrap().split(' ').nth(3).unwrap();
        options.split(',').any(|option| option == "ro")
    }

    /// Makes it the process that the kernel kills when the memory of its container is full.
    pub(crate) fn kill_first_without_memory(&self) {
        fs::write(format!("/proc/{}/oom_score_adj", self.id), "1000").unwrap();
    }
}
