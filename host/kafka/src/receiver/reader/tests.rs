//! The reader with a client that reaches no broker: what it pauses, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use host_component::{BoxFuture, Consumer, Delivery, Outcome, Trigger};
use host_receivers::Budget;
use host_telemetry::Metrics;
use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext as _;
use tokio::time::{advance, timeout};

use super::{Ended, PATIENCE, Reader, WAITING_BYTES, Word};
use crate::client::{Context, Form};
use crate::receiver::receiver::Client;
use crate::receiver::record::Record;
use crate::receiver::tests::{Script, bench, logs, record};

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
    reader.finish(finished).unwrap();
    assert!(!reader.is_paused, "there is room for all again");
    assert!(!reader.partitions[&key].partition.is_paused, "and in the partition that was full");
}

/// Cannot bear anything.
struct Panics;

impl Consumer for Panics {
    fn consume(&self, _: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async { panic!("it cannot bear this") })
    }
}

#[tokio::test]
async fn a_panic_over_a_record_ends_the_reader_so_that_all_is_read_again() {
    let mut reader = reader(Arc::new(Panics), 1 << 20);
    reader.take(record(5, logs(None, 1).contiguous()));
    let (_end, shutdown) = Trigger::new();
    let ended = timeout(Duration::from_secs(60), reader.run(shutdown)).await.unwrap();
    assert!(matches!(ended, Ended::Broken(reason) if reason.contains("not ended well")));
}
