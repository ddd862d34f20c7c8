//! Keys that stand more than once.

use super::{Any, Signal, TestBatch, json, tester};

/// What becomes of the attributes of a record that have one key.
fn of_one_key(config: &serde_json::Value, values: &serde_json::Value) -> Vec<(String, Any)> {
    let Any::List(values) = Any::from(values.clone()) else { panic!("a list of values") };
    let entries = values.into_iter().map(|value| ("k".to_owned(), value)).collect();
    let batch = TestBatch::logs().resource(json!({})).log("", Any::Map(entries));
    let after = tester(Signal::Logs, config).unwrap().process(&batch).unwrap();
    after.field("log", 0, "attributes").cloned().unwrap_or(Any::Empty).into_entries()
}

fn masked(config: &serde_json::Value, values: &serde_json::Value) -> String {
    let entries = of_one_key(config, values).into_iter().filter(|(key, _)| key == "k").map(|(_, value)| value);
    Any::List(entries.collect()).printed()
}

#[test]
fn each_list_and_map_of_a_key_is_looked_at() {
    let mut config = json!({ "allow_all_keys": true, "redact_all_types": true, "blocked_values": [r"4\d{3}"] });
    let values = json!([["4111"], ["4222"], { "a": 4333 }, "x", 4444, "4444"]);
    let after = r#"["[\"****\"]","[\"****\"]","{\"a\":****}","x","****","****"]"#;
    assert_eq!(masked(&config, &values), after);
    config["summary"] = json!("debug");
    assert_eq!(masked(&config, &values), after);
    config["allow_all_keys"] = json!(false);
    config["allowed_keys"] = json!(["k"]);
    assert_eq!(masked(&config, &values), after);
}

#[test]
fn a_number_beside_a_text_of_its_digits_is_no_text() {
    let mut config = json!({ "allow_all_keys": true, "blocked_values": ["4111"] });
    let values = json!([4111, "4111", 4111]);
    let after = r#"[4111,"****",4111]"#;
    assert_eq!(masked(&config, &values), after);
    config["allowed_keys"] = json!(["k"]);
    config["allow_all_keys"] = json!(false);
    assert_eq!(masked(&config, &values), after);
}

#[test]
fn many_of_one_key_are_gone_through_once() {
    let config = json!({ "allowed_keys": ["k"], "redact_all_types": true, "blocked_values": ["a"] });
    let values: Vec<String> = (0..50_000).map(|at| format!("a{at}")).collect();
    let after = of_one_key(&config, &json!(values));
    assert_eq!(after.len(), values.len());
    assert!(after.iter().all(|(_, value)| value.as_text().unwrap().starts_with("****")));
}
