//! A component in parts that each fit into an object of Kubernetes, and whole again.

use bytes::Bytes;
use host_compression::{Coding as Packing, Room, UnpackError, pack, unpack};

use crate::digest::Digest;
use crate::manifest::{Coding, Component, Part};

/// A ConfigMap has a mebibyte, and what is binary takes a third more on its way.
const PART: usize = 700 << 10;
/// What is written once and read by each host may take its time to be packed.
const LEVEL: i32 = 19;

/// Why parts make no component.
#[derive(Debug, thiserror::Error)]
pub enum PartsError {
    #[error("the part {name} is not what the manifest says: it has {bytes} bytes with the digest sha256:{digest}")]
    Part { name: String, bytes: usize, digest: Digest },
    #[error("it has {bytes} bytes, more than the limit of {limit} (modules.limits.component_mib)")]
    Size { bytes: u64, limit: u64 },
    #[error("its parts cannot be unpacked: {0}")]
    Unpack(#[from] UnpackError),
    #[error("its parts come to {bytes} bytes with the digest sha256:{digest}, which is not what the manifest says")]
    Component { bytes: usize, digest: Digest },
    #[error("it cannot be packed: {0}")]
    Pack(std::io::Error),
}

/// Unbounded: what is unpacked has a limit of its own.
struct Enough;

impl Room for Enough {
    fn grow(&mut self, _: usize) -> bool {
        true
    }

    fn shrink_to(&mut self, _: usize) {}
}

/// Packs a component and cuts it into parts, which are named by what they are packed to.
///
/// # Errors
/// When the library fails, which no input should make it do.
pub fn cut(name: &str, component: &[u8]) -> Result<(Component, Vec<Bytes>), PartsError> {
    let mut packed = Vec::new();
    let pieces = std::iter::once(component);
    pack(Packing::Zstd, Some(LEVEL), pieces, component.len(), &mut packed).map_err(PartsError::Pack)?;
    let whole = Digest::of(&packed).short();
    let pieces: Vec<Bytes> = packed.chunks(PART).map(Bytes::copy_from_slice).collect();
    let part = |(at, piece): (usize, &Bytes)| Part {
        name: format!("{name}-{whole}-{at}"),
        digest: Digest::of(piece),
        bytes: piece.len() as u64,
    };
    let parts = pieces.iter().enumerate().map(part).collect();
    let (digest, bytes) = (Digest::of(component), component.len() as u64);
    Ok((Component { digest, bytes, coding: Coding::Zstd, parts }, pieces))
}

/// The component that these pieces are the parts of, in order.
///
/// # Errors
/// When one of them, or what they come to, is not what the manifest says, or is larger than the limit.
pub async fn join(component: &Component, pieces: &[Bytes], limit: u64) -> Result<Vec<u8>, PartsError> {
    if component.bytes > limit {
        return Err(PartsError::Size { bytes: component.bytes, limit });
    }
    let mut packed = Vec::new();
    for (at, part) in component.parts.iter().enumerate() {
        let piece = pieces.get(at).cloned().unwrap_or_default();
        let digest = Digest::of(&piece);
        if piece.len() as u64 != part.bytes || digest != part.digest {
            return Err(PartsError::Part { name: part.name.clone(), bytes: piece.len(), digest });
        }
        packed.extend_from_slice(&piece);
    }
    // It fits memory, since it is at most the limit.
    let most = usize::try_from(component.bytes).unwrap_or(usize::MAX);
    let whole = match component.coding {
        Coding::Plain => packed,
        Coding::Gzip => unpack(Packing::Gzip, &packed, most, &mut Enough).await?,
        Coding::Zstd => unpack(Packing::Zstd, &packed, most, &mut Enough).await?,
    };
    let digest = Digest::of(&whole);
    if whole.len() as u64 != component.bytes || digest != component.digest {
        return Err(PartsError::Component { bytes: whole.len(), digest });
    }
    Ok(whole)
}
