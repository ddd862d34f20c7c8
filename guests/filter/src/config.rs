//! The configuration, under the Collector's keys: those of today, and those that it still takes.

use sdk_collector::pattern::{Pattern, indexed};
use sdk_ottl::{Conditions, Context, Groups, Mode};
use serde::{Deserialize, Serialize};
use tidegate_sdk::{Any, Error, Plan, Signal};

/// What the operator writes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    error_mode: Mode,
    trace_conditions: Groups,
    metric_conditions: Groups,
    log_conditions: Groups,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_conditions: Option<Any>,
    traces: Traces,
    metrics: Metrics,
    logs: Logs,
    #[serde(skip_serializing_if = "Option::is_none")]
    spans: Option<Any>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profiles: Option<Any>,
}

/// The older form, for traces.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Traces {
    resource: Vec<String>,
    span: Vec<String>,
    spanevent: Vec<String>,
}

/// The older form, for metrics.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Metrics {
    resource: Vec<String>,
    metric: Vec<String>,
    datapoint: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<MetricNames>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude: Option<MetricNames>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regexp: Option<Any>,
}

/// The older form, for logs.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Logs {
    resource: Vec<String>,
    log_record: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<Any>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude: Option<Any>,
}

/// Metrics by their names.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct MetricNames {
    match_type: String,
    metric_names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_attributes: Option<Any>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expressions: Option<Any>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regexp: Option<Any>,
}

impl Config {
    /// The conditions for a signal.
    ///
    /// # Errors
    /// What is wrong, or not served, by its key.
    pub(crate) fn conditions(self, signal: Signal, plan: &mut Plan) -> Result<Conditions, Error> {
        self.refuse()?;
        let mode = self.error_mode;
        let (key, groups) = match signal {
            Signal::Logs => ("log_conditions", self.log_conditions),
            Signal::Traces => ("trace_conditions", self.trace_conditions),
            Signal::Metrics => ("metric_conditions", self.metric_conditions),
        };
        let older: Vec<(&str, Vec<String>, Context)> = match signal {
            Signal::Logs => vec![
                ("logs.resource", self.logs.resource, Context::Resource),
                ("logs.log_record", self.logs.log_record, Context::Log),
            ],
            Signal::Traces => vec![
                ("traces.resource", self.traces.resource, Context::Resource),
                ("traces.span", self.traces.span, Context::Span),
                ("traces.spanevent", self.traces.spanevent, Context::SpanEvent),
            ],
            Signal::Metrics => vec![
                ("metrics.resource", self.metrics.resource, Context::Resource),
                ("metrics.metric", self.metrics.metric, Context::Metric),
                ("metrics.datapoint", self.metrics.datapoint, Context::DataPoint),
            ],
        };
        let mut conditions = Conditions::default();
        conditions.add_groups(signal, key, groups, mode)?;
        for (key, texts, context) in older {
            for (at, text) in texts.iter().enumerate() {
                conditions.add(signal, indexed(key, at), text, Some(context), mode)?;
            }
        }
        if signal == Signal::Metrics {
            let names = [("include", self.metrics.include, true), ("exclude", self.metrics.exclude, false)];
            for (key, names, is_kept) in names {
                let Some(names) = names else { continue };
                let key = ["metrics.", key].concat();
                let text = names.condition(&key, is_kept)?;
                conditions.add(signal, key, &text, Some(Context::Metric), mode)?;
            }
        }
        conditions.plan(plan);
        Ok(conditions)
    }

    /// Names what is not served.
    fn refuse(&self) -> Result<(), Error> {
        let of = |names: &Option<MetricNames>, key: &str| {
            let names = names.as_ref()?;
            let unserved = [&names.resource_attributes, &names.expressions].into_iter().any(Option::is_some);
            unserved.then(|| ["metrics.", key].concat())
        };
        let unserved = [
            self.profile_conditions.is_some().then_some("profile_conditions"),
            self.profiles.is_some().then_some("profiles"),
        ];
        if let Some(key) = unserved.into_iter().flatten().next() {
            return Err(Error::at(key, "profiles are not served; remove the key"));
        }
        let older = [
            (self.spans.is_some(), "spans", "trace_conditions"),
            (self.logs.include.is_some(), "logs.include", "log_conditions"),
            (self.logs.exclude.is_some(), "logs.exclude", "log_conditions"),
        ];
        if let Some((_, key, instead)) = older.iter().find(|(is_there, ..)| *is_there) {
            let problem = ["this older form is not served; write it as `", instead, "`"].concat();
            return Err(Error::at(key, &problem));
        }
        let metrics = of(&self.metrics.include, "include").or_else(|| of(&self.metrics.exclude, "exclude"));
        match metrics {
            Some(key) => Err(Error::at(
                &key,
                "of this older form `match_type` and `metric_names` are served; write the rest as `metric_conditions`",
            )),
            None => Ok(()),
        }
    }
}

impl MetricNames {
    /// The condition for a metric to go.
    fn condition(&self, key: &str, is_kept: bool) -> Result<String, Error> {
        let names_key = [key, ".metric_names"].concat();
        if self.metric_names.is_empty() {
            return Err(Error::at(&names_key, "is empty"));
        }
        let is_strict = match self.match_type.as_str() {
            "strict" => true,
            "regexp" => false,
            "expr" => {
                let problem = "`expr` is not served; write it as `metric_conditions`";
                return Err(Error::at(&[key, ".match_type"].concat(), problem));
            }
            _ => return Err(Error::at(&[key, ".match_type"].concat(), "has to be strict or regexp")),
        };
        let mut text = String::from(if is_kept { "not (" } else { "" });
        for (at, name) in self.metric_names.iter().enumerate() {
            if !is_strict {
                Pattern::new(indexed(&names_key, at), name)?;
            }
            let quoted = quoted(name);
            text.push_str(if at > 0 { " or " } else { "" });
            let parts = if is_strict { ["name == ", &quoted, ""] } else { ["IsMatch(name, ", &quoted, ")"] };
            text.extend(parts);
        }
        text.push_str(if is_kept { ")" } else { "" });
        Ok(text)
    }
}

/// A text as OTTL writes it.
fn quoted(text: &str) -> String {
    ["\"", &text.replace('\\', "\\\\").replace('"', "\\\""), "\""].concat()
}
