//! What is equal is what the host takes for equal.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::{beyond, others};

/// What the host takes for equal to a character of a range.
fn folded(first: char, last: char) -> Vec<char> {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(first, last)]);
    class.case_fold_simple();
    class.ranges().iter().flat_map(|range| range.start()..=range.end()).collect()
}

#[test]
fn each_character_is_equal_to_those_that_the_host_has_for_it() {
    let mut new = 0;
    for c in '\0'..=char::MAX {
        let mut own: Vec<char> = others(c).chain([c]).collect();
        own.sort_unstable();
        let hosts = folded(c, c);
        // The standard library may know letters of a newer Unicode.
        new += usize::from(own != hosts);
        assert!(own == hosts || hosts == [c], "{c:?}: {own:?} and {hosts:?}");
    }
    assert!(new < 100, "{new} characters");
}

#[test]
fn ranges_take_in_what_is_equal_to_a_character_of_them() {
    for (first, last, more) in [
        ('a', 'z', "\u{17f}\u{212a}"),
        ('a', 'j', ""),
        ('\u{430}', '\u{44f}', "\u{410}-\u{42f}\u{1c80}-\u{1c86}"),
        ('\u{80}', char::MAX, "KSks"),
        ('\u{212a}', '\u{212a}', "Kk"),
    ] {
        assert_eq!(beyond(first..=last), more, "{first:?}-{last:?}");
    }
}
