//! Tests of what stands in `schema`: what is valid passes it, and what is misspelt does not.

mod check;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::check::problems;
use super::schema;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn read(yaml: &str) -> Value {
    let parsed = host_config::Value::parse("x.yaml", yaml).unwrap_or_else(|errors| panic!("{yaml}\n{errors}"));
    parsed.decode().unwrap_or_else(|errors| panic!("{yaml}\n{errors}"))
}

fn wrong(yaml: &str) -> Vec<String> {
    problems(&schema(), &read(yaml))
}

/// Whether this is a configuration, or a part of one, and not one of a module.
fn is_configuration(value: &Value) -> bool {
    let sections = ["receivers", "processors", "exporters", "connectors", "extensions", "modules", "service"];
    value.as_object().is_some_and(|object| object.keys().any(|key| sections.contains(&key.as_str())))
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|has| has == extension) {
            found.push(path);
        }
    }
}

/// The YAML in the fences of a page.
fn fenced(page: &str) -> Vec<&str> {
    page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn each_example_and_each_piece_of_the_documentation_passes() {
    let root = Path::new(REPOSITORY);
    let (mut examples, mut pages) = (Vec::new(), vec![root.join("README.md")]);
    files(&root.join("examples"), "yaml", &mut examples);
    files(&root.join("docs"), "md", &mut pages);
    let mut texts: Vec<(String, String)> = Vec::new();
    // What the Collector runs before it is taken over has what is not served.
    for path in examples.into_iter().filter(|path| !path.ends_with("migrate/collector.yaml")) {
        texts.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
    }
    for path in pages {
        let page = fs::read_to_string(&path).unwrap();
        texts.extend(fenced(&page).into_iter().map(|yaml| (path.display().to_string(), yaml.to_owned())));
    }
    let schema = schema();
    let mut seen = 0;
    for (place, yaml) in texts {
        let value = read(&yaml);
        if is_configuration(&value) {
            assert_eq!(problems(&schema, &value), Vec::<String>::new(), "{place}\n{yaml}");
            seen += 1;
        }
    }
    assert!(seen >= 8, "{seen} configurations were checked");
}

#[test]
fn what_the_decoder_takes_besides_passes() {
    for yaml in [
        "receivers: { otlp/a: { protocols: { grpc: , http: '${file:http.yaml}' } } }",
        "exporters: { otlp: { endpoint: 'x:1', max_request_size: '${env:SIZE}', compression: GZIP, headers: { a: 1 } } }",
        "processors: { batch: '${file:batch.yaml}', batch/b: }",
        "exporters::debug::verbosity: Detailed",
        "connectors: { forward: , forward/a: {} }",
        "service: { telemetry: { metrics: { tls: { cert_file: a, key_file: a }, auth: { authenticator: b } } } }",
        "service: { telemetry: { metrics: { level: none, tls: } }, pipelines: { logs/app: { receivers: [a], exporters: } } }",
    ] {
        assert_eq!(wrong(yaml), Vec::<String>::new(), "{yaml}");
    }
}

#[test]
fn what_is_misspelt_or_of_the_wrong_type_does_not() {
    for (yaml, place) in [
        ("receivres: {}", "receivres"),
        ("receivers: { otpl: {} }", "receivers.otpl"),
        ("receivers: { otlp: { protocols: { grpc: { endpiont: x } } } }", "protocols.grpc"),
        ("receivers: { otlp: { protocols: { grpc: { max_connections: many } } } }", "protocols.grpc"),
        ("processors: { batch: { timeout: 5 } }", "batch.timeout"),
        ("processors: { batch: { timeout: 5 parsecs } }", "batch.timeout"),
        ("exporters: { debug: { verbosity: loud } }", "debug.verbosity"),
        ("exporters: { file: {} }", "exporters.file"),
        ("connectors: { forward: { to: logs } }", "forward.to"),
        ("modules: { limits: { thread: 1 } }", "limits.thread"),
        ("service: { telemetry: { metrics: { tls: { cert_flie: x } } } }", "tls"),
        ("service: { telemetry: { metrics: { auth: { authentikator: x } } } }", "auth"),
        ("service: { pipelines: { log: { receivers: [a], exporters: [b] } } }", "pipelines.log"),
    ] {
        let wrong = wrong(yaml);
        assert!(wrong.iter().any(|line| line.contains(place)), "{yaml}: {wrong:?}");
    }
}

#[test]
fn says_what_a_key_means_and_which_type_a_name_is_the_older_one_of() {
    let schema = schema().to_string();
    assert!(schema.contains("So many items leave without waiting any longer."), "the comment of a field");
    assert!(schema.contains("The older name of `otlp_grpc`."));
}
