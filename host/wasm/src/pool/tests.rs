//! Tests of what stands in `pool`: its promises, one sentence each.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Full, Job, Lane, PATIENCE, Pool, Queue, QueueId, SLOW, Schedule};

/// A schedule with so many queues of this lane.
fn schedule<const N: usize>(lane: Lane) -> (Schedule, [QueueId; N]) {
    let queue = || Queue { lane, ..Queue::new(10, Arc::default()) };
    let queues = std::iter::repeat_with(queue).take(N).collect();
    (Schedule { queues, closed: false }, std::array::from_fn(QueueId))
}

fn nothing() -> Job {
    Box::new(|| {})
}

/// Holds a thread of the pool until the sender is dropped.
fn hold(pool: &Pool, queue: QueueId) -> Sender<()> {
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
    let (mut schedule, [cheap, dear, late]) = schedule(Lane::Quick);
    for _ in 0..5 {
        schedule.submit(cheap, nothing()).unwrap();
        schedule.submit(dear, nothing()).unwrap();
    }
    let mut order = Vec::new();
    while let Some((queue, _)) = schedule.next(Lane::Quick) {
        order.push(queue);
        schedule.finished(queue, Duration::from_millis(if queue == dear.0 { 15 } else { 5 }));
    }
    assert_eq!(order, [0, 1, 0, 0, 0, 1, 0, 1, 1, 1]);

    // A queue that slept has no credit: it is served in turn with the others, not before them all.
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
fn a_queue_is_slow_until_it_was_quick_and_for_a_while_after_a_job_that_took_long() {
    let (mut schedule, [queue]) = schedule(Lane::Slow);
    let mut run = |spent: Duration| {
        let lane = schedule.queues[queue.0].lane;
        schedule.submit(queue, nothing()).unwrap();
        assert!(schedule.next(if lane == Lane::Slow { Lane::Quick } else { Lane::Slow }).is_none());
        let (index, _) = schedule.next(lane).unwrap();
        schedule.finished(index, spent)
    };
    assert_eq!(run(Duration::from_millis(1)), Some(Lane::Quick));
    assert_eq!(run(SLOW), None);
    assert_eq!(run(SLOW * 2), Some(Lane::Slow));
    for _ in 1..PATIENCE {
        assert_eq!(run(Duration::ZERO), None);
    }
    assert_eq!(run(Duration::ZERO), Some(Lane::Quick));
}

#[test]
fn what_a_queue_has_spent_in_one_lane_is_not_held_against_it_in_the_other() {
    let (mut schedule, [quick, other]) = schedule(Lane::Quick);
    schedule.queues[quick.0].spent = SLOW;
    schedule.queues[other.0] = Queue { spent: SLOW * 1000, ..Queue::new(10, Arc::default()) };
    for queue in [quick, other] {
        schedule.submit(queue, nothing()).unwrap();
    }
    let (index, _) = schedule.next(Lane::Slow).unwrap();
    assert_eq!(schedule.finished(index, Duration::ZERO), Some(Lane::Quick));
    assert_eq!(schedule.queues[other.0].spent, SLOW);
}

#[test]
fn a_queue_whose_jobs_never_end_holds_up_no_other_that_was_quick() {
    let pool = Pool::start(1).unwrap();
    let (good, bad) = (pool.queue(9, Arc::default()), pool.queue(9, Arc::default()));
    let run = |what: &'static str| {
        let (done, ended) = channel();
        pool.submit(good, Box::new(move || done.send(what).unwrap())).unwrap();
        ended.recv()
    };
    assert_eq!(run("shows that it is quick"), Ok("shows that it is quick"));
    let held = hold(&pool, bad);
    assert_eq!(run("beside it"), Ok("beside it"));
    drop(held);
    pool.drain();
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
