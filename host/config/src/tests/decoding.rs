//! Decoding into types.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::catalog::{Debug, Otlp, Server, Target, Verbosity};
use super::{MINIMAL, read};
use crate::Value;

fn value(yaml: &str) -> Value {
    let section: String = yaml.lines().map(|line| format!("    {line}\n")).collect();
    let yaml = format!("exporters:\n  debug:\n{section}");
    read(&yaml).unwrap().components.remove(0).value
}

fn decode<T: serde::de::DeserializeOwned>(yaml: &str) -> Result<T, Vec<String>> {
    value(yaml).decode().map_err(|errors| {
        errors.iter().map(|p| format!("{}:{}: {}: {}", p.line - 2, p.column - 4, p.path, p.message)).collect()
    })
}

#[test]
fn a_key_with_nothing_behind_it_means_the_defaults() {
    let otlp: Otlp = decode("protocols:\n  grpc:").unwrap();
    assert_eq!(otlp.protocols.grpc, Some(Server::default()));
    assert_eq!(otlp.protocols.http, None);
    assert_eq!(decode::<Debug>("").unwrap(), Debug::default());
}

#[test]
fn text_fields_keep_what_was_written() {
    let debug: Debug = decode("labels: { a: 1.50, b: true, c: 0x1F, d: '2', e: yes, f: !!str 7 }").unwrap();
    let expected = [("a", "1.50"), ("b", "true"), ("c", "0x1F"), ("d", "2"), ("e", "yes"), ("f", "7")];
    let expected: BTreeMap<String, String> = expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    assert_eq!(debug.labels, expected);
}

#[test]
fn knows_the_variants_of_enums() {
    for (yaml, expected) in [
        ("target: stdout", Target::Stdout),
        ("target: { stdout: }", Target::Stdout),
        ("target: { file: { path: x } }", Target::File { path: "x".to_owned() }),
        ("target: { level: 3 }", Target::Level(3)),
    ] {
        assert_eq!(decode::<Debug>(yaml).unwrap().target, expected, "{yaml}");
    }
    assert_eq!(decode::<Debug>("verbosity: Detailed").unwrap().verbosity, Verbosity::Detailed);
    assert_eq!(decode::<Debug>("verbosity: normal").unwrap().verbosity, Verbosity::Normal);
}

#[test]
fn says_what_it_expected() {
    for (yaml, expected) in [
        ("offset: '5'", "1:9: exporters.debug.offset: expected a whole number, found the text \"5\""),
        ("offset: 1.5", "1:9: exporters.debug.offset: expected a whole number, found the number 1.5"),
        ("pin:", "1:4: exporters.debug.pin: expected text, found nothing"),
        ("pin: [a]", "1:6: exporters.debug.pin: expected text, found a list"),
        ("shards: 5", "1:9: exporters.debug.shards: expected a list, found the number 5"),
        ("labels: [a]", "1:9: exporters.debug.labels: expected a mapping, found a list"),
        (
            "target: { file: { path: x, pth: y } }",
            "1:28: exporters.debug.target.file.pth: unknown key `pth`, did you mean `path`?",
        ),
        ("target: { file: {} }", "1:17: exporters.debug.target.file: the key `path` is missing"),
        (
            "target: { level: 300 }",
            "1:18: exporters.debug.target.level: expected a whole number from 0 to 255, found the number 300",
        ),
        ("target: { stdout: 5 }", "1:19: exporters.debug.target.stdout: expected nothing, found the number 5"),
        ("target: [x]", "1:9: exporters.debug.target: expected one of stdout, file, level, found a list"),
        ("target: { out: 1 }", "1:9: exporters.debug.target: unknown value `out`, known here: stdout, file, level"),
        ("labels: { 'a.b': [] }", "1:18: exporters.debug.labels[\"a.b\"]: expected text, found a list"),
    ] {
        assert_eq!(decode::<Debug>(yaml).unwrap_err(), [expected], "{yaml}");
    }
}

#[test]
fn goes_on_after_a_mistake() {
    let problems = decode::<Debug>("offset: x\ncolor: x\nratio: x\nlable: x\nverbosity: x").unwrap_err();
    let lines: Vec<&str> = problems.iter().map(|p| p.split(':').next().unwrap()).collect();
    assert_eq!(lines, ["1", "2", "3", "4", "5"], "{problems:#?}");
}

#[test]
fn untyped_values_have_the_types_of_the_collector() {
    let yaml =
        "{ a: 1, b: 0123, c: 1e3, d: yes, e: ~, f: '1', g: [true], h: 0x10, i: -5, j: 18446744073709551615, k: 1_000 }";
    let json: serde_json::Value = decode(yaml).unwrap();
    let expected = serde_json::json!({
        "a": 1, "b": 83, "c": 1000.0, "d": "yes", "e": null, "f": "1", "g": [true], "h": 16, "i": -5,
        "j": 18_446_744_073_709_551_615_u64, "k": "1_000"
    });
    assert_eq!(json, expected);
}

#[test]
fn merges_what_an_anchor_names() {
    let yaml = "base: &base { a: 1, b: 2 }\nmore: { <<: *base, b: 3 }\nlist: { <<: [*base, { c: 4 }] }";
    let maps: HashMap<String, BTreeMap<String, i32>> = decode(yaml).unwrap();
    assert_eq!(maps["more"], BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 3)]));
    assert_eq!(maps["list"].len(), 3);
}

#[test]
fn keys_may_be_numbers() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Codes(BTreeMap<u16, String>);
    assert_eq!(decode::<Codes>("200: fine").unwrap().0[&200], "fine");
    assert!(decode::<Codes>("many: x").unwrap_err()[0].starts_with("1:7: exporters.debug.many: expected u16"));
}

#[test]
fn a_problem_can_be_placed_at_a_key() {
    let value = value("protocols:\n  grpc: { endpoint: here }");
    let problem = value.problem_at(&["protocols", "grpc", "endpoint"], "no port");
    assert_eq!(problem.to_string(), "/etc/tidegate/config.yaml:4:25: exporters.debug.protocols.grpc.endpoint: no port");
    assert!(read(MINIMAL).is_ok());
}
