//! Powers of five to 128 bits, for the floats nearest to decimal numbers.
//!
//! For the next person: the table is that of Eisel and Lemire ("Number parsing at a gigabyte per second", 2021), as far as
//! the powers are computed in a few lines at compile time. Nearly all numbers that programs write are within it; the
//! standard library reads the others.

/// The exponents of the table: the powers up to the largest are exact.
pub(super) const LARGEST: i32 = 55;
pub(super) const SMALLEST: i32 = -LARGEST;

/// `5^exponent`, moved so that the highest bit is set and cut to 128 bits.
pub(super) static POWERS_OF_FIVE: [u128; (LARGEST - SMALLEST + 1) as usize] = {
    let mut powers = [0; (LARGEST - SMALLEST + 1) as usize];
    let mut five = 1u128;
    let mut exponent = 0;
    while exponent <= LARGEST {
        let normalized = five << five.leading_zeros();
        powers[(exponent - SMALLEST) as usize] = normalized;
        if exponent > 0 {
            // Up to here the algorithm needs the next higher number, because the product can be exact.
            let round_up = exponent <= 27;
            powers[(-exponent - SMALLEST) as usize] = reciprocal(normalized) + round_up as u128;
        }
        if exponent < LARGEST {
            five *= 5;
        }
        exponent += 1;
    }
    powers
};

/// Divides 2^255 by a number with its highest bit set and others, so that the highest bit of the result is set.
const fn reciprocal(divisor: u128) -> u128 {
    let (mut rest, mut quotient) = (1u128 << 127, 0u128);
    let mut bits = 0;
    while bits < 128 {
        let overflows = rest >> 127 == 1;
        rest <<= 1;
        quotient <<= 1;
        if overflows || rest >= divisor {
            rest = rest.wrapping_sub(divisor);
            quotient |= 1;
        }
        bits += 1;
    }
    quotient
}
