//! What connectors join, and what they cannot.

use super::{problems, validated, warnings_in};
use crate::Map;

/// A configuration with these connectors and pipelines, one a line.
fn yaml(connectors: &str, pipelines: &str) -> String {
    let pipelines = pipelines.replace('\n', "\n    ");
    format!(
        "receivers: {{ otlp: {{}} }}\nexporters: {{ debug: {{}} }}\nprocessors: {{ batch: {{}} }}\n\
         connectors: {{ {connectors} }}\nservice:\n  pipelines:\n    {pipelines}\n"
    )
}

/// `logs/in` ends in this connector, and two pipelines begin with it.
fn two(connector: &str, id: &str) -> String {
    yaml(
        connector,
        &format!(
            "logs/in: {{ receivers: [otlp], exporters: [{id}] }}\n\
             logs/a: {{ receivers: [{id}], exporters: [debug] }}\n\
             logs/b: {{ receivers: [otlp, {id}], exporters: [debug] }}"
        ),
    )
}

#[test]
fn a_connector_leads_to_each_pipeline_that_has_it_as_a_receiver() {
    let (config, warnings) = validated(&two("forward: , forward/unused: {}", "forward")).unwrap();
    let junction = config.junction(&config.pipelines[0], &"forward".parse().unwrap()).unwrap();
    assert_eq!(junction.pipelines.iter().map(ToString::to_string).collect::<Vec<_>>(), ["logs/a", "logs/b"]);
    assert_eq!(junction.routes, []);
    assert_eq!(config.junction(&config.pipelines[1], &"forward".parse().unwrap()), None);
    let told: Vec<&str> = warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(
        told,
        ["the processor is defined, and no pipeline uses it", "the connector is defined, and no pipeline uses it"]
    );
}

#[test]
fn one_connector_may_join_pipelines_of_each_signal() {
    let pipelines = "logs/in: { receivers: [otlp], exporters: [forward] }\n\
             logs: { receivers: [forward], exporters: [debug] }\n\
                     traces/in: { receivers: [otlp], exporters: [debug, forward] }\n\
                     traces: { receivers: [forward], processors: [batch], exporters: [debug] }";
    let (config, _) = validated(&yaml("forward:", pipelines)).unwrap();
    let to: Vec<String> = config.junctions.values().flat_map(|to| &to.pipelines).map(ToString::to_string).collect();
    assert_eq!(to, ["logs", "traces"]);
}

#[test]
fn the_routes_of_a_connector_are_pipelines() {
    let connector =
        "routing: { default_pipelines: [logs/b], table: [{ pipelines: [logs/a, logs/b] }, { pipelines: [logs/b] }] }";
    let (config, _) = validated(&two(connector, "routing")).unwrap();
    let junction = config.junctions.values().next().unwrap();
    let names: Vec<(&str, usize)> = junction.routes.iter().map(|(name, to)| (name.as_str(), to.len())).collect();
    assert_eq!(names, [("logs/b", 1), ("logs/a, logs/b", 2)]);
}

#[test]
fn a_connector_that_is_used_on_one_side_only_is_refused() {
    let logs = "logs: { receivers: [otlp], exporters: [debug, forward] }";
    let alone = "7:51: service.pipelines.logs.exporters[1]: the connector `forward` is used as an exporter in logs, and not \
                 as a receiver in any pipeline of logs, to which alone it can hand that on: name it among the `receivers` of one";
    assert_eq!(problems(&yaml("forward:", logs)), [alone]);
    let other = "traces: { receivers: [forward], exporters: [debug] }";
    assert_eq!(
        problems(&yaml("forward:", &format!("{logs}\n{other}"))),
        [
            alone,
            "8:27: service.pipelines.traces.receivers[0]: the connector `forward` is used as a receiver in traces, and not \
             as an exporter in any pipeline of traces, from which alone it can get that: name it among the `exporters` of one",
        ]
    );
}

#[test]
fn an_id_that_could_mean_two_things_is_refused() {
    let pipelines = "logs: { receivers: [otlp], exporters: [debug] }";
    let refused = problems(&yaml("debug: , otlp: {}", pipelines));
    let ambiguous: Vec<&String> = refused.iter().filter(|problem| problem.contains("ambiguous")).collect();
    assert_eq!(
        ambiguous,
        [
            "4:15: connectors.debug: ambiguous: `debug` is one of the `exporters` too, and a pipeline that names it could \
             mean either: rename one, such as the connector to `debug/connector`",
            "4:24: connectors.otlp: ambiguous: `otlp` is one of the `receivers` too, and a pipeline that names it could \
             mean either: rename one, such as the connector to `otlp/connector`",
        ]
    );
}

#[test]
fn pipelines_that_lead_back_to_themselves_are_refused() {
    let round = "logs: { receivers: [otlp], exporters: [forward] }\n\
                 logs/a: { receivers: [forward, forward/back], exporters: [debug, forward/on] }\n\
                 logs/b: { receivers: [forward/on], exporters: [forward/back] }\n\
                 logs/c: { receivers: [forward/on], exporters: [debug] }";
    assert_eq!(
        problems(&yaml("forward: , forward/on: , forward/back:", round)),
        [
            "8:70: service.pipelines.logs/a.exporters[1]: cycle detected, in which data would go round for ever: connector \
             `forward/on` -> pipeline `logs/b` -> connector `forward/back` -> pipeline `logs/a` -> connector `forward/on`"
        ]
    );
    let itself = "logs: { receivers: [otlp, forward], exporters: [debug], routes: { again: [forward] } }";
    assert_eq!(
        problems(&yaml("forward:", itself)),
        [
            "7:79: service.pipelines.logs.routes.again[0]: cycle detected, in which data would go round for ever: connector \
             `forward` -> pipeline `logs` -> connector `forward`"
        ]
    );
}

#[test]
fn a_long_way_is_no_cycle() {
    let mut pipelines = vec!["logs/0: { receivers: [otlp], exporters: [forward/1] }".to_owned()];
    let mut connectors = Vec::new();
    for i in 1..2000 {
        connectors.push(format!("forward/{i}: "));
        pipelines.push(format!("logs/{i}: {{ receivers: [forward/{i}], exporters: [forward/{}] }}", i + 1));
    }
    connectors.push("forward/2000: ".to_owned());
    pipelines.push("logs/2000: { receivers: [forward/2000], exporters: [debug] }".to_owned());
    assert_eq!(problems(&yaml(&connectors.join(", "), &pipelines.join("\n"))), [""; 0]);
}

#[test]
fn a_pipeline_that_a_table_names_is_there_and_takes_its_data() {
    let connector = "routing: { default_pipelines: [logs/in], table: [{ pipelines: [logs/a, log/b, logs/bb] }] }";
    assert_eq!(
        problems(&two(connector, "routing")),
        [
            "4:46: connectors.routing.default_pipelines[0]: the pipeline `logs/in` does not have `routing` among its \
             `receivers`: name it there",
            "4:86: connectors.routing.table[0].pipelines[1]: \"log\" is no signal: logs, traces or metrics",
            "4:93: connectors.routing.table[0].pipelines[2]: the pipeline `logs/bb` is not defined under \
             `service.pipelines`, did you mean `logs/b`?",
        ]
    );
    let two_signals = "logs/in: { receivers: [otlp], exporters: [routing] }\n\
             logs: { receivers: [routing], exporters: [debug] }\n\
                       traces/in: { receivers: [otlp], exporters: [routing] }\n\
                       traces: { receivers: [routing], exporters: [debug] }";
    let told = problems(&yaml("routing: { table: [{ pipelines: [logs, traces] }] }", two_signals));
    assert_eq!(
        told,
        [
            "4:48: connectors.routing.table[0].pipelines[0]: `logs` is a pipeline of logs, and what `routing` gets from \
             `traces/in` are traces: use a connector for each signal",
            "4:54: connectors.routing.table[0].pipelines[1]: `traces` is a pipeline of traces, and what `routing` gets from \
             `logs/in` are logs: use a connector for each signal",
        ]
    );
}

#[test]
fn a_route_leads_to_pipelines_that_take_its_data() {
    let told = problems(&two("routing: { table: [{ pipelines: ['logs/a, logs/c'] }] }", "routing"));
    assert!(told[0].contains("table[0].pipelines[0]: the pipeline `logs/a, logs/c` is not defined"), "{told:?}");
    assert_eq!(told.len(), 1, "it is told once: {told:?}");
    let told = problems(&two("routing: { route: logs/other }", "routing"));
    assert_eq!(
        told,
        ["4:24: connectors.routing: the route `logs/other` leads to pipelines that do not have it as a receiver"]
    );
}

#[test]
fn a_connector_that_there_is_not_here_is_told_and_nothing_else_of_it() {
    let pipelines =
        "logs: { receivers: [otlp], exporters: [transform] }\nmetrics: { receivers: [transform], exporters: [debug] }";
    let told = problems(&yaml("transform:", pipelines));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("the connector `transform` is not supported"), "{told:?}");
    assert_eq!(warnings_in(&two("forward:", "forward"), Map::default()).len(), 1, "the processor alone is unused");
}

#[test]
fn a_connector_is_no_processor() {
    let pipelines = "logs: { receivers: [otlp], processors: [forward], exporters: [debug] }";
    assert!(problems(&yaml("forward:", pipelines))[0].contains("only `processors` may stand here"));
}
