//! The exporter hands deliveries to one thread that owns the file; what waits for it is bounded.

use host_component::{BoxFuture, Consumer, Delivery, Exporter, Failure, Outcome, Payload};
use tokio::sync::{mpsc, oneshot};

use super::config::Error;
use super::writer::Writer;
use crate::sent::Sent;

/// Requests that may wait for the thread; a sender beyond them waits for its turn.
const WAITING: usize = 64;
/// Bytes that are written at once: many small requests share one write.
const GROUP: usize = 1 << 20;

/// Writes to one file.
pub(super) struct FileExporter {
    jobs: mpsc::Sender<Job>,
    sent: Sent,
}

enum Job {
    Write(Payload, oneshot::Sender<Outcome>),
    Sync(oneshot::Sender<()>),
}

impl FileExporter {
    pub(super) fn start(writer: Writer, sent: Sent) -> Result<Self, Error> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let path = writer.path().to_owned();
        std::thread::Builder::new()
            .name(writer.id().to_string())
            .spawn(move || work(waiting, writer))
            .map_err(|error| Error::Thread(path, error))?;
        Ok(FileExporter { jobs, sent })
    }

    async fn write(&self, payload: Payload) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        let gone = || Failure::retryable("the thread that writes the file has ended");
        self.jobs.send(Job::Write(payload, reply)).await.map_err(|_| gone())?;
        outcome.await.unwrap_or_else(|_| Err(gone()))
    }
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
            if self.jobs.send(Job::Sync(reply)).await.is_ok() {
                let _ = done.await;
            }
        })
    }
}

/// Ends when the exporter is gone and what waited has been written.
fn work(mut waiting: mpsc::Receiver<Job>, mut writer: Writer) {
    let mut buffer = Vec::new();
    let mut senders = Vec::new();
    while let Some(job) = waiting.blocking_recv() {
        let mut next = Some(job);
        let mut synced = None;
        buffer.clear();
        while let Some(job) = next.take() {
            match job {
                // Who has given up is not written for: it would send the same again.
                Job::Write(_, reply) if reply.is_closed() => {}
                Job::Write(payload, reply) => {
                    writer.encode(&payload, &mut buffer);
                    senders.push(reply);
                }
                Job::Sync(reply) => synced = Some(reply),
            }
            if buffer.len() < GROUP && synced.is_none() {
                next = waiting.try_recv().ok();
            }
        }
        let outcome = writer.write(&buffer);
        for sender in senders.drain(..) {
            let _ = sender.send(outcome.clone());
        }
        if let Some(reply) = synced {
            writer.sync();
            let _ = reply.send(());
        }
        buffer.shrink_to(4 * GROUP);
    }
}
