//! Data as a plain page: a list of objects is a table, an object a list of names and values.

use std::fmt::Write as _;

use serde_json::{Map, Value};

const STYLE: &str = "body{font:14px sans-serif;margin:1em}table{border-collapse:collapse}td,th{border:1px solid #bbb;\
                     padding:.2em .5em;text-align:left;vertical-align:top}th{background:#eee}dt{font-weight:bold}\
                     dd{margin:0 0 .3em 1em}";

/// The page.
pub(super) fn html(title: &str, data: &Value) -> String {
    let mut out = format!("<!doctype html><html><head><meta charset=\"utf-8\"><title>{}</title>", escaped(title));
    let _ = write!(out, "<style>{STYLE}</style></head><body><h1>{}</h1>", escaped(title));
    value(data, &mut out);
    out.push_str("</body></html>\n");
    out
}

fn value(data: &Value, out: &mut String) {
    match data {
        Value::Null => out.push('–'),
        Value::Bool(truth) => out.push_str(if *truth { "yes" } else { "no" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => out.push_str(&escaped(text)),
        Value::Array(list) => array(list, out),
        Value::Object(object) => entries(object, out),
    }
}

fn array(list: &[Value], out: &mut String) {
    let Some(Value::Object(first)) = list.first() else {
        for (i, item) in list.iter().enumerate() {
            out.push_str(if i > 0 { "<br>" } else { "" });
            value(item, out);
        }
        return;
    };
    out.push_str("<table><tr>");
    for name in first.keys() {
        let _ = write!(out, "<th>{}</th>", escaped(name));
    }
    out.push_str("</tr>");
    for item in list {
        out.push_str("<tr>");
        for name in first.keys() {
            out.push_str("<td>");
            value(item.get(name).unwrap_or(&Value::Null), out);
            out.push_str("</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</table>");
}

fn entries(object: &Map<String, Value>, out: &mut String) {
    out.push_str("<dl>");
    for (name, data) in object {
        let _ = write!(out, "<dt>{}</dt><dd>", escaped(name));
        value(data, out);
        out.push_str("</dd>");
    }
    out.push_str("</dl>");
}

/// Text that stands for itself wherever it is put.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, character| {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            character => out.push(character),
        }
        out
    })
}

#[cfg(test)]
mod tests;
