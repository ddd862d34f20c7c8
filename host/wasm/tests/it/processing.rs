//! What a good guest does to a batch, and when it is called at all.

use std::sync::Arc;
use std::time::Duration;

use host_component::{Delivery, Failure, Origin};
use host_otlp::build::Logs;
use host_projection::batch::Level;
use host_projection::script::{Edit, Slice};
use host_wasm::GrantsConfig;

use crate::rig::{Rig, bodies, label, logs, mine};
use test_adversaries::Guest;

#[tokio::test]
async fn passes_the_bytes_on_as_they_came_where_the_guest_edits_nothing() {
    let rig = Rig::new();
    let processor = rig.start(&Guest::idle()).await;
    let delivery = logs(&["one", "two"]);
    let before = delivery.payload.contiguous();
    processor.consume(delivery).await.unwrap();
    let after = rig.sink.take();
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].payload.contiguous(), before);
    assert_eq!(rig.metric("tidegate_processor_calls_total"), 1);
    assert_eq!(rig.metric("tidegate_processor_items_total"), 2);
    assert_eq!(rig.metric("tidegate_processor_cells_total"), 2);
}

#[tokio::test]
async fn applies_the_edits_of_the_guest() {
    let rig = Rig::new();
    let processor = rig.start(&Guest::label("cluster.id", "eu-1")).await;
    processor.consume(logs(&["one"])).await.unwrap();
    let after = rig.sink.take();
    assert_eq!(label(&after[0].payload, "cluster.id").as_deref(), Some("eu-1"));
    assert_eq!(label(&after[0].payload, "service.name").as_deref(), Some("checkout"));
    assert_eq!(rig.metric("tidegate_processor_edits_total"), 1);
    assert!(rig.metric("tidegate_processor_cpu_seconds_total") > 0);
}

#[tokio::test]
async fn what_a_batch_takes_is_counted_by_the_cluster_that_it_comes_from() {
    let rig = Rig::new();
    let processor = rig.start(&Guest::label("label", "x")).await;
    for cluster in ["eu-1", "eu-1", "us-1"] {
        let mut logs = Logs::new();
        logs.resource_logs(|group| {
            group.resource(|resource| {
                resource.attribute("service.name", "checkout");
                resource.attribute("cluster.id", cluster);
            });
            group.scope_logs(|group| group.log_record(|record| record.body("one")));
        });
        processor.consume(Delivery::new(logs.finish())).await.unwrap();
    }
    processor.consume(logs(&["of no cluster"])).await.unwrap();
    for name in ["batches_total", "items_total", "calls_total", "cells_total", "edits_total", "call_seconds_count"] {
        let of = |cluster| rig.metric_with(&format!("tidegate_processor_{name}"), &format!("cluster_id=\"{cluster}\""));
        assert_eq!((of("eu-1"), of("us-1"), of("")), (2, 1, 1), "{name}");
    }
    let work = &rig.sandbox.status()[0].work;
    assert_eq!((work.batches, work.items, work.edits), (4, 4, 4), "the page tells of all of them");
    assert!(work.cpu_seconds > 0.0 && work.p99_microseconds.is_some());
    let _rebuilt = rig.processor(mine());
    rig.sandbox.ready().await.unwrap();
    assert!(rig.sandbox.status().iter().all(|status| status.work.batches == 4), "and of what was before a change");
}

#[tokio::test]
async fn does_not_call_the_guest_where_no_pattern_matches() {
    let rig = Rig::new();
    let mut guest = Guest::default().reads("log.body", &["secret-\\d+"]).writes("log.body");
    let with = guest.slice("***");
    // The self-test has no such text, or the splice would not fit it.
    let guest = guest.edit(Edit::Splice { cell: 0, start: 0, end: 8, with });
    let processor = rig.start(&guest).await;
    processor.consume(logs(&["nothing to see"])).await.unwrap();
    assert_eq!(rig.metric("tidegate_processor_calls_total"), 0);
    assert_eq!(bodies(&rig.sink.take()[0].payload), ["nothing to see"]);
    processor.consume(logs(&["nothing", "secret-1 is out"])).await.unwrap();
    assert_eq!(rig.metric("tidegate_processor_calls_total"), 1);
    assert_eq!(bodies(&rig.sink.take()[0].payload), ["nothing", "*** is out"]);
}

#[tokio::test]
async fn keeps_the_origin_of_a_delivery() {
    let rig = Rig::new();
    let processor = rig.start(&Guest::label("cluster.id", "eu-1")).await;
    let origin = Arc::new(Origin { metadata: vec![("tenant".to_owned(), "a".to_owned())] });
    let delivery = Delivery { origin: Arc::clone(&origin), ..logs(&["one"]) };
    processor.consume(delivery).await.unwrap();
    assert!(Arc::ptr_eq(&rig.sink.take()[0].origin, &origin));
}

#[tokio::test]
async fn sends_each_route_on_its_way() {
    let mut rig = Rig::new();
    rig.routes = vec!["other".to_owned(), "audit".to_owned()];
    let guest = Guest::default().reads("log.body", &[]).routes(&["audit"]);
    let guest = guest.edit(Edit::Route { level: Level::Item, first_row: 1, end_row: 2, route: 0 });
    let processor = rig.start(&guest).await;
    processor.consume(logs(&["one", "two", "three"])).await.unwrap();
    let mut after = rig.sink.take();
    after.sort_by_key(|delivery| delivery.route);
    let routed: Vec<_> = after.iter().map(|delivery| (delivery.route, bodies(&delivery.payload))).collect();
    assert_eq!(routed, [(None, vec!["one".to_owned(), "three".to_owned()]), (Some(1), vec!["two".to_owned()]),]);
}

#[tokio::test]
async fn succeeds_and_sends_nothing_where_the_guest_drops_everything() {
    let rig = Rig::new();
    let guest = Guest::default().reads("log.body", &[]).writes("drop");
    let guest = guest.edit(Edit::Drop { level: Level::Origin, first_row: 0, end_row: 1 });
    let processor = rig.start(&guest).await;
    processor.consume(logs(&["one", "two"])).await.unwrap();
    assert!(rig.sink.take().iter().all(|delivery| delivery.payload.items() == 0));
}

#[tokio::test]
async fn exports_what_a_guest_counts_under_its_own_names() {
    let rig = Rig::new();
    // The name lies in the guest's memory from 8 on: "hits".
    let count =
        "(i32.store (i32.const 8) (i32.const 0x73746968)) (call $count (i32.const 8) (i32.const 4) (i64.const 3))";
    let processor = rig.start(&Guest::idle().in_process(count)).await;
    processor.consume(logs(&["one"])).await.unwrap();
    processor.consume(logs(&["two"])).await.unwrap();
    // Two batches of three; what it counted in the self-test is not among them.
    assert_eq!(rig.metric_with("tidegate_module_counter_total", "name=\"hits\""), 6);
}

#[tokio::test]
async fn a_guest_that_remembers_has_one_instance() {
    let rig = Rig::new();
    // Counts its calls at 16, and adds what it has counted so far to "hits".
    let count = "(i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (i32.const 1))) \
        (i32.store (i32.const 8) (i32.const 0x73746968)) \
        (call $count (i32.const 8) (i32.const 4) (i64.extend_i32_u (i32.load (i32.const 16))))";
    let processor = rig.start(&Guest::idle().remembers().in_process(count)).await;
    let calls = (0..20).map(|_| processor.consume(logs(&["one"])));
    futures_util::future::join_all(calls).await.into_iter().for_each(Result::unwrap);
    // The self-test was the first call, and is not heard.
    assert_eq!(rig.metric_with("tidegate_module_counter_total", "name=\"hits\""), (2..=21).sum::<u64>());
}

#[tokio::test]
async fn runs_one_processor_in_parallel_on_all_threads() {
    let rig = Rig::new();
    let processor = rig.start(&Guest::label("cluster.id", "eu-1")).await;
    let calls = (0..200).map(|_| processor.consume(logs(&["one"])));
    for outcome in futures_util::future::join_all(calls).await {
        outcome.unwrap();
    }
    assert_eq!(rig.sink.take().len(), 200);
    assert_eq!(rig.metric("tidegate_processor_batches_total"), 200);
}

#[tokio::test]
async fn a_full_queue_refuses_with_a_time_to_come_back() {
    let rig = Rig::with(|config| {
        config.limits.threads = Some(1);
        config.limits.queue = 1;
    });
    // While the one thread is at the first, one more fits into the queue.
    let spins = Guest::idle().in_live_process("(loop $forever (br $forever))");
    let processor = rig.start_as(&spins, mine()).await;
    let calls = (0..16).map(|_| processor.consume(logs(&["one"])));
    let outcomes = futures_util::future::join_all(calls).await;
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(Failure::Refused { .. }))).count();
    let failed = outcomes.iter().filter(|outcome| matches!(outcome, Err(Failure::Retryable { .. }))).count();
    assert!(refused > 0, "16 at once do not fit into a queue of 1: {outcomes:?}");
    assert_eq!(refused + failed, 16);
    assert!(rig.sink.take().is_empty());
}

#[tokio::test]
async fn drains_what_is_queued_and_takes_nothing_after() {
    let rig = Rig::new();
    let processor = rig.start(&Guest::label("cluster.id", "eu-1")).await;
    processor.consume(logs(&["one"])).await.unwrap();
    rig.sandbox.drain(Duration::from_secs(60)).await;
    processor.consume(logs(&["two"])).await.unwrap_err();
    assert_eq!(rig.sink.take().len(), 1);
}

#[tokio::test]
async fn a_script_whose_text_range_is_a_slice_of_nothing_is_an_empty_text() {
    let rig = Rig::new();
    let guest = Guest::default().reads("log.body", &["two"]).writes("log.body");
    let guest = guest.edit(Edit::Splice { cell: 0, start: 0, end: 3, with: Slice::default() });
    let processor = rig.start_as(&guest, mine()).await;
    processor.consume(logs(&["two"])).await.unwrap();
    assert_eq!(bodies(&rig.sink.take()[0].payload), [""]);
}

#[tokio::test]
async fn a_bundled_module_brings_its_grants_and_a_stranger_has_none() {
    let rig = Rig::with(|config| config.grants.clear());
    let said = rig.refusal(&Guest::idle().build()).await;
    assert!(said.contains("`log`") && said.contains("not granted"), "{said}");

    let rig = Rig::with(|config| {
        let writes = vec!["log".to_owned(), "counters".to_owned()];
        let grants = GrantsConfig { reads: vec!["log.body".to_owned()], writes, metadata: vec![] };
        config.grants = [("mine".to_owned(), grants)].into();
    });
    rig.start(&Guest::idle()).await;
}

#[tokio::test]
async fn a_module_says_and_counts_only_what_it_was_granted_by_name() {
    for (granted, missing) in [("log", "counters"), ("counters", "log")] {
        let rig = Rig::with(|config| {
            let writes = vec![granted.to_owned()];
            let grants = GrantsConfig { reads: vec!["*".to_owned()], writes, metadata: vec![] };
            config.grants = [("mine".to_owned(), grants)].into();
        });
        let said = rig.refusal(&Guest::idle().build()).await;
        let expected = format!("the plan uses `{missing}`, which is not granted; granted are: `{granted}`");
        assert!(said.contains(&expected), "{said}");
    }
}
