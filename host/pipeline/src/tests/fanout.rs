//! A fan-out whose successors keep what they take, fail for a while, or are not required.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use host_component::{BoxFuture, Consumer, Delivery, Failure, Outcome, Reservation};
use host_telemetry::Metrics;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::{Answer, one_record, refused};
use crate::{Branch, Branches};

/// What happened, in order.
type Told = Arc<Mutex<Vec<String>>>;

/// Answers as it was told to, and well once it was told nothing more.
struct Scripted {
    name: &'static str,
    answers: Mutex<VecDeque<Outcome>>,
    told: Told,
    gate: Option<Arc<Notify>>,
}

impl Consumer for Scripted {
    fn consume(&self, _: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async {
            if let Some(gate) = &self.gate {
                gate.notified().await;
            }
            self.told.lock().unwrap().push(self.name.to_owned());
            self.answers.lock().unwrap().pop_front().unwrap_or(Ok(()))
        })
    }
}

/// Keeps what it takes, as long as there is room.
struct Queue {
    name: &'static str,
    /// How often it cannot be written.
    fails: Arc<Mutex<usize>>,
    room: Arc<Mutex<usize>>,
    told: Told,
}

struct Room {
    name: &'static str,
    fails: Arc<Mutex<usize>>,
    room: Arc<Mutex<usize>>,
    told: Told,
    is_used: bool,
}

impl Consumer for Queue {
    fn consume(&self, _: Delivery) -> BoxFuture<'_, Outcome> {
        panic!("a queue is written to once there is room in all of them");
    }

    fn reserve(&self, _: &Delivery) -> Result<Option<Box<dyn Reservation>>, Failure> {
        let mut room = self.room.lock().unwrap();
        *room = room.checked_sub(1).ok_or_else(|| refused(1))?;
        let (room, told) = (Arc::clone(&self.room), Arc::clone(&self.told));
        let fails = Arc::clone(&self.fails);
        Ok(Some(Box::new(Room { name: self.name, fails, room, told, is_used: false })))
    }
}

impl Reservation for Room {
    fn commit(mut self: Box<Self>, _: Delivery) -> BoxFuture<'static, Outcome> {
        self.told.lock().unwrap().push(self.name.to_owned());
        let left = self.fails.lock().unwrap().checked_sub(1);
        if let Some(left) = left {
            *self.fails.lock().unwrap() = left;
            return Box::pin(async { Err(refused(1)) });
        }
        self.is_used = true;
        Box::pin(async { Ok(()) })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        *self.room.lock().unwrap() += usize::from(!self.is_used);
    }
}

/// What stands behind a fan-out.
#[derive(Default)]
struct Stage {
    told: Told,
    metrics: Metrics,
    branches: Vec<Branch>,
}

impl Stage {
    fn branch(mut self, name: &'static str, answers: Vec<Outcome>) -> Self {
        let next = Scripted { name, answers: Mutex::new(answers.into()), told: Arc::clone(&self.told), gate: None };
        self.branches.push(Branch::new(&self.metrics, "logs", name.to_owned(), Arc::new(next)));
        self
    }

    fn optional(mut self, name: &'static str, gate: &Arc<Notify>) -> Self {
        let (told, gate) = (Arc::clone(&self.told), Some(Arc::clone(gate)));
        let next = Scripted { name, answers: Mutex::default(), told, gate };
        let tasks = TaskTracker::new();
        self.branches.push(Branch::optional(&self.metrics, "logs", name.to_owned(), Arc::new(next), &tasks));
        self
    }

    fn slow(mut self, name: &'static str, gate: &Arc<Notify>) -> Self {
        let (told, gate) = (Arc::clone(&self.told), Some(Arc::clone(gate)));
        let next = Scripted { name, answers: Mutex::default(), told, gate };
        self.branches.push(Branch::new(&self.metrics, "logs", name.to_owned(), Arc::new(next)));
        self
    }

    fn queue(self, name: &'static str, room: &Arc<Mutex<usize>>) -> Self {
        self.failing_queue(name, room, 0)
    }

    fn failing_queue(mut self, name: &'static str, room: &Arc<Mutex<usize>>, fails: usize) -> Self {
        let (fails, told) = (Arc::new(Mutex::new(fails)), Arc::clone(&self.told));
        let next = Queue { name, fails, room: Arc::clone(room), told };
        self.branches.push(Branch::new(&self.metrics, "logs", name.to_owned(), Arc::new(next)));
        self
    }

    fn built(self) -> (Branches, Told, Metrics) {
        (Branches::new(self.branches), self.told, self.metrics)
    }
}

fn take(told: &Told) -> Vec<String> {
    std::mem::take(&mut told.lock().unwrap())
}

fn later() -> Outcome {
    Err(Failure::retryable("away"))
}

fn rooms(places: usize) -> Arc<Mutex<usize>> {
    Arc::new(Mutex::new(places))
}

#[tokio::test]
async fn a_full_queue_refuses_the_sender_before_anything_is_written_anywhere() {
    let (wide, full) = (rooms(5), rooms(0));
    let stage = Stage::default().branch("plain", vec![]).queue("wide", &wide).queue("full", &full);
    let (branches, told, _) = stage.built();
    assert_eq!(branches.consume(one_record()).await, Err(refused(1)));
    assert_eq!(take(&told), Vec::<String>::new());
    assert_eq!(*wide.lock().unwrap(), 5, "what was set aside is given back");
    *full.lock().unwrap() = 1;
    assert_eq!(branches.consume(one_record()).await, Ok(()));
    assert_eq!(take(&told), ["plain", "wide", "full"]);
    assert_eq!((*wide.lock().unwrap(), *full.lock().unwrap()), (4, 0));
}

#[tokio::test]
async fn a_queue_that_could_not_be_written_goes_first_and_the_others_hold_nothing_while_it_fails() {
    let (good, bad) = (rooms(5), rooms(5));
    let (branches, told, _) = Stage::default().queue("good", &good).failing_queue("bad", &bad, 3).built();
    assert_eq!(branches.consume(one_record()).await, Err(refused(1)));
    assert_eq!(take(&told), ["good", "bad"], "nobody knew yet");
    for _ in 0..2 {
        assert_eq!(branches.consume(one_record()).await, Err(refused(1)));
        assert_eq!(take(&told), ["bad"]);
    }
    assert_eq!(branches.consume(one_record()).await, Ok(()));
    assert_eq!(take(&told), ["bad", "good"]);
    assert_eq!((*good.lock().unwrap(), *bad.lock().unwrap()), (3, 4));
}

#[tokio::test]
async fn queues_are_written_to_once_those_that_keep_nothing_have_taken_the_data() {
    let room = rooms(5);
    let (branches, told, _) = Stage::default().queue("queue", &room).branch("plain", vec![later()]).built();
    assert_eq!(branches.consume(one_record()).await, later());
    assert_eq!(take(&told), ["plain"]);
    assert_eq!(*room.lock().unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn tries_only_the_one_again_that_failed_while_the_sender_waits() {
    let stage = Stage::default().branch("good", vec![]).branch("bad", vec![later(), later()]);
    let (branches, told, _) = stage.built();
    assert_eq!(branches.consume(one_record()).await, Ok(()));
    assert_eq!(take(&told), ["good", "bad", "bad", "bad"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_failed_last_time_goes_first_and_the_others_see_nothing_while_it_fails() {
    let answers = vec![Err(refused(9)), Err(refused(9)), Err(refused(9)), Ok(())];
    let (branches, told, _) = Stage::default().branch("good", vec![]).branch("bad", answers).built();
    assert_eq!(branches.consume(one_record()).await, Err(refused(9)));
    assert_eq!(take(&told), ["good", "bad"], "nobody knew yet");
    for _ in 0..2 {
        assert_eq!(branches.consume(one_record()).await, Err(refused(9)));
        assert_eq!(take(&told), ["bad"]);
    }
    assert_eq!(branches.consume(one_record()).await, Ok(()));
    assert_eq!(take(&told), ["bad", "good"]);
    assert_eq!(branches.consume(one_record()).await, Ok(()));
    assert_eq!(take(&told), ["good", "bad"], "it is trusted again");
}

#[tokio::test(start_paused = true)]
async fn one_whose_answer_nobody_waited_for_goes_first_next_time() {
    let gate = Arc::new(Notify::new());
    let (branches, told, _) = Stage::default().branch("good", vec![]).slow("slow", &gate).built();
    assert!(tokio::time::timeout(Duration::from_secs(4), branches.consume(one_record())).await.is_err());
    assert_eq!(take(&told), ["good"]);
    assert!(tokio::time::timeout(Duration::from_secs(4), branches.consume(one_record())).await.is_err());
    assert_eq!(take(&told), Vec::<String>::new(), "good does not get it once more");
    gate.notify_one();
    assert_eq!(branches.consume(one_record()).await, Ok(()));
    assert_eq!(take(&told), ["slow", "good"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_one_that_is_not_required() {
    let gate = Arc::new(Notify::new());
    let (branches, told, metrics) = Stage::default().branch("good", vec![]).optional("slow", &gate).built();
    assert_eq!(branches.consume(one_record()).await, Ok(()));
    assert_eq!(take(&told), ["good"]);
    gate.notify_one();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(take(&told), ["slow"]);
    assert_eq!(metrics.total("tidegate_fanout_dropped_items"), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_required_gets_nothing_that_its_sender_sends_again() {
    let gate = Arc::new(Notify::new());
    gate.notify_one();
    let stage = Stage::default().branch("bad", vec![Err(refused(9))]).optional("slow", &gate);
    let (branches, told, _) = stage.built();
    assert_eq!(branches.consume(one_record()).await, Err(refused(9)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(take(&told), ["bad"]);
}

#[tokio::test(start_paused = true)]
async fn counts_what_one_that_is_not_required_does_not_take() {
    let metrics = Metrics::new();
    let gone = Answer::new(Err(Failure::retryable("away")));
    let branches =
        Branches::new(vec![Branch::optional(&metrics, "logs", "datadog".to_owned(), gone, &TaskTracker::new())]);
    assert_eq!(branches.consume(one_record()).await, Ok(()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let counted = "tidegate_fanout_dropped_items{from=\"logs\",to=\"datadog\"} 1\n";
    assert!(metrics.render().contains(counted), "{}", metrics.render());
}
