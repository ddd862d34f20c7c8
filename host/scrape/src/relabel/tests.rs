//! What rules do to labels is what they do in Prometheus.

use proptest::prelude::*;

use super::{Rules, hash_mod};
use crate::config::{Action, RelabelConfig};
use crate::labels::Labels;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().copied().collect()
}

fn rule(yaml: &str) -> RelabelConfig {
    host_config::Value::parse("rule", yaml).unwrap().decode().unwrap()
}

/// What is left of the labels, or nothing where they are left out.
fn relabeled(pairs: &[(&str, &str)], rules: &[&str]) -> Option<Labels> {
    let rules: Vec<RelabelConfig> = rules.iter().map(|text| rule(text)).collect();
    let mut labels = labels(pairs);
    Rules::new(&rules).unwrap().apply(&mut labels).then_some(labels)
}

#[test]
fn an_address_gets_the_port_of_an_annotation() {
    let rule = r"{source_labels: [__address__, port], regex: '([^:]+)(?::\d+)?;(\d+)', replacement: '$1:$2', target_label: __address__}";
    let made = relabeled(&[("__address__", "10.0.0.1:8080"), ("port", "9102")], &[rule]).unwrap();
    assert_eq!(made.get("__address__"), "10.0.0.1:9102");
    let untouched = relabeled(&[("__address__", "10.0.0.1:8080")], &[rule]).unwrap();
    assert_eq!(untouched.get("__address__"), "10.0.0.1:8080");
}

#[test]
fn patterns_match_the_whole_value() {
    assert!(relabeled(&[("a", "yes")], &["{source_labels: [a], regex: ye, action: keep}"]).is_none());
    assert!(relabeled(&[("a", "yes")], &["{source_labels: [a], regex: yes|no, action: keep}"]).is_some());
    assert!(relabeled(&[("a", "x\ny")], &["{source_labels: [a], regex: x.y, action: drop}"]).is_none());
}

#[test]
fn a_replacement_without_text_takes_the_label_out() {
    let made = relabeled(&[("a", "x"), ("b", "y")], &["{target_label: b, replacement: ''}"]).unwrap();
    assert_eq!(made, labels(&[("a", "x")]));
}

#[test]
fn a_target_label_may_be_named_by_what_was_matched() {
    let rule = "{source_labels: [a], regex: '(.+)=(.+)', target_label: '$1', replacement: '$2'}";
    assert_eq!(relabeled(&[("a", "env=prod")], &[rule]).unwrap().get("env"), "prod");
}

#[test]
fn labels_are_mapped_dropped_and_kept_by_their_names() {
    let meta = [("__meta_label_app", "web"), ("__meta_label_tier", "front"), ("x", "1")];
    let mapped = relabeled(&meta, &["{action: labelmap, regex: __meta_label_(.+)}"]).unwrap();
    assert_eq!((mapped.get("app"), mapped.get("tier"), mapped.len()), ("web", "front", 5));
    let dropped = relabeled(&meta, &["{action: labeldrop, regex: __meta.*}"]).unwrap();
    assert_eq!(dropped, labels(&[("x", "1")]));
    let kept = relabeled(&meta, &["{action: labelkeep, regex: x}"]).unwrap();
    assert_eq!(kept, labels(&[("x", "1")]));
}

#[test]
fn a_hash_is_the_one_that_prometheus_computes() {
    // From the tests of Prometheus.
    let made = relabeled(&[("c", "baz")], &["{source_labels: [c], action: hashmod, modulus: 1000, target_label: d}"]);
    assert_eq!(made.unwrap().get("d"), "976");
    assert_eq!(hash_mod("anything", 0), 0);
}

#[test]
fn letters_change_their_case_and_equal_labels_are_told_apart() {
    let made = relabeled(
        &[("a", "FooBar")],
        &[
            "{source_labels: [a], action: lowercase, target_label: low}",
            "{source_labels: [a], action: uppercase, target_label: up}",
        ],
    );
    let made = made.unwrap();
    assert_eq!((made.get("low"), made.get("up")), ("foobar", "FOOBAR"));
    let pair = [("a", "1"), ("b", "1")];
    assert!(relabeled(&pair, &["{source_labels: [a], action: keepequal, target_label: b}"]).is_some());
    assert!(relabeled(&pair, &["{source_labels: [a], action: dropequal, target_label: b}"]).is_none());
}

#[test]
fn classes_are_those_of_go() {
    let matches = |pattern: &str, text: &str| super::anchored(pattern).unwrap().is_match(text);
    assert!(matches(r"\d+", "12") && !matches(r"\d+", "१"));
    assert!(matches(r"[\w.-]+", "a_b.c-d") && !matches(r"\w", "é"));
    assert!(matches(r"[[]", "[") && matches(r"[]a]+", "]a") && matches(r"[&&x]+", "&x"));
    assert!(matches(r"[[:alpha:]]+", "abc") && matches(r"\Qa.b\E", "a.b") && !matches(r"\Qa.b\E", "axb"));
    assert!(matches(r"(?i)foo", "FOO"));
}

#[test]
fn what_is_no_pattern_is_told_in_one_line() {
    let error = super::anchored("(").unwrap_err();
    assert!(error.starts_with("\"(\" is no pattern: "), "{error}");
    assert!(!error.contains('\n'), "{error}");
}

proptest! {
    /// Whatever the rules are: names stay in order and apart, no value is empty, and rules for others change nothing.
    #[test]
    fn labels_stay_labels(
        pairs in proptest::collection::vec(("[a-c]{1,2}", "[a-z0-9]{0,3}"), 0..6),
        action in 0..11usize,
        regex in "(\\(\\[a-z\\]\\+\\)|\\(\\.\\*\\)|a|b\\.)",
        target in "(|x|a|\\$1)",
        replacement in "(|\\$1|y\\$1|\\$\\{1\\}z)",
        modulus in 0..5u64,
    ) {
        let actions = [
            Action::Replace, Action::Keep, Action::Drop, Action::HashMod, Action::LabelMap, Action::LabelDrop,
            Action::LabelKeep, Action::Lowercase, Action::Uppercase, Action::KeepEqual, Action::DropEqual,
        ];
        let config = RelabelConfig {
            source_labels: vec!["a".to_owned(), "b".to_owned()],
            regex, replacement, modulus,
            target_label: target,
            action: actions[action],
            ..RelabelConfig::default()
        };
        let mut labels: Labels = pairs.into_iter().collect();
        let before = labels.clone();
        let rules = Rules::new(std::slice::from_ref(&config)).unwrap();
        let kept = rules.apply(&mut labels);
        let names: Vec<&str> = labels.iter().map(|(name, _)| name).collect();
        prop_assert!(names.is_sorted_by(|a, b| a < b));
        prop_assert!(labels.iter().all(|(_, value)| !value.is_empty()));
        if matches!(config.action, Action::Keep | Action::Drop | Action::KeepEqual | Action::DropEqual) {
            prop_assert_eq!(&labels, &before);
        } else {
            prop_assert!(kept);
        }
    }

    /// A text that is quoted matches itself and nothing else.
    #[test]
    fn a_quoted_text_matches_itself(text in "[ -~]{0,12}") {
        prop_assume!(!text.contains("\\E"));
        let regex = super::anchored(&format!("\\Q{text}\\E")).unwrap();
        prop_assert!(regex.is_match(&text));
        let longer = format!("{text}x");
        prop_assert!(!regex.is_match(&longer));
    }
}
