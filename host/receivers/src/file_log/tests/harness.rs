//! A folder of files, a receiver on it, and the pipeline behind.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use host_component::{
    Authenticators, BoxFuture, Consumer, Consumers, Delivery, Failure, MetadataKeys, Outcome, Receiver as _, Shutdown,
    Signal, Trigger,
};
use host_config::Value;
use host_telemetry::Metrics;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message as _;
use tokio::task::JoinHandle;

use crate::file_log::Config;
use crate::file_log::tailer::{Batch, Tailer};
use crate::{Budget, Deps};

/// What everything is waited for at most.
const CAP: Duration = Duration::from_secs(20);

/// Takes what comes, or refuses the next so many.
#[derive(Default)]
pub(super) struct Pipeline {
    records: Mutex<Vec<(Vec<KeyValue>, LogRecord)>>,
    pub(super) refuses: AtomicUsize,
    pub(super) calls: AtomicUsize,
}

impl Consumer for Pipeline {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            self.calls.fetch_add(1, Ordering::SeqCst);
            let refuse = |left: usize| left.checked_sub(1);
            if self.refuses.try_update(Ordering::SeqCst, Ordering::SeqCst, refuse).is_ok() {
                return Err(Failure::Retryable { reason: "later".to_owned(), after: Some(Duration::from_millis(5)) });
            }
            let request = ExportLogsServiceRequest::decode(delivery.payload.contiguous()).unwrap();
            let mut records = self.records.lock().unwrap();
            for group in request.resource_logs {
                let resource = group.resource.unwrap_or_default().attributes;
                let found = group.scope_logs.into_iter().flat_map(|scope| scope.log_records);
                records.extend(found.map(|record| (resource.clone(), record)));
            }
            Ok(())
        })
    }
}

pub(super) fn text(value: &Option<AnyValue>) -> String {
    match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

pub(super) fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    attributes.iter().find(|pair| pair.key == key).map(|pair| text(&pair.value))
}

impl Pipeline {
    pub(super) fn records(&self) -> Vec<(Vec<KeyValue>, LogRecord)> {
        self.records.lock().unwrap().clone()
    }

    pub(super) fn bodies(&self) -> Vec<String> {
        self.records.lock().unwrap().iter().map(|(_, record)| text(&record.body)).collect()
    }
}

/// A receiver that runs.
pub(super) struct Running {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) metrics: Metrics,
    trigger: Trigger,
    task: JoinHandle<()>,
}

pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn append(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
        file.write_all(content.as_ref()).unwrap();
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// Starts a receiver whose paths start from this folder.
    pub(super) fn start(&self, config: &str) -> Running {
        self.start_with(config, Arc::default(), None)
    }

    pub(super) fn start_with(&self, config: &str, pipeline: Arc<Pipeline>, storage: Option<&Path>) -> Running {
        // A receiver of this folder has the same name again after a restart, and its checkpoint.
        self.start_as("", config, pipeline, storage)
    }

    /// Starts one of several receivers on this folder.
    pub(super) fn start_as(
        &self,
        which: &str,
        config: &str,
        pipeline: Arc<Pipeline>,
        storage: Option<&Path>,
    ) -> Running {
        let config: Config = Value::parse("test", config).unwrap().decode().unwrap();
        let mut consumers = Consumers::default();
        consumers.set(Signal::Logs, Arc::clone(&pipeline) as Arc<dyn Consumer>);
        let metrics = Metrics::new();
        let (budget, auth, metadata) = (Budget::default(), Authenticators::default(), MetadataKeys::default());
        let deps = Deps {
            budget: &budget,
            ack_timeout: Duration::from_secs(1),
            base: self.0.path(),
            auth: &auth,
            metadata: &metadata,
            metrics: &metrics,
        };
        let name = self.0.path().file_name().unwrap().to_string_lossy().replace('.', "");
        let id = format!("file_log/{name}{which}").parse().unwrap();
        let receiver = config.build(id, &consumers, storage, &deps).unwrap();
        let (trigger, shutdown): (Trigger, Shutdown) = Trigger::new();
        let task = tokio::spawn(Box::new(receiver).run(shutdown));
        Running { pipeline, metrics, trigger, task }
    }

    pub(super) fn restart(&self, config: &str, storage: &Path) -> Running {
        self.start_with(config, Arc::default(), Some(storage))
    }
}

/// A tailer that is stepped by hand, at a time of its own.
pub(super) struct Steps {
    pub(super) tailer: Tailer,
    pub(super) metrics: Metrics,
    pub(super) budget: Budget,
    now: Instant,
}

impl Folder {
    /// The tailer of a configuration that polls.
    pub(super) fn steps(&self, config: &str) -> Steps {
        let config: Config = Value::parse("test", config).unwrap().decode().unwrap();
        let (metrics, budget) = (Metrics::new(), Budget::default());
        let id = "file_log/steps".parse().unwrap();
        let tailer = Tailer::new(config, &id, self.0.path(), &metrics, budget.clone()).unwrap();
        Steps { tailer, metrics, budget, now: Instant::now() }
    }
}

impl Steps {
    /// What there is to send after so many milliseconds.
    pub(super) fn after(&mut self, millis: u64) -> Vec<Batch> {
        self.now += Duration::from_millis(millis);
        self.tailer.step(self.now)
    }

    /// The same, delivered at once.
    pub(super) fn delivered_after(&mut self, millis: u64) -> Vec<String> {
        let batches = self.after(millis);
        batches.iter().for_each(|batch| self.tailer.done(batch, true));
        batches.iter().flat_map(bodies).collect()
    }

    pub(super) fn gauge(&self, name: &str) -> Option<i64> {
        gauge(&self.metrics, name)
    }

    /// How far each file counts as delivered.
    pub(super) fn offsets(&self) -> Vec<u64> {
        self.tailer.handed_over().values().map(|known| known.offset).collect()
    }
}

fn gauge(metrics: &Metrics, name: &str) -> Option<i64> {
    metrics.render().lines().find_map(|line| {
        let (label, value) = line.rsplit_once(' ')?;
        label.starts_with(name).then(|| value.parse().ok())?
    })
}

/// The bodies of a batch.
pub(super) fn bodies(batch: &Batch) -> Vec<String> {
    let request = ExportLogsServiceRequest::decode(batch.payload.contiguous()).unwrap();
    let scopes = request.resource_logs.into_iter().flat_map(|group| group.scope_logs);
    scopes.flat_map(|scope| scope.log_records).map(|record| text(&record.body)).collect()
}

impl Running {
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&Pipeline) -> bool) {
        let began = Instant::now();
        while !holds(&self.pipeline) {
            assert!(began.elapsed() < CAP, "{what} did not come about: {:?}", self.pipeline.bodies());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits for as many records, and says what they are.
    pub(super) async fn bodies(&self, count: usize) -> Vec<String> {
        self.until(&format!("{count} records"), |pipeline| pipeline.bodies().len() >= count).await;
        self.pipeline.bodies()
    }

    pub(super) async fn metric(&self, name: &str, at_least: u64) {
        let began = Instant::now();
        while self.metrics.total(name) < at_least {
            assert!(began.elapsed() < CAP, "{name} did not come to {at_least}: {}", self.metrics.render());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) async fn stop(self) {
        self.trigger.fire();
        self.task.await.unwrap();
    }

    /// Ends as a `kill -9` does.
    pub(super) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

impl Running {
    async fn until_gauge(&self, name: &str, holds: impl Fn(i64) -> bool) {
        let began = Instant::now();
        loop {
            let value = gauge(&self.metrics, name);
            if value.is_some_and(&holds) {
                return;
            }
            assert!(began.elapsed() < CAP, "{name} is {value:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) async fn until_followed(&self, count: i64) {
        self.until_gauge("tidegate_file_log_files", |value| value == count).await;
    }

    pub(super) async fn until_open(&self, at_most: i64) {
        self.until_gauge("otelcol_fileconsumer_open_files", |value| value <= at_most).await;
    }
}
