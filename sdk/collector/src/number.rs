//! Numbers, as Go reads and converts them.

/// A number as Go's `ParseFloat` takes it, but for hexadecimal ones: `NaN` has no sign, and what is too large is none.
pub fn double(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    let has_digits = text.bytes().any(|byte| byte.is_ascii_digit());
    let is_signed_nan = number.is_nan() && text.starts_with(['+', '-']);
    let is_too_large = number.is_infinite() && has_digits;
    (!is_signed_nan && !is_too_large).then_some(number)
}

/// As Go converts on the machines that the Collector runs on: what does not fit becomes the lowest integer.
pub fn truncated(number: f64) -> i64 {
    // -2^63 fits and 2^63 does not.
    if (i64::MIN as f64..-(i64::MIN as f64)).contains(&number) { number as i64 } else { i64::MIN }
}

#[cfg(test)]
mod tests {
    use super::double;

    #[test]
    fn takes_what_go_takes() {
        for (text, number) in [
            ("1.5", Some(1.5)),
            (".5", Some(0.5)),
            ("1.", Some(1.0)),
            ("+2e3", Some(2000.0)),
            ("-Inf", Some(f64::NEG_INFINITY)),
            ("1e999", None),
            ("", None),
            (" 1", None),
            ("1_000", None),
            ("-nan", None),
        ] {
            assert_eq!(double(text), number, "{text}");
        }
    }
}
