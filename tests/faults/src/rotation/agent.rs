//! An agent that follows the files: tidegate, or otelcol beside it, configured as carefully as either can be.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Result;

use super::taker::Taker;
use super::truth::Epoch;
use crate::backend::Mode;
use crate::process::{self, Process, free_port};

const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Agent {
    pub(super) taker: Arc<Taker>,
    pub(super) lives: Vec<Life>,
    process: Process,
    open: OpenFiles,
    epoch: Epoch,
    metrics: SocketAddr,
    has_metrics: bool,
    /// What it counted as lost in the lives before this one.
    lost_before: u64,
}

/// From when it was ready to when it was killed.
#[derive(Clone, Copy)]
pub(super) struct Life {
    pub(super) from: u32,
    pub(super) until: Option<u32>,
    /// When its backend began to take nothing any more, where it did until the end.
    pub(super) refused: Option<u32>,
}

/// The files that a process has open, as the kernel has it.
#[derive(Clone, Default)]
pub(super) struct OpenFiles(Arc<AtomicU32>);

impl OpenFiles {
    pub(super) fn have(&self, inode: (u64, u64)) -> bool {
        let process = self.0.load(Ordering::SeqCst);
        let Ok(open) = std::fs::read_dir(format!("/proc/{process}/fd")) else { return false };
        let is_it = |path: &Path| std::fs::metadata(path).is_ok_and(|file| (file.dev(), file.ino()) == inode);
        process != 0 && open.flatten().any(|entry| is_it(&entry.path()))
    }
}

impl Agent {
    pub(super) async fn tidegate(binary: &Path, folder: &Path, logs: &Path, epoch: Epoch) -> Result<Agent> {
        let (taker, health, metrics) = (Taker::start(epoch).await?, free_port(), free_port());
        let receiver = "    watch: auto\n    retry_on_failure: { initial_interval: 100ms, max_interval: 1s }\n";
        let telemetry = format!("{{ logs: {{ level: info }}, metrics: {{ address: \"{metrics}\" }} }}");
        let yaml = yaml(folder, logs, receiver, "", taker.address(), health, &telemetry);
        let process = Process::new("tidegate", binary, folder, &yaml, health, None)?;
        Ok(Agent::new(taker, process, epoch, metrics, true))
    }

    pub(super) async fn otelcol(binary: &Path, folder: &Path, logs: &Path, epoch: Epoch) -> Result<Agent> {
        let (taker, health, metrics) = (Taker::start(epoch).await?, free_port(), free_port());
        let receiver =
            "    retry_on_failure: { enabled: true, initial_interval: 100ms, max_interval: 1s, max_elapsed_time: 0 }\n";
        let telemetry = "{ logs: { level: error }, metrics: { level: none } }";
        let queue = "    sending_queue: { enabled: false }\n";
        let yaml = yaml(folder, logs, receiver, queue, taker.address(), health, telemetry);
        let process = Process::new("otelcol", binary, folder, &yaml, health, None)?;
        Ok(Agent::new(taker, process, epoch, metrics, false))
    }

    fn new(taker: Arc<Taker>, process: Process, epoch: Epoch, metrics: SocketAddr, has_metrics: bool) -> Agent {
        let (lives, open) = (Vec::new(), OpenFiles::default());
        Agent { taker, lives, process, open, epoch, metrics, has_metrics, lost_before: 0 }
    }

    pub(super) fn open_files(&self) -> OpenFiles {
        self.open.clone()
    }

    pub(super) async fn start(&mut self) -> Result<()> {
        self.process.start()?;
        self.open.0.store(self.process.id().unwrap_or(0), Ordering::SeqCst);
        anyhow::ensure!(self.process.ready().await?, "the agent ended before it was ready");
        self.lives.push(Life { from: self.epoch.now(), until: None, refused: None });
        Ok(())
    }

    /// Its backend takes nothing from here until it is killed.
    pub(super) fn refuse(&mut self, mode: Mode) {
        self.taker.set(mode);
        let now = self.epoch.now();
        if let Some(life) = self.lives.last_mut() {
            life.refused = Some(now);
        }
    }

    pub(super) async fn kill(&mut self) -> Result<()> {
        self.lost_before += self.lost_bytes().await.unwrap_or(0);
        self.end_life();
        self.process.kill()
    }

    fn end_life(&mut self) {
        self.open.0.store(0, Ordering::SeqCst);
        let now = self.epoch.now();
        if let Some(life) = self.lives.last_mut() {
            life.until = Some(now);
        }
    }

    /// Bytes that it says were lost, in this life; none where it says nothing of that.
    async fn lost_bytes(&self) -> Option<u64> {
        let page = process::get(self.metrics, "/metrics").await.ok().filter(|_| self.has_metrics)?;
        let samples = page.lines().filter(|line| line.starts_with("tidegate_file_log_lost_bytes"));
        samples
            .map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .map(|value| value.map(|value| value as u64))
            .sum()
    }

    /// The same in all its lives.
    pub(super) async fn all_lost_bytes(&self) -> Option<u64> {
        Some(self.lost_before + self.lost_bytes().await?)
    }

    /// Ends it as an orchestrator does; says what was wrong with how it ended.
    pub(super) async fn stop(&mut self) -> Result<Option<String>> {
        if let Some(how) = self.process.ended()? {
            return Ok(Some(format!("it {how} by itself")));
        }
        self.open.0.store(0, Ordering::SeqCst);
        Ok(match self.process.terminate(PATIENCE).await? {
            Some(0) => None,
            status => Some(format!("it ended with the status {status:?} when it was told to")),
        })
    }
}

fn yaml(
    folder: &Path,
    logs: &Path,
    receiver: &str,
    exporter: &str,
    backend: SocketAddr,
    health: SocketAddr,
    telemetry: &str,
) -> String {
    let (logs, storage) = (logs.display(), folder.join("storage"));
    let storage = storage.display();
    // Half of the folders with a pattern that rotated files fall out of, half with one that they stay in.
    format!(
        "receivers:\n  file_log:\n    include: [\"{logs}/n*/*.log\", \"{logs}/w*/*.log*\"]\n    exclude: [\"{logs}/*/*.tmp\"]\n    \
         start_at: beginning\n    compression: auto\n    force_flush_period: 60s\n    storage: file_storage\n{receiver}\
         exporters:\n  otlp_grpc:\n    endpoint: \"{backend}\"\n    compression: none\n    timeout: 30s\n    tls: {{ insecure: true }}\n    \
         retry_on_failure: {{ initial_interval: 100ms, max_interval: 1s, max_elapsed_time: 0s }}\n{exporter}\
         extensions:\n  health_check: {{ endpoint: \"{health}\" }}\n  \
         file_storage: {{ directory: \"{storage}\", create_directory: true }}\n\
         service:\n  extensions: [health_check, file_storage]\n  telemetry: {telemetry}\n  pipelines:\n    \
         logs: {{ receivers: [file_log], exporters: [otlp_grpc] }}\n"
    )
}
