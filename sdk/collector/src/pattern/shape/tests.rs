//! The shape of a pattern holds each of its matches.

use super::Shape;
use crate::pattern::Pattern;

fn shape(go: &str) -> Shape {
    Pattern::new("p", go).unwrap().shape()
}

#[test]
fn first_and_last_bytes_are_those_of_a_match() {
    for (go, first, last, not_first, not_last) in [
        (r"\b(?:\d{4}[- ]?){3}\d{4}\b", "09", "09", " -a*", " -a*"),
        (r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", "aZ_%", "az", "@ *", "0@. "),
        (r"(?i)key=(\w+)?", "kK", "=aZ", "=1", " "),
        (r"a|bc*|[^\s]d", "abx", "abcd", " ", "x "),
        (r"x?y*z", "xyz", "z", "a", "y"),
        (r"\x41\.", "A", ".", "a", "A"),
        (r"^\[a-z\]$", "[", "]", "a", "a"),
    ] {
        let shape = shape(go);
        assert!(first.bytes().all(|byte| shape.first.has(byte)), "{go} begins with {first}: {shape:?}");
        assert!(last.bytes().all(|byte| shape.last.has(byte)), "{go} ends with {last}: {shape:?}");
        assert!(!not_first.bytes().any(|byte| shape.first.has(byte)), "{go} begins with none of {not_first}");
        assert!(!not_last.bytes().any(|byte| shape.last.has(byte)), "{go} ends with none of {not_last}");
        assert!(!shape.may_be_empty, "{go}");
    }
}

#[test]
fn what_may_be_empty_is_known() {
    for go in ["a*", "(?:a|b?)", r"\b", "^$", "a{0,3}", "(?i)", "x??"] {
        assert!(shape(go).may_be_empty, "{go}");
    }
}

#[test]
fn what_is_not_understood_is_everything() {
    for go in [r"\p{Greek}", r"[[:alpha:]]", r".", r"a(b"] {
        let shape = shape(go);
        assert!(shape.first.has(b'*') && shape.all.has(0x80), "{go}: {shape:?}");
    }
}
