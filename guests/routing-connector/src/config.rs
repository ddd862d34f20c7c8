//! The configuration, under the Collector's keys.

use sdk_ottl::{Conditions, Context, Mode};
use serde::{Deserialize, Serialize};
use tidegate_sdk::{Error, Plan, RouteId, Signal};

use crate::request::Request;

/// What the operator writes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    default_pipelines: Vec<String>,
    error_mode: Mode,
    table: Vec<RowConfig>,
}

/// A row of the table.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct RowConfig {
    #[serde(skip_serializing_if = "String::is_empty")]
    context: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    condition: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    statement: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    action: String,
    pipelines: Vec<String>,
}

/// A row that is ready.
pub(crate) struct Row {
    pub(crate) test: Test,
    pub(crate) route: RouteId,
}

/// What a row asks.
pub(crate) enum Test {
    Request(Request),
    /// The number of the condition.
    Rows(usize),
}

/// The keys of request metadata that a configuration looks at, in lower case.
pub fn request_keys(config: &Config) -> Vec<String> {
    let rows = config.table.iter().filter(|row| row.context == "request");
    rows.filter_map(|row| Some(Request::parse(row.text().ok()?).ok()?.key)).collect()
}

impl RowConfig {
    /// The condition: as such, or out of the older `route() where …`.
    fn text(&self) -> Result<&str, &'static str> {
        match (self.condition.trim(), self.statement.trim()) {
            ("", "") => Err("has neither a condition nor a statement"),
            (condition, "") => Ok(condition),
            ("", statement) => {
                let rest = statement.strip_prefix("route()").map(str::trim_start);
                let rest = rest.and_then(|rest| rest.strip_prefix("where"));
                match rest.filter(|rest| rest.starts_with(char::is_whitespace)) {
                    Some(condition) => Ok(condition.trim_start()),
                    None => Err("has a statement that is not `route() where` and a condition"),
                }
            }
            _ => Err("has both a condition and a statement"),
        }
    }

    fn key(&self) -> &'static str {
        if self.statement.trim().is_empty() { ".condition" } else { ".statement" }
    }
}

impl Config {
    pub(crate) fn compile(
        self,
        signal: Signal,
        conditions: &mut Conditions,
        plan: &mut Plan,
    ) -> Result<(Vec<Row>, Option<RouteId>), Error> {
        if self.table.is_empty() {
            return Err(Error::at("table", "is empty; name at least one route"));
        }
        let mut table = Vec::new();
        for (at, row) in self.table.iter().enumerate() {
            let key = ["table[", &at.to_string(), "]"].concat();
            let refuse = |under: &str, problem: &str| Error::at(&[&key, under].concat(), problem);
            let text = row.text().map_err(|problem| refuse("", problem))?;
            match row.action.as_str() {
                "" | "move" => {}
                "copy" => {
                    return Err(refuse(".action", "`copy` is not served; list the pipelines of both routes in one"));
                }
                _ => return Err(refuse(".action", "has to be `move`")),
            }
            if row.pipelines.is_empty() {
                return Err(refuse(".pipelines", "is empty; name at least one pipeline"));
            }
            let route = plan.route(&row.pipelines.join(", "));
            let text_key = [&key, row.key()].concat();
            let context = match row.context.to_ascii_lowercase().as_str() {
                "request" => {
                    let request = Request::parse(text).map_err(|problem| Error::at(&text_key, problem))?;
                    table.push(Row { test: Test::Request(request), route });
                    continue;
                }
                "" => None,
                name => match Context::named(name) {
                    Some(context) => Some(context),
                    None => {
                        return Err(refuse(
                            ".context",
                            "is none of resource, span, metric, datapoint, log and request",
                        ));
                    }
                },
            };
            // A row that is about another signal's items says nothing of this one's.
            if context.is_some_and(|context| !Context::of(signal).contains(&context)) {
                continue;
            }
            let context = context.or_else(|| (!names_context(text)).then_some(Context::Resource));
            let number = conditions.len();
            conditions.add(signal, text_key, text, context, self.error_mode)?;
            table.push(Row { test: Test::Rows(number), route });
        }
        let default = (!self.default_pipelines.is_empty()).then(|| plan.route(&self.default_pipelines.join(", ")));
        Ok((table, default))
    }
}

/// Whether a text may name its context itself.
fn names_context(text: &str) -> bool {
    ["resource.", "scope.", "log.", "span.", "metric.", "datapoint."].iter().any(|context| text.contains(context))
}
