//! How metrics are made of what was found: each is described once, can be switched on and off by name, and gets its points one
//! by one.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use host_config::{Wrong, nearest};
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use schemars::JsonSchema;
use serde::Deserialize;

/// What a metric is, whatever its points say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    pub name: &'static str,
    pub description: &'static str,
    pub unit: &'static str,
    pub kind: Kind,
    /// Whether it is there where nobody says so.
    pub enabled: bool,
    /// What its points are told apart by only where somebody says so, besides their state.
    pub per: Option<&'static str>,
}

impl Spec {
    /// One that is there where nobody says so.
    pub const fn new(kind: Kind, name: &'static str, unit: &'static str, description: &'static str) -> Self {
        Spec { name, description, unit, kind, enabled: true, per: None }
    }

    /// The same, where it is there only if somebody wants it.
    pub const fn optional(self) -> Self {
        Spec { enabled: false, ..self }
    }

    /// The same, where its points may be told apart by this attribute, too.
    pub const fn per(self, attribute: &'static str) -> Self {
        Spec { per: Some(attribute), ..self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Gauge,
    /// A cumulative sum that goes up and down.
    Sum,
    /// A cumulative sum that only grows.
    Counter,
}

/// What stands under the name of a metric in `metrics:`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Switch {
    pub enabled: Option<bool>,
    /// What its points are told apart by; where nothing is written, what they always are.
    pub attributes: Option<Vec<String>>,
    /// How points become one that are not told apart.
    pub aggregation_strategy: Option<String>,
}

impl Switch {
    /// What makes no sense for this metric; `at` leads here.
    fn wrongs(&self, at: &str, spec: &Spec) -> Vec<Wrong> {
        const NONE: &str = "it cannot be chosen for this metric: a `transform` processor joins points";
        let mut wrongs = Vec::new();
        if let Some(attributes) = &self.attributes {
            let known: Vec<&str> = spec.per.into_iter().chain(["state"]).collect();
            let told = match spec.per {
                None => Some(NONE.to_owned()),
                Some(_) if !attributes.iter().any(|name| name == "state") => Some("`state` has to be there".to_owned()),
                Some(_) => {
                    let unknown = attributes.iter().find(|name| !known.contains(&name.as_str()));
                    unknown.map(|name| format!("{name:?} is none of {known:?}"))
                }
            };
            wrongs.extend(told.map(|told| Wrong::new(format!("{at}.attributes"), told)));
        }
        if let Some(strategy) = &self.aggregation_strategy {
            let only = if spec.kind == Kind::Gauge { "avg" } else { "sum" };
            let told = match spec.per {
                None => Some(NONE.to_owned()),
                Some(_) if strategy != only => {
                    Some(format!("{strategy:?} is not supported for this metric: `{only}` is"))
                }
                Some(_) => None,
            };
            wrongs.extend(told.map(|told| Wrong::new(format!("{at}.aggregation_strategy"), told)));
        }
        wrongs
    }
}

/// `metrics:`, which of them are wanted, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Choices(BTreeMap<String, Switch>);

impl Choices {
    /// Names that are none of a metric of these; keys start at `at`.
    pub fn wrongs(&self, at: &str, specs: &[Spec]) -> Vec<Wrong> {
        let names = || specs.iter().map(|spec| spec.name);
        let of = |(name, switch): (&String, &Switch)| match specs.iter().find(|spec| spec.name == name) {
            Some(spec) => switch.wrongs(&format!("{at}.{name}"), spec),
            None => {
                let near = nearest(name, names()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                vec![Wrong::new(format!("{at}.{name}"), format!("there is no such metric here{near}"))]
            }
        };
        self.0.iter().flat_map(of).collect()
    }

    /// Whether the points of a metric are told apart by what it may be told apart by.
    pub fn is_told_apart(&self, spec: &Spec) -> bool {
        let written = self.0.get(spec.name).and_then(|switch| switch.attributes.as_ref());
        written.is_some_and(|attributes| attributes.iter().any(|name| Some(name.as_str()) == spec.per))
    }

    pub fn is_on(&self, spec: &Spec) -> bool {
        self.0.get(spec.name).and_then(|switch| switch.enabled).unwrap_or(spec.enabled)
    }
}

/// The value of a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Int(i64),
    Double(f64),
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Number::Int(value)
    }
}

/// What does not fit is as much as does.
impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Number::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        Number::Int(value.into())
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Number::Double(value)
    }
}

/// Takes points of one scope, at one time.
pub struct Recorder<'a> {
    choices: &'a Choices,
    /// Since when sums are summed up, and when they were read: nanoseconds since the Unix epoch.
    start: u64,
    time: u64,
    metrics: Vec<Metric>,
}

impl<'a> Recorder<'a> {
    pub fn new(choices: &'a Choices, start: u64, time: u64) -> Self {
        Recorder { choices, start, time, metrics: Vec::new() }
    }

    /// Whether points of this metric are wanted.
    pub fn wants(&self, spec: &Spec) -> bool {
        self.choices.is_on(spec)
    }

    /// Adds a point, where its metric is wanted.
    pub fn record(&mut self, spec: &Spec, value: impl Into<Number>, attributes: &[(&str, &str)]) {
        self.record_with(spec, value, || attributes.iter().map(|(key, value)| attribute(key, *value)).collect());
    }

    /// As [`Recorder::record`], with attributes that are not all texts.
    pub fn record_with(&mut self, spec: &Spec, value: impl Into<Number>, attributes: impl FnOnce() -> Vec<KeyValue>) {
        if !self.wants(spec) {
            return;
        }
        let value = match value.into() {
            Number::Int(value) => Value::AsInt(value),
            Number::Double(value) => Value::AsDouble(value),
        };
        let start_time_unix_nano = if spec.kind == Kind::Gauge { 0 } else { self.start };
        let point = NumberDataPoint {
            attributes: attributes(),
            start_time_unix_nano,
            time_unix_nano: self.time,
            value: Some(value),
            ..NumberDataPoint::default()
        };
        if let Some(metric) = self.metrics.iter_mut().rev().find(|metric| metric.name == spec.name) {
            match &mut metric.data {
                Some(Data::Gauge(gauge)) => gauge.data_points.push(point),
                Some(Data::Sum(sum)) => sum.data_points.push(point),
                _ => {}
            }
            return;
        }
        let data_points = vec![point];
        let data = match spec.kind {
            Kind::Gauge => Data::Gauge(Gauge { data_points }),
            Kind::Sum | Kind::Counter => Data::Sum(Sum {
                data_points,
                aggregation_temporality: AggregationTemporality::Cumulative.into(),
                is_monotonic: spec.kind == Kind::Counter,
            }),
        };
        self.metrics.push(Metric {
            name: spec.name.to_owned(),
            description: spec.description.to_owned(),
            unit: spec.unit.to_owned(),
            data: Some(data),
            ..Metric::default()
        });
    }

    /// The metrics that have points, in the order in which they came.
    pub fn finish(self) -> Vec<Metric> {
        self.metrics
    }
}

/// Metrics of one resource under one scope, whose version is that of this program.
pub fn resource(attributes: Vec<KeyValue>, scope: &str, schema_url: &str, metrics: Vec<Metric>) -> ResourceMetrics {
    let scope = InstrumentationScope {
        name: scope.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    ResourceMetrics {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_metrics: vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }],
        schema_url: schema_url.to_owned(),
    }
}

/// An attribute that is text.
pub fn attribute(key: &str, value: impl Into<String>) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(value.into())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// Nanoseconds since the Unix epoch.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
