//! Patterns of clusters, against a slow and plain way to match.

use proptest::prelude::*;

use super::ClusterPattern;

fn pattern(text: &str) -> ClusterPattern {
    ClusterPattern::read(text).unwrap()
}

/// Matches letter by letter, a wildcard in every way that there is.
fn slowly(pattern: &[u8], name: &[u8]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [b'*', rest @ ..] => (0..=name.len()).any(|at| slowly(rest, &name[at..])),
        [first, rest @ ..] => name.first() == Some(first) && slowly(rest, &name[1..]),
    }
}

#[test]
fn data_of_no_cluster_is_for_the_wildcard_alone() {
    assert!(pattern("*").matches("") && pattern("*").matches("edge-1"));
    assert!(!pattern("edge-*").matches("") && !pattern("edge-1").matches(""));
}

#[test]
fn a_name_is_closer_than_any_pattern_and_a_longer_pattern_than_a_shorter_one() {
    let mut patterns = ["*", "e1", "edge-eu-*", "edge-*"].map(pattern);
    patterns.sort_by_key(ClusterPattern::closeness);
    assert_eq!(patterns, ["*", "edge-*", "edge-eu-*", "e1"].map(pattern));
}

#[test]
fn patterns_tie_where_a_name_is_matched_by_both_and_neither_says_more() {
    let ties = |one: &str, other: &str| pattern(one).ties_with(&pattern(other));
    assert!(ties("*", "*") && ties("edge-1", "edge-1") && ties("eu-*", "*-eu") && ties("a*c", "ab*"));
    assert!(!ties("edge-*", "hub-*1") && !ties("edge-1", "edge-2") && !ties("a*", "b*"), "nothing is matched by both");
    assert!(!ties("edge-*", "edge-eu-*") && !ties("edge-1", "edge-*"), "one is closer");
}

#[test]
fn what_is_no_pattern_is_refused_with_the_reason() {
    for (text, said) in [("", "1 to 253"), ("edge-?", "the only wildcard"), ("a**", "no more than `*`")] {
        let error = ClusterPattern::read(text).unwrap_err().to_string();
        assert!(error.starts_with("clusters: ") && error.contains(said), "{text}: {error}");
    }
    assert!(ClusterPattern::read(&"a".repeat(254)).is_err());
}

proptest! {
    #[test]
    fn matching_is_what_matching_letter_by_letter_says(text in "[ab*]{1,6}", name in "[ab]{1,7}") {
        prop_assume!(!text.contains("**"));
        prop_assert_eq!(pattern(&text).matches(&name), slowly(text.as_bytes(), name.as_bytes()));
    }

    #[test]
    fn two_that_match_one_name_and_are_as_close_tie(one in "[ab*]{1,5}", other in "[ab*]{1,5}", name in "[ab]{1,6}") {
        prop_assume!(!one.contains("**") && !other.contains("**"));
        let (one, other) = (pattern(&one), pattern(&other));
        if one.matches(&name) && other.matches(&name) && one.closeness() == other.closeness() {
            prop_assert!(one.ties_with(&other) && other.ties_with(&one));
        }
    }
}
