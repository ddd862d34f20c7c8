//! Input that means harm, or nothing.

use std::path::Path;

use proptest::prelude::{ProptestConfig, any, proptest};

use super::catalog::{Debug, Toy};
use super::{FILE, problems};
use crate::{Map, load, validate};

#[test]
fn a_billion_laughs_are_refused() {
    let mut yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        yaml.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    let problems = problems(&yaml);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].ends_with("there are more than 100000 values, those behind aliases counted"), "{problems:?}");
}

#[test]
fn one_long_value_named_many_times_is_refused() {
    let aliases = vec!["*long"; 50_000].join(", ");
    let yaml = format!("long: &long {}\nmany: [{aliases}]\n", "x".repeat(1 << 20));
    let told = problems(&yaml);
    assert!(told[0].contains("there are more than 16 MiB of text"), "{told:?}");
    let keys = format!("long: &long {{ {}: 1 }}\nmany: [{aliases}]\n", "x".repeat(1000));
    let told = problems(&keys);
    assert!(told[0].contains("there are more than 16 MiB of text"), "{told:?}");

    let world = Map::default().with_file("/long", &"x".repeat(1 << 20)).with_env("LONG", &"y".repeat(1 << 20));
    for reference in ["'${file:/long}'", "'${env:LONG}'"] {
        let told = super::problems_in(&format!("many: [{}]\n", vec![reference; 100].join(", ")), world.clone());
        assert!(told.iter().any(|problem| problem.contains("more than 16 MiB in all")), "{told:?}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    for depth in [66, 200, 10_000] {
        let problems = problems(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        assert!(
            problems[0].contains("nested deeper than 64 levels") || problems[0].contains("recursion limit"),
            "{problems:?}"
        );
    }
    let block: String = (0..200).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert!(problems(&block)[0].ends_with("values are nested deeper than 64 levels"));
}

#[test]
fn aliases_do_not_deepen_without_end() {
    let mut yaml = "a0: &a0 [x]\n".to_owned();
    for level in 1..100 {
        yaml.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert!(problems(&yaml)[0].ends_with("values are nested deeper than 64 levels"));
}

#[test]
fn what_is_no_single_document_is_refused() {
    for (yaml, expected) in [
        ("a: &a [*a]", "1:8: an alias stands inside the value that it names"),
        ("a: 1\n---\nb: 2\n", "2:1: a second document starts here: a configuration is one document"),
        ("? [a]\n: b\n", "1:3: a key must be text, not a list or a mapping"),
        ("<<: 5", "1:5: `<<` merges a mapping or a list of mappings, such as `*anchor`"),
    ] {
        assert_eq!(problems(yaml), [expected], "{yaml:?}");
    }
    assert!(problems("a: b: c")[0].starts_with("1:5: this is no YAML: "), "{:?}", problems("a: b: c"));
    for tab in ["a:\n\tb: 1\n", "a:\n  - b\n\t- c\n"] {
        let told = problems(tab);
        assert!(told[0].starts_with("2:") || told[0].starts_with("3:"), "{told:?}");
        assert!(told[0].contains("this is no YAML: "), "{told:?}");
    }
    assert!(problems("a: *nobody")[0].contains("this is no YAML: "));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in "[a-z0-9 \\n:\\-\\[\\]{},&*<>$|'\"#!?%@.~\\t]{0,200}") {
        let world = Map::default().with_file(FILE, &text).with_env("a", &text);
        if let Ok(document) = load(Path::new(FILE), &world) {
            for component in &document.components {
                let _ = component.value.decode::<Debug>();
                let _ = component.value.decode::<serde_json::Value>();
            }
            let _ = validate(document, &Toy);
        }
    }

    #[test]
    fn every_duration_survives_being_written(nanos in 0..i64::MAX as u64) {
        let duration = std::time::Duration::from_nanos(nanos);
        assert_eq!(crate::time::parse(&crate::time::exact(duration)), Ok(duration));
    }

    #[test]
    fn text_that_is_quoted_arrives_as_it_was(text in any::<String>()) {
        let quoted = serde_json::to_string(&text.replace('$', "$$")).unwrap();
        let yaml = format!("exporters: {{ debug: {{ pin: {quoted} }} }}\n");
        let document = load(Path::new(FILE), &Map::default().with_file(FILE, &yaml)).unwrap();
        let debug: Debug = document.components[0].value.decode().unwrap();
        assert_eq!(debug.pin.unwrap(), text);
    }
}
