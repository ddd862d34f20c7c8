//! What an operator reads when a configuration does not fit.

use serde::Deserialize;

use super::decode;

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
struct Config {
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Rule {
    route: String,
}

fn problem(json: &str) -> String {
    decode::<Config>(json).unwrap_err().message().to_owned()
}

#[test]
fn takes_no_configuration_for_an_empty_one() {
    for json in ["", "null", "{}"] {
        assert_eq!(decode::<Config>(json), Ok(Config::default()), "{json:?}");
    }
}

#[test]
fn names_the_key_at_fault_and_no_position_in_the_json() {
    assert_eq!(problem(r#"{"rules":[{"route":7}]}"#), "rules[0].route: invalid type: integer `7`, expected a string");
    assert_eq!(problem(r#"{"rules":[{}]}"#), "rules[0]: missing field `route`");
    assert_eq!(problem(r#"{"rule":[]}"#), "rule: unknown field `rule`, expected `rules`");
}

#[test]
fn takes_no_list_for_a_map() {
    assert_eq!(problem("[[]]"), "the configuration has to be a map of keys and their values");
    assert_eq!(problem("7"), "the configuration has to be a map of keys and their values");
}

#[test]
fn refuses_what_follows_the_configuration() {
    assert!(problem("{} {}").contains("trailing characters"));
}
