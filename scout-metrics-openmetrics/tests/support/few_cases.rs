//! Property tests that run few cases.

use std::env;

use proptest::test_runner::Config;

/// Few cases unless `PROPTEST_CASES` says how many, because all tests together have to be quick.
pub(crate) fn few_cases() -> Config {
    const FEW: u32 = 40;
    let few = match env::var_os("PROPTEST_CASES") {
        Some(_) => Config::default(),
        None => Config::with_cases(FEW),
    };
    Config {
        failure_persistence: None,
        ..few
    }
}
