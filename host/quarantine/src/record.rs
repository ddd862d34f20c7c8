//! A record is one piece of a batch that no module could process, with all that is needed to do the same again: who was to
//! process it, what it was told besides, and the data as encoded OTLP.
//!
//! It is written as a line of JSON and the payload behind it, so that whoever has neither this program nor its source can
//! read it still.

use bytes::{BufMut, Bytes};
use host_otlp::Signal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of an id: as many as make two of the same unlikely, and no more than a person likes to type.
const ID_BYTES: usize = 6;

/// What a module was told besides the data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Nanoseconds since the Unix epoch.
    pub now: u64,
    pub seed: u64,
    pub cluster: Option<String>,
    /// The request metadata that it was granted, such as headers.
    pub metadata: Vec<(String, String)>,
}

/// What is put into the quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poison {
    /// Nanoseconds since the Unix epoch.
    pub time: u64,
    pub pipeline: String,
    pub processor: String,
    pub module: String,
    /// Of the module.
    pub digest: String,
    #[serde(with = "by_name")]
    pub signal: Signal,
    /// What the module failed with.
    pub reason: String,
    pub items: u64,
    pub context: Context,
    /// One OTLP export request, encoded.
    #[serde(skip)]
    pub payload: Bytes,
}

/// What lies in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub id: String,
    pub poison: Poison,
}

#[derive(Serialize)]
struct HeadRef<'a> {
    id: &'a str,
    #[serde(flatten)]
    poison: &'a Poison,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    #[serde(flatten)]
    poison: Poison,
}

impl Record {
    /// Gives it an id of its own: `salt` tells apart what is alike in everything else.
    pub(crate) fn new(poison: Poison, salt: u64) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(salt.to_le_bytes());
        hasher.update(poison.time.to_le_bytes());
        hasher.update(&poison.payload);
        let id = hasher.finalize().iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect();
        Record { id, poison }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let head = HeadRef { id: &self.id, poison: &self.poison };
        let mut body = serde_json::to_vec(&head).expect("a record is plain data");
        body.reserve(1 + self.poison.payload.len());
        body.put_u8(b'\n');
        body.put_slice(&self.poison.payload);
        body
    }

    /// None where the bytes are no record that this version can read.
    pub(crate) fn decode(body: &Bytes) -> Option<Self> {
        // JSON has no line break unless somebody puts it there.
        let end = memchr::memchr(b'\n', body)?;
        let Head { id, mut poison } = serde_json::from_slice(&body[..end]).ok()?;
        poison.payload = body.slice(end + 1..);
        Some(Record { id, poison })
    }
}

mod by_name {
    use host_otlp::Signal;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(signal: &Signal, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(signal.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Signal, D::Error> {
        let name = String::deserialize(from)?;
        let found = Signal::ALL.into_iter().find(|signal| signal.name() == name);
        found.ok_or_else(|| D::Error::custom(format!("{name:?} is no signal")))
    }
}
