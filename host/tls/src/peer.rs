//! A peer that has shown a certificate: the names in it, and for how long its word is taken.
//!
//! A handshake says that a certificate is good at that moment, and connections live for days. Who is [`Vouched`] for is
//! looked at while it is connected: its certificate ends, and the authority that issued it may be taken out of the file.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::{CertificateDer, UnixTime};
use tokio::time::{Instant, sleep};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use crate::server::{Acceptor, Settings};
use crate::stream::Stream;

/// A clock that is set while a connection lives is seen no later than this.
const LONGEST_NAP: Duration = Duration::from_secs(60);
/// How often a certificate is looked at, at the most.
const SHORTEST_NAP: Duration = Duration::from_millis(50);
/// What is told of a certificate that says of itself what nobody can read.
const UNREADABLE: &str = "the client certificate cannot be read";

/// Who has shown a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The alternative names of the subject, by kind.
    pub uris: Vec<String>,
    pub dns_names: Vec<String>,
    /// The common names of the subject, of which there is one at most, usually.
    pub common_names: Vec<String>,
    /// The number of the certificate, in hexadecimal.
    pub serial: String,
    /// Until when the certificate is good.
    pub not_after: SystemTime,
}

/// Somebody whose certificate was good when it was shown.
pub struct Vouched {
    pub peer: Peer,
    chain: Vec<CertificateDer<'static>>,
    acceptor: Arc<Acceptor>,
}

/// Why somebody is not vouched for any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    #[error("the client certificate has expired")]
    Expired,
    #[error("the client certificate is of no authority that is trusted any more: {0}")]
    Withdrawn(String),
}

impl Peer {
    /// Reads a certificate.
    ///
    /// # Errors
    /// Says why it cannot be read.
    fn of(certificate: &CertificateDer<'_>) -> Result<Peer, String> {
        let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| UNREADABLE.to_owned())?;
        let wrong = |error: X509Error| format!("{UNREADABLE}: {error}");
        let (mut uris, mut dns_names) = (Vec::new(), Vec::new());
        // Given twice, it is refused here.
        if let Some(names) = certificate.subject_alternative_name().map_err(wrong)? {
            for name in &names.value.general_names {
                match name {
                    GeneralName::URI(uri) => uris.push((*uri).to_owned()),
                    GeneralName::DNSName(name) => dns_names.push(name.to_ascii_lowercase()),
                    _ => {}
                }
            }
        }
        // One in an alphabet of another age is passed over: what else there is may say who it is.
        let names = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
        let seconds = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
        Ok(Peer {
            uris,
            dns_names,
            common_names: names.map(str::to_owned).collect(),
            serial: certificate.raw_serial_as_string(),
            not_after: UNIX_EPOCH + Duration::from_secs(seconds),
        })
    }
}

impl Acceptor {
    /// Who is at the other end of a stream that it made; none where nobody has to show a certificate.
    ///
    /// # Errors
    /// Says why the certificate cannot be read.
    pub fn vouched(self: &Arc<Self>, stream: &Stream) -> Option<Result<Vouched, String>> {
        let chain = stream.shown();
        let peer = Peer::of(chain.first()?);
        Some(peer.map(|peer| Vouched { peer, chain: chain.to_owned(), acceptor: Arc::clone(self) }))
    }
}

impl Vouched {
    /// Returns when nobody vouches for the peer any more.
    pub async fn ended(&self) -> Ended {
        let interval = self.acceptor.interval;
        let nap = if interval.is_zero() { LONGEST_NAP } else { interval.clamp(SHORTEST_NAP, LONGEST_NAP) };
        let mut last: Option<(Arc<Settings>, Instant)> = None;
        loop {
            let Ok(left) = self.peer.not_after.duration_since(SystemTime::now()) else { return Ended::Expired };
            let settings = self.acceptor.settings.get().await;
            // The whole chain now and then, too: what is between the authority and this one may end first.
            let is_due =
                last.as_ref().is_none_or(|(seen, at)| !Arc::ptr_eq(seen, &settings) || at.elapsed() >= LONGEST_NAP);
            if is_due {
                if let Err(why) = self.verify(&settings) {
                    return Ended::Withdrawn(why);
                }
                last = Some((settings, Instant::now()));
            }
            sleep(left.min(nap) + Duration::from_millis(1)).await;
        }
    }

    fn verify(&self, settings: &Settings) -> Result<(), String> {
        let (Some((own, others)), Some(verifier)) = (self.chain.split_first(), &settings.verifier) else {
            return Ok(());
        };
        let verified = verifier.verify_client_cert(own, others, UnixTime::now());
        verified.map(|_| ()).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests;
