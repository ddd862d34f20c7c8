//! Probabilities as thresholds: of 2^56 random numbers, how many are rejected.

/// The number of random numbers, and the threshold that rejects them all.
pub(crate) const NEVER: u64 = 1 << 56;
/// The threshold that rejects none.
pub(crate) const ALWAYS: u64 = 0;
/// Hexadecimal digits of a threshold.
pub(crate) const DIGITS: u32 = 14;
/// The smallest probability but zero.
pub(crate) const LEAST: f64 = 1.0 / NEVER as f64;

/// The threshold of a probability, to so many significant hexadecimal digits; none where it is out of range.
pub(crate) fn threshold(probability: f64, precision: u32) -> Option<u64> {
    if !(LEAST..=1.0).contains(&probability) {
        return None;
    }
    if probability == 1.0 {
        return Some(ALWAYS);
    }
    // Near zero and near one a threshold begins with digits that say nothing: each is made good for.
    let leading = (exponent(probability) / -4).max(exponent(1.0 - probability) / -4);
    let precision = precision.saturating_add_signed(leading).min(DIGITS);
    let mut threshold = NEVER - (probability * NEVER as f64).round() as u64;
    let shift = 4 * (DIGITS - precision);
    if shift > 0 {
        threshold = (threshold + (1 << (shift - 1))) >> shift << shift;
    }
    Some(threshold)
}

/// The probability of a threshold.
pub(crate) fn of_threshold(threshold: u64) -> f64 {
    (NEVER - threshold) as f64 / NEVER as f64
}

/// The exponent of a number from 0 to 1, with its digits taken as a fraction from a half up.
fn exponent(number: f64) -> i32 {
    (number.to_bits() >> 52 & 0x7ff) as i32 - 1022
}

/// The threshold as it is written: without the zeros at its end, and nothing where all is rejected.
pub(crate) fn written(threshold: u64) -> String {
    match threshold {
        ALWAYS => "0".to_owned(),
        NEVER => String::new(),
        threshold => hex(threshold).trim_end_matches('0').to_owned(),
    }
}

/// Fourteen hexadecimal digits.
pub(crate) fn hex(number: u64) -> String {
    (0..DIGITS).rev().map(|digit| char::from_digit((number >> (4 * digit) & 15) as u32, 16).unwrap_or('0')).collect()
}

/// A threshold as it is written.
pub(crate) fn read_threshold(text: &str) -> Option<u64> {
    let missing = DIGITS.checked_sub(u32::try_from(text.len()).ok()?)?;
    Some(digits(text)? << (4 * missing))
}

/// A random number as it is written: all of its digits.
pub(crate) fn read_randomness(text: &str) -> Option<u64> {
    digits(text).filter(|_| text.len() == DIGITS as usize)
}

fn digits(text: &str) -> Option<u64> {
    let are_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    are_digits.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}
