//! An exposition that was read can be written and read again.

#![no_main]

#[expect(dead_code, reason = "one of the functions is called here")]
#[path = "../../tests/support/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::round_trip(data));
