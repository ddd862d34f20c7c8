//! Guests that pass their self-test and then break each of their limits on live data.

use std::time::Duration;

use host_component::Failure;
use host_projection::script::{Edit, Slice, Value};
use host_wasm::{FailurePolicy, GrantsConfig, Limits, ProcessorConfig};

use crate::rig::{Rig, bodies, logs, mine};
use test_adversaries::Guest;

const SPIN: &str = "(loop $forever (br $forever))";
const GROW: &str = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
/// Eight MiB of text, from wherever.
const FLOOD: &str = "(drop (memory.grow (i32.const 200))) (i32.store offset=12 (global.get $script) (i32.const 0)) \
    (i32.store offset=16 (global.get $script) (i32.const 8388608))";

/// Runs a batch through the guest, which must fail it, and tells why.
async fn fails(rig: &Rig, guest: &Guest, config: ProcessorConfig) -> String {
    let processor = rig.start_as(guest, config).await;
    let failure = processor.consume(logs(&["one", "two"])).await.expect_err("the guest fails");
    assert!(matches!(failure, Failure::Retryable { .. }), "{failure:?}");
    assert!(rig.sink.take().is_empty(), "nothing passes a closed processor unprocessed");
    assert_eq!(rig.metric("tidegate_processor_refused_items_total"), 2);
    failure.to_string()
}

#[tokio::test]
async fn a_trap_fails_the_batch_after_a_second_try_and_one_of_each_item() {
    let rig = Rig::new();
    let said = fails(&rig, &Guest::idle().in_live_process("unreachable"), mine()).await;
    assert!(said.contains("wasm/mine") && said.contains("unreachable"), "{said}");
    assert_eq!(rig.metric("tidegate_processor_traps_total"), 4);
}

#[tokio::test]
async fn a_guest_that_spins_is_ended_when_its_time_is_spent() {
    let rig = Rig::new();
    let limits = Limits { timeout: Duration::from_millis(30), ..Limits::default() };
    let said = fails(&rig, &Guest::idle().in_live_process(SPIN), ProcessorConfig { limits, ..mine() }).await;
    assert!(said.contains("longer than 30ms"), "{said}");
    // Twice the whole, and each of the two items twice: the time that it took may have been the machine's.
    assert_eq!(rig.metric("tidegate_processor_overruns_total"), 6);
}

#[tokio::test]
async fn a_guest_that_hogs_memory_is_refused_more() {
    let rig = Rig::new();
    let said = fails(&rig, &Guest::idle().in_live_process(GROW), mine()).await;
    assert!(said.contains("more memory than its limit of 64 MiB"), "{said}");
}

#[tokio::test]
async fn a_guest_that_floods_its_output_is_cut_off() {
    let rig = Rig::new();
    let said = fails(&rig, &Guest::idle().in_live_process(FLOOD), mine()).await;
    assert!(said.contains("more than its limit of 4 MiB"), "{said}");
}

#[tokio::test]
async fn a_guest_that_floods_the_log_is_heard_a_hundred_times_a_second() {
    let rig = Rig::new();
    let flood = "(loop $again (call $log (i32.const 1) (i32.const 1024) (i32.const 8)) \
        (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $again (i32.lt_u (local.get $n) (i32.const 1000))))";
    let processor = rig.start(&Guest::idle().in_live_process(flood)).await;
    processor.consume(logs(&["one"])).await.unwrap();
    assert!(rig.metric("tidegate_module_log_lines_dropped_total") >= 500);
}

#[tokio::test]
async fn text_that_is_no_text_and_places_that_are_none_are_traps() {
    for call in [
        "(call $log (i32.const 1) (i32.const -8) (i32.const 64))",
        "(call $log (i32.const 99) (i32.const 0) (i32.const 1))",
    ] {
        let rig = Rig::new();
        fails(&rig, &Guest::idle().in_live_process(call), mine()).await;
    }
}

#[tokio::test]
async fn an_answer_that_lies_nowhere_is_a_trap() {
    let rig = Rig::new();
    let nowhere = "(i32.store offset=4 (global.get $script) (i32.const -64)) (i32.store offset=8 (global.get $script) (i32.const 2))";
    fails(&rig, &Guest::idle().in_live_process(nowhere), mine()).await;
}

/// Two records, and so no third.
fn live_only(guest: Guest, edits: u32) -> Guest {
    // The self-test sees no edits: their number is written on live data only.
    guest
        .in_process("(i32.store offset=8 (global.get $script) (i32.const 0))")
        .in_live_process(&format!("(i32.store offset=8 (global.get $script) (i32.const {edits}))"))
}

#[tokio::test]
async fn an_edit_outside_its_batch_fails_the_batch() {
    let rig = Rig::new();
    let guest = Guest::default().reads("log.body", &[]).writes("log.body").edit(Edit::Remove { cell: 2 });
    let said = fails(&rig, &live_only(guest, 1), mine()).await;
    assert!(said.contains("edit 0"), "{said}");
    assert_eq!(rig.metric("tidegate_processor_rejected_scripts_total"), 4);
}

#[tokio::test]
async fn an_edit_outside_its_grant_fails_the_batch() {
    let rig = Rig::with(|config| {
        let writes = ["log.body", "log", "counters"].map(str::to_owned).to_vec();
        let grants = GrantsConfig { reads: vec!["*".to_owned()], writes, metadata: vec![] };
        config.grants = [("mine".to_owned(), grants)].into();
    });
    let guest = Guest::default().reads("log.body", &[]).reads("resource.attributes[*]", &[]).writes("log.body");
    // Cell 2 is the resource's attribute, which the plan reads and does not write.
    let guest = guest.edit(Edit::Replace { cell: 2, value: Value::Signed(1) });
    let said = fails(&rig, &live_only(guest, 1), mine()).await;
    assert!(said.contains("edit 0"), "{said}");
}

#[tokio::test]
async fn two_edits_of_one_place_fail_the_batch() {
    let rig = Rig::new();
    let mut guest = Guest::default().reads("log.body", &[]).writes("log.body");
    let with: Slice = guest.slice("x");
    let guest = guest.edit(Edit::Splice { cell: 0, start: 0, end: 2, with });
    let guest = guest.edit(Edit::Splice { cell: 0, start: 1, end: 3, with });
    fails(&rig, &live_only(guest, 2), mine()).await;
}

#[tokio::test]
async fn an_open_processor_passes_the_batch_on_and_counts_it() {
    let rig = Rig::new();
    let config = ProcessorConfig { failure_policy: FailurePolicy::Open, ..mine() };
    let processor = rig.start_as(&Guest::idle().in_live_process("unreachable"), config).await;
    processor.consume(logs(&["one", "two"])).await.unwrap();
    assert_eq!(bodies(&rig.sink.take()[0].payload), ["one", "two"]);
    assert_eq!(rig.metric("tidegate_processor_unprocessed_items_total"), 2);
}

#[tokio::test]
async fn an_instance_is_not_used_again_after_a_trap() {
    let rig = Rig::new();
    // Traps once a memory: the word at 16 tells that it has run before.
    let once = "(if (i32.load (i32.const 16)) (then unreachable)) (i32.store (i32.const 16) (i32.const 1))";
    let processor = rig.start(&Guest::idle().in_live_process(once)).await;
    for _ in 0..4 {
        // The second try is on a memory that has not run before.
        processor.consume(logs(&["one"])).await.unwrap();
    }
    assert!(rig.metric("tidegate_processor_traps_total") > 0);
    assert_eq!(rig.metric("tidegate_processor_refused_items_total"), 0);
}

#[tokio::test]
async fn the_queue_of_one_processor_survives_the_spinning_of_another() {
    let rig = Rig::new();
    rig.install(&Guest::label("cluster.id", "eu-1"));
    std::fs::write(rig.folder.path().join("mine.wasm"), Guest::idle().in_live_process(SPIN).build()).unwrap();
    let good = rig.processor(mine());
    let spinning = rig.processor(ProcessorConfig { module: "./mine.wasm".to_owned(), ..mine() });
    rig.sandbox.ready().await.unwrap();
    let spins = futures_util::future::join_all((0..8).map(|_| spinning.consume(logs(&["x"]))));
    let works = futures_util::future::join_all((0..8).map(|_| good.consume(logs(&["y"]))));
    let (spins, works) = tokio::join!(spins, works);
    assert!(spins.iter().all(Result::is_err));
    assert!(works.iter().all(Result::is_ok));
}
