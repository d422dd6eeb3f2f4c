//! An exposition can be written line by line, and its families are known while it is read.

#![no_main]

#[expect(dead_code, reason = "one of the functions is called here")]
#[path = "../../tests/support/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::lines(data));
