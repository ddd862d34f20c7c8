//! Room is what is set aside in a queue for a delivery before it is written.
//!
//! It belongs to the record from then on: whoever gives up waiting for the disk does not give it back, since the payload is in
//! memory until the disk has it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use host_component::claims::Held;
use host_component::{BoxFuture, Delivery, Failure, Outcome, Reservation};
use host_config::delivery::{OnFull, SendingQueue, Sizer};
use tokio::sync::Notify;

use crate::config::Config;
use crate::queue::Queue;
use crate::store::Usage;

/// How much may wait, for one exporter.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) queue: SendingQueue,
    pub(crate) bytes: u64,
    pub(crate) on_full: OnFull,
}

impl Bounds {
    pub(crate) fn new(queue: &SendingQueue, config: &Config) -> Self {
        Bounds { queue: queue.clone(), bytes: config.max_queue_mib << 20, on_full: queue.on_full }
    }

    pub(crate) fn measure(&self, usage: Usage) -> u64 {
        match self.queue.sizer {
            Sizer::Requests => usage.records,
            Sizer::Items => usage.items,
            Sizer::Bytes => usage.bytes,
        }
    }

    /// Whether so much has room beside what is there. Something that is larger than all room is taken where nothing else is
    /// there, since it would come again for ever.
    pub(crate) fn fits(&self, there: Usage, more: Usage) -> bool {
        let both = plus(there, more);
        let most = u64::try_from(self.queue.queue_size).unwrap_or(u64::MAX);
        there.records == 0 || (self.measure(both) <= most && both.bytes <= self.bytes)
    }
}

pub(crate) fn plus(one: Usage, other: Usage) -> Usage {
    Usage {
        records: one.records + other.records,
        items: one.items + other.items,
        bytes: one.bytes + other.bytes,
        disk: one.disk + other.disk,
    }
}

/// What is set aside in one queue.
#[derive(Clone, Default)]
pub(crate) struct Book(Arc<Entries>);

#[derive(Default)]
struct Entries {
    all: Mutex<Usage>,
    /// There may be room.
    freed: Notify,
}

impl Book {
    fn all(&self) -> MutexGuard<'_, Usage> {
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn sum(&self) -> Usage {
        *self.all()
    }

    /// Something may have room now that had none.
    pub(crate) fn freed(&self) -> &Notify {
        &self.0.freed
    }

    /// Sets so much aside, where `fits` says so of what is set aside already.
    pub(crate) fn enter(&self, size: Usage, fits: impl FnOnce(Usage) -> bool) -> Option<Aside> {
        let mut all = self.all();
        if !fits(*all) {
            return None;
        }
        *all = plus(*all, size);
        Some(Aside { book: self.clone(), size })
    }
}

/// Room that was set aside; it is given back when this is dropped.
pub(crate) struct Aside {
    book: Book,
    size: Usage,
}

impl Drop for Aside {
    fn drop(&mut self) {
        let mut all = self.book.all();
        all.records -= self.size.records;
        all.items -= self.size.items;
        all.bytes -= self.size.bytes;
        drop(all);
        self.book.freed().notify_waiters();
    }
}

/// Room for one delivery; it is given back when it is dropped.
pub(crate) struct Room {
    queue: Arc<Held<Queue>>,
    aside: Aside,
}

impl Room {
    /// Sets room aside for a delivery.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) fn set_aside(
        queue: &Arc<Held<Queue>>,
        bounds: &Arc<Bounds>,
        delivery: &Delivery,
    ) -> Result<Room, Failure> {
        let aside = queue.try_set_aside(size(delivery), bounds);
        let aside = aside.ok_or_else(|| queue.refuse(&delivery.payload))?;
        Ok(Room { queue: Arc::clone(queue), aside })
    }

    /// The same, once there is room.
    pub(crate) async fn wait(queue: &Arc<Held<Queue>>, bounds: &Arc<Bounds>, delivery: &Delivery) -> Room {
        loop {
            let freed = queue.book.freed().notified();
            if let Some(aside) = queue.try_set_aside(size(delivery), bounds) {
                return Room { queue: Arc::clone(queue), aside };
            }
            freed.await;
        }
    }

    /// Writes the delivery that the room was set aside for.
    pub(crate) async fn write(self, delivery: Delivery) -> Outcome {
        self.queue.write(delivery, self.aside).await
    }
}

impl Reservation for Room {
    fn commit(self: Box<Self>, delivery: Delivery) -> BoxFuture<'static, Outcome> {
        Box::pin(self.write(delivery))
    }
}

fn size(delivery: &Delivery) -> Usage {
    let payload = &delivery.payload;
    Usage { records: 1, items: payload.items(), bytes: payload.len() as u64, disk: 0 }
}
