//! The references of a document: each leads to a component that can do what its place asks of it.

use std::collections::{BTreeMap, BTreeSet};

use host_component::{ComponentId, Kind, Signal};

use crate::auth;
use crate::catalog::Catalog;
use crate::document::{Component, Document, DocumentPipeline, Reference};
use crate::nearest::hint;
use crate::problem::{Errors, Problem, Warning};
use crate::value::Value;

/// The signals of each component that the catalog knows.
pub(super) type Signals = BTreeMap<(Kind, ComponentId), &'static [Signal]>;

/// What is referred to by whom.
pub(super) struct References<'a> {
    document: &'a Document,
    signals: Signals,
    errors: &'a mut Errors,
    used: BTreeSet<(Kind, ComponentId)>,
}

impl<'a> References<'a> {
    pub(super) fn new(document: &'a Document, signals: Signals, errors: &'a mut Errors) -> Self {
        References { document, signals, errors, used: BTreeSet::new() }
    }

    pub(super) fn check(&mut self) {
        let document = self.document;
        for reference in &document.extensions {
            self.resolve(reference, &[Kind::Extension], None);
        }
        if document.pipelines.is_empty() {
            let message = "there are no pipelines: `service.pipelines` needs at least one, such as `logs`";
            self.errors.push(Problem::new(&document.service, "service.pipelines", message));
        }
        for pipeline in &document.pipelines {
            self.pipeline(pipeline);
        }
    }

    /// Each authenticator is an extension that runs, and one that can do what it is there for.
    pub(super) fn check_authenticators(&mut self, catalog: &dyn Catalog) {
        let document = self.document;
        for user in &document.components {
            for name in auth::named_in(user.kind, &user.value) {
                let found = extension(document, &name);
                if let Err(message) = found.and_then(|found| catalog.check_authenticator(user, found)) {
                    self.errors.push(name.problem(message));
                }
            }
        }
    }

    /// The authenticator of the endpoint for metrics is one, too.
    pub(super) fn check_own_authenticator(&mut self, catalog: &dyn Catalog) {
        let keys = ["metrics", "auth", "authenticator"];
        let document = self.document;
        let telemetry = document.telemetry.clone();
        let named = telemetry.and_then(|section| keys.iter().try_fold(section, |value, key| value.get(key)));
        // What is not there at all is told where the section is looked at.
        let Some(name) = named.filter(|name| name.decode::<String>().is_ok_and(|name| !name.is_empty())) else {
            return;
        };
        if let Err(message) = extension(document, &name).and_then(|found| catalog.check_own_authenticator(found)) {
            self.errors.push(name.problem(message));
        }
    }

    /// Each storage is an extension that runs and keeps what it is given.
    pub(super) fn check_storages(&mut self, catalog: &dyn Catalog) {
        let named = |user: &Component| match user.kind {
            Kind::Exporter => user.value.get("sending_queue")?.get("storage"),
            Kind::Receiver => user.value.get("storage"),
            _ => None,
        };
        self.check_named(named, |extension| catalog.check_storage(extension));
    }

    /// Each elector is an extension that runs and elects a leader.
    pub(super) fn check_electors(&mut self, catalog: &dyn Catalog) {
        let named = |user: &Component| user.value.get("k8s_leader_elector").filter(|_| user.kind == Kind::Receiver);
        self.check_named(named, |extension| catalog.check_elector(extension));
    }

    /// What components name is an extension that runs, and that passes a check.
    fn check_named(
        &mut self,
        named: impl Fn(&Component) -> Option<Value>,
        check: impl Fn(&Component) -> Result<(), String>,
    ) {
        let document = self.document;
        for name in document.components.iter().filter_map(named) {
            if name.decode::<Option<String>>().is_ok_and(|name| name.is_none()) {
                continue;
            }
            if let Err(message) = extension(document, &name).and_then(&check) {
                self.errors.push(name.problem(message));
            }
        }
    }

    fn pipeline(&mut self, pipeline: &DocumentPipeline) {
        let signal = Some(pipeline.id.signal());
        for (list, name) in [(&pipeline.receivers, "receiver"), (&pipeline.exporters, "exporter")] {
            if list.is_empty() {
                let path = format!("service.pipelines.{}", pipeline.id);
                let message = format!("the pipeline has no {name}: it needs at least one in `{name}s`");
                self.errors.push(Problem::new(&pipeline.at, path, message));
            }
        }
        for reference in &pipeline.receivers {
            self.resolve(reference, &[Kind::Receiver, Kind::Connector], signal);
        }
        for reference in &pipeline.processors {
            self.resolve(reference, &[Kind::Processor], signal);
        }
        for reference in pipeline.ends() {
            self.resolve(reference, &[Kind::Exporter, Kind::Connector], signal);
        }
    }

    /// Finds what `reference` names, among components of `kinds`, and whether it does `signal`.
    fn resolve(&mut self, reference: &Reference, kinds: &[Kind], signal: Option<Signal>) {
        let components = &self.document.components;
        let Some(found) = components.iter().find(|c| kinds.contains(&c.kind) && c.id == reference.id) else {
            let message = self.undefined(reference, kinds);
            self.errors.push(Problem::new(&reference.at, reference.path.as_str(), message));
            return;
        };
        let key = (found.kind, found.id.clone());
        if let (Some(signal), Some(signals)) = (signal, self.signals.get(&key))
            && !signals.contains(&signal)
        {
            let can: Vec<&str> = signals.iter().map(|signal| signal.name()).collect();
            let message = format!("the {} `{}` does not do {signal}, only {}", found.kind, found.id, can.join(" and "));
            self.errors.push(Problem::new(&reference.at, reference.path.as_str(), message));
        }
        self.used.insert(key);
    }

    fn undefined(&self, reference: &Reference, kinds: &[Kind]) -> String {
        let (id, kind) = (&reference.id, kinds[0]);
        let components = &self.document.components;
        if let Some(other) = components.iter().find(|c| c.id == *id) {
            return format!("`{id}` is one of the `{}s`, and only `{kind}s` may stand here", other.kind);
        }
        let names: Vec<String> =
            components.iter().filter(|c| kinds.contains(&c.kind)).map(|c| c.id.to_string()).collect();
        match names.is_empty() {
            true => format!("the {kind} `{id}` is not defined, and `{kind}s` is empty"),
            false => format!(
                "the {kind} `{id}` is not defined under `{kind}s`{}",
                hint(&id.to_string(), names.iter().map(String::as_str))
            ),
        }
    }

    /// Components that nothing refers to.
    pub(super) fn unused(&self) -> Vec<Warning> {
        let unused = |kind: Kind, id: &ComponentId| !self.used.contains(&(kind, id.clone()));
        let mut warnings = Vec::new();
        for component in self.document.components.iter().filter(|c| unused(c.kind, &c.id)) {
            let place = match component.kind {
                Kind::Extension => "`service.extensions` does not name it",
                _ => "no pipeline uses it",
            };
            let message = format!("the {} is defined, and {place}", component.kind);
            warnings.push(Problem::new(&component.at, component.value.path(), message));
        }
        warnings
    }
}

/// The extension that `name` means.
fn extension<'a>(document: &'a Document, name: &Value) -> Result<&'a Component, String> {
    let text: String = name.decode().map_err(|_| "expected the id of an extension".to_owned())?;
    let id: ComponentId = text.parse().map_err(|error: host_component::IdError| error.to_string())?;
    let extensions = document.components.iter().filter(|component| component.kind == Kind::Extension);
    let Some(found) = extensions.clone().find(|extension| extension.id == id) else {
        let names: Vec<String> = extensions.map(|extension| extension.id.to_string()).collect();
        let near = hint(&text, names.iter().map(String::as_str));
        return Err(format!("the extension `{id}` is not defined under `extensions`{near}"));
    };
    match document.extensions.iter().any(|reference| reference.id == id) {
        true => Ok(found),
        false => Err(format!("`service.extensions` does not name `{id}`, so that it does not run: add it there")),
    }
}
