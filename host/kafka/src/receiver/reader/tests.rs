//! The reader with a client that reaches no broker: what it pauses, and how it ends.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use host_component::Consumer;
use host_receivers::Budget;
use host_telemetry::Metrics;
use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext as _;
use tokio::time::advance;

use super::{PATIENCE, Reader, WAITING_BYTES, Word};
use crate::client::{Context, Form};
use crate::receiver::receiver::Client;
use crate::receiver::record::Record;
use crate::receiver::tests::{Script, bench, record};

fn reader(consumer: Arc<dyn Consumer>, limit: usize) -> Reader<'static> {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", "127.0.0.1:1").set("group.id", "tests");
    let client = Client::from_config_and_context(&settings, Context::new("kafka".to_owned())).unwrap();
    let bench = bench("{}", consumer, &Metrics::new());
    Reader::new("kafka", Arc::new(client), bench, Budget::new(limit), 1)
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_was_full_is_read_again_when_there_is_room_for_all() {
    let large = record(0, vec![0xff; WAITING_BYTES].into());
    let key = (Arc::clone(&large.topic), large.partition);
    let limit = 2 * large.room(Form::Proto);
    let mut reader = reader(Arc::new(Script::default()), limit);
    let generation = reader.held(key.0.clone(), key.1).partition.generation;
    let failing = |is_failing| Word { place: (key.0.clone(), key.1, generation), is_failing };
    // Nothing is begun while one fails, so that the partition fills up.
    reader.hear(&failing(true));
    reader.take(large);
    assert!(reader.partitions[&key].partition.is_paused, "it is full");
    // Another partition finds no room at all.
    let other = Record { partition: 3, ..record(0, Bytes::from_static(b"\xff")) };
    reader.take(other);
    advance(PATIENCE).await;
    reader.let_in();
    assert!(reader.is_paused && reader.outside.len() == 1, "all are paused");
    // The first one is worked off meanwhile.
    reader.hear(&failing(false));
    let finished = reader.running.next().await.unwrap();
    reader.finish(finished);
    assert!(!reader.is_paused, "there is room for all again");
    assert!(!reader.partitions[&key].partition.is_paused, "and in the partition that was full");
}
