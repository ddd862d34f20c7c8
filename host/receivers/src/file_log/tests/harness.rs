//! A folder of files, and a receiver on it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use host_config::Value;
use host_telemetry::Metrics;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;

use crate::Budget;
use crate::file_log::Config;
use crate::file_log::tailer::{Batch, Tailer};
pub(super) use crate::testing::{Pipeline, Running, attribute};
use crate::testing::{gauge, start, text};

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
        let name = self.0.path().file_name().unwrap().to_string_lossy().replace('.', "");
        let id = format!("file_log/{name}{which}").parse().unwrap();
        start(self.0.path(), pipeline, |consumers, deps| Box::new(config.build(id, consumers, storage, deps).unwrap()))
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

    /// Whether it is time by then to look at all files.
    pub(super) fn will_look_after(&self, millis: u64) -> bool {
        self.now + Duration::from_millis(millis) >= self.tailer.next_scan()
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

/// The bodies of a batch.
pub(super) fn bodies(batch: &Batch) -> Vec<String> {
    let request = ExportLogsServiceRequest::decode(batch.payload.contiguous()).unwrap();
    let scopes = request.resource_logs.into_iter().flat_map(|group| group.scope_logs);
    scopes.flat_map(|scope| scope.log_records).map(|record| text(&record.body)).collect()
}

impl Running {
    pub(super) async fn until_followed(&self, count: i64) {
        self.until_gauge("tidegate_file_log_files", |value| value == count).await;
    }

    pub(super) async fn until_open(&self, at_most: i64) {
        self.until_gauge("otelcol_fileconsumer_open_files", |value| value <= at_most).await;
    }
}
