//! The short way against the standard library's.

use super::{is_ascii, is_utf8};

#[test]
fn a_high_byte_is_found_at_any_place_of_any_length() {
    for len in 0..100 {
        let mut text = vec![b'a'; len];
        assert!(is_ascii(&text), "{len}");
        for at in 0..len {
            text[at] = 0x80;
            assert!(!is_ascii(&text), "{len} {at}");
            assert!(!is_utf8(&text), "{len} {at}");
            text[at] = b'a';
        }
    }
}

#[test]
fn text_beyond_ascii_is_utf_8() {
    for text in ["é", "naïve text of some length", "🦀🦀🦀🦀🦀🦀🦀🦀🦀"] {
        assert!(is_utf8(text.as_bytes()));
        assert!(!is_utf8(&text.as_bytes()[..text.len() - 1]) || text.ends_with(|c: char| c.is_ascii()));
    }
}
