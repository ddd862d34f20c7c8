//! The next hop over HTTP: a POST for each request.

mod answer;
mod config;

use host_component::{Failure, Origin, Signal};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Uri};

use super::exporter::Hop;
use super::message::{Framer, Framing, Message, Packing};
use super::status::PartialSuccess;
use crate::http::Client;
use crate::sending::Denial;

pub use config::{Encoding, HttpConfig};

/// Makes the requests of one exporter.
pub(crate) struct Caller {
    client: Client,
    /// None where the configuration names no endpoint for a signal.
    uris: [Option<Uri>; 3],
    /// What a request says of its form.
    form: HeaderMap,
    framer: Framer,
}

impl Caller {
    pub(crate) fn new(client: Client, uris: [Option<Uri>; 3], framing: Framing, packing: Option<Packing>) -> Self {
        let mut form = HeaderMap::new();
        let media_type = if framing == Framing::Json { "application/json" } else { "application/x-protobuf" };
        form.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        if let Some(packing) = packing {
            form.insert(CONTENT_ENCODING, HeaderValue::from_static(packing.name));
        }
        Caller { client, uris, form, framer: Framer::new(framing, packing) }
    }
}

impl Hop for Caller {
    fn framer(&self) -> &Framer {
        &self.framer
    }

    fn refused(&self) -> bool {
        self.client.refused()
    }

    async fn call(&self, signal: Signal, message: &Message, origin: &Origin) -> Result<Option<PartialSuccess>, Denial> {
        let Some(uri) = &self.uris[signal as usize] else {
            let reason = format!("there is no endpoint for {signal}: set `endpoint` or `{signal}_endpoint`");
            return Err(Denial::Failed(Failure::Permanent { reason }));
        };
        let answer = self.client.post(uri, &self.form, message.pieces().to_vec(), origin).await?;
        answer::outcome(&answer)
    }
}
