//! The document is what the user wrote: components by kind, and the service that joins them.

mod section;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use host_component::{ComponentId, Kind, PipelineId};

use self::section::Section;
use crate::expand::Expansion;
use crate::node::Node;
use crate::problem::{Errors, Position, Problem, Warning};
use crate::source::Source;
use crate::value::Value;
use crate::yaml;

/// What the user wrote, with references replaced. Problems of its shape are told by [`crate::validate`], together with
/// those of its meaning.
#[derive(Clone, Debug)]
pub struct Document {
    /// The folder that relative paths start from.
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

/// Reads the configuration at `path`.
///
/// # Errors
/// Where there is no file, or what it holds is no YAML.
pub fn load(path: &Path, source: &dyn Source) -> Result<Document, Errors> {
    let file: Arc<str> = path.display().to_string().into();
    let text = source.read(path).map_err(|error| {
        let start = Position { file: Arc::clone(&file), line: 1, column: 1 };
        Errors::from(Problem::new(&start, "", format!("cannot read the configuration: {error}")))
    })?;
    let base = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (root, errors) = yaml::read(&file, &text)?;
    let mut expansion = Expansion::new(source, base);
    let root = expansion.node(root, "", 0);
    let mut document = Document::empty(base, root.at.clone());
    document.warnings = expansion.warnings;
    document.errors = errors;
    document.errors.extend(expansion.errors);
    document.fill(&root);
    Ok(document)
}

impl Document {
    fn empty(base: &Path, service: Position) -> Self {
        Document {
            base: base.to_owned(),
            components: Vec::new(),
            modules: None,
            telemetry: None,
            limits: None,
            extensions: Vec::new(),
            pipelines: Vec::new(),
            warnings: Vec::new(),
            errors: Errors::new(),
            service,
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
