//! Validation turns what was written into what can be built: every reference leads somewhere, and every component's
//! section makes sense to the component.

mod connectors;
mod references;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use host_component::{ComponentId, Kind, PipelineId, Signal};

pub use self::connectors::Junction;
use self::connectors::Junctions;
use self::references::References;
use crate::catalog::{Catalog, Lookup};
use crate::check::Wrong;
use crate::document::{Component, Document, Reference};
use crate::limits::Limits;
use crate::problem::{Errors, Problem, Warning};
use crate::telemetry::Telemetry;
use crate::value::Value;

/// A configuration that can be built. Ids are as the user wrote them: they are identities, also where their type is an
/// older name.
#[derive(Clone, Debug)]
pub struct Validated {
    pub receivers: BTreeMap<ComponentId, Value>,
    pub processors: BTreeMap<ComponentId, Value>,
    pub exporters: BTreeMap<ComponentId, Value>,
    pub connectors: BTreeMap<ComponentId, Value>,
    /// Where the connectors that end pipelines hand their data on, by connector and signal.
    pub junctions: BTreeMap<(ComponentId, Signal), Junction>,
    /// Those that `service.extensions` names.
    pub extensions: BTreeMap<ComponentId, Value>,
    pub pipelines: Vec<Pipeline>,
    pub modules: Option<Value>,
    pub telemetry: Option<Value>,
    pub limits: Limits,
    /// The folder that the relative paths of components start from.
    pub base: PathBuf,
    /// All of it, as it was written and with references replaced.
    pub whole: Value,
}

impl Validated {
    /// Where `pipeline` leads through the connector `id`; none where it leads nowhere, since that is no connector, or not one
    /// of its.
    pub fn junction(&self, pipeline: &Pipeline, id: &ComponentId) -> Option<&Junction> {
        self.junctions.get(&(id.clone(), pipeline.id.signal())).filter(|_| pipeline.ends().any(|end| end == id))
    }
}

/// From receivers through processors to exporters, for one signal. Connectors stand among receivers and exporters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    pub id: PipelineId,
    pub receivers: Vec<ComponentId>,
    pub processors: Vec<ComponentId>,
    pub exporters: Vec<ComponentId>,
    /// Exporters that a processor may choose by name.
    pub routes: Vec<(String, Vec<ComponentId>)>,
}

impl Pipeline {
    /// What its data goes to, by routes or without; who stands in several routes comes several times.
    pub fn ends(&self) -> impl Iterator<Item = &ComponentId> {
        self.exporters.iter().chain(self.routes.iter().flat_map(|(_, list)| list))
    }
}

/// Checks what `document` means.
///
/// # Errors
/// Everything that is wrong with it.
pub fn validate(document: Document, catalog: &dyn Catalog) -> Result<(Validated, Vec<Warning>), Errors> {
    let mut errors = document.errors.clone();
    let mut warnings = document.warnings.clone();
    let mut signals = BTreeMap::new();
    for component in &document.components {
        if let Some(known) = check_component(component, catalog, &mut errors, &mut warnings) {
            signals.insert((component.kind, component.id.clone()), known);
        }
    }
    check_in_pipelines(&document, catalog, &mut errors);
    warnings.extend(out_of_order(&document, catalog));
    if let Some(telemetry) = &document.telemetry {
        check_telemetry(telemetry, catalog, &mut errors, &mut warnings);
    }
    let limits = limits(&document, &mut errors);
    if let Some(modules) = &document.modules {
        catalog.check_modules(modules, &mut errors);
    }
    let junctions = connectors::check(&document, &signals, catalog, &mut errors);
    let mut references = References::new(&document, signals, &mut errors);
    references.check();
    references.check_authenticators(catalog);
    references.check_own_authenticator(catalog);
    references.check_storages(catalog);
    references.check_electors(catalog);
    warnings.extend(references.unused());
    let validated = finish(document, limits, junctions);
    errors.explain(|path| catalog.instead_of_key(path));
    errors.or((validated, warnings))
}

/// Asks about each processor, connector and exporter once for each signal of the data that it gets.
fn check_in_pipelines(document: &Document, catalog: &dyn Catalog, errors: &mut Errors) {
    let mut asked = BTreeSet::new();
    for pipeline in &document.pipelines {
        let signal = pipeline.id.signal();
        let processors = pipeline.processors.iter().map(|reference| (Kind::Processor, reference));
        let ends =
            [Kind::Connector, Kind::Exporter].into_iter().flat_map(|kind| pipeline.ends().map(move |end| (kind, end)));
        for (kind, Reference { id, .. }) in processors.chain(ends) {
            let known = document.components.iter().find(|known| known.kind == kind && known.id == *id);
            if let Some(component) = known.filter(|_| asked.insert((kind, id, signal.name()))) {
                catalog.check_in(kind, id, signal, &component.value, errors);
            }
        }
    }
}

/// Processors that stand behind others, and should stand before them.
fn out_of_order(document: &Document, catalog: &dyn Catalog) -> Vec<Warning> {
    let behind = |processors: &[Reference]| -> Vec<Warning> {
        let pairs = processors.windows(2).filter_map(|pair| Some((pair.first()?, pair.last()?)));
        let late = pairs.filter_map(|(before, late)| Some((before, late, catalog.why_first(&late.id)?)));
        // Where two of them stand one behind the other, both are first.
        let late = late.filter(|(before, ..)| catalog.why_first(&before.id).is_none());
        late.map(|(_, late, why)| {
            let message = format!("`{}` is not the first processor of the pipeline, and should be: {why}", late.id);
            Problem::new(&late.at, late.path.as_str(), message)
        })
        .collect()
    };
    document.pipelines.iter().flat_map(|pipeline| behind(&pipeline.processors)).collect()
}

fn check_telemetry(section: &Value, catalog: &dyn Catalog, errors: &mut Errors, warnings: &mut Vec<Warning>) {
    let metrics = section.get("metrics");
    // Its keys are known to whoever serves it.
    if let Some(tls) = metrics.as_ref().and_then(|metrics| metrics.get("tls")).filter(|tls| !tls.is_null()) {
        catalog.check_own_tls(&tls, errors);
    }
    match section.decode::<Telemetry>() {
        Ok(telemetry) => {
            let own = telemetry.wrongs();
            let known = own.iter().map(|wrong| wrong.key.clone()).collect::<Vec<_>>();
            // What is wrong already is not told twice.
            let more = catalog.wrongs_of_telemetry(&telemetry).into_iter().filter(|wrong| !known.contains(&wrong.key));
            for Wrong { key, message } in own.into_iter().chain(more) {
                errors.push(section.problem_under(&key, message));
            }
            let doubt = metrics.and_then(|metrics| telemetry.metrics.doubt(&metrics));
            warnings.extend(doubt.map(|Wrong { key, message }| section.problem_under(&key, message)));
        }
        Err(wrong) => errors.extend(wrong),
    }
}

fn limits(document: &Document, errors: &mut Errors) -> Limits {
    let Some(section) = &document.limits else { return Limits::default() };
    let limits: Limits = section.decode().unwrap_or_else(|wrong| {
        errors.extend(wrong);
        Limits::default()
    });
    if limits.in_flight_mib == 0 {
        errors.push(section.problem_at(&["in_flight_mib"], "nothing could be received: it has to be at least 1"));
    }
    limits
}

/// The signals of a component that the catalog knows.
fn check_component(
    component: &Component,
    catalog: &dyn Catalog,
    errors: &mut Errors,
    warnings: &mut Vec<Warning>,
) -> Option<&'static [host_component::Signal]> {
    let Component { kind, id, value, at } = component;
    let told = |message: String| Problem::new(at, value.path(), message);
    match catalog.lookup(*kind, id.r#type()) {
        Lookup::Known { canonical, deprecated_alias, signals } => {
            if deprecated_alias {
                warnings.push(told(format!("`{}` is the older name of the {kind} `{canonical}`", id.r#type())));
            }
            catalog.check(*kind, id, value, errors);
            warnings.extend(catalog.doubts(component));
            return Some(signals);
        }
        Lookup::Unsupported { instead } => {
            errors.push(told(format!("the {kind} `{}` is not supported: {instead}", id.r#type())));
        }
        Lookup::Unknown { nearest } => {
            let hint = match nearest {
                Some(near) => format!(", did you mean `{near}`?"),
                None => ", `tidegate components` lists what there is".to_owned(),
            };
            errors.push(told(format!("unknown {kind} `{}`{hint}", id.r#type())));
        }
    }
    None
}

fn finish(document: Document, limits: Limits, junctions: Junctions) -> Validated {
    let named: Vec<ComponentId> = document.extensions.iter().map(|reference| reference.id.clone()).collect();
    let mut validated = Validated {
        receivers: BTreeMap::new(),
        processors: BTreeMap::new(),
        exporters: BTreeMap::new(),
        connectors: BTreeMap::new(),
        junctions,
        extensions: BTreeMap::new(),
        pipelines: Vec::new(),
        modules: document.modules,
        telemetry: document.telemetry,
        limits,
        base: document.base,
        whole: document.whole,
    };
    for Component { kind, id, value, .. } in document.components {
        let map = match kind {
            Kind::Receiver => &mut validated.receivers,
            Kind::Processor => &mut validated.processors,
            Kind::Exporter => &mut validated.exporters,
            Kind::Connector => &mut validated.connectors,
            Kind::Extension if named.contains(&id) => &mut validated.extensions,
            Kind::Extension => continue,
        };
        map.insert(id, value);
    }
    let ids = |list: Vec<Reference>| list.into_iter().map(|reference| reference.id).collect::<Vec<_>>();
    for pipeline in document.pipelines {
        validated.pipelines.push(Pipeline {
            id: pipeline.id,
            receivers: ids(pipeline.receivers),
            processors: ids(pipeline.processors),
            exporters: ids(pipeline.exporters),
            routes: pipeline.routes.into_iter().map(|(name, list)| (name, ids(list))).collect(),
        });
    }
    validated
}
