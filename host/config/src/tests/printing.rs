//! A configuration as a text again: for people, and for telling whether two are alike.

use proptest::prelude::*;

use crate::{Map, Mode, Value};

fn value(yaml: &str) -> Value {
    Value::parse("x.yaml", yaml).unwrap_or_else(|errors| panic!("{yaml}: {errors}"))
}

#[test]
fn is_printed_as_it_was_written_with_references_replaced() {
    let world = Map::default().with_env("PORT", "4317").with_env("PIN", "0123").with_env("MONEY", "a${b}$$c$");
    let yaml = "a: { port: '${env:PORT}', list: [1, 0x1F, yes, ~, '', ' x', '1', 1.50, true] }\nb: '${env:MONEY}'\n\
                c: '${yaml:{d: [e]}}'\nempty: {}\nnone:\n";
    let (value, _) = Value::load("x.yaml".as_ref(), yaml, &world).unwrap();
    let expected = "a:\n  port: 4317\n  list:\n    - 1\n    - 0x1F\n    - \"yes\"\n    - ~\n    - \"\"\n    - \" x\"\n    \
                    - \"1\"\n    - 1.50\n    - true\nb: \"a$${b}$$$c$\"\nc:\n  d:\n    - e\nempty: {}\nnone: ~\n";
    assert_eq!(value.to_yaml(Mode::Unredacted), expected);
    let (again, _) = Value::load("y.yaml".as_ref(), expected, &Map::default()).unwrap();
    assert_eq!(again.get("b").unwrap().canonical(), value.get("b").unwrap().canonical(), "a dollar stays a dollar");
}

#[test]
fn secrets_are_left_out_unless_they_are_asked_for() {
    let yaml = "headers: { x-tenant: a, list: [b] }\npassword: 123\nclient_secret: c\ntoken_url: http://x\n\
                bearer_token_file: /run/t\nhash: { key: d, length: 16 }\nkey: e\napi: { key: f }\nenabled_token: true\n\
                hmac_key: ''\ntls: { key_pem: g, key_file: h }\n";
    let printed = value(yaml).to_yaml(Mode::Redacted);
    let expected = "headers:\n  x-tenant: \"[REDACTED]\"\n  list:\n    - \"[REDACTED]\"\npassword: \"[REDACTED]\"\n\
                    client_secret: \"[REDACTED]\"\ntoken_url: \"http://x\"\nbearer_token_file: /run/t\nhash:\n  \
                    key: \"[REDACTED]\"\n  length: 16\nkey: e\napi:\n  key: \"[REDACTED]\"\nenabled_token: true\n\
                    hmac_key: \"\"\ntls:\n  key_pem: \"[REDACTED]\"\n  key_file: h\n";
    assert_eq!(printed, expected);
    assert!(value(yaml).to_yaml(Mode::Unredacted).contains("client_secret: c\n"));
}

#[test]
fn a_secret_from_elsewhere_is_left_out_as_a_whole_whatever_it_looks_like() {
    let world = Map::default()
        .with_env("MAPPING", "s3: cret")
        .with_env("LIST", "[s3, cret]")
        .with_env("WORD", "true")
        .with_env("EMPTY", "")
        .with_env("HEADERS", "{ s3: cret }");
    let yaml = "password: '${env:MAPPING}'\nclient_secret: '${env:LIST}'\ntoken: '${env:WORD}'\n\
                api_key: '${env:EMPTY}'\nheaders: '${env:HEADERS}'\nplain: '${env:LIST}'\n";
    let (value, _) = Value::load("x.yaml".as_ref(), yaml, &world).unwrap();
    let expected = "password: \"[REDACTED]\"\nclient_secret: \"[REDACTED]\"\ntoken: \"[REDACTED]\"\napi_key: ~\n\
                    headers: \"[REDACTED]\"\nplain:\n  - s3\n  - cret\n";
    assert_eq!(value.to_yaml(Mode::Redacted), expected);
    assert!(value.to_yaml(Mode::Unredacted).contains("s3: cret"));
}

#[test]
fn users_of_urls_and_parameters_of_endpoints_are_left_out() {
    let yaml = "endpoint: https://me:s3cret@hub.example/a@b\nlist: ['http://s3cret@a:1,http://b/?c@d']\n\
                endpoint_params: { assertion: [s3cret] }\nmail: a@b.example\n";
    let expected = "endpoint: \"https://[REDACTED]@hub.example/a@b\"\nlist:\n  \
                    - \"http://[REDACTED]@a:1,http://b/?c@d\"\nendpoint_params:\n  assertion:\n    \
                    - \"[REDACTED]\"\nmail: a@b.example\n";
    assert_eq!(value(yaml).to_yaml(Mode::Redacted), expected);
    assert!(value(yaml).to_yaml(Mode::Unredacted).contains("me:s3cret@hub"));
}

#[test]
fn the_same_content_has_one_canonical_text_and_another_has_another() {
    let canonical = |yaml: &str| value(yaml).canonical();
    assert_eq!(canonical("{ a: 1, b: [x, 'y'] }"), canonical("b:\n- \"x\"\n- y\n# more\na: 1\n"));
    for other in ["{ a: '1', b: [x, y] }", "{ a: 1, b: [y, x] }", "{ a: 0x1, b: [x, y] }", "{ a: 1, b: [x, y], c: }"] {
        assert_ne!(canonical("{ a: 1, b: [x, y] }"), canonical(other), "{other}");
    }
}

fn anything() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof!["[ -~\\n\\t]{0,12}", "[a-z0-9.+:-]{0,6}", any::<String>()];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        text.clone().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        let entries = proptest::collection::btree_map(text.clone(), inner.clone(), 0..5);
        prop_oneof![
            proptest::collection::vec(inner, 0..5).prop_map(serde_json::Value::from),
            entries.prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_as_the_same(json in anything()) {
        let value = value(&json.to_string());
        let printed = value.to_yaml(Mode::Unredacted);
        let again = Value::load("again.yaml".as_ref(), &printed, &Map::default());
        let (again, _) = again.unwrap_or_else(|errors| panic!("{printed}\n{errors}"));
        prop_assert_eq!(again.canonical(), value.canonical(), "{}", printed);
    }
}
