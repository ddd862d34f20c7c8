//! Collections that block their thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::harness::one;
use crate::{Blocking, Collect as _, CollectNow, Collected, Missed};

/// Blocks until it is let go on; how many have begun is counted.
struct Gate {
    begun: Arc<AtomicU64>,
    go: Receiver<()>,
}

impl CollectNow for Gate {
    fn collect_now(&mut self) -> Result<Collected, Missed> {
        let count = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        self.go.recv().map_err(|_| Missed::new("gate", "it is shut", "open it"))?;
        Ok(Collected::of("gate", vec![one(count)], Vec::new()))
    }
}

fn gate() -> (Blocking<Gate>, Arc<AtomicU64>, Sender<()>) {
    let (open, go) = channel();
    let begun = Arc::new(AtomicU64::new(0));
    (Blocking::new(Gate { begun: Arc::clone(&begun), go }), begun, open)
}

#[tokio::test]
async fn a_collection_that_hangs_is_waited_for_by_the_next_and_no_second_thread_hangs_beside_it() {
    let (mut blocking, begun, open) = gate();
    for _ in 0..3 {
        let waited = tokio::time::timeout(Duration::from_millis(20), blocking.collect()).await;
        assert!(waited.is_err(), "the gate is shut");
    }
    open.send(()).unwrap();
    assert!(blocking.collect().await.is_ok());
    assert_eq!(begun.load(Ordering::SeqCst), 1);
    open.send(()).unwrap();
    assert!(blocking.collect().await.is_ok());
    assert_eq!(begun.load(Ordering::SeqCst), 2);
}

struct Panics;

impl CollectNow for Panics {
    fn collect_now(&mut self) -> Result<Collected, Missed> {
        panic!("a mistake")
    }
}

#[tokio::test]
async fn a_collector_that_panics_is_told_as_missed_from_then_on() {
    let mut blocking = Blocking::new(Panics);
    for _ in 0..2 {
        let missed = blocking.collect().await.unwrap_err();
        assert!(missed.way_out.contains("a mistake in this program"), "{missed}");
    }
}
