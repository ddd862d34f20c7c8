//! What a module was not granted is nowhere in its memory.

use crate::harness::memory::GuestMemories;
use crate::harness::telemetry::{attribute, logs, record, text};
use crate::harness::{Client, Collector};

/// One guest, so that all memories that are found are its own.
const ONE_GUEST: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
processors:
  wasm/guest: { module: '${env:MODULE}', config: '${env:CONFIG}', limits: { timeout: 5s } }
exporters:
  file: { path: out.jsonl }
modules: { cache: '${env:CACHE}', grants: '${env:GRANTS}' }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], processors: [wasm/guest], exporters: [file] }
";

const BODY: &str = "the body that is nobody's business, 0fe3b1";
const ATTRIBUTE: &str = "an attribute that is nobody's business either, 77ac02";
const NAME: &str = "ada@example.com";
/// How much of a text's start a guest's allocator may give to something else once the text is freed.
const LEAD: usize = 2000;

/// The memories of the guest after it has processed a record with all of these texts.
async fn memories(module: &str, config: &str, grants: &str) -> GuestMemories {
    let setup = Collector::from_yaml(ONE_GUEST).env("MODULE", &module).env("CONFIG", &config).env("GRANTS", &grants);
    let collector = setup.start().await;
    let client = Client::connect(collector.grpc()).await;
    let lead = "_".repeat(LEAD);
    for id in ["one", "two", "three"] {
        let mut record = record(id, 9, &format!("{lead}{BODY} {NAME}"));
        record.attributes.push(attribute("user", text(&format!("{lead}{ATTRIBUTE} {NAME}"))));
        client.logs(logs(vec![record])).await.unwrap();
    }
    assert_eq!(collector.metrics().await.sum("tidegate_processor_calls_total", &[]), 3.0, "the guest saw each batch");
    assert!(collector.read("out.jsonl").contains(BODY), "and the collector had it all");
    GuestMemories::of(collector.id())
}

#[tokio::test]
async fn a_labeler_has_no_log_body_and_no_attribute_in_its_memory() {
    let memories = memories("cluster-labels", "{ attributes: { cluster.id: eu-1-of-the-search } }", "{}").await;
    assert!(memories.having("eu-1-of-the-search") > 0, "these are the memories of the labeler");
    for secret in [BODY, ATTRIBUTE, NAME] {
        assert_eq!(memories.having(secret), 0, "{secret}");
    }
}

#[tokio::test]
async fn the_search_finds_what_a_module_does_see() {
    let memories = memories("pii-scrub", "{ detectors: [email], fields: [log.body] }", "{}").await;
    assert!(memories.having(BODY) > 0, "a scrubber of bodies sees a body with a finding");
    assert_eq!(memories.having(ATTRIBUTE), 0, "and nothing of what it did not ask for");
}

#[tokio::test]
async fn a_labeler_that_asks_for_bodies_is_not_loaded() {
    // The same bundled name, granted resource attributes only, and another module's wishes.
    let grants =
        "{ pii-scrub: { reads: ['resource.attributes[**]'], writes: ['resource.attributes[**]', log, counters] } }";
    let config = "{ detectors: [email], fields: [resource.attributes, log.body] }";
    let setup =
        Collector::from_yaml(ONE_GUEST).env("MODULE", &"pii-scrub").env("CONFIG", &config).env("GRANTS", &grants);
    let (status, log) = setup.fails().await;
    assert!(!status.success());
    assert!(log.contains("log.body[**]") && log.contains("not granted"), "{log}");
}
