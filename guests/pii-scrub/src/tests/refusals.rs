//! What an operator reads when a configuration does not fit.

use tidegate_sdk::Signal;
use tidegate_sdk::testing::Tester;

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
        (r#"{"maks":"x"}"#, "maks: unknown field `maks`"),
    ] {
        let Err(error) = Tester::<PiiScrub>::new(Signal::Logs, config) else { panic!("{config} was taken") };
        assert!(error.message().starts_with(message), "{config}: {error}");
    }
}
