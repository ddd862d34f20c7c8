//! Blocked values come one after the other, each on what those before it have left.

use sdk_collector::pattern::Pattern;

use super::{attributes, json};

fn masked(patterns: &[&str], text: &str) -> String {
    let config = json!({ "allow_all_keys": true, "blocked_values": patterns });
    attributes(&config, &json!({ "a": text }))["a"].as_str().unwrap_or_default().to_owned()
}

/// As the Collector does it: one pattern after the other, on all of the text.
fn naive(patterns: &[&str], text: &str) -> String {
    patterns.iter().fold(text.to_owned(), |text, pattern| {
        let pattern = Pattern::new("p", pattern).unwrap();
        pattern.own_regex().unwrap().replace_all(&text, "****").into_owned()
    })
}

#[test]
fn a_mask_can_cut_off_a_later_match_or_make_one() {
    for (patterns, text, after) in [
        (&[r"\d+", r"ab\d"][..], "ab1", "ab****"),
        (&[r"x", r"\b\d{3}\b"], "x123 x4567", "******** ****4567"),
        (&["b", r"a\*+c"], "abc", "****"),
        (&["bb", "abbc"], "abbc abb", "a****c a****"),
        (&["a", r"\*"], "a", "****************"),
        (&["a", "^$"], "a", "****"),
        (&["end$", r"\w+\.$"], "a. end", "a. ****"),
    ] {
        assert_eq!(masked(patterns, text), after, "{patterns:?} in {text}");
        assert_eq!(naive(patterns, text), after, "{patterns:?} in {text}");
    }
}

#[test]
fn digits_are_ascii_and_case_folds() {
    assert_eq!(masked(&[r"\d{3}"], "١٢٣ 123 １２３"), "١٢٣ **** １２３");
    assert_eq!(masked(&[r"\bkey\b"], "ékey key éé"), "é**** **** éé");
    assert_eq!(masked(&["(?i)straße"], "STRAßE"), "****");
    assert_eq!(masked(&[r"[^\x00-\x7F]+"], "a日本b"), "a****b");
}

#[test]
fn shortcuts_give_what_one_after_the_other_gives() {
    let bench = [
        r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
        r"\b(?:\d{4}[- ]?){3}\d{4}\b",
        r"\b\d{3}-\d{2}-\d{4}\b",
        r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    ];
    let lists = [&bench[..], &["a+b?", "b", r"\*\*c"], &[r"\w+", r"\W"], &["1", r"\b\d\b", r"[a-c]\d|\d[a-c]"]];
    let pieces = ["a@b.io", "4111 1111 1111 1111", "123-45-6789", "10.0.0.1", " ", "-", "1", "c", "ab", ".", "é", "*"];
    let mut seed = 1_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for round in 0..2_000 {
        let text: String = (0..next(7)).map(|_| pieces[next(pieces.len())]).collect();
        let patterns = lists[round % lists.len()];
        assert_eq!(masked(patterns, &text), naive(patterns, &text), "{patterns:?} in {text:?}");
    }
}
