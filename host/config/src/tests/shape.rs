//! The document's shape and its references.

use std::path::Path;

use super::{MINIMAL, problems, validated, warnings_in};
use crate::{Map, Telemetry};

#[test]
fn takes_a_configuration_in_the_shape_of_the_collector() {
    let yaml = "\
extensions:
  health_check: { endpoint: 127.0.0.1:23133 }
receivers:
  otlp:
    protocols:
      grpc:
      http: { endpoint: 127.0.0.1:4318 }
processors:
  batch: {}
exporters:
  debug: { verbosity: detailed }
  debug/audit:
modules: { folder: modules }
service:
  extensions: [health_check]
  telemetry:
    logs: { level: warn }
    metrics:
      readers:
        - pull: { exporter: { prometheus: { host: 127.0.0.1, port: 28888 } } }
  pipelines:
    logs: { receivers: [otlp], processors: [batch], exporters: [debug], routes: { audit: [debug/audit] } }
    traces/two: { receivers: [otlp], exporters: [debug] }
";
    let (validated, warnings) = validated(yaml).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(validated.base, Path::new("/etc/tidegate"));
    assert_eq!(validated.exporters.keys().map(ToString::to_string).collect::<Vec<_>>(), ["debug", "debug/audit"]);
    assert_eq!(validated.pipelines.len(), 2);
    let logs = &validated.pipelines[0];
    assert_eq!(logs.id.to_string(), "logs");
    assert_eq!(logs.routes[0].0, "audit");
    assert_eq!(logs.routes[0].1[0].to_string(), "debug/audit");
    let telemetry: Telemetry = validated.telemetry.unwrap().decode().unwrap();
    assert_eq!(telemetry.metrics.endpoint().unwrap(), "127.0.0.1:28888");
}

#[test]
fn tells_every_problem_at_once_with_its_place_and_the_nearest_name() {
    let yaml = "\
recievers: { x: 1 }
receivers:
  otpl: {}
  otlp:
    protocols:
      grpc: { endpont: here, max_streams: 70000, colour: red, idle: 5 }
  9x: {}
processors:
  transform: {}
exporters:
  debug: { verbosity: detialed, shards: [1, two, 300], color: maybe, ratio: [] }
service:
  piplines: {}
  telemetry: { logs: { level: loud } }
  pipelines:
    log: { receivers: [otlp] }
    logs:
      receivers: [otlp, otlp, otpl/1]
      processors: [batch]
      exporters: [debugg]
      routes: { a: [], b: [otlp] }
    metrics: {}
";
    assert_eq!(
        problems(yaml),
        [
            "1:1: recievers: unknown key `recievers`, did you mean `receivers`?",
            "3:3: receivers.otpl: unknown receiver `otpl`, did you mean `otlp`?",
            "6:15: receivers.otlp.protocols.grpc.endpont: unknown key `endpont`, did you mean `endpoint`?",
            "6:43: receivers.otlp.protocols.grpc.max_streams: expected a whole number from 0 to 65535, found the number 70000",
            "6:50: receivers.otlp.protocols.grpc.colour: unknown key `colour`, known here: endpoint, max_streams, idle",
            "6:69: receivers.otlp.protocols.grpc.idle: the duration \"5\" has no unit: write `5s`, `5ms` or another of ns, us, ms, s, m and h",
            "7:3: receivers.9x: \"9x\" is no component type: letters, digits and underscores, a letter first",
            "9:3: processors.transform: the processor `transform` is not supported: write it as a `wasm` processor",
            "11:23: exporters.debug.verbosity: unknown value `detialed`, did you mean `detailed`?",
            "11:45: exporters.debug.shards[1]: expected a whole number, found the text \"two\"",
            "11:50: exporters.debug.shards[2]: expected a whole number from 0 to 255, found the number 300",
            "11:63: exporters.debug.color: expected true or false, found the text \"maybe\"",
            "11:77: exporters.debug.ratio: expected a number, found a list",
            "13:3: service.piplines: unknown key `piplines`, did you mean `pipelines`?",
            "14:31: service.telemetry.logs.level: unknown value `loud`, known here: debug, info, warn, error",
            "16:5: service.pipelines.log: \"log\" is no signal: logs, traces or metrics",
            "18:25: service.pipelines.logs.receivers[1]: `otlp` stands here twice, first in line 18",
            "18:31: service.pipelines.logs.receivers[2]: the receiver `otpl/1` is not defined under `receivers`, did you mean `otpl`?",
            "19:20: service.pipelines.logs.processors[0]: the processor `batch` is not defined under `processors`, known here: transform",
            "20:19: service.pipelines.logs.exporters[0]: the exporter `debugg` is not defined under `exporters`, did you mean `debug`?",
            "21:20: service.pipelines.logs.routes.a: the route `a` needs at least one exporter",
            "21:28: service.pipelines.logs.routes.b[0]: `otlp` is one of the `receivers`, and only `exporters` may stand here",
            "22:5: service.pipelines.metrics: the pipeline has no receiver: it needs at least one in `receivers`",
            "22:5: service.pipelines.metrics: the pipeline has no exporter: it needs at least one in `exporters`",
        ]
    );
}

#[test]
fn wants_a_document_with_pipelines() {
    let empty = "the configuration is empty: it needs receivers, exporters and a service with pipelines";
    let pipelines = "there are no pipelines: `service.pipelines` needs at least one, such as `logs`";
    let none = format!("service.pipelines: {pipelines}");
    for (yaml, expected) in [
        ("", vec![format!("1:1: {empty}"), format!("1:1: {none}")]),
        ("service:\n  pipelines: {}\n", vec![format!("2:3: {none}")]),
        ("[1]", vec!["1:1: expected a mapping, found a list".to_owned(), format!("1:1: {none}")]),
        (
            "service: 5",
            vec!["1:10: service: expected a mapping, found the number 5".to_owned(), format!("1:10: {none}")],
        ),
    ] {
        assert_eq!(problems(yaml), expected, "{yaml:?}");
    }
}

#[test]
fn refuses_a_signal_that_a_component_does_not_do() {
    let yaml = "\
receivers: { file_log: {} }
exporters: { debug: {} }
service: { pipelines: { traces: { receivers: [file_log], exporters: [debug] } } }
";
    assert_eq!(
        problems(yaml),
        ["3:47: service.pipelines.traces.receivers[0]: the receiver `file_log` does not do traces, only logs"]
    );
}

#[test]
fn warns_of_what_is_not_used_and_of_older_names() {
    let yaml = "\
receivers: { otlp: {}, filelog: {} }
processors: { batch: {} }
exporters: { debug: {} }
extensions: { health_check: {} }
service: { pipelines: { logs: { receivers: [otlp, filelog], exporters: [debug] } } }
";
    assert_eq!(
        warnings_in(yaml, Map::default()),
        [
            "1:24: receivers.filelog: `filelog` is the older name of the receiver `file_log`",
            "2:15: processors.batch: the processor is defined, and no pipeline uses it",
            "4:15: extensions.health_check: the extension is defined, and `service.extensions` does not name it",
        ]
    );
    assert!(validated(yaml).unwrap().0.extensions.is_empty(), "an extension that nothing names is not built");
}

#[test]
fn names_both_lines_of_a_duplicate_key() {
    let yaml = format!("{MINIMAL}processors:\n  batch: {{}}\n  batch: {{}}\nreceivers: {{}}\n");
    assert_eq!(
        problems(&yaml),
        [
            "6:3: the key `batch` stands twice, here and in line 5",
            "7:1: the key `receivers` stands twice, here and in line 1"
        ]
    );
}

#[test]
fn a_duplicate_key_hides_no_other_problem() {
    let yaml = format!("{MINIMAL}processors:\n  batch: {{}}\n  batch: {{}}\nrecievers: {{}}\n");
    assert_eq!(
        problems(&yaml),
        [
            "6:3: the key `batch` stands twice, here and in line 5",
            "7:1: recievers: unknown key `recievers`, did you mean `receivers`?"
        ]
    );
}

#[test]
fn bounds_what_is_in_flight_by_a_key_with_a_default() {
    let limits = |section: &str| MINIMAL.replace("service: {", &format!("service: {{ limits: {section},"));
    assert_eq!(validated(MINIMAL).unwrap().0.limits.in_flight_bytes(), 64 << 20);
    assert_eq!(validated(&limits("{ in_flight_mib: 5 }")).unwrap().0.limits.in_flight_bytes(), 5 << 20);
    assert!(problems(&limits("{ in_flight_mib: 0 }"))[0].contains("service.limits.in_flight_mib: nothing could be"));
    assert!(problems(&limits("{ in_flight: 0 }"))[0].contains("did you mean `in_flight_mib`?"));
}

#[test]
fn refuses_a_second_reader_of_metrics_which_nothing_would_serve() {
    let yaml = MINIMAL.replace("service: {", "service: { telemetry: { metrics: { readers: [{}, {}] } },");
    assert!(problems(&yaml)[0].contains("service.telemetry.metrics.readers: there is one endpoint"), "{yaml}");
}

#[test]
fn serves_metrics_where_the_collector_does() {
    let endpoint = |telemetry: &str| {
        let yaml = MINIMAL.replace("service: {", &format!("service: {{ telemetry: {{ metrics: {telemetry} }},"));
        let telemetry: Telemetry = validated(&yaml).unwrap().0.telemetry.unwrap().decode().unwrap();
        telemetry.metrics.endpoint()
    };
    for (telemetry, expected) in [
        ("{}", Some("localhost:8888")),
        ("{ level: none }", None),
        ("{ address: ':9999' }", Some(":9999")),
        ("{ readers: [{ pull: { exporter: { prometheus: { host: '::1' } } } }] }", Some("[::1]:8888")),
    ] {
        assert_eq!(endpoint(telemetry).as_deref(), expected, "{telemetry}");
    }
}

#[test]
fn doubts_an_endpoint_that_others_reach_and_anybody_may_ask() {
    let told = |telemetry: &str| {
        let yaml = MINIMAL.replace("service: {", &format!("service: {{ telemetry: {{ metrics: {telemetry} }},"));
        warnings_in(&yaml, Map::default()).join("\n")
    };
    for (metrics, place) in [
        ("{ address: '0.0.0.0:8888' }", "service.telemetry.metrics.address: anybody who reaches 0.0.0.0:8888"),
        ("{ address: ':8888' }", "anybody who reaches :8888"),
        ("{ address: '[::]:8888', tls: { cert_file: a, client_ca_file: '' } }", "reaches [::]:8888"),
        ("{ address: 'localhost.example:8888' }", "reaches localhost.example:8888"),
        (
            "{ readers: [{ pull: { exporter: { prometheus: { host: 10.0.0.7 } } } }] }",
            "metrics.readers[0].pull.exporter.prometheus.host: anybody who reaches 10.0.0.7:8888",
        ),
    ] {
        assert!(told(metrics).contains(place), "{metrics}: {}", told(metrics));
    }
    for metrics in [
        "{}",
        "{ address: 'LocalHost:1' }",
        "{ address: '127.9.9.9:1' }",
        "{ address: '[::1]:1' }",
        "{ address: '[::ffff:127.0.0.1]:1' }",
        "{ address: none }",
        "{ level: none, address: '0.0.0.0:1' }",
        "{ address: '0.0.0.0:1', tls: { client_ca_file: ca.pem } }",
    ] {
        assert_eq!(told(metrics), "", "{metrics}");
    }
}

#[test]
fn the_authenticator_of_the_endpoint_for_metrics_is_an_extension_that_runs() {
    let yaml = |auth: &str, runs: &str| {
        let service = format!(
            "extensions: {{ health_check: }}\nservice: {{ extensions: [{runs}], telemetry: {{ metrics: {{ auth: {auth} }} }},"
        );
        MINIMAL.replace("service: {", &service)
    };
    assert!(validated(&yaml("{ authenticator: health_check }", "health_check")).is_ok());
    for (auth, runs, told) in [
        (
            "{ authenticator: health_check }",
            "",
            "auth.authenticator: `service.extensions` does not name `health_check`",
        ),
        ("{ authenticator: health_chek }", "health_check", "auth.authenticator: the extension `health_chek` is not"),
        ("{}", "health_check", "service.telemetry.metrics.auth.authenticator: it is missing"),
        ("{ authentication: x }", "health_check", "service.telemetry.metrics.auth.authentication: unknown key"),
    ] {
        let problems = problems(&yaml(auth, runs));
        assert!(problems.iter().any(|problem| problem.contains(told)), "{auth}: {problems:?}");
    }
}

#[test]
fn an_authenticator_is_an_extension_that_runs() {
    let yaml = |name: &str| {
        format!(
            "receivers: {{ file_log: {{ protocols: {{ grpc: {{ auth: {{ authenticator: {name} }} }} }} }} }}\n\
             exporters: {{ debug: {{}} }}\n\
             extensions: {{ health_check: {{}}, health_check/off: {{}} }}\n\
             service: {{ extensions: [health_check], pipelines: {{ logs: {{ receivers: [file_log], exporters: [debug] }} }} }}\n"
        )
    };
    let place = "receivers.file_log.protocols.grpc.auth.authenticator";
    assert_eq!(problems(&yaml("health_check")), [""; 0]);
    for (name, why) in [
        (
            "health_check/off",
            "`service.extensions` does not name `health_check/off`, so that it does not run: add it there",
        ),
        ("helth_check", "the extension `helth_check` is not defined under `extensions`, did you mean `health_check`?"),
        ("[]", "expected the id of an extension"),
    ] {
        assert_eq!(problems(&yaml(name)), [format!("1:70: {place}: {why}")], "{name}");
    }
}

#[test]
fn an_authenticator_is_looked_for_where_backends_are_spoken_to_too() {
    let yaml = "receivers: { otlp: {} }\n\
                exporters: { debug: , file: { protocol: { otlp: { auth: { authenticator: nobody } } } } }\n\
                service: { pipelines: { logs: { receivers: [otlp], exporters: [debug, file] } } }\n";
    let problems = problems(yaml);
    let place = "exporters.file.protocol.otlp.auth.authenticator: the extension `nobody` is not defined";
    assert!(problems.iter().any(|problem| problem.contains(place)), "{problems:?}");
}

#[test]
fn an_exporter_is_asked_about_each_signal_that_it_gets() {
    let yaml = |signal: &str| {
        format!(
            "receivers: {{ otlp: {{}} }}\nexporters: {{ debug/logs_alone: }}\n\
             service: {{ pipelines: {{ {signal}: {{ receivers: [otlp], exporters: [debug/logs_alone] }} }} }}\n"
        )
    };
    assert_eq!(problems(&yaml("logs")), [""; 0]);
    let problems = problems(&yaml("metrics"));
    assert!(problems.len() == 1 && problems[0].ends_with("it takes no metrics"), "{problems:?}");
}

#[test]
fn warns_of_a_processor_that_should_be_first_and_stands_behind_another() {
    let yaml = |processors: &str| {
        format!(
            "receivers: {{ otlp: {{}} }}\nprocessors: {{ batch: , memory_limiter: , memory_limiter/b: }}\nexporters: {{ debug: {{}} }}\n\
             service:\n  pipelines:\n    logs: {{ receivers: [otlp], exporters: [debug], processors: {processors} }}\n    \
             traces: {{ receivers: [otlp], exporters: [debug], processors: [memory_limiter/b] }}\n"
        )
    };
    let warnings = |processors| {
        let all = warnings_in(&yaml(processors), Map::default());
        all.into_iter().filter(|warning| warning.contains("should be")).collect::<Vec<_>>()
    };
    let why = "`memory_limiter` is not the first processor of the pipeline, and should be: it refuses what comes";
    let at = "6:72: service.pipelines.logs.processors[1]";
    assert_eq!(warnings("[batch, memory_limiter]"), [format!("{at}: {why}")]);
    assert_eq!(warnings("[memory_limiter, batch]"), [""; 0]);
    assert_eq!(warnings("[memory_limiter/b, memory_limiter]"), [""; 0]);
}
