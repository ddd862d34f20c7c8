//! The connectors of a document: each ends pipelines and begins others, and never leads back to where its data came from.

use std::collections::{BTreeMap, BTreeSet};

use host_component::{ComponentId, Kind, PipelineId, Signal};

use super::references::Signals;
use crate::catalog::Catalog;
use crate::document::{Component, Document, DocumentPipeline, Reference};
use crate::nearest::hint;
use crate::problem::{Errors, Problem};
use crate::value::Value;

/// What stands between the pipelines in the name of a route.
const BETWEEN: &str = ", ";

/// Where a connector hands on the data of one signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Junction {
    /// The pipelines that have it as a receiver.
    pub pipelines: Vec<PipelineId>,
    /// The routes among which it chooses, each with the pipelines that it leads to; none where all of its data goes to all of
    /// its pipelines.
    pub routes: Vec<(String, Vec<PipelineId>)>,
}

/// The junctions of a document, by connector and signal.
pub(super) type Junctions = BTreeMap<(ComponentId, Signal), Junction>;

/// Checks what the connectors join, and says what that is.
pub(super) fn check(document: &Document, signals: &Signals, catalog: &dyn Catalog, errors: &mut Errors) -> Junctions {
    let connectors = document.components.iter().filter(|component| component.kind == Kind::Connector);
    let mut junctions = Junctions::new();
    for component in connectors {
        ambiguous(component, document, errors);
        if let Some(signals) = signals.get(&(Kind::Connector, component.id.clone())) {
            let connector = Connector { component, document, catalog };
            connector.check_use(signals, errors);
            let before = errors.len();
            connector.check_named(errors);
            // What is wrong with a name that stands in the section is told there, and not of the route that it is in.
            let mut of_routes = Errors::new();
            junctions.extend(connector.junctions(&mut of_routes));
            if errors.len() == before {
                errors.extend(of_routes);
            }
        }
    }
    cycle(document, &junctions, errors);
    junctions
}

/// An id that is also a receiver's or an exporter's would mean both where a pipeline names it.
fn ambiguous(connector: &Component, document: &Document, errors: &mut Errors) {
    let id = &connector.id;
    let others = [Kind::Receiver, Kind::Exporter].into_iter();
    for kind in others.filter(|kind| document.components.iter().any(|other| other.kind == *kind && other.id == *id)) {
        let message = format!(
            "ambiguous: `{id}` is one of the `{kind}s` too, and a pipeline that names it could mean either: rename one, such \
             as the connector to `{id}/connector`"
        );
        errors.push(Problem::new(&connector.at, connector.value.path(), message));
    }
}

/// A connector of a type that there is.
struct Connector<'a> {
    component: &'a Component,
    document: &'a Document,
    catalog: &'a dyn Catalog,
}

/// A place where a pipeline names a connector.
type Use<'a> = (&'a PipelineId, &'a Reference);

impl<'a> Connector<'a> {
    fn id(&self) -> &'a ComponentId {
        &self.component.id
    }

    fn uses(&self, list: impl Fn(&'a DocumentPipeline) -> Vec<&'a Reference>) -> Vec<Use<'a>> {
        let of = |pipeline: &'a DocumentPipeline| {
            list(pipeline).into_iter().map(|reference| (&pipeline.id, reference)).collect::<Vec<_>>()
        };
        self.document.pipelines.iter().flat_map(of).filter(|(_, reference)| reference.id == *self.id()).collect()
    }

    /// Where it ends a pipeline.
    fn as_exporter(&self) -> Vec<Use<'a>> {
        self.uses(|pipeline| pipeline.ends().collect())
    }

    /// Where it begins one.
    fn as_receiver(&self) -> Vec<Use<'a>> {
        self.uses(|pipeline| pipeline.receivers.iter().collect())
    }

    /// What it gets it hands on, and what it hands on it gets: of each signal.
    fn check_use(&self, signals: &[Signal], errors: &mut Errors) {
        let (id, as_exporter, as_receiver) = (self.id(), self.as_exporter(), self.as_receiver());
        for signal in signals {
            let of = |uses: &[Use<'a>]| -> Vec<Use<'a>> {
                uses.iter().filter(|(pipeline, _)| pipeline.signal() == *signal).copied().collect()
            };
            let (at, message) = match (of(&as_exporter).as_slice(), of(&as_receiver).as_slice()) {
                (ended @ [(_, at), ..], []) => {
                    let used = format!("the connector `{id}` is used as an exporter in {}", named(ended));
                    let message =
                        format!("{used}, and not as a receiver in any pipeline of {signal}, to which alone it");
                    (*at, format!("{message} can hand that on: name it among the `receivers` of one"))
                }
                ([], begun @ [(_, at), ..]) => {
                    let used = format!("the connector `{id}` is used as a receiver in {}", named(begun));
                    let message =
                        format!("{used}, and not as an exporter in any pipeline of {signal}, from which alone it");
                    (*at, format!("{message} can get that: name it among the `exporters` of one"))
                }
                _ => continue,
            };
            errors.push(Problem::new(&at.at, at.path.as_str(), message));
        }
    }

    /// The pipelines that its section names are there and take its data.
    fn check_named(&self, errors: &mut Errors) {
        let sources = self.as_exporter();
        let sinks: Vec<&PipelineId> = self.as_receiver().into_iter().map(|(id, _)| id).collect();
        if sources.is_empty() && sinks.is_empty() {
            return;
        }
        for (key, name) in pipelines_named(&self.component.value) {
            if let Err(message) = self.find(&name, &sources, &sinks) {
                errors.push(self.component.value.problem_under(&key, message));
            }
        }
    }

    fn find(&self, name: &str, sources: &[Use<'_>], sinks: &[&PipelineId]) -> Result<(), String> {
        let id: PipelineId = name.parse().map_err(|error: host_component::IdError| error.to_string())?;
        let known: Vec<String> = self.document.pipelines.iter().map(|pipeline| pipeline.id.to_string()).collect();
        if !self.document.pipelines.iter().any(|pipeline| pipeline.id == id) {
            let near = hint(name, known.iter().map(String::as_str));
            return Err(format!("the pipeline `{id}` is not defined under `service.pipelines`{near}"));
        }
        if !sinks.contains(&&id) {
            let connector = self.id();
            return Err(format!(
                "the pipeline `{id}` does not have `{connector}` among its `receivers`: name it there"
            ));
        }
        match sources.iter().find(|(source, _)| source.signal() != id.signal()) {
            Some((source, _)) => Err(format!(
                "`{id}` is a pipeline of {}, and what `{}` gets from `{source}` are {}: use a connector for each signal",
                id.signal(),
                self.id(),
                source.signal()
            )),
            None => Ok(()),
        }
    }

    /// Where its data goes, for each signal that it gets.
    fn junctions(&self, errors: &mut Errors) -> Junctions {
        let signals: BTreeSet<Signal> = self.as_exporter().into_iter().map(|(id, _)| id.signal()).collect();
        let mut junctions = Junctions::new();
        for signal in signals {
            let of_signal = self.as_receiver().into_iter().map(|(id, _)| id).filter(|id| id.signal() == signal);
            let pipelines: Vec<PipelineId> = of_signal.cloned().collect();
            let mut routes = Vec::new();
            let mut names = BTreeSet::new();
            let named = self.catalog.routes(self.id(), signal, &self.component.value);
            for name in named.into_iter().filter(|name| names.insert(name.clone())) {
                match led_to(&name, &pipelines) {
                    Some(to) => routes.push((name, to)),
                    None => {
                        let message =
                            format!("the route `{name}` leads to pipelines that do not have it as a receiver");
                        errors.push(self.component.value.problem(message));
                    }
                }
            }
            junctions.insert((self.id().clone(), signal), Junction { pipelines, routes });
        }
        junctions
    }
}

/// The pipelines that a route of this name leads to, where all of them are among `known`.
fn led_to(name: &str, known: &[PipelineId]) -> Option<Vec<PipelineId>> {
    let parsed = name.split(BETWEEN).map(|name| name.parse::<PipelineId>().ok());
    parsed.map(|id| id.filter(|id| known.contains(id))).collect()
}

fn named(uses: &[Use<'_>]) -> String {
    uses.iter().map(|(pipeline, _)| pipeline.to_string()).collect::<Vec<_>>().join(BETWEEN)
}

/// The pipelines that a connector's section names, each under its key: those of a routing table.
fn pipelines_named(section: &Value) -> Vec<(String, String)> {
    let list = |section: &Value, key: &str, at: &str| {
        let names = section.get(key).and_then(|names| names.decode::<Vec<String>>().ok()).unwrap_or_default();
        let named = names.into_iter().enumerate().map(|(i, name)| (format!("{at}{key}[{i}]"), name));
        named.collect::<Vec<_>>()
    };
    let mut named = list(section, "default_pipelines", "");
    for (i, row) in section.get("table").map(|table| table.items()).unwrap_or_default().iter().enumerate() {
        named.extend(list(row, "pipelines", &format!("table[{i}].")));
    }
    named
}

/// Tells of one way that leads from a pipeline back to itself, where there is one.
fn cycle(document: &Document, junctions: &Junctions, errors: &mut Errors) {
    let pipelines = &document.pipelines;
    let places: BTreeMap<&PipelineId, usize> =
        pipelines.iter().enumerate().map(|(at, pipeline)| (&pipeline.id, at)).collect();
    let after: Vec<Vec<Step<'_>>> = pipelines.iter().map(|pipeline| steps(pipeline, junctions, &places)).collect();
    let leads_into_one = leading_into_cycles(&after);
    let next = |at: usize| after.get(at)?.iter().find(|step| leads_into_one.contains(&step.to));
    let Some(mut at) = leads_into_one.first().copied() else { return };
    let mut way: Vec<&Step<'_>> = Vec::new();
    let mut passed = BTreeSet::new();
    while let Some(step) = next(at) {
        way.push(step);
        if !passed.insert(at) {
            break;
        }
        at = step.to;
    }
    // The last step was taken before, where the way came to the cycle.
    let Some((last, way)) = way.split_last() else { return };
    let cycle = way.iter().skip_while(|step| !std::ptr::eq(**step, *last));
    let mut told = String::new();
    for step in cycle {
        let to = pipelines.get(step.to).map(|pipeline| pipeline.id.to_string()).unwrap_or_default();
        told.push_str(&format!("connector `{}` -> pipeline `{to}` -> ", step.through.id));
    }
    let message =
        format!("cycle detected, in which data would go round for ever: {told}connector `{}`", last.through.id);
    errors.push(Problem::new(&last.through.at, last.through.path.as_str(), message));
}

/// From a pipeline through a connector to another.
struct Step<'a> {
    through: &'a Reference,
    to: usize,
}

fn steps<'a>(
    pipeline: &'a DocumentPipeline,
    junctions: &Junctions,
    places: &BTreeMap<&PipelineId, usize>,
) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    for through in pipeline.ends() {
        let junction = junctions.get(&(through.id.clone(), pipeline.id.signal()));
        let to = junction.into_iter().flat_map(|junction| &junction.pipelines).filter_map(|id| places.get(id));
        steps.extend(to.map(|to| Step { through, to: *to }));
    }
    steps
}

/// The pipelines from which one comes into a cycle: what is left when those are taken away that lead nowhere, or only to
/// what was taken away.
fn leading_into_cycles(after: &[Vec<Step<'_>>]) -> BTreeSet<usize> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); after.len()];
    for (at, steps) in after.iter().enumerate() {
        for step in steps {
            if let Some(before) = before.get_mut(step.to) {
                before.push(at);
            }
        }
    }
    let mut open: Vec<usize> = after.iter().map(Vec::len).collect();
    let mut ended: Vec<usize> = (0..after.len()).filter(|at| open.get(*at) == Some(&0)).collect();
    let mut left: BTreeSet<usize> = (0..after.len()).collect();
    while let Some(at) = ended.pop() {
        left.remove(&at);
        for before in before.get(at).into_iter().flatten() {
            if let Some(open) = open.get_mut(*before) {
                *open -= 1;
                if *open == 0 {
                    ended.push(*before);
                }
            }
        }
    }
    left
}
