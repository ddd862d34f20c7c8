//! The processor on paused time, over a memory that is as large as the test says.

mod cgroup;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use host_component::{BoxFuture, ComponentId, Consumer, Delivery, Failure, Outcome, Signal};
use host_config::Check as _;
use host_otlp::wire::put_len;
use host_otlp::{Limits, check};
use host_telemetry::Metrics;
use tokio::sync::Notify;
use tokio::time::advance;

use super::usage::anonymous;
use super::{Config, Deps, Limiters, Memory, resident};

const MIB: u64 = 1 << 20;
const SECOND: Duration = Duration::from_secs(1);

/// A memory of the test's own. Cloning shares it.
#[derive(Clone, Default)]
struct Fake(Arc<State>);

#[derive(Default)]
struct State {
    resident: AtomicU64,
    in_flight: AtomicU64,
    /// Of what is resident, what is free.
    free: AtomicU64,
    looks: AtomicU64,
    gave_back: AtomicU64,
    is_blind: AtomicBool,
}

impl Memory for Fake {
    fn resident(&self) -> io::Result<u64> {
        self.0.looks.fetch_add(1, Ordering::Relaxed);
        match self.0.is_blind.load(Ordering::Relaxed) {
            true => Err(io::Error::other("nothing can be seen")),
            false => Ok(self.0.resident.load(Ordering::Relaxed)),
        }
    }

    fn in_flight(&self) -> u64 {
        self.0.in_flight.load(Ordering::Relaxed)
    }

    fn give_back(&self) {
        self.0.gave_back.fetch_add(1, Ordering::Relaxed);
        let free = self.0.free.swap(0, Ordering::Relaxed);
        self.0.resident.fetch_sub(free, Ordering::Relaxed);
    }
}

/// Takes what comes, at once or when it is let go.
#[derive(Default)]
struct Downstream {
    taken: Mutex<u64>,
    holds: bool,
    go: Notify,
}

impl Consumer for Downstream {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            if self.holds {
                self.go.notified().await;
            }
            *self.taken.lock().unwrap() += delivery.payload.items();
            Ok(())
        })
    }
}

/// A processor under test.
struct Script {
    memory: Fake,
    metrics: Metrics,
    limiters: Limiters,
    downstream: Arc<Downstream>,
    limiter: Arc<dyn Consumer>,
}

/// 100 MiB at most, refusing from 80 on, and a look a second.
fn config() -> Config {
    Config { check_interval: SECOND, limit_mib: 100, ..Config::default() }
}

impl Script {
    fn new(config: Config, downstream: Downstream) -> Script {
        let (memory, metrics, downstream) = (Fake::default(), Metrics::new(), Arc::new(downstream));
        memory.0.resident.store(10 * MIB, Ordering::Relaxed);
        let limiters = Limiters::new(memory.clone());
        let limiter = build(config, &limiters, &metrics, &downstream, Signal::Logs);
        Script { memory, metrics, limiters, downstream, limiter }
    }

    fn resident(&self, mib: u64) {
        self.memory.0.resident.store(mib * MIB, Ordering::Relaxed);
    }

    fn in_flight(&self, mib: u64) {
        self.memory.0.in_flight.store(mib * MIB, Ordering::Relaxed);
    }

    async fn send(&self) -> Outcome {
        self.limiter.consume(logs(100)).await
    }

    fn count(&self, name: &str) -> u64 {
        self.metrics.total(name)
    }
}

fn id() -> ComponentId {
    "memory_limiter".parse().unwrap()
}

fn build(
    config: Config,
    limiters: &Limiters,
    metrics: &Metrics,
    next: &Arc<Downstream>,
    signal: Signal,
) -> Arc<dyn Consumer> {
    config.build(&id(), Arc::clone(next) as _, &Deps { limiters, metrics, signal }).unwrap()
}

/// One record with so long a body.
fn logs(len: usize) -> Delivery {
    let text = vec![b'x'; len];
    let nested = [1, 5, 2, 2, 1].iter().fold(text, |inner, field| {
        let mut outer = Vec::new();
        put_len(&mut outer, *field, &inner);
        outer
    });
    Delivery::new(check(Signal::Logs, Bytes::from(nested), &Limits::default()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn takes_all_below_the_soft_limit_and_nothing_above_it() {
    let script = Script::new(config(), Downstream::default());
    for (mib, is_taken) in [(80, true), (81, false), (120, false), (80, true)] {
        script.resident(mib);
        advance(SECOND).await;
        let outcome = script.send().await;
        assert_eq!(outcome.is_ok(), is_taken, "{mib} MiB: {outcome:?}");
    }
    assert_eq!(script.count("otelcol_processor_accepted_log_records"), 2);
    assert_eq!(script.count("otelcol_processor_refused_log_records"), 2);
    assert_eq!(*script.downstream.taken.lock().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn refuses_in_the_form_that_makes_a_sender_try_again_when_somebody_has_looked_again() {
    let script = Script::new(Config { check_interval: 5 * SECOND, ..config() }, Downstream::default());
    script.resident(90);
    advance(5 * SECOND).await;
    match script.send().await.unwrap_err() {
        Failure::Refused { reason, after } => {
            assert_eq!(after, 5 * SECOND);
            assert!(reason.contains("high memory usage: 90 MiB are in use, and above 80 MiB"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn looks_once_an_interval_for_all_pipelines_that_name_it() {
    let script = Script::new(config(), Downstream::default());
    let other = build(config(), &script.limiters, &script.metrics, &script.downstream, Signal::Logs);
    assert_eq!(script.memory.0.looks.load(Ordering::Relaxed), 1, "the second finds what the first has found");
    advance(SECOND).await;
    for _ in 0..5 {
        script.send().await.unwrap();
        other.consume(logs(1)).await.unwrap();
    }
    assert_eq!(script.memory.0.looks.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flood_between_two_looks_is_refused() {
    let script = Script::new(config(), Downstream::default());
    script.send().await.unwrap();
    script.in_flight(70);
    script.send().await.unwrap();
    script.in_flight(71);
    script.send().await.unwrap_err();
    // What was found and what has come in since are not added up where the one is a part of the other.
    script.resident(79);
    advance(SECOND).await;
    script.send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_counts_where_no_receiver_has_reserved_room_for_it() {
    let script = Arc::new(Script::new(
        Config { limit_mib: 10, spike_limit_mib: 0, ..config() },
        Downstream { holds: true, ..Downstream::default() },
    ));
    script.resident(7);
    advance(SECOND).await;
    // When the first comes, somebody looks: it is a part of what is found.
    let (first, second) = (script.limiter.consume(logs(900_000)), script.limiter.consume(logs(900_000)));
    let third = || script.limiter.consume(logs(400_000));
    third().now_or_never().expect("it is not let in").unwrap_err();
    // Whoever goes away takes what was his along.
    drop(second);
    script.downstream.go.notify_one();
    first.await.unwrap();
    script.downstream.go.notify_one();
    third().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn has_free_memory_given_back_above_the_limit_at_each_look_and_less_often_below_it() {
    let script = Script::new(config(), Downstream::default());
    let gave_back = || script.memory.0.gave_back.load(Ordering::Relaxed);
    for (mib, times) in [(80, 0), (90, 1), (90, 1), (101, 2), (101, 3), (90, 3)] {
        script.resident(mib);
        advance(SECOND).await;
        let _ = script.send().await;
        assert_eq!(gave_back(), times, "{mib} MiB");
    }
    advance(10 * SECOND).await;
    let _ = script.send().await;
    assert_eq!(gave_back(), 4);

    script.resident(110);
    script.memory.0.free.store(40 * MIB, Ordering::Relaxed);
    advance(SECOND).await;
    script.send().await.unwrap();
    assert_eq!(script.count("tidegate_processor_memory_limiter_collections"), 5);
}

#[tokio::test(start_paused = true)]
async fn what_was_found_last_counts_while_nothing_can_be_seen() {
    let script = Script::new(config(), Downstream::default());
    script.resident(90);
    script.memory.0.is_blind.store(true, Ordering::Relaxed);
    advance(SECOND).await;
    script.send().await.unwrap();
    script.memory.0.is_blind.store(false, Ordering::Relaxed);
    advance(SECOND).await;
    script.send().await.unwrap_err();
    script.memory.0.is_blind.store(true, Ordering::Relaxed);
    let built = config().build(
        &"memory_limiter/b".parse().unwrap(),
        Arc::clone(&script.downstream) as _,
        &Deps { limiters: &script.limiters, metrics: &script.metrics, signal: Signal::Logs },
    );
    assert!(built.is_err(), "nothing is limited where nothing can be seen");
}

#[test]
fn limits_are_the_collectors() {
    let bounds = |config: Config| {
        let bounds = config.bounds(|| 1000 * MIB);
        (bounds.soft / MIB, bounds.hard / MIB)
    };
    assert_eq!(bounds(config()), (80, 100));
    assert_eq!(bounds(Config { spike_limit_mib: 30, ..config() }), (70, 100));
    let percent = Config { limit_mib: 0, limit_percentage: 50, ..config() };
    assert_eq!(bounds(percent.clone()), (400, 500));
    assert_eq!(bounds(Config { spike_limit_percentage: 25, ..percent.clone() }), (250, 500));
    assert_eq!(bounds(Config { limit_mib: 100, ..percent }), (80, 100), "what is given in MiB counts");
}

#[test]
fn says_what_makes_no_sense() {
    let wrong = |config: Config| config.wrongs().into_iter().map(|wrong| wrong.key).collect::<Vec<_>>();
    assert_eq!(wrong(config()), [""; 0]);
    assert_eq!(wrong(Config::default()), ["check_interval", "limit_mib"]);
    assert_eq!(wrong(Config { spike_limit_mib: 100, ..config() }), ["spike_limit_mib"]);
    let percent =
        |limit, spike| Config { limit_mib: 0, limit_percentage: limit, spike_limit_percentage: spike, ..config() };
    assert_eq!(wrong(percent(80, 25)), [""; 0]);
    assert_eq!(wrong(percent(101, 0)), ["limit_percentage"]);
    assert_eq!(wrong(percent(50, 50)), ["spike_limit_percentage"]);
    let gaps = Config { min_gc_interval_when_hard_limited: 60 * SECOND, ..config() };
    assert_eq!(wrong(gaps), ["min_gc_interval_when_soft_limited"]);
}

#[test]
fn knows_what_this_process_takes() {
    assert_eq!(anonymous("VmRSS:\t  9 kB\nRssAnon:\t    5120 kB\nRssFile:\t 7 kB\n"), Some(5 * MIB));
    assert_eq!(anonymous("VmRSS:\t  9 kB\n"), None);
    let before = resident().unwrap();
    let block = std::hint::black_box(vec![1u8; 64 << 20]);
    let grown = resident().unwrap() - before;
    assert!(grown >= 60 * MIB, "{grown} for {}", block.len());
}
