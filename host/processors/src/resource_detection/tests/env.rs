//! `OTEL_RESOURCE_ATTRIBUTES`, read.

use super::text;
use crate::resource_detection::detector::{Found, Value};
use crate::resource_detection::env::{EnvError, detect};

fn read(value: &str) -> Result<Found, EnvError> {
    detect(|name| (name == "OTEL_RESOURCE_ATTRIBUTES").then(|| value.to_owned()))
}

fn attributes(value: &str) -> Vec<(String, Value)> {
    read(value).unwrap_or_else(|error| panic!("{value:?}: {error}")).attributes
}

#[test]
fn reads_pairs_with_spaces_around_them() {
    assert_eq!(attributes(" a = b , c.d/e=f,"), [text("a", "b"), text("c.d/e", "f")]);
    assert_eq!(attributes("a=,b==x=y"), [text("a", ""), text("b", "=x=y")]);
    assert_eq!(attributes("a=1,b=2,a=3"), [text("a", "3"), text("b", "2")]);
}

#[test]
fn decodes_what_is_percent_encoded() {
    assert_eq!(attributes("city=K%C3%B6ln%2C+DE"), [text("city", "Köln, DE")]);
}

#[test]
fn refuses_what_is_no_pair() {
    for (value, part) in [
        ("a=1,b", "\"b\" has no `=`"),
        ("=b", "has no key"),
        ("a=50%", "hexadecimal"),
        ("a=%zz", "hexadecimal"),
        ("a=%FF", "no UTF-8"),
        ("a=Köln", "ASCII"),
        (&format!("a={}", "x".repeat(257)), "too long"),
    ] {
        let told = read(value).unwrap_err().to_string();
        assert!(told.starts_with("OTEL_RESOURCE_ATTRIBUTES: ") && told.contains(part), "{value}: {told}");
    }
}

#[test]
fn reads_the_older_name_where_the_variable_is_not_there_or_empty() {
    assert_eq!(detect(|_| None), Ok(Found::default()));
    let both = |name: &str| Some(if name == "OTEL_RESOURCE" { "old=1" } else { " " }.to_owned());
    assert_eq!(detect(both).unwrap().attributes, [text("old", "1")]);
}
