//! What this crate promises: for each configuration exactly these problems, in this order.

mod catalog;
mod connectors;
mod decoding;
mod expansion;
mod hostile;
mod merging;
mod printing;
mod shape;
mod times;

use std::path::Path;

use self::catalog::Toy;
use crate::{Document, Errors, Map, Validated, Warning, load, validate};

const FILE: &str = "/etc/tidegate/config.yaml";

/// A configuration that is right, for tests that add to it.
const MINIMAL: &str = "\
receivers: { otlp: {} }
exporters: { debug: {} }
service: { pipelines: { logs: { receivers: [otlp], exporters: [debug] } } }
";

fn read(yaml: &str) -> Result<Document, Errors> {
    read_in(yaml, Map::default())
}

fn read_in(yaml: &str, world: Map) -> Result<Document, Errors> {
    load(Path::new(FILE), &world.with_file(FILE, yaml))
}

fn validated(yaml: &str) -> Result<(Validated, Vec<Warning>), Errors> {
    validated_in(yaml, Map::default())
}

fn validated_in(yaml: &str, world: Map) -> Result<(Validated, Vec<Warning>), Errors> {
    validate(read_in(yaml, world)?, &Toy)
}

/// The problems of `yaml`, without the file's name.
fn problems(yaml: &str) -> Vec<String> {
    problems_in(yaml, Map::default())
}

fn problems_in(yaml: &str, world: Map) -> Vec<String> {
    match validated_in(yaml, world) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(|p| p.to_string().replace("/etc/tidegate/config.yaml:", "")).collect(),
    }
}

fn warnings_in(yaml: &str, world: Map) -> Vec<String> {
    let (_, warnings) = validated_in(yaml, world).expect("the configuration is right");
    warnings.iter().map(|w| w.to_string().replace("/etc/tidegate/config.yaml:", "")).collect()
}
