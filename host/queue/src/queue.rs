//! A queue is one folder of one exporter, in this process: who may write to it, what it holds, and what became of that.
//!
//! Of a folder there is one queue. An exporter that takes the place of another in a new configuration goes on with the same
//! one, while the other still has deliveries under way: one of the two hands on at a time.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use host_component::claims::{Claims, Held};
use host_component::{ComponentId, Delivery, Failure, Kind, Outcome};
use host_config::delivery::OnFull;
use host_otlp::Payload;
use host_telemetry::{Counter, Metrics, OwnGauge};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{block_in_place, spawn_blocking};

use crate::config::{Config, MEMORY_BYTES, SEGMENT_BYTES};
use crate::letters::{Letters, lost};
use crate::lock::Lock;
use crate::record::Outgoing;
use crate::room::{Aside, Book, Bounds, plus};
use crate::storage::Disk;
use crate::store::{Join, OpenError as StoreError, Settings, Store, Taken, Usage};
use crate::writer::Writer;

/// When a sender that was refused may come again.
const PAUSE: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// What is dropped to make room is dropped one by one.
const ONE: Join = Join { bytes: 0, items: 0 };

/// The queues of this process, by their folders.
static QUEUES: Claims<PathBuf, Queue> = Claims::new();

/// Why there is no queue.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the folder {0} does not exist: make it, or set `create_directory: true`")]
    NoFolder(PathBuf),
    #[error("the folder {path} cannot be used: {error}")]
    Folder { path: PathBuf, error: io::Error },
    #[error("the queue in {path} cannot be used: {error}")]
    Store { path: PathBuf, error: StoreError },
    #[error("{owner} has the queue in {path}, too: give one of the two another name")]
    Taken { path: PathBuf, owner: String },
    #[error("cannot start the thread that writes to {path}: {error}")]
    Thread { path: PathBuf, error: io::Error },
}

/// One queue.
pub struct Queue {
    pub(crate) id: String,
    pub(crate) store: Arc<Store<Disk>>,
    pub(crate) letters: Arc<Letters>,
    /// Held by the exporter that hands on.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
    /// Held by whoever waits for something to take, so that not all do.
    pub(crate) next: tokio::sync::Mutex<()>,
    /// Held by whoever takes, so that deliveries begin in their order.
    pub(crate) taking: tokio::sync::Mutex<()>,
    /// What has room set aside for it.
    pub(crate) book: Book,
    damaged: Counter,
    dropped: Counter,
    pub(crate) expired: Counter,
    refused: [Counter; 3],
    troubled: Throttle,
    writer: Writer,
    _lock: Lock,
}

/// What is told of it as it changes.
struct Shown {
    disk: OwnGauge,
    items: OwnGauge,
    oldest: OwnGauge,
    memory: OwnGauge,
}

/// The queue of `id` stays its own in the configuration that is being built.
pub fn keep(id: &ComponentId) {
    QUEUES.keep(&owner(id));
}

fn owner(id: &ComponentId) -> String {
    format!("{} {id}", Kind::Exporter)
}

impl Queue {
    /// Opens the queue in `folder`, below that of the storage, once no other process has it; or goes on with that of the
    /// configuration before.
    ///
    /// # Errors
    /// Where a folder cannot be used, or another exporter of this configuration has it.
    pub async fn open(
        id: &ComponentId,
        storage: &Path,
        folder: &str,
        config: &Config,
        metrics: &Metrics,
    ) -> Result<Held<Queue>, OpenError> {
        make_storage(storage, config)?;
        let path = storage.join(folder);
        let fails = |error| OpenError::Folder { path: path.clone(), error };
        let key = fs::canonicalize(storage).map_err(fails)?.join(folder);
        let owner = owner(id);
        let there = QUEUES.take_over(&key, &owner);
        if let Some(queue) = there.map_err(|taken| OpenError::Taken { path: path.clone(), owner: taken.owner })? {
            return Ok(queue);
        }
        if !path.exists() {
            DirBuilder::new().mode(0o700).create(&path).map_err(fails)?;
        }
        // Whoever made it may have ended before its name was there for good.
        sync(storage).map_err(fails)?;
        let name = id.to_string();
        let lock = Lock::wait(&path, &name).await.map_err(fails)?;
        let settings =
            Settings { owner: name, segment_bytes: SEGMENT_BYTES, memory_bytes: MEMORY_BYTES, fsync: config.fsync };
        let disk = Disk::new(&path);
        let opened =
            spawn_blocking(move || Store::open(disk, settings)).await.map_err(|e| fails(io::Error::other(e)))?;
        let (store, recovered) = opened.map_err(|error| OpenError::Store { path: path.clone(), error })?;
        let usage = store.usage();
        if usage.records > 0 || recovered.damaged > 0 {
            tracing::info!(
                exporter = %id,
                requests = usage.records,
                items = usage.items,
                bytes = usage.bytes,
                torn_bytes = recovered.torn,
                damaged_bytes = recovered.damaged,
                "the queue holds what was not delivered yet"
            );
        }
        let letters = Letters::new(&id.to_string(), &path, config.max_dead_letters_mib << 20, metrics);
        let queue = Queue::start(id, store, letters, lock, metrics);
        let queue = queue.map_err(|error| OpenError::Thread { path, error })?;
        Ok(QUEUES.claim(key, &owner, queue))
    }

    fn start(
        id: &ComponentId,
        store: Arc<Store<Disk>>,
        letters: Letters,
        lock: Lock,
        metrics: &Metrics,
    ) -> io::Result<Self> {
        let name = id.to_string();
        let labels = [("exporter", name.as_str())];
        let gauge = |name, help| metrics.own_gauge(name, help, &labels, 0);
        let shown = Arc::new(Shown {
            disk: gauge("tidegate_queue_disk_bytes", "What the files of the queue take on disk."),
            items: gauge("tidegate_queue_items", "Items that wait in the queue or are under way from it."),
            memory: gauge(
                "tidegate_queue_memory_bytes",
                "Payloads that wait in the queue and are still in memory, too.",
            ),
            oldest: gauge("tidegate_queue_oldest_seconds", "How long ago the oldest came that is under way."),
        });
        let told = {
            let (store, shown) = (Arc::clone(&store), Arc::clone(&shown));
            move || {
                shown.show(&store);
                store.ready.notify_waiters();
            }
        };
        told();
        let refused = host_otlp::Signal::ALL.map(|signal| {
            let name = match signal {
                host_otlp::Signal::Logs => "otelcol_exporter_enqueue_failed_log_records",
                host_otlp::Signal::Traces => "otelcol_exporter_enqueue_failed_spans",
                host_otlp::Signal::Metrics => "otelcol_exporter_enqueue_failed_metric_points",
            };
            metrics.counter(name, "Items that were refused because too many requests wait.", &labels)
        });
        Ok(Queue {
            writer: Writer::start(&name, Arc::clone(&store), told)?,
            store,
            letters: Arc::new(letters),
            turn: Arc::default(),
            next: tokio::sync::Mutex::default(),
            taking: tokio::sync::Mutex::default(),
            book: Book::default(),
            damaged: lost(metrics, &name, "damaged"),
            dropped: lost(metrics, &name, "dropped oldest"),
            expired: lost(metrics, &name, "max_elapsed_time"),
            refused,
            troubled: Throttle::default(),
            id: name,
            _lock: lock,
        })
    }

    /// What waits, is under way, or has room set aside for it.
    pub(crate) fn size(&self, bounds: &Bounds) -> u64 {
        bounds.measure(plus(self.store.usage(), self.book.sum()))
    }

    /// Takes what comes next where it need not be read from the disk, or where nothing waits; none where it has to be.
    pub(crate) fn take_at_hand(&self, join: Join) -> Option<Vec<Taken<Disk>>> {
        self.store.take_at_hand(join)
    }

    /// Takes what comes next. It reads from the disk.
    pub(crate) fn take(&self, join: Join) -> Vec<Taken<Disk>> {
        let taken = self.store.take(join);
        let damage = self.store.take_damage();
        if damage.bytes > 0 || damage.lost.records > 0 {
            self.damaged.inc_by(damage.lost.items);
            let (bytes, requests, items) = (damage.bytes, damage.lost.records, damage.lost.items);
            tracing::error!(exporter = self.id, bytes, requests, items, "the queue is damaged: what lay there is lost");
            self.writer.has_news();
        }
        if let Some(error) = self.store.take_trouble().filter(|_| self.troubled.is_due()) {
            tracing::error!(exporter = self.id, %error, "the queue cannot be read at present: what waits stays, and is tried again");
        }
        taken
    }

    /// Whatever became of these, they do not come again.
    pub(crate) fn done(&self, taken: Vec<Taken<Disk>>) {
        taken.into_iter().for_each(Taken::done);
        self.writer.has_news();
        self.book.freed().notify_waiters();
    }

    /// Sets room aside, or none where there is none.
    pub(crate) fn try_set_aside(&self, size: Usage, bounds: &Bounds) -> Option<Aside> {
        let enter = || self.book.enter(size, |aside| bounds.fits(plus(self.store.usage(), aside), size));
        // Nothing is dropped for what would not fit beside what cannot be dropped.
        let could_fit = || bounds.fits(plus(self.store.under_way(), self.book.sum()), size);
        let has_room = enter();
        if has_room.is_some() || bounds.on_full != OnFull::DropOldest || !could_fit() {
            return has_room;
        }
        off_the_runtime(|| {
            while could_fit() && self.drop_oldest() {
                if let Some(aside) = enter() {
                    return Some(aside);
                }
            }
            enter()
        })
    }

    /// Whether there was one. It reads from the disk.
    fn drop_oldest(&self) -> bool {
        let oldest = self.take(ONE);
        let Some(items) = oldest.first().map(|taken| taken.delivery.payload.items()) else { return false };
        self.dropped.inc_by(items);
        self.done(oldest);
        true
    }

    /// Refuses what has no room.
    pub(crate) fn refuse(&self, payload: &Payload) -> Failure {
        self.refused[payload.signal() as usize].inc_by(payload.items());
        Failure::refused(format!("{}: the queue is full", self.id), PAUSE)
    }

    /// Writes what room was set aside for, and waits for the disk. Who gives up finds it delivered, or not.
    pub(crate) async fn write(&self, delivery: Delivery, aside: Aside) -> Outcome {
        let (signal, items) = (delivery.payload.signal(), delivery.payload.items());
        let answer = self.writer.append(Outgoing { delivery, time: crate::now() }, aside);
        let outcome = match answer.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::refused(format!("{}: {error}", self.id), PAUSE)),
            Err(_) => Err(Failure::retryable(format!("{}: the queue has ended", self.id))),
        };
        if outcome.is_err() {
            self.refused[signal as usize].inc_by(items);
        }
        outcome
    }
}

impl Shown {
    fn show(&self, store: &Store<Disk>) {
        let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
        let usage = store.usage();
        self.disk.set(number(usage.disk));
        self.items.set(number(usage.items));
        self.memory.set(i64::try_from(store.memory()).unwrap_or(i64::MAX));
        let age = store.oldest().map_or(0, |time| crate::now().saturating_sub(time) / 1_000_000_000);
        self.oldest.set(number(age));
    }
}

/// Lets one message through a minute.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<Option<Instant>>);

impl Throttle {
    pub(crate) fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= MINUTE);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

/// Does what waits for a disk while others do what this thread had to do, where there are others.
fn off_the_runtime<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(work),
        _ => work(),
    }
}

/// Makes the folder of a storage where it is not there, if its section says so.
///
/// # Errors
/// Where it is not there then.
pub fn make_storage(storage: &Path, config: &Config) -> Result<(), OpenError> {
    if storage.is_dir() {
        return Ok(());
    }
    if !config.create_directory {
        return Err(OpenError::NoFolder(storage.to_owned()));
    }
    let around = folders_around_missing(storage);
    let made = DirBuilder::new().recursive(true).mode(config.permissions().unwrap_or(0o700)).create(storage);
    made.and_then(|()| around.iter().try_for_each(|folder| sync(folder)))
        .map_err(|error| OpenError::Folder { path: storage.to_owned(), error })
}

/// The folders that get a name when `folder` is made with all around it, the innermost first.
fn folders_around_missing(folder: &Path) -> Vec<PathBuf> {
    let missing = folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.is_dir());
    let around = missing.filter_map(Path::parent);
    around.map(|around| if around.as_os_str().is_empty() { Path::new(".") } else { around }.to_owned()).collect()
}

/// Makes the names in a folder last.
fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
