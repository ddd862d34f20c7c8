//! Durations and sizes, read and written.

use super::*;

#[test]
fn durations_are_read_and_written_as_prometheus_does() {
    for (text, seconds) in [("30s", 30), ("1m30s", 90), ("1h", 3600), ("1d", 86_400), ("0", 0), ("2w", 1_209_600)] {
        assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
    }
    for wrong in ["", "1", "s", "1.5s", "1s1m", "1s1s", "-1s", "999999999999y"] {
        assert!(parse_duration(wrong).is_err(), "{wrong}");
    }
    for text in ["1m", "1m30s", "500ms", "1d", "2w", "1h1m1s1ms"] {
        assert_eq!(write_duration(parse_duration(text).unwrap()), text);
    }
}

#[test]
fn sizes_have_units_of_1024() {
    for (text, bytes) in [("0", 0), ("512B", 512), ("15MB", 15 << 20), ("1.5KiB", 1536)] {
        assert_eq!(parse_size(text), Ok(bytes), "{text}");
    }
    assert!(parse_size("15").is_err() && parse_size("x").is_err());
}
