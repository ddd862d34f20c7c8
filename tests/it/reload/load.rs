//! Senders that go on sending while something changes under them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::task::JoinHandle;

use crate::harness::telemetry::{logs, record};
use crate::harness::{Client, Collector, eventually};

/// Requests that are answered between two changes.
const BETWEEN: usize = 100;

pub(super) struct Load {
    senders: Vec<JoinHandle<Told>>,
    ended: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
}

/// What the senders were told.
#[derive(Default)]
pub(super) struct Told {
    pub(super) acknowledged: Vec<String>,
    pub(super) failed: usize,
}

impl Load {
    /// Starts senders, each with a connection of its own.
    pub(super) async fn start(collector: &Collector, senders: usize) -> Self {
        let mut load = Load { senders: Vec::new(), ended: Arc::default(), answered: Arc::default() };
        for sender in 0..senders {
            let client = Client::connect(collector.grpc()).await;
            let sending = send(client, sender, Arc::clone(&load.ended), Arc::clone(&load.answered));
            load.senders.push(tokio::spawn(sending));
        }
        load
    }

    /// Waits until more was acknowledged.
    pub(super) async fn goes_on(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        eventually("the load goes on", async || {
            (self.answered.load(Ordering::Relaxed) >= before + BETWEEN).then_some(())
        })
        .await;
    }

    pub(super) async fn end(self) -> Told {
        self.ended.store(true, Ordering::Relaxed);
        let mut all = Told::default();
        for sender in self.senders {
            let told = sender.await.unwrap();
            all.acknowledged.extend(told.acknowledged);
            all.failed += told.failed;
        }
        all
    }
}

async fn send(client: Client, sender: usize, ended: Arc<AtomicBool>, answered: Arc<AtomicUsize>) -> Told {
    let mut told = Told::default();
    let mut sent = 0;
    while !ended.load(Ordering::Relaxed) {
        let id = format!("s{sender}.{sent}");
        sent += 1;
        match client.logs(logs(vec![record(&id, 9, "of a stream")])).await {
            Ok(()) => {
                told.acknowledged.push(id);
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => told.failed += 1,
        }
    }
    told
}
