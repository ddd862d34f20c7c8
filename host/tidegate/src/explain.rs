//! `tidegate validate --explain`: what in a configuration means something else here than in the Collector.

use host_component::{ComponentId, Kind};
use host_config::{Problem, Validated, Value};

use crate::catalog::{self, Difference, FAN_OUT, ROUTES, SERVICE};

/// Every known difference that touches `config`, in the order of its files.
pub(crate) fn differences(config: &Validated) -> Vec<Problem> {
    let mut told = Vec::new();
    let sections = [
        (Kind::Receiver, &config.receivers),
        (Kind::Processor, &config.processors),
        (Kind::Exporter, &config.exporters),
        (Kind::Connector, &config.connectors),
        (Kind::Extension, &config.extensions),
    ];
    for (kind, components) in sections {
        for (id, section) in components {
            told.extend(of_component(kind, id, section));
        }
    }
    if let Some(service) = config.whole.get("service") {
        told.extend(touched(&service, SERVICE));
        for pipeline in &config.pipelines {
            let at = |says| service.problem_at(&["pipelines", &pipeline.id.to_string()], says);
            let is_shared = |id: &ComponentId| {
                let others = config.pipelines.iter().filter(|other| other.id.signal() == pipeline.id.signal());
                others.filter(|other| other.receivers.contains(id)).count() > 1
            };
            let has_several = pipeline.exporters.len() > 1
                || pipeline.routes.iter().any(|(_, exporters)| exporters.len() > 1)
                || pipeline.receivers.iter().any(is_shared);
            told.extend(has_several.then(|| at(FAN_OUT)));
            told.extend((!pipeline.routes.is_empty()).then(|| at(ROUTES)));
        }
    }
    told.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    told
}

fn of_component(kind: Kind, id: &ComponentId, section: &Value) -> Vec<Problem> {
    let Some(entry) = catalog::find(kind, id.r#type()) else { return Vec::new() };
    let mut told = touched(section, entry.differences);
    let of_module = entry.guest.iter().flat_map(catalog::Guest::differences);
    told.extend(of_module.map(|says| section.problem_at(&[], says)));
    told
}

/// Those whose keys stand in `section`.
fn touched(section: &Value, differences: &[Difference]) -> Vec<Problem> {
    let keys = |difference: &Difference| -> Vec<&'static str> {
        difference.key.split('.').filter(|key| !key.is_empty()).collect()
    };
    let is_there = |keys: &[&str]| {
        let mut node = Some(section.clone());
        for key in keys {
            node = node.and_then(|node| node.get(key));
        }
        node.is_some()
    };
    let of = differences.iter().map(|difference| (keys(difference), difference.says));
    of.filter(|(keys, _)| is_there(keys)).map(|(keys, says)| section.problem_at(&keys, says)).collect()
}
