//! Sending again what was put away: a request, until a receiver has answered for good.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use host_otlp::Signal;
use host_quarantine::{Content, Record};
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

/// Where to send, and with which headers.
pub(crate) struct Target<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) headers: &'a [Header],
}

/// Sends records that were put away in `folder`, which is `place` in words, and takes out what was taken; success means that
/// all were.
///
/// # Errors
/// Where no receiver answers, or some were not taken.
pub(crate) fn empty<P: Content>(
    folder: &Path,
    place: &str,
    records: &[&Record<P>],
    parcel: impl Fn(&P) -> Parcel<'_>,
    target: &Target<'_>,
) -> anyhow::Result<ExitCode> {
    if records.is_empty() {
        println!("there is nothing to send");
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let failed = runtime.block_on(async {
        let client = Client::connect(target.endpoint, TIMEOUT).await;
        let client = client.with_context(|| format!("no receiver answers at {}", target.endpoint))?;
        let mut failed = 0;
        for record in records {
            let parcel = parcel(&record.content);
            match deliver(&client, &parcel, target.headers).await {
                Ok(()) => {
                    host_quarantine::finish(folder, &record.id)
                        .with_context(|| format!("{} was taken, and stays in {place} all the same", record.id))?;
                    println!("{}: {} taken", record.id, items(parcel.items, parcel.signal));
                }
                Err(error) => {
                    failed += 1;
                    eprintln!("{}: {error:#}", record.id);
                }
            }
        }
        anyhow::Ok(failed)
    })?;
    host_quarantine::compact(folder)?;
    match failed {
        0 => Ok(ExitCode::SUCCESS),
        failed => Err(anyhow!("{failed} records were not taken and stay in {place}")),
    }
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
