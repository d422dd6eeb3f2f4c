//! The texts of values, from wide distributions.

use fastrand::Rng;

/// Returns the text of a value as Go programs write it: counts, bytes, seconds, ratios, now and then nothing finite.
pub(crate) fn value(rng: &mut Rng) -> String {
    match rng.u8(0..50) {
        0 => ["NaN", "+Inf", "-Inf"][rng.usize(..3)].to_owned(),
        1..=3 => format!("-{}", positive_value(rng)),
        _ => positive_value(rng),
    }
}

/// Returns the text of a finite value that is not negative.
pub(crate) fn positive_value(rng: &mut Rng) -> String {
    match rng.u8(0..20) {
        0..=3 => rng.u8(0..10).to_string(),
        4..=8 => count(rng).to_string(),
        9..=11 => format!("{:.*}", rng.usize(1..=6), magnitude(rng, -2.0, 7.0)),
        12..=15 => magnitude(rng, -6.0, 9.0).to_string(),
        _ => with_exponent(rng),
    }
}

/// Returns a whole number whose length is drawn, not its size: up to ten digits.
pub(crate) fn count(rng: &mut Rng) -> u64 {
    magnitude(rng, 0.0, 10.0) as u64
}

/// Returns a number whose decimal logarithm is drawn.
pub(crate) fn magnitude(rng: &mut Rng, least: f64, most: f64) -> f64 {
    10f64.powf(least + rng.f64() * (most - least))
}

/// Returns a text as Go writes floats that are large or small: `1.602519e+09`.
fn with_exponent(rng: &mut Rng) -> String {
    let exponent = if rng.u8(0..4) == 0 {
        format!("-{:02}", rng.u8(5..10))
    } else {
        format!("+{:02}", rng.u8(6..16))
    };
    let digits = rng.usize(1..=16);
    format!("{:.digits$}e{exponent}", 1.0 + rng.f64() * 8.99)
}

/// Returns the bounds of buckets, from small to large, without `+Inf`.
pub(crate) fn bounds(rng: &mut Rng) -> Vec<String> {
    let mut bound = magnitude(rng, -4.0, 2.0);
    let factor = 1.2 + 3.0 * rng.f64();
    let mut bounds = Vec::new();
    for _ in 0..rng.usize(3..=15) {
        bounds.push(format!("{bound:.4}"));
        // So much that the next bound has another text.
        bound = bound * factor + 0.001;
    }
    bounds
}
