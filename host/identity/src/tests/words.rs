//! The word is found in whatever letters, and in the ranges in which it begins.

use crate::words::Words;

#[test]
fn a_range_has_the_word_where_that_begins_in_it_whatever_its_letters() {
    let text = b"..cluster..CLUSTER..clu.ster..myClusters";
    let mut words = Words::between(text, 2, text.len());
    for (range, has) in [(2..3, true), (2..9, true), (3..11, false), (3..12, true), (12..32, false), (12..33, true)] {
        assert_eq!(words.any_in(range.start, range.end), has, "{range:?}");
    }
    assert!(!words.any_in(33, text.len()), "there are no more");
}

#[test]
fn what_lies_around_a_message_is_not_looked_at() {
    let text = b"cluster..cluster";
    assert!(!Words::between(text, 1, 15).any_in(1, 15));
    assert!(Words::between(text, 1, 16).any_in(1, 16));
}
