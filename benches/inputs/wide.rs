//! Samples with many labels.

use std::fmt::Write;

use fastrand::Rng;

use crate::written;

const SEED: u64 = 0x5C0D7;

/// Samples with this many labels each, of about so many bytes.
pub fn many_labels(labels: usize, bytes: usize) -> String {
    let mut rng = Rng::with_seed(SEED);
    let mut out = String::from("# TYPE wide gauge\n");
    while out.len() < bytes {
        out.push_str("wide{");
        for label in 0..labels {
            let comma = if label > 0 { "," } else { "" };
            let value = rng.u32(..) >> rng.u32(0..24);
            written(write!(out, "{comma}label_{label}=\"value-{value}\""));
        }
        out.push_str("} 1\n");
    }
    out
}
