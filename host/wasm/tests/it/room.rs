//! What all instances share: when there is no room for one more, an idle one makes it.

use futures_util::future::join_all;
use host_wasm::{Limits, ProcessorConfig};

use crate::rig::{Rig, logs, mine};
use test_adversaries::Guest;

/// Grows by eight MiB on live data, once.
pub(crate) const EIGHT_MIB: &str = "(if (i32.lt_u (memory.size) (i32.const 100)) (then \
    (if (i32.eq (memory.grow (i32.const 128)) (i32.const -1)) (then unreachable))))";

/// The same module for two processors that do not share their instances.
fn two() -> [ProcessorConfig; 2] {
    let limits = Limits { memory_mib: 63, ..Limits::default() };
    [mine(), ProcessorConfig { limits, ..mine() }]
}

#[tokio::test]
async fn an_idle_instance_makes_room_for_one_that_is_needed() {
    let rig = Rig::with(|config| config.limits.instances = Some(5));
    rig.install(&Guest::label("cluster.id", "eu-1"));
    let processors = two().map(|config| rig.processor(config));
    rig.sandbox.ready().await.unwrap();
    for _ in 0..3 {
        for processor in &processors {
            for outcome in join_all((0..16).map(|_| processor.consume(logs(&["one"])))).await {
                outcome.unwrap();
            }
        }
    }
    assert_eq!(rig.sink.take().len(), 96);
}

#[tokio::test]
async fn idle_memory_makes_room_for_memory_that_is_needed() {
    let rig = Rig::with(|config| {
        config.limits.total_memory_mib = 12;
        config.limits.threads = Some(1);
    });
    rig.install(&Guest::idle().in_live_process(EIGHT_MIB));
    let processors = two().map(|config| rig.processor(config));
    rig.sandbox.ready().await.unwrap();
    for processor in processors.iter().cycle().take(6) {
        processor.consume(logs(&["one"])).await.unwrap();
    }
    assert_eq!(rig.metric("tidegate_processor_traps_total"), 0);
}

#[tokio::test]
async fn a_batch_for_which_there_is_no_memory_is_refused_with_a_time_to_come_back() {
    let rig = Rig::with(|config| config.limits.total_memory_mib = 6);
    let processor = rig.start(&Guest::idle().in_live_process(EIGHT_MIB)).await;
    let failure = processor.consume(logs(&["one"])).await.unwrap_err();
    assert!(matches!(failure, host_component::Failure::Refused { .. }), "{failure:?}");
    assert!(failure.to_string().contains("modules.limits.total_memory_mib"), "{failure}");
}

#[tokio::test]
async fn a_module_for_which_there_is_no_memory_is_refused_and_the_one_before_it_runs_on() {
    let rig = Rig::with(|config| config.limits.total_memory_mib = 6);
    let processor = rig.start(&Guest::idle()).await;
    rig.install(&Guest::idle().in_configure(EIGHT_MIB));
    rig.wait_for("tidegate_module_loads_total", "refused", 0).await;
    processor.consume(logs(&["one"])).await.unwrap();
    // It is tried again by itself, since it was not at fault.
    rig.wait_for("tidegate_module_loads_total", "refused", 1).await;
}
