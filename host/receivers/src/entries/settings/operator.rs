//! What a user may write for one operator. The keys are the Collector's; which of them an operator has, its type says.

use std::time::Duration;

use host_config::Wrong;
use host_config::time::optional_duration;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::entries::expression::Expression;
use crate::entries::field::Field;

/// One operator.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Operator {
    pub r#type: String,
    /// What others name it by; its type where nothing is written.
    pub id: Option<String>,
    /// The operator that comes next; where nothing is written, the one below.
    pub output: Option<String>,
    pub r#if: Option<String>,
    pub on_error: OnError,
    pub parse_from: Option<String>,
    pub parse_to: Option<String>,
    /// `container`: `docker`, `crio`, `containerd`, or `auto`.
    pub format: Option<String>,
    pub add_metadata_from_filepath: Option<bool>,
    pub max_log_size: Option<Size>,
    pub regex: Option<String>,
    /// Taken for the Collector's sake: matching is fast without one.
    pub cache: Option<serde_json::Value>,
    pub parse_ints: Option<bool>,
    /// `syslog_parser`: `rfc3164`, `rfc5424`, or `none`.
    pub protocol: Option<String>,
    pub enable_octet_counting: Option<bool>,
    pub max_octets: Option<usize>,
    pub allow_skip_pri_header: Option<bool>,
    pub non_transparent_framing_trailer: Option<String>,
    pub timestamp: Option<Time>,
    pub severity: Option<Severity>,
    pub trace: Option<Trace>,
    pub layout: Option<String>,
    pub layout_type: Option<String>,
    pub location: Option<String>,
    pub preset: Option<String>,
    pub mapping: Option<serde_json::Map<String, serde_json::Value>>,
    pub overwrite_text: Option<bool>,
    pub trace_id: Option<From>,
    pub span_id: Option<From>,
    pub trace_flags: Option<From>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub field: Option<String>,
    pub value: Option<serde_json::Value>,
    pub fields: Option<Vec<String>>,
    pub expr: Option<String>,
    pub drop_ratio: Option<f64>,
    pub routes: Option<Vec<Route>>,
    pub default: Option<String>,
    pub combine_field: Option<String>,
    pub combine_with: Option<String>,
    pub is_first_entry: Option<String>,
    pub is_last_entry: Option<String>,
    pub max_batch_size: Option<usize>,
    pub max_unmatched_batch_size: Option<usize>,
    pub overwrite_with: Option<String>,
    #[serde(deserialize_with = "optional_duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub force_flush_period: Option<Duration>,
    pub source_identifier: Option<String>,
    pub max_sources: Option<usize>,
}

/// What becomes of an entry that an operator cannot work on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// It goes on as it is.
    #[default]
    Send,
    SendQuiet,
    Drop,
    DropQuiet,
}

/// A number of bytes, with a unit or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// `timestamp:` in a parser.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Time {
    pub parse_from: Option<String>,
    pub layout: Option<String>,
    pub layout_type: Option<String>,
    pub location: Option<String>,
}

/// `severity:` in a parser.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Severity {
    pub parse_from: Option<String>,
    pub preset: Option<String>,
    pub mapping: Option<serde_json::Map<String, serde_json::Value>>,
    pub overwrite_text: Option<bool>,
}

/// `trace:` in a parser.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Trace {
    pub trace_id: Option<From>,
    pub span_id: Option<From>,
    pub trace_flags: Option<From>,
}

/// A field to parse.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct From {
    pub parse_from: Option<String>,
}

/// One way out of a `router`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    pub expr: String,
    pub output: String,
}

const KNOWN: &[&str] = &[
    "container",
    "json_parser",
    "regex_parser",
    "syslog_parser",
    "severity_parser",
    "time_parser",
    "trace_parser",
    "recombine",
    "move",
    "copy",
    "add",
    "remove",
    "retain",
    "filter",
    "router",
    "noop",
];

/// Operators of the Collector's that are not here, with the way out.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (
        &["key_value_parser", "csv_parser", "uri_parser", "json_array_parser"],
        "parse with `regex_parser` here, or in a `transform` processor behind this receiver",
    ),
    (
        &["flatten", "unquote", "assign_keys", "regex_replace", "sanitize_utf8", "scope_name_parser"],
        "do it in a `transform` processor behind this receiver",
    ),
    (
        &[
            "file_input",
            "file_output",
            "stdin",
            "stdout",
            "syslog_input",
            "tcp_input",
            "udp_input",
            "journald_input",
            "windows_eventlog_input",
            "generate_input",
            "k8s_event_input",
        ],
        "a receiver has one input, its own, and one output, its pipelines",
    ),
];

impl Operator {
    /// The name that others have for it.
    pub(crate) fn name(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.r#type)
    }

    /// What makes no sense; `key` leads here.
    pub(crate) fn wrongs(&self, key: &str, names: &[&str]) -> Vec<Wrong> {
        let mut wrongs = Vec::new();
        let mut wrong = |at: &str, message: String| wrongs.push(Wrong::new(format!("{key}.{at}"), message));
        let kind = self.r#type.as_str();
        if !KNOWN.contains(&kind) {
            let instead = ELSEWHERE.iter().find(|(types, _)| types.contains(&kind)).map(|(_, instead)| *instead);
            let known = KNOWN.join(", ");
            wrong(
                "type",
                match instead {
                    Some(instead) => format!("the operator `{kind}` is not supported: {instead}"),
                    None => format!("there is no operator `{kind}`; there are {known}"),
                },
            );
            return wrongs;
        }
        let needs: &[(&str, bool)] = match kind {
            "regex_parser" => &[("regex", self.regex.is_none())],
            "severity_parser" => &[("parse_from", self.parse_from.is_none())],
            "time_parser" => &[("parse_from", self.parse_from.is_none()), ("layout", self.layout.is_none())],
            "move" | "copy" => &[("from", self.from.is_none()), ("to", self.to.is_none())],
            "add" => &[("field", self.field.is_none()), ("value", self.value.is_none())],
            "remove" => &[("field", self.field.is_none())],
            "retain" => &[("fields", self.fields.is_none())],
            "filter" => &[("expr", self.expr.is_none())],
            "router" => &[("routes", self.routes.is_none())],
            "recombine" => &[("combine_field", self.combine_field.is_none())],
            _ => &[],
        };
        for (at, _) in needs.iter().filter(|(_, is_missing)| *is_missing) {
            wrong(at, format!("`{kind}` needs `{at}`"));
        }
        if kind == "recombine" && self.is_first_entry.is_some() == self.is_last_entry.is_some() {
            wrong("is_first_entry", "write one of `is_first_entry` and `is_last_entry`".to_owned());
        }
        let fields = [
            ("parse_from", &self.parse_from),
            ("parse_to", &self.parse_to),
            ("from", &self.from),
            ("to", &self.to),
            ("field", &self.field),
            ("combine_field", &self.combine_field),
            ("source_identifier", &self.source_identifier),
        ];
        for (at, text) in fields {
            if let Some(Err(error)) = text.as_deref().map(Field::parse) {
                wrong(at, error);
            }
        }
        for field in self.fields.iter().flatten() {
            if let Err(error) = Field::parse(field) {
                wrong("fields", error);
            }
        }
        let expressions = [
            ("if", &self.r#if),
            ("expr", &self.expr),
            ("is_first_entry", &self.is_first_entry),
            ("is_last_entry", &self.is_last_entry),
        ];
        for (at, text) in expressions {
            if let Some(Err(error)) = text.as_deref().map(Expression::parse) {
                wrong(at, error);
            }
        }
        for route in self.routes.iter().flatten() {
            if let Err(error) = Expression::parse(&route.expr) {
                wrong("routes", error);
            }
        }
        let outputs = self.routes.iter().flatten().map(|route| &route.output).chain(&self.output).chain(&self.default);
        for output in outputs.filter(|output| !names.contains(&output.as_str())) {
            wrong("output", format!("no operator below has the id {output:?}"));
        }
        if let Some(value) =
            self.value.as_ref().and_then(serde_json::Value::as_str).filter(|text| text.starts_with("EXPR("))
        {
            wrong(
                "value",
                format!("{value} is computed: write a fixed value, or `move` and `copy` what is to stand there"),
            );
        }
        if let Some(format) =
            self.format.as_deref().filter(|format| !["", "auto", "docker", "crio", "containerd"].contains(format))
        {
            wrong("format", format!("{format:?} is none of `auto`, `docker`, `crio` and `containerd`"));
        }
        wrongs
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Size::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no size such as `1MiB` or `1048576`")))
    }
}

impl JsonSchema for Size {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "integer"], "examples": ["1MiB", 1_048_576] })
    }
}

impl Size {
    fn parse(text: &str) -> Option<Size> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let scale = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => 1 << 10,
            "kb" => 1_000,
            "m" | "mib" => 1 << 20,
            "mb" => 1_000_000,
            "g" | "gib" => 1 << 30,
            "gb" => 1_000_000_000,
            _ => return None,
        };
        let number: f64 = number.parse().ok()?;
        Some(Size((number * scale as f64) as u64))
    }
}
