//! An exposition reads the same in chunks of any size.

#![no_main]

#[expect(dead_code, reason = "one of the functions is called here")]
#[path = "../../tests/support/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::chunked(data));
