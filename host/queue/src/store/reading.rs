//! Reading: records come in order, each until somebody is done with it; what was put back comes first.

use std::io;
use std::sync::Arc;

use host_component::Delivery;
use host_otlp::Payload;

use super::Store;
use super::state::{Fresh, Segment};
use crate::progress::Position;
use crate::record::{Mark, Record};
use crate::segment::{RECORD, Scanner, Step};
use crate::storage::Storage;

/// How much may travel as one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Join {
    pub(crate) bytes: usize,
    pub(crate) items: u64,
}

/// The reading end of a store.
#[derive(Default)]
pub(super) struct Reader {
    scanner: Scanner,
    /// What was read last and did not fit: the cursor is still before it.
    next: Option<Next>,
}

struct Next {
    mark: Mark,
    delivery: Delivery,
    end: u64,
}

/// Where what is taken comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// What is in memory.
    Memory,
    Disk,
}

/// A record that was taken. Who drops it without being done with it puts it back.
pub(crate) struct Taken<S: Storage> {
    store: Arc<Store<S>>,
    position: Position,
    /// When it came, in nanoseconds since the Unix epoch.
    pub(crate) time: u64,
    pub(crate) delivery: Delivery,
}

impl<S: Storage> Taken<S> {
    /// Whatever became of it, it does not come again.
    pub(crate) fn done(self) {
        self.store.state().finish(self.position);
    }
}

impl<S: Storage> Drop for Taken<S> {
    fn drop(&mut self) {
        // What is done is not there any more.
        if self.store.state().put_back(self.position) {
            self.store.ready.notify_waiters();
        }
    }
}

impl Reader {
    /// What comes next where it is in memory, or where nothing waits; none where it has to be read.
    pub(super) fn take_at_hand<S: Storage>(&mut self, store: &Arc<Store<S>>, join: Join) -> Option<Vec<Taken<S>>> {
        if store.state().has_back() {
            return None;
        }
        let taken = self.join(store, join, Reach::Memory);
        (!taken.is_empty() || !store.state().waits()).then_some(taken)
    }

    pub(super) fn take<S: Storage>(&mut self, store: &Arc<Store<S>>, join: Join) -> Vec<Taken<S>> {
        match self.take_back(store) {
            Ok(Some(taken)) => return vec![taken],
            Ok(None) => {}
            Err(error) => {
                store.state().trouble = Some(error);
                return Vec::new();
            }
        }
        self.join(store, join, Reach::Disk)
    }

    /// What comes next, and more of the same.
    fn join<S: Storage>(&mut self, store: &Arc<Store<S>>, join: Join, reach: Reach) -> Vec<Taken<S>> {
        let mut taken: Vec<Taken<S>> = Vec::new();
        let (mut bytes, mut items) = (0, 0);
        while let Some(next) = self.next.take().or_else(|| self.read(store, reach)) {
            let Next { mark, delivery, end } = next;
            let length = delivery.payload.len();
            let is_more = bytes + length > join.bytes || items + mark.items > join.items;
            if let Some(first) = taken.first()
                && (is_more || !first.delivery.joins(&delivery))
            {
                self.next = Some(Next { mark, delivery, end });
                break;
            }
            (bytes, items) = (bytes + length, items + mark.items);
            let position = store.state().take(&mark, end);
            taken.push(Taken { store: Arc::clone(store), position, time: mark.time, delivery });
        }
        taken
    }

    /// What was put back. What cannot be read at present goes back once more.
    fn take_back<S: Storage>(&mut self, store: &Arc<Store<S>>) -> io::Result<Option<Taken<S>>> {
        loop {
            let back = store.state().take_back();
            let Some((position, segment)) = back else { return Ok(None) };
            let Some(segment) = segment else {
                // It was taken away since all of it was done, which the progress that was found does not know.
                store.state().finish(position);
                continue;
            };
            let step = Scanner::default().step(&store.storage, segment.name, position.offset, segment.end);
            if let Step::Unreadable(error) = step {
                store.state().put_back(position);
                return Err(error);
            }
            if let Step::Frame { kind: RECORD, content, end } = step
                && let Some(record) = Record::decode(&content)
                && let Some(payload) = record.payload()
            {
                let Mark { items, time, .. } = record.mark;
                store.state().learn(position, items, time, end - position.offset);
                let (store, delivery) = (Arc::clone(store), delivery(record, payload));
                return Ok(Some(Taken { store, position, time, delivery }));
            }
            store.state().lose_undone(position);
        }
    }

    /// The record at the cursor, or at the next place that holds one.
    fn read<S: Storage>(&mut self, store: &Store<S>, reach: Reach) -> Option<Next> {
        loop {
            let (segment, at) = {
                let mut state = store.state();
                let segment = state.current()?;
                if let Some(Fresh { end, mark, delivery, .. }) = state.take_fresh() {
                    return Some(Next { mark, delivery, end });
                }
                (segment, state.cursor)
            };
            if reach == Reach::Memory {
                return None;
            }
            match self.scanner.step(&store.storage, segment.name, at.offset, segment.end) {
                Step::End if segment.is_open => return None,
                Step::End => {
                    if !store.leave(&segment) {
                        return None;
                    }
                }
                Step::Damage { end } => store.state().pass_damage(end),
                Step::Unreadable(error) => {
                    store.state().trouble = Some(error);
                    return None;
                }
                Step::Frame { kind, content, end } => {
                    let record = Record::decode(&content).filter(|_| kind == RECORD);
                    let payload = record.as_ref().and_then(Record::payload);
                    match (record, payload) {
                        (Some(record), Some(payload)) => {
                            return Some(Next { mark: record.mark, delivery: delivery(record, payload), end });
                        }
                        // Its items are missed when the next record tells what stands before it.
                        _ if kind == RECORD => store.state().pass_damage(end),
                        _ => store.state().pass(end),
                    }
                }
            }
        }
    }
}

impl<S: Storage> Store<S> {
    /// Goes on to the segment behind one that was read to its end, where there is one.
    fn leave(&self, segment: &Segment) -> bool {
        self.state().leave(segment)
    }
}

fn delivery(record: Record, payload: Payload) -> Delivery {
    Delivery { payload, origin: record.origin, route: None }
}
