//! Values survive their encoding, and print as Go prints them.

use super::Any;
use serde_json::json;

#[test]
fn what_is_encoded_is_decoded_to_the_same() {
    let values = [
        Any::Empty,
        "grüße".into(),
        Any::Bytes(vec![0, 255]),
        Any::Int(i64::MIN),
        Any::Int(300),
        Any::Double(-0.5),
        Any::Bool(true),
        json!({ "a": [1, { "b": null }, "x"], "": {} }).into(),
        Any::List(Vec::new()),
    ];
    for value in values {
        assert_eq!(Any::decode(&value.encode()), value);
    }
    assert_eq!(Any::Text(String::new()).encode(), [0x0a, 0]);
}

#[test]
fn what_is_no_encoding_is_read_as_far_as_it_goes() {
    assert_eq!(Any::decode(&[0x0a, 9, b'a']), Any::Empty);
    assert_eq!(Any::decode(&[0x32, 2, 0x0a, 200]), Any::Map(Vec::new()));
    let deep = (0..200).fold(Any::Int(1), |inner, _| Any::List(vec![inner])).encode();
    let mut depth = 0;
    let mut value = Any::decode(&deep);
    while let Any::List(mut items) = value {
        depth += 1;
        value = items.pop().unwrap_or(Any::Empty);
    }
    assert_eq!((depth, value), (64, Any::Empty));
}

#[test]
fn values_print_as_the_collector_prints_them() {
    for (value, text) in [
        (Any::Empty, ""),
        ("a\"b".into(), "a\"b"),
        (Any::Double(1e21), "1e+21"),
        (Any::Double(1e-7), "1e-7"),
        (Any::Double(3.0), "3"),
        (Any::Bytes(b"ab".to_vec()), "YWI="),
        (Any::Bytes(b"abcd".to_vec()), "YWJjZA=="),
        (
            json!({ "b": [1, 2.5, null, true], "a": "<x>\u{1}\"\u{2028}" }).into(),
            r#"{"a":"<x>\u0001\"\u2028","b":[1,2.5,null,true]}"#,
        ),
        (Any::List(vec![Any::Double(f64::NAN)]), ""),
        (Any::List(vec![Any::Bytes(Vec::new())]), "[null]"),
        (Any::Map(vec![("k".into(), 1.into()), ("k".into(), 2.into())]), r#"{"k":2}"#),
    ] {
        assert_eq!(value.printed(), text);
    }
}
