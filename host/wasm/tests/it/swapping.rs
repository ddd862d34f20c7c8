//! Generations: a good one takes over, a bad one does not, and one that fails on live data is given up again.

use std::fs;
use std::sync::Arc;

use host_component::Consumer;
use host_wasm::ProcessorConfig;

use crate::rig::{Rig, label, logs, mine};
use test_adversaries::Guest;

const LOADS: &str = "tidegate_module_loads_total";

/// The label that a batch gets now.
async fn labelled(rig: &Rig, processor: &Arc<dyn Consumer>) -> String {
    processor.consume(logs(&["one"])).await.unwrap();
    label(&rig.sink.take()[0].payload, "cluster.id").unwrap_or_default()
}

fn version(value: &str) -> Guest {
    Guest::label("cluster.id", value)
}

async fn started(rig: &Rig) -> Arc<dyn Consumer> {
    let processor = rig.start(&version("v1")).await;
    assert_eq!(labelled(rig, &processor).await, "v1");
    processor
}

#[tokio::test]
async fn sees_a_module_that_was_renamed_into_place() {
    let rig = Rig::new();
    let processor = started(&rig).await;
    rig.install(&version("v2"));
    rig.wait_for(LOADS, "loaded", 1).await;
    assert_eq!(labelled(&rig, &processor).await, "v2");
    assert_eq!(rig.metric("tidegate_module_generation"), 2);
}

#[tokio::test]
async fn sees_a_module_that_was_written_in_place() {
    let rig = Rig::new();
    let processor = started(&rig).await;
    fs::write(rig.module(), version("v2").build()).unwrap();
    rig.wait_for(LOADS, "loaded", 1).await;
    assert_eq!(labelled(&rig, &processor).await, "v2");
}

#[tokio::test]
async fn keeps_the_last_good_module_when_the_new_one_traps_on_start() {
    let rig = Rig::new();
    let processor = started(&rig).await;
    rig.install(&version("v2").in_configure("unreachable"));
    rig.wait_for(LOADS, "refused", 0).await;
    assert_eq!(labelled(&rig, &processor).await, "v1");
    rig.install(&version("v3"));
    rig.wait_for(LOADS, "loaded", 1).await;
    assert_eq!(labelled(&rig, &processor).await, "v3");
}

#[tokio::test]
async fn keeps_the_last_good_module_when_the_new_one_is_cut_off() {
    let rig = Rig::new();
    let processor = started(&rig).await;
    let whole = version("v2").build();
    fs::write(rig.module(), &whole[..whole.len() - 40]).unwrap();
    rig.wait_for(LOADS, "refused", 0).await;
    assert_eq!(labelled(&rig, &processor).await, "v1");
    fs::write(rig.module(), &whole).unwrap();
    rig.wait_for(LOADS, "loaded", 1).await;
    assert_eq!(labelled(&rig, &processor).await, "v2");
}

#[tokio::test]
async fn keeps_the_last_good_module_when_the_new_one_asks_for_a_route_that_there_is_not() {
    let rig = Rig::new();
    let processor = started(&rig).await;
    rig.install(&version("v2").routes(&["nowhere"]));
    rig.wait_for(LOADS, "refused", 0).await;
    assert_eq!(labelled(&rig, &processor).await, "v1");
}

#[tokio::test]
async fn goes_back_when_the_new_generation_fails_on_data_that_the_old_one_processes() {
    let rig = Rig::new();
    let processor = started(&rig).await;
    rig.install(&version("v2").in_live_process("unreachable"));
    rig.wait_for(LOADS, "loaded", 1).await;
    // The batch that found out is the last generation's, too.
    assert_eq!(labelled(&rig, &processor).await, "v1");
    assert_eq!(rig.metric_with(LOADS, "rolled_back"), 1);
    let traps = rig.metric("tidegate_processor_traps_total");
    assert_eq!(labelled(&rig, &processor).await, "v1");
    assert_eq!(rig.metric("tidegate_processor_traps_total"), traps, "it is not tried again");
}

#[tokio::test]
async fn what_was_taken_back_stays_so_when_the_pipeline_is_built_anew() {
    let rig = Rig::new();
    let processor = started(&rig).await;
    rig.install(&version("v2").in_live_process("unreachable"));
    rig.wait_for(LOADS, "loaded", 1).await;
    assert_eq!(labelled(&rig, &processor).await, "v1");
    let rebuilt = rig.processor(mine());
    rig.sandbox.ready().await.unwrap();
    drop(processor);
    let traps = rig.metric("tidegate_processor_traps_total");
    assert_eq!(labelled(&rig, &rebuilt).await, "v1");
    assert_eq!(rig.metric("tidegate_processor_traps_total"), traps, "it is not tried again");
    let status = rig.sandbox.status();
    assert!(
        status[0].refused_last.as_ref().is_some_and(|refused| refused.reason.contains("rolled back")),
        "{status:?}"
    );

    rig.install(&version("v3"));
    rig.until("what is new is taken", || rig.metric_with(LOADS, "loaded") > 2).await;
    assert_eq!(labelled(&rig, &rebuilt).await, "v3");
}

#[tokio::test]
async fn a_generation_that_is_not_proved_yet_may_be_taken_back_when_the_pipeline_was_built_anew() {
    let rig = Rig::new();
    let processor = started(&rig).await;
    rig.install(&version("v2").in_live_process("unreachable"));
    rig.wait_for(LOADS, "loaded", 1).await;
    let rebuilt = rig.processor(mine());
    rig.sandbox.ready().await.unwrap();
    drop(processor);
    assert_eq!(labelled(&rig, &rebuilt).await, "v1");
    assert_eq!(rig.metric_with(LOADS, "rolled_back"), 1);
}

#[tokio::test]
async fn what_runs_is_told_as_long_as_a_processor_runs_it() {
    let rig = Rig::new();
    let processor = started(&rig).await;
    let infos = || rig.metric("tidegate_module_info");
    let rebuilt = rig.processor(mine());
    rig.sandbox.ready().await.unwrap();
    assert_eq!(infos(), 1, "it is the same");
    drop(processor);
    rig.until("the old one is gone", || rig.sandbox.status().len() == 1).await;
    assert_eq!(infos(), 1, "one of them runs it still");
    rig.install(&version("v2"));
    rig.until("the new one runs", || rig.sandbox.status()[0].previous.is_some()).await;
    rig.until("the new one is told in place of the old one", || infos() == 1).await;
    drop(rebuilt);
    rig.until("nothing is told of what runs nowhere", || infos() == 0).await;
}

#[tokio::test]
async fn a_change_of_the_configuration_file_makes_a_new_generation() {
    let rig = Rig::new();
    let rules = rig.folder.path().join("rules.yaml");
    fs::write(&rules, "rules: [1]\n").unwrap();
    let config = ProcessorConfig { config_file: Some("rules.yaml".into()), ..mine() };
    let processor = rig.start_as(&version("v1"), config).await;
    fs::write(&rules, "rules: [1, 2]\n").unwrap();
    rig.wait_for(LOADS, "loaded", 1).await;
    fs::write(&rules, "rules: [1, 2\n").unwrap();
    rig.wait_for(LOADS, "refused", 0).await;
    assert_eq!(labelled(&rig, &processor).await, "v1");
}

#[tokio::test]
async fn no_batch_has_the_edits_of_two_generations() {
    let rig = Rig::new();
    let processor = started(&rig).await;
    let guests = [version("a"), version("b"), version("b").in_live_process("unreachable"), version("c").refuses("no")];
    let built: Vec<Vec<u8>> = guests.iter().map(Guest::build).collect();
    let mut refused = 0;
    for bytes in built.iter().cycle().take(12) {
        rig.install_bytes(bytes);
        let before = rig.metric_with(LOADS, "");
        while rig.metric_with(LOADS, "") == before {
            for outcome in futures_util::future::join_all((0..4).map(|_| processor.consume(logs(&["one"])))).await {
                refused += u32::from(outcome.is_err());
            }
        }
    }
    assert_eq!(refused, 0, "there is always a generation that can do it");
    for delivery in rig.sink.take() {
        let label = label(&delivery.payload, "cluster.id").expect("nothing passes unprocessed");
        assert!(["v1", "a", "b"].contains(&label.as_str()), "{label}");
        assert_eq!(delivery.payload.items(), 1);
    }
}
