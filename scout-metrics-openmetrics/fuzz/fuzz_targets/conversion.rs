//! Families of any format are written in any other one.

#![no_main]

#[expect(dead_code, reason = "one of the functions is called here")]
#[path = "../../tests/support/any_format.rs"]
mod any_format;

libfuzzer_sys::fuzz_target!(|data: &[u8]| any_format::conversion(data));
