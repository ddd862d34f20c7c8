//! Any text is read, expanded, decoded and validated, or refused: nothing panics, hangs or grows without bound.
#![no_main]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use host_component::{ComponentId, Kind, Signal};
use host_config::{Catalog, Errors, Lookup, Map, Telemetry, Value, load, validate};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;

/// Something of every kind that a component's configuration may hold.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Everything {
    _text: Option<String>,
    _map: BTreeMap<u16, Everything>,
    _list: Vec<Option<f64>>,
    _choice: Choice,
    #[serde(deserialize_with = "host_config::time::duration")]
    _duration: Duration,
    _pair: (i8, char),
}

#[derive(Default, Deserialize)]
enum Choice {
    #[default]
    None,
    #[expect(dead_code, reason = "it is decoded and never looked at")]
    One(bool),
    Many {
        _a: Box<Everything>,
    },
}

struct Any;

impl Catalog for Any {
    fn lookup(&self, _: Kind, _: &str) -> Lookup {
        Lookup::Known { canonical: "any", deprecated_alias: true, signals: &[Signal::Logs] }
    }

    fn check(&self, _: Kind, _: &ComponentId, value: &Value, errors: &mut Errors) {
        if let Err(wrong) = value.decode::<Everything>() {
            assert!(!wrong.is_empty(), "a failure says why");
            errors.extend(wrong);
        }
        let _ = value.decode::<serde_json::Value>();
        let _ = value.decode::<Telemetry>();
    }
}

fuzz_target!(|text: &str| {
    let world = Map::default().with_file("c", text).with_file("f", text).with_env("e", text);
    if let Ok(document) = load(Path::new("c"), &world) {
        if let Err(errors) = validate(document, &Any) {
            assert!(!errors.to_string().is_empty());
        }
    }
});
