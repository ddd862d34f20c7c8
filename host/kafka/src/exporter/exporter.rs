//! What makes records of a delivery and writes each.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use host_component::{ComponentId, Delivery, Failure, Origin, Payload, Signal};
use host_config::Wrong;
use host_exporters::sending::{Backend, Denial, Part, Rejected, Requests, Taken, TooLarge};

use super::config::{Config, is_topic};
use super::group::{By, Grouping, groups};
use super::producer::Client;
use super::record::{Record, fitting, headers, value};
use crate::client::Form;

/// Records of one delivery that are under way at a time.
const PARALLEL: usize = 64;
/// Topics that data may name; the client keeps something of each.
const TOPICS: usize = 1000;

/// The exporter, without what is common to all.
pub(crate) struct Kafka {
    config: Config,
    client: Client,
    lanes: [Lane; 3],
    /// The topics that data has named.
    named: Mutex<HashSet<Arc<str>>>,
}

/// How records of one signal are made.
struct Lane {
    topic: Arc<str>,
    form: Form,
    grouping: Grouping,
    /// In lower case, as metadata has it; empty where there is none.
    topic_key: String,
    message_key: String,
}

impl Lane {
    fn new(signal: Signal, config: &Config) -> Result<Self, Wrong> {
        let of = config.of(signal);
        let attribute = &config.partition_by_resource_attribute;
        let by_attributes = match signal {
            Signal::Logs => config.partition_logs_by_resource_attributes,
            Signal::Metrics => config.partition_metrics_by_resource_attributes,
            Signal::Traces => false,
        };
        let by_trace = match signal {
            Signal::Logs => config.partition_logs_by_trace_id,
            Signal::Traces => config.partition_traces_by_id,
            Signal::Metrics => false,
        };
        let by = match (by_trace, by_attributes, attribute.is_empty()) {
            (true, ..) => By::Trace,
            (false, true, _) => By::Attributes,
            (false, false, false) => By::Attribute(attribute.clone()),
            (false, false, true) => By::Nothing,
        };
        Ok(Lane {
            topic: of.topic(signal).into(),
            form: of.encoding.form(&format!("{signal}.encoding"))?,
            grouping: Grouping { by, topic: Some(config.topic_from_attribute.clone()).filter(|name| !name.is_empty()) },
            topic_key: of.topic_from_metadata_key.to_ascii_lowercase(),
            message_key: of.message_key_from_metadata_key.to_ascii_lowercase(),
        })
    }
}

impl Kafka {
    pub(crate) fn new(_id: &ComponentId, client: Client, config: Config) -> Result<Self, Wrong> {
        let [logs, traces, metrics] = Signal::ALL.map(|signal| Lane::new(signal, &config));
        Ok(Kafka { lanes: [logs?, traces?, metrics?], client, config, named: Mutex::default() })
    }

    /// The topic that data names, or why it cannot be written there.
    fn topic(&self, name: &str) -> Result<Arc<str>, &'static str> {
        if !is_topic(name) {
            return Err("topic_name");
        }
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = named.get(name) {
            return Ok(Arc::clone(known));
        }
        if named.len() >= TOPICS {
            return Err("too_many_topics");
        }
        let topic: Arc<str> = name.into();
        named.insert(Arc::clone(&topic));
        Ok(topic)
    }
}

fn first<'a>(origin: &'a Origin, key: &'a str) -> Option<&'a str> {
    origin.values(key).find(|value| !value.is_empty() && !key.is_empty())
}

fn part(record: Record) -> Part<Record> {
    Part { items: record.payload.items(), request: record }
}

impl Backend for Kafka {
    type Request = Record;

    fn parallelism(&self) -> usize {
        PARALLEL
    }

    async fn requests(&self, delivery: &Delivery) -> Result<Requests<Record>, Failure> {
        let Delivery { payload, origin, .. } = delivery;
        let signal = payload.signal();
        let lane = &self.lanes[signal as usize];
        let headers = headers(&self.config, signal, origin);
        let (topic_said, key_said) = (first(origin, &lane.topic_key), first(origin, &lane.message_key));
        let groups = groups(payload, &lane.grouping).map_err(|error| Failure::permanent(error.to_string()))?;
        let mut requests = Requests { parts: Vec::new(), left_out: Vec::new() };
        for group in groups {
            let topic = match topic_said.or(group.topic.as_deref()) {
                None => Arc::clone(&lane.topic),
                Some(name) => match self.topic(name) {
                    Ok(topic) => topic,
                    Err(reason) => {
                        requests.left_out.push(Rejected { items: group.payload.items(), reason });
                        continue;
                    }
                },
            };
            let key = key_said.map(|key| Bytes::copy_from_slice(key.as_bytes())).or(group.key);
            let value = value(&group.payload, lane.form);
            let headers = Arc::clone(&headers);
            let record = Record { topic, key, value, headers, payload: group.payload, form: lane.form };
            let fitting = fitting(record, self.config.producer.max_message_bytes);
            requests.parts.extend(fitting.into_iter().map(part));
        }
        Ok(requests)
    }

    async fn call(&self, record: &Record, _: &Origin) -> Result<Taken, Denial> {
        self.client.write(record, self.config.timeout).await.map(|()| Taken::default())
    }

    fn cut(&self, record: &Record, _: &TooLarge) -> Option<Vec<Part<Record>>> {
        let pieces: Vec<Payload> = match record.payload.items() {
            0 | 1 => return None,
            items => record.payload.clone().split(items.div_ceil(2), usize::MAX),
        };
        (pieces.len() > 1).then(|| pieces.into_iter().map(|piece| part(record.with(piece))).collect())
    }

    async fn drain(&self) {
        self.client.flush().await;
    }
}
