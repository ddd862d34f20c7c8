//! A record is one payload that was put away, and what is known of it: of a piece of a batch that no module could process,
//! who was to process it, what it was told besides, and the data as encoded OTLP.
//!
//! It is written as a line of JSON and the payload behind it, so that whoever has neither this program nor its source can
//! read it still.

use bytes::{BufMut, Bytes};
use host_otlp::Signal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of an id: as many as make two of the same unlikely, and no more than a person likes to type.
const ID_BYTES: usize = 6;

/// What may be put away: all but the payload is written as JSON.
pub trait Content: Serialize + DeserializeOwned {
    /// Nanoseconds since the Unix epoch.
    fn time(&self) -> u64;

    /// One OTLP export request, encoded.
    fn payload(&self) -> &Bytes;

    fn set_payload(&mut self, payload: Bytes);
}

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

impl Content for Poison {
    fn time(&self) -> u64 {
        self.time
    }

    fn payload(&self) -> &Bytes {
        &self.payload
    }

    fn set_payload(&mut self, payload: Bytes) {
        self.payload = payload;
    }
}

/// What lies in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<P = Poison> {
    pub id: String,
    pub content: P,
}

#[derive(Serialize)]
struct HeadRef<'a, P> {
    id: &'a str,
    #[serde(flatten)]
    content: &'a P,
}

#[derive(Deserialize)]
struct Head<P> {
    id: String,
    #[serde(flatten)]
    content: P,
}

impl<P: Content> Record<P> {
    /// Gives it an id of its own: `salt` tells apart what is alike in everything else.
    pub(crate) fn new(content: P, salt: u64) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(salt.to_le_bytes());
        hasher.update(content.time().to_le_bytes());
        hasher.update(content.payload());
        let id = hasher.finalize().iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect();
        Record { id, content }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let head = HeadRef { id: &self.id, content: &self.content };
        let mut body = serde_json::to_vec(&head).expect("a record is plain data");
        body.reserve(1 + self.content.payload().len());
        body.put_u8(b'\n');
        body.put_slice(self.content.payload());
        body
    }

    /// None where the bytes are no record that this version can read.
    pub(crate) fn decode(body: &Bytes) -> Option<Self> {
        // JSON has no line break unless somebody puts it there.
        let end = memchr::memchr(b'\n', body)?;
        let Head { id, mut content } = serde_json::from_slice::<Head<P>>(&body[..end]).ok()?;
        content.set_payload(body.slice(end + 1..));
        Some(Record { id, content })
    }
}

/// The id of a record, whatever it holds.
pub(crate) fn id(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Id {
        id: String,
    }
    let end = memchr::memchr(b'\n', body)?;
    serde_json::from_slice::<Id>(&body[..end]).ok().map(|head| head.id)
}

/// A signal, in JSON by its name.
pub mod by_name {
    use host_otlp::Signal;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(signal: &Signal, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(signal.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Signal, D::Error> {
        let name = String::deserialize(from)?;
        let found = Signal::ALL.into_iter().find(|signal| signal.name() == name);
        found.ok_or_else(|| D::Error::custom(format!("{name:?} is no signal")))
    }
}
