//! Items that a module fails on alone: they are found, put into the quarantine, and the rest goes on.

use std::fs;
use std::sync::Arc;

use host_component::{Consumer, Delivery, Failure};
use host_quarantine::Record;
use host_wasm::ProcessorConfig;

use crate::rig::{Rig, bodies, label, logs, mine};
use test_adversaries::Guest;

const POISON: &str = "poison";

/// Sets a label, and fails on batches with a body that says so.
pub(crate) fn picky(value: &str, instructions: &str) -> Guest {
    // A column for the services, and one for the bodies in which the pattern is found.
    let guest = Guest::label("cluster.id", value).reads("log.body", &[POISON]);
    guest.in_live_process(&format!("(if (i32.gt_u (local.get $columns-len) (i32.const 1)) (then {instructions}))"))
}

/// So many records, with poison at these places.
pub(crate) fn records(count: usize, poison: &[usize]) -> Delivery {
    let bodies: Vec<String> =
        (0..count).map(|n| if poison.contains(&n) { format!("{POISON} {n}") } else { format!("good {n}") }).collect();
    logs(&bodies.iter().map(String::as_str).collect::<Vec<_>>())
}

pub(crate) fn quarantined() -> Rig {
    Rig::with(|config| config.quarantine.path = Some("quarantine".into()))
}

fn held(rig: &Rig) -> Vec<Record> {
    let contents = host_quarantine::read::<host_quarantine::Poison>(&rig.folder.path().join("quarantine")).unwrap();
    assert_eq!((contents.damaged_bytes, contents.unreadable), (0, 0));
    contents.records
}

fn held_bodies(rig: &Rig) -> Vec<String> {
    let payloads = held(rig).into_iter().map(|record| {
        host_otlp::check(record.content.signal, record.content.payload, &host_otlp::Limits::default()).unwrap()
    });
    payloads.flat_map(|payload| bodies(&payload)).collect()
}

async fn refusal(processor: &Arc<dyn Consumer>, delivery: Delivery) -> String {
    match processor.consume(delivery).await.expect_err("it is refused") {
        Failure::Retryable { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn poison_goes_into_the_quarantine_and_the_rest_goes_on_in_order_and_processed() {
    let rig = quarantined();
    let processor = rig.start(&picky("v1", "unreachable")).await;
    processor.consume(records(64, &[5, 41])).await.unwrap();
    let out = rig.sink.take();
    assert_eq!(out.len(), 1, "what passed in parts is one again");
    let good: Vec<String> = (0..64).filter(|n| ![5, 41].contains(n)).map(|n| format!("good {n}")).collect();
    assert_eq!(bodies(&out[0].payload), good);
    assert_eq!(label(&out[0].payload, "cluster.id").as_deref(), Some("v1"));

    assert_eq!(held_bodies(&rig), ["poison 5", "poison 41"]);
    let poison = held(&rig).remove(0).content;
    assert_eq!((poison.pipeline.as_str(), poison.processor.as_str(), poison.items), ("logs", "wasm/mine", 1));
    assert!(poison.module == "mine" && poison.digest.len() == 64, "{poison:?}");
    assert!(poison.reason.contains("unreachable"), "{poison:?}");
    assert!(poison.context.now > 0 && poison.time >= poison.context.now, "{poison:?}");
    assert_eq!(rig.metric("tidegate_quarantine_items_total"), 2);
    assert_eq!(rig.metric("tidegate_processor_poison_items_total"), 2);
    assert_eq!(rig.metric("tidegate_processor_refused_items_total"), 0);
    assert!(rig.metrics.render().contains("tidegate_quarantine_records 2"));
}

#[tokio::test]
async fn without_a_quarantine_a_batch_with_poison_is_refused_as_a_whole_and_nothing_of_it_is_sent() {
    let rig = Rig::new();
    let processor = rig.start(&picky("v1", "unreachable")).await;
    let said = refusal(&processor, records(64, &[5])).await;
    assert!(said.contains("1 of 64 items") && said.contains("modules.quarantine.path"), "{said}");
    assert!(rig.sink.take().is_empty());
    assert_eq!(rig.metric("tidegate_processor_refused_items_total"), 64);
    processor.consume(records(64, &[])).await.unwrap();
}

#[tokio::test]
async fn a_full_quarantine_refuses_and_what_it_holds_stays() {
    let rig = Rig::with(|config| {
        config.quarantine.path = Some("quarantine".into());
        config.quarantine.max_records = 2;
    });
    let processor = rig.start(&picky("v1", "unreachable")).await;
    processor.consume(records(64, &[5])).await.unwrap();
    rig.sink.take();
    let said = refusal(&processor, records(64, &[6, 7])).await;
    assert!(said.contains("the quarantine is full: 1 records"), "{said}");
    assert!(rig.sink.take().is_empty(), "nothing is sent of what is refused");
    assert_eq!(held_bodies(&rig), ["poison 5"]);
    assert_eq!(rig.metric("tidegate_quarantine_refused_items_total"), 2);
}

#[tokio::test]
async fn a_quarantine_that_can_no_longer_be_written_refuses() {
    let rig = quarantined();
    let processor = rig.start(&picky("v1", "unreachable")).await;
    let file = rig.folder.path().join("quarantine").join(host_quarantine::FILE);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let said = refusal(&processor, records(64, &[5])).await;
    assert!(said.contains("the quarantine cannot be written"), "{said}");
    assert!(rig.sink.take().is_empty());
    fs::remove_dir(&file).unwrap();
    processor.consume(records(64, &[5])).await.unwrap();
    assert_eq!(held_bodies(&rig), ["poison 5"]);
}

#[tokio::test]
async fn an_item_on_which_the_module_spins_is_poison_when_it_spins_twice() {
    let rig = quarantined();
    let spins = picky("v1", "(loop $forever (br $forever))");
    let mut config = mine();
    config.limits.timeout = std::time::Duration::from_millis(20);
    let processor = rig.start_as(&spins, config).await;
    processor.consume(records(8, &[3])).await.unwrap();
    assert_eq!(held_bodies(&rig), ["poison 3"]);
    assert_eq!(bodies(&rig.sink.take()[0].payload).len(), 7);
}

#[tokio::test]
async fn a_batch_of_a_module_that_remembers_is_not_tried_in_parts() {
    let rig = quarantined();
    let processor = rig.start(&picky("v1", "unreachable").remembers()).await;
    processor.consume(records(400, &[])).await.unwrap();
    let said = refusal(&processor, records(8, &[3])).await;
    assert!(said.contains("unreachable"), "{said}");
    assert_eq!(rig.metric("tidegate_processor_bisections_total"), 0);
    assert_eq!(rig.metric("tidegate_processor_traps_total"), 2);
    processor.consume(records(1, &[0])).await.unwrap();
    assert_eq!(held_bodies(&rig), ["poison 0"], "one item is no part");
}

#[tokio::test]
async fn an_open_policy_lets_a_batch_with_poison_pass_as_it_was() {
    let rig = quarantined();
    let config = ProcessorConfig { failure_policy: host_wasm::FailurePolicy::Open, ..mine() };
    let processor = rig.start_as(&picky("v1", "unreachable"), config).await;
    processor.consume(records(8, &[3])).await.unwrap();
    assert_eq!(bodies(&rig.sink.take()[0].payload).len(), 8);
    assert!(held(&rig).is_empty());
}
