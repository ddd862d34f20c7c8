//! `producer:`, how records are written, in the client's own terms.

use std::time::Duration;

use host_config::Wrong;
use host_config::time::duration;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::client::millis;

/// The section as written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Producer {
    /// The largest record, before it is compressed; what is larger is sent in pieces.
    pub max_message_bytes: usize,
    /// Taken for the Collector's sake: a request has what `flush_max_messages` records take.
    pub max_broker_write_bytes: usize,
    /// `all` of the replicas that are in step, or the leader alone: 1.
    pub required_acks: Acks,
    /// Whether what the client sends again by itself is written once; for `required_acks: all`.
    pub enable_idempotence: Option<bool>,
    pub compression: Compression,
    pub compression_params: CompressionParams,
    /// Records in one request at most.
    pub flush_max_messages: u32,
    pub allow_auto_topic_creation: bool,
    /// How long a record waits for others that go along with it.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub linger: Duration,
}

impl Default for Producer {
    fn default() -> Self {
        Producer {
            max_message_bytes: 1_000_000,
            max_broker_write_bytes: 100 << 20,
            required_acks: Acks::Word(AcksWord::All),
            enable_idempotence: None,
            compression: Compression::None,
            compression_params: CompressionParams::default(),
            flush_max_messages: 10_000,
            allow_auto_topic_creation: true,
            linger: Duration::from_millis(10),
        }
    }
}

/// Who has to have a record before it counts as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Acks {
    Number(i64),
    Word(AcksWord),
}

/// `all`, which is -1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AcksWord {
    All,
}

impl Acks {
    fn is_all(self) -> bool {
        matches!(self, Acks::Word(AcksWord::All) | Acks::Number(-1))
    }
}

/// How records are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// How hard to compress.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CompressionParams {
    /// 0 and -1 are the usual level.
    pub level: i32,
}

impl Default for CompressionParams {
    fn default() -> Self {
        CompressionParams { level: -1 }
    }
}

impl Compression {
    fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        }
    }

    /// The highest level; none where there are no levels.
    fn highest(self) -> Option<i32> {
        match self {
            Compression::None | Compression::Snappy => None,
            Compression::Gzip => Some(9),
            Compression::Lz4 | Compression::Zstd => Some(12),
        }
    }
}

/// What the client may hold of records that are not acknowledged yet, in KiB, besides one that is as large as it may be.
const QUEUE_KIB: usize = 64 << 10;

impl Producer {
    pub(crate) fn wrongs(&self) -> Vec<Wrong> {
        let level = self.compression_params.level;
        let levels = self.compression.highest();
        let mut wrongs = Wrong::among([
            (
                "producer.max_message_bytes",
                !(1000..=1_000_000_000).contains(&self.max_message_bytes),
                "it has to lie between 1000 and 1000000000",
            ),
            (
                "producer.required_acks",
                self.required_acks == Acks::Number(0),
                "an acknowledgement is a promise here, and without one of the broker there is none: write 1 or all",
            ),
            (
                "producer.required_acks",
                matches!(self.required_acks, Acks::Number(other) if !(-1..=1).contains(&other)),
                "it is all, which is -1, or 1",
            ),
            (
                "producer.enable_idempotence",
                self.enable_idempotence == Some(true) && !self.required_acks.is_all(),
                "it needs `required_acks: all`",
            ),
            (
                "producer.flush_max_messages",
                !(1..=1_000_000).contains(&self.flush_max_messages),
                "it has to lie between 1 and 1000000",
            ),
            (
                "producer.linger",
                self.linger > Duration::from_secs(900),
                "it is how long a record waits for others, 15m at most",
            ),
        ]);
        if !matches!(level, -1 | 0) && levels.is_none_or(|highest| !(1..=highest).contains(&level)) {
            let name = self.compression.name();
            let message = match levels {
                None => format!("{name} has no levels: take it out"),
                Some(highest) => format!("{name} has levels from 1 to {highest} here"),
            };
            wrongs.push(Wrong::new("producer.compression_params.level", message));
        }
        wrongs
    }

    /// Tells the client, of which one attempt to write takes `timeout` at most.
    pub(crate) fn apply(&self, settings: &mut rdkafka::ClientConfig, timeout: Duration) {
        let is_idempotent = self.required_acks.is_all() && self.enable_idempotence != Some(false);
        let level = if self.compression.highest().is_some() { self.compression_params.level } else { -1 };
        let level = if level == 0 { -1 } else { level };
        let queue = QUEUE_KIB.max(2 * self.max_message_bytes.div_ceil(1024));
        settings
            .set("acks", if self.required_acks.is_all() { "all" } else { "1" })
            .set("enable.idempotence", is_idempotent.to_string())
            .set("message.max.bytes", self.max_message_bytes.to_string())
            .set("batch.size", self.max_message_bytes.to_string())
            .set("batch.num.messages", self.flush_max_messages.to_string())
            .set("compression.type", self.compression.name())
            .set("compression.level", level.to_string())
            .set("allow.auto.create.topics", self.allow_auto_topic_creation.to_string())
            .set("queue.buffering.max.ms", millis(self.linger))
            .set("queue.buffering.max.kbytes", queue.to_string())
            .set("message.timeout.ms", millis(timeout))
            .set("request.timeout.ms", millis(timeout.min(Duration::from_secs(900))));
    }
}
