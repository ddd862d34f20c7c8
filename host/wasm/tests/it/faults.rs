//! Modules at fault: another generation takes over where there is one, or batches are refused for a while.

use std::sync::Arc;
use std::time::Duration;

use host_component::{Consumer, Failure};
use host_wasm::{IfMissing, ProcessorConfig, RollbackConfig};

use crate::poison::{picky, quarantined, records};
use crate::rig::{Rig, label, logs, mine};
use test_adversaries::Guest;

const LOADS: &str = "tidegate_module_loads_total";
const ROLLBACKS: &str = "tidegate_module_rollbacks_total";
const OPEN: &str = "tidegate_module_breaker_open";
/// Traps at each second call of an instance: whatever it fails on, a fresh one processes.
const TIRED: &str = "(i32.store (i32.const 512) (i32.add (i32.load (i32.const 512)) (i32.const 1))) \
    (if (i32.gt_u (i32.load (i32.const 512)) (i32.const 1)) (then unreachable))";
/// Some milliseconds of CPU time.
const SLOW: &str = "(local.set $n (i32.const 20000000)) (loop $again \
    (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $again (local.get $n)))";

/// The label that a batch gets now.
async fn labelled(rig: &Rig, processor: &Arc<dyn Consumer>) -> String {
    processor.consume(logs(&["one"])).await.unwrap();
    label(&rig.sink.take()[0].payload, "cluster.id").unwrap_or_default()
}

/// The second version of a module that has a sound first one.
async fn second(rig: &Rig, guest: &Guest, rollback: RollbackConfig) -> Arc<dyn Consumer> {
    let mut config = ProcessorConfig { rollback, ..mine() };
    config.limits.timeout = Duration::from_secs(5);
    let processor = rig.start_as(&Guest::label("cluster.id", "v1"), config).await;
    rig.install(guest);
    rig.wait_for(LOADS, "loaded", 1).await;
    processor
}

#[tokio::test]
async fn a_module_that_fails_on_everything_is_at_fault_and_its_batches_are_refused_unseen_for_a_while() {
    let rig = quarantined();
    let processor = rig.start(&Guest::idle().in_live_process("unreachable")).await;
    let refusal = async || match processor.consume(records(100, &[])).await {
        Err(Failure::Retryable { reason, after: Some(after) }) => (reason, after),
        other => panic!("{other:?}"),
    };
    let (said, after) = refusal().await;
    assert!(said.contains("at fault") && said.contains("unreachable"), "{said}");
    assert_eq!(after, Duration::from_secs(1));
    let traps = rig.metric("tidegate_processor_traps_total");
    assert!((20..=23).contains(&traps), "{traps}: twice, and 2·log2(100) + 8 times in parts at most");
    assert_eq!(rig.metric(OPEN), 1);
    assert!(refusal().await.0.contains("at fault"));
    assert_eq!(rig.metric("tidegate_processor_traps_total"), traps, "the module does not run");
    let status = rig.sandbox.status().remove(0);
    assert!(status.breaker.as_ref().is_some_and(|breaker| breaker.backoff_seconds == 1.0), "{status:?}");
    assert!(
        host_quarantine::read::<host_quarantine::Poison>(&rig.folder.path().join("quarantine"))
            .unwrap()
            .records
            .is_empty()
    );

    let trips = || rig.metric("tidegate_module_breaker_trips_total");
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while trips() == 1 {
        assert!(std::time::Instant::now() < end, "a batch tries after a second");
        refusal().await;
    }
    let status = rig.sandbox.status().remove(0);
    assert!(status.breaker.is_some_and(|breaker| breaker.backoff_seconds == 2.0), "it is refused for longer");

    rig.install(&Guest::idle());
    rig.wait_for(LOADS, "loaded", 1).await;
    processor.consume(records(100, &[])).await.unwrap();
    assert_eq!(rig.metric(OPEN), 0);
}

#[tokio::test]
async fn a_module_that_recovers_is_let_in_again() {
    let rig = quarantined();
    let processor = rig.start(&picky("v1", "unreachable")).await;
    let all: Vec<usize> = (0..100).collect();
    processor.consume(records(100, &all)).await.unwrap_err();
    assert_eq!(rig.metric(OPEN), 1);
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while processor.consume(records(100, &[])).await.is_err() {
        assert!(std::time::Instant::now() < end, "a batch that it can process is let in");
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.metric(OPEN), 0);
    assert!(rig.sandbox.status()[0].breaker.is_none());
}

#[tokio::test]
async fn more_than_a_few_poison_items_and_more_than_one_of_twenty_are_the_module_s_fault() {
    let rig = quarantined();
    let processor = rig.start(&picky("v1", "unreachable")).await;
    for _ in 0..5 {
        processor.consume(records(1, &[0])).await.unwrap();
    }
    let refused = processor.consume(records(1, &[0])).await.unwrap_err().to_string();
    assert!(refused.contains("at fault"), "{refused}");
    assert_eq!(
        host_quarantine::read::<host_quarantine::Poison>(&rig.folder.path().join("quarantine")).unwrap().records.len(),
        5
    );
}

#[tokio::test]
async fn the_generation_before_takes_over_from_a_module_at_fault_long_after_the_swap() {
    let rig = quarantined();
    let processor = second(&rig, &picky("v2", "unreachable"), RollbackConfig::default()).await;
    for _ in 0..110 {
        assert_eq!(labelled(&rig, &processor).await, "v2");
    }
    let all: Vec<usize> = (0..100).collect();
    processor.consume(records(100, &all)).await.unwrap();
    assert_eq!(label(&rig.sink.take()[0].payload, "cluster.id").as_deref(), Some("v1"));
    assert_eq!(labelled(&rig, &processor).await, "v1");
    assert_eq!(rig.metric_with(ROLLBACKS, "reason=\"at_fault\""), 1);
    assert_eq!(rig.metric_with(LOADS, "rolled_back"), 1);
    assert!(
        host_quarantine::read::<host_quarantine::Poison>(&rig.folder.path().join("quarantine"))
            .unwrap()
            .records
            .is_empty()
    );
}

#[tokio::test]
async fn the_generation_before_is_restored_when_too_many_batches_fail_at_first_though_a_second_try_helps() {
    let rig = Rig::new();
    let processor =
        second(&rig, &Guest::label("cluster.id", "v2").in_live_process(TIRED), RollbackConfig::default()).await;
    let mut labels = Vec::new();
    while labels.last().is_none_or(|label| label == "v2") {
        labels.push(labelled(&rig, &processor).await);
        assert!(labels.len() < 100, "it is given up");
    }
    assert_eq!(labels.len(), 8, "all but the first fail at first, and it is given up with the sixth of them");
    assert_eq!(rig.metric_with(ROLLBACKS, "reason=\"errors\""), 1);
    let status = rig.sandbox.status().remove(0);
    assert!(status.refused_last.is_some_and(|refused| refused.reason.contains("more than 5 % of its batches failed")));
    assert_eq!(labelled(&rig, &processor).await, "v1");
}

#[tokio::test]
async fn the_generation_before_is_restored_when_a_new_one_takes_too_long() {
    let rig = Rig::new();
    let rollback = RollbackConfig { p99: Some(Duration::from_millis(1)), ..RollbackConfig::default() };
    let processor = second(&rig, &Guest::label("cluster.id", "v2").in_live_process(SLOW), rollback).await;
    let mut batches = 0;
    while labelled(&rig, &processor).await == "v2" {
        batches += 1;
        assert!(batches < 50, "each is slow");
    }
    assert_eq!(rig.metric_with(ROLLBACKS, "reason=\"slow\""), 1);
    let status = rig.sandbox.status().remove(0);
    assert!(status.refused_last.is_some_and(|refused| refused.reason.contains("longer than 1ms")));
}

#[tokio::test]
async fn a_generation_that_is_not_watched_stays_though_it_is_slow_and_stumbles() {
    let rig = Rig::new();
    let rollback =
        RollbackConfig { window: Duration::ZERO, p99: Some(Duration::from_nanos(1)), ..RollbackConfig::default() };
    let processor = second(&rig, &Guest::label("cluster.id", "v2").in_live_process(TIRED), rollback).await;
    for _ in 0..30 {
        assert_eq!(labelled(&rig, &processor).await, "v2");
    }
    assert_eq!(rig.metric(ROLLBACKS), 0);
}

#[tokio::test]
async fn a_module_that_is_missing_keeps_the_collector_from_starting_where_nothing_else_is_said() {
    let rig = Rig::new();
    let config = ProcessorConfig { module: "./modules/mine.wasm".to_owned(), ..mine() };
    rig.processor(config);
    let failures = rig.sandbox.ready().await.expect_err("it does not start");
    assert!(failures[0].to_string().contains("no such file"), "{}", failures[0]);
    assert!(rig.sandbox.unready().is_empty());
}

#[tokio::test]
async fn what_a_missing_module_is_to_process_is_refused_or_passed_on_until_it_is_there() {
    for if_missing in [IfMissing::Refuse, IfMissing::Pass] {
        let rig = Rig::new();
        let processor = rig.processor(ProcessorConfig { if_missing: Some(if_missing), ..mine() });
        rig.sandbox.ready().await.unwrap();
        let outcome = processor.consume(logs(&["one", "two"])).await;
        let unready = rig.sandbox.unready();
        if if_missing == IfMissing::Refuse {
            let Err(Failure::Retryable { reason, after: Some(_) }) = outcome else { panic!("{outcome:?}") };
            assert_eq!(reason, "wasm/mine: the module mine is not loaded yet");
            assert_eq!(unready, ["wasm/mine in logs: the module mine is not loaded"]);
            assert!(rig.sink.take().is_empty());
        } else {
            assert_eq!((outcome, unready.len()), (Ok(()), 0));
            assert_eq!(rig.sink.take()[0].payload.items(), 2);
            assert_eq!(rig.metric("tidegate_processor_unprocessed_items_total"), 2);
        }
        rig.install(&Guest::label("cluster.id", "v1"));
        rig.wait_for(LOADS, "loaded", 0).await;
        assert_eq!(labelled(&rig, &processor).await, "v1");
        assert!(rig.sandbox.unready().is_empty());
        // What runs goes on when its file is gone.
        std::fs::remove_file(rig.module()).unwrap();
        rig.wait_for(LOADS, "refused", 1).await;
        assert_eq!(labelled(&rig, &processor).await, "v1");
        assert!(rig.sandbox.unready().is_empty());
    }
}

#[tokio::test]
async fn a_module_that_runs_does_not_make_way_for_none_when_its_pipeline_is_built_anew() {
    let rig = Rig::new();
    let processor = rig.start(&Guest::label("cluster.id", "v1")).await;
    std::fs::remove_file(rig.module()).unwrap();
    rig.processor(ProcessorConfig { if_missing: Some(IfMissing::Pass), ..mine() });
    let failures = rig.sandbox.ready().await.expect_err("what is to take over has nothing to run");
    assert!(failures[0].to_string().contains("no such file"), "{}", failures[0]);
    assert_eq!(labelled(&rig, &processor).await, "v1");
}
