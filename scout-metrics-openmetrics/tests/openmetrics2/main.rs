//! The reader of OpenMetrics 2.0, checked against its specification.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

mod grammar;
mod grammar_abnf;
mod grammar_lines;
mod quoting;
mod rules;

#[expect(dead_code, reason = "only the expositions are wanted")]
#[path = "../support/cases.rs"]
mod cases;
#[path = "../support/random.rs"]
mod random;
