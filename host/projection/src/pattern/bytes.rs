//! Sets of bytes, and whether a piece of text holds one of them: asked 16 bytes at a time.
//!
//! The last chunk is read beyond the end of the text where the buffer goes on, and what lies beyond is masked: short
//! texts then take one step, not fifteen.

use wide::u8x16;

const LANES: usize = 16;

/// Ranges that a set may have to be looked for in chunks.
const MOST: usize = 4;

/// A set of bytes as sorted ranges that do not touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bytes {
    /// First byte and last minus first.
    ranges: Vec<(u8, u8)>,
    /// The same, in each lane.
    lanes: [Lanes; MOST],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lanes {
    from: u8x16,
    width: u8x16,
}

impl Lanes {
    fn of(from: u8, width: u8) -> Lanes {
        Lanes { from: u8x16::splat(from), width: u8x16::splat(width) }
    }

    /// All ones where a lane is in the range.
    #[inline(always)]
    fn found(&self, chunk: u8x16) -> u8x16 {
        let offset = chunk - self.from;
        offset.min(self.width).simd_eq(offset)
    }
}

impl Bytes {
    /// From ranges given by first and last byte.
    pub(super) fn of(ranges: &[(u8, u8)]) -> Bytes {
        let mut sorted = ranges.to_vec();
        sorted.sort_unstable();
        let mut merged: Vec<(u8, u8)> = Vec::new();
        for (from, to) in sorted {
            match merged.last_mut() {
                Some(last) if u16::from(from) <= u16::from(last.1) + 1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        let ranges: Vec<(u8, u8)> = merged.into_iter().map(|(from, to)| (from, to - from)).collect();
        // The first range stands in for those that are not there.
        let lanes = std::array::from_fn(|index| {
            let (from, width) = ranges.get(index).or(ranges.first()).copied().unwrap_or_default();
            Lanes::of(from, width)
        });
        Bytes { ranges, lanes }
    }

    /// The bytes for which `has` says so.
    pub(super) fn filter(has: impl Fn(u8) -> bool) -> Bytes {
        let singles: Vec<(u8, u8)> = (0..=255).filter(|&byte| has(byte)).map(|byte| (byte, byte)).collect();
        Bytes::of(&singles)
    }

    pub(super) fn union(sets: &[Bytes]) -> Bytes {
        Bytes::filter(|byte| sets.iter().any(|set| set.has(byte)))
    }

    /// Whether looking for it is cheap.
    pub(super) fn is_small(&self) -> bool {
        (1..=MOST).contains(&self.ranges.len())
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.ranges.iter().any(|&(from, width)| byte.wrapping_sub(from) <= width)
    }

    /// Roughly how much of ordinary telemetry text these bytes make up.
    pub(super) fn share(&self) -> f64 {
        (0..=255).filter(|&byte| self.has(byte)).map(share).sum::<f64>().clamp(1e-4, 1.0)
    }

    /// Whether `start..end` of `buf` holds a byte of the set.
    #[inline(never)]
    pub(super) fn any(&self, buf: &[u8], start: usize, end: usize) -> bool {
        match self.ranges.len() {
            1 => self.any_of::<1>(buf, start, end),
            2 => self.any_of::<2>(buf, start, end),
            3 => self.any_of::<3>(buf, start, end),
            4 => self.any_of::<4>(buf, start, end),
            _ => buf[start..end].iter().any(|&byte| self.has(byte)),
        }
    }

    /// Which bytes of `start..end` of `buf`, fewer than 64, are in the set: bit `n` is byte `n`. The set is small.
    #[inline]
    pub(super) fn hits(&self, buf: &[u8], start: usize, end: usize) -> u64 {
        match self.ranges.len() {
            1 => self.hits_of::<1>(buf, start, end),
            2 => self.hits_of::<2>(buf, start, end),
            _ => self.hits_of::<MOST>(buf, start, end),
        }
    }

    #[inline(always)]
    fn hits_of<const N: usize>(&self, buf: &[u8], start: usize, end: usize) -> u64 {
        // Four chunks, whether or not the text fills them, are quicker than a loop over those that it does.
        let hits = match buf.get(start..).and_then(<[u8]>::first_chunk::<{ 4 * LANES }>) {
            Some(window) => window
                .as_chunks()
                .0
                .iter()
                .rev()
                .fold(0, |hits, chunk| hits << LANES | u64::from(self.found::<N>(u8x16::new(*chunk)))),
            None => self.last_hits::<N>(buf, start, end),
        };
        hits & ((1 << (end - start)) - 1)
    }

    /// The same at the end of the buffer.
    #[cold]
    fn last_hits<const N: usize>(&self, buf: &[u8], start: usize, end: usize) -> u64 {
        let chunks = (start..end).step_by(LANES);
        chunks.rev().fold(0, |hits, pos| hits << LANES | u64::from(self.found::<N>(load(buf, pos, end))))
    }

    /// Calls `visit` with each position in `start..end` of `buf` that holds a byte of the set, until it says no. Says
    /// whether it never did. With `apart`, positions right behind a letter, a digit or a `_` are left out.
    #[inline]
    pub(super) fn each(
        &self,
        buf: &[u8],
        (start, end): (usize, usize),
        apart: bool,
        mut visit: impl FnMut(usize) -> bool,
    ) -> bool {
        let mut pos = start;
        while pos < end {
            let chunk = load(buf, pos, end);
            let mut found = match self.ranges.len() {
                1 => self.found::<1>(chunk),
                2..=4 => self.found::<4>(chunk),
                _ => chunk.to_array().iter().rev().fold(0, |bits, &byte| bits << 1 | u32::from(self.has(byte))),
            };
            if end - pos < LANES {
                found &= (1 << (end - pos)) - 1;
            }
            if apart && found != 0 {
                // A letter's bit is moved to the position behind it; what stands before the cell does not count.
                let before = pos > start && is_word(u8x16::splat(buf[pos - 1])) != 0;
                found &= !(is_word(chunk) << 1 | u32::from(before));
            }
            while found != 0 {
                if !visit(pos + found.trailing_zeros() as usize) {
                    return false;
                }
                found &= found - 1;
            }
            pos += LANES;
        }
        true
    }

    #[inline(always)]
    fn any_of<const N: usize>(&self, buf: &[u8], start: usize, end: usize) -> bool {
        let Some(window) = buf.get(start..end + LANES) else {
            return buf[start..end].iter().any(|&byte| self.has(byte));
        };
        let len = end - start;
        let mut rest = window;
        let mut left = len;
        while left >= LANES {
            let Some((chunk, behind)) = rest.split_first_chunk::<LANES>() else { return false };
            if self.found::<N>(u8x16::new(*chunk)) != 0 {
                return true;
            }
            rest = behind;
            left -= LANES;
        }
        let Some(chunk) = rest.first_chunk::<LANES>() else { return false };
        self.found::<N>(u8x16::new(*chunk)) & ((1 << left) - 1) != 0
    }

    /// A bit for each lane that is in the set.
    #[inline(always)]
    fn found<const N: usize>(&self, chunk: u8x16) -> u32 {
        let mut found = self.lanes[0].found(chunk);
        for lanes in &self.lanes[1..N] {
            found |= lanes.found(chunk);
        }
        found.to_bitmask()
    }
}

/// The chunk at `pos`, of which at least `pos..end` is filled.
#[inline(always)]
fn load(buf: &[u8], pos: usize, end: usize) -> u8x16 {
    match buf.get(pos..).and_then(<[u8]>::first_chunk::<LANES>) {
        Some(chunk) => u8x16::new(*chunk),
        None => load_short(buf, pos, end),
    }
}

#[cold]
fn load_short(buf: &[u8], pos: usize, end: usize) -> u8x16 {
    let mut chunk = [0; LANES];
    let end = end.min(pos + LANES);
    chunk[..end - pos].copy_from_slice(&buf[pos..end]);
    u8x16::new(chunk)
}

/// A bit for each lane that `\w` matches.
#[inline(always)]
fn is_word(chunk: u8x16) -> u32 {
    let letters = Lanes::of(b'a', 25).found(chunk | u8x16::splat(0x20));
    let digits = Lanes::of(b'0', 9).found(chunk);
    (letters | digits | chunk.simd_eq(u8x16::splat(b'_'))).to_bitmask()
}

/// Roughly how much of ordinary telemetry text one byte makes up.
fn share(byte: u8) -> f64 {
    match byte {
        b'a'..=b'z' => 0.024,
        b'0'..=b'9' => 0.01,
        b'A'..=b'Z' => 0.002,
        b' ' => 0.08,
        b'.' | b'-' | b'/' | b'_' => 0.012,
        b':' | b'=' | b'"' | b',' | b'\n' => 0.006,
        0x80.. => 0.000_1,
        _ => 0.001,
    }
}
