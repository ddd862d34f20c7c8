//! A partial success: a request of which a part was taken, and what its sender is told of the rest.

use bytes::Bytes;
use host_component::Signal;
use host_otlp::wire::{WireType, put_len, put_tag, put_varint};

/// What was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partial {
    pub(crate) signal: Signal,
    pub(crate) rejected: u64,
    pub(crate) message: String,
}

impl Partial {
    /// The response, whose fields have the same numbers for all signals.
    pub(crate) fn encoded(&self) -> Bytes {
        let mut partial = Vec::with_capacity(self.message.len() + 16);
        put_tag(&mut partial, 1, WireType::Varint);
        put_varint(&mut partial, self.rejected);
        put_len(&mut partial, 2, self.message.as_bytes());
        let mut out = Vec::with_capacity(partial.len() + 4);
        put_len(&mut out, 1, &partial);
        out.into()
    }

    /// The same as JSON, where a number of 64 bits is a text.
    pub(crate) fn json(&self) -> Bytes {
        let rejected = match self.signal {
            Signal::Logs => "rejectedLogRecords",
            Signal::Traces => "rejectedSpans",
            Signal::Metrics => "rejectedDataPoints",
        };
        let partial = serde_json::json!({ rejected: self.rejected.to_string(), "errorMessage": self.message });
        serde_json::json!({ "partialSuccess": partial }).to_string().into()
    }
}
