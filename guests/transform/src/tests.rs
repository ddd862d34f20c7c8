//! What statements do to batches, as the language says.

use tidegate_sdk::testing::{Any, TestBatch, Tester, json};
use tidegate_sdk::{Error, Signal};

use super::Transform;

fn tester(signal: Signal, statements: &[&str]) -> Result<Tester<Transform>, Error> {
    let key = match signal {
        Signal::Logs => "log_statements",
        Signal::Traces => "trace_statements",
        Signal::Metrics => "metric_statements",
    };
    Tester::new(signal, &json!({ key: statements }))
}

/// The batch after statements.
fn after(batch: &TestBatch, signal: Signal, statements: &[&str]) -> TestBatch {
    tester(signal, statements).unwrap().process(batch).unwrap()
}

/// One record after statements, as text.
fn record(body: impl Into<Any>, attributes: serde_json::Value, statements: &[&str]) -> String {
    let batch = TestBatch::logs().resource(json!({ "service.name": "shop" })).log(body, attributes);
    let text = after(&batch, Signal::Logs, statements).to_string();
    text.lines().last().unwrap_or_default().trim().to_owned()
}

#[test]
fn editors_change_attributes() {
    for (statement, attributes) in [
        (r#"set(log.attributes["a"], "x")"#, r#"{a: "x", b: 2, c: {d: "deep"}}"#),
        (r#"set(log.attributes["n"], 1 + 2 * 3)"#, r#"{a: "one", b: 2, c: {d: "deep"}, n: 7}"#),
        (r#"set(log.attributes["n"], log.attributes["b"] / 2.0)"#, r#"{a: "one", b: 2, c: {d: "deep"}, n: 1.0}"#),
        (r#"set(log.attributes["n"], log.attributes["missing"])"#, r#"{a: "one", b: 2, c: {d: "deep"}, n: null}"#),
        (r#"set(log.attributes["c"]["e"], true)"#, r#"{a: "one", b: 2, c: {d: "deep", e: true}}"#),
        (r#"set(log.attributes["new"]["x"], [1, "two"])"#, r#"{a: "one", b: 2, c: {d: "deep"}, new: {x: [1, "two"]}}"#),
        (
            r#"set(log.attributes["up"], ToUpperCase(log.attributes["a"]))"#,
            r#"{a: "one", b: 2, c: {d: "deep"}, up: "ONE"}"#,
        ),
        (r#"set(log.attributes[Concat(["k", "1"], "-")], -1)"#, r#"{a: "one", b: 2, c: {d: "deep"}, k-1: -1}"#),
        (
            r#"set(log.attributes["s"], resource.attributes["service.name"])"#,
            r#"{a: "one", b: 2, c: {d: "deep"}, s: "shop"}"#,
        ),
        (r#"delete_key(log.attributes, "a")"#, r#"{b: 2, c: {d: "deep"}}"#),
        (r#"delete_key(log.attributes["c"], "d")"#, r#"{a: "one", b: 2, c: {}}"#),
        (r#"delete_matching_keys(log.attributes, "^[ab]$")"#, r#"{c: {d: "deep"}}"#),
        (r#"keep_keys(log.attributes, ["b", "zzz"])"#, r#"{b: 2}"#),
        (r#"keep_matching_keys(log.attributes, "[ab]")"#, r#"{a: "one", b: 2}"#),
        (r#"limit(log.attributes, 2, ["c"])"#, r#"{a: "one", c: {d: "deep"}}"#),
        (r#"truncate_all(log.attributes, 2)"#, r#"{a: "on", b: 2, c: {d: "deep"}}"#),
        (r#"truncate_all(log.attributes, 2, truncation_marker = "~")"#, r#"{a: "o~", b: 2, c: {d: "deep"}}"#),
        (r#"replace_all_patterns(log.attributes, "value", "n", "$0$0")"#, r#"{a: "onne", b: 2, c: {d: "deep"}}"#),
        (
            r#"replace_all_patterns(log.attributes, "key", "^(.)$", "k.$1")"#,
            r#"{k.a: "one", k.b: 2, k.c: {d: "deep"}}"#,
        ),
        (r#"replace_pattern(log.attributes["a"], "(o)(n)", "${2}${1}")"#, r#"{a: "noe", b: 2, c: {d: "deep"}}"#),
        (r#"replace_match(log.attributes["a"], "o*", "all")"#, r#"{a: "all", b: 2, c: {d: "deep"}}"#),
        (r#"replace_all_matches(log.attributes, "{one,two}", "num")"#, r#"{a: "num", b: 2, c: {d: "deep"}}"#),
        (r#"merge_maps(log.attributes, {"a": 1, "z": 2}, "insert")"#, r#"{a: "one", b: 2, c: {d: "deep"}, z: 2}"#),
        (r#"merge_maps(log.attributes, {"a": 1, "z": 2}, "update")"#, r#"{a: 1, b: 2, c: {d: "deep"}}"#),
        (
            r#"merge_maps(log.attributes, ParseJSON("{\"a\": 1, \"z\": []}"), "upsert")"#,
            r#"{a: 1.0, b: 2, c: {d: "deep"}, z: []}"#,
        ),
        (r#"append(log.attributes["a"], "two")"#, r#"{a: ["one", "two"], b: 2, c: {d: "deep"}}"#),
        (r#"set(log.attributes, {"only": "this", "a": 5})"#, r#"{a: 5, only: "this"}"#),
        (
            r#"replace_pattern(log.attributes["a"], "n", "$0", SHA256)"#,
            r#"{a: "o1b16b1df538ba12dc3f97edbb85caa7050d46c148134290feba80f8236c83db9e", b: 2, c: {d: "deep"}}"#,
        ),
    ] {
        let after = record("body", json!({ "a": "one", "b": 2, "c": { "d": "deep" } }), &[statement]);
        assert_eq!(after, format!(r#"log body="body" attributes={attributes}"#), "{statement}");
    }
}

#[test]
fn bodies_are_changed_as_text_and_as_maps() {
    for (body, statement, expected) in [
        (Any::from("card 1234"), r#"replace_pattern(log.body, "\\d{4}", "****")"#, r#""card ****""#),
        (Any::from("card 12"), r#"replace_pattern(log.body, "\\d{4}", "****")"#, r#""card 12""#),
        (Any::from(12), r#"replace_pattern(log.body, "1", "2")"#, "12"),
        (Any::from(12), r#"set(log.body, Concat([log.body.string, "!"], ""))"#, r#""12!""#),
        (json!({ "a": { "b": 1 } }).into(), r#"set(log.body, log.body["a"])"#, "{b: 1}"),
        (json!({ "a": [1, 2] }).into(), r#"set(log.body["a"][1], "x")"#, r#"{a: [1, "x"]}"#),
        (json!({ "a": 1, "b": 2 }).into(), r#"delete_key(log.body, "a")"#, "{b: 2}"),
        (Any::from(r#"{"level":"warn"}"#), r#"set(log.body, ParseJSON(log.body)["level"])"#, r#""warn""#),
    ] {
        assert_eq!(
            record(body, json!({}), &[statement]),
            format!("log body={expected} attributes={{}}"),
            "{statement}"
        );
    }
}

#[test]
fn a_statement_sees_what_those_before_it_have_done() {
    let statements = [
        r#"set(log.attributes["a"], "1")"#,
        r#"set(log.attributes["b"], log.attributes["a"])"#,
        r#"delete_key(log.attributes, "a")"#,
        r#"set(log.attributes["c"], "gone") where log.attributes["a"] == nil"#,
        r#"set(log.attributes["b"], "2") where log.attributes["b"] == "1""#,
        r#"replace_pattern(log.body, "secret", "mask")"#,
        r#"replace_pattern(log.body, "mask", "****")"#,
    ];
    let after = record("a secret", json!({ "a": "0" }), &statements);
    assert_eq!(after, r#"log body="a ****" attributes={b: "2", c: "gone"}"#);
}

#[test]
fn conditions_say_where_a_statement_is_run() {
    for (condition, holds) in [
        ("true", true),
        ("not true", false),
        (r#"log.attributes["n"] == 5"#, true),
        (r#"log.attributes["n"] == 5.0"#, true),
        (r#"log.attributes["n"] == "5""#, false),
        (r#"log.attributes["n"] != "5""#, true),
        (r#"log.attributes["n"] > 4 and log.attributes["n"] <= 5"#, true),
        (r#"log.attributes["none"] == nil"#, true),
        (r#"log.attributes["none"] > 4"#, false),
        (r#"log.attributes["n"] != nil"#, true),
        (r#"log.severity_number >= SEVERITY_NUMBER_ERROR"#, true),
        (r#"log.severity_number == SEVERITY_NUMBER_ERROR2"#, false),
        (r#"log.severity_text == "ERROR" or false"#, true),
        (r#"not (log.severity_text == "ERROR" or false)"#, false),
        (r#"IsMatch(log.body, "^hel+o")"#, true),
        (r#"IsMatch(log.attributes["n"], "^5$")"#, true),
        (r#"IsMatch(log.attributes["none"], ".*")"#, false),
        (r#"IsMatch(log.attributes["m"], "\"k\":\"v\"")"#, true),
        (r#"IsString(log.body) and IsMap(log.attributes["m"]) and IsInt(log.attributes["n"])"#, true),
        (r#"Len(log.body) == 11 and HasPrefix(log.body, "hello")"#, true),
        (r#"log.attributes["m"] == {"k": "v"}"#, true),
        (r#"log.attributes["m"]["k"] == "v""#, true),
        (r#"ContainsValue(["a", "b"], "b")"#, true),
        (r#"Split(log.body, " ")[1] == "world""#, true),
        (r#"Substring(log.body, 0, 5) == "hello""#, true),
        (r#"log.time_unix_nano == 0 and log.time == Unix(0)"#, true),
        (r#"Now() - log.time > Duration("1h")"#, true),
        (r#"log.trace_id == TraceID(0x000102030405060708090a0b0c0d0e0f)"#, true),
        (r#"log.trace_id.string == "000102030405060708090a0b0c0d0e0f""#, true),
        (r#"log.span_id == SpanID(0x0000000000000000)"#, true),
        (r#"resource.attributes["service.name"] == "shop" and scope.name == "lib""#, true),
        (r#"instrumentation_scope.name == "other""#, false),
        (r#"(1 + 2) * 3 == 9 and -2 - -3 == 1 and 7 / 2 == 3"#, true),
        (r#"Int("12") + Int(true) == 13 and Double("1.5") == 1.5 and String(12) == "12""#, true),
        (r#"Coalesce([nil, log.attributes["none"], "x"]) == "x""#, true),
        (r#"ExtractPatterns(log.body, "(?P<first>\\w+) ")["first"] == "hello""#, true),
        (r#"ConvertCase("aB", "upper") == "AB" and Trim("  x ") == "x" and TrimSuffix("a.b", ".b") == "a""#, true),
        (r#"FNV("hello") == -6615550055289275125"#, true),
        (r#"ToUpperCase("aß") == "Aß" and ToLowerCase("İΣ") == "iσ""#, true),
        (r#"String(0.0000001) == "1e-07" and String(1.5) == "1.5" and Hex(nil) == """#, true),
        (r#"Index("abc", "c") == 2 and Hex(0xff01) == "ff01""#, true),
    ] {
        let id = Any::Bytes((0..16).collect());
        let batch = TestBatch::logs()
            .resource(json!({ "service.name": "shop" }))
            .scope("lib", json!({}))
            .log("hello world", json!({ "n": 5, "m": { "k": "v" } }))
            .with("log", "severity_number", 17)
            .with("log", "severity_text", "ERROR")
            .with("log", "trace_id", id);
        let statement = format!(r#"set(log.attributes["seen"], true) where {condition}"#);
        let tester = tester(Signal::Logs, &[&statement]);
        let after = tester.unwrap_or_else(|error| panic!("{error}")).at(1 << 60).process(&batch).unwrap();
        let seen = after.attribute("log", 0, "seen").is_some();
        assert_eq!(seen, holds, "{condition}");
    }
}

#[test]
fn each_context_has_its_own_rows() {
    let spans = TestBatch::traces()
        .resource(json!({ "env": "dev" }))
        .span("GET /user/12", json!({ "http.status": 500 }))
        .with("span", "kind", 2)
        .event("exception", json!({ "message": "at /user/12" }))
        .span("child", json!({}))
        .with("span", "parent_span_id", Any::Bytes(vec![1; 8]));
    let after = after(
        &spans,
        Signal::Traces,
        &[
            r#"replace_pattern(span.name, "/user/\\d+", "/user/{id}")"#,
            r#"set(span.status.code, STATUS_CODE_ERROR) where span.attributes["http.status"] >= 500"#,
            r#"set(span.attributes["kind"], span.kind.string)"#,
            r#"set(span.attributes["root"], true) where IsRootSpan()"#,
        ],
    );
    let field = |row, field| after.field("span", row, field).cloned();
    assert_eq!(field(0, "name"), Some("GET /user/{id}".into()));
    assert_eq!(field(0, "status.code"), Some(Any::Int(2)));
    assert_eq!(field(1, "status.code"), None);
    assert_eq!(after.attribute("span", 0, "kind"), Some(&"Server".into()));
    assert_eq!(after.attribute("span", 0, "root"), Some(&Any::Bool(true)));
    assert_eq!(after.attribute("span", 1, "root"), None);

    let config = json!({ "trace_statements": [
        { "context": "spanevent", "statements": [
            r#"replace_pattern(attributes["message"], "\\d+", "n") where name == "exception""#,
            r#"set(attributes["span"], span.name)"#,
        ] },
        { "context": "resource", "statements": [r#"set(attributes["env"], "prod") where attributes["env"] == "dev""#] },
        { "context": "span", "conditions": ["name == \"child\""], "statements": ["set(attributes[\"env\"], resource.attributes[\"env\"])"] },
    ] });
    let after = Tester::<Transform>::new(Signal::Traces, &config).unwrap().process(&spans).unwrap();
    assert_eq!(after.attribute("spanevent", 0, "message"), Some(&"at /user/n".into()));
    assert_eq!(after.attribute("spanevent", 0, "span"), Some(&"GET /user/12".into()));
    assert_eq!(after.attribute("resource", 0, "env"), Some(&"prod".into()));
    assert_eq!(after.attribute("span", 0, "env"), None);
    assert_eq!(after.attribute("span", 1, "env"), Some(&"prod".into()));

    let metrics = TestBatch::metrics()
        .resource(json!({}))
        .metric("cpu.usage")
        .with("metric", "type", 1)
        .point(json!({ "core": "1" }))
        .with("datapoint", "value", 1.5)
        .exemplar(json!({ "user": "ada" }));
    let after = self::after(
        &metrics,
        Signal::Metrics,
        &[
            r#"set(metric.description, Concat([metric.name, "!"], ""))"#,
            r#"set(datapoint.value_double, datapoint.value_double * 2) where datapoint.attributes["core"] == "1""#,
        ],
    );
    assert_eq!(after.field("metric", 0, "description"), Some(&"cpu.usage!".into()));
    assert_eq!(after.field("datapoint", 0, "value"), Some(&Any::Double(3.0)));
    let after = self::after(&metrics, Signal::Metrics, &[r#"delete_key(exemplar.filtered_attributes, "user")"#]);
    assert_eq!(after.attribute("exemplar", 0, "user"), None);
}

#[test]
fn a_cache_lasts_for_one_row() {
    let batch = TestBatch::logs().resource(json!({})).log("1", json!({})).log("2", json!({ "is": "second" }));
    let after = after(
        &batch,
        Signal::Logs,
        &[
            r#"set(log.attributes["before"], log.cache["k"]) where log.cache["k"] != nil"#,
            r#"set(log.cache["k"], log.body)"#,
            r#"set(log.attributes["after"], log.cache["k"])"#,
        ],
    );
    assert_eq!(after.attribute("log", 1, "before"), None);
    assert_eq!(after.attribute("log", 1, "after"), Some(&"2".into()));
}

#[test]
fn an_error_in_a_row_does_what_its_mode_says() {
    let batch = TestBatch::logs().resource(json!({})).log(1, json!({})).log(2, json!({})).log("x", json!({}));
    let statement = r#"set(log.attributes["up"], ToUpperCase(log.body))"#;
    let mut ignore = tester(Signal::Logs, &[statement]).unwrap();
    let after = ignore.process(&batch).unwrap();
    assert_eq!(after.attribute("log", 2, "up"), Some(&"X".into()));
    let lines: Vec<String> = ignore.lines().into_iter().map(|(_, line)| line).collect();
    let line = "log_statements[0] failed on 2 rows of a batch: ToUpperCase: expected text but got an integer";
    assert_eq!(lines, [line]);

    let config = json!({ "error_mode": "silent", "log_statements": [statement] });
    let mut silent = Tester::<Transform>::new(Signal::Logs, &config).unwrap();
    silent.process(&batch).unwrap();
    assert_eq!(silent.lines().len(), 0);

    let config = json!({ "log_statements": [{ "error_mode": "propagate", "statements": [statement] }] });
    let error = Tester::<Transform>::new(Signal::Logs, &config).unwrap().process(&batch).unwrap_err();
    assert!(error.message().starts_with("log_statements[0].statements[0]: ToUpperCase"), "{error}");
}

#[test]
fn what_only_replaces_patterns_is_not_called_where_none_matches() {
    let statements = [
        r#"replace_pattern(log.body, "\\d{3}-\\d{2}", "****")"#,
        r#"replace_all_patterns(log.attributes, "value", "\\d{3}-\\d{2}", "****")"#,
    ];
    let mut tester = tester(Signal::Logs, &statements).unwrap();
    let plain = TestBatch::logs().resource(json!({})).log("hello", json!({ "a": "b" }));
    assert_eq!(tester.process(&plain).unwrap(), plain);
    assert_eq!(tester.calls(), 0);
    let batch =
        TestBatch::logs().resource(json!({})).log("x", json!({ "a": "123-45", "b": "c" })).log("123-45", json!({}));
    let after = tester.process(&batch).unwrap();
    assert_eq!(after.attribute("log", 0, "a"), Some(&"****".into()));
    assert_eq!(after.field("log", 1, "body"), Some(&"****".into()));
}

#[test]
fn a_constant_is_written_without_reading_anything_of_its_map() {
    let tester = tester(Signal::Logs, &[r#"set(resource.attributes["env"], "prod")"#]).unwrap();
    assert_eq!(tester.reads(), ["resource.dropped_attributes_count"]);
    let after = after(
        &TestBatch::logs()
            .resource(json!({ "env": "dev" }))
            .log("x", json!({}))
            .resource(json!({}))
            .log("y", json!({})),
        Signal::Logs,
        &[r#"set(resource.attributes["env"], "prod")"#, r#"delete_key(log.attributes, "a")"#],
    );
    assert_eq!(after.attribute("resource", 0, "env"), Some(&"prod".into()));
    assert_eq!(after.attribute("resource", 1, "env"), Some(&"prod".into()));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (statement, problem) in [
        ("set(log.body", "at column 13: expected `,` or `)`, found the end"),
        (
            "set(body, 1)",
            "at column 5: `body` names no context; write one of resource, scope, log before it, as in `log.body`",
        ),
        ("set(span.name, 1)", "at column 5: `span.name` is of another signal; this one has resource, scope, log"),
        ("set(log.nothing, 1)", "at column 5: `nothing` is no field of the context `log` that is served"),
        ("jump(log.body)", "at column 1: `jump` is not among the editors that are served: append, delete_key"),
        ("set(log.body, Jump(1))", "at column 15: `Jump` is not among the converters that are served"),
        ("set(log.body)", "at column 1: `set` needs the argument `value`"),
        ("set(log.body, 1, 2)", "at column 1: `set` takes 2 arguments at most"),
        ("set(log.body, values = 1)", "at column 1: `set` has no argument `values`; it has target, value"),
        (
            r#"replace_pattern(log.body, "\d", "")"#,
            "at column 28: `\\d` is no escape; a backslash itself is written `\\\\`",
        ),
        (r#"replace_pattern(log.body, "(", "")"#, "at column 1: the pattern cannot be run by the module"),
        ("set(log.body, 1) where log.body", "at column 32: expected a comparison, such as `==`, found the end"),
        ("set(log.body, 1) where log.body = 1", "at column 33: expected a comparison, such as `==`, found `=`"),
        ("set(log.body, 'x')", "at column 15: text stands in double quotes"),
        ("set(log.severity_number, SEVERITY_NUMBER_WORST)", "at column 26: `SEVERITY_NUMBER_WORST` is no member"),
        ("limit(log.attributes, -1, [])", "at column 1: the limit is an integer of 0 or more"),
        ("delete_key(log.severity_text, \"a\")", "at column 1: the target is no map"),
    ] {
        let error = tester(Signal::Logs, &[statement]).err().map(|error| error.message().to_owned());
        let error = error.unwrap_or_default();
        assert!(error.starts_with(&format!("log_statements[0]: {problem}")), "{statement}\n{error}");
    }
    let configs = [
        (
            json!({ "log_statements": [{ "statments": [] }] }),
            "log_statements[0]: is neither a text, which stands in quotes",
        ),
        (json!({ "log_statements": ["x", { "statements": [] }] }), "log_statements: has texts beside groups"),
        (
            json!({ "log_statements": [{ "context": "span", "statements": ["set(name, 1)"] }] }),
            "log_statements[0].context: is none of",
        ),
        (json!({ "log_statements": [{ "context": "log" }] }), "log_statements[0]: has no statements"),
        (json!({ "flatten_data": true }), "flatten_data: is not served"),
        (json!({ "profile_statements": [] }), "profile_statements: profiles are not served"),
    ];
    for (config, problem) in configs {
        let error = Tester::<Transform>::new(Signal::Logs, &config).err().map(|error| error.message().to_owned());
        assert!(error.as_deref().is_some_and(|error| error.starts_with(problem)), "{config}: {error:?}");
    }
}

#[test]
fn what_the_host_would_refuse_leaves_the_rest_of_the_batch_alone() {
    let batch =
        TestBatch::logs().resource(json!({})).log(r#"{"": 1, "a": 2}"#, json!({ "n": 5_000_000_000_i64, "k": "" }));
    let mut tester = tester(
        Signal::Logs,
        &[
            r#"set(log.severity_number, log.attributes["n"])"#,
            r#"set(log.flags, -1)"#,
            r#"set(log.time, Unix(-1))"#,
            r#"merge_maps(log.attributes, ParseJSON(log.body), "upsert")"#,
            r#"set(log.attributes[log.attributes["k"]], "nameless")"#,
        ],
    )
    .unwrap();
    let after = tester.process(&batch).unwrap();
    assert_eq!(after.field("log", 0, "severity_number"), None);
    assert_eq!(after.attribute("log", 0, "a"), Some(&Any::Double(2.0)));
    assert_eq!(after.attribute("log", 0, ""), None);
    let lines: Vec<String> = tester.lines().into_iter().map(|(_, line)| line).collect();
    assert!(lines.iter().any(|line| line.contains("5000000000 does not fit the field")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("under the empty key")), "{lines:?}");
}
