//! What a list of actions makes of a row, in the order in which they stand.

use tidegate_sdk::testing::{TestBatch, Tester, json};
use tidegate_sdk::{Batch, Context, Edits, Error, Level, Plan, Processor, Signal};

use super::{ActionConfig, Actions, None};

struct Probe(Actions);

impl Processor for Probe {
    type Config = Config;

    fn configure(_: Signal, config: Config) -> Result<(Self, Plan), Error> {
        let mut plan = Plan::new();
        let actions = Actions::new("actions", config.actions, "log.attributes", Level::Item, &mut plan)?;
        Ok((Probe(actions), plan))
    }

    fn process(&mut self, context: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        self.0.apply(context, batch, &None, edits);
        Ok(())
    }
}

#[derive(serde::Deserialize)]
struct Config {
    actions: Vec<ActionConfig>,
}

fn probe(actions: &serde_json::Value) -> Result<Tester<Probe>, Error> {
    Tester::new(Signal::Logs, &json!({ "actions": actions }))
}

fn after(actions: &serde_json::Value, attributes: serde_json::Value) -> String {
    let batch = TestBatch::logs().resource(json!({})).log("b", attributes);
    let after = probe(actions).unwrap().process(&batch).unwrap_or_else(|error| panic!("{actions}: {error}"));
    after.field("log", 0, "attributes").map(ToString::to_string).unwrap_or_default()
}

#[test]
fn later_actions_see_what_earlier_ones_wrote() {
    let insert = |key: &str, value: i64| json!({ "key": key, "value": value, "action": "insert" });
    let update = |key: &str, value: i64| json!({ "key": key, "value": value, "action": "update" });
    let upsert = |key: &str, value: i64| json!({ "key": key, "value": value, "action": "upsert" });
    let delete = |key: &str| json!({ "key": key, "action": "delete" });
    let copy = |key: &str, from: &str, action: &str| json!({ "key": key, "from_attribute": from, "action": action });
    for (actions, before, expected) in [
        (json!([insert("a", 1)]), json!({}), "{a: 1}"),
        (json!([insert("a", 1)]), json!({ "a": { "is": "there" } }), "{a: {is: \"there\"}}"),
        (json!([update("a", 1)]), json!({}), "{}"),
        (json!([update("a", 1)]), json!({ "a": [1] }), "{a: 1}"),
        (json!([upsert("a", 1), insert("a", 2)]), json!({}), "{a: 1}"),
        (json!([delete("a"), insert("a", 2)]), json!({ "a": 0 }), "{a: 2}"),
        (json!([delete("a"), update("a", 2)]), json!({ "a": 0 }), "{}"),
        (json!([upsert("a", 2), delete("a")]), json!({ "a": 0, "b": 1 }), "{b: 1}"),
        // One of these leaves two values, as the key is there or not.
        (json!([update("a", 1), insert("a", 2)]), json!({ "a": 0 }), "{a: 1}"),
        (json!([update("a", 1), insert("a", 2)]), json!({}), "{a: 2}"),
        // A rename, and a swap.
        (json!([copy("b", "a", "upsert"), delete("a")]), json!({ "a": [1, { "x": null }] }), "{b: [1, {x: null}]}"),
        (
            json!([copy("t", "a", "upsert"), copy("a", "b", "upsert"), copy("b", "t", "upsert"), delete("t")]),
            json!({ "a": 1, "b": "x" }),
            "{a: \"x\", b: 1}",
        ),
        (json!([copy("b", "a", "insert")]), json!({ "b": 1 }), "{b: 1}"),
        (json!([copy("b", "none", "insert")]), json!({ "a": 1 }), "{a: 1}"),
        (json!([insert("a", 1), copy("b", "a", "insert")]), json!({}), "{a: 1, b: 1}"),
    ] {
        assert_eq!(after(&actions, before.clone()), expected, "{actions} of {before}");
    }
}

#[test]
fn values_of_every_type_are_written() {
    let value = json!({ "list": [1, "x", { "deep": true }], "none": null });
    let actions = json!([{ "key": "a", "value": value, "action": "upsert" }]);
    assert_eq!(after(&actions, json!({})), "{a: {list: [1, \"x\", {deep: true}], none: null}}");
    let actions = json!([{ "key": "a", "value": 1.0, "action": "upsert" }]);
    assert_eq!(after(&actions, json!({})), "{a: 1.0}");
}

#[test]
fn defaults_stand_in_for_what_is_not_there() {
    let actions = json!([
        { "key": "env", "from_attribute": "environment", "default_value": "prod", "action": "insert" },
        { "key": "n", "default_value": 42, "action": "upsert" },
        { "key": "absent", "from_attribute": "environment", "default_value": 1, "action": "update" },
    ]);
    assert_eq!(after(&actions, json!({})), "{n: 42, env: \"prod\"}");
    assert_eq!(
        after(&actions, json!({ "environment": "dev", "absent": 0 })),
        "{absent: \"dev\", environment: \"dev\", n: 42, env: \"dev\"}"
    );
}

#[test]
fn metadata_of_the_request_are_joined() {
    let actions = json!([
        { "key": "tenant", "from_context": "metadata.X-Tenant", "default_value": "none", "action": "upsert" },
        { "key": "old", "from_context": "x-tenant", "action": "insert" },
    ]);
    let batch = TestBatch::logs().resource(json!({})).log("", json!({}));
    let mut with = probe(&actions).unwrap().with_metadata("x-tenant", "a").with_metadata("x-tenant", "b");
    let after = with.process(&batch).unwrap();
    assert_eq!(after.attribute("log", 0, "tenant"), Some(&"a;b".into()));
    assert_eq!(after.attribute("log", 0, "old"), Some(&"a;b".into()));
    let after = probe(&actions).unwrap().process(&batch).unwrap();
    assert_eq!(after.field("log", 0, "attributes").unwrap().to_string(), "{tenant: \"none\"}");
}

#[test]
fn patterns_mean_every_key_that_matches_then() {
    let actions = json!([
        { "key": "tmp.new", "value": 1, "action": "insert" },
        { "key": "kept", "from_attribute": "tmp.a", "action": "insert" },
        { "pattern": "^tmp\\.", "action": "delete" },
        { "pattern": "secret", "action": "hash" },
    ]);
    let before = json!({ "tmp.a": "x", "tmp.b": { "m": 1 }, "a.tmp.": 1, "my.secret": true, "secret": [1] });
    assert_eq!(
        after(&actions, before),
        concat!(
            "{a.tmp.: 1, ",
            "my.secret: \"4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a\", ",
            "secret: \"\", kept: \"x\"}"
        )
    );
}

#[test]
fn hashes_are_those_of_the_collector() {
    let actions = json!([
        { "key": "s", "action": "hash" },
        { "key": "i", "action": "HASH" },
        { "key": "d", "action": "hash" },
        { "key": "none", "action": "hash" },
    ]);
    assert_eq!(
        after(&actions, json!({ "s": "john.doe@example.com", "i": 10, "d": 99.1 })),
        concat!(
            "{d: \"05fabd78b01be9692863cb0985f600c99da82979af18db5c55173c2a30adb924\", ",
            "i: \"a111f275cc2e7588000001d300a31e76336d15b9d314cd1a1d8f3d3556975eed\", ",
            "s: \"836f82db99121b3481011f16b49dfa5fbc714a0d1b1b9f784a1ebbbf5b39577f\"}"
        )
    );
}

#[test]
fn groups_become_attributes() {
    let actions = json!([{
        "key": "url",
        "pattern": "^(?P<scheme>.*):\\/\\/(?P<host>[^/]*)(?P<path>\\/.*)?$",
        "action": "extract",
    }]);
    let before = json!({ "url": "http://b.io/x", "host": "old" });
    assert_eq!(after(&actions, before), r#"{host: "b.io", url: "http://b.io/x", scheme: "http", path: "/x"}"#);
    assert_eq!(after(&actions, json!({ "url": "a://b" })), r#"{url: "a://b", scheme: "a", host: "b", path: ""}"#);
    assert_eq!(after(&actions, json!({ "url": 5 })), "{url: 5}");
    assert_eq!(after(&actions, json!({ "url": "none" })), "{url: \"none\"}");
}

#[test]
fn types_are_converted_where_they_can_be() {
    let convert = |to: &str| json!([{ "key": "a", "converted_type": to, "action": "convert" }]);
    for (to, before, expected) in [
        ("int", json!("123"), "123"),
        ("int", json!("int-10"), "\"int-10\""),
        ("int", json!(7.9), "7"),
        ("int", json!(1e300), "-9223372036854775808"),
        ("int", json!(true), "1"),
        ("int", json!([1]), "[1]"),
        ("double", json!("123"), "123.0"),
        ("double", json!(2), "2.0"),
        ("double", json!("x"), "\"x\""),
        ("string", json!(99.1), "\"99.1\""),
        ("string", json!({ "b": 1, "a": "x" }), r#""{\"a\":\"x\",\"b\":1}""#),
        ("string", json!(false), "\"false\""),
    ] {
        assert_eq!(after(&convert(to), json!({ "a": before })), format!("{{a: {expected}}}"), "{before} to {to}");
    }
}

#[test]
fn what_makes_no_sense_is_named_by_its_key() {
    for (action, key) in [
        (json!({ "action": "insert", "value": 1 }), "actions[0].key"),
        (json!({ "action": "delete" }), "actions[0].key"),
        (json!({ "key": "a", "action": "insert" }), "actions[0]"),
        (json!({ "key": "a", "action": "insert", "value": 1, "from_attribute": "b" }), "actions[0]"),
        (json!({ "key": "a", "action": "insert", "value": 1, "pattern": "b" }), "actions[0].pattern"),
        (json!({ "key": "a", "action": "delete", "value": 1 }), "actions[0].value"),
        (json!({ "key": "a", "action": "frob" }), "actions[0].action"),
        (json!({ "key": "a" }), "actions[0].action"),
        (json!({ "key": "a", "action": "convert", "converted_type": "bool" }), "actions[0].converted_type"),
        (json!({ "key": "a", "action": "extract", "pattern": "(x)" }), "actions[0].pattern"),
        (json!({ "key": "a", "action": "extract", "pattern": "x" }), "actions[0].pattern"),
        (json!({ "key": "a", "action": "extract" }), "actions[0].pattern"),
        (json!({ "key": "a", "action": "insert", "from_context": "client.address" }), "actions[0].from_context"),
    ] {
        let error = probe(&json!([action])).err().unwrap_or_else(|| panic!("{action} is taken"));
        assert_eq!(error.key(), Some(key), "{error}");
    }
    let error = probe(&json!([])).err().unwrap();
    assert_eq!(error.key(), Some("actions"));
}

#[test]
fn what_depends_on_no_row_reads_nothing() {
    let actions = json!([
        { "key": "a", "value": 1, "action": "insert" },
        { "key": "b", "action": "delete" },
        { "key": "c", "value": "x", "action": "upsert" },
    ]);
    assert!(probe(&actions).unwrap().reads().is_empty());
    let actions = json!([{ "key": "a", "value": 1, "action": "insert" }, { "key": "b", "action": "hash" }]);
    assert_eq!(probe(&actions).unwrap().reads(), ["log.attributes[\"b\"]"]);
}
