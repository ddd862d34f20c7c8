//! The rig is a sandbox in a folder of its own, with one pipeline that ends in a sink.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use host_component::{Consumer, Delivery, Outcome, Payload, PipelineId};
use host_otlp::build::Logs;
use host_telemetry::Metrics;
use host_wasm::{Compile, GrantsConfig, ModulesConfig, NotReady, ProcessorConfig, Sandbox};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use tempfile::TempDir;

use test_adversaries::Guest;

/// Takes everything.
#[derive(Default)]
pub(crate) struct Sink(Mutex<Vec<Delivery>>);

impl Sink {
    pub(crate) fn take(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Consumer for Sink {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        self.0.lock().unwrap().push(delivery);
        Box::pin(async { Ok(()) })
    }
}

pub(crate) struct Rig {
    pub(crate) folder: TempDir,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) sink: Arc<Sink>,
    pub(crate) metrics: Metrics,
    pub(crate) routes: Vec<String>,
}

impl Rig {
    /// A sandbox whose `mine` may do everything.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut ModulesConfig)) -> Self {
        let compiler = Compile { program: env!("CARGO_BIN_EXE_host-wasm-compile").into(), arguments: vec![] };
        Self::with_compiler(tempfile::tempdir().unwrap(), compiler, change)
    }

    /// A sandbox whose compiler is a few lines of shell; `$REAL` is the real one, and the folder is where it runs.
    pub(crate) fn with_script(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("compiler");
        let real = env!("CARGO_BIN_EXE_host-wasm-compile");
        let place = folder.path().display();
        fs::write(&path, format!("REAL='{real}'\ncd '{place}'\n{script}\n")).unwrap();
        let compiler = Compile { program: "/bin/sh".into(), arguments: vec![path.into()] };
        Self::with_compiler(folder, compiler, |_| {})
    }

    fn with_compiler(folder: TempDir, compile: Compile, change: impl FnOnce(&mut ModulesConfig)) -> Self {
        fs::create_dir(folder.path().join("modules")).unwrap();
        let all = GrantsConfig { reads: vec!["*".to_owned()], writes: vec!["*".to_owned()], metadata: Vec::new() };
        let mut config = ModulesConfig {
            folder: Some(PathBuf::from("modules")),
            cache: Some(PathBuf::from("cache")),
            grants: [("mine".to_owned(), all)].into(),
            ..ModulesConfig::default()
        };
        config.limits.threads = Some(2);
        config.limits.instances = Some(16);
        change(&mut config);
        let metrics = Metrics::new();
        let base = folder.path().to_path_buf();
        let sandbox = Sandbox::start_with(config, &[], metrics.clone(), base, compile).unwrap();
        Rig { folder, sandbox, sink: Arc::default(), metrics, routes: Vec::new() }
    }

    pub(crate) fn module(&self) -> PathBuf {
        self.folder.path().join("modules").join("mine.wasm")
    }

    /// Puts a module where the sandbox looks for it, whole.
    pub(crate) fn install(&self, guest: &Guest) {
        self.install_bytes(&guest.build());
    }

    pub(crate) fn install_bytes(&self, bytes: &[u8]) {
        replace(&self.module(), bytes);
    }

    /// A processor for logs that runs `mine`.
    pub(crate) fn processor(&self, config: ProcessorConfig) -> Arc<dyn Consumer> {
        let pipeline: PipelineId = "logs".parse().unwrap();
        let next: Arc<dyn Consumer> = Arc::<Sink>::clone(&self.sink);
        self.sandbox.processor("wasm/mine".parse().unwrap(), pipeline, config, &self.routes, next).unwrap()
    }

    /// The same, ready.
    pub(crate) async fn start(&self, guest: &Guest) -> Arc<dyn Consumer> {
        self.start_as(guest, mine()).await
    }

    pub(crate) async fn start_as(&self, guest: &Guest, config: ProcessorConfig) -> Arc<dyn Consumer> {
        self.install(guest);
        let processor = self.processor(config);
        self.sandbox.ready().await.unwrap_or_else(|failures| panic!("{failures:?}"));
        processor
    }

    /// Why `mine` does not start.
    pub(crate) async fn refusal(&self, bytes: &[u8]) -> String {
        self.install_bytes(bytes);
        self.processor(mine());
        let failures: Vec<NotReady> = self.sandbox.ready().await.expect_err("the module is refused");
        failures.iter().map(ToString::to_string).collect()
    }

    /// The value of a metric of `wasm/mine`.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        self.metric_with(name, "")
    }

    pub(crate) fn metric_with(&self, name: &str, label: &str) -> u64 {
        let rendered = self.metrics.render();
        let lines = rendered.lines().filter(|line| line.starts_with(&format!("{name}{{")) && line.contains(label));
        // Rounded up: what has counted less than a second has counted.
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>().ceil() as u64
    }

    /// Waits until a metric has grown beyond `before`.
    pub(crate) async fn wait_for(&self, name: &str, label: &str, before: u64) {
        self.until(&format!("{name} grows beyond {before}"), || self.metric_with(name, label) > before).await;
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !holds() {
            assert!(Instant::now() < end, "in vain: {what}\n{}", self.metrics.render());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Writes a file beside its place and renames it into it.
pub(crate) fn replace(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).unwrap();
    fs::rename(&beside, path).unwrap();
}

pub(crate) fn mine() -> ProcessorConfig {
    ProcessorConfig { module: "mine".to_owned(), ..ProcessorConfig::default() }
}

/// One record for each body, under one resource.
pub(crate) fn logs(bodies: &[&str]) -> Delivery {
    let mut logs = Logs::new();
    logs.resource_logs(|group| {
        group.resource(|resource| resource.attribute("service.name", "checkout"));
        group.scope_logs(|group| bodies.iter().for_each(|body| group.log_record(|record| record.body(*body))));
    });
    Delivery::new(logs.finish())
}

pub(crate) fn decode(payload: &Payload) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest::decode(payload.contiguous()).unwrap()
}

/// The text of a resource attribute of the first resource.
pub(crate) fn label(payload: &Payload, key: &str) -> Option<String> {
    let request = decode(payload);
    let resource = request.resource_logs.first()?.resource.as_ref()?;
    let attribute = resource.attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

/// The bodies of all records.
pub(crate) fn bodies(payload: &Payload) -> Vec<String> {
    let request = decode(payload);
    let records = request.resource_logs.iter().flat_map(|group| &group.scope_logs).flat_map(|group| &group.log_records);
    records
        .map(|record| match record.body.as_ref().and_then(|body| body.value.as_ref()) {
            Some(Value::StringValue(text)) => text.clone(),
            other => format!("{other:?}"),
        })
        .collect()
}
