//! The receiver runs the tailer on threads that may block, sends its batches, and tells it what became of them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use host_component::claims::{Claims, Held};
use host_component::{BoxFuture, ComponentId, Consumers, Receiver, Shutdown};
use host_config::{Check as _, Wrong};
use tokio::io::unix::AsyncFd;
use tokio::sync::Mutex;

use super::checkpoint::{Checkpoint, Known};
use super::config::Config;
use super::tailer::{Batch, Tailer};
use crate::entries::entry::FileId;
use crate::entries::road::Road;
use crate::{Deps, storage};

/// What the kernel tells within this time is looked at together.
const GATHER: Duration = Duration::from_millis(5);

/// What a receiver leaves to the one that takes its place. Whoever runs holds it.
type Legacy = Mutex<BTreeMap<FileId, Known>>;

static LEGACIES: Claims<String, Legacy> = Claims::new();

/// Why a receiver cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{id}: {wrong}")]
    Value { id: ComponentId, wrong: Wrong },
    #[error("{id}: {told}")]
    Plan { id: ComponentId, told: String },
    #[error("{id}: it is there twice: {source}")]
    Twice { id: ComponentId, source: host_component::claims::Taken },
}

/// The receiver, not reading yet.
pub struct FileLog {
    id: ComponentId,
    tailer: Tailer,
    storage: Option<PathBuf>,
    legacy: Held<Legacy>,
    road: Arc<Road>,
}

/// A receiver that stays as it is keeps what it follows.
pub fn keep(id: &ComponentId) {
    LEGACIES.keep(&id.to_string());
}

impl Config {
    /// Makes the receiver. `storage` is the folder of its storage, where it has one.
    ///
    /// # Errors
    /// Where a value makes no sense.
    pub fn build(
        self,
        id: ComponentId,
        consumers: &Consumers,
        storage: Option<&Path>,
        deps: &Deps<'_>,
    ) -> Result<FileLog, BuildError> {
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(BuildError::Value { id, wrong });
        }
        let owner = id.to_string();
        let taken =
            LEGACIES.take_over(&owner, &owner).map_err(|source| BuildError::Twice { id: id.clone(), source })?;
        let legacy = taken.unwrap_or_else(|| LEGACIES.claim(owner.clone(), &owner, Legacy::default()));
        let road = Arc::new(Road::new(&owner, "file", consumers, &self.retry_on_failure, deps.metrics));
        let storage = storage.map(|storage| storage::folder(storage, &id).join("checkpoint"));
        let tailer = Tailer::new(self, &id, deps.base, deps.metrics, deps.budget.clone());
        let tailer = tailer.map_err(|told| BuildError::Plan { id: id.clone(), told })?;
        Ok(FileLog { id, tailer, storage, legacy, road })
    }
}

impl Receiver for FileLog {
    fn run(self: Box<Self>, shutdown: Shutdown) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let id = self.id.clone();
            if let Err(error) = self.follow(shutdown).await {
                tracing::error!(receiver = %id, %error, "the receiver has ended");
            }
        })
    }
}

impl FileLog {
    async fn follow(self, mut shutdown: Shutdown) -> io::Result<()> {
        let FileLog { storage, legacy, road, mut tailer, id } = self;
        // The one before this one reads until it has ended.
        let mut legacy = tokio::select! {
            legacy = legacy.lock() => legacy,
            () = shutdown.wait() => return Ok(()),
        };
        let before = std::mem::take(&mut *legacy);
        tailer = blocking(move || {
            let checkpoint = storage.and_then(|path| match Checkpoint::open(&path) {
                Ok(checkpoint) => Some(checkpoint),
                Err(error) => {
                    tracing::error!(receiver = %id, path = %path.display(), %error, "the checkpoint cannot be used: how far files are read is in memory only");
                    None
                }
            });
            tailer.resume(checkpoint, before);
            tailer
        })
        .await?;
        #[expect(deprecated, reason = "what took its place is unsafe: this descriptor is owned, and stays what it is")]
        let told = tailer.watch_fd().and_then(|fd| AsyncFd::new(fd).ok());
        let mut under_way = FuturesUnordered::new();
        while !shutdown.is_fired() {
            let (batches, is_waiting);
            (tailer, batches, is_waiting) = blocking(move || {
                let batches = tailer.step(Instant::now());
                // It looks at all files, which is nothing for a thread that others wait for.
                let is_waiting = tailer.is_waiting();
                (tailer, batches, is_waiting)
            })
            .await?;
            under_way.extend(batches.into_iter().map(|batch| send(Arc::clone(&road), batch, shutdown.clone())));
            let now = Instant::now();
            let until_scan = tailer.next_scan().saturating_duration_since(now);
            let pause = if is_waiting { until_scan.min(tailer.pause()) } else { until_scan };
            tokio::select! {
                () = shutdown.wait() => {}
                Some((batch, is_over)) = under_way.next(), if !under_way.is_empty() => tailer.done(&batch, is_over),
                () = changed(told.as_ref()) => tokio::time::sleep(GATHER).await,
                () = tokio::time::sleep(pause.max(Duration::from_millis(1))) => {}
            }
        }
        while let Some((batch, is_over)) = under_way.next().await {
            tailer.done(&batch, is_over);
        }
        *legacy = blocking(move || {
            tailer.save(Instant::now(), true);
            tailer.handed_over()
        })
        .await?;
        Ok(())
    }
}

/// Returns when the kernel has told something; never where it tells nothing.
async fn changed(fd: Option<&AsyncFd<std::os::fd::OwnedFd>>) {
    match fd {
        Some(fd) => match fd.readable().await {
            Ok(mut ready) => ready.clear_ready(),
            Err(error) => tracing::debug!(%error, "changes are not told any more"),
        },
        None => std::future::pending().await,
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await.map_err(io::Error::other)
}

/// Sends a batch. Gives whether its files may go on behind it.
async fn send(road: Arc<Road>, batch: Batch, shutdown: Shutdown) -> (Batch, bool) {
    let is_over = road.send(&batch.payload, shutdown).await;
    (batch, is_over)
}
