//! A configuration that changes while data flows: what is new takes over, what did not change runs on, and what is
//! broken changes nothing.

mod load;

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use self::load::Load;
use crate::harness::certificates::Authority;
use crate::harness::telemetry::{logs, record, text_of};
use crate::harness::{Backend, Collector, PATIENCE, Setup, eventually, modules};

const YAML: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' }, http: { endpoint: '${env:HOST}:4318' } } } }
processors: { batch: { send_batch_size: 1000 } }
exporters:
  file: { path: out.jsonl }
  otlp_grpc: { endpoint: '${env:BACKEND}', tls: { insecure: true }, compression: none }
extensions: { health_check: { endpoint: '${env:HOST}:13133' } }
modules: { cache: '${env:CACHE}' }
service:
  extensions: [health_check]
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] }
";

const TAKEN_OVER: &str = "configuration taken over";

fn setup(backend: &Backend) -> Setup {
    Collector::from_yaml(YAML).env("BACKEND", &backend.address())
}

/// Puts `yaml` in place and waits until it is in force; what the log says of it.
async fn reload(collector: &Collector, yaml: &str) -> String {
    let seen = collector.log.len();
    collector.replace("tidegate.yaml", yaml);
    collector.log.wait_for(seen, &[TAKEN_OVER]).await
}

/// How often each id is in what the backend took.
fn delivered(backend: &Backend) -> HashMap<String, usize> {
    let mut delivered = HashMap::new();
    for record in backend.log_records() {
        let id = text_of(&record.attributes, "id").expect("each record has an id");
        *delivered.entry(id.to_owned()).or_default() += 1;
    }
    delivered
}

fn all_are_there(acknowledged: &[String], delivered: &HashMap<String, usize>) {
    for id in acknowledged {
        assert!(delivered.contains_key(id), "{id} was acknowledged and is not there");
    }
}

/// Sends a request over a connection that is open already; whether it was taken.
async fn post(stream: &mut TcpStream, id: &str) -> bool {
    let body = logs(vec![record(id, 9, "over one connection")]).encode_to_vec();
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    answer[..read].starts_with(b"HTTP/1.1 200")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_changes_under_load_loses_nothing_and_no_connection() {
    let backend = Backend::start().await;
    let collector = setup(&backend).start().await;
    let mut connection = TcpStream::connect(collector.http()).await.unwrap();
    assert!(post(&mut connection, "before").await);
    let load = Load::start(&collector, 4).await;
    for size in 1..=5 {
        load.goes_on().await;
        let told = reload(&collector, &YAML.replace("size: 1000", &format!("size: {size}"))).await;
        assert!(told.contains("kept: receiver otlp, exporter otlp_grpc; replaced: pipeline logs"), "{told}");
    }
    load.goes_on().await;
    assert!(post(&mut connection, "after").await, "the connection is the one from before");
    let told = load.end().await;
    assert_eq!(told.failed, 0, "nothing was refused");
    let delivered = delivered(&backend);
    all_are_there(&told.acknowledged, &delivered);
    assert!(delivered.values().all(|times| *times == 1) && delivered.contains_key("after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_changes_on_its_port_loses_nothing_and_refuses_no_connection() {
    let backend = Backend::start().await;
    let collector = setup(&backend).start().await;
    let load = Load::start(&collector, 4).await;
    let knocking = tokio::spawn(knock(collector.grpc()));
    for streams in 101..=105 {
        load.goes_on().await;
        let grpc = format!("protocols: {{ grpc: {{ max_concurrent_streams: {streams}, endpoint");
        let told = reload(&collector, &YAML.replace("protocols: { grpc: { endpoint", &grpc)).await;
        assert!(told.contains("kept: pipeline logs, exporter otlp_grpc; replaced: receiver otlp"), "{told}");
    }
    load.goes_on().await;
    knocking.abort();
    let refused = knocking.await.expect_err("it knocks until it is told to end");
    assert!(refused.is_cancelled(), "{refused}");
    let told = load.end().await;
    all_are_there(&told.acknowledged, &delivered(&backend));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_behind_a_connector_that_changes_under_load_loses_nothing() {
    let backend = Backend::start().await;
    let joined = "logs/in: { receivers: [otlp], exporters: [forward] }\n    logs: { receivers: [forward]";
    let yaml = YAML
        .replace("logs: { receivers: [otlp]", joined)
        .replace("exporters:\n", "connectors: { forward: }\nexporters:\n");
    let collector = Collector::from_yaml(&yaml).env("BACKEND", &backend.address()).start().await;
    let load = Load::start(&collector, 4).await;
    for size in 1..=5 {
        load.goes_on().await;
        let told = reload(&collector, &yaml.replace("size: 1000", &format!("size: {size}"))).await;
        let kept = "kept: receiver otlp, pipeline logs/in, exporter otlp_grpc; replaced: pipeline logs";
        assert!(told.contains(kept), "{told}");
    }
    // Another pipeline behind it, then none but that, then no connector at all.
    let renamed = yaml.replace("    logs: {", "    logs/more: {");
    for (next, told) in [
        (&renamed, "replaced: pipeline logs/in; added: pipeline logs/more; removed: pipeline logs"),
        (&yaml, "replaced: pipeline logs/in; added: pipeline logs; removed: pipeline logs/more"),
        (&YAML.to_owned(), "pipeline logs, exporter otlp_grpc; removed: pipeline logs/in"),
        (&yaml, "added: pipeline logs/in"),
    ] {
        load.goes_on().await;
        let said = reload(&collector, next).await;
        assert!(said.contains(told), "{said}");
    }
    load.goes_on().await;
    let told = load.end().await;
    assert_eq!(told.failed, 0, "nothing was refused");
    let delivered = delivered(&backend);
    all_are_there(&told.acknowledged, &delivered);
    assert!(delivered.values().all(|times| *times == 1), "nothing is there twice");
}

/// Connects again and again, for ever.
async fn knock(address: SocketAddr) {
    loop {
        TcpStream::connect(address).await.expect("no connection is refused");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Something that is wrong, what is told of it, and where: the line, or where it has none the key or the component.
fn broken() -> Vec<(String, &'static str, &'static str)> {
    let with = |from: &str, to: &str| {
        assert!(YAML.contains(from), "{from}");
        YAML.replace(from, to)
    };
    vec![
        ("receivers: [".to_owned(), "no YAML", "tidegate.yaml:2:1:"),
        (with("send_batch_size", "send_batch_sise"), "did you mean `send_batch_size`?", "tidegate.yaml:3:"),
        (with("processors: [batch]", "processors: [bath]"), "`bath` is not defined", "tidegate.yaml:13:"),
        (with("'${env:BACKEND}'", "'${file:nothing}'"), "cannot read the file", "tidegate.yaml:6:"),
        (
            with("out.jsonl }", "no/out.jsonl }").replace("[otlp_grpc]", "[otlp_grpc, file]"),
            "does not exist",
            "tidegate.yaml:5:",
        ),
        (
            with("{ batch: {", "{ wasm: { module: ./none.wasm }, batch: {").replace("[batch]", "[wasm]"),
            "none.wasm",
            "tidegate.yaml:3:",
        ),
        (
            with("{ batch: {", "{ wasm: { module: ./trap.wasm }, batch: {").replace("[batch]", "[wasm]"),
            "unreachable",
            "tidegate.yaml:3:",
        ),
        (with(":4318'", ":4317'"), "receiver otlp has it in the same configuration", "tidegate.yaml:2:"),
        (
            with("http: { endpoint: '${env:HOST}:4318' }", "http: { endpoint: '${env:TAKEN}' }"),
            "cannot listen on",
            "tidegate.yaml:2:",
        ),
        (
            with("service:", "service:\n  limits: { in_flight_mib: 1 }"),
            "service.limits.in_flight_mib allows",
            "tidegate.yaml:2:",
        ),
        (with("modules: {", "modules: { limits: { threads: 0 },"), "modules.limits.threads", "modules.limits.threads"),
        (with("telemetry: {", "telemetry: { logs: { encoding: json },"), "restart", "tidegate.yaml:11:"),
        (with("HOST}:13133", "HOST}:8888"), "cannot listen on", "service.telemetry.metrics"),
        (String::new(), "the configuration is empty", "tidegate.yaml:1:1:"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_configurations_in_a_row_are_told_and_change_nothing() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let backend = Backend::start().await;
    let setup = setup(&backend).env("TAKEN", &taken.local_addr().unwrap()).file("trap.wasm", modules::trapping());
    let collector = setup.start().await;
    let hash = hash_of(&collector).await;
    let load = Load::start(&collector, 4).await;
    let broken = broken();
    let mut misplaced = Vec::new();
    for (yaml, reason, place) in &broken {
        let seen = collector.log.len();
        collector.replace("tidegate.yaml", yaml);
        let told = collector.log.wait_for(seen, &["configuration refused", reason]).await;
        misplaced.extend((!told.contains(place)).then(|| format!("{place}: {told}")));
        collector.log.wait_for(seen, &["the configuration before it stays in force", &hash]).await;
        load.goes_on().await;
    }
    assert_eq!(misplaced, [""; 0], "each is told with its place");
    let metrics = collector.metrics().await;
    let failures = metrics.sum("tidegate_config_reloads", &["outcome=\"failure\""]);
    assert!(failures >= broken.len() as f64, "{failures}");
    assert_eq!(metrics.sum("tidegate_config_last_reload_successful", &[]), 0.0);
    assert_eq!(hash_of(&collector).await, hash);

    let seen = collector.log.len();
    collector.replace("tidegate.yaml", YAML);
    collector.log.wait_for(seen, &["nothing changes"]).await;
    assert_eq!(collector.metrics().await.sum("tidegate_config_last_reload_successful", &[]), 1.0);
    let told = load.end().await;
    assert_eq!(told.failed, 0, "nothing was refused");
    let delivered = delivered(&backend);
    all_are_there(&told.acknowledged, &delivered);
    assert!(delivered.values().all(|times| *times == 1), "nothing is there twice");
}

/// The hash of the configuration in force.
async fn hash_of(collector: &Collector) -> String {
    let metrics = collector.metrics().await;
    let mut infos = metrics.0.lines().filter(|line| line.starts_with("tidegate_config_info{"));
    let info = infos.next().expect("there is a configuration in force");
    assert!(info.ends_with("\"} 1") && infos.next().is_none(), "there is one: {info}");
    info.split('"').nth(1).expect("it has a hash").to_owned()
}

#[tokio::test]
async fn a_signal_has_it_read_again_and_without_a_watch_nothing_else_does() {
    let backend = Backend::start().await;
    let collector = setup(&backend).args(&["--no-watch"]).start().await;
    let before = hash_of(&collector).await;
    let seen = collector.log.len();
    collector.replace("tidegate.yaml", YAML.replace("size: 1000", "size: 5"));
    collector.signal_hup();
    collector.log.wait_for(seen, &[TAKEN_OVER]).await;
    assert!(!collector.log.having(seen, &["SIGHUP"]).is_empty());
    assert_ne!(hash_of(&collector).await, before);
    let seen = collector.log.len();
    collector.signal_hup();
    collector.log.wait_for(seen, &["nothing changes"]).await;
    assert_eq!(collector.metrics().await.sum("tidegate_config_reloads", &["outcome=\"success\""]), 2.0);
}

#[tokio::test]
async fn a_file_that_is_written_in_place_and_one_that_is_referred_to_are_watched() {
    let backend = Backend::start().await;
    let yaml = YAML.replace("{ send_batch_size: 1000 }", "'${file:batch.yaml}'");
    let setup = Collector::from_yaml(&yaml).env("BACKEND", &backend.address());
    let collector = setup.file("batch.yaml", "send_batch_size: 1\n").start().await;
    let mut hashes = vec![hash_of(&collector).await];
    let seen = collector.log.len();
    collector.overwrite("batch.yaml", "send_batch_size: 2\n");
    collector.log.wait_for(seen, &[TAKEN_OVER]).await;
    hashes.push(hash_of(&collector).await);
    let seen = collector.log.len();
    collector.overwrite("tidegate.yaml", format!("{yaml}# the same\n"));
    collector.log.wait_for(seen, &["nothing changes"]).await;
    assert_eq!(hash_of(&collector).await, hashes[1], "a comment changes nothing");
    let seen = collector.log.len();
    collector.overwrite("tidegate.yaml", YAML);
    collector.log.wait_for(seen, &[TAKEN_OVER]).await;
    hashes.push(hash_of(&collector).await);
    hashes.dedup();
    assert_eq!(hashes.len(), 3);
}

#[tokio::test]
async fn the_link_of_a_mounted_config_map_is_followed() {
    let backend = Backend::start().await;
    let setup = setup(&backend).file("mount/..1/more.yaml", "processors: { batch: { send_batch_size: 1 } }\n");
    symlink("..1", setup.path("mount/..data")).unwrap();
    symlink("..data/more.yaml", setup.path("mount/more.yaml")).unwrap();
    let collector = setup.args(&["--config", "mount/more.yaml"]).start().await;
    let before = hash_of(&collector).await;
    // As the kubelet does it: a new folder, a new link beside the old one, renamed over it.
    collector.overwrite("mount/..2/more.yaml", "processors: { batch: { send_batch_size: 2 } }\n");
    symlink("..2", collector.path("mount/..data_tmp")).unwrap();
    let seen = collector.log.len();
    fs::rename(collector.path("mount/..data_tmp"), collector.path("mount/..data")).unwrap();
    collector.log.wait_for(seen, &[TAKEN_OVER]).await;
    assert_ne!(hash_of(&collector).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_two_configurations_write_to_has_whole_lines_and_all_that_was_acknowledged() {
    let backend = Backend::start().await;
    let yaml = YAML.replace("exporters: [otlp_grpc]", "exporters: [file]");
    let collector = Collector::from_yaml(&yaml).env("BACKEND", &backend.address()).start().await;
    let load = Load::start(&collector, 4).await;
    for days in 1..=5 {
        load.goes_on().await;
        let settings = format!("out.jsonl, rotation: {{ max_days: {days} }} }}");
        let told = reload(&collector, &yaml.replace("out.jsonl }", &settings)).await;
        assert!(told.contains("exporter file"), "{told}");
    }
    // Another id, the same file.
    load.goes_on().await;
    reload(&collector, &yaml.replace("  file:", "  file/other:").replace("[file]", "[file/other]")).await;
    load.goes_on().await;
    let told = load.end().await;
    assert_eq!(told.failed, 0, "nothing was refused");
    let mut delivered = HashMap::new();
    for line in collector.read("out.jsonl").lines() {
        let request: ExportLogsServiceRequest = serde_json::from_str(line).expect("each line is a request");
        let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
        for record in scopes.flat_map(|scope| &scope.log_records) {
            *delivered.entry(text_of(&record.attributes, "id").unwrap().to_owned()).or_default() += 1;
        }
    }
    all_are_there(&told.acknowledged, &delivered);
    assert!(delivered.values().all(|times: &usize| *times == 1), "nothing is there twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_with_other_limits_run_in_a_new_sandbox_and_nothing_passes_unprocessed() {
    let backend = Backend::start().await;
    let yaml = YAML
        .replace(
            "{ batch: {",
            "{ wasm: { module: cluster-labels, config: { attributes: { a: b } }, limits: { timeout: 5s } }, batch: {",
        )
        .replace("[batch]", "[batch, wasm]");
    let collector = Collector::from_yaml(&yaml).env("BACKEND", &backend.address()).start().await;
    let load = Load::start(&collector, 4).await;
    for queue in [600, 700] {
        load.goes_on().await;
        let modules = format!("{{ limits: {{ queue: {queue} }}, cache:");
        reload(&collector, &yaml.replace("{ cache:", &modules)).await;
    }
    load.goes_on().await;
    let told = load.end().await;
    assert_eq!(told.failed, 0, "nothing was refused");
    all_are_there(&told.acknowledged, &delivered(&backend));
    let labeled = |request: &ExportLogsServiceRequest| {
        let mut resources = request.resource_logs.iter().map(|logs| logs.resource.clone().unwrap_or_default());
        resources.all(|resource| text_of(&resource.attributes, "a") == Some("b"))
    };
    assert!(backend.with(|taken| taken.logs.iter().all(labeled)), "each request was labeled");
}

#[tokio::test]
async fn the_service_itself_may_change() {
    let backend = Backend::start().await;
    let collector = setup(&backend).start().await;
    let yaml = YAML
        .replace("HOST}:8888", "HOST}:8889")
        .replace("HOST}:13133' }", "HOST}:13133', path: /healthz }")
        .replace("service:", "service:\n  limits: { in_flight_mib: 128 }")
        .replace("telemetry: {", "telemetry: { logs: { level: debug },");
    reload(&collector, &yaml).await;
    let metrics = crate::harness::metrics::Metrics(collector.page_of(8889, "/metrics").await);
    assert_eq!(metrics.sum("tidegate_config_reloads", &["outcome=\"success\""]), 1.0);
    assert!(collector.page_of(13133, "/healthz").await.contains("Server available"));
    let old = SocketAddr::new(collector.grpc().ip(), 8888);
    eventually("the old endpoint is closed", async || TcpStream::connect(old).await.err()).await;
    let seen = collector.log.len();
    let mut connection = TcpStream::connect(collector.http()).await.unwrap();
    connection.write_all(b"GET /v1/logs HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    collector.log.wait_for(seen, &["DEBUG", "request not taken"]).await;
}

#[tokio::test]
async fn a_process_that_is_told_to_end_amid_a_reload_ends() {
    let backend = Backend::start().await;
    let mut collector = setup(&backend).start().await;
    let pipe = collector.path("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    collector.replace("tidegate.yaml", YAML.replace("{ send_batch_size: 1000 }", "'${file:pipe}'"));
    // It is open on this side when it is open on the other, which then waits for what is written.
    let opened = tokio::task::spawn_blocking(move || fs::File::options().write(true).open(pipe).unwrap());
    let _held = tokio::time::timeout(PATIENCE, opened).await.expect("the collector reads it").unwrap();
    collector.signal_term();
    assert_eq!(collector.ended().await.code(), Some(0));
    assert_eq!(collector.log.having(0, &[TAKEN_OVER]), [""; 0]);
}

/// Puts `yaml` in place and waits until it is refused for `reason`; how long the log is then.
async fn refused(collector: &Collector, yaml: &str, reason: &str) -> usize {
    let seen = collector.log.len();
    collector.replace("tidegate.yaml", yaml);
    collector.log.wait_for(seen, &["configuration refused", reason]).await;
    collector.log.wait_for(seen, &["the configuration before it stays in force"]).await;
    collector.log.len()
}

#[tokio::test]
async fn what_was_refused_for_something_outside_of_the_files_is_tried_again_when_one_is_touched() {
    let backend = Backend::start().await;
    let collector = setup(&backend).start().await;
    let yaml = YAML.replace("out.jsonl }", "no/out.jsonl }").replace("[otlp_grpc]", "[otlp_grpc, file]");
    let seen = refused(&collector, &yaml, "does not exist").await;
    fs::create_dir(collector.path("no")).unwrap();
    collector.overwrite("tidegate.yaml", &yaml);
    collector.log.wait_for(seen, &[TAKEN_OVER]).await;
    assert_eq!(collector.metrics().await.sum("tidegate_config_last_reload_successful", &[]), 1.0);
}

#[tokio::test]
async fn what_was_refused_for_a_file_that_a_section_names_is_tried_again_when_that_changes() {
    let backend = Backend::start().await;
    let collector = setup(&backend).start().await;
    let yaml = YAML.replace("{ batch: {", "{ wasm: { module: ./late.wasm }, batch: {").replace("[batch]", "[wasm]");
    let seen = refused(&collector, &yaml, "late.wasm").await;
    collector.replace("late.wasm", modules::trapping());
    collector.log.wait_for(seen, &["configuration refused", "unreachable"]).await;

    let yaml = YAML.replace("insecure: true", "ca_file: ca.pem");
    let seen = refused(&collector, &yaml, "ca.pem").await;
    collector.replace("ca.pem", Authority::new("late").pem);
    collector.log.wait_for(seen, &[TAKEN_OVER]).await;
}
