//! The properties that items are matched by, as the operator writes them.

use serde::{Deserialize, Serialize};
use tidegate_sdk::{Any, Error, Plan, Signal};

use super::condition::{Build, Condition};
use crate::pattern::indexed;

/// What the operator writes under `include` or `exclude`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Properties {
    match_type: Option<MatchType>,
    /// For the Collector's cache of matches, which is not needed here.
    regexp: Option<Cache>,
    services: Vec<String>,
    span_names: Vec<String>,
    span_kinds: Vec<String>,
    log_bodies: Vec<String>,
    log_severity_texts: Vec<String>,
    log_severity_number: Option<Severity>,
    metric_names: Vec<String>,
    attributes: Vec<Attribute>,
    resources: Vec<Attribute>,
    libraries: Vec<Library>,
}

/// How texts are compared.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum MatchType {
    Strict,
    Regexp,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Cache {
    cacheenabled: bool,
    cachemaxnumentries: i64,
}

/// From which severity on a record matches.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Severity {
    pub(super) min: i64,
    pub(super) match_undefined: bool,
}

/// An attribute that has to be there, and its value where it matters.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Attribute {
    pub(super) key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<Any>,
}

/// A scope's name, and its version where it matters.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Library {
    name: String,
    version: Option<String>,
}

/// The conditions that these properties come down to in a signal.
pub(super) fn conditions(
    key: &str,
    properties: Properties,
    signal: Signal,
    plan: &mut Plan,
) -> Result<Vec<Condition>, Error> {
    properties.check(key, signal)?;
    let at = |name: &str| [key, ".", name].concat();
    let how = properties.match_type.ok_or_else(|| Error::at(&at("match_type"), "is missing: strict or regexp"))?;
    let mut build = Build::new(how, plan);
    if signal == Signal::Metrics {
        // As in the Collector, which takes `resources` and looks at names alone.
        build.texts(&at("metric_names"), "metric.name", &properties.metric_names)?;
        if !properties.resources.is_empty() {
            tidegate_sdk::warn!("{key}.resources does nothing for metrics, as in the Collector; match by metric_names");
        }
        return Ok(build.done());
    }
    build.services(&at("services"), &properties.services)?;
    build.texts(&at("span_names"), "span.name", &properties.span_names)?;
    build.kinds(&at("span_kinds"), &properties.span_kinds)?;
    build.bodies(&at("log_bodies"), &properties.log_bodies)?;
    build.texts(&at("log_severity_texts"), "log.severity_text", &properties.log_severity_texts)?;
    if let Some(severity) = properties.log_severity_number {
        build.severity(severity);
    }
    for (number, library) in properties.libraries.iter().enumerate() {
        let at = indexed(&at("libraries"), number);
        build.texts(&[&at, ".name"].concat(), "scope.name", std::slice::from_ref(&library.name))?;
        if let Some(version) = &library.version {
            build.texts(&[&at, ".version"].concat(), "scope.version", std::slice::from_ref(version))?;
        }
    }
    let items = if signal == Signal::Logs { "log.attributes" } else { "span.attributes" };
    for (name, map, list) in
        [("resources", "resource.attributes", properties.resources), ("attributes", items, properties.attributes)]
    {
        for (number, attribute) in list.into_iter().enumerate() {
            build.attribute(&indexed(&at(name), number), map, attribute)?;
        }
    }
    Ok(build.done())
}

impl Properties {
    /// Whether the signal has what is named, and something is.
    fn check(&self, key: &str, signal: Signal) -> Result<(), Error> {
        let (logs, traces, metrics) = (Signal::Logs, Signal::Traces, Signal::Metrics);
        let named: [(&str, bool, &[Signal]); 10] = [
            ("services", !self.services.is_empty(), &[traces]),
            ("span_names", !self.span_names.is_empty(), &[traces]),
            ("span_kinds", !self.span_kinds.is_empty(), &[traces]),
            ("log_bodies", !self.log_bodies.is_empty(), &[logs]),
            ("log_severity_texts", !self.log_severity_texts.is_empty(), &[logs]),
            ("log_severity_number", self.log_severity_number.is_some(), &[logs]),
            ("metric_names", !self.metric_names.is_empty(), &[metrics]),
            ("attributes", !self.attributes.is_empty(), &[logs, traces]),
            ("resources", !self.resources.is_empty(), &[logs, traces, metrics]),
            ("libraries", !self.libraries.is_empty(), &[logs, traces]),
        ];
        let of = match signal {
            Signal::Logs => "logs",
            Signal::Traces => "traces",
            Signal::Metrics => "metrics",
        };
        if let Some((name, ..)) = named.iter().find(|(_, given, signals)| *given && !signals.contains(&signal)) {
            let problem =
                [of, " cannot be matched by it; give pipelines of ", of, " a processor of their own"].concat();
            return Err(Error::at(&[key, ".", name].concat(), &problem));
        }
        if !named.iter().any(|(_, given, _)| *given) {
            let names: Vec<&str> =
                named.iter().filter(|(.., signals)| signals.contains(&signal)).map(|(name, ..)| *name).collect();
            return Err(Error::at(key, &["nothing is matched by it; give one of ", &names.join(", ")].concat()));
        }
        Ok(())
    }
}
