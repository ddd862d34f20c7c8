//! The dictionary of a batch: each attribute key that its cells refer to, once.

use std::collections::HashMap;

use crate::batch::Packed;

/// Keys and their numbers. Lives as long as one batch, so nothing of a payload is found in another's.
#[derive(Debug)]
pub(super) struct Dictionary {
    packed: Packed,
    numbers: HashMap<Box<[u8]>, u32>,
    /// What was asked last for each of some cheap hashes. The map behind it is what bounds the cost of keys that were
    /// chosen to collide.
    recent: Vec<u32>,
}

const RECENT: usize = 256;

/// Keys that most batches do not exceed.
const KEYS: usize = 48;

const NONE: u32 = u32::MAX;

impl Dictionary {
    pub(super) fn new() -> Dictionary {
        Dictionary { packed: Packed::default(), numbers: HashMap::new(), recent: Vec::new() }
    }

    /// The number of `key`.
    pub(super) fn number(&mut self, key: &[u8]) -> u32 {
        if self.recent.is_empty() {
            self.recent = vec![NONE; RECENT];
            self.numbers.reserve(KEYS);
        }
        let slot = slot(key);
        let number = self.recent[slot];
        if number != NONE && self.get(number) == key {
            return number;
        }
        let number = self.settled(key);
        self.recent[slot] = number;
        number
    }

    fn settled(&mut self, key: &[u8]) -> u32 {
        if let Some(number) = self.numbers.get(key) {
            return *number;
        }
        let number = self.packed.ends.len() as u32;
        self.packed.bytes.extend_from_slice(key);
        self.packed.ends.push(self.packed.bytes.len() as u32);
        self.numbers.insert(key.into(), number);
        number
    }

    #[inline]
    fn get(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.packed.ends[number - 1] as usize };
        &self.packed.bytes[start..self.packed.ends[number] as usize]
    }

    pub(super) fn into_packed(self) -> Packed {
        self.packed
    }
}

/// A cheap hash of a key: its length, its first eight bytes and its last.
#[inline]
fn slot(key: &[u8]) -> usize {
    let (first, last) = match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (key.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)), 0),
    };
    let mixed = (first ^ last.rotate_left(29) ^ key.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as usize
}
