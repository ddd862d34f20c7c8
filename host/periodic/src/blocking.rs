//! Collects on a thread that may block. There is one collection at a time: where one hangs (a mount whose server is gone), the
//! next ones wait for it, and no other thread hangs beside it.

use tokio::task::JoinHandle;

use crate::collect::{Collect, CollectNow, Collected, Missed};

pub struct Blocking<C>(State<C>);

enum State<C> {
    Idle(C),
    Busy(JoinHandle<(C, Result<Collected, Missed>)>),
    /// A collection has panicked, or the runtime ends.
    Gone,
}

impl<C: CollectNow> Blocking<C> {
    pub fn new(collector: C) -> Self {
        Blocking(State::Idle(collector))
    }
}

impl<C: CollectNow> Collect for Blocking<C> {
    async fn collect(&mut self) -> Result<Collected, Missed> {
        self.0 = match std::mem::replace(&mut self.0, State::Gone) {
            State::Idle(mut collector) => State::Busy(tokio::task::spawn_blocking(move || {
                let collected = collector.collect_now();
                (collector, collected)
            })),
            other => other,
        };
        let gone = || {
            let way_out = "it is a mistake in this program: report it, with the log around this, and start it again";
            Missed::new("the collecting thread", "it has ended", way_out)
        };
        // Whoever is dropped here leaves it to the next one to go on waiting.
        let State::Busy(busy) = &mut self.0 else { return Err(gone()) };
        let done = busy.await;
        self.0 = State::Gone;
        let (collector, collected) = done.map_err(|_| gone())?;
        self.0 = State::Idle(collector);
        collected
    }
}
