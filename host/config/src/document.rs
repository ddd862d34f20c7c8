//! The document is what the user wrote: components by kind, and the service that joins them.

mod section;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use host_component::{ComponentId, Kind, PipelineId};

use self::section::Section;
use crate::expand::Expansion;
use crate::location::Location;
use crate::merge::merge;
use crate::node::{Data, Node};
use crate::problem::{Errors, Position, Problem, Warning};
use crate::source::Source;
use crate::value::Value;

/// What the user wrote, with references replaced. Problems of its shape are told by [`crate::validate`], together with
/// those of its meaning.
#[derive(Clone, Debug)]
pub struct Document {
    /// The folder that the relative paths of components start from: that of the first file.
    pub base: PathBuf,
    pub components: Vec<Component>,
    pub modules: Option<Value>,
    pub telemetry: Option<Value>,
    /// `service.limits`.
    pub limits: Option<Value>,
    /// `service.extensions`.
    pub extensions: Vec<Reference>,
    pub pipelines: Vec<DocumentPipeline>,
    pub warnings: Vec<Warning>,
    /// All of it.
    pub whole: Value,
    pub(crate) errors: Errors,
    pub(crate) service: Position,
}

/// A component's section.
#[derive(Clone, Debug)]
pub struct Component {
    pub kind: Kind,
    pub id: ComponentId,
    pub value: Value,
    /// Where its id stands.
    pub at: Position,
}

/// The id of a component where something refers to it.
#[derive(Clone, Debug)]
pub struct Reference {
    pub id: ComponentId,
    pub at: Position,
    pub path: String,
}

/// A pipeline as written.
#[derive(Clone, Debug)]
pub struct DocumentPipeline {
    pub id: PipelineId,
    pub at: Position,
    pub receivers: Vec<Reference>,
    pub processors: Vec<Reference>,
    pub exporters: Vec<Reference>,
    pub routes: Vec<(String, Vec<Reference>)>,
}

impl DocumentPipeline {
    /// What its data goes to, by routes or without.
    pub(crate) fn ends(&self) -> impl Iterator<Item = &Reference> {
        self.exporters.iter().chain(self.routes.iter().flat_map(|(_, list)| list))
    }
}

/// Reads the configuration in the file at `path`.
///
/// # Errors
/// Where there is no file, or what it holds is no YAML.
pub fn load(path: &Path, source: &dyn Source) -> Result<Document, Errors> {
    load_all(&[Location::File(path.to_owned())], source)
}

/// Reads the configuration that several locations make up: merged first, then references are replaced, so that one that
/// was written over is not looked up.
///
/// # Errors
/// Each location that cannot be read, or is no YAML.
pub fn load_all(locations: &[Location], source: &dyn Source) -> Result<Document, Errors> {
    let base = locations.iter().find_map(Location::folder).unwrap_or(Path::new("."));
    let mut expansion = Expansion::new(source, base);
    let (mut merged, mut errors, mut unread) = (None, Errors::new(), Errors::new());
    for location in locations {
        match location.read(source) {
            Ok((root, odd)) => {
                if let Some(folder) = location.folder() {
                    expansion.starts_from(&root.at.file, folder);
                }
                errors.extend(odd);
                merged = Some(joined(merged, root, &mut errors));
            }
            Err(wrong) => unread.extend(wrong),
        }
    }
    if !unread.is_empty() {
        errors.extend(unread);
        return Err(errors.sorted());
    }
    let start = Position { file: Arc::from("no configuration"), line: 1, column: 1 };
    let root = merged.unwrap_or_else(|| Node::new(start, Data::Null));
    let root = expansion.node(root, "", 0);
    let mut document = Document::empty(base, &root);
    document.warnings = expansion.warnings;
    document.errors = errors;
    document.errors.extend(expansion.errors);
    document.fill(&root);
    Ok(document)
}

/// The documents of two locations as one. What is no mapping cannot be joined: it is told, and left out.
fn joined(before: Option<Node>, root: Node, errors: &mut Errors) -> Node {
    match (before, &root.data) {
        (None, _) => root,
        (Some(before), _) if before.is_null() => root,
        (Some(before), Data::Mapping(_)) => merge(before, root),
        (Some(before), Data::Null) => before,
        (Some(before), _) => {
            errors.push(Problem::new(&root.at, "", root.mismatch("a mapping")));
            before
        }
    }
}

impl Document {
    fn empty(base: &Path, root: &Node) -> Self {
        Document {
            base: base.to_owned(),
            components: Vec::new(),
            modules: None,
            telemetry: None,
            limits: None,
            extensions: Vec::new(),
            pipelines: Vec::new(),
            warnings: Vec::new(),
            whole: Value::new(root.clone(), String::new()),
            errors: Errors::new(),
            service: root.at.clone(),
        }
    }

    fn fill(&mut self, root: &Node) {
        if root.is_null() {
            let message = "the configuration is empty: it needs receivers, exporters and a service with pipelines";
            self.errors.push(Problem::new(&root.at, "", message));
            return;
        }
        let keys = &["receivers", "processors", "exporters", "connectors", "extensions", "modules", "service"];
        for (name, section) in Section::root(root).known(keys, &mut self.errors) {
            match name {
                "receivers" => self.components(Kind::Receiver, &section),
                "processors" => self.components(Kind::Processor, &section),
                "exporters" => self.components(Kind::Exporter, &section),
                "connectors" => self.components(Kind::Connector, &section),
                "extensions" => self.components(Kind::Extension, &section),
                "modules" => self.modules = Some(section.value()),
                _ => self.service(&section),
            }
        }
    }

    fn components(&mut self, kind: Kind, section: &Section<'_>) {
        for (key, part) in section.entries(&mut self.errors) {
            match key.name.parse::<ComponentId>() {
                Ok(id) => {
                    self.components.push(Component { kind, id, value: part.value(), at: key.at.clone() });
                }
                Err(error) => self.errors.push(Problem::new(&key.at, part.path, error.to_string())),
            }
        }
    }

    fn service(&mut self, section: &Section<'_>) {
        self.service = section.node.at.clone();
        for (name, part) in section.known(&["telemetry", "limits", "extensions", "pipelines"], &mut self.errors) {
            match name {
                "telemetry" => self.telemetry = Some(part.value()),
                "limits" => self.limits = Some(part.value()),
                "extensions" => self.extensions = part.references(&mut self.errors),
                _ => self.declare_pipelines(&part),
            }
        }
    }

    fn declare_pipelines(&mut self, section: &Section<'_>) {
        for (key, part) in section.entries(&mut self.errors) {
            let id = match key.name.parse::<PipelineId>() {
                Ok(id) => id,
                Err(error) => {
                    self.errors.push(Problem::new(&key.at, part.path, error.to_string()));
                    continue;
                }
            };
            let mut pipeline = DocumentPipeline {
                id,
                at: key.at.clone(),
                receivers: Vec::new(),
                processors: Vec::new(),
                exporters: Vec::new(),
                routes: Vec::new(),
            };
            for (name, list) in part.known(&["receivers", "processors", "exporters", "routes"], &mut self.errors) {
                match name {
                    "receivers" => pipeline.receivers = list.references(&mut self.errors),
                    "processors" => pipeline.processors = list.references(&mut self.errors),
                    "exporters" => pipeline.exporters = list.references(&mut self.errors),
                    _ => pipeline.routes = list.routes(&mut self.errors),
                }
            }
            self.pipelines.push(pipeline);
        }
    }
}
