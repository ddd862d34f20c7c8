//! `tidegate schema`: a JSON Schema of the configuration, for editors that check and complete while one types.
//!
//! Sections come from the types that decode them. They are widened by what the decoder takes besides: a reference such as
//! `${env:PORT}` for any value, nothing for a mapping or a list, a number or a switch for a text, and letters of either
//! case in a word.

use std::io::{self, Write as _};

use host_component::{Kind, Signal};
use host_config::telemetry::Elsewhere;
use host_config::{Limits, Telemetry};
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema as _, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::catalog::entries;

/// What every value may be instead.
const REFERENCE: &str = r"\$\{";
/// What stands behind a type where there are several of it.
const NAME: &str = "(/.+)?";

/// Prints it.
///
/// # Errors
/// When standard output is gone.
pub(crate) fn print() -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{:#}", schema())?;
    Ok(())
}

/// The schema.
fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut sections = Map::new();
    for kind in [Kind::Receiver, Kind::Processor, Kind::Exporter, Kind::Connector, Kind::Extension] {
        sections.insert(format!("{kind}s"), components(kind, &mut generator));
    }
    sections.insert("modules".to_owned(), generator.subschema_for::<host_modules::ModulesSection>().into());
    sections.insert("service".to_owned(), service(&mut generator));
    let tls = Value::from(generator.subschema_for::<host_tls::ServerConfig>());
    generator.definitions_mut().insert(Elsewhere::schema_name().into_owned(), tls);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tidegate",
        "description": format!("The configuration of tidegate {}", env!("CARGO_PKG_VERSION")),
        "type": "object",
        "properties": sections,
        // Outermost keys such as `exporters::debug` stand for several.
        "patternProperties": { "::": true },
        "additionalProperties": false,
        "$defs": generator.take_definitions(true),
    });
    if let Ok(schema) = <&mut Schema>::try_from(&mut schema) {
        Widen.transform(schema);
    }
    schema
}

/// The components of one kind, by their ids: each type under all of its names.
fn components(kind: Kind, generator: &mut SchemaGenerator) -> Value {
    let mut types = Map::new();
    for entry in entries().filter(|entry| entry.kind == kind) {
        let section = Value::from((entry.schema)(generator));
        for name in entry.names() {
            let mut section = section.clone();
            if name != entry.r#type {
                section["deprecated"] = true.into();
                section["description"] = format!("The older name of `{}`.", entry.r#type).into();
            }
            types.insert(format!("^{name}{NAME}$"), section);
        }
    }
    json!({ "type": "object", "patternProperties": types, "additionalProperties": false })
}

fn service(generator: &mut SchemaGenerator) -> Value {
    let ids = |description: &str| json!({ "type": "array", "items": { "type": "string" }, "description": description });
    let signals = Signal::ALL.map(Signal::name).join("|");
    let pipeline = json!({
        "type": "object",
        "properties": {
            "receivers": ids("Where its data comes from."),
            "processors": ids("What its data passes, in this order."),
            "exporters": ids("Where data goes for which no route was chosen."),
            "routes": {
                "type": "object",
                "additionalProperties": ids("Exporters that a processor may choose by this name."),
            },
        },
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "properties": {
            "telemetry": generator.subschema_for::<Telemetry>(),
            "limits": generator.subschema_for::<Limits>(),
            "extensions": ids("The extensions that run."),
            "pipelines": {
                "type": "object",
                "patternProperties": { format!("^({signals}){NAME}$"): pipeline },
                "additionalProperties": false,
            },
        },
        "additionalProperties": false,
    })
}

/// Makes a schema of what a type holds one of what may be written for it.
struct Widen;

impl Transform for Widen {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        // The formats of numbers are Rust's own.
        object.remove("format");
        // A reference fits all words of a list, and is no mistake.
        if let Some(alternatives) = object.remove("oneOf") {
            object.insert("anyOf".to_owned(), alternatives);
        }
        if let Some(words) = object.remove("enum") {
            widen_words(object, &words);
        } else if let Some(word) = object.remove("const") {
            widen_words(object, &json!([word]));
        } else if object.contains_key("$schema") {
            // The document itself is a mapping and nothing else.
        } else if let Some(types) = object.remove("type") {
            widen_types(object, types);
        }
    }
}

/// A word of a list, in letters of either case. The list is for completion.
fn widen_words(object: &mut Map<String, Value>, words: &Value) {
    object.remove("type");
    let patterns: Vec<String> =
        words.as_array().into_iter().flatten().filter_map(Value::as_str).map(either_case).collect();
    let pattern = format!("^({})$|{REFERENCE}", patterns.join("|"));
    object.insert("anyOf".to_owned(), json!([{ "enum": words }, { "type": "string", "pattern": pattern }]));
}

fn either_case(word: &str) -> String {
    let letter = |c: char| match c.is_ascii_alphabetic() {
        true => format!("[{}{}]", c.to_ascii_lowercase(), c.to_ascii_uppercase()),
        false => c.to_string(),
    };
    word.chars().map(letter).collect()
}

fn widen_types(object: &mut Map<String, Value>, types: Value) {
    let mut types: Vec<String> = match types {
        Value::String(one) => vec![one],
        several => serde_json::from_value(several).unwrap_or_default(),
    };
    let has = |types: &[String], name: &str| types.iter().any(|known| known == name);
    let more: &[&str] = if has(&types, "string") {
        // A text of a certain form is no number.
        if object.contains_key("pattern") { &[] } else { &["number", "boolean"] }
    } else if has(&types, "object") || has(&types, "array") {
        &["null", "string"]
    } else {
        &["string"]
    };
    let is_text = has(&types, "string");
    for name in more.iter().filter(|name| !has(&types, name)).collect::<Vec<_>>() {
        types.push((*name).to_owned());
    }
    match object.remove("pattern") {
        Some(Value::String(pattern)) => {
            object.insert("pattern".to_owned(), format!("({pattern})|{REFERENCE}").into());
        }
        _ if !is_text => {
            object.insert("pattern".to_owned(), REFERENCE.into());
        }
        _ => {}
    }
    object.insert("type".to_owned(), types.into());
}

#[cfg(test)]
mod tests;
