//! Families of any format are written in any other one.

#![no_main]

#[expect(dead_code, reason = "one of the functions is called here")]
#[path = "../../tests/support/any_format.rs"]
mod any_format;
#[path = "../../tests/support/losses.rs"]
mod losses;
#[expect(dead_code, reason = "one of its modules is of use here")]
#[path = "../../tests/support/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| any_format::conversion(data));
