//! Tests of what stands in `src`: its promises, one sentence each.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Parser;
use host_component::Kind;
use host_config::{Catalog, Files, Lookup, Map, Os, Validated, Warning};
use host_pipeline::{Factories as _, Place};
use host_telemetry::Metrics;

use crate::catalog::{Components, entries, find};
use crate::cli::{Cli, Command};
use crate::factories::Factories;
use crate::summary::Summary;
use crate::{bundled, catalog, components, explain};

fn validate(yaml: &str) -> Result<(Validated, Vec<Warning>), String> {
    let source = Map::default().with_file("/etc/tidegate.yaml", yaml);
    let document = host_config::load(Path::new("/etc/tidegate.yaml"), &source).map_err(|errors| errors.to_string())?;
    host_config::validate(document, &Components(Files::new(&source, Path::new("/etc"))))
        .map_err(|errors| errors.to_string())
}

fn catalog() -> Components<'static> {
    Components(Files::new(&Os, Path::new("/")))
}

#[test]
fn lists_each_type_and_alias_once() {
    let mut seen = BTreeSet::new();
    for entry in entries() {
        for name in std::iter::once(&entry.r#type).chain(entry.aliases) {
            assert!(seen.insert((entry.kind, *name)), "{} {name} is there twice", entry.kind);
        }
    }
}

#[test]
fn has_a_factory_for_each_type_that_it_lists() {
    let source = include_str!("factories.rs");
    for entry in entries().filter(|entry| entry.kind != Kind::Extension && entry.guest.is_none()) {
        let arm = format!("{:?} => ", entry.r#type);
        assert!(source.contains(&arm), "{} {}", entry.kind, entry.r#type);
    }
}

#[test]
fn an_alias_means_the_type_and_is_told() {
    let lookup = catalog().lookup(Kind::Exporter, "otlp");
    assert!(matches!(lookup, Lookup::Known { canonical: "otlp_grpc", deprecated_alias: true, .. }), "{lookup:?}");
    assert!(find(Kind::Exporter, "otlp").is_some() && find(Kind::Processor, "otlp").is_none());
}

#[test]
fn names_what_to_use_in_place_of_what_only_the_collector_has() {
    for (kind, name, part) in [
        (Kind::Processor, "tail_sampling", "later release"),
        (Kind::Extension, "memory_limiter", "first into each pipeline"),
        (Kind::Receiver, "k8s_objects", "keep it in a Collector"),
        (Kind::Extension, "zpages", "/debug"),
    ] {
        match catalog().lookup(kind, name) {
            Lookup::Unsupported { instead } => assert!(instead.contains(part), "{name}: {instead}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    let typo = catalog().lookup(Kind::Processor, "batsh");
    assert_eq!(typo, Lookup::Unknown { nearest: Some("batch".to_owned()) });
}

#[test]
fn the_documentation_has_each_difference_from_the_collector() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = words(include_str!("../../../docs/configuration.md"));
    let of_components = entries().flat_map(|entry| entry.differences);
    let all = of_components.chain(catalog::SERVICE).map(|difference| difference.says);
    for says in all.chain([catalog::FAN_OUT, catalog::ROUTES]) {
        assert!(page.contains(&format!("- {says}")), "{says}");
    }
}

#[test]
fn explains_what_a_configuration_has_and_nothing_else() {
    let yaml = "receivers: { otlp: { protocols: { grpc: } } }\n\
                exporters: { debug: , file: { path: x,\n  flush_interval: 1s } }\n\
                service: { pipelines: { logs: { receivers: [otlp], exporters: [debug, file] } } }\n";
    let (validated, _) = validate(yaml).unwrap();
    let told: Vec<String> = explain::differences(&validated).iter().map(ToString::to_string).collect();
    let has = |start: &str, part: &str| told.iter().any(|line| line.starts_with(start) && line.contains(part));
    assert!(has("/etc/tidegate.yaml:3:19: exporters.file.flush_interval: ", "changes nothing"), "{told:?}");
    assert!(has("/etc/tidegate.yaml:1:20: receivers.otlp: ", "not when it was queued"), "{told:?}");
    assert!(has("/etc/tidegate.yaml:4:", "may see its data twice"), "{told:?}");
    assert!(!told.iter().any(|line| line.contains("numbered")), "there is no rotation: {told:?}");
}

#[test]
fn explains_what_the_readme_of_a_bundled_module_lists() {
    let yaml = "receivers: { otlp: { protocols: { grpc: } } }\n\
                processors: { filter: , attributes: { actions: [{ key: a, action: delete }] } }\n\
                exporters: { debug: }\n\
                service: { pipelines: { logs: { receivers: [otlp], processors: [filter, attributes], exporters: [debug] } } }\n";
    let (validated, _) = validate(yaml).unwrap();
    let told: Vec<String> = explain::differences(&validated).iter().map(ToString::to_string).collect();
    for (id, part) in [
        (
            "processors.filter: ",
            "An error is logged once for each condition and batch, with the number of rows, and not",
        ),
        ("processors.filter: ", "There are no lambdas"),
        ("processors.attributes: ", "A key that stands twice"),
    ] {
        assert!(told.iter().any(|line| line.contains(id) && line.contains(part)), "{part}: {told:?}");
    }
    for entry in entries() {
        let listed = entry.guest.as_ref().map(catalog::Guest::differences);
        assert!(listed.is_none_or(|listed| !listed.is_empty()), "{}", entry.r#type);
    }
}

#[test]
fn explains_the_fan_out_of_each_pipeline_whose_data_goes_more_than_one_way() {
    let told = |pipelines: &str| {
        let yaml = format!(
            "receivers: {{ otlp: {{ protocols: {{ grpc: }} }} }}\nexporters: {{ debug: , debug/b: }}\n\
             service:\n  pipelines:\n{pipelines}"
        );
        let (validated, _) = validate(&yaml).unwrap();
        let told = explain::differences(&validated).into_iter().map(|difference| difference.to_string());
        told.filter(|line| line.contains("may see its data twice")).collect::<Vec<_>>()
    };
    assert_eq!(told("    logs: { receivers: [otlp], exporters: [debug] }\n"), [""; 0]);
    let routes = "    logs: { receivers: [otlp], exporters: [debug], routes: { a: [debug, debug/b] } }\n";
    assert_eq!(told(routes).len(), 1);
    let pipelines = "    logs: { receivers: [otlp], exporters: [debug] }\n    \
                     logs/b: { receivers: [otlp], exporters: [debug/b] }\n    \
                     traces: { receivers: [otlp], exporters: [debug] }\n";
    let told = told(pipelines);
    assert!(told.len() == 2 && told.iter().all(|line| line.contains("pipelines.logs")), "{told:?}");
}

#[test]
fn the_quickstart_is_valid() {
    let (validated, warnings) = validate(include_str!("../../../examples/quickstart/tidegate.yaml")).unwrap();
    assert_eq!(validated.pipelines.len(), 3);
    assert_eq!(warnings, []);
}

#[test]
fn what_a_configuration_of_the_collector_becomes_is_valid() {
    validate(include_str!("../../../examples/migrate/tidegate.yaml")).unwrap();
    let before = validate(include_str!("../../../examples/migrate/collector.yaml")).unwrap_err();
    assert!(before.contains("extensions.pprof"), "{before}");
}

#[test]
fn says_all_that_is_wrong_with_sections_of_components_too() {
    let wrong = validate(
        "receivers: { otlp: { protocols: { grpc: { endpiont: 'x' } } } }\n\
         processors: { wasm/a: { modul: x } }\n\
         exporters: { file: { paht: x }, datadog: {} }\n\
         modules: { foldr: x }\n\
         service: { pipelines: { logs: { receivers: [otlp], processors: [wasm/a], exporters: [file] } } }\n",
    )
    .unwrap_err();
    for part in ["endpiont", "modul", "paht", "datadog", "foldr"] {
        assert!(wrong.contains(part), "{part} is not in:\n{wrong}");
    }
}

#[tokio::test]
async fn says_how_to_get_the_bundled_modules_where_the_binary_has_none() {
    let yaml = "receivers: { otlp: { protocols: { grpc: } } }\n\
                processors: { wasm: { module: routing } }\n\
                exporters: { debug: }\n\
                service: { pipelines: { logs: { receivers: [otlp], processors: [wasm], exporters: [debug] } } }\n";
    let (validated, _) = validate(yaml).unwrap();
    let factories = Factories::new(&validated, &Metrics::new()).unwrap();
    let (id, debug) = ("wasm".parse().unwrap(), "debug".parse().unwrap());
    let next = factories.exporter(&debug, &validated.exporters[&debug]).await.unwrap_or_else(|error| panic!("{error}"));
    let pipeline = &validated.pipelines[0].id;
    let place = Place { pipeline, routes: &[] };
    let built = factories.processor(&id, &validated.processors[&id], place, next).await;
    match built {
        Ok(_) => assert!(!bundled::is_missing("routing")),
        Err(error) => assert!(error.to_string().contains("run `cargo xtask guests`"), "{error}"),
    }
}

#[test]
fn the_build_script_knows_the_bundled_modules() {
    let script = include_str!("../build.rs");
    for module in bundled::MODULES {
        assert!(script.contains(&format!("{:?}", module.name)), "{}", module.name);
    }
}

#[test]
fn runs_without_the_word() {
    let typed = |args: &[&str]| Cli::try_parse_from([&["tidegate"], args].concat()).map(Cli::command);
    assert!(matches!(typed(&["--config", "x.yaml"]), Ok(Command::Run(args)) if args.drain_timeout == 25));
    let several = ["--config", "x.yaml", "--config", "env:X", "--set", "a.b=c"];
    assert!(matches!(typed(&several), Ok(Command::Run(args)) if args.locations().len() == 3 && !args.no_watch));
    assert!(
        matches!(typed(&["run", "--config", "x.yaml", "--drain-timeout", "3"]), Ok(Command::Run(args)) if args.drain_timeout == 3)
    );
    assert!(matches!(typed(&["validate", "--config", "x.yaml"]), Ok(Command::Validate(_))));
    assert!(
        matches!(typed(&["compile", "--input", "a", "--output", "b"]), Ok(Command::Compile(args)) if args.args.len() == 4)
    );
    assert!(typed(&["run"]).is_err(), "a configuration is needed");
}

#[test]
fn lists_components_with_their_aliases_and_signals() {
    let text = components::as_text();
    let exporter = text.lines().find(|line| line.contains("otlp_grpc")).unwrap();
    assert!(exporter.starts_with("exporter ") && exporter.contains("logs,traces,metrics"), "{exporter}");
    assert!(exporter.ends_with("also: otlp"), "{exporter}");
}

#[test]
fn sums_up_what_was_received_and_delivered() {
    let metrics = Metrics::new();
    let receiver = [("receiver", "otlp"), ("transport", "grpc")];
    metrics.counter("otelcol_receiver_accepted_log_records", "for this test", &receiver).inc_by(5);
    metrics.counter("otelcol_receiver_refused_log_records", "for this test", &receiver).inc_by(2);
    for (exporter, items) in [("debug", 5), ("file/a", 3), ("file/b", 0)] {
        metrics.counter("otelcol_exporter_sent_log_records", "for this test", &[("exporter", exporter)]).inc_by(items);
    }
    let lines: Vec<String> = Summary::of(&metrics).iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["logs: received 5, refused 2, delivered 5 to debug, delivered 3 to file/a"]);
}
