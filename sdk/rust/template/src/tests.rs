//! The processor by itself, without a host.

use tidegate_sdk::testing::{TestBatch, Tester, json};

use super::*;

#[test]
fn masks_what_the_pattern_finds() {
    let config = json!({ "pattern": "password=[^ ]+", "mask": "password=***" });
    let mut masks = Tester::<Masks>::new(Signal::Logs, &config).unwrap();
    let before = TestBatch::from_otlp(Signal::Logs, include_str!("../fixtures/logs.json")).unwrap();
    let after = TestBatch::from_otlp(Signal::Logs, include_str!("../fixtures/logs.expected.json")).unwrap();
    assert_eq!(masks.process(&before).unwrap(), after);
    assert_eq!(masks.counters()["masked"], 1);
}

#[test]
fn a_pattern_of_nothing_is_refused() {
    let refused = Tester::<Masks>::new(Signal::Logs, &json!({ "pattern": "" })).err().unwrap();
    assert_eq!(refused.message(), "pattern: has to be a regular expression");
}
