//! Durations.

use std::time::Duration;

use crate::time::parse;

#[test]
fn reads_what_go_reads() {
    for (text, nanos) in [
        ("0", 0),
        ("0s", 0),
        ("200ms", 200_000_000),
        ("1m30s", 90_000_000_000),
        ("1.5h", 5_400_000_000_000),
        (".5s", 500_000_000),
        ("1.s", 1_000_000_000),
        ("1us", 1_000),
        ("1µs", 1_000),
        ("7ns", 7),
        ("+3s", 3_000_000_000),
        ("2h45m0.000000001s", 9_900_000_000_001),
        (" 5s ", 5_000_000_000),
    ] {
        assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
    }
}

#[test]
fn says_what_is_wrong_with_other_text() {
    for (text, expected) in [
        ("", "\"\" is no duration: write a number and a unit, such as `5s`, `200ms` or `1m30s`"),
        ("5", "the duration \"5\" has no unit: write `5s`, `5ms` or another of ns, us, ms, s, m and h"),
        ("-5s", "the duration \"-5s\" is negative"),
        ("300000000h", "the duration \"300000000h\" is too long"),
        ("5 s", "\"5 s\" is no duration: write a number and a unit, such as `5s`, `200ms` or `1m30s`"),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
    }
    for text in ["s", ".s", "1d", "1.2.3s", "5s3", "٣s", "99999999999999999999999999s", "1e3s"] {
        assert!(parse(text).is_err(), "{text}");
    }
}
