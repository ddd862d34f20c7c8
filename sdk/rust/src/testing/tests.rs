//! The stand-in for the host keeps to the contract.

use super::{TestBatch, Tester, json};
use crate::{Batch, Context, Edits, Error, Level, Mode, Part, Plan, Processor, ReadId, Signal, WriteId};

/// Reads one path and does to each cell what the configuration says.
struct Probe {
    read: ReadId,
    write: Option<WriteId>,
    config: Config,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    read: String,
    #[serde(default)]
    patterns: Vec<String>,
    #[serde(default)]
    write: Option<String>,
    does: String,
}

impl Processor for Probe {
    type Config = Config;

    fn configure(_: Signal, config: Config) -> Result<(Self, Plan), Error> {
        let mut plan = Plan::new();
        let read = plan.read_matching(&config.read, config.patterns.clone());
        let write = config.write.as_ref().map(|path| plan.write(path));
        if config.does == "drop" {
            plan.drop_rows();
        }
        Ok((Probe { read, write, config }, plan))
    }

    fn process(&mut self, context: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        for cell in batch.cells(self.read) {
            match self.config.does.as_str() {
                "show" => {
                    let part = if cell.part() == Part::Key { "key " } else { "" };
                    crate::info!("{part}{:?} {:?}", cell.key(), cell.value());
                }
                "mask" => cell.matches().iter().for_each(|found| edits.splice(cell.id(), found.range(), "*")),
                "remove" => edits.remove(cell.id()),
                "twice" => {
                    edits.replace(cell.id(), 1_i64);
                    edits.replace(cell.id(), 2_i64);
                }
                "drop" => edits.drop_rows(Level::Item, cell.row()..cell.row() + 1),
                _ => return Err(Error::new("told to fail")),
            }
        }
        if let (Some(write), "stamp") = (self.write, self.config.does.as_str()) {
            edits.upsert(write, 0..batch.count(Level::Origin), Mode::Insert, context.now() as i64);
        }
        Ok(())
    }
}

fn probe(config: &serde_json::Value) -> Tester<Probe> {
    Tester::new(Signal::Logs, config).unwrap()
}

fn batch() -> TestBatch {
    TestBatch::logs()
        .resource(json!({ "stamp": 1 }))
        .log("pin 1234 5678", json!({ "user": { "pin": "9999", "age": 3 }, "list": ["a", "1111"] }))
        .resource(json!({}))
        .log(json!({ "b": true }), json!({ "n": 0.5 }))
}

#[test]
fn deep_reads_find_texts_and_keys_with_the_key_nearest_to_them() {
    let mut probe = probe(&json!({ "read": "log.attributes[**]", "does": "show" }));
    probe.process(&batch()).unwrap();
    let mut lines: Vec<_> = probe.lines().into_iter().map(|(_, line)| line).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            r#"Some("list") Text("1111")"#,
            r#"Some("list") Text("a")"#,
            r#"Some("pin") Text("9999")"#,
            r#"key Some("age") Text("age")"#,
            r#"key Some("list") Text("list")"#,
            r#"key Some("n") Text("n")"#,
            r#"key Some("pin") Text("pin")"#,
            r#"key Some("user") Text("user")"#,
        ]
    );
}

#[test]
fn matches_are_spliced_wherever_they_lie() {
    let config = |read: &str| json!({ "read": read, "write": read, "patterns": [r"\d{4}"], "does": "mask" });
    let mut bodies = probe(&config("log.body"));
    assert_eq!(bodies.process(&batch()).unwrap().field("log", 0, "body"), Some(&"pin * *".into()));
    let mut attributes = probe(&config("log.attributes[**]"));
    let after = attributes.process(&batch()).unwrap();
    assert_eq!(after.attribute("log", 0, "user"), Some(&json!({ "pin": "*", "age": 3 }).into()));
    assert_eq!(after.attribute("log", 0, "list"), Some(&json!(["a", "*"]).into()));
}

#[test]
fn a_batch_without_a_match_costs_no_call() {
    let mut probe = probe(&json!({ "read": "log.body", "patterns": ["never"], "does": "fail" }));
    assert_eq!(probe.process(&batch()), Ok(batch()));
    assert_eq!(probe.calls(), 0);
}

#[test]
fn what_is_dropped_takes_what_is_under_it_along() {
    let mut probe = probe(&json!({ "read": "log.body", "does": "drop" }));
    let after = probe.process(&batch()).unwrap();
    assert_eq!(after.routes().len(), 1);
    assert_eq!(after.field("log", 0, "body"), Some(&json!({ "b": true }).into()));
}

#[test]
fn removals_take_the_attribute_with_its_key() {
    let path = "log.attributes[\"user\"][\"pin\"]";
    let after = probe(&json!({ "read": path, "write": path, "does": "remove" })).process(&batch()).unwrap();
    assert_eq!(after.attribute("log", 0, "user"), Some(&json!({ "age": 3 }).into()));
}

#[test]
fn inserts_write_where_nothing_is() {
    let write = "resource.attributes[\"stamp\"]";
    let mut probe = probe(&json!({ "read": "log.event_name", "write": write, "does": "stamp" })).at(77);
    let after = probe.process(&batch()).unwrap();
    assert_eq!(after.attribute("resource", 0, "stamp"), Some(&1.into()));
    assert_eq!(after.attribute("resource", 1, "stamp"), Some(&77.into()));
}

#[test]
fn wrong_edits_are_told() {
    let refused = |config| probe(&config).process(&batch()).unwrap_err().to_string();
    let body = "log.body";
    assert_eq!(
        refused(json!({ "read": body, "write": "log.attributes[*]", "does": "remove" })),
        "body: an edit is outside the plan's writes"
    );
    assert_eq!(refused(json!({ "read": body, "write": body, "does": "twice" })), "two edits of one cell");
    assert_eq!(
        refused(json!({ "read": "log.attributes[**]", "write": "log.attributes[**]", "does": "remove" })),
        "an edit lies under something that another edit removes"
    );
    assert_eq!(refused(json!({ "read": body, "does": "fail" })), "told to fail");
}

#[test]
fn a_plan_with_a_path_that_does_not_parse_is_told() {
    for path in ["log", "lgo.body", "span.name", "log.attributes[x]", "log.attributes[*][\"a\"]"] {
        assert!(Tester::<Probe>::new(Signal::Logs, &json!({ "read": path, "does": "show" })).is_err(), "{path}");
    }
}

#[test]
fn a_batch_shows_itself_a_line_a_row() {
    assert_eq!(
        batch().to_string(),
        concat!(
            "resource attributes={stamp: 1}\n  scope\n",
            "    log body=\"pin 1234 5678\" attributes={list: [\"a\", \"1111\"], user: {age: 3, pin: \"9999\"}}\n",
            "resource attributes={}\n  scope\n    log body={b: true} attributes={n: 0.5}\n",
        )
    );
}

#[test]
fn a_batch_of_otlp_json_is_the_one_that_is_built_by_hand() {
    let json = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]},
        "scopeSpans":[{"spans":[{"name":"GET","attributes":[{"key":"n","value":{"intValue":"7"}},
            {"key":"raw","value":{"bytesValue":"YWRh"}}],"events":[{"name":"e","attributes":[]}]}]}]}]}"#;
    let read = TestBatch::from_otlp(Signal::Traces, json).unwrap();
    let attributes = crate::Any::Map(vec![
        ("n".to_owned(), crate::Any::Int(7)),
        ("raw".to_owned(), crate::Any::Bytes(b"ada".to_vec())),
    ]);
    let built =
        TestBatch::traces().resource(json!({ "service.name": "cart" })).span("GET", attributes).event("e", json!({}));
    assert_eq!(read.field("span", 0, "name"), built.field("span", 0, "name"));
    assert_eq!(read.field("span", 0, "attributes"), built.field("span", 0, "attributes"));
    assert_eq!(read.field("spanevent", 0, "attributes"), built.field("spanevent", 0, "attributes"));
    assert_eq!(read.attribute("resource", 0, "service.name"), Some(&"cart".into()));
    assert!(TestBatch::from_otlp(Signal::Logs, json).is_err());
}
