//! The exporter hands deliveries to one thread that owns the file; what waits for it is bounded.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use host_component::claims::{Claims, Held};
use host_component::{BoxFuture, ComponentId, Consumer, Delivery, Exporter, Failure, Kind, Outcome, Payload};
use tokio::sync::{mpsc, oneshot};

use super::config::{Config, Error, Format};
use super::writer::{Settings, Writer};
use crate::sent::Sent;

/// Requests that may wait for the thread; a sender beyond them waits for its turn.
const WAITING: usize = 64;
/// Bytes that are written at once: many small requests share one write.
const GROUP: usize = 1 << 20;

/// The files that this process writes to, and the way to their threads. The exporter of the next configuration that names
/// a file goes on writing through the same thread, so that the two can write at once and neither tears what the other wrote.
static FILES: Claims<PathBuf, Thread> = Claims::new();

/// The way to the thread that writes a file.
struct Thread {
    jobs: mpsc::Sender<Job>,
    /// What the file holds.
    format: Format,
}

/// Writes to one file.
pub(super) struct FileExporter {
    thread: Held<Thread>,
    settings: Arc<Settings>,
    sent: Sent,
}

enum Job {
    Write(Payload, Arc<Settings>, oneshot::Sender<Outcome>),
    Sync(Arc<Settings>, oneshot::Sender<()>),
}

/// The file of `id` stays its own in the configuration that is being built.
pub fn keep(id: &ComponentId) {
    FILES.keep(&owner(id));
}

fn owner(id: &ComponentId) -> String {
    format!("{} {id}", Kind::Exporter)
}

impl FileExporter {
    /// Opens the file and starts the thread that owns it, or goes on with that of the configuration before.
    pub(super) fn open(id: ComponentId, path: &Path, config: &Config, sent: Sent) -> Result<Self, Error> {
        let owner = owner(&id);
        let settings = Arc::new(Settings::new(id, config));
        let key = key(path);
        if let Some(thread) = FILES.take_over(&key, &owner).map_err(|_| Error::Taken(path.to_owned()))? {
            if thread.format != config.format {
                return Err(Error::Format { path: path.to_owned(), there: thread.format, wanted: config.format });
            }
            return Ok(FileExporter { thread, settings, sent });
        }
        let writer = Writer::open(path.to_owned(), config)?;
        // Devices and pipes may be shared.
        let is_claimed = writer.is_regular();
        let thread = Thread { jobs: start(&owner, writer)?, format: config.format };
        let thread = if is_claimed { FILES.claim(key, &owner, thread) } else { Held::shared(thread) };
        Ok(FileExporter { thread, settings, sent })
    }

    async fn write(&self, payload: Payload) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        let gone = || Failure::retryable("the thread that writes the file has ended");
        self.thread.jobs.send(Job::Write(payload, Arc::clone(&self.settings), reply)).await.map_err(|_| gone())?;
        outcome.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// One text for one file, however its folder was written.
fn key(path: &Path) -> PathBuf {
    let folder = path.parent().and_then(|folder| std::fs::canonicalize(folder).ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// Starts the thread that owns a file; it ends when nobody can reach it any more.
fn start(owner: &str, writer: Writer) -> Result<mpsc::Sender<Job>, Error> {
    let (jobs, waiting) = mpsc::channel(WAITING);
    let path = writer.path().to_owned();
    std::thread::Builder::new()
        .name(owner.to_owned())
        .spawn(move || work(waiting, writer))
        .map_err(|error| Error::Thread(path, error))?;
    Ok(jobs)
}

impl Consumer for FileExporter {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let (signal, items) = (delivery.payload.signal(), delivery.payload.items());
            let outcome = self.write(delivery.payload).await;
            self.sent.count(signal, items, &outcome);
            outcome
        })
    }
}

impl Exporter for FileExporter {
    fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let (reply, done) = oneshot::channel();
            if self.thread.jobs.send(Job::Sync(Arc::clone(&self.settings), reply)).await.is_ok() {
                let _ = done.await;
            }
        })
    }
}

/// Ends when the exporter is gone and what waited has been written.
fn work(mut waiting: mpsc::Receiver<Job>, mut writer: Writer) {
    let mut buffer = Vec::new();
    let mut group = Group::default();
    let mut left = None;
    while let Some(job) = left.take().or_else(|| waiting.blocking_recv()) {
        let mut next = Some(job);
        while let Some(job) = next.take() {
            left = group.take(job, &mut buffer);
            if left.is_none() && buffer.len() < GROUP && group.synced.is_none() {
                next = waiting.try_recv().ok();
            }
        }
        group.finish(&mut writer, &buffer);
        buffer.clear();
        buffer.shrink_to(4 * GROUP);
    }
}

/// What is written at once, all under the same settings.
#[derive(Default)]
struct Group {
    settings: Option<Arc<Settings>>,
    senders: Vec<oneshot::Sender<Outcome>>,
    synced: Option<oneshot::Sender<()>>,
}

impl Group {
    /// Takes a job in, or gives it back where it has other settings.
    fn take(&mut self, job: Job, buffer: &mut Vec<u8>) -> Option<Job> {
        let (Job::Write(_, settings, _) | Job::Sync(settings, _)) = &job;
        if self.settings.as_ref().is_some_and(|ours| !Arc::ptr_eq(ours, settings)) {
            return Some(job);
        }
        self.settings = Some(Arc::clone(settings));
        match job {
            // Who has given up is not written for: it would send the same again.
            Job::Write(_, _, reply) if reply.is_closed() => {}
            Job::Write(payload, settings, reply) => {
                settings.encode(&payload, buffer);
                self.senders.push(reply);
            }
            Job::Sync(_, reply) => self.synced = Some(reply),
        }
        None
    }

    /// Writes it, and answers all who wait for that.
    fn finish(&mut self, writer: &mut Writer, records: &[u8]) {
        let Some(settings) = self.settings.take() else { return };
        let outcome = writer.write(records, &settings);
        for sender in self.senders.drain(..) {
            let _ = sender.send(outcome.clone());
        }
        if let Some(reply) = self.synced.take() {
            writer.sync(&settings);
            let _ = reply.send(());
        }
    }
}
