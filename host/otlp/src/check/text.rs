//! Whether bytes are UTF-8, made for what telemetry consists of: short texts in ASCII.

/// Whether `text` is UTF-8.
#[inline(always)]
pub(super) fn is_utf8(text: &[u8]) -> bool {
    is_ascii(text) || is_utf8_slowly(text)
}

#[inline(never)]
fn is_utf8_slowly(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok()
}

/// Whether `text` is ASCII. Blocks may overlap, so that no text is looked at byte by byte.
#[inline(always)]
pub(super) fn is_ascii(text: &[u8]) -> bool {
    const HIGH: u128 = u128::from_ne_bytes([0x80; 16]);
    if let Some(last) = text.last_chunk::<16>() {
        let (blocks, _) = text.as_chunks::<16>();
        let all = blocks.iter().fold(u128::from_le_bytes(*last), |bits, block| bits | u128::from_le_bytes(*block));
        return all & HIGH == 0;
    }
    let bits = if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        u64::from_le_bytes(*first) | u64::from_le_bytes(*last)
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        u64::from(u32::from_le_bytes(*first) | u32::from_le_bytes(*last))
    } else {
        u64::from(text.iter().fold(0, |bits, byte| bits | byte))
    };
    bits & HIGH as u64 == 0
}

#[cfg(test)]
mod tests;
