//! Request metadata: the headers of a request that something downstream reads, which go along with its data.

use std::net::IpAddr;
use std::sync::Arc;

use host_component::{IDENTITY, MetadataKeys, Origin, PEER, Signal};
use host_identity::Speaker;
use http::header::HOST;
use http::{HeaderMap, HeaderName, Uri};

use super::status::Rejection;

/// Which headers are kept, by signal.
pub(crate) struct Metadata {
    keys: [Vec<HeaderName>; 3],
    /// Whether the address of the sender is, which is no header and stands in each connection.
    peers: [bool; 3],
    /// Whether its identity is, which stands in its certificate.
    identities: [bool; 3],
    /// Where data came from that brings nothing along.
    nowhere: Arc<Origin>,
}

impl Metadata {
    /// Keeps what `all` names, where the user wants metadata at all.
    pub(crate) fn new(is_included: bool, all: &MetadataKeys) -> Self {
        // What is no name of a header is in no request.
        let names = |signal| all.of(signal).filter_map(|key| HeaderName::try_from(key).ok()).collect();
        let keys = Signal::ALL.map(|signal| if is_included { names(signal) } else { Vec::new() });
        let peers = Signal::ALL.map(|signal| all.of(signal).any(|key| key == PEER));
        let identities = Signal::ALL.map(|signal| all.of(signal).any(|key| key == IDENTITY));
        Metadata { keys, peers, identities, nowhere: Arc::default() }
    }

    /// What a request brings along. Values are text as it stands in the header, also those of gRPC's `-bin` keys, which are
    /// base64 there.
    pub(crate) fn of(
        &self,
        signal: Signal,
        headers: &HeaderMap,
        uri: &Uri,
        peer: IpAddr,
        speaker: Option<&Speaker>,
    ) -> Result<Arc<Origin>, Rejection> {
        let (keys, has_peer) = (&self.keys[signal as usize], self.peers[signal as usize]);
        let speaker = speaker.filter(|_| self.identities[signal as usize]);
        if keys.is_empty() && !has_peer && speaker.is_none() {
            return Ok(self.nowhere.clone());
        }
        let mut metadata = Vec::new();
        if has_peer {
            metadata.push((PEER.to_owned(), peer.to_string()));
        }
        metadata.extend(speaker.map(|speaker| (IDENTITY.to_owned(), speaker.identity().to_owned())));
        for key in keys {
            for value in headers.get_all(key) {
                // To guess at what is no text could make two values one.
                let text = std::str::from_utf8(value.as_bytes())
                    .map_err(|_| Rejection::malformed(format!("the header {key} is read here, and it is no UTF-8")))?;
                metadata.push((key.as_str().to_owned(), text.to_owned()));
            }
            // HTTP/2 says the host in another place.
            if let (true, false, Some(host)) = (key == HOST, headers.contains_key(HOST), uri.authority()) {
                metadata.push((HOST.as_str().to_owned(), host.as_str().to_owned()));
            }
        }
        if metadata.is_empty() {
            return Ok(self.nowhere.clone());
        }
        Ok(Arc::new(Origin { metadata }))
    }
}
