//! The inputs of the conformance cases, where they are at hand; see `tests/conformance.rs`.

use std::{env, fs, path::Path};

pub(crate) fn inputs() -> Vec<Vec<u8>> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    let folder = env::var_os("SCOUT_METRICS_CONFORMANCE").map_or_else(beside, Into::into);
    let mut inputs = Vec::new();
    let Ok(sources) = fs::read_dir(folder.join("cases")) else {
        eprintln!("SKIPPED: the conformance cases are not at hand (SCOUT_METRICS_CONFORMANCE)");
        return inputs;
    };
    for source in sources {
        let Ok(cases) = fs::read_dir(source.unwrap().path()) else {
            continue;
        };
        for case in cases {
            inputs.push(fs::read(case.unwrap().path().join("input.txt")).unwrap());
        }
    }
    inputs.sort();
    inputs
}
