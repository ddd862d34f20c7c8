//! A delivery is a payload on its way through a pipeline, with what must not be lost about where it came from.

use std::sync::Arc;

use host_otlp::Payload;

/// Where data came from: payloads of different origins are never joined.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Origin {
    /// Request metadata that something downstream reads; empty where nothing does.
    pub metadata: Vec<(String, String)>,
}

/// A payload under way.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub payload: Payload,
    pub origin: Arc<Origin>,
    /// The named route that a processor chose, if one did: an index into the routes of the pipeline.
    pub route: Option<u16>,
}

impl Delivery {
    pub fn new(payload: Payload) -> Self {
        Delivery { payload, origin: Arc::default(), route: None }
    }

    /// Whether the two may travel as one.
    pub fn joins(&self, other: &Delivery) -> bool {
        self.payload.signal() == other.payload.signal()
            && self.route == other.route
            && (Arc::ptr_eq(&self.origin, &other.origin) || self.origin == other.origin)
    }
}
