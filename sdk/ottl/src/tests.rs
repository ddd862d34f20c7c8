//! The words and the grammar.

use proptest::prelude::*;

use crate::lex::{Kind, tokens};
use crate::parse;

#[test]
fn words_are_told_apart() {
    let kinds = |text: &str| -> Vec<Kind> { tokens(text).unwrap().into_iter().map(|token| token.kind).collect() };
    assert_eq!(kinds("0x0aFF"), [Kind::Bytes(vec![10, 255])]);
    assert_eq!(kinds("1.5e3 .5 2. 7"), [Kind::Double(1500.0), Kind::Double(0.5), Kind::Double(2.0), Kind::Int(7)]);
    assert_eq!(kinds(r#""a\tb\"\x41\u00e9\101""#), [Kind::Text("a\tb\"AéA".to_owned())]);
    assert_eq!(kinds("a>=b"), [Kind::Name("a".to_owned()), Kind::Sign(">="), Kind::Name("b".to_owned())]);
    for wrong in ["0x1", "\"", "\"\\q\"", "99999999999999999999", "#", "\"\\xff\""] {
        assert!(tokens(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_both() {
    for (text, same) in [
        ("1 == 1 or 2 == 2 and 3 == 3", "1 == 1 or (2 == 2 and 3 == 3)"),
        ("not 1 == 1 and 2 == 2", "(not 1 == 1) and 2 == 2"),
        ("1 + 2 * 3 == 7", "(1 + (2 * 3)) == 7"),
        ("1 - 2 - 3 == 7", "((1 - 2) - 3) == 7"),
    ] {
        assert_eq!(parse::condition(text), parse::condition(same), "{text}");
    }
}

#[test]
fn what_is_nested_or_chained_without_end_is_refused() {
    for text in [
        ["(".repeat(1000), "true".to_owned(), ")".repeat(1000)].concat(),
        ["A(".repeat(1000), ")".repeat(1000)].concat(),
        ["-".repeat(1000).as_str(), "1 == 1"].concat(),
        ["1", &"+ 1".repeat(1000), "== 1"].concat(),
        ["[".repeat(1000), "]".repeat(1000)].concat(),
    ] {
        assert!(parse::condition(&text).is_err(), "{}", &text[..20]);
    }
}

/// Texts of the words of the language, and some that are none of them.
fn texts() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "log",
        ".",
        "body",
        "attributes",
        "[",
        "]",
        "(",
        ")",
        "\"a\"",
        "\"\\\\d\"",
        "1",
        "2.5",
        "0xff",
        "==",
        "!=",
        "<",
        "and",
        "or",
        "not",
        "where",
        "set",
        "IsMatch",
        "nil",
        "true",
        "+",
        "-",
        "*",
        "/",
        "{",
        "}",
        ":",
        ",",
        "=",
        "é",
        "\\",
        "SPAN_KIND_SERVER",
        "resource",
        "Concat",
        "replace_pattern",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn whatever_is_written_is_parsed_or_refused(text in texts(), any in ".*") {
        for text in [text, any] {
            for fault in [parse::condition(&text).err(), parse::statement(&text).err()].into_iter().flatten() {
                prop_assert!(fault.at <= text.len() && !fault.problem.is_empty());
            }
        }
    }
}
