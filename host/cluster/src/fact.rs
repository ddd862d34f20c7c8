//! What is told of an object: the attributes of a resource, and facts, each a point of a metric. What nobody wants is not kept.

use std::sync::Arc;

use host_periodic::{Choices, Number, Recorder, Spec, attribute, resource};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics};

use crate::attribute::{Attribute, ResourceAttributes};

const SCOPE: &str = "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/k8sclusterreceiver";
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.18.0";

/// What is wanted, as the configuration has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) metrics: Choices,
    pub(crate) attributes: ResourceAttributes,
    /// Conditions and allocatable resources of nodes that have metrics of their own.
    pub(crate) conditions: Vec<Own>,
    pub(crate) allocatable: Vec<Own>,
}

/// A metric that is named by the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    /// What it is of, as a node calls it.
    pub(crate) of: String,
    name: Arc<str>,
    unit: Arc<str>,
    description: Arc<str>,
}

impl Own {
    pub(crate) fn condition(of: &str) -> Self {
        Own {
            of: of.to_owned(),
            name: format!("k8s.node.condition_{}", snake(of)).into(),
            unit: "".into(),
            description: format!("{of} condition status of the node (true=1, false=0, unknown=-1)").into(),
        }
    }

    pub(crate) fn allocatable(of: &str) -> Self {
        let unit = match of {
            "cpu" => "{cpu}".to_owned(),
            "memory" | "ephemeral-storage" | "storage" => "By".to_owned(),
            "pods" => "{pod}".to_owned(),
            other => format!("{{{other}}}"),
        };
        Own {
            of: of.to_owned(),
            name: format!("k8s.node.allocatable_{}", snake(of)).into(),
            unit: unit.into(),
            description: format!("Amount of {of} allocatable on the node").into(),
        }
    }
}

/// What is told of one resource.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    attributes: Box<[(Attribute, Arc<str>)]>,
    facts: Box<[Fact]>,
}

#[derive(Clone, Debug)]
struct Fact {
    measure: Measure,
    value: Number,
    label: Option<(&'static str, Arc<str>)>,
}

#[derive(Clone, Debug)]
enum Measure {
    Spec(&'static Spec),
    Own(Own),
}

/// Gathers what is told of one resource.
pub(crate) struct Telling<'p> {
    plan: &'p Plan,
    attributes: Vec<(Attribute, Arc<str>)>,
    facts: Vec<Fact>,
}

impl<'p> Telling<'p> {
    pub(crate) fn new(plan: &'p Plan) -> Self {
        Telling { plan, attributes: Vec::new(), facts: Vec::new() }
    }

    /// An attribute of the resource, where it says something and is wanted.
    pub(crate) fn about(mut self, attribute: Attribute, value: Option<&str>) -> Self {
        if let Some(value) = value.filter(|value| !value.is_empty() && self.plan.attributes.is_on(attribute)) {
            self.attributes.push((attribute, value.into()));
        }
        self
    }

    pub(crate) fn fact(&mut self, spec: &'static Spec, value: impl Into<Number>) {
        self.labelled(spec, value, None);
    }

    /// A fact of which there are more, told apart by this label.
    pub(crate) fn fact_of(&mut self, spec: &'static Spec, value: impl Into<Number>, key: &'static str, label: &str) {
        self.labelled(spec, value, Some((key, label)));
    }

    fn labelled(&mut self, spec: &'static Spec, value: impl Into<Number>, label: Option<(&'static str, &str)>) {
        if self.plan.metrics.is_on(spec) {
            let label = label.map(|(key, value)| (key, value.into()));
            self.facts.push(Fact { measure: Measure::Spec(spec), value: value.into(), label });
        }
    }

    pub(crate) fn own(&mut self, own: &Own, value: impl Into<Number>) {
        self.facts.push(Fact { measure: Measure::Own(own.clone()), value: value.into(), label: None });
    }

    /// Nothing where there is no fact.
    pub(crate) fn end(self) -> Option<Told> {
        let Telling { attributes, facts, .. } = self;
        (!facts.is_empty()).then(|| Told { attributes: attributes.into(), facts: facts.into() })
    }
}

impl Told {
    /// As OTLP, with sums since `start`, at `time`: nanoseconds since the Unix epoch.
    pub(crate) fn at(&self, plan: &Plan, start: u64, time: u64) -> ResourceMetrics {
        let mut recorder = Recorder::new(&plan.metrics, start, time);
        let mut own = Vec::new();
        for fact in &self.facts {
            match &fact.measure {
                Measure::Spec(spec) => {
                    let label: Vec<(&str, &str)> = fact.label.iter().map(|(key, value)| (*key, &**value)).collect();
                    recorder.record(spec, fact.value, &label);
                }
                Measure::Own(measure) => own.push(gauge(measure, fact.value, time)),
            }
        }
        let attributes = self.attributes.iter().map(|(key, value)| attribute(key.key(), &**value)).collect();
        let mut metrics = recorder.finish();
        metrics.extend(own);
        resource(attributes, SCOPE, SCHEMA, metrics)
    }
}

fn gauge(own: &Own, value: Number, time: u64) -> Metric {
    let value = match value {
        Number::Int(value) => Value::AsInt(value),
        Number::Double(value) => Value::AsDouble(value),
    };
    let point = NumberDataPoint { time_unix_nano: time, value: Some(value), ..NumberDataPoint::default() };
    Metric {
        name: own.name.to_string(),
        description: own.description.to_string(),
        unit: own.unit.to_string(),
        data: Some(Data::Gauge(Gauge { data_points: vec![point] })),
        ..Metric::default()
    }
}

/// A name of Kubernetes as part of that of a metric: `MemoryPressure` is `memory_pressure`, `hugepages-2Mi` `hugepages_2_mi`.
pub(crate) fn snake(name: &str) -> String {
    #[derive(PartialEq)]
    enum Class {
        Upper,
        Lower,
        Digit,
        Other,
    }
    let class = |c: char| match c {
        'A'..='Z' => Class::Upper,
        'a'..='z' => Class::Lower,
        '0'..='9' => Class::Digit,
        _ => Class::Other,
    };
    let chars: Vec<char> = name.trim().chars().collect();
    let mut out = String::with_capacity(name.len() + 8);
    for (at, c) in chars.iter().enumerate() {
        if matches!(c, ' ' | '_' | '-' | '.') {
            out.push('_');
            continue;
        }
        let here = class(*c);
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).map(|c| class(*c));
        let next = chars.get(at + 1).map(|c| class(*c));
        // The last capital of some begins a word: `JSONData` is `json_data`.
        let begins = match (&before, &here) {
            (Some(Class::Lower | Class::Digit), Class::Upper) | (Some(Class::Digit), Class::Lower) => true,
            (Some(Class::Lower | Class::Upper), Class::Digit) => true,
            (Some(Class::Upper), Class::Upper) => next == Some(Class::Lower),
            _ => false,
        };
        if begins {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}
