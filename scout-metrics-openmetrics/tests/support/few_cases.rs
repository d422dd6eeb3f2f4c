//! Property tests that run few cases.

use std::env;

use proptest::test_runner::Config;

pub(crate) fn few_cases() -> Config {
    cases(40)
}

/// As few cases, unless `PROPTEST_CASES` says how many, because all tests together have to be quick.
pub(crate) fn cases(few: u32) -> Config {
    let few = match env::var_os("PROPTEST_CASES") {
        Some(_) => Config::default(),
        None => Config::with_cases(few),
    };
    Config {
        failure_persistence: None,
        ..few
    }
}
