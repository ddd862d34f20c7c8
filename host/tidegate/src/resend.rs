//! Sending again what was put away: a request, until a receiver has answered for good.

use std::time::Duration;

use anyhow::bail;
use bytes::Bytes;
use host_otlp::Signal;
use tokio::time::sleep;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};

use crate::client::{Answer, Client};

/// How long an answer may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
/// How often a request is sent that the receiver wants again.
const TRIES: u32 = 5;
const BACKOFF: Duration = Duration::from_secs(1);

/// A header as it was typed.
pub(crate) type Header = (AsciiMetadataKey, AsciiMetadataValue);

/// What is sent again.
pub(crate) struct Parcel<'a> {
    pub(crate) signal: Signal,
    pub(crate) items: u64,
    pub(crate) payload: Bytes,
    /// What the request said of itself.
    pub(crate) metadata: &'a [(String, String)],
}

/// Sends a request until it is taken.
///
/// # Errors
/// Where it is not.
pub(crate) async fn deliver(client: &Client, parcel: &Parcel<'_>, typed: &[Header]) -> anyhow::Result<()> {
    let metadata = headers(parcel.metadata, typed);
    let mut backoff = BACKOFF;
    for left in (0..TRIES).rev() {
        match client.send_as(parcel.signal, parcel.payload.clone(), &metadata).await {
            Answer::Acknowledged { rejected: 0 } => return Ok(()),
            Answer::Acknowledged { rejected } => {
                bail!("the receiver rejected {rejected} of {}", items(parcel.items, parcel.signal))
            }
            Answer::Failed { code, said } => bail!("the receiver refused it: {code:?}: {said}"),
            Answer::Again { code, said, .. } if left == 0 => bail!("the receiver wants it later: {code:?}: {said}"),
            Answer::Again { after, .. } => {
                sleep(after.unwrap_or(backoff)).await;
                backoff *= 2;
            }
        }
    }
    Ok(())
}

/// So many items, in words.
pub(crate) fn items(items: u64, signal: Signal) -> String {
    format!("{items} {}", signal.items_name().replace('_', " "))
}

/// What the request said of itself goes along; what was typed wins.
fn headers(metadata: &[(String, String)], typed: &[Header]) -> MetadataMap {
    let mut headers = MetadataMap::new();
    for (key, value) in metadata {
        // What is no header did not come as one.
        if let (Ok(key), Ok(value)) = (key.parse::<AsciiMetadataKey>(), value.parse::<AsciiMetadataValue>()) {
            headers.append(key, value);
        }
    }
    for (key, _) in typed {
        headers.remove(key);
    }
    for (key, value) in typed {
        headers.append(key.clone(), value.clone());
    }
    headers
}

/// Reads what was typed.
pub(crate) fn header(text: &str) -> Result<Header, String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    let key = key.trim().to_ascii_lowercase().parse().map_err(|_| format!("{key:?} is no name of a header"))?;
    let value = value.parse().map_err(|_| "the value holds what no header may".to_owned())?;
    Ok((key, value))
}
