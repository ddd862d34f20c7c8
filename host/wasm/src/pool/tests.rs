//! Tests of what stands in `pool`: its promises, one sentence each.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Full, Job, Pool, Queue, Schedule};

fn queue(alone: bool) -> Queue {
    Queue {
        jobs: [].into(),
        limit: 10,
        alone: Arc::new(alone.into()),
        running: 0,
        spent: Duration::ZERO,
        is_free: false,
    }
}

fn nothing() -> Job {
    Box::new(|| {})
}

/// Holds a thread of the pool until the sender is dropped.
fn hold(pool: &Pool, queue: super::QueueId) -> Sender<()> {
    let (release, held): (Sender<()>, Receiver<()>) = channel();
    let (started, begun) = channel();
    let job = Box::new(move || {
        started.send(()).unwrap();
        let _ = held.recv();
    });
    pool.submit(queue, job).unwrap();
    begun.recv().unwrap();
    release
}

#[test]
fn a_queue_takes_what_fits() {
    let pool = Pool::start(1).unwrap();
    let queue = pool.queue(2, Arc::default());
    let held = hold(&pool, queue);
    pool.submit(queue, nothing()).unwrap();
    pool.submit(queue, nothing()).unwrap();
    assert_eq!(pool.submit(queue, nothing()), Err(Full));
    drop(held);
    pool.drain();
    assert_eq!(pool.submit(queue, nothing()), Err(Full));
}

#[test]
fn drains_what_is_queued() {
    let pool = Pool::start(2).unwrap();
    let queue = pool.queue(100, Arc::default());
    let done = Arc::new(Mutex::new(0));
    for _ in 0..100 {
        let done = Arc::clone(&done);
        pool.submit(queue, Box::new(move || *done.lock().unwrap() += 1)).unwrap();
    }
    pool.drain();
    assert_eq!(*done.lock().unwrap(), 100);
}

#[test]
fn a_job_that_panics_takes_no_thread_with_it() {
    let pool = Pool::start(1).unwrap();
    let queue = pool.queue(4, Arc::default());
    let (done, ended) = channel();
    pool.submit(queue, Box::new(|| panic!("on purpose"))).unwrap();
    pool.submit(queue, Box::new(move || done.send(()).unwrap())).unwrap();
    ended.recv().unwrap();
    pool.drain();
}

#[test]
fn serves_the_queue_that_has_used_the_least() {
    let mut schedule = Schedule::default();
    let pool = |schedule: &mut Schedule| {
        schedule.queues.push(queue(false));
        super::QueueId(schedule.queues.len() - 1)
    };
    let (cheap, dear) = (pool(&mut schedule), pool(&mut schedule));
    for _ in 0..5 {
        schedule.submit(cheap, nothing()).unwrap();
        schedule.submit(dear, nothing()).unwrap();
    }
    let mut order = Vec::new();
    while let Some((queue, _)) = schedule.next() {
        order.push(queue);
        schedule.finished(queue, Duration::from_millis(if queue == dear.0 { 30 } else { 10 }));
    }
    assert_eq!(order, [0, 1, 0, 0, 0, 1, 0, 1, 1, 1]);

    // A queue that slept has no credit: it is served in turn with the others, not before them all.
    let late = pool(&mut schedule);
    schedule.submit(dear, nothing()).unwrap();
    schedule.submit(late, nothing()).unwrap();
    assert_eq!(schedule.queues[late.0].spent, schedule.queues[dear.0].spent);
}

#[test]
fn a_queue_whose_jobs_wait_for_each_other_holds_one_thread() {
    let pool = Pool::start(2).unwrap();
    let (alone, other) = (pool.queue(9, Arc::new(true.into())), pool.queue(9, Arc::default()));
    let held = hold(&pool, alone);
    let (done, ended) = channel();
    for _ in 0..2 {
        let done = done.clone();
        pool.submit(alone, Box::new(move || done.send("alone").unwrap())).unwrap();
    }
    pool.submit(other, Box::new(move || done.send("other").unwrap())).unwrap();
    assert_eq!(ended.recv(), Ok("other"));
    drop(held);
    pool.drain();
    assert_eq!(ended.iter().collect::<Vec<_>>(), ["alone", "alone"]);
}

#[test]
fn what_is_discarded_is_not_run() {
    let pool = Pool::start(1).unwrap();
    let queue = pool.queue(9, Arc::default());
    let held = hold(&pool, queue);
    let (done, ended) = channel::<()>();
    pool.submit(queue, Box::new(move || done.send(()).unwrap())).unwrap();
    pool.discard();
    ended.recv().unwrap_err();
    drop(held);
    pool.drain();
}
