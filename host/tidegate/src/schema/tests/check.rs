//! As much of JSON Schema as our own schema uses; a keyword that is not known here is a failure of the test.

use regex::Regex;
use serde_json::{Map, Value};

/// Where `value` breaks `schema`, and how.
pub(super) fn problems(schema: &Value, value: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    Check { root: schema }.at("", schema, value, &mut problems);
    problems
}

struct Check<'a> {
    root: &'a Value,
}

impl Check<'_> {
    fn passes(&self, schema: &Value, value: &Value) -> bool {
        let mut problems = Vec::new();
        self.at("", schema, value, &mut problems);
        problems.is_empty()
    }

    fn at(&self, path: &str, schema: &Value, value: &Value, problems: &mut Vec<String>) {
        let schema = match schema {
            Value::Bool(true) => return,
            Value::Bool(false) => return problems.push(format!("{path} is unknown")),
            schema => schema.as_object().expect("a schema is a mapping or a boolean"),
        };
        for (keyword, wanted) in schema {
            if let Some(broken) = self.broken(keyword, wanted, path, value, problems) {
                problems.push(format!("{path} {broken}"));
            }
        }
        if let Some(object) = value.as_object() {
            self.entries(path, schema, object, problems);
        }
    }

    fn broken(
        &self,
        keyword: &str,
        wanted: &Value,
        path: &str,
        value: &Value,
        problems: &mut Vec<String>,
    ) -> Option<String> {
        match keyword {
            "$ref" => {
                let target = wanted.as_str().and_then(|target| target.strip_prefix('#')).expect("it is in this schema");
                self.at(path, self.root.pointer(target).expect("it is there"), value, problems);
                None
            }
            "type" => {
                let types = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                let fits = types.iter().filter_map(Value::as_str).any(|name| is_type(name, value));
                (!fits).then(|| format!("is {value}, no {wanted}"))
            }
            "enum" => (!wanted.as_array().expect("a list").contains(value)).then(|| format!("is none of {wanted}")),
            "anyOf" => {
                let fits = wanted.as_array().expect("a list").iter().any(|schema| self.passes(schema, value));
                (!fits).then(|| format!("is {value}, none of {wanted}"))
            }
            "pattern" => {
                let pattern = Regex::new(wanted.as_str().expect("a text")).expect("a pattern");
                let fits = value.as_str().is_none_or(|text| pattern.is_match(text));
                (!fits).then(|| format!("is {value}, not like {wanted}"))
            }
            "minimum" => (value.as_f64() < wanted.as_f64() && value.is_number()).then(|| format!("is under {wanted}")),
            "maximum" => (value.as_f64() > wanted.as_f64() && value.is_number()).then(|| format!("is over {wanted}")),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.at(&format!("{path}[{index}]"), wanted, item, problems);
                }
                None
            }
            "properties" | "patternProperties" | "additionalProperties" | "required" => None,
            "$schema" | "$defs" | "title" | "description" | "default" | "deprecated" | "examples" => None,
            other => panic!("the keyword {other} is not known here"),
        }
    }

    fn entries(
        &self,
        path: &str,
        schema: &Map<String, Value>,
        object: &Map<String, Value>,
        problems: &mut Vec<String>,
    ) {
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                problems.push(format!("{path} has no {name}"));
            }
        }
        for (key, value) in object {
            let path = format!("{path}.{key}");
            let mut is_known = false;
            if let Some(schema) = schema.get("properties").and_then(|properties| properties.get(key)) {
                is_known = true;
                self.at(&path, schema, value, problems);
            }
            let patterns = schema.get("patternProperties").and_then(Value::as_object);
            for (pattern, schema) in patterns.into_iter().flatten() {
                if Regex::new(pattern).expect("a pattern").is_match(key) {
                    is_known = true;
                    self.at(&path, schema, value, problems);
                }
            }
            if let Some(schema) = schema.get("additionalProperties").filter(|_| !is_known) {
                self.at(&path, schema, value, problems);
            }
        }
    }
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    }
}
