//! What an operator reads when a configuration does not fit.

use tidegate_sdk::Signal;
use tidegate_sdk::testing::{Tester, json};

use crate::PiiScrub;

#[test]
fn a_bad_configuration_is_refused_by_the_name_of_its_key() {
    for (config, message) in [
        (r#"{"detectors":["emial"]}"#, "detectors[0]: unknown variant `emial`, expected one of `email`,"),
        (r#"{"detectors":{"emial":null}}"#, "detectors: unknown variant `emial`, expected"),
        (r#"{"detectors":["email","email"]}"#, "detectors: the detector is named twice"),
        (r#"{"detectors":{"email":{"verfy":true}}}"#, "detectors.email.verfy: unknown field `verfy`"),
        (r#"{"detectors":{"email":{"action":"wipe"}}}"#, "detectors.email.action: unknown variant `wipe`"),
        (r#"{"detectors":[]}"#, "detectors: nothing to look for"),
        (r#"{"patterns":[{"name":"x"}]}"#, "patterns[0]: missing field `regex`"),
        (r#"{"patterns":[{"name":"x","regex":""}]}"#, "patterns[0].regex: is empty"),
        (r#"{"patterns":[{"name":"My Own","regex":"a"}]}"#, "patterns[0].name: has to be lower-case letters"),
        (r#"{"patterns":[{"name":"email","regex":"a"}]}"#, "detectors.email: the name is taken"),
        (r#"{"patterns":[{"name":"blocked_key","regex":"a"}]}"#, "patterns[0].name: the name is taken"),
        (r#"{"action":"hash"}"#, "hash.key: is missing"),
        (r#"{"action":"hash","hash":{"key":"short"}}"#, "hash.key: is shorter than 16 bytes"),
        (r#"{"hash":{"key":"0123456789abcdef","length":4}}"#, "hash.length: has to be from 8 to 64"),
        (r#"{"blocked_keys":["a",""]}"#, "blocked_keys[1]: is empty"),
        (r#"{"blocked_keys":"a"}"#, "blocked_keys: invalid type: string \"a\", expected a sequence"),
        (r#"{"allowed_keys":[""]}"#, "allowed_keys[0]: is empty"),
        (r#"{"fields":["log.bodi"]}"#, "fields[0]: unknown variant `log.bodi`, expected one of `log.body`,"),
        (r#"{"fields":[]}"#, "fields: there is none"),
        (r#"{"audit":{"attribute":""}}"#, "audit.attribute: is empty"),
        (r#"{"audit":{}}"#, "audit: missing field `attribute`"),
        (r#"{"action":"hash","hash":{"key":""}}"#, "hash.key: is shorter than 16 bytes"),
        (r#"{"action":"hash","hash":{}}"#, "hash: missing field `key`"),
        (r#"{"hash":{"key":1234567890123456}}"#, "hash.key: invalid type: integer"),
        (r#"{"hash":{"key":"0123456789abcdef","lenght":8}}"#, "hash.lenght: unknown field `lenght`"),
        (r#"{"detectors":{"email":{"mask":7}}}"#, "detectors.email.mask: invalid type: integer `7`"),
        (r#"{"detectors":"email"}"#, "detectors: invalid type: string \"email\", expected a list of detectors"),
        (r#"{"detectors":[{"email":{}}]}"#, "detectors[0].email: invalid type: map"),
        (r#"{"patterns":{"name":"x"}}"#, "patterns: invalid type: map"),
        (r#"{"patterns":[{"name":"x","regex":"a","acton":"drop"}]}"#, "patterns[0].acton: unknown field `acton`"),
        (r#"{"patterns":[{"name":"x","regex":["a"]}]}"#, "patterns[0].regex: invalid type: sequence"),
        (r#"{"mask":null}"#, "mask: invalid type: null"),
        (r#"{"blocked_action":"erase"}"#, "blocked_action: unknown variant `erase`"),
        (r#"{"blocked_keys":[7]}"#, "blocked_keys[0]: invalid type: integer `7`"),
        (r#"{"audit":{"attribute":"a\"b"}}"#, "audit.attribute: must not have quotes"),
        (r#"{"audit":"x"}"#, "audit: invalid type: string"),
        (r#"["email"]"#, "the configuration has to be a map"),
        (r#"{"maks":"x"}"#, "maks: unknown field `maks`"),
    ] {
        let Err(error) = Tester::<PiiScrub>::new(Signal::Logs, config) else { panic!("{config} was taken") };
        assert!(error.message().starts_with(message), "{config}: {error}");
    }
}

#[test]
fn patterns_are_as_many_as_the_host_takes() {
    let config = |count: usize| {
        let patterns: Vec<_> =
            (0..count).map(|n| json!({ "name": format!("p{n}"), "regex": format!("p{n}") })).collect();
        json!({ "detectors": ["email"], "patterns": patterns, "blocked_keys": ["pin"] })
    };
    assert!(Tester::<PiiScrub>::new(Signal::Logs, &config(62)).is_ok());
    let Err(error) = Tester::<PiiScrub>::new(Signal::Logs, &config(63)) else { panic!("65 patterns were taken") };
    assert!(error.message().starts_with("patterns: with the detectors"), "{error}");
}
